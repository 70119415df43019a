"""Shop, state and account put side by side: everybody's standing, by the difference of a run.

Values are compared as the next run would; a field that nobody ever mentioned is not looked at.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from customer_sync.core.changes.diff import diff
from customer_sync.core.model import (
    Change,
    Contact,
    ContactId,
    Create,
    Customer,
    Delete,
    Email,
    Keep,
    Note,
    Policy,
    Reason,
    Skip,
    Update,
    Write,
)
from customer_sync.core.proving.sheet import (
    Entry,
    Farewell,
    K,
    Memory,
    Owner,
    Part,
    Sheet,
    Shop,
    Standing,
    Unusable,
)


def compare(
    shop: Shop,
    observed: Mapping[Email, Contact],
    memory: Memory,
    policy: Policy,
    *,
    looked_at: Collection[Email] | None = None,
    contacts: Iterable[Contact] | None = None,
) -> Sheet:
    """Return how everybody stands.

    *observed* holds what Brevo has at the addresses of *looked_at* (None: of everybody), former
    addresses included; *contacts* is the whole account, where it was listed.
    """
    seen = shop.customers.keys() if looked_at is None else looked_at
    asked = {email: customer for email, customer in shop.customers.items() if email in seen}
    changes = list(diff(asked, observed, memory.confirmed, policy, memory.suppressed))
    known, unknown = _by_acquaintance(shop)
    return Sheet(
        customers=Part(
            total=_count_living(shop) + len(unknown),
            lists=_lists([*_living(shop, seen, changes, memory, observed), *_invalid(unknown)]),
        ),
        deleted=Part(
            total=_count_deleted(shop, changes),
            lists=_lists(_deleted(shop, seen, changes, memory)),
        ),
        contacts=None if contacts is None else _owners(contacts, shop, changes, memory),
        spare=tuple(map(_rejected, known)),
    )


def _lists(entries: Iterable[tuple[K, Entry]]) -> dict[K, tuple[Entry, ...]]:
    lists: dict[K, list[Entry]] = defaultdict(list)
    for kind, entry in entries:
        lists[kind].append(entry)
    return {kind: tuple(listed) for kind, listed in lists.items()}


# ---------------------------------------------------------------- customers of the shop


def _count_living(shop: Shop) -> int:
    at_addresses = sum(max(1, len(c.ids)) for c in shop.customers.values() if not c.is_deleted)
    return at_addresses + sum(_is_without_address(skip, shop) for skip in shop.skipped)


def _is_without_address(skip: Skip, shop: Shop) -> bool:
    return skip.email is None and not skip.ids <= shop.only_deleted


def _living(
    shop: Shop,
    seen: Collection[Email],
    changes: Sequence[Change],
    memory: Memory,
    observed: Mapping[Email, Contact],
) -> Iterator[tuple[Standing, Entry]]:
    planned = _by_address(changes)
    for skip in shop.skipped:
        if _is_without_address(skip, shop):
            yield Standing.WITHOUT_ADDRESS, Entry(ids=skip.ids, why=skip.reason.value)
    for email, customer in shop.customers.items():
        if customer.is_deleted:
            continue
        first, others = sorted(customer.ids)[:1], sorted(customer.ids)[1:]
        for other in others:
            why = f"shares its contact with id {first[0]}"
            yield Standing.DUPLICATE, Entry(email=email, ids=frozenset({other}), why=why)
        ids = frozenset(first)
        if email not in seen:
            yield Standing.UNSEEN, Entry(email=email, ids=ids)
        elif email in planned:
            standing, why = _stands(planned[email], customer, memory)
            if standing is Standing.EXCEPTED and _is_mailed_against(customer, observed.get(email)):
                # No decision of an operator explains this.
                standing, why = Standing.DIFFERENT, f"said no, and can be mailed: {why}"
            yield standing, _entry(planned[email], ids, why)
        else:
            yield Standing.EXCEPTED, Entry(email=email, ids=ids, why=_ELSEWHERE)


def _says_no(customer: Customer) -> bool:
    return customer.email_consent is not None and not customer.email_consent.value


def _is_mailed_against(customer: Customer, contact: Contact | None) -> bool:
    return _says_no(customer) and contact is not None and not contact.is_email_blocked


def _by_address(changes: Sequence[Change]) -> dict[Email | None, Change]:
    """Return the first change at each address, which is the customer's own."""
    return {_address(change): change for change in reversed(changes)}


def _entry(change: Change, ids: frozenset[str], why: str) -> Entry:
    before = None if isinstance(change, Skip | Create) else change.before
    return Entry(
        email=_address(change),
        ids=ids,
        contact_id=before.id if before else None,
        why=why,
        fields=() if isinstance(change, Skip | Keep) else change.fields,
    )


def _address(change: Change) -> Email | None:
    return change.email if isinstance(change, Skip) else change.customer.email


def _stands(change: Change, customer: Customer, memory: Memory) -> tuple[Standing, str]:
    match change:
        case Create() | Update() | Delete():
            waits = _waits(change, memory)
            return (
                (Standing.PENDING, waits) if waits else (Standing.DIFFERENT, _why(change, memory))
            )
        case Skip(reason=Reason.ERASED):
            return Standing.BLOCKED, change.reason.value
        case Skip():
            return Standing.EXCEPTED, change.reason.value
        case Keep(before=None):
            # Whoever stays deleted has said no anew, and there is nothing to block.
            return Standing.EXCEPTED, Reason.DELETED.value
        case Keep():
            return _stands_as_kept(change, customer)


def _stands_as_kept(change: Keep, customer: Customer) -> tuple[Standing, str]:
    decided = [note.value for note in change.notes if note in _DECIDED]
    if decided:
        return Standing.EXCEPTED, "; ".join(decided)
    if change.before is None or not change.before.is_email_blocked:
        return Standing.SYNCED, ""
    if _says_no(customer):
        return Standing.WITHOUT_CONSENT, "the shop says no"
    return Standing.BLOCKED, "blocked in Brevo; the shop does not say no"


_ELSEWHERE = "what is planned is about a contact at another address"

_DECIDED = frozenset({Note.DRIFT_KEPT, Note.REFUSED_BEFORE, Note.LEFT_LIST})
"""Remarks that explain a difference which stays."""


def _waits(change: Write, memory: Memory) -> str:
    """Return why the customer of *change* waits in the retry queue; nothing where it does not."""
    customer = change.customer
    names = (customer.email, *customer.former_emails, *sorted(customer.ids))
    return next((memory.waiting[name] for name in names if name in memory.waiting), "")


def _why(change: Write, memory: Memory) -> str:
    match change:
        case Create():
            before = memory.confirmed.get(change.customer.email)
            is_lost = before is not None and not before.is_deleted
            return "was written, and is gone from Brevo" if is_lost else "was never written"
        case Update() | Delete():
            return ", ".join(dict.fromkeys(one.why.value for one in change.fields))


# ---------------------------------------------------------------- records that cannot be used


def _by_acquaintance(shop: Shop) -> tuple[list[Unusable], list[Unusable]]:
    """Return the rejected records of customers who are counted otherwise, and one for each other.

    A record that shares a name with an earlier one is about the same customer.
    """
    names: set[str] = {*shop.customers}
    names.update(i for customer in shop.customers.values() for i in customer.ids)
    for skip in shop.skipped:
        names.update(skip.ids, {skip.email} if skip.email else ())
    known: list[Unusable] = []
    unknown: list[Unusable] = []
    for one in shop.unusable:
        (unknown if names.isdisjoint(one.names) else known).append(one)
        names.update(one.names)
    return known, unknown


def _invalid(unknown: Iterable[Unusable]) -> Iterator[tuple[Standing, Entry]]:
    return ((Standing.INVALID, _rejected(one)) for one in unknown)


def _rejected(one: Unusable) -> Entry:
    return Entry(why=one.why, place=one.place)


# ---------------------------------------------------------------- deleted customers


def _count_deleted(shop: Shop, changes: Iterable[Change]) -> int:
    deleted = sum(customer.is_deleted for customer in shop.customers.values())
    in_vain = sum(not _is_without_address(skip, shop) for skip in shop.skipped)
    return deleted + in_vain + sum(_address(c) not in shop.customers for c in changes)


def _deleted(
    shop: Shop, seen: Collection[Email], changes: Sequence[Change], memory: Memory
) -> Iterator[tuple[Farewell, Entry]]:
    for skip in shop.skipped:
        if not _is_without_address(skip, shop):
            why = skip.reason.value
            yield Farewell.SETTLED, Entry(email=skip.email, ids=skip.ids, why=why)
    planned = _by_address(changes)
    for email, customer in shop.customers.items():
        if not customer.is_deleted:
            continue
        if email not in seen:
            yield Farewell.UNSEEN, Entry(email=email, ids=customer.ids)
        elif email in planned:
            farewell, why = _leaves(planned[email], memory)
            yield farewell, _entry(planned[email], customer.ids, why)
        else:
            yield Farewell.SETTLED, Entry(email=email, ids=customer.ids, why=_ELSEWHERE)
    for change in changes:
        if _address(change) not in shop.customers:
            farewell, why = _leaves(change, memory)
            yield farewell, _entry(change, frozenset(), why)


def _leaves(change: Change, memory: Memory) -> tuple[Farewell, str]:
    match change:
        case Skip():
            return Farewell.SETTLED, change.reason.value
        case Keep():
            return Farewell.SETTLED, "no contact" if change.before is None else "out of use"
        case Create() | Update() | Delete():
            if change.customer.email in memory.withheld:
                return Farewell.WITHHELD, "the guard holds the deletion back"
            waits = _waits(change, memory)
            return (
                (Farewell.PENDING, waits) if waits else (Farewell.DIFFERENT, _why(change, memory))
            )


# ---------------------------------------------------------------- contacts


def _owners(
    contacts: Iterable[Contact], shop: Shop, changes: Sequence[Change], memory: Memory
) -> Part[Owner]:
    owned: dict[ContactId, Owner] = {}
    for change in changes:
        before = None if isinstance(change, Skip | Create) else change.before
        if before is not None:
            owned[before.id] = _owner_at(_address(change), shop, memory)
    total = 0
    entries = []
    for contact in contacts:
        total += 1
        owner = owned.get(contact.id) or _owner_at(contact.email, shop, memory)
        entries.append((owner, Entry(email=contact.email, contact_id=contact.id)))
    return Part(total=total, lists=_lists(entries))


def _owner_at(email: Email | None, shop: Shop, memory: Memory) -> Owner:
    """Return who an address belongs to."""
    customer = shop.customers.get(email) if email is not None else None
    if customer is not None:
        return Owner.DELETED if customer.is_deleted else Owner.CUSTOMER
    is_deleted = memory.roll.get(email) if email is not None else None
    if is_deleted is None:
        return Owner.NOBODY
    return Owner.DELETED if is_deleted else Owner.REMEMBERED
