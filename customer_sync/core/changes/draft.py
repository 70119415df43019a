"""What has to be written to an existing contact, settled value by value.

With *confirmed* being what this tool last wrote:

    desired vs observed   observed vs confirmed     decision
    equal                 anything                  keep
    differ                same, or never written    write what the shop says
    differ                differ, the shop moved    write what the shop says; this is drift
    differ                differ, the shop did not  `on_drift` decides; this is drift
"""

from msgspec import Struct

from customer_sync.core.changes.confirm import was_listed
from customer_sync.core.changes.consent import ConsentDecision, decide_consent
from customer_sync.core.model import (
    Confirmed,
    Contact,
    Customer,
    Dated,
    FieldChange,
    Note,
    OnDrift,
    Policy,
    Value,
    Why,
)

EMAIL = "EMAIL"
LISTS = "lists"
MAIL = "e-mail"
SMS = "SMS messages"
BLOCKED = "blocked"
"""How a preview names what is no attribute."""


class Draft(Struct):
    """A change in the making: what will be written, shown and remarked."""

    attributes: dict[str, Value] = {}
    fields: list[FieldChange] = []
    notes: dict[Note, None] = {}
    """In the order in which they were made; each once."""

    def write(self, name: str, old: Value, new: Value, why: Why) -> None:
        """Show that *name* becomes *new*."""
        self.fields.append(FieldChange(name=name, old=old, new=new, why=why))

    def note(self, note: Note) -> None:
        """Remark something."""
        self.notes[note] = None


def settle_attributes(
    draft: Draft,
    customer: Customer,
    contact: Contact,
    before: Confirmed | None,
    policy: Policy,
) -> None:
    """Draft every attribute that the customer mentions and the contact holds otherwise."""
    is_ours = before is not None and before.contact_id in {None, contact.id}
    # Nothing was ever written to a contact that others made anew.
    known = before.attributes if before and is_ours and not before.is_deleted else {}
    refused = before.refused if before else {}
    for name in _differing(customer, contact):
        desired = customer.attributes[name].value
        held = contact.attributes.get(name)
        if name in refused and same(refused[name], desired):
            draft.note(Note.REFUSED_BEFORE)
            continue
        why = _why(desired, held, known.get(name))
        if why is Why.DRIFT:
            is_news = name in known and not same(known[name].value, desired)
            if not is_news and policy.on_drift is OnDrift.BREVO:
                draft.note(Note.DRIFT_KEPT)
                continue
            draft.note(Note.DRIFT_OVERWRITTEN)
        draft.attributes[name] = desired
        draft.write(name, held, desired, why)
    deleted_flag = policy.deleted_attribute
    if deleted_flag and contact.attributes.get(deleted_flag) is True:
        # Who is alive bears no mark of having been deleted.
        draft.attributes[deleted_flag] = False
        draft.write(deleted_flag, old=True, new=False, why=Why.CHANGED)


def _differing(customer: Customer, contact: Contact) -> list[str]:
    """Return the names of the attributes that a contact holds otherwise, in their order."""
    held, desired = contact.attributes, customer.attributes
    return sorted([n for n, said in desired.items() if not same(said.value, held.get(n))])


def _why(desired: Value, held: Value, known: Dated[Value] | None) -> Why:
    if known is None:
        return Why.NEW if held is None else Why.DIFFERS
    if not same(held, known.value):
        return Why.DRIFT
    return Why.CHANGED if not same(desired, known.value) else Why.DIFFERS


def settle_list(
    draft: Draft,
    contact: Contact,
    before: Confirmed | None,
    policy: Policy,
    left_lists: frozenset[int] = frozenset(),
) -> frozenset[int]:
    """Draft the membership of the list, and return the lists to join.

    *left_lists* were left by the person when there was another contact.
    """
    if policy.list_id is None or policy.list_id in contact.list_ids:
        return frozenset()
    if policy.list_id in contact.unsubscribed_list_ids | left_lists:
        draft.note(Note.LEFT_LIST)
        return frozenset()
    has_been_on_it = before is not None and was_listed(before, policy.list_id)
    if has_been_on_it:
        # Somebody took the contact off the list in Brevo.
        if policy.on_drift is OnDrift.BREVO:
            draft.note(Note.DRIFT_KEPT)
            return frozenset()
        draft.note(Note.DRIFT_OVERWRITTEN)
    draft.write(LISTS, None, f"+{policy.list_id}", Why.DRIFT if has_been_on_it else Why.NEW)
    return frozenset({policy.list_id})


def settle_consents(
    draft: Draft,
    customer: Customer,
    contact: Contact,
    before: Confirmed | None,
    policy: Policy,
) -> tuple[bool | None, bool | None]:
    """Draft what the shop's word on mailing does, and return the flags for mail and for SMS."""
    mail = decide_consent(
        customer.email_consent,
        is_blocked=contact.is_email_blocked,
        our_block_at=before.email_blocked_at if before else None,
        resubscribe=policy.resubscribe,
    )
    sms = decide_consent(
        customer.sms_consent,
        is_blocked=contact.is_sms_blocked,
        our_block_at=before.sms_blocked_at if before else None,
        resubscribe=policy.resubscribe,
    )
    return (
        _draft_consent(draft, MAIL, mail, Note.UNSUBSCRIBED_IN_BREVO),
        _draft_consent(draft, SMS, sms, Note.SMS_UNSUBSCRIBED_IN_BREVO),
    )


def _draft_consent(
    draft: Draft, name: str, decision: ConsentDecision, ignored: Note
) -> bool | None:
    if decision.is_yes_ignored:
        draft.note(ignored)
    if decision.blocked is True:
        draft.write(name, None, BLOCKED, Why.CONSENT)
    elif decision.blocked is False:
        draft.note(Note.RESUBSCRIBED)
        draft.write(name, BLOCKED, None, Why.CONSENT)
    return decision.blocked


def same(one: Value, other: Value) -> bool:
    """Compare as Brevo does: the options of a multiple choice have no order, empty is absent."""
    if one is other or (type(one) is type(other) and one == other):
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) == set(other)
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return (None if one in ("", ()) else one) == (None if other in ("", ()) else other)
