"""Who tells others of a run: what a session lets them know, and when."""

from typing import Protocol

from customer_sync.core.model import Outcome
from customer_sync.run.report import RunReport
from customer_sync.store import Outbox


class Herald(Protocol):
    """Whoever tells others of a run that writes; nothing that happens to them fails it."""

    def begin(self, outbox: Outbox) -> None:
        """The run begins; what is still to be told of earlier ones is in *outbox*."""
        ...

    def expect(self, writes: int) -> None:
        """There will be so many changes."""
        ...

    def outcome(self, outcome: Outcome) -> None:
        """A change has its outcome."""
        ...

    def end(self, report: RunReport, outbox: Outbox | None) -> None:
        """The run is over; called once more, it does nothing. None: the state is closed."""
        ...


class NoHerald:
    """Nobody is told."""

    def begin(self, outbox: Outbox) -> None:
        """Let it pass."""

    def expect(self, writes: int) -> None:
        """Let it pass."""

    def outcome(self, outcome: Outcome) -> None:
        """Let it pass."""

    def end(self, report: RunReport, outbox: Outbox | None) -> None:
        """Let it pass."""
