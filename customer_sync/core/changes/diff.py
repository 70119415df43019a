"""Desired, observed and confirmed meet: one change for every customer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from msgspec import structs

from customer_sync.core.changes.addresses import is_end_of_a_stranger, own_addresses
from customer_sync.core.changes.departures import (
    LeftBehind,
    delete,
    remember_block,
    said_no,
    was_deleted_with_a_no,
)
from customer_sync.core.changes.renames import find_renames
from customer_sync.core.changes.suppression import (
    NOBODY,
    Suppressed,
    Suppression,
    remembered,
    remembered_alone,
)
from customer_sync.core.changes.writes import change_of, create, update
from customer_sync.core.customers.news import (
    confirmed_before,
    settle_in,
    since_confirmed,
    skip,
    with_noes_of,
)
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    ContactId,
    Create,
    Customer,
    Email,
    Note,
    Policy,
    Reason,
    Skip,
    Update,
)


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
    return Comparison(customers, observed, confirmed, policy, suppressed).changes()


class Comparison:
    """Customers, contacts and what is known of them, each looked up as it is needed."""

    def __init__(
        self,
        customers: Mapping[Email, Customer],
        observed: Mapping[Email, Contact],
        confirmed: Mapping[Email, Confirmed],
        policy: Policy,
        suppressed: Suppressed,
    ) -> None:
        self._observed = observed
        self._confirmed = confirmed
        self._policy = policy
        self._suppressed = suppressed
        self._own = own_addresses(customers, confirmed)
        self._renames = find_renames(self._own, observed)
        self._moving = frozenset(self._renames.moves.values())
        self._by_number = _by_number(self._own.values(), confirmed.values())
        self._left_behind = LeftBehind()

    def changes(self) -> Iterator[Change]:
        """Yield one change for each customer, in the order of their addresses."""
        for email in sorted(self._own):
            customer = self._own[email]
            alone = self._alone(customer)
            if alone is not None:
                yield alone
            elif email in self._renames.swapped:
                yield skip(customer, Reason.SWAPPED_ADDRESSES)
            else:
                yield from self._with_care(customer)
        yield from self._left_behind.retired(self._policy)

    def _alone(self, customer: Customer) -> Change | None:
        """Return the change for whoever lives at the only address ever; None where care is needed.

        Nothing that is known of other addresses touches them, and nobody else wants the contact.
        """
        email = customer.email
        if _has_a_past(customer) or email in self._moving or self._suppressed.is_erased(customer):
            return None
        contact, before = self._observed.get(email), self._confirmed.get(email)
        if contact is not None:
            is_known = before is None or before.contact_id in {None, contact.id}
            if contact.email != email or not is_known:
                return None
        fresh = since_confirmed(customer, before)
        if isinstance(fresh, Skip):
            return fresh
        return change_of(
            fresh,
            contact,
            before,
            self._policy,
            ledger=remembered_alone(email, self._suppressed),
            is_merged=False,
            has_said_no_elsewhere=False,
        )

    def _with_care(self, customer: Customer) -> Iterator[Change]:
        """Yield the changes for somebody who came from elsewhere, or whose address others want."""
        email, observed, confirmed = customer.email, self._observed, self._confirmed
        former = self._renames.moves.get(email)
        # What is known of an address that another customer takes along is not about this one.
        taken = {e for e in _names(customer) if e in self._moving and e != former}
        contact, left_over = self._contact(customer, is_taken=email in taken)
        known = {e: confirmed[e] for e in _names(customer) if e in confirmed and e not in taken}
        before = confirmed_before(customer, contact, known)
        here = email if contact is None else contact.email
        moved_in = [known[e] for e in customer.former_emails if e in known and e != here]
        settled, before = settle_in(customer, before, moved_in)
        shared = customer.shared_emails
        said_there = [confirmed[e] for e in shared if e in confirmed]
        settled = structs.replace(settled, shared_emails=()) if shared else settled
        elsewhere = (k for k in known.values() if k != before)
        own_words = (k for k in elsewhere if not is_end_of_a_stranger(customer, k, confirmed))
        settled = with_noes_of(settled, [*own_words, *said_there])
        fresh = since_confirmed(settled, before)
        if isinstance(fresh, Skip):
            yield fresh
            return
        self._left_behind.settle(customer, contact)
        if self._suppressed.is_erased(customer):
            yield from _of_erased(fresh, contact, before, self._policy)
            return
        change = change_of(
            fresh,
            contact,
            before,
            self._policy,
            ledger=remembered(
                email,
                [*(e for e in customer.former_emails if e not in taken), *shared],
                known | {one.email: one for one in said_there},
                self._suppressed,
                standing=[observed[e] for e in shared if e in observed],
            ),
            is_merged=bool(left_over),
            has_said_no_elsewhere=was_deleted_with_a_no(known.values(), before)
            or self._said_no_elsewhere(customer),
        )
        yield change
        if isinstance(change, Skip):
            return
        self._left_behind.add(left_over, fresh)
        if fresh.is_deleted and contact is not None and contact.email != email:
            yield from remember_block(contact, fresh, self._policy)

    def _contact(
        self, customer: Customer, *, is_taken: bool
    ) -> tuple[Contact | None, list[Contact]]:
        """Return the contact that becomes the customer's, and those that are left over."""
        email, observed = customer.email, self._observed
        former = self._renames.moves.get(email)
        left_over = [observed[old] for old in self._renames.retired.get(email, ())]
        contact = None if is_taken and former is None else observed.get(former or email)
        if contact is None and customer.is_deleted:
            contact = next((one for one in left_over if one.email not in self._own), None)
            left_over = [one for one in left_over if one != contact]
        return contact, left_over

    def _said_no_elsewhere(self, customer: Customer) -> bool:
        """Tell whether a contact at another address of the customer is blocked against mail."""
        observed, confirmed = self._observed, self._confirmed
        former = self._renames.moves.get(customer.email)
        elsewhere = (
            # Where two claim to have had one address, its no holds for both.
            *(e for e in customer.former_emails if not self._lives_at(e)),
            *customer.shared_emails,
        )
        return any(
            said_no(observed[old], confirmed.get(old, self._by_number.get(observed[old].id)))
            for old in elsewhere
            if old in observed and old != former
        )

    def _lives_at(self, email: Email) -> bool:
        return email in self._own and not self._own[email].is_deleted


def _has_a_past(customer: Customer) -> bool:
    """Tell whether the customer has, or had, to do with other addresses or with their owners."""
    return bool(
        customer.former_emails
        or customer.shared_emails
        or customer.is_deleted
        or customer.moved_in_at
        or customer.vacated_at
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
        yield update(
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
    anew = create(customer, before, policy, ledger)
    mail = gone.is_email_blocked or (change.patch.email_blocked and not anew.patch.email_blocked)
    sms = gone.is_sms_blocked or (change.patch.sms_blocked and not anew.patch.sms_blocked)
    if not (mail or sms):
        return anew
    patch = structs.replace(
        anew.patch,
        email_blocked=True if mail else anew.patch.email_blocked,
        sms_blocked=True if sms else anew.patch.sms_blocked,
    )
    notes = dict.fromkeys((*anew.notes, Note.COMES_BACK_BLOCKED))
    return structs.replace(anew, patch=patch, notes=tuple(notes))
