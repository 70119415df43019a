"""What a run wrote to a contact, taken back field by field where nobody changed it since."""

from dataclasses import dataclass, field
from datetime import timedelta

from customer_sync.core.changes.draft import BLOCKED, EMAIL, LISTS, MAIL, SMS, same
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactPatch,
    Dated,
    Delete,
    Email,
    FieldChange,
    Note,
    Update,
    Value,
    Why,
)
from customer_sync.core.undoing.past import Tried
from customer_sync.core.undoing.wayback import Present, Stay, Staying

SLACK = timedelta(seconds=2)
"""How much later than our last write a contact may have been modified and still be untouched:
Brevo's clock is known to the second."""


@dataclass(slots=True)
class TakenBack:
    """A way back in the making."""

    attributes: dict[str, Value] = field(default_factory=dict)
    rename_to: Email | None = None
    add_lists: set[int] = field(default_factory=set)
    remove_lists: set[int] = field(default_factory=set)
    email_blocked: bool | None = None
    sms_blocked: bool | None = None
    fields: list[FieldChange] = field(default_factory=list)
    restored: set[str] = field(default_factory=set)
    """What is as it was before, or will be."""
    stays: list[Stay] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def restore(self, name: str, old: Value, new: Value) -> None:
        """Show that *name* goes back."""
        self.restored.add(name)
        self.fields.append(FieldChange(name=name, old=old, new=new, why=Why.UNDONE))

    @property
    def patch(self) -> ContactPatch:
        """What is to be written."""
        return ContactPatch(
            attributes=self.attributes,
            rename_to=self.rename_to,
            add_lists=frozenset(self.add_lists),
            remove_lists=frozenset(self.remove_lists),
            email_blocked=self.email_blocked,
            sms_blocked=self.sms_blocked,
        )

    def stay(self, name: str, because: Staying) -> None:
        """Tell that *name* does not go back."""
        self.stays.append(Stay(name=name, because=because))


def take_back(tried: Tried, change: Update | Delete, contact: Contact, now: Present) -> TakenBack:
    """Return what of *change* is taken back from *contact*, which it was written to."""
    draft = TakenBack()
    patch = change.patch or ContactPatch()
    draft.rename_to = _go_home(draft, change.before, patch, contact, now)
    _take_back_attributes(draft, change.before, patch, contact, now)
    _take_back_lists(draft, change.before, patch, contact, now)
    draft.email_blocked = _take_back_block(draft, tried, change, contact, now)
    draft.sms_blocked = _take_back_sms_block(draft, change.before, patch, contact)
    if draft.rename_to is not None and contact.is_email_blocked:
        # Brevo lifts a block with a change of address unless it is sent along.
        draft.email_blocked = True
    elif draft.rename_to in now.suppressed.mail and draft.email_blocked is None:
        # Whoever had the address in between said no to mail at it.
        draft.email_blocked = True
        draft.fields.append(FieldChange(name=MAIL, old=None, new=BLOCKED, why=Why.CONSENT))
        draft.notes.append(Note.ADDRESS_SAID_NO)
    return draft


def _go_home(
    draft: TakenBack, before: Contact, patch: ContactPatch, contact: Contact, now: Present
) -> Email | None:
    if patch.rename_to is None or before.email is None:
        return None
    if contact.email == before.email:
        draft.restored.add(EMAIL)
        return None
    if contact.email != patch.rename_to:
        draft.stay(EMAIL, Staying.CHANGED)
        return None
    if before.email in now.taken:
        draft.stay(EMAIL, Staying.TAKEN)
        return None
    draft.restore(EMAIL, contact.email, before.email)
    return before.email


def _take_back_attributes(
    draft: TakenBack, before: Contact, patch: ContactPatch, contact: Contact, now: Present
) -> None:
    for name, written in sorted(patch.attributes.items()):
        old, held = before.attributes.get(name), contact.attributes.get(name)
        if same(held, old):
            draft.restored.add(name)
        elif not same(held, written):
            draft.stay(name, Staying.CHANGED)
        elif name not in now.attributes:
            draft.stay(name, Staying.NO_ATTRIBUTE)
        else:
            draft.attributes[name] = old
            draft.restore(name, held, old)


def _take_back_lists(
    draft: TakenBack, before: Contact, patch: ContactPatch, contact: Contact, now: Present
) -> None:
    for list_id in sorted(patch.add_lists - before.list_ids):
        draft.restored.add(LISTS)
        if list_id in contact.list_ids:
            draft.remove_lists.add(list_id)
            draft.restore(LISTS, f"{list_id}", None)
    for list_id in sorted(patch.remove_lists & before.list_ids):
        if list_id in contact.list_ids:
            draft.restored.add(LISTS)
        elif list_id in contact.unsubscribed_list_ids:
            draft.stay(f"list {list_id}", Staying.LEFT)
        elif list_id not in now.list_ids:
            draft.stay(f"list {list_id}", Staying.NO_LIST)
        else:
            draft.add_lists.add(list_id)
            draft.restore(LISTS, None, f"+{list_id}")


# ---------------------------------------------------------------- blocks


def _take_back_block(
    draft: TakenBack, tried: Tried, change: Update | Delete, contact: Contact, now: Present
) -> bool | None:  # a flag with three values, as in ContactPatch
    blocked = change.patch.email_blocked if change.patch else None
    if blocked is None or blocked is change.before.is_email_blocked:
        return None
    if contact.is_email_blocked is not blocked:
        draft.restored.add(MAIL)
        return None
    if not blocked:
        draft.restore(MAIL, None, BLOCKED)
        return True
    because = _why_blocked(tried, change, contact, now)
    if because is not None:
        draft.stay(MAIL, because)
        draft.notes.append(Note.BLOCK_STAYS)
        return None
    draft.notes.append(Note.DELETION_UNBLOCKED)
    draft.restore(MAIL, BLOCKED, None)
    return False


def _why_blocked(
    tried: Tried, change: Update | Delete, contact: Contact, now: Present
) -> Staying | None:
    """Return why the block that a run set stays; None: a deletion was all there was to it."""
    is_of_deletion = isinstance(change, Delete) and any(
        one.name == MAIL and one.why is Why.DELETED for one in change.fields
    )
    known = (now.confirmed.get(change.customer.email), tried.known.at(change.customer.email))
    was_no = any(one is not None and one.was_blocked_at_deletion for one in known)
    # Whoever has another contact by now was not deleted, but moved.
    has_moved = Note.MERGED_INTO_EXISTING in change.notes
    was_no = was_no or contact.id in now.unsubscribed
    if not is_of_deletion or was_no or has_moved or said_no(tried, known[0], "email"):
        return Staying.SAID_NO
    if not now.may_unblock:
        return Staying.NOT_ASKED
    if not _is_untouched(tried, change.before, contact, now.clock_ahead):
        return Staying.TOUCHED
    return None


def _is_untouched(tried: Tried, before: Contact, contact: Contact, ahead: timedelta) -> bool:
    """Tell whether nobody but this tool has written to a contact, by Brevo's own word."""
    return (
        contact.modified_at is not None
        and tried.touched_at is not None
        and contact.modified_at <= tried.touched_at + ahead + SLACK
        and contact.unsubscribed_list_ids == before.unsubscribed_list_ids
    )


def _take_back_sms_block(
    draft: TakenBack, before: Contact, patch: ContactPatch, contact: Contact
) -> bool | None:  # a flag with three values, as in ContactPatch
    if patch.sms_blocked is None or patch.sms_blocked is before.is_sms_blocked:
        return None
    if contact.is_sms_blocked is not patch.sms_blocked:
        draft.restored.add(SMS)
        return None
    if patch.sms_blocked:
        draft.stay(SMS, Staying.SAID_NO)
        draft.notes.append(Note.BLOCK_STAYS)
        return None
    draft.restore(SMS, None, BLOCKED)
    return True


def said_no(tried: Tried, known: Confirmed | None, channel: str) -> bool:
    """Tell whether anything that is remembered of a person says no."""
    customer = tried.change.customer
    people = (customer, tried.known.at(customer.email), known)
    said: list[Dated[bool] | None] = [
        one.email_consent if channel == "email" else one.sms_consent
        for one in people
        if one is not None
    ]
    return any(consent is not None and not consent.value for consent in said)
