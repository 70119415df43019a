"""One customer and the contact at Brevo, carried through runs by the stages of a real one."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from msgspec import structs

from customer_sync.core.changes.confirm import confirm
from customer_sync.core.changes.diff import diff
from customer_sync.core.changes.suppression import NOBODY, Lesson, Suppressed, learn
from customer_sync.core.customers.fold import Fold, Folded
from customer_sync.core.customers.homes import Identities
from customer_sync.core.customers.news import confirmed_before
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Customer,
    Dated,
    Delete,
    Email,
    FieldChange,
    Keep,
    Limit,
    Policy,
    Problem,
    Record,
    Rejection,
    Skip,
    Update,
)
from customer_sync.core.plan import Guard, check_consent, make_plan
from customer_sync.core.proving.cases import Came, Held, Verdict
from customer_sync.core.validate import EventValidator


class UnclearCase(Exception):
    """A test that says too little or too much to be carried out, in a sentence."""


class Trial:
    """A shop's customer, its contact at Brevo, and what the sync remembers of the two.

    Records are validated, mapped, folded and compared with the contact by the stages of a run, and
    what comes of it is done to the contact here, as Brevo would.
    """

    def __init__(self, validator: EventValidator, mapper: Mapper, policy: Policy) -> None:
        self._validator = validator
        self._mapper = mapper
        self._policy = policy
        self._contacts: dict[ContactId, Contact] = {}
        self._current: ContactId | None = None
        """The contact that the last run was about; an earlier one may have stayed behind."""
        self._made = 0
        self._held: Held | None = None
        """A contact that is described, but whose address may only be known with the customer's."""
        self._confirmed: dict[Email, Confirmed] = {}
        self._suppressed = NOBODY
        self._addresses: dict[str, tuple[Dated[Email], bool]] = {}
        """A customer's id to the address, and whether the customer is deleted."""

    @property
    def contact(self) -> Contact | None:
        """The customer's contact as it is now."""
        return None if self._current is None else self._contacts.get(self._current)

    def put(self, held: Held | None) -> None:
        """Let Brevo hold *held* from now on, whatever earlier runs left there."""
        before = self.contact
        self._contacts = {}
        if held is None:
            self._current = None
        elif held.email is not None or (before is not None and before.email is not None):
            self._hold(held, held.email or (before.email if before else None))
        else:
            self._held = held

    def run(self, records: Iterable[Record | Rejection]) -> Came:
        """Carry *records*, which are about one customer, through a run, and return what came.

        A single rejected record makes it a rejection.

        Raises:
            UnclearCase: they are about several customers.
            PlanRefused: a block would be lifted without leave.
        """
        fold = Fold()
        warnings: list[str] = []
        problems: list[Problem] = []
        for record in records:
            event = self._validator.validate(record) if isinstance(record, Record) else record
            if isinstance(event, Rejection):
                problems += event.problems
                continue
            statement = self._mapper.map(event)
            warnings += [one.field for one in statement.warnings]
            fold.add(statement)
        if problems:
            return Came(
                verdict=Verdict.REJECT,
                contact=self.contact,
                problems=tuple(dict.fromkeys(problems)),
            )
        came = self._settle(fold.customers(self._identities()))
        return replace(came, warnings=frozenset(warnings))

    def _settle(self, folded: Folded) -> Came:
        everybody: tuple[Customer | Skip, ...] = (*folded.customers.values(), *folded.skipped)
        told = [one for one in everybody if one.statements]
        if len(told) > 1:
            raise UnclearCase(f"It is about {len(told)} customers; write a test for each of them.")
        if self._held is not None and told and told[0].email is not None:
            self._hold(self._held, told[0].email)
            self._held = None
        came, current = Came(verdict=Verdict.IGNORE, contact=self.contact), self._current
        for change in self._planned(folded):
            done = self._done(change)
            # All others are about contacts that the customer has left behind.
            if _statements(change):
                came, current = done, self._current
        self._current = current
        return came

    def _planned(self, folded: Folded) -> tuple[Change, ...]:
        self._remember_blocks()
        observed = {one.email: one for one in self._contacts.values() if one.email is not None}
        changes = diff(folded.customers, observed, self._confirmed, self._policy, self._suppressed)
        everything = Guard(known_contacts=len(observed), max_deletes=Limit(share=1.0))
        plan = make_plan((*folded.skipped, *changes), everything)
        check_consent(plan, self._policy)
        return plan.changes

    def _hold(self, held: Held, email: Email | None) -> None:
        number = self._current or self._next_number()
        self._keep(
            Contact(
                id=number,
                email=email,
                attributes={n: v for n, v in held.attributes.items() if v not in (None, "", ())},
                list_ids=held.list_ids,
                unsubscribed_list_ids=held.left_list_ids,
                is_email_blocked=held.is_email_blocked,
                is_sms_blocked=held.is_sms_blocked,
            )
        )

    # ------------------------------------------------------------ what Brevo does

    def _done(self, change: Change) -> Came:
        match change:
            case Skip():
                return self._skip(change)
            case Create():
                new = Contact(id=self._next_number(), email=change.customer.email, attributes={})
                self._keep(patched(new, change.patch))
                return self._confirm(change, Verdict.CREATE, change.fields)
            case Update():
                self._keep(patched(change.before, change.patch))
                return self._confirm(change, Verdict.UPDATE, change.fields)
            case Delete(patch=None):
                self._contacts.pop(change.before.id, None)
                self._current = None
                return self._confirm(change, Verdict.DELETE, change.fields)
            case Delete():
                self._keep(patched(change.before, change.patch or ContactPatch()))
                return self._confirm(change, Verdict.DELETE, change.fields)
            case Keep():
                self._current = change.before.id if change.before else None
                return self._confirm(change, Verdict.KEEP, ())

    def _keep(self, contact: Contact) -> None:
        self._contacts[contact.id] = contact
        self._current = contact.id

    def _next_number(self) -> ContactId:
        self._made += 1
        return ContactId(self._made)

    # ------------------------------------------------------------ what the state remembers

    def _confirm(
        self,
        change: Create | Update | Delete | Keep,
        verdict: Verdict,
        fields: tuple[FieldChange, ...],
    ) -> Came:
        customer = change.customer
        contact = None if isinstance(change, Create) else change.before
        before = confirmed_before(customer, contact, self._confirmed)
        if not isinstance(change, Keep):
            self._learn(learn(change))
        confirmed = confirm(change, before, list_id=self._policy.list_id, contact_id=self._current)
        for left in _left_addresses(change, before):
            self._confirmed.pop(left, None)
        self._confirmed[customer.email] = confirmed
        said_at = customer.deleted_at if customer.is_deleted else None
        address = Dated(value=customer.email, at=said_at or customer.email_at)
        if not customer.is_elsewhere:
            self._addresses |= dict.fromkeys(customer.ids, (address, customer.is_deleted))
        return Came(verdict=verdict, contact=self.contact, fields=fields)

    def _remember_blocks(self) -> None:
        """Let the suppression ledger know whoever is seen to be blocked."""
        for one in self._contacts.values():
            names = frozenset(() if one.email is None else {one.email})
            self._learn(
                Lesson(
                    mail=names if one.is_email_blocked else frozenset(),
                    sms=names if one.is_sms_blocked else frozenset(),
                )
            )

    def _learn(self, lesson: Lesson) -> None:
        before = self._suppressed
        self._suppressed = Suppressed(
            mail=(before.mail | lesson.mail) - lesson.lifted_mail,
            sms=(before.sms | lesson.sms) - lesson.lifted_sms,
        )

    def _skip(self, skipped: Skip) -> Came:
        if skipped.email is not None and skipped.deleted_at is not None:
            self._note_deleted(skipped.ids, Dated(value=skipped.email, at=skipped.deleted_at))
        return Came(verdict=Verdict.SKIP, contact=self.contact, reason=skipped.reason)

    def _note_deleted(self, ids: Iterable[str], gone: Dated[Email]) -> None:
        """Note that customers are gone whose address lives on, unless they came back since."""
        for name in ids:
            known, _ = self._addresses.get(name, (gone, True))
            if known.at <= gone.at:
                self._addresses[name] = (gone, True)

    def _identities(self) -> Identities:
        return Identities.of_everybody(self._addresses)


def _statements(change: Change) -> int:
    return change.statements if isinstance(change, Skip) else change.customer.statements


def _left_addresses(
    change: Create | Update | Delete | Keep, before: Confirmed | None
) -> Iterator[Email]:
    """Yield the addresses at which nothing is known any more once *change* is done.

    What was confirmed of a person goes along to the new address; a tombstone stays where it is.
    """
    if isinstance(change, Update) and change.before.email is not None:
        yield change.before.email
    if before is None or before.email == change.customer.email:
        return
    is_same_contact = (
        change.before is not None and change.before.id == before.contact_id
        if isinstance(change, Keep)
        else not before.is_deleted
    )
    if is_same_contact:
        yield before.email


def patched(contact: Contact, patch: ContactPatch) -> Contact:
    """Return what Brevo makes of *contact* when *patch* is written to it."""
    held = {**contact.attributes, **patch.attributes}
    email_blocked, sms_blocked = patch.email_blocked, patch.sms_blocked
    return structs.replace(
        contact,
        email=patch.rename_to or contact.email,
        attributes={n: v for n, v in held.items() if v not in (None, "", ())},
        list_ids=(contact.list_ids | patch.add_lists) - patch.remove_lists,
        is_email_blocked=contact.is_email_blocked if email_blocked is None else email_blocked,
        is_sms_blocked=contact.is_sms_blocked if sms_blocked is None else sms_blocked,
    )
