"""Many statements about a customer become one desired state, whatever order they arrive in.

Each field remembers when the shop said it and only yields to something newer, so that duplicates,
late arrivals and the cutting of the input into pieces make no difference. Two statements of the
same time are settled by their place in the input.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypeVar

from customer_sync.core.model import (
    Customer,
    Dated,
    Email,
    Reason,
    Skip,
    Statement,
    Trigger,
    Value,
)

Clock: TypeAlias = tuple[datetime, int]
"""When something was said, and its place in the input to settle equal times."""

K = TypeVar("K")
V = TypeVar("V")
Said: TypeAlias = dict[K, tuple[Clock, V]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """What the state remembers of who is who."""

    addresses: Mapping[str, Dated[Email]] = field(default_factory=dict)
    """The shop's id to the address that was last confirmed, and when the shop had said it."""
    owners: Mapping[Email, frozenset[str]] = field(default_factory=dict)
    """The address to the ids of all customers that live at it, as far as confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What the input comes down to: one customer per address, and what led nowhere."""

    customers: Mapping[Email, Customer]
    skipped: tuple[Skip, ...]


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What was heard of one key so far; only the newest of everything is kept."""

    ids: set[str] = field(default_factory=set)
    emails: Said[Email, None] = field(default_factory=dict)
    attributes: Said[str, Value] = field(default_factory=dict)
    consents: Said[str, bool] = field(default_factory=dict)
    creations: set[Clock] = field(default_factory=set)
    updated: Clock | None = None
    deleted: Clock | None = None
    last: Clock | None = None
    statements: int = 0

    def add(self, said: Statement, place: int) -> None:
        """Take in one statement."""
        clock = (said.occurred_at, place)
        if said.customer_id is not None:
            self.ids.add(said.customer_id)
        if said.previous_email is not None:
            # An instant before the new address was said.
            _keep_newer(self.emails, said.previous_email, (clock[0], -1), None)
        if said.email is not None:
            _keep_newer(self.emails, said.email, clock, None)
        for name, value in said.attributes.items():
            _keep_newer(self.attributes, name, clock, value)
        consent_clock = (said.consent_at or said.occurred_at, place)
        for name, consent in (("email", said.email_consent), ("sms", said.sms_consent)):
            if consent is not None:
                _keep_newer(self.consents, name, consent_clock, consent)
        self._add_trigger(said.trigger, clock)
        self.last = _later(self.last, clock)
        self.statements += 1
        self._forget_what_a_deletion_voids()

    def _add_trigger(self, trigger: Trigger, clock: Clock) -> None:
        match trigger:
            case Trigger.CREATED:
                self.creations.add(clock)
            case Trigger.LISTED:
                # It exists, whatever was deleted before; but it need not be new.
                self.creations.add(clock)
                self.updated = _later(self.updated, clock)
            case Trigger.UPDATED:
                self.updated = _later(self.updated, clock)
            case Trigger.DELETED:
                self.deleted = _later(self.deleted, clock)

    @classmethod
    def recall(cls, customer: Customer) -> "_Heard":
        """Return what must have been heard to arrive at *customer*."""
        heard = cls(ids=set(customer.ids), statements=customer.statements)
        for age, email in enumerate((customer.email, *customer.former_emails)):
            heard.emails[email] = ((customer.email_at, -1 - age), None)
        for name, said in customer.attributes.items():
            heard.attributes[name] = ((said.at, -1), said.value)
        for name, consent in (("email", customer.email_consent), ("sms", customer.sms_consent)):
            if consent is not None:
                heard.consents[name] = ((consent.at, -1), consent.value)
        for at in (customer.revived_at, customer.created_at):
            if at is not None:
                heard.creations.add((at, -1))
        if not customer.is_only_created:
            heard.updated = (customer.last_at, -1)
        if customer.deleted_at is not None:
            heard.deleted = (customer.deleted_at, -1)
        heard.last = (customer.last_at, -1)
        return heard

    def merge(self, other: "_Heard") -> None:
        """Take in all that was heard under another key of the same customer."""
        self.ids |= other.ids
        _merge_newer(self.emails, other.emails)
        _merge_newer(self.attributes, other.attributes)
        _merge_newer(self.consents, other.consents)
        self.creations |= other.creations
        self.updated = _later(self.updated, other.updated)
        self.deleted = _later(self.deleted, other.deleted)
        self.last = _later(self.last, other.last)
        self.statements += other.statements
        self._forget_what_a_deletion_voids()

    def copy(self) -> "_Heard":
        """Return an independent copy."""
        copy = _Heard()
        copy.merge(self)
        return copy

    @property
    def is_deleted(self) -> bool:
        """Tell whether a deletion stands, with no creation after it."""
        return self.deleted is not None and not self.creations

    @property
    def newest_email(self) -> Email | None:
        """Return the address that was said last."""
        return max(self.emails, key=lambda email: self.emails[email][0], default=None)

    def _forget_what_a_deletion_voids(self) -> None:
        if self.deleted is None:
            return
        deleted = self.deleted
        self.creations = {clock for clock in self.creations if clock > deleted}
        since = min(self.creations, default=None)
        for name in [
            n for n, (at, _) in self.attributes.items() if at < deleted or (since and at < since)
        ]:
            del self.attributes[name]
        # A no outlives the deletion; a yes does not.
        for name in [n for n, (at, yes) in self.consents.items() if yes and at < deleted]:
            del self.consents[name]


Key: TypeAlias = tuple[str, str]


class Fold:
    """Collects statements; its size is that of the customers' latest states."""

    def __init__(self) -> None:
        self._heard: dict[Key, _Heard] = {}
        self._places = 0

    def add(self, statement: Statement) -> None:
        """Take in one statement; the order of calls settles equal times."""
        key = (
            ("id", statement.customer_id)
            if statement.customer_id is not None
            else ("email", statement.email or "")
        )
        self._heard.setdefault(key, _Heard()).add(statement, self._places)
        self._places += 1

    def add_customer(self, customer: Customer) -> None:
        """Take in what was folded before, such as a change that waited for its retry.

        Whatever the same customer said at the same time or later in this input is newer.
        """
        keys = [("id", i) for i in sorted(customer.ids)] or [("email", customer.email)]
        for key in keys:
            self._heard.setdefault(key, _Heard()).merge(_Heard.recall(customer))

    @property
    def ids(self) -> frozenset[str]:
        """The shop's ids that were mentioned."""
        return frozenset(name for kind, name in self._heard if kind == "id")

    @property
    def emails(self) -> frozenset[Email]:
        """The addresses that were mentioned."""
        return frozenset(email for heard in self._heard.values() for email in heard.emails)

    def customers(self, identities: Identities) -> Folded:
        """Return one customer per address, known by what the state remembers of ids."""
        heard = _absorb_former_addresses(self._heard)
        groups: dict[Email, list[_Heard]] = defaultdict(list)
        skipped = []
        for one in heard.values():
            _recall_addresses(one, identities)
            email = one.newest_email
            if email is None:
                skipped.append(
                    Skip(
                        email=None,
                        ids=frozenset(one.ids),
                        reason=Reason.UNKNOWN_CUSTOMER,
                        statements=one.statements,
                    )
                )
            else:
                groups[email].append(one)
        customers = {}
        for email, members in groups.items():
            customer = _one_customer(email, members, identities, taken=groups.keys())
            if isinstance(customer, Skip):
                skipped.append(customer)
            else:
                customers[email] = customer
        return Folded(customers=customers, skipped=tuple(skipped))


def fold(statements: Iterable[Statement], identities: Identities | None = None) -> Folded:
    """Return the latest known state of every customer in *statements*.

    The newest statement wins, field by field. A deletion forgets what came before it and leaves a
    tombstone, so that "deleted" and "not mentioned" stay different things; only a creation after
    it brings the customer back. A no to mailing survives the deletion.
    """
    collected = Fold()
    for statement in statements:
        collected.add(statement)
    return collected.customers(identities or Identities())


def _absorb_former_addresses(heard: Mapping[Key, _Heard]) -> dict[Key, _Heard]:
    """Join what was said under an address with the customer who left that address later."""
    joined = {key: one.copy() for key, one in heard.items()}
    for key in sorted(joined, key=lambda k: k[0], reverse=True):
        one = joined.get(key)
        if one is None:
            continue
        current = one.newest_email
        for email in [e for e in one.emails if e != current]:
            left_at = min(at for e, (at, _) in one.emails.items() if at > one.emails[email][0])
            before = joined.get(("email", email))
            if before is not None and before is not one and before.last and before.last <= left_at:
                one.merge(joined.pop(("email", email)))
    return joined


def _one_customer(
    email: Email, members: list[_Heard], identities: Identities, *, taken: Collection[Email]
) -> Customer | Skip:
    """Fold all who have the address *email* into the one customer behind its contact."""
    alive = [one for one in _with_anonymous(members) if not one.is_deleted]
    ids = frozenset(i for one in members for i in one.ids)
    owners = identities.owners.get(email, frozenset())
    statements = sum(one.statements for one in members)
    if not alive and ids and not any(one.deleted for one in members if not one.ids):
        others = owners - ids
        if others:
            return Skip(email=email, ids=ids, reason=Reason.SHARED_ADDRESS, statements=statements)
    whole = _Heard()
    for one in alive or members:
        whole.merge(one)
    assert whole.last is not None  # noqa: S101 # every member was heard of at least once
    return Customer(
        email=email,
        email_at=whole.emails[email][0][0],
        ids=ids if not alive else frozenset(i for one in alive for i in one.ids),
        former_emails=tuple(_former_emails(email, whole, identities, taken)),
        attributes={} if whole.is_deleted else _dated(whole.attributes),
        email_consent=_dated(whole.consents).get("email"),
        sms_consent=_dated(whole.consents).get("sms"),
        created_at=max(whole.creations)[0] if whole.creations else None,
        revived_at=min(whole.creations)[0] if whole.creations else None,
        deleted_at=whole.deleted[0] if whole.deleted else None,
        is_deleted=not alive,
        is_only_created=_is_only_created(whole),
        last_at=whole.last[0],
        statements=statements,
    )


def _is_only_created(heard: _Heard) -> bool:
    if not heard.creations:
        return False
    if heard.updated is None:
        return True
    return heard.deleted is not None and heard.updated < min(heard.creations)


def _with_anonymous(members: list[_Heard]) -> Iterator[_Heard]:
    """Yield each customer with an id, joined with what was said under the address alone."""
    anonymous = [one for one in members if not one.ids]
    named = [one for one in members if one.ids]
    if not named:
        yield from anonymous
    for one in named:
        whole = one.copy()
        for other in anonymous:
            whole.merge(other)
        yield whole


def _recall_addresses(heard: _Heard, identities: Identities) -> None:
    """Add the addresses that the state remembers for the ids, as old as they are."""
    for known in (identities.addresses[i] for i in heard.ids if i in identities.addresses):
        _keep_newer(heard.emails, known.value, (known.at, -1), None)


def _former_emails(
    email: Email, heard: _Heard, identities: Identities, taken: Collection[Email]
) -> Iterator[Email]:
    """Yield the addresses that the contact may still go by, the likeliest first.

    Where others live at an old address, its contact is theirs and stays. An address that is only
    said to be an old one, and that somebody in the same input has, is theirs too.
    """
    remembered = {identities.addresses[i].value for i in heard.ids if i in identities.addresses}
    newest_first = sorted(heard.emails, key=lambda e: heard.emails[e][0], reverse=True)
    for former in sorted(newest_first, key=lambda e: e not in remembered):
        others = identities.owners.get(former, frozenset()) - heard.ids
        if former != email and not others and (former in remembered or former not in taken):
            yield former


def _dated(said: Mapping[str, tuple[Clock, V]]) -> dict[str, Dated[V]]:
    return {name: Dated(value=value, at=clock[0]) for name, (clock, value) in said.items()}


def _keep_newer(said: "Said[K, V]", name: K, clock: Clock, value: V) -> None:
    known = said.get(name)
    if known is None or known[0] <= clock:
        said[name] = (clock, value)


def _merge_newer(mine: "Said[K, V]", theirs: "Said[K, V]") -> None:
    for name, (clock, value) in theirs.items():
        _keep_newer(mine, name, clock, value)


def _later(one: Clock | None, other: Clock | None) -> Clock | None:
    return max((c for c in (one, other) if c is not None), default=None)
