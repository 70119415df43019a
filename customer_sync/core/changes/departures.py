"""What becomes of contacts whose customer is gone, or has another contact by now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from customer_sync.core.changes.draft import BLOCKED, EMAIL, LISTS, MAIL, Draft
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactPatch,
    Customer,
    Delete,
    DeleteBehavior,
    Email,
    FieldChange,
    Keep,
    Note,
    Policy,
    Why,
)


def delete(
    customer: Customer,
    contact: Contact | None,
    policy: Policy,
    notes: tuple[Note, ...] = (),
) -> Delete | Keep:
    """Return what becomes of the contact of a customer who is gone.

    A soft deletion blocks it, takes it off the list and marks it; what is so already is kept. A
    contact that was left behind never goes for good: nobody was deleted.
    """
    if contact is None:
        return Keep(customer=customer, before=None, notes=notes)
    if policy.delete_behavior is DeleteBehavior.HARD and not customer.is_left:
        gone = FieldChange(name=EMAIL, old=contact.email, new=None, why=Why.DELETED)
        return Delete(customer=customer, before=contact, patch=None, fields=(gone,), notes=notes)
    draft = Draft()
    if not contact.is_email_blocked:
        draft.write(MAIL, None, BLOCKED, Why.DELETED)
    on_list = policy.list_id is not None and policy.list_id in contact.list_ids
    if on_list:
        draft.write(LISTS, f"{policy.list_id}", None, Why.DELETED)
    mark = policy.deleted_attribute
    if mark and contact.attributes.get(mark) is not True:
        draft.attributes[mark] = True
        draft.write(mark, contact.attributes.get(mark), new=True, why=Why.DELETED)
    if not draft.fields:
        return Keep(customer=customer, before=contact, notes=notes)
    patch = ContactPatch(
        attributes=draft.attributes,
        remove_lists=frozenset({policy.list_id}) if on_list and policy.list_id else frozenset(),
        email_blocked=None if contact.is_email_blocked else True,
    )
    return Delete(
        customer=customer, before=contact, patch=patch, fields=tuple(draft.fields), notes=notes
    )


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The contacts at old addresses, whose customers have others by now: each is retired once.

    Whoever is deleted at such an address takes the contact along, unless that is old news.
    """

    _waiting: list[tuple[Contact, Customer]] = field(default_factory=list)
    _settled: set[Email | None] = field(default_factory=set)

    def add(self, contacts: Iterable[Contact], customer: Customer) -> None:
        """Take in the *contacts* that *customer* left behind."""
        self._waiting.extend((contact, customer) for contact in contacts)

    def settle(self, deleted: Customer, contact: Contact | None) -> None:
        """Take in that a change is made of *contact* for whoever was deleted there."""
        if deleted.is_deleted and contact is not None:
            self._settled.add(contact.email)

    def retired(self, policy: Policy) -> Iterator[Delete | Keep]:
        """Yield what takes the contacts out of use, once all other changes are made."""
        for contact, customer in self._waiting:
            if contact.email not in self._settled:
                gone = _gone(contact, customer)
                yield delete(gone, contact, policy, notes=(Note.MERGED_INTO_EXISTING,))


def _gone(contact: Contact, customer: Customer) -> Customer:
    """Return the tombstone of an address that *customer* had before."""
    return Customer(
        email=contact.email or customer.email,
        email_at=customer.email_at,
        deleted_at=customer.last_at,
        is_deleted=True,
        is_left=not customer.is_deleted,
        last_at=customer.last_at,
        statements=0,
    )


def remember_block(contact: Contact, customer: Customer, policy: Policy) -> Iterator[Keep]:
    """Let the address of a contact that goes with its block be remembered, besides its customer.

    Whoever comes back under either of the two comes back blocked.
    """
    if policy.delete_behavior is DeleteBehavior.HARD and contact.is_email_blocked:
        yield Keep(customer=_gone(contact, customer), before=contact)


def was_deleted_with_a_no(known: Iterable[Confirmed], before: Confirmed | None) -> bool:
    """Tell whether a contact at another of the person's addresses was deleted with its block.

    A block of our own does not count: it may have been set to take the contact out of use.
    """
    return any(
        one.was_blocked_at_deletion and one.is_deleted and one.email_blocked_at is None
        for one in known
        if one != before
    )


def said_no(left_over: Contact, known: Confirmed | None) -> bool:
    """Tell whether the block of a contact means that the person does not want mail.

    One that this tool set to take the contact out of use means nothing of the kind.
    """
    if not left_over.is_email_blocked:
        return False
    if known is None or known.email_blocked_at is None:
        return True
    return known.email_consent is not None and not known.email_consent.value
