"""What becomes of one contact: made, brought in line, or left as it is."""

from collections.abc import Iterator, Mapping

from msgspec import structs

from customer_sync.core.changes.consent import NewBlock, decide_new_block
from customer_sync.core.changes.departures import delete
from customer_sync.core.changes.draft import (
    BLOCKED,
    EMAIL,
    MAIL,
    SMS,
    Draft,
    settle_attributes,
    settle_consents,
    settle_list,
)
from customer_sync.core.changes.suppression import Suppression
from customer_sync.core.customers.news import skip, surviving_no
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    ContactPatch,
    Create,
    Customer,
    Dated,
    FieldChange,
    Keep,
    Note,
    Policy,
    Reason,
    Update,
    Value,
    Why,
)

NUMBER = "SMS"
"""The attribute that holds the number for SMS."""


def change_of(
    customer: Customer,
    contact: Contact | None,
    before: Confirmed | None,
    policy: Policy,
    *,
    ledger: Suppression,
    is_merged: bool,
    has_said_no_elsewhere: bool,
) -> Change:
    """Return what is to be done for a customer, of whom nothing older than *before* is told."""
    if customer.is_deleted:
        notes = (Note.MERGED_INTO_EXISTING,) if customer.is_left else ()
        return delete(customer, contact, policy, notes)
    if contact is None:
        return create(customer, before, policy, ledger, has_said_no_elsewhere=has_said_no_elsewhere)
    return update(
        customer,
        contact,
        before,
        policy,
        ledger,
        is_merged=is_merged,
        has_said_no_elsewhere=has_said_no_elsewhere,
    )


# ---------------------------------------------------------------- creations


def create(
    customer: Customer,
    before: Confirmed | None,
    policy: Policy,
    ledger: Suppression,
    *,
    has_said_no_elsewhere: bool = False,
) -> Create:
    """Return the contact that is made for a customer who has none."""
    remembered: Mapping[str, Dated[Value]] = {}
    if before is not None and not before.is_deleted:
        # The contact vanished from Brevo: an event about one field brings back the others too.
        remembered = before.attributes
        customer = structs.replace(
            customer,
            email_consent=surviving_no(customer.email_consent, before.email_consent),
            sms_consent=surviving_no(customer.sms_consent, before.sms_consent),
        )
    said = {**remembered, **customer.attributes}
    attributes = {n: said[n].value for n in sorted(said) if said[n].value is not None}
    notes = [Note.SHARED_ADDRESS] if len(customer.ids) > 1 else []
    mail = decide_new_block(
        customer.email_consent,
        our_block_at=before.email_blocked_at if before else None,
        was_blocked=ledger.is_mail_blocked
        or (before is not None and before.was_blocked_at_deletion),
        resubscribe=policy.resubscribe,
    )
    sms = decide_new_block(
        customer.sms_consent,
        our_block_at=before.sms_blocked_at if before else None,
        was_blocked=ledger.is_sms_blocked,
        resubscribe=policy.resubscribe,
    )
    if has_said_no_elsewhere:
        mail = NewBlock(blocked=True)
        notes.append(Note.NO_WENT_ALONG)
    notes += _notes_on_blocks(mail, sms)
    wanted = frozenset() if policy.list_id is None else frozenset({policy.list_id})
    lists = wanted - ledger.left_lists
    if lists != wanted:
        notes.append(Note.LEFT_LIST)
    fields = [FieldChange(name=n, old=None, new=v, why=Why.NEW) for n, v in attributes.items()]
    if mail.blocked:
        fields.append(FieldChange(name=MAIL, old=None, new=BLOCKED, why=Why.CONSENT))
    if sms.blocked:
        fields.append(FieldChange(name=SMS, old=None, new=BLOCKED, why=Why.CONSENT))
    return Create(
        customer=customer,
        patch=ContactPatch(
            attributes=attributes,
            add_lists=lists,
            email_blocked=mail.blocked,
            sms_blocked=sms.blocked,
        ),
        fields=tuple(fields),
        notes=tuple(notes),
    )


def _notes_on_blocks(mail: NewBlock, sms: NewBlock) -> Iterator[Note]:
    if mail.comes_back:
        yield Note.COMES_BACK_BLOCKED
    if sms.comes_back:
        yield Note.SMS_COMES_BACK_BLOCKED
    if mail.is_lifted or sms.is_lifted:
        yield Note.RESUBSCRIBED


# ---------------------------------------------------------------- updates


def update(
    customer: Customer,
    contact: Contact,
    before: Confirmed | None,
    policy: Policy,
    ledger: Suppression,
    *,
    is_merged: bool,
    has_said_no_elsewhere: bool,
) -> Change:
    """Return what a contact lacks of its customer, if anything."""
    draft = Draft()
    spoken = customer
    if is_merged:
        draft.note(Note.MERGED_INTO_EXISTING)
    if has_said_no_elsewhere:
        # The person behind the other address said no, and lives at the new one now.
        spoken = structs.replace(customer, email_consent=Dated(value=False, at=customer.last_at))
        draft.note(Note.NO_WENT_ALONG)
    if len(customer.ids) > 1:
        draft.note(Note.SHARED_ADDRESS)
    is_renamed = contact.email != customer.email
    if is_renamed:
        draft.write(EMAIL, contact.email, customer.email, Why.RENAMED)
    settle_attributes(draft, customer, contact, before, policy)
    add_lists = settle_list(draft, contact, before, policy, ledger.left_lists)
    email_blocked, sms_blocked = settle_consents(draft, spoken, contact, before, policy)
    if _gets_a_number(draft, contact) and sms_blocked is None and ledger.is_sms_blocked:
        # Others made the contact anew without a number: only ours can make it reachable by SMS.
        sms_blocked = True
        draft.write(SMS, None, BLOCKED, Why.CONSENT)
        draft.note(Note.SMS_COMES_BACK_BLOCKED)
    if is_renamed and contact.is_email_blocked and email_blocked is None:
        # A rename lifts the block at Brevo unless it is sent along.
        email_blocked = True
    elif is_renamed and ledger.is_new_home_blocked and email_blocked is None:
        # Somebody said no to mail at that address, and its no outlives its owner.
        email_blocked = True
        draft.write(MAIL, None, BLOCKED, Why.CONSENT)
        draft.note(Note.ADDRESS_SAID_NO)
    if not draft.fields:
        return Keep(customer=customer, before=contact, notes=tuple(draft.notes))
    if customer.is_only_created and not policy.update_enabled:
        return _block_only(customer, contact, email_blocked, sms_blocked)
    return Update(
        customer=customer,
        before=contact,
        patch=ContactPatch(
            attributes=draft.attributes,
            rename_to=customer.email if is_renamed else None,
            add_lists=add_lists,
            email_blocked=email_blocked,
            sms_blocked=sms_blocked,
        ),
        fields=tuple(draft.fields),
        notes=tuple(draft.notes),
    )


def _gets_a_number(draft: Draft, contact: Contact) -> bool:
    """Tell whether a contact that has no number for SMS, and no block of it, is given one."""
    is_reachable = contact.attributes.get(NUMBER) is not None or contact.is_sms_blocked
    return draft.attributes.get(NUMBER) is not None and not is_reachable


def _block_only(
    customer: Customer, contact: Contact, email_blocked: bool | None, sms_blocked: bool | None
) -> Change:
    """Leave a contact alone that may not be updated, but for a no: that is always heard."""
    patch = ContactPatch(
        email_blocked=(email_blocked and not contact.is_email_blocked) or None,
        sms_blocked=(sms_blocked and not contact.is_sms_blocked) or None,
    )
    channels = {MAIL: patch.email_blocked, SMS: patch.sms_blocked}
    fields = tuple(
        FieldChange(name=name, old=None, new=BLOCKED, why=Why.CONSENT)
        for name, is_blocked in channels.items()
        if is_blocked
    )
    if not fields:
        return skip(customer, Reason.UPDATES_DISABLED)
    where_it_is = structs.replace(
        customer, email=contact.email or customer.email, former_emails=(), attributes={}
    )
    return Update(customer=where_it_is, before=contact, patch=patch, fields=fields)
