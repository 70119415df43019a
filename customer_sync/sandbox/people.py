"""What people do to contacts beside the API: in Brevo's pages, and by the links in mails."""

from collections.abc import Mapping
from dataclasses import replace

from customer_sync.sandbox import attributes, contact_rows, patches
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.errors import invalid, not_found
from customer_sync.sandbox.identifiers import Identifier

ROUTE = "people"
"""What the record of transitions calls them."""


def make(account: Account, email: str, body: Mapping[str, object]) -> None:
    """Make a contact as the body of a `POST` would.

    Raises:
        BrevoFault: There is one already, or the body is refused.
    """
    address = patches.email(email, account.settings)
    patch = patches.read_patch(account, attributes.definitions(account), body)
    patch = replace(patch, identifiers={**patch.identifiers, Identifier.EMAIL: address})
    if taken := patches.owners(account, 0, patch):
        raise patches.conflict(account, "create", taken)
    patches.apply(account, None, patch)


def edit(account: Account, email: str, body: Mapping[str, object]) -> None:
    """Change a contact as the body of a `PUT` would.

    Raises:
        BrevoFault: There is no such contact, or the body is refused.
    """
    contact = _existing(account, email)
    patch = patches.read_patch(account, attributes.definitions(account), body)
    if taken := patches.owners(account, contact.id, patch):
        raise patches.conflict(account, "update", taken)
    patches.apply(account, contact, patch)


def unsubscribe(account: Account, email: str, list_id: int | None) -> None:
    """Block the contact or, with *list_id*, take it off that list for as long as it pleases.

    Whether Brevo counts one who was blocked already as modified is not known; here it does not.

    Raises:
        BrevoFault: There is no such contact, or it is not on the list.
    """
    contact = _existing(account, email)
    if list_id is None:
        contact_rows.note_unsubscription(account, contact)
        if not contact.is_email_blocked:
            patches.apply(account, contact, patches.Patch(email_blocked=True))
        return
    contact_rows.touch(account, contact)
    if not contact_rows.leave_list(account, contact, list_id):
        raise invalid("Contact already removed from list and/or does not exist")


def remove(account: Account, email: str) -> None:
    """Delete a contact.

    Raises:
        BrevoFault: There is no such contact.
    """
    contact_rows.delete(account, _existing(account, email))


def _existing(account: Account, email: str) -> ContactRow:
    address = patches.email(email, account.settings)
    found = contact_rows.by_identifier(account, Identifier.EMAIL, address)
    if found is None:
        raise not_found("Contact does not exist")
    return found
