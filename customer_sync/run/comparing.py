"""From what the shop says to changes, of all customers at once or of some of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import structs

from customer_sync.core.changes.diff import diff
from customer_sync.core.customers.fold import Folded
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    Customer,
    Email,
    Policy,
)
from customer_sync.run.listing import Listing
from customer_sync.run.own_writes import LATELY, OwnWrites, own_writes, those_tried
from customer_sync.store import QueueItem, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everybody who is to be compared with Brevo."""

    folded: Folded
    customers: Mapping[Email, Customer]
    """Those who were folded, and whoever is absent from a complete export."""

    @property
    def names(self) -> frozenset[Email]:
        """Every address that has a part in it."""
        return frozenset(name for c in self.customers.values() for name in names_of(c))

    @property
    def ids(self) -> frozenset[str]:
        """The shop's ids of all of them."""
        return frozenset(i for c in self.customers.values() for i in c.ids)

    @property
    def listed(self) -> int:
        """How many living customers the source mentions."""
        return sum(_is_listed(c) and not c.is_deleted for c in self.folded.customers.values())


def desired(
    folded: Folded,
    listing: Listing | None,
    living: Iterable[tuple[Confirmed, frozenset[str]]],
    waiting: Iterable[QueueItem],
    now: datetime,
) -> Desired:
    """Return whom to compare: the *folded*, and who of the *living* a complete *listing* lacks."""
    customers = dict(folded.customers)
    if listing is not None:
        absent = listing.absent(living, listed(folded), now)
        # A contact that was left behind, and still is to be retired, is no deletion for good.
        left = {item.customer.email: item.customer for item in waiting if item.customer.is_left}
        customers |= {customer.email: left.get(customer.email, customer) for customer in absent}
    return Desired(folded=folded, customers=customers)


def listed(folded: Folded) -> dict[Email, Customer]:
    """Return the customers that the source mentions; others came from the queue alone."""
    return {email: c for email, c in folded.customers.items() if _is_listed(c)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is to be done, and what was known before."""

    changes: tuple[Change, ...]
    confirmed: Mapping[Email, Confirmed] = field(default_factory=dict)


def compare(
    wanted: Desired,
    observed: Mapping[Email, Contact],
    store: Store,
    policy: Policy,
    *,
    is_refresh: bool,
) -> Compared:
    """Return one change for each of the *wanted*, by what Brevo holds and what is remembered."""
    names = wanted.names
    confirmed = store.confirmed(names)
    if is_refresh:
        # What Brevo refused before is tried again.
        confirmed = {e: structs.replace(c, refused={}) for e, c in confirmed.items()}
    suppressed = store.suppressed(names, wanted.ids)
    return Compared(
        changes=(
            *wanted.folded.skipped,
            *diff(wanted.customers, observed, confirmed, policy, suppressed),
        ),
        confirmed=confirmed,
    )


def names_of(customer: Customer) -> tuple[Email, ...]:
    """Return every address that has a part in a customer."""
    return (customer.email, *customer.former_emails, *customer.shared_emails)


def lately_written(
    store: Store, names: Collection[Email], now: datetime, *, ahead: timedelta
) -> OwnWrites:
    """Return what this tool wrote lately to contacts at *names*, which listings may not show.

    *ahead* is by how much Brevo's clock is ahead of ours.
    """
    tried = store.tried_lately(names, now - LATELY)
    return own_writes(tried, store.confirmed(those_tried(tried)), ahead=ahead)


def at_risk(customers: Iterable[Customer]) -> Iterator[Email]:
    """Yield the addresses of whoever is deleted or renamed: Brevo forgets a block with that."""
    for customer in customers:
        if customer.is_deleted or customer.former_emails:
            yield from (customer.email, *customer.former_emails)


def _is_listed(customer: Customer) -> bool:
    return customer.statements > 0
