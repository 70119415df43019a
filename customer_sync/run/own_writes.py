"""What this tool wrote lately counts, even while Brevo's listings do not show it yet.

Brevo promises nothing about when a listing shows what was written. A listing that is behind shows
a contact at the address that it has just left, and whoever gets that address next would be written
into it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Delete,
    Email,
    Write,
)
from customer_sync.core.undoing.past import APPLIED, FAILED, Tried

LATELY = timedelta(minutes=10)
"""How far back a listing may be."""

CLOCKS_DIFFER = timedelta(seconds=2)
"""Brevo tells its time to the second."""

MOST_QUESTIONS = 100
"""For so many contacts Brevo is asked one by one where nobody knows what arrived; beyond that the
listing has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWrite:
    """A contact as this tool left it; None: it is gone."""

    contact: Contact | None
    at: datetime
    """By Brevo's clock, before the request left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWrites:
    """What was written lately, and of which addresses it is not known what arrived."""

    by_id: Mapping[ContactId, OwnWrite] = field(default_factory=dict)
    unsure: frozenset[Email] = frozenset()


NOTHING_WRITTEN = OwnWrites()


def own_writes(
    tried: Iterable[Tried], confirmed: Mapping[Email, Confirmed], *, ahead: timedelta
) -> OwnWrites:
    """Return what *tried*, in its order, came to.

    What Brevo would not take was not written: *confirmed*, asked for `those_tried`, tells of it.
    *ahead* is by how much Brevo's clock is ahead of ours.
    """
    by_id: dict[ContactId, OwnWrite] = {}
    unsure: set[Email] = set()
    for one in tried:
        if one.outcome == FAILED:
            continue
        contact_id = _known_id(one)
        if contact_id is None:
            unsure |= _addresses(one.change)
            continue
        by_id[contact_id] = OwnWrite(
            contact=written(one.change, contact_id, refused=_refused(one.change, confirmed)),
            at=one.intended_at + ahead - CLOCKS_DIFFER,
        )
        unsure -= _addresses(one.change)
    return OwnWrites(by_id=by_id, unsure=frozenset(unsure))


def those_tried(tried: Iterable[Tried]) -> frozenset[Email]:
    """Return the addresses of the customers that were tried."""
    return frozenset(one.change.customer.email for one in tried)


def written(
    change: Write, contact_id: ContactId, *, refused: Collection[str] = ()
) -> Contact | None:
    """Return the contact that *change* left, None where it removed it.

    Attributes that Brevo *refused* are as they were.
    """
    match change:
        case Create():
            blank = Contact(id=contact_id, email=change.customer.email, attributes={})
            return _patched(blank, change.patch, refused)
        case Delete(patch=None):
            return None
        case _:
            return _patched(change.before, change.patch or ContactPatch(), refused)


def corrected(
    listed: Mapping[Email, Contact],
    mirrored: Mapping[ContactId, Contact],
    own: Mapping[ContactId, OwnWrite],
    wanted: Iterable[Email],
) -> dict[Email, Contact]:
    """Return the contacts at *wanted* as they are *listed*, or as they were written since.

    *mirrored* holds whatever is known of the contacts in *own*, at whatever address they are.
    """
    behind = {
        contact_id: write
        for contact_id, write in own.items()
        if not _is_since(mirrored.get(contact_id), write.at)
    }
    right = {email: contact for email, contact in listed.items() if contact.id not in behind}
    asked = frozenset(wanted)
    for write in behind.values():
        contact = write.contact
        if contact is None or contact.email is None or contact.email not in asked:
            continue
        if not _is_since(right.get(contact.email), write.at):
            right[contact.email] = contact
    return right


def _is_since(contact: Contact | None, at: datetime) -> bool:
    """Tell whether a contact was read as it was after a moment."""
    return contact is not None and contact.modified_at is not None and contact.modified_at >= at


def _known_id(tried: Tried) -> ContactId | None:
    """Return the contact that was written for certain."""
    if tried.outcome != APPLIED:
        return None
    change = tried.change
    if isinstance(change, Delete) and change.patch is None:
        return change.before.id
    return tried.contact_id


def _addresses(change: Write) -> set[Email]:
    """Return every address that a change is about."""
    names = {change.customer.email, *change.customer.former_emails}
    if not isinstance(change, Create) and change.before.email is not None:
        names.add(change.before.email)
    return names


def _refused(change: Write, confirmed: Mapping[Email, Confirmed]) -> Collection[str]:
    known = confirmed.get(change.customer.email)
    return () if known is None else known.refused.keys()


def _patched(before: Contact, patch: ContactPatch, refused: Collection[str]) -> Contact:
    taken = {name: value for name, value in patch.attributes.items() if name not in refused}
    merged = {**before.attributes, **taken}
    return replace(
        before,
        email=patch.rename_to or before.email,
        attributes={name: value for name, value in merged.items() if value is not None},
        list_ids=(before.list_ids | patch.add_lists) - patch.remove_lists,
        is_email_blocked=_flag(patch.email_blocked, before.is_email_blocked),
        is_sms_blocked=_flag(patch.sms_blocked, before.is_sms_blocked),
    )


def _flag(wanted: bool | None, is_set: bool) -> bool:  # three values
    return is_set if wanted is None else wanted
