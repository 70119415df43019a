"""How a delivery went, and how often it is tried: a few times, in seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import tenacity

from customer_sync.store.outbox import Letter

ATTEMPTS = 3
"""How often one letter is sent in one go; what did not arrive then waits for the next run."""

Pause: TypeAlias = Callable[[float], None]
"""Waits so many seconds, or less where somebody is in a hurry."""

_BACKOFF = tenacity.wait_random_exponential(multiplier=0.5, max=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    is_delivered: bool
    told: str
    """In a few words, without any secret."""
    may_be_repeated: bool = True
    """Whether another attempt right away makes sense."""


class Recipient(Protocol):
    """Somebody who can be told."""

    @property
    def name(self) -> str:
        """What letters to them are kept under."""
        ...

    def send(self, letter: Letter) -> Answer:
        """Send *letter* once; nothing that happens on the way is raised."""
        ...

    def close(self) -> None:
        """Let go of what is held open for them."""
        ...


def deliver(
    letter: Letter, recipient: Recipient, *, pause: Pause, attempts: int = ATTEMPTS
) -> Answer:
    """Send *letter* until it arrives, at most a few times."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(_is_worth_another),
        stop=tenacity.stop_after_attempt(attempts),
        wait=_BACKOFF,
        sleep=pause,
    )
    try:
        return retrying(recipient.send, letter)
    except tenacity.RetryError as given_up:
        answer: Answer = given_up.last_attempt.result()
        return answer


def _is_worth_another(answer: Answer) -> bool:
    return answer.may_be_repeated and not answer.is_delivered
