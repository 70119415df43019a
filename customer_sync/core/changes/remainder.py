"""What is still missing of a change once Brevo says that it is done."""

from customer_sync.core.changes.draft import same
from customer_sync.core.model import Contact, ContactPatch


def remainder(patch: ContactPatch, contact: Contact) -> ContactPatch | None:
    """Return what *contact*, read back, still lacks of *patch*; None where it has it all.

    Lists that the person unsubscribed from count as settled.
    """
    attributes = {
        name: value
        for name, value in patch.attributes.items()
        if not same(value, contact.attributes.get(name))
    }
    rest = ContactPatch(
        attributes=attributes,
        rename_to=patch.rename_to if patch.rename_to not in (None, contact.email) else None,
        add_lists=patch.add_lists - contact.list_ids - contact.unsubscribed_list_ids,
        remove_lists=patch.remove_lists & contact.list_ids,
        email_blocked=_flag(patch.email_blocked, is_set=contact.is_email_blocked),
        sms_blocked=_flag(patch.sms_blocked, is_set=contact.is_sms_blocked),
    )
    return None if rest == ContactPatch() else rest


def _flag(wanted: bool | None, *, is_set: bool) -> bool | None:  # three values
    return wanted if wanted is not None and wanted is not is_set else None
