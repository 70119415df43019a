"""How often, how long and with what pauses a request is tried again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from tenacity import RetryCallState

from customer_sync.trouble import Code

Dice: TypeAlias = Callable[[], float]
"""Draws a number, at least 0 and less than 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The bounds of trying again; whichever is reached first ends it."""

    attempts: int = 6
    """How often a request may fail; being told to wait (429) does not count."""
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    give_up_after_s: float = 300.0
    """Time spent on attempts and on the pauses between them, without the rate limit's waits."""

    def pause(self, failures: int, dice: Dice) -> float:
        """Return the pause after that many failures: exponential, with full jitter."""
        ceiling = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 30))
        return dice() * ceiling


class TransientFailure(Exception):
    """An attempt that may succeed when it is made again."""

    def __init__(
        self,
        reason: str,
        *,
        trouble: Code = Code.BREVO_UNAVAILABLE,
        counts: bool = True,
        may_have_arrived: bool = True,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trouble = trouble
        self.counts = counts
        self.may_have_arrived = may_have_arrived
        """Whether Brevo may have done what was asked although its answer is lost."""


@dataclass(slots=True, kw_only=True)
class Patience:
    """What one request has used up of its policy; gives tenacity its pauses and its end."""

    policy: RetryPolicy
    dice: Dice
    monotonic: Callable[[], float]
    deadline: float
    may_repeat: bool
    """False: an attempt that may have arrived is never repeated."""
    attempts: int = field(default=0, init=False)
    failures: int = field(default=0, init=False)
    spent_s: float = field(default=0.0, init=False)

    def pause(self, state: RetryCallState) -> float:
        """Return how long to wait before the next attempt."""
        return self.policy.pause(state.attempt_number, self.dice)

    def note_pause(self, state: RetryCallState) -> None:
        """Count a pause that is about to begin."""
        self.spent_s += state.upcoming_sleep

    def is_over(self, state: RetryCallState) -> bool:
        """Count the failure that *state* tells of; return whether to give up."""
        failure = failure_of(state)
        self.failures += failure.counts
        return (
            (failure.may_have_arrived and not self.may_repeat)
            or self.failures >= self.policy.attempts
            or self.spent_s + state.upcoming_sleep > self.policy.give_up_after_s
            or self.monotonic() + state.upcoming_sleep > self.deadline
        )


def failure_of(state: RetryCallState) -> TransientFailure:
    """Return the failure that tenacity is about to judge; it judges no other exceptions."""
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, TransientFailure):
        raise TypeError("only transient failures are retried")
    return failure
