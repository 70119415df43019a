"""A run from statements to a written plan, with nothing but the pure core and dictionaries.

It remembers between runs what the state remembers (the confirmed contacts, who lives where, the
retry queue), so that laws can be told about many runs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from brevo_model import BrevoModel
from customer_sync.core.changes.confirm import confirm
from customer_sync.core.changes.diff import diff
from customer_sync.core.customers.fold import Fold
from customer_sync.core.customers.homes import Identities
from customer_sync.core.customers.news import confirmed_before
from customer_sync.core.model import (
    Change,
    Confirmed,
    Create,
    Customer,
    Dated,
    Delete,
    Email,
    Keep,
    Limit,
    Policy,
    Skip,
    Statement,
    Update,
    Write,
)
from customer_sync.core.plan import Guard, Plan, check_consent, make_plan

EMPTY = Email("")
ANY_NUMBER = Limit(share=1.0)


def delivers(_: Write) -> bool:
    """Let every change get through."""
    return True


@dataclass(slots=True)
class SyncModel:
    """The tool's memory, and the account that it writes to."""

    policy: Policy
    brevo: BrevoModel = field(default_factory=BrevoModel)
    confirmed: dict[Email, Confirmed] = field(default_factory=dict)
    queue: dict[Email, Customer] = field(default_factory=dict)
    _addresses: dict[str, tuple[Dated[Email], bool]] = field(default_factory=dict)
    """A customer's id to its address, and whether it is deleted."""

    def plan(self, statements: Iterable[Statement] = ()) -> Plan:
        """Return what a run would do about *statements* and about all that waits."""
        fold = Fold()
        for statement in statements:
            fold.add(statement)
        for waiting in self.queue.values():
            fold.add_customer(replace(waiting, statements=0))
        folded = fold.customers(self._identities())
        changes: list[Change] = [*folded.skipped]
        changes += diff(folded.customers, self.brevo.observe(), self.confirmed, self.policy)
        plan = make_plan(changes, Guard(known_contacts=len(changes), max_deletes=ANY_NUMBER))
        check_consent(plan, self.policy)
        return plan

    def run(
        self,
        statements: Iterable[Statement] = (),
        *,
        gets_through: Callable[[Write], bool] = delivers,
    ) -> Plan:
        """Plan, write what gets through, and queue the rest."""
        plan = self.plan(statements)
        for change in plan.changes:
            self._settle(change)
        for change in plan.writes:
            self.queue[change.customer.email] = change.customer
        held: set[Email | None] = set()
        for change in _in_takeover_order(plan.writes):
            if change.customer.email in held or not gets_through(change):
                held.add(_address_left_by(change))
            else:
                self.brevo.write(change)
                self._confirm(change)
        return plan

    def _identities(self) -> Identities:
        return Identities.of_everybody(self._addresses)

    def _confirm(self, change: Create | Update | Delete | Keep) -> None:
        customer = change.customer
        contact = None if isinstance(change, Create) else change.before
        before = confirmed_before(customer, contact, self.confirmed)
        after = confirm(change, before, list_id=self.policy.list_id)
        if (left := _address_left_by(change)) is not None:
            self.confirmed.pop(left, None)
        is_superseded = before is not None and not before.is_deleted
        if is_superseded and before and not isinstance(change, Keep):
            # What the same person was known by under another address.
            self.confirmed.pop(before.email, None)
        self.confirmed[customer.email] = after
        for customer_id in () if customer.is_elsewhere else customer.ids:
            said_at = customer.deleted_at if customer.is_deleted else customer.email_at
            address = Dated(value=customer.email, at=said_at or customer.email_at)
            self._addresses[customer_id] = (address, customer.is_deleted)
        self.queue.pop(customer.email, None)

    def _settle(self, change: Change) -> None:
        """Note what needs no request, and that whoever waited under an old address has moved."""
        if isinstance(change, Skip):
            self.queue.pop(change.email or EMPTY, None)
            self._note_deleted(change)
            return
        for email in (change.customer.email, *change.customer.former_emails):
            self.queue.pop(email, None)
        if isinstance(change, Keep):
            self._confirm(change)

    def _note_deleted(self, skipped: Skip) -> None:
        if skipped.email is None or skipped.deleted_at is None:
            return
        for customer_id in skipped.ids:
            gone = Dated(value=skipped.email, at=skipped.deleted_at)
            known, _ = self._addresses.get(customer_id, (gone, True))
            if known.at <= gone.at:
                self._addresses[customer_id] = (gone, True)


def _address_left_by(change: Change) -> Email | None:
    """Return the address that a rename makes free."""
    is_rename = isinstance(change, Update) and change.patch.rename_to is not None
    return change.before.email if isinstance(change, Update) and is_rename else None


def _in_takeover_order(writes: Sequence[Write]) -> Iterator[Write]:
    """Yield the writes so that whoever takes an address over comes after its holder has left."""
    waiting = list(writes)
    while waiting:
        taken = {_address_left_by(c) for c in waiting}
        free = [c for c in waiting if c.customer.email not in taken]
        assert free, "customers wait for each other's addresses"
        yield from free
        waiting = [c for c in waiting if c.customer.email in taken]
