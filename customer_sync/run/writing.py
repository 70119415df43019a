"""One change written by itself, with all that Brevo may object to it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from customer_sync.core.model import (
    Applied,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Delete,
    Email,
    Update,
    Value,
    Write,
)
from customer_sync.core.requests.routes import needs_a_look
from customer_sync.errors import BrevoRejected
from customer_sync.trouble import Code

PHONES = ("SMS", "WHATSAPP", "LANDLINE_NUMBER")
"""Attributes that belong to one contact alone at Brevo."""

READS_OF_A_BLOCK = 3
"""How often a renamed contact is looked at, and blocked again, before it counts as a failure."""


class ContactWriter(Protocol):
    """Whatever writes contacts. Every method may raise BrevoError."""

    async def create(self, email: Email, patch: ContactPatch) -> ContactId | None:
        """Create a contact, or update the one that exists already; then there is no id."""
        ...

    async def update(self, ref: ContactId, patch: ContactPatch) -> None:
        """Update one contact."""
        ...

    async def update_batch(self, items: Sequence[tuple[ContactId, ContactPatch]]) -> None:
        """Update all of *items*, or raise BatchRejected and update none."""
        ...

    async def join_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Put contacts on a list; return those who joined. The others are on it, or unknown."""
        ...

    async def leave_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Take contacts off a list; return those who left. The others are off it, or unknown."""
        ...

    async def delete(self, ref: ContactId) -> bool:
        """Delete one contact; False where it was gone already, by nobody knows whom."""
        ...

    async def contact(self, ref: ContactId) -> Contact | None:
        """Fetch one contact."""
        ...


async def write(
    change: Write, writer: ContactWriter, recreate: Callable[[Update], Create]
) -> Applied:
    """Write *change* by requests of its own.

    A phone that another contact owns is left out. A contact that vanished meanwhile is made anew,
    by what *recreate* says; one that was to be deleted is left in peace. A block outlives a change
    of address.

    Raises:
        BrevoError: it could not be written.
    """
    match change:
        case Create():
            return await _create(change, writer)
        case Update():
            return await _update(change, writer, recreate)
        case Delete(patch=None):
            is_ours = await writer.delete(change.before.id)
            return Applied(change=change, contact_id=change.before.id if is_ours else None)
        case Delete():
            return await _soft_delete(change, writer)


async def _create(change: Create, writer: ContactWriter) -> Applied:
    email = change.customer.email
    contact_id, refused = await _without_foreign_phones(
        change.patch, lambda patch: writer.create(email, patch)
    )
    return Applied(change=change, contact_id=contact_id, refused=refused)


async def _update(
    change: Update, writer: ContactWriter, recreate: Callable[[Update], Create]
) -> Applied:
    ref = change.before.id

    async def send(patch: ContactPatch) -> None:
        # Nothing may be left of a patch once the phones of others are taken out.
        if patch != ContactPatch():
            await writer.update(ref, patch)

    try:
        _, refused = await _without_foreign_phones(change.patch, send)
    except BrevoRejected as error:
        if error.status != 404:
            raise
        return await _create(recreate(change), writer)
    if needs_a_look(change):
        await _hold_block(ref, writer)
    return Applied(change=change, contact_id=ref, refused=refused)


async def _soft_delete(change: Delete, writer: ContactWriter) -> Applied:
    if change.patch is not None:
        try:
            await writer.update(change.before.id, change.patch)
        except BrevoRejected as error:
            if error.status != 404:
                raise
            # Whoever is gone altogether is deleted more than softly.
            return Applied(change=change, contact_id=None)
    return Applied(change=change, contact_id=change.before.id)


async def _without_foreign_phones(
    patch: ContactPatch, send: Callable[[ContactPatch], Awaitable[ContactId | None]]
) -> tuple[ContactId | None, dict[str, Value]]:
    """Send *patch*, leaving out each phone that another contact turns out to own."""
    refused: dict[str, Value] = {}
    while True:
        try:
            return await send(patch), refused
        except BrevoRejected as error:
            owned = [
                name
                for name in PHONES
                if name in error.duplicate_identifiers and name in patch.attributes
            ]
            if not owned:
                raise
            refused |= {name: patch.attributes[name] for name in owned}
            rest = {n: v for n, v in patch.attributes.items() if n not in owned}
            patch = replace(patch, attributes=rest)


async def _hold_block(ref: ContactId, writer: ContactWriter) -> None:
    """Make sure that a rename did not leave a contact mailable that is to be blocked.

    Raises:
        BrevoRejected: the block does not hold.
    """
    for reads_left in reversed(range(READS_OF_A_BLOCK)):
        contact = await writer.contact(ref)
        if contact is None or contact.is_email_blocked:
            return
        if reads_left:
            await writer.update(ref, ContactPatch(email_blocked=True))
    raise BrevoRejected(
        "the block did not survive the change of address", trouble=Code.BLOCK_LOST, status=400
    )
