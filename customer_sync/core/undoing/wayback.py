"""The values that undoing a run is told in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from customer_sync.core.changes.suppression import NOBODY, Suppressed
from customer_sync.core.model import Change, Confirmed, Contact, ContactId, Email
from customer_sync.core.undoing.memory import Memory


class Staying(StrEnum):
    """Why something that a run wrote is not taken back."""

    CHANGED = "it was changed since that run"
    TAKEN = "another contact has the old address"
    LEFT = "the person left it since, and is not put back"
    NO_LIST = "the list does not exist any more"
    NO_ATTRIBUTE = "the attribute does not exist any more, or cannot be written"
    SAID_NO = "the block stays: it stands for a no"
    TOUCHED = "the block stays: somebody touched the contact since, which may have been a no"
    NOT_ASKED = "the block of the deletion stays; --unblock lifts it where nobody said no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One thing that does not come back."""

    name: str
    """An attribute, or how a preview names what is none."""
    because: Staying


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What undoes one change, and what is known once that is done."""

    change: Change
    memory: Memory = field(default_factory=Memory)
    stays: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """How things are now, next to which a run is undone."""

    observed: Mapping[Email, Contact]
    """By the address that the contact has now, wherever that is."""
    by_id: Mapping[ContactId, Contact] = field(default_factory=dict)
    """The same by Brevo's number."""
    confirmed: Mapping[Email, Confirmed] = field(default_factory=dict)
    suppressed: Suppressed = NOBODY
    waiting: Collection[Email] = ()
    """Whoever has news in the retry queue."""
    attributes: Collection[str] = ()
    """Those that the account has and that can be written."""
    list_ids: Collection[int] = ()
    """The lists that the account has."""
    taken: frozenset[Email] = frozenset()
    """Addresses that nobody can go back to."""
    leaving: frozenset[Email] = frozenset()
    """Addresses whose contacts go back to others, so that they are free."""
    homes: frozenset[Email] = frozenset()
    """Addresses that contacts go back to."""
    unsubscribed: Collection[ContactId] = ()
    """Contacts whose people followed a link out of all mails since that run."""
    may_unblock: bool = False
    """The operator's leave to lift the blocks of deletions."""
    clock_ahead: timedelta = timedelta(0)
    """By how much Brevo's clock is ahead of ours."""
