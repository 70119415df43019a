"""The smallest Brevo that obeys its own rules about writes, in memory.

It models what a patch does to a contact: what is not named stays, None clears, a rename lifts a
block that is not sent along, and no two contacts have one address. It knows no requests, and lets
contacts share a phone, so that what is tested is the plan alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from customer_sync.core.model import (
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Delete,
    Email,
    Update,
    Write,
)


class AddressTaken(Exception):
    """A rename to an address that another contact has."""


@dataclass(slots=True)
class BrevoModel:
    """An account's contacts, by Brevo's own number."""

    contacts: dict[ContactId, Contact] = field(default_factory=dict)
    _last_id: int = 100

    @classmethod
    def holding(cls, contacts: Iterable[Contact]) -> "BrevoModel":
        """Return an account that holds *contacts*."""
        return cls(contacts={contact.id: contact for contact in contacts})

    def observe(self) -> dict[Email, Contact]:
        """Return all contacts by their addresses."""
        return {c.email: c for c in self.contacts.values() if c.email is not None}

    def write(self, change: Write) -> ContactId:
        """Do what *change* says, and return the number of the contact it was done to.

        Raises:
            AddressTaken: another contact has the address that a rename leads to.
        """
        match change:
            case Create():
                return self._create(change.customer.email, change.patch)
            case Delete(patch=None):
                self.contacts.pop(change.before.id, None)
                return change.before.id
            case Update() | Delete():
                assert change.patch is not None
                self.patch(change.before.id, change.patch)
                return change.before.id

    def patch(self, contact_id: ContactId, patch: ContactPatch) -> None:
        """Change one contact where *patch* names something."""
        before = self.contacts[contact_id]
        email, is_blocked = before.email, before.is_email_blocked
        if patch.rename_to is not None and patch.rename_to != email:
            if patch.rename_to in self.observe():
                raise AddressTaken
            email, is_blocked = patch.rename_to, False
        held = {**before.attributes, **patch.attributes}
        self.contacts[contact_id] = replace(
            before,
            email=email,
            attributes={n: v for n, v in held.items() if v not in (None, "", ())},
            list_ids=(before.list_ids | patch.add_lists) - patch.remove_lists,
            is_email_blocked=is_blocked if patch.email_blocked is None else patch.email_blocked,
            is_sms_blocked=before.is_sms_blocked
            if patch.sms_blocked is None
            else patch.sms_blocked,
        )

    def _create(self, email: Email, patch: ContactPatch) -> ContactId:
        """Create a contact, or update the one that is there, as Brevo does when asked to."""
        existing = self.observe().get(email)
        if existing is None:
            self._last_id += 1
            existing = Contact(id=ContactId(self._last_id), email=email, attributes={})
            self.contacts[existing.id] = existing
        self.patch(existing.id, patch)
        return existing.id
