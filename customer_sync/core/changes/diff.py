"""Desired, observed and confirmed meet: one change for every customer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from msgspec import structs

from customer_sync.core.changes.addresses import own_addresses
from customer_sync.core.changes.consent import NewBlock, decide_new_block
from customer_sync.core.changes.departures import (
    LeftBehind,
    delete,
    remember_block,
    said_no,
    was_deleted_with_a_no,
)
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
from customer_sync.core.changes.renames import find_renames
from customer_sync.core.changes.suppression import NOBODY, Suppressed, Suppression, remembered
from customer_sync.core.customers.news import (
    confirmed_before,
    settle_in,
    since_confirmed,
    skip,
    surviving_no,
    with_noes_of,
)
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Customer,
    Dated,
    Email,
    FieldChange,
    Keep,
    Note,
    Policy,
    Reason,
    Skip,
    Update,
    Value,
    Why,
)

NUMBER = "SMS"
"""The attribute that holds the number for SMS."""


def diff(
    customers: Mapping[Email, Customer],
    observed: Mapping[Email, Contact],
    confirmed: Mapping[Email, Confirmed],
    policy: Policy,
    suppressed: Suppressed = NOBODY,
) -> Iterator[Change]:
    """Yield what is to be done for each of *customers*, in the order of their addresses.

    *observed*, *confirmed* and *suppressed* are asked for the customers' addresses and their former
    ones; an address that is not in *observed* has no contact. A customer whose contact stands at
    another address than that of an old one yields one more change for each at the end, which
    retires it unless another change settles it. Who was erased is left alone. No change tells of
    addresses that are others' by now.
    """
    left_behind = LeftBehind()
    own = own_addresses(customers, confirmed)
    renames = find_renames(own, observed)
    living = {email for email, customer in own.items() if not customer.is_deleted}
    moving = set(renames.moves.values())
    by_number = _by_number(own.values(), confirmed.values())
    for email, customer in sorted(own.items()):
        if email in renames.swapped:
            yield skip(customer, Reason.SWAPPED_ADDRESSES)
            continue
        former = renames.moves.get(email)
        # What is known of an address that another customer takes along is not about this one.
        taken = {e for e in _names(customer) if e in moving and e != former}
        left_over = [observed[old] for old in renames.retired.get(email, ())]
        contact = None if email in taken and former is None else observed.get(former or email)
        if contact is None and customer.is_deleted:
            contact = next((one for one in left_over if one.email not in own), None)
            left_over = [one for one in left_over if one != contact]
        known = {e: confirmed[e] for e in _names(customer) if e in confirmed and e not in taken}
        before = confirmed_before(customer, contact, known)
        here = email if contact is None else contact.email
        moved_in = [known[e] for e in customer.former_emails if e in known and e != here]
        settled, before = settle_in(customer, before, moved_in)
        shared = customer.shared_emails
        said_there = [confirmed[e] for e in shared if e in confirmed]
        settled = structs.replace(settled, shared_emails=()) if shared else settled
        settled = with_noes_of(settled, [*(k for k in known.values() if k != before), *said_there])
        fresh = since_confirmed(settled, before)
        if isinstance(fresh, Skip):
            yield fresh
            continue
        left_behind.settle(customer, contact)
        if suppressed.is_erased(customer):
            yield from _of_erased(fresh, contact, before, policy)
            continue
        change = _change(
            fresh,
            contact,
            before,
            policy,
            ledger=remembered(
                email,
                [*(e for e in customer.former_emails if e not in taken), *shared],
                known | {one.email: one for one in said_there},
                suppressed,
                standing=[observed[e] for e in shared if e in observed],
            ),
            is_merged=bool(left_over),
            has_said_no_elsewhere=was_deleted_with_a_no(known.values(), before)
            or any(
                # Where two claim to have had one address, its no holds for both.
                said_no(observed[old], confirmed.get(old, by_number.get(observed[old].id)))
                for old in (*(e for e in customer.former_emails if e not in living), *shared)
                if old in observed and old != former
            ),
        )
        yield change
        if isinstance(change, Skip):
            continue
        left_behind.add(left_over, fresh)
        if fresh.is_deleted and contact is not None and contact.email != email:
            yield from remember_block(contact, fresh, policy)
    yield from left_behind.retired(policy)


def _change(
    customer: Customer,
    contact: Contact | None,
    before: Confirmed | None,
    policy: Policy,
    *,
    ledger: Suppression,
    is_merged: bool,
    has_said_no_elsewhere: bool,
) -> Change:
    if customer.is_deleted:
        notes = (Note.MERGED_INTO_EXISTING,) if customer.is_left else ()
        return delete(customer, contact, policy, notes)
    if contact is None:
        return _create(
            customer, before, policy, ledger, has_said_no_elsewhere=has_said_no_elsewhere
        )
    return _update(
        customer,
        contact,
        before,
        policy,
        ledger,
        is_merged=is_merged,
        has_said_no_elsewhere=has_said_no_elsewhere,
    )


def _by_number(
    customers: Iterable[Customer], confirmed: Iterable[Confirmed]
) -> dict[ContactId, Confirmed]:
    """Return what is known by the contacts' numbers, if anybody may have left a contact behind."""
    if not any(customer.former_emails for customer in customers):
        return {}
    return {known.contact_id: known for known in confirmed if known.contact_id is not None}


def _names(customer: Customer) -> tuple[Email, ...]:
    return (customer.email, *customer.former_emails)


def _of_erased(
    customer: Customer, contact: Contact | None, before: Confirmed | None, policy: Policy
) -> Iterator[Change]:
    """Leave alone who was erased, except that whoever has a contact again may say no to it.

    Somebody else made that contact: nothing of the shop's goes into it.
    """
    is_no = any(c and not c.value for c in (customer.email_consent, customer.sms_consent))
    if contact is None or not (customer.is_deleted or is_no):
        yield skip(customer, Reason.ERASED)
    elif customer.is_deleted:
        yield delete(customer, contact, policy)
    else:
        silent = structs.replace(customer, email=contact.email or customer.email, attributes={})
        yield _update(
            silent,
            contact,
            before,
            replace(policy, list_id=None, deleted_attribute=None, update_enabled=True),
            Suppression(),
            is_merged=False,
            has_said_no_elsewhere=False,
        )


def recreate(
    change: Update,
    before: Confirmed | None,
    policy: Policy,
    suppressed: Suppressed = NOBODY,
) -> Create:
    """Return the creation for a contact that vanished while *change* was to be written to it.

    What it held of the shop comes back, and so does its block, or the one that it was to get.
    """
    customer, gone = change.customer, change.before
    known = {} if before is None else {before.email: before}
    ledger = remembered(customer.email, customer.former_emails, known, suppressed)
    create = _create(customer, before, policy, ledger)
    mail = gone.is_email_blocked or (change.patch.email_blocked and not create.patch.email_blocked)
    sms = gone.is_sms_blocked or (change.patch.sms_blocked and not create.patch.sms_blocked)
    if not (mail or sms):
        return create
    patch = structs.replace(
        create.patch,
        email_blocked=True if mail else create.patch.email_blocked,
        sms_blocked=True if sms else create.patch.sms_blocked,
    )
    notes = dict.fromkeys((*create.notes, Note.COMES_BACK_BLOCKED))
    return structs.replace(create, patch=patch, notes=tuple(notes))


# ---------------------------------------------------------------- creations


def _create(
    customer: Customer,
    before: Confirmed | None,
    policy: Policy,
    ledger: Suppression,
    *,
    has_said_no_elsewhere: bool = False,
) -> Create:
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


def _update(
    customer: Customer,
    contact: Contact,
    before: Confirmed | None,
    policy: Policy,
    ledger: Suppression,
    *,
    is_merged: bool,
    has_said_no_elsewhere: bool,
) -> Change:
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
