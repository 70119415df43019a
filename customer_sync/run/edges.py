"""What a run is given: everything it touches, and what the operator asks of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from customer_sync.brevo.client import BrevoClient
from customer_sync.clock import Clock
from customer_sync.core.model import Delete, FieldWarning, Limit, Rejection
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.partitions.spill import SpillRoom
from customer_sync.run.scale import Scale
from customer_sync.store import Store


class Display(Protocol):
    """Whoever watches a run."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the operator asks of one run; None leaves it to the configuration."""

    route: RouteChoice = RouteChoice.AUTO
    max_deletes: Limit | None = None
    max_rejects: Limit | None = None
    is_complete: bool = False
    """The source lists every customer there is, so that absence means deletion."""
    is_refresh: bool = False
    """List all of Brevo's contacts, and try again what Brevo refused before."""
    confirmed_deletes: tuple[Delete, ...] = ()
    """Deletions that the guard withheld before and that a person confirmed."""
    listing_good_for: timedelta = timedelta(0)
    """How long a listing of very many contacts will do, where runs follow each other closely."""
    scale: Scale = field(default_factory=Scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Everything a run touches that is not its input."""

    account: BrevoClient
    store: Store
    clock: Clock
    display: Display
    room: SpillRoom | None = None
    """Where a large input may be kept while it is planned; without it, all is planned in memory."""
