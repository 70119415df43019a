"""explain: one person's story in the order of the pipeline; nothing is written anywhere."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from customer_sync.brevo.client import BrevoClient
from customer_sync.config import Config
from customer_sync.console import Watch
from customer_sync.core.changes.diff import diff
from customer_sync.core.changes.suppression import Suppressed
from customer_sync.core.customers.fold import Fold, Folded
from customer_sync.core.customers.remembered import last_said, recalled
from customer_sync.core.model import (
    Attribute,
    Change,
    Confirmed,
    Contact,
    Customer,
    Email,
    Rejection,
    Skip,
)
from customer_sync.core.proving.parity import compare
from customer_sync.core.proving.sheet import Entry, Memory, Shop
from customer_sync.core.proving.story import Consent, Passage, Tracer, Verdict, consents, verdicts
from customer_sync.core.undoing.past import Tried
from customer_sync.errors import StoreError
from customer_sync.proof.hearing import Accepted, Ear, Hearing, Sources
from customer_sync.proof.proving import NOTHING_IS_DUE, all_names, waiting_names
from customer_sync.run.listing import names_in
from customer_sync.store import QueueItem, Store
from customer_sync.target import Connection, state_file
from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the story is about: exactly one of the two is given."""

    email: Email | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One record about the person."""

    record: Accepted | Rejection
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the person comes down to at one address, and how each part of that was decided."""

    customer: Customer
    verdicts: tuple[Verdict, ...]
    consents: tuple[Consent, ...]
    """None where the customer is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the state knows of the person."""

    confirmed: tuple[Confirmed, ...] = ()
    waiting: tuple[QueueItem, ...] = ()
    journal: tuple[tuple[str, Tried], ...] = ()
    """By the run that tried it, the oldest first."""
    suppressed: Suppressed = field(default_factory=Suppressed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One person, from the records of the shop to the contact in Brevo."""

    emails: tuple[Email, ...]
    ids: tuple[str, ...]
    heard: tuple[Heard, ...]
    desired: tuple[Desired, ...]
    left_alone: tuple[Skip, ...]
    """What the records come to where that leads nowhere."""
    remembered: Remembered
    changes: tuple[Change, ...]
    """What a run of these sources would do."""
    standings: tuple[tuple[str, Entry], ...]
    """Where the parity sheet has the person, by the newest word of the shop."""
    observed: tuple[Contact, ...]

    @property
    def is_anybody(self) -> bool:
        """Tell whether anything is known of such a person."""
        known = self.remembered
        return bool(
            self.heard or known.confirmed or known.waiting or known.journal or self.observed
        )


def explain(config: Config, state: Path, subject: Subject, sources: Sources, watch: Watch) -> Story:
    """Return the story of *subject*, asking Brevo for the contact as it is now.

    Neither the lock nor the mirror is touched, so that it can be asked while a run works.

    Raises:
        CustomerSyncError: whatever stops a run before it plans.
    """
    connection = Connection(config=config, state=state, environ=os.environ)
    clock = connection.clock()
    with (
        _seekable_stdin(is_needed="-" in sources.names) as stdin,
        Store(state / state_file(config.brevo.target)) as store,
        Hearing(config, sources, watch, stdin=stdin, now=clock.now()) as hearing,
    ):
        hearing.take(store)

        async def work() -> Story:
            async with connection.open(clock, on_request=watch.request) as account:
                attributes = await account.attributes()
                teller = _Teller(config, store, watch, attributes)
                return await teller.tell(subject, hearing, account)

        with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
            return runner.run(work())


@contextmanager
def _seekable_stdin(*, is_needed: bool) -> Iterator[BinaryIO]:
    """Yield standard input as something that can be read more than once."""
    with tempfile.TemporaryFile() as kept:
        if is_needed:
            try:
                shutil.copyfileobj(sys.stdin.buffer, kept)
            except OSError as error:
                raise StoreError(
                    f"Standard input cannot be kept while it is read: {error.strerror}.",
                    trouble=Code.NO_ROOM,
                    hint="Make room in the folder for temporary files, or set TMPDIR to another.",
                ) from error
            kept.seek(0)
        yield kept


@dataclass(slots=True)
class _Names:
    """Whatever the person is known by; it grows with what is heard."""

    emails: set[Email]
    ids: set[str]

    def are_of(self, heard: Accepted | Rejection) -> bool:
        """Tell whether a record is about the person."""
        if isinstance(heard, Rejection):
            return not {*self.emails, *self.ids}.isdisjoint(names_in(heard.content))
        event = heard.event
        mentioned = {event.email, event.previous_email, heard.statement.email}
        return event.customer_id in self.ids or not self.emails.isdisjoint(mentioned - {None})

    def learn(self, heard: Accepted | Rejection) -> bool:
        """Take in the names of a record about the person, and tell whether any is new."""
        if isinstance(heard, Rejection):
            return False
        event = heard.event
        before = len(self.emails) + len(self.ids)
        told = (event.email, event.previous_email, heard.statement.email)
        self.emails.update(email for email in told if email is not None)
        if event.customer_id is not None:
            self.ids.add(event.customer_id)
        return len(self.emails) + len(self.ids) > before


class _Teller:
    """Asks each stage for its part of the story."""

    def __init__(
        self, config: Config, store: Store, watch: Watch, attributes: dict[str, Attribute]
    ) -> None:
        self._config = config
        self._store = store
        self._watch = watch
        self._ear = Ear(config, attributes)
        self._tracer = Tracer(config.rules, attributes, default_region=config.default_region)

    async def tell(self, subject: Subject, hearing: Hearing, account: BrevoClient) -> Story:
        """Return the story."""
        names = self._names(subject)
        heard = self._listen(hearing, names)
        known = self._remembered(names)
        folded = self._fold(heard, known)
        emails = {*names.emails, *all_names(folded.customers.values())}
        observed = {}
        for email in sorted(emails):
            contact = await account.contact(email)
            if contact is not None:
                observed[email] = contact
        confirmed = self._store.confirmed(emails)
        described = self._described(folded, confirmed)
        memory = Memory(
            confirmed=confirmed,
            waiting=dict(waiting_names(known.waiting)),
            suppressed=self._store.suppressed(emails, names.ids),
        )
        policy = self._config.policy
        changes = diff(folded.customers, observed, confirmed, policy, memory.suppressed)
        return Story(
            emails=tuple(sorted(emails)),
            ids=tuple(sorted(names.ids)),
            heard=tuple(self._passed(one) for one in heard),
            desired=tuple(
                self._desired(c, heard, observed, memory) for c in described.customers.values()
            ),
            left_alone=folded.skipped,
            remembered=known,
            changes=tuple(changes),
            standings=tuple(_standings(described, observed, memory, self._config)),
            observed=tuple(observed[email] for email in sorted(observed)),
        )

    def _names(self, subject: Subject) -> _Names:
        email = subject.email
        ids = set() if subject.customer_id is None else {subject.customer_id}
        if subject.customer_id is not None:
            known = self._store.identities([subject.customer_id], ()).addresses
            email = known[subject.customer_id].value if subject.customer_id in known else None
        if email is None:
            return _Names(set(), ids)
        person = self._store.person(email)
        return _Names({email, *person.emails}, {*ids, *person.ids})

    def _listen(self, hearing: Hearing, names: _Names) -> list[Accepted | Rejection]:
        """Return the records about the person, in the order of the input.

        A record may tell a name that an earlier one was about: then all are listened to again.
        """
        while True:
            self._watch.stage("read")
            about: list[Accepted | Rejection] = []
            has_learned = False
            for record in hearing.records():
                self._watch.step()
                heard = self._ear.hear(record)
                if names.are_of(heard):
                    about.append(heard)
                    has_learned = names.learn(heard) or has_learned
            if not has_learned:
                return about

    def _passed(self, record: Accepted | Rejection) -> Heard:
        if isinstance(record, Rejection):
            return Heard(record=record)
        return Heard(record=record, passages=tuple(self._tracer.passages(record.event)))

    def _remembered(self, names: _Names) -> Remembered:
        store = self._store
        emails = sorted(names.emails)
        return Remembered(
            confirmed=tuple(store.confirmed(emails).values()),
            waiting=tuple(store.queued(now=NOTHING_IS_DUE, emails=names.emails, ids=names.ids)),
            journal=tuple(store.tried_for(emails)),
            suppressed=store.suppressed(emails, names.ids),
        )

    def _fold(self, heard: Sequence[Accepted | Rejection], known: Remembered) -> Folded:
        """Fold what was heard with what waits, as a run does."""
        fold = Fold()
        for one in heard:
            if isinstance(one, Accepted):
                fold.add(one.statement)
        for item in known.waiting:
            fold.add_customer(replace(item.customer, statements=0))
        return fold.customers(self._store.identities(fold.ids, fold.emails))

    def _described(self, folded: Folded, confirmed: Mapping[Email, Confirmed]) -> Folded:
        """Return the person as the shop last described it, whether or not it was heard of now."""
        described = last_said(folded, confirmed)
        taken = {e for c in described.customers.values() for e in (c.email, *c.former_emails)}
        silent = {
            email: recalled(known, self._store.ids_at(email))
            for email, known in confirmed.items()
            if email not in taken
        }
        return Folded(customers={**silent, **described.customers}, skipped=described.skipped)

    def _desired(
        self,
        customer: Customer,
        heard: Sequence[Accepted | Rejection],
        observed: Mapping[Email, Contact],
        memory: Memory,
    ) -> Desired:
        names = (customer.email, *customer.former_emails)
        contact = next((observed[e] for e in names if e in observed), None)
        statements = [one.statement for one in heard if isinstance(one, Accepted)]
        decided: tuple[Consent, ...] = ()
        if not customer.is_deleted:
            policy = self._config.policy
            decided = consents(customer, contact, memory.confirmed, policy, memory.suppressed)
        return Desired(
            customer=customer, verdicts=tuple(verdicts(customer, statements)), consents=decided
        )


def _standings(
    described: Folded, observed: Mapping[Email, Contact], memory: Memory, config: Config
) -> Iterator[tuple[str, Entry]]:
    shop = Shop(customers=described.customers, skipped=described.skipped)
    sheet = compare(shop, observed, memory, config.policy)
    for standing, entries in sheet.customers.lists.items():
        yield from ((standing.value, entry) for entry in entries)
    for farewell, entries in sheet.deleted.lists.items():
        yield from ((f"deleted, {farewell.value}", entry) for entry in entries)
