"""What was heard of one customer, kept so that the order of hearing makes no difference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

from customer_sync.core.model import Customer, Dated, Email, Statement, Trigger, Value

Clock: TypeAlias = tuple[datetime, int]
"""When something was said, and its place in the input to settle equal times."""

K = TypeVar("K")
V = TypeVar("V")
Said: TypeAlias = dict[K, tuple[Clock, V]]


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Heard:
    """What was heard of one key so far; only the newest of everything is kept.

    What a deletion voids is told by `settled` at the end, not on the way: a creation that is still
    to arrive may lie further back than those that are known.
    """

    ids: set[str] = field(default_factory=set)
    emails: Said[Email, Clock] = field(default_factory=dict)
    """With each address, when it was heard of first."""
    attributes: Said[str, Value] = field(default_factory=dict)
    consents: Said[str, bool] = field(default_factory=dict)
    creations: set[Clock] = field(default_factory=set)
    """Those after the last deletion."""
    updated: Clock | None = None
    deleted: Clock | None = None
    last: Clock | None = None
    vacated: Clock | None = None
    """When all were deleted who had the newest address before."""
    statements: int = 0

    @classmethod
    def of(cls, said: Statement, place: int) -> "Heard":
        """Return what one statement tells."""
        heard = cls()
        heard.add(said, place)
        return heard

    def add(self, said: Statement, place: int) -> None:
        """Take in one statement."""
        clock = (said.occurred_at, place)
        if said.customer_id is not None:
            self.ids.add(said.customer_id)
        if said.previous_email is not None:
            # An instant before the new address was said.
            self.hear_of(said.previous_email, (clock[0], -1))
        if said.email is not None:
            self.hear_of(said.email, clock)
        for name, value in said.attributes.items():
            keep_newer(self.attributes, name, clock, value)
        consent_clock = (said.consent_at or said.occurred_at, place)
        for name, consent in (("email", said.email_consent), ("sms", said.sms_consent)):
            if consent is not None:
                keep_newer(self.consents, name, consent_clock, consent)
        self._add_trigger(said.trigger, clock)
        self.last = _later(self.last, clock)
        self.statements += 1

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
        self._forget_creations_before_the_deletion()

    def hear_of(self, email: Email, clock: Clock) -> None:
        """Take in that the customer had *email* at that time."""
        newest, first = self.emails.get(email, (clock, clock))
        self.emails[email] = (max(newest, clock), min(first, clock))

    def add_deletion(self, clock: Clock) -> None:
        """Take in that the customer was deleted at that time."""
        self.deleted = _later(self.deleted, clock)
        self._forget_creations_before_the_deletion()

    def vacate(self, clock: Clock) -> None:
        """Take in that somebody who had the newest address was deleted at that time."""
        self.vacated = _later(self.vacated, clock)

    @classmethod
    def recall(cls, customer: Customer) -> "Heard":
        """Return what must have been heard to arrive at *customer*."""
        heard = cls(ids=set(customer.ids), statements=customer.statements)
        heard.hear_of(customer.email, (customer.email_at, -1))
        for age, email in enumerate(customer.former_emails):
            # Nobody knows any more when the customer had them: whatever a statement tells is newer.
            heard.hear_of(email, (_LONG_AGO, -1 - age))
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
        if customer.vacated_at is not None:
            heard.vacated = (customer.vacated_at, -1)
        return heard

    def merge(self, other: "Heard") -> None:
        """Take in all that was heard under another key."""
        self.ids |= other.ids
        for email, (newest, first) in other.emails.items():
            self.hear_of(email, newest)
            self.hear_of(email, first)
        _merge_newer(self.attributes, other.attributes)
        _merge_newer(self.consents, other.consents)
        self.creations |= other.creations
        self.updated = _later(self.updated, other.updated)
        self.deleted = _later(self.deleted, other.deleted)
        self.last = _later(self.last, other.last)
        self.vacated = _later(self.vacated, other.vacated)
        self.statements += other.statements
        self._forget_creations_before_the_deletion()

    def copy(self) -> "Heard":
        """Return an independent copy."""
        copy = Heard()
        copy.merge(self)
        return copy

    def settled(self) -> "Heard":
        """Return what still counts once everything is heard.

        A deletion voids what was said before it and, where a creation follows, before that. A no
        to mailing outlives it; a yes does not.
        """
        settled = self.copy()
        if self.deleted is None:
            return settled
        since = min(self.creations, default=self.deleted)
        settled.attributes = {n: (at, v) for n, (at, v) in self.attributes.items() if at >= since}
        settled.consents = {
            n: (at, yes) for n, (at, yes) in self.consents.items() if not yes or at >= since
        }
        return settled

    @property
    def is_deleted(self) -> bool:
        """Tell whether a deletion stands, with no creation after it."""
        return self.deleted is not None and not self.creations

    @property
    def says_no(self) -> bool:
        """Tell whether the customer does not want to be written to, by mail or otherwise."""
        return any(not is_yes for _, is_yes in self.consents.values())

    @property
    def is_only_created(self) -> bool:
        """Tell whether nothing but creations counts."""
        if not self.creations:
            return False
        if self.updated is None:
            return True
        return self.deleted is not None and self.updated < min(self.creations)

    @property
    def newest_email(self) -> Email | None:
        """Return the address that was said last."""
        return max(self.emails, key=self.age_of, default=None)

    def age_of(self, email: Email) -> tuple[Clock, Email]:
        """Return what puts addresses in the order in which they were said, without ties."""
        return self.emails[email][0], email

    def left_at(self, email: Email) -> Clock:
        """Return when the customer was first heard of elsewhere after having *email*.

        Where two addresses were said at one time, the one that is not the newest was left then.
        """
        had_at = self.emails[email][0]
        elsewhere = (first if first > had_at else newest for newest, first in self.emails.values())
        return min((at for at in elsewhere if at > had_at), default=had_at)

    def _forget_creations_before_the_deletion(self) -> None:
        if self.deleted is not None:
            deleted = self.deleted
            self.creations = {clock for clock in self.creations if clock > deleted}


def dated(said: Mapping[str, tuple[Clock, V]]) -> dict[str, Dated[V]]:
    """Return values with their times alone."""
    return {name: Dated(value=value, at=clock[0]) for name, (clock, value) in said.items()}


def keep_newer(said: "Said[K, V]", name: K, clock: Clock, value: V) -> None:
    """Let *value* take its place in *said* unless something newer is there."""
    known = said.get(name)
    if known is None or known[0] <= clock:
        said[name] = (clock, value)


def _merge_newer(mine: "Said[K, V]", theirs: "Said[K, V]") -> None:
    for name, (clock, value) in theirs.items():
        keep_newer(mine, name, clock, value)


def _later(one: Clock | None, other: Clock | None) -> Clock | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
