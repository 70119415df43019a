"""verify: the shop, the state and Brevo put side by side; nothing is written to Brevo."""

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from customer_sync.brevo.client import BrevoClient
from customer_sync.config import Config
from customer_sync.console import Watch
from customer_sync.core.customers.fold import Fold, Folded
from customer_sync.core.customers.remembered import last_said, recalled
from customer_sync.core.model import (
    Contact,
    Customer,
    Email,
    Limit,
    Rejection,
    Trigger,
)
from customer_sync.core.proving.parity import compare
from customer_sync.core.proving.sampling import choose, size_of
from customer_sync.core.proving.sheet import Memory, Sheet, Shop, Unusable
from customer_sync.errors import SourceError
from customer_sync.proof.hearing import Ear, Hearing, Sources
from customer_sync.run.listing import Listing, names_in
from customer_sync.run.observe import Freshness, observe
from customer_sync.run.planfile import read_plan
from customer_sync.run.session import IN_FLIGHT
from customer_sync.run.withholding import WITHHELD_FILE
from customer_sync.store import QueueItem, RunLock, Store
from customer_sync.target import Connection, state_file

NOTHING_IS_DUE = datetime.min.replace(tzinfo=UTC)
"""A time before any retry: only those who are heard of are taken from the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be proved."""

    sources: Sources
    """Without any, what was confirmed is compared with Brevo."""
    sample: Limit | None = None
    """So many of the customers, or such a share of them; None: everybody."""
    seed: int = 0
    """What decides which ones a sample looks at."""
    is_complete: bool = False
    """The sources list every customer there is, so that absence means deletion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The parity sheet, and what it rests on."""

    sheet: Sheet
    looked_at: int
    """At how many addresses."""
    of: int
    records_read: int
    rejections: int
    checked_at: datetime
    requests: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class _Told:
    """What the sources tell, before the state is asked."""

    fold: Fold = field(default_factory=Fold)
    listing: Listing = field(default_factory=Listing)
    unusable: list[Unusable] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    """Ids of which a deletion without an address was heard."""
    alive: set[str] = field(default_factory=set)
    """Ids of which something else without an address was heard."""
    records: int = 0


def prove(config: Config, state: Path, question: Question, watch: Watch) -> Proof:
    """Compare Brevo, read anew, with what the shop says.

    The mirror is brought up to date on the way, so that it needs the lock of the state.

    Raises:
        CustomerSyncError: whatever stops a run before it plans.
    """
    connection = Connection(config=config, state=state, environ=os.environ)
    clock = connection.clock()
    hearing = Hearing(config, question.sources, watch, stdin=sys.stdin.buffer, now=clock.now())
    with (
        RunLock(state / "lock", now=clock.now()),
        Store(state / state_file(config.brevo.target)) as store,
        hearing,
    ):
        hearing.take(store)

        async def work() -> Proof:
            async with connection.open(clock, on_request=watch.request) as account:
                prover = _Prover(config, question, account, store, watch)
                return await prover.prove(hearing, clock.now(), state / WITHHELD_FILE)

        with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
            return runner.run(work())


class _Prover:
    """Asks everybody for their part of the proof."""

    def __init__(
        self, config: Config, question: Question, account: BrevoClient, store: Store, watch: Watch
    ) -> None:
        self._config = config
        self._question = question
        self._account = account
        self._store = store
        self._watch = watch

    async def prove(self, hearing: Hearing, now: datetime, withheld: Path) -> Proof:
        """Return the sheet."""
        ear = Ear(self._config, await self._account.attributes())
        told = self._listen(hearing, ear)
        shop = self._shop(told, now)
        population = shop.customers
        sample = self._question.sample
        looked_at: frozenset[Email] | None = None
        if sample is not None:
            size = size_of(sample, len(population))
            looked_at = choose(population.keys(), size, seed=self._question.seed)
        names = all_names(c for e, c in population.items() if looked_at is None or e in looked_at)
        self._watch.stage("observe")
        observed = await self._observe(names, now)
        self._watch.stage("compare")
        sheet = compare(
            shop,
            observed,
            self._memory(names, shop, withheld),
            self._config.policy,
            looked_at=looked_at,
            contacts=self._store.every_mirrored() if looked_at is None else None,
        )
        return Proof(
            sheet=sheet,
            looked_at=len(population) if looked_at is None else len(looked_at),
            of=len(population),
            records_read=told.records,
            rejections=len(told.unusable),
            checked_at=now,
            requests=dict(sorted(self._account.requests.items())),
        )

    def _listen(self, hearing: Hearing, ear: Ear) -> _Told:
        self._watch.stage("read")
        told = _Told()
        for record in hearing.records():
            told.records += 1
            self._watch.step()
            heard = ear.hear(record)
            if isinstance(heard, Rejection):
                self._watch.rejection(heard)
                told.listing.spare(heard)
                told.unusable.append(_unusable(heard))
                continue
            statement = heard.statement
            told.fold.add(statement)
            if statement.email is None and statement.customer_id is not None:
                is_end = statement.trigger is Trigger.DELETED
                (told.deleted if is_end else told.alive).add(statement.customer_id)
        return told

    def _shop(self, told: _Told, now: datetime) -> Shop:
        """Return whom the sources tell of, as the shop last described them."""
        fold, store = told.fold, self._store
        has_sources = bool(self._question.sources.names)
        known = store.identities(fold.ids, fold.emails).addresses.values()
        waiting = (
            store.queued(
                now=NOTHING_IS_DUE, emails=fold.emails | {k.value for k in known}, ids=fold.ids
            )
            if has_sources
            else store.queue()
        )
        for item in waiting:
            fold.add_customer(replace(item.customer, statements=0))
        folded = fold.customers(store.identities(fold.ids, fold.emails))
        emails = {
            *all_names(folded.customers.values()),
            *(s.email for s in folded.skipped if s.email),
        }
        folded = last_said(folded, store.confirmed(emails))
        customers = dict(folded.customers)
        if not has_sources:
            customers = {**self._everybody(folded), **customers}
        elif self._question.is_complete:
            absent = told.listing.absent(store.living(), customers, now)
            customers |= {one.email: one for one in absent}
        return Shop(
            customers=customers,
            skipped=folded.skipped,
            unusable=tuple(told.unusable),
            only_deleted=frozenset(told.deleted - told.alive),
        )

    def _everybody(self, folded: Folded) -> dict[Email, Customer]:
        """Return all who were confirmed, but for those who are about to leave their address."""
        leaving = {e for c in folded.customers.values() for e in c.former_emails}
        everybody = self._store.everybody()
        return {
            known.email: recalled(known, ids)
            for known, ids in everybody
            if known.email not in leaving
        }

    async def _observe(self, names: frozenset[Email], now: datetime) -> dict[Email, Contact]:
        if self._question.sample is not None:
            return await _look_at_each(self._account, sorted(names))
        freshness = Freshness(
            now=now, full_refresh_every=self._config.full_refresh_every, is_forced=True
        )
        return await observe(self._account, self._store, names, freshness)

    def _memory(self, names: frozenset[Email], shop: Shop, withheld: Path) -> Memory:
        ids = {i for customer in shop.customers.values() for i in customer.ids}
        return Memory(
            confirmed=self._store.confirmed(names),
            waiting=dict(waiting_names(self._store.queue())),
            withheld=_withheld(withheld, self._config.brevo.target),
            suppressed=self._store.suppressed(names, ids),
            roll=self._store.roll(),
        )


def all_names(customers: Iterable[Customer]) -> frozenset[Email]:
    """Return the addresses of *customers*, former ones included."""
    return frozenset(e for c in customers for e in (c.email, *c.former_emails, *c.shared_emails))


def _unusable(rejection: Rejection) -> Unusable:
    first = rejection.problems[0]
    return Unusable(
        place=rejection.place,
        why=f"{first.pointer or '/'} ({first.rule}): {first.detail}",
        names=frozenset(names_in(rejection.content)),
    )


def waiting_names(queue: Iterable[QueueItem]) -> Iterator[tuple[str, str]]:
    """Yield the addresses, left ones included, and ids of all who wait, and why."""
    for item in queue:
        why = (
            f"given up after {item.attempts} attempts: {item.error}"
            if item.is_dead
            else f"in the retry queue: {item.error}"
        )
        customer = item.customer
        for name in (*customer.former_emails, *sorted(customer.ids), customer.email):
            yield name, why


def _withheld(path: Path, target: str) -> frozenset[Email]:
    """Return whose deletion the guard holds back, as far as the file tells."""
    if not path.exists():
        return frozenset()
    try:
        kept = read_plan(path)
    except SourceError:
        # Whatever it was, it explains nothing now.
        return frozenset()
    emails = (change.customer.email for change in kept.withheld)
    return frozenset(emails) if kept.target == target else frozenset()


# ---------------------------------------------------------------- looking at some


class ContactReader(Protocol):
    """Whatever fetches contacts. Every method may raise BrevoError."""

    async def contact(self, ref: Email) -> Contact | None:
        """Fetch one contact."""
        ...


async def _look_at_each(reader: ContactReader, emails: list[Email]) -> dict[Email, Contact]:
    """Return the contacts at *emails*, by a request each.

    Raises:
        BrevoError: Brevo cannot be asked.
    """
    found: dict[Email, Contact] = {}
    rest = iter(emails)

    async def look() -> None:
        for email in rest:
            contact = await reader.contact(email)
            if contact is not None:
                found[email] = contact

    lookers = [asyncio.ensure_future(look()) for _ in range(min(IN_FLIGHT, len(emails)))]
    try:
        await asyncio.gather(*lookers)
    finally:
        for looker in lookers:
            looker.cancel()
    return found
