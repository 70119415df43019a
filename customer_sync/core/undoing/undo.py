"""The way back from a run: every contact as it was, as far as it still is what the run left.

    the run                 and since then                         the way back
    created a contact       nothing was changed in it              it is deleted
    wrote a field           the field holds what was written       the old value
    gave a new address      the old one is free                    the old address
    joined or left a list   the contact is on it, or off it        the other way round
    lifted a block          nobody set it again                    the block is set
    set a block             anything                               nothing: it stays
    set it for a deletion   nobody touched the contact             with leave, it is lifted
    deleted for good        nobody has the address                 it is made anew
    was to, and it was gone anything                               nothing: others deleted it

Whatever was changed since by anybody else is left alone, and said. Nobody who ever said no becomes
mailable: a block is only lifted where a deletion alone was its reason.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from customer_sync.core.changes.draft import BLOCKED, EMAIL, LISTS, MAIL, SMS, same
from customer_sync.core.model import (
    Contact,
    ContactPatch,
    Create,
    Customer,
    Delete,
    Email,
    FieldChange,
    Keep,
    Note,
    Reason,
    Skip,
    Update,
    Why,
)
from customer_sync.core.undoing.memory import after_creation, after_deletion, after_update
from customer_sync.core.undoing.past import Tried
from customer_sync.core.undoing.takeback import said_no, take_back
from customer_sync.core.undoing.wayback import Present, Stay, Staying, WayBack


def undo(tried: Iterable[Tried], now: Present) -> tuple[WayBack, ...]:
    """Return the way back from each change of a run that Brevo may have, the last one first."""
    now = replace(now, by_id={contact.id: contact for contact in now.observed.values()})
    last_first = [one for one in reversed(list(tried)) if one.may_have_arrived]
    while True:
        ways = tuple(_way_back(one, now) for one in last_first)
        taken, leaving = now.taken | _taken(ways, now), _leaving(ways)
        homes = _homes(ways)
        if (taken, leaving, homes) == (now.taken, now.leaving, now.homes):
            return ways
        now = replace(now, taken=taken, leaving=leaving, homes=homes)


def _taken(ways: Iterable[WayBack], now: Present) -> frozenset[Email]:
    """Return the old addresses that somebody else has and does not leave on the way back."""
    vacated = {way.change.before.email for way in ways if isinstance(way.change, Delete)}
    vacated |= _leaving(ways)
    return frozenset(home for home in _homes(ways) if home in now.observed and home not in vacated)


def _homes(ways: Iterable[WayBack]) -> frozenset[Email]:
    """Return the addresses that contacts go home to."""
    changes = (way.change for way in ways)
    return frozenset(
        change.patch.rename_to
        for change in changes
        if isinstance(change, Update) and change.patch.rename_to is not None
    )


def _leaving(ways: Iterable[WayBack]) -> frozenset[Email]:
    """Return the addresses that contacts go home from."""
    changes = (way.change for way in ways)
    return frozenset(
        change.before.email
        for change in changes
        if isinstance(change, Update)
        and change.patch.rename_to is not None
        and change.before.email is not None
    )


def _way_back(tried: Tried, now: Present) -> WayBack:
    change = tried.change
    if any(name in now.waiting for name in names_of(change)):
        return _left_alone(change, Reason.OVERTAKEN)
    if now.suppressed.is_erased(change.customer):
        return _left_alone(change, Reason.ERASED)
    match change:
        case Create():
            return _undo_creation(tried, change, now)
        case Update():
            return _undo_update(tried, change, now)
        case Delete(patch=None):
            return _undo_deletion(tried, change, now)
        case Delete():
            return _undo_update(tried, change, now)


def names_of(change: Create | Update | Delete) -> Iterator[Email]:
    """Yield the addresses that a change is about."""
    yield change.customer.email
    if not isinstance(change, Create) and change.before.email not in {None, change.customer.email}:
        yield Email(str(change.before.email))


def _left_alone(
    change: Create | Update | Delete, reason: Reason, stays: Iterable[Stay] = ()
) -> WayBack:
    customer = change.customer
    skip = Skip(email=customer.email, ids=customer.ids, reason=reason, statements=0)
    return WayBack(change=skip, stays=tuple(stays))


def _person(change: Create | Update | Delete, email: Email, *, is_deleted: bool) -> Customer:
    """Return whom a way back is about; what the shop says of the person is no part of it."""
    return Customer(
        email=email,
        email_at=change.customer.email_at,
        ids=change.customer.ids,
        deleted_at=change.customer.last_at if is_deleted else None,
        is_deleted=is_deleted,
        last_at=change.customer.last_at,
        statements=0,
    )


# ---------------------------------------------------------------- creations


def _undo_creation(tried: Tried, change: Create, now: Present) -> WayBack:
    email = change.customer.email
    contact = now.observed.get(email)
    known = now.confirmed.get(email)
    gone = _person(change, email, is_deleted=True)
    memory = after_creation(tried, change, known, is_home_of_another=email in now.homes)
    if contact is None:
        return WayBack(change=Keep(customer=gone, before=None), memory=memory)
    if tried.contact_id is None:
        return _left_alone(change, Reason.NOT_ITS_OWN)
    if contact.id != tried.contact_id:
        return _left_alone(change, Reason.GONE_SINCE)
    if not _is_as_created(contact, change.patch, known.refused if known else ()):
        return _left_alone(change, Reason.CHANGED_SINCE)
    fields = (FieldChange(name=EMAIL, old=email, new=None, why=Why.UNDONE),)
    delete = Delete(customer=gone, before=contact, patch=None, fields=fields)
    return WayBack(change=delete, memory=memory)


def _is_as_created(contact: Contact, patch: ContactPatch, refused: Collection[str]) -> bool:
    """Tell whether a contact holds what its creation wrote, nothing less and nothing more."""
    names = {*patch.attributes, *contact.attributes} - set(refused)
    return (
        all(same(patch.attributes.get(n), contact.attributes.get(n)) for n in names)
        and contact.list_ids == patch.add_lists
        and not contact.unsubscribed_list_ids
        and contact.is_email_blocked is bool(patch.email_blocked)
        and contact.is_sms_blocked is bool(patch.sms_blocked)
    )


# ---------------------------------------------------------------- deletions for good


def _undo_deletion(tried: Tried, change: Delete, now: Present) -> WayBack:
    before = change.before
    email = before.email or change.customer.email
    known = None if email in now.leaving else now.confirmed.get(change.customer.email)
    attributes = {n: v for n, v in sorted(before.attributes.items()) if n in now.attributes}
    is_blocked = before.is_email_blocked or email in now.suppressed.mail
    is_sms_blocked = before.is_sms_blocked or email in now.suppressed.sms
    lists = (before.list_ids & frozenset(now.list_ids)) - before.unsubscribed_list_ids
    patch = ContactPatch(
        attributes=attributes,
        add_lists=lists,
        email_blocked=True if is_blocked or said_no(tried, known, "email") else None,
        sms_blocked=True if is_sms_blocked or said_no(tried, known, "sms") else None,
    )
    stays = [
        *(
            Stay(name=n, because=Staying.NO_ATTRIBUTE)
            for n in before.attributes.keys() - patch.attributes.keys()
        ),
        *(
            Stay(name=f"list {n}", because=Staying.NO_LIST)
            for n in before.list_ids - before.unsubscribed_list_ids - lists
        ),
    ]
    customer = _person(change, email, is_deleted=False)
    memory = after_deletion(tried, change, known)
    if tried.was_gone:
        return WayBack(change=Keep(customer=customer, before=None), memory=memory)
    there = None if email in now.leaving else now.observed.get(email)
    if there is not None and _is_as_created(there, patch, ()):
        keep = Keep(customer=customer, before=there)
        return WayBack(change=keep, memory=memory.about(there.id))
    if there is not None:
        return _left_alone(change, Reason.GONE_SINCE)
    create = Create(
        customer=customer,
        patch=patch,
        fields=tuple(_fields_of_creation(patch)),
        notes=(Note.MADE_ANEW, *([Note.PARTLY_UNDONE] if stays else [])),
    )
    return WayBack(change=create, memory=memory, stays=tuple(stays))


def _fields_of_creation(patch: ContactPatch) -> Iterator[FieldChange]:
    for name, value in patch.attributes.items():
        yield FieldChange(name=name, old=None, new=value, why=Why.UNDONE)
    for list_id in sorted(patch.add_lists):
        yield FieldChange(name=LISTS, old=None, new=f"+{list_id}", why=Why.UNDONE)
    if patch.email_blocked:
        yield FieldChange(name=MAIL, old=None, new=BLOCKED, why=Why.UNDONE)
    if patch.sms_blocked:
        yield FieldChange(name=SMS, old=None, new=BLOCKED, why=Why.UNDONE)


# ---------------------------------------------------------------- whatever else was written


def _undo_update(tried: Tried, change: Update | Delete, now: Present) -> WayBack:
    contact = now.by_id.get(change.before.id)
    if contact is None:
        return _left_alone(change, Reason.GONE_SINCE)
    back = take_back(tried, change, contact, now)
    if not back.restored and isinstance(change, Update):
        is_block = all(stay.name in {MAIL, SMS} for stay in back.stays)
        reason = Reason.ONLY_BLOCKED if is_block else Reason.CHANGED_SINCE
        return _left_alone(change, reason, back.stays)
    # Where the shop's customer is, which need not be where somebody moved the contact to.
    home = change.customer.email
    if EMAIL in back.restored:
        home = change.before.email or home
    memory = after_update(
        tried,
        change,
        now.confirmed.get(change.customer.email),
        home=home,
        restored=back.restored,
        is_whole=not back.stays,
    )
    customer = _person(change, home, is_deleted=False)
    notes = (*back.notes, *([Note.PARTLY_UNDONE] if back.stays else []))
    if not back.fields:
        keep = Keep(customer=customer, before=contact, notes=notes)
        return WayBack(change=keep, memory=memory, stays=tuple(back.stays))
    update = Update(
        customer=customer,
        before=contact,
        patch=back.patch,
        fields=tuple(back.fields),
        notes=notes,
    )
    return WayBack(change=update, memory=memory, stays=tuple(back.stays))
