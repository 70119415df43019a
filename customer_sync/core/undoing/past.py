"""What the journal tells of a change that a run tried, and what the state knew before it."""

from dataclasses import dataclass, field
from datetime import datetime

from customer_sync.core.model import Confirmed, ContactId, Email, Write

APPLIED = "applied"
FAILED = "failed"
GONE_ALREADY = "it was gone already"
"""What the journal says of a contact that somebody else had deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Where one of the shop's customers lives, as the state remembers it."""

    customer_id: str
    email: Email
    said_at: datetime
    is_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the state held about the person behind one change before it was tried."""

    confirmed: tuple[Confirmed, ...] = ()
    """At every address that the change is about; of the others nothing was known."""
    identities: tuple[Identity, ...] = ()
    """Of every id that the change is about; the others were new."""

    def at(self, email: Email | None) -> Confirmed | None:
        """Return what was confirmed at *email*."""
        return next((known for known in self.confirmed if known.email == email), None)

    def of(self, customer_id: str) -> Identity | None:
        """Return where the customer with an id lived."""
        return next((one for one in self.identities if one.customer_id == customer_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One change that a run tried."""

    change: Write
    """As it was planned, with the contact as it was; as it was applied, where that differs."""
    route: str
    intended_at: datetime
    outcome: str | None = None
    """`applied`, `deferred`, `failed` or `cut off`; None where the run is at it."""
    detail: str = ""
    finished_at: datetime | None = None
    contact_id: ContactId | None = None
    """The contact that was written, as Brevo told; None for a creation that found one there."""
    known: Known = field(default_factory=Known)
    touched_at: datetime | None = None
    """When this tool, in whatever run, last wrote to the contact."""

    is_superseded: bool = False
    """A later run wrote to the contact, whatever became of this."""

    @property
    def was_gone(self) -> bool:
        """Tell whether the contact was to be deleted and somebody else had done it."""
        return self.detail == GONE_ALREADY

    @property
    def may_have_arrived(self) -> bool:
        """Tell whether Brevo may hold it, whatever the run knew."""
        if self.outcome == APPLIED:
            return True
        return self.outcome != FAILED and not self.is_superseded
