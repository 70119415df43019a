"""The last stage: whoever is planned together, from statements to changes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import structs

from customer_sync.core.customers.fold import Fold, Folded
from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    Create,
    Customer,
    Dated,
    Email,
    Keep,
    Note,
    Policy,
    Skip,
)
from customer_sync.core.plan import Unchanged
from customer_sync.partitions.links import Token
from customer_sync.partitions.scatter import Scattered
from customer_sync.partitions.spill import replace_with, telling
from customer_sync.run.comparing import Compared, compare, desired, lately_written, listed, names_of
from customer_sync.run.listing import Listing
from customer_sync.run.own_writes import corrected
from customer_sync.run.settling import BlockHomes
from customer_sync.store import QueueItem, Store
from customer_sync.store.retry_queue import due_or_concerned


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all partitions of a plan."""

    policy: Policy
    now: datetime
    ahead: timedelta = timedelta(0)
    """By how much Brevo's clock is ahead of ours."""
    is_refresh: bool = False
    keeps: Path | None = None
    """The folder for the contacts that are right as they are; None where nobody asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A partition that is to be planned, and what concerns it beside its statements."""

    number: int
    left: frozenset[Token] = frozenset()
    """The addresses that are planned elsewhere."""
    waiting: tuple[QueueItem, ...] = ()
    """Everybody of the retry queue who is planned here."""
    confirmed_deletes: tuple[Customer, ...] = ()
    found: Mapping[str, Dated[Email]] = field(default_factory=dict)
    """Where Brevo has the customers of whom only the shop's id is known."""
    listing: Listing | None = None
    """Given where absence from the input means deletion."""
    answers: Mapping[Email, Contact | None] = field(default_factory=dict)
    """What Brevo answered about addresses of which it was not known what had arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """What is to be done about a partition."""

    number: int
    changes: tuple[Change, ...]
    """All but those that keep a contact as it is."""
    confirmed: Mapping[Email, Confirmed]
    """What was known of whoever is changed."""
    kept: Unchanged
    statements: int
    listed: int
    retried: int
    unsure: frozenset[Email]
    """Addresses of which it is not known whether the last write arrived."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A contact that is right as it is, with what was known of it, and its only block."""

    change: Keep
    known: dict[Email, Confirmed]
    home: bytes | None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Kept)


def plan_part(part: Part, rows: Scattered, store: Store, terms: Terms) -> PartPlan:
    """Plan the customers of one partition."""
    fold, homes = Fold(), BlockHomes()
    for customer in part.confirmed_deletes:
        fold.add_customer(structs.replace(customer, statements=0))
    statements = 0
    for row in rows.rows(part.number, part.left):
        fold.add(row.statement, row.order)
        homes.note(row.statement, row.home)
        statements += 1
    retried = _add_waiting(part, fold, homes, store, terms.now)
    identities = store.identities(fold.ids, fold.emails)
    found = {i: where for i, where in part.found.items() if i not in identities.addresses}
    known = replace(identities, addresses={**identities.addresses, **found})
    folded = fold.customers(known)
    living = _living(part, rows, store, folded)
    wanted = desired(folded, part.listing, living, part.waiting, terms.now)
    observed, unsure = _observed(wanted.names, part.answers, store, terms)
    compared = compare(wanted, observed, store, terms.policy, is_refresh=terms.is_refresh)
    keeps = [change for change in compared.changes if isinstance(change, Keep)]
    if terms.keeps is not None:
        _write(terms.keeps / f"{part.number}", keeps, compared, homes)
    changes = tuple(change for change in compared.changes if not isinstance(change, Keep))
    return PartPlan(
        number=part.number,
        changes=changes,
        confirmed=_known(changes, compared.confirmed),
        kept=_counted(keeps),
        statements=statements,
        listed=wanted.listed,
        retried=retried,
        unsure=unsure,
    )


def kept(folder: Path, number: int) -> Iterator[Kept]:
    """Yield the contacts of a partition that are right as they are."""
    path = folder / f"{number}"
    if path.exists():
        with path.open("rb") as file:
            yield from map(_DECODER.decode, file)


def _add_waiting(part: Part, fold: Fold, homes: BlockHomes, store: Store, now: datetime) -> int:
    """Take in what waits for a retry that is due, or for somebody who was mentioned."""
    if not part.waiting:
        return 0
    names = fold.emails | _addresses(store.identities(fold.ids, fold.emails))
    waiting = due_or_concerned(part.waiting, now=now, emails=names, ids=fold.ids)
    for customer in {item.customer.email: item.customer for item in waiting}.values():
        fold.add_customer(structs.replace(customer, statements=0))
        for email in (customer.email, *customer.former_emails):
            homes.note_waiting(customer.ids, email)
    return len(waiting)


def _addresses(identities: Identities) -> frozenset[Email]:
    return frozenset(one.value for one in identities.addresses.values())


def _living(
    part: Part, rows: Scattered, store: Store, folded: Folded
) -> Iterator[tuple[Confirmed, frozenset[str]]]:
    """Yield those who were confirmed here and are not listed, with their ids."""
    if part.listing is None:
        return
    present = part.listing.present(listed(folded).values())
    absent = {
        email: ids
        for email, ids in rows.living_in(part.number)
        if email not in present and ids.isdisjoint(present)
    }
    for email, confirmed in sorted(store.confirmed(absent).items()):
        yield confirmed, absent[email]


def _observed(
    names: Collection[Email],
    answers: Mapping[Email, Contact | None],
    store: Store,
    terms: Terms,
) -> tuple[dict[Email, Contact], frozenset[Email]]:
    """Return the contacts at *names* by the mirror, and of whom it cannot be relied upon."""
    own = lately_written(store, names, terms.now, ahead=terms.ahead)
    found = corrected(store.mirrored(names), store.mirrored_by_id(own.by_id), own.by_id, names)
    told = {email: contact for email, contact in answers.items() if email in names}
    observed = {email: contact for email, contact in found.items() if email not in told}
    observed |= {email: contact for email, contact in told.items() if contact is not None}
    return observed, own.unsure.intersection(names) - told.keys()


def _known(
    changes: Iterable[Change], confirmed: Mapping[Email, Confirmed]
) -> dict[Email, Confirmed]:
    """Return what of *confirmed* is about the customers of *changes*."""
    return {
        name: confirmed[name]
        for change in changes
        if not isinstance(change, Skip)
        for name in _names(change)
        if name in confirmed
    }


def _names(change: Change) -> Iterator[Email]:
    if isinstance(change, Skip):
        return
    yield from names_of(change.customer)
    if not isinstance(change, Create) and change.before and change.before.email:
        yield change.before.email


def _counted(keeps: Collection[Keep]) -> Unchanged:
    notes: Counter[Note] = Counter(note for change in keeps for note in change.notes)
    return Unchanged(
        records=sum(change.customer.statements for change in keeps),
        customers=len(keeps),
        notes=notes,
    )


def _write(path: Path, keeps: Iterable[Keep], compared: Compared, homes: BlockHomes) -> None:
    """Keep what is right as it is until the plan is applied."""
    path.parent.mkdir(exist_ok=True)
    rows = (
        Kept(change=change, known=_known([change], compared.confirmed), home=homes.of(change))
        for change in keeps
    )
    with telling():
        replace_with(path, b"".join(_ENCODER.encode(row) + b"\n" for row in rows))
