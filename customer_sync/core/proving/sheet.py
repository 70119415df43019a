"""The values of the parity sheet: how customers, deletions and contacts stand, in sums and lists.

How a customer of the shop stands, the first that applies:

    invalid           none of its records can be used; records that name the same id or address
                      are one customer
    without address   nothing tells where to write to
    duplicate         a further id at an address: the contact is one, and another id stands for it
    not looked at     the sample left it out
    pending           Brevo lacks something, and it waits in the retry queue
    different         Brevo lacks something, and nothing explains it
    excepted          Brevo differs because that was decided: drift that is kept, a value that
                      Brevo refused, a list that the person left, updates that are disabled
    without consent   as it should be; the shop says no to mailing, and the contact is blocked
    blocked           as it should be; the contact is blocked though the shop does not say no,
                      or the person was erased
    synced            as it should be, and mailable
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from customer_sync.core.changes.suppression import NOBODY, Suppressed
from customer_sync.core.model import (
    Confirmed,
    ContactId,
    Customer,
    Email,
    FieldChange,
    Place,
    Skip,
)


class Standing(StrEnum):
    """How a customer of the shop stands."""

    SYNCED = "synced"
    WITHOUT_CONSENT = "without consent"
    BLOCKED = "blocked"
    DUPLICATE = "duplicate"
    WITHOUT_ADDRESS = "without address"
    INVALID = "invalid"
    PENDING = "pending"
    EXCEPTED = "excepted"
    DIFFERENT = "different"
    UNSEEN = "not looked at"


class Farewell(StrEnum):
    """How the contact of a deleted customer, or of an address that was left, stands."""

    SETTLED = "as it should be"
    PENDING = "pending"
    WITHHELD = "withheld"
    DIFFERENT = "different"
    UNSEEN = "not looked at"


class Owner(StrEnum):
    """Whose a contact in Brevo is."""

    CUSTOMER = "of a customer"
    DELETED = "of a deleted customer"
    REMEMBERED = "of a customer outside these sources"
    NOBODY = "of nobody known"


K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a list: who, and why they stand there."""

    email: Email | None = None
    ids: frozenset[str] = frozenset()
    contact_id: ContactId | None = None
    why: str = ""
    fields: tuple[FieldChange, ...] = ()
    """What Brevo lacks."""
    place: Place | None = None
    """Where the record stood that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[K]):
    """One sum of the sheet."""

    total: int
    """Counted by itself, before anybody was looked at."""
    lists: Mapping[K, tuple[Entry, ...]]

    def count(self, kind: K) -> int:
        """Return how many stand there."""
        return len(self.lists.get(kind, ()))

    @property
    def adds_up(self) -> bool:
        """Tell whether everybody is on exactly one list."""
        return self.total == sum(map(len, self.lists.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A record that was rejected, and the names that it gives."""

    place: Place
    why: str
    names: frozenset[str] = frozenset()
    """Ids and addresses that it mentions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Whom the sources tell of, as the shop last described them."""

    customers: Mapping[Email, Customer]
    skipped: tuple[Skip, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    only_deleted: frozenset[str] = frozenset()
    """Ids of which nothing but a deletion was heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the state knows."""

    confirmed: Mapping[Email, Confirmed] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Addresses, left ones included, and ids of all whom the retry queue holds, and why."""
    withheld: Collection[Email] = frozenset()
    """Whose deletion the guard holds back."""
    suppressed: Suppressed = NOBODY
    """Whom the suppression ledger speaks about."""
    roll: Mapping[Email, bool] = field(default_factory=dict)
    """Everybody who is confirmed, and whether they are deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The sums, with a list behind every number."""

    customers: Part[Standing]
    deleted: Part[Farewell]
    contacts: Part[Owner] | None
    """None where a sample was looked at, which cannot tell."""
    spare: tuple[Entry, ...] = ()
    """Records that were rejected although their customers are known by others."""

    @property
    def unexplained(self) -> int:
        """How many differ from what the shop says with nothing to explain it."""
        return self.customers.count(Standing.DIFFERENT) + self.deleted.count(Farewell.DIFFERENT)

    @property
    def adds_up(self) -> bool:
        """Tell whether everybody is on exactly one list."""
        parts = (self.customers, self.deleted, *((self.contacts,) if self.contacts else ()))
        return all(part.adds_up for part in parts)
