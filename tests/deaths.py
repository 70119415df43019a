"""Runs that end in the middle: a state and a watch which die at a step that was chosen before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from customer_sync.brevo.exchange import Attempt, RequestEvent
from customer_sync.console import Watch
from customer_sync.core.model import Confirmed, ContactId, Email, Keep, Write
from customer_sync.store import QueueItem, Store

T = TypeVar("T")


class Killed(BaseException):
    """The process ends here."""


@dataclass(slots=True)
class Death:
    """Comes at a certain step of a run; at no step where *at* is 0."""

    at: int
    steps: int = 0
    was_accepted: bool = False

    def step(self) -> None:
        """Go on, unless this is the step."""
        self.steps += 1
        if self.steps == self.at:
            raise Killed

    def around(self, work: Callable[[], T]) -> T:
        """Do *work* with a step before it and a step after it."""
        self.step()
        done = work()
        self.step()
        return done

    def open_state(self, path: Path) -> Store:
        """Open a state that dies with this."""
        store = MortalStore(path)
        store.death = self
        return store


def is_death(error: BaseException) -> bool:
    """Tell whether *error* is the chosen end and nothing else, alone or of tasks side by side."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(Killed)[1] is None
    return isinstance(error, Killed)


class MortalStore(Store):
    """A state whose process may die before and after each change of it."""

    death: Death

    def accept(self, items: Sequence[QueueItem]) -> None:
        """Queue, and maybe die."""
        self.death.step()
        super().accept(items)
        self.death.was_accepted = True
        self.death.step()

    def record_kept(
        self, kept: Iterable[tuple[Keep, Confirmed]], superseded: Iterable[Confirmed] = ()
    ) -> None:
        """Confirm, and maybe die."""
        self.death.around(lambda: super(MortalStore, self).record_kept(kept, superseded))

    def dequeue(self, emails: Iterable[Email]) -> None:
        """Take off the queue, and maybe die."""
        self.death.around(lambda: super(MortalStore, self).dequeue(emails))

    def intend(self, run_id: str, changes: Sequence[Write], route: str, now: datetime) -> None:
        """Note the intention, and maybe die."""
        self.death.around(lambda: super(MortalStore, self).intend(run_id, changes, route, now))

    def record_applied(
        self,
        run_id: str,
        change: Write,
        confirmed: Confirmed,
        now: datetime,
        *,
        superseded: Confirmed | None = None,
        gone: ContactId | None = None,
        detail: str = "",
    ) -> None:
        """Note the success, and maybe die."""
        self.death.around(
            lambda: super(MortalStore, self).record_applied(
                run_id, change, confirmed, now, superseded=superseded, gone=gone, detail=detail
            )
        )

    def remember(self, facts: Mapping[str, str]) -> None:
        """Remember, and maybe die."""
        self.death.around(lambda: super(MortalStore, self).remember(facts))


class MortalWatch(Watch):
    """Dies when an answer has arrived, before anybody heard of it."""

    def __init__(self, death: Death) -> None:
        super().__init__(Console(quiet=True), is_quiet=True, is_verbose=False)
        self._death = death

    def request(self, event: RequestEvent) -> None:
        """See an answer, and maybe die."""
        if isinstance(event, Attempt):
            self._death.step()
