"""What is known to be right after a change was applied, or found unnecessary."""

from collections.abc import Mapping
from datetime import datetime

from customer_sync.core.customers.news import told_apart, without_a_yes
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactId,
    Create,
    Customer,
    Dated,
    Delete,
    Keep,
    Note,
    Update,
    Value,
)


def confirm(
    change: Create | Update | Delete | Keep,
    before: Confirmed | None,
    *,
    list_id: int | None,
    contact_id: ContactId | None = None,
    refused: Mapping[str, Value] | None = None,
) -> Confirmed:
    """Return the confirmed state that follows *before* once *change* is done.

    *refused* are values that Brevo would not take; they are remembered so that the next plan does
    not try them again for nothing.
    """
    customer = change.customer
    contact = None if isinstance(change, Create) else change.before
    patch = None if isinstance(change, Keep) else change.patch
    before = told_apart(customer, before)
    if before is not None and before.is_deleted and not customer.is_deleted:
        before = without_a_yes(before)
    alive_before = before if before is not None and not before.is_deleted else None
    if customer.is_deleted:
        attributes, was_refused = {}, {}
    else:
        attributes = {**(alive_before.attributes if alive_before else {}), **customer.attributes}
        written = patch.attributes if patch else {}
        still = {n: v for n, v in (before.refused if before else {}).items() if n not in written}
        was_refused = {**still, **(refused or {})}
    is_listed = list_id is not None and (
        (patch is not None and list_id in patch.add_lists)
        or (contact is not None and list_id in contact.list_ids)
        # Whoever was taken off it in Brevo, and stays off, was put on it once all the same.
        or (alive_before is not None and was_listed(alive_before, list_id))
    )
    return Confirmed(
        email=customer.email,
        contact_id=_contact_id(change, contact, contact_id),
        attributes=attributes,
        email_consent=customer.email_consent or (before.email_consent if before else None),
        sms_consent=customer.sms_consent or (before.sms_consent if before else None),
        email_blocked_at=_block_at(
            patch.email_blocked if patch else None,
            was_blocked=contact.is_email_blocked if contact else None,
            said_at=_said_at(customer, customer.email_consent),
            known=before.email_blocked_at
            if before and Note.NO_WENT_ALONG not in change.notes
            else None,
            is_theirs=_is_their_block(change, before),
        ),
        sms_blocked_at=_block_at(
            patch.sms_blocked if patch else None,
            was_blocked=contact.is_sms_blocked if contact else None,
            said_at=_said_at(customer, customer.sms_consent),
            known=before.sms_blocked_at if before else None,
            is_theirs=Note.SMS_COMES_BACK_BLOCKED in change.notes,
        ),
        is_listed=is_listed and not customer.is_deleted,
        listed_on=list_id if is_listed and not customer.is_deleted else None,
        was_blocked_at_deletion=_was_blocked(change, contact, before),
        created_at=_latest(customer.created_at, before.created_at if before else None),
        deleted_at=_latest(customer.deleted_at, before.deleted_at if before else None),
        is_deleted=customer.is_deleted,
        last_at=_latest(customer.last_at, before.last_at if before else None) or customer.last_at,
        refused=was_refused,
    )


def was_listed(known: Confirmed, list_id: int) -> bool:
    """Tell whether this tool is known to have put somebody, who lives, on a list."""
    return not known.is_deleted and known.is_listed and known.listed_on in {None, list_id}


def _contact_id(
    change: Create | Update | Delete | Keep, contact: Contact | None, contact_id: ContactId | None
) -> ContactId | None:
    if isinstance(change, Delete) and change.patch is None:
        return None
    return contact_id or (contact.id if contact else None)


def _said_at(customer: Customer, consent: Dated[bool] | None) -> datetime:
    """Return the time of the statement that a block is set for."""
    return customer.last_at if customer.is_deleted or consent is None else consent.at


def _block_at(
    blocked: bool | None,  # a flag with three values, as in ContactPatch
    *,
    was_blocked: bool | None,
    said_at: datetime,
    known: datetime | None,
    is_theirs: bool,
) -> datetime | None:
    """Return since when the block is ours; one that stood already remains whose it was.

    A contact without a block has none of ours either, whatever was known.
    """
    if blocked is False:
        return None
    if blocked and not was_blocked:
        if is_theirs:
            return known
        return said_at if known is None else max(said_at, known)
    return None if was_blocked is False else known


def _is_their_block(change: Create | Update | Delete | Keep, before: Confirmed | None) -> bool:
    """Tell whether a block that is written stands for one that somebody else set before.

    Nothing that the shop says later may lift it.
    """
    theirs = {Note.NO_WENT_ALONG, Note.COMES_BACK_BLOCKED, Note.ADDRESS_SAID_NO}
    if not theirs.isdisjoint(change.notes):
        return True
    if not isinstance(change, Create) or before is None or before.email_blocked_at is not None:
        return False
    is_known_no = before.email_consent is not None and not before.email_consent.value
    stood_already = before.contact_id is not None and not before.is_deleted and is_known_no
    return before.was_blocked_at_deletion or stood_already


def _was_blocked(
    change: Create | Update | Delete | Keep, contact: Contact | None, before: Confirmed | None
) -> bool:
    if isinstance(change, Delete):
        return change.before.is_email_blocked or (
            before is not None and before.was_blocked_at_deletion
        )
    if isinstance(change, Update) and change.patch.email_blocked is False:
        return False
    if change.customer.is_deleted and contact is not None and contact.is_email_blocked:
        return True
    return before is not None and before.was_blocked_at_deletion


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((t for t in (one, other) if t is not None), default=None)
