"""Who follows a run while it goes on, and what they are told."""

from typing import Protocol

from customer_sync.brevo.exchange import RequestEvent
from customer_sync.core.model import FieldWarning, Outcome, Rejection
from customer_sync.pull.client import ShopRequest


class Listener(Protocol):
    """Whoever follows a run; what it raises ends the run."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins, with so many steps if that is known."""
        ...

    def step(self, count: int = 1) -> None:
        """So many steps of the stage are done."""
        ...

    def rejection(self, rejection: Rejection) -> None:
        """A record cannot be used."""
        ...

    def warning(self, warning: FieldWarning) -> None:
        """A field cannot be used, its customer can."""
        ...

    def note(self, line: str) -> None:
        """Something is worth telling, in words."""
        ...

    def outcome(self, outcome: Outcome) -> None:
        """A change has its outcome."""
        ...

    def request(self, event: RequestEvent) -> None:
        """A request to Brevo was made, or waits."""
        ...

    def shop_request(self, request: ShopRequest) -> None:
        """A request to the shop was made."""
        ...


class Progress:
    """Lets everything pass; a kind of it overrides what it wants to hear.

    It is called in the thread of the run.
    """

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins, with so many steps if that is known."""

    def step(self, count: int = 1) -> None:
        """So many steps of the stage are done."""

    def rejection(self, rejection: Rejection) -> None:
        """A record cannot be used."""

    def warning(self, warning: FieldWarning) -> None:
        """A field cannot be used, its customer can."""

    def note(self, line: str) -> None:
        """Something is worth telling, in words."""

    def outcome(self, outcome: Outcome) -> None:
        """A change has its outcome."""

    def request(self, event: RequestEvent) -> None:
        """A request to Brevo was made, or waits."""

    def shop_request(self, request: ShopRequest) -> None:
        """A request to the shop was made."""
