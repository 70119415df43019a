"""A month of a shop's life: runs with what goes wrong among them, and a ledger kept apart.

The ledger knows nothing of reports and journals. It looks at the account's log of requests and at
its contacts before and after each run, and knows what the shop said.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Contact
from customer_sync.sandbox import Sandbox
from customer_sync.sandbox.timeline import moment
from customer_sync.sandbox.traffic import last
from session_stage import Shop, event

_NAMES = ("Ada", "Ben", "Chloe", "Dan", "Eve", "Finn", "Grace", "Hugo", "Iris", "Jon")
_EDITED = "Edited by hand"

_BROKEN: tuple[Mapping[str, object], ...] = (
    {"event": "customer_created", "timestamp": "yesterday", "data": {"id": "x1"}},
    {"event": "customer_renamed", "timestamp": "2024-01-15T10:00:00Z", "data": {"id": "x2"}},
    {"event": "customer_updated", "timestamp": "2024-01-15T10:00:00Z", "data": {}},
)
"""Records that no run can use."""


@dataclass(slots=True, kw_only=True)
class Person:
    """A customer as the shop knows it."""

    number: int
    first_name: str
    last_name: str
    is_blocked: bool = False
    is_deleted: bool = False
    said_at: datetime

    @property
    def email(self) -> str:
        """The address, which also tests know the contact by."""
        return f"p{self.number}@example.com"

    def is_held(self, contact: Contact | None) -> bool:
        """Tell whether Brevo holds the customer as the shop says."""
        if contact is None:
            return False
        if self.is_deleted:
            return contact.is_email_blocked and not contact.list_ids
        names = (contact.attributes.get("FIRSTNAME"), contact.attributes.get("LASTNAME"))
        return (
            names == (self.first_name, self.last_name)
            and contact.is_email_blocked is self.is_blocked
            and contact.list_ids == {5}
        )


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What truly happened."""

    runs: int = 0
    failed_runs: int = 0
    in_sync: int = 0
    out_of_sync: int = 0
    rejections: int = 0
    drift: int = 0
    newly_blocked: int = 0
    latencies: list[float] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    """By the first part of the path: `contacts`, `processes`, ..."""
    failed_requests: int = 0


class Month:
    """A shop that lives for some days, and runs that follow it."""

    def __init__(self, folder: Path, *, start: datetime, seed: int = 7) -> None:
        self.shop = Shop(folder, clock=SimulatedClock(start))
        self.ledger = Ledger()
        self._dice = random.Random(seed)
        self._people: dict[int, Person] = {}
        self._said: list[Mapping[str, object]] = []
        """Records that no run has read to the end yet."""
        self._mentioned: set[int] = set()
        """Whom these records are about."""
        self._broken = 0
        """How many of these records cannot be used."""
        self._waiting: set[int] = set()
        """Of whom runs were told, and Brevo does not hold them as the shop says."""

    @property
    def now(self) -> datetime:
        """The time that the month has got to."""
        return self.shop.clock.now()

    @property
    def queue_depth(self) -> int:
        """How many customers runs were told of in vain so far."""
        return len(self._waiting)

    def live(self, *, days: int, runs_per_day: int) -> None:
        """Let days pass, each with its runs; some of them go wrong, in each of the usual ways."""
        every = timedelta(days=1) / runs_per_day
        troubles = self._troubles(days * runs_per_day)
        for number in range(days * runs_per_day):
            self._live_on(every, newcomers=25 if number == 0 else self._dice.randint(0, 3))
            with self.shop.sandbox() as sandbox:
                self._edit_by_hand(sandbox)
            self._run(troubles.get(number, _nothing))

    def be_killed(self) -> None:
        """Let a run begin and die."""
        self.shop.clock.advance(60)
        with self.shop.memory() as store:
            store.begin_run(f"killed-{self.now:%d}", "run", self.now)
        self.ledger.runs += 1
        self.ledger.failed_runs += 1
        self.shop.clock.advance(60)

    # ------------------------------------------------------------ what happens at the shop

    def _live_on(self, span: timedelta, *, newcomers: int) -> None:
        begin = self.now
        self.shop.clock.advance(span.total_seconds())
        for _ in range(newcomers):
            self._come(self._some_time(begin, self.now))
        settled = [p for p in self._people.values() if not p.is_deleted and p.said_at < begin]
        for person in self._dice.sample(settled, min(len(settled), self._dice.randint(1, 6))):
            self._change(person, self._some_time(begin, self.now))
        if self._dice.random() < 0.15:
            self._said.append(self._dice.choice(_BROKEN))
            self._broken += 1

    def _some_time(self, begin: datetime, end: datetime) -> datetime:
        """Return a time between two, mostly towards the end, to the second."""
        share = 1 - self._dice.random() ** 2
        return (begin + (end - begin) * share).replace(microsecond=0)

    def _come(self, at: datetime) -> None:
        number = len(self._people) + 1
        person = Person(
            number=number,
            first_name=self._dice.choice(_NAMES),
            last_name=f"Number {number}",
            said_at=at,
        )
        self._people[number] = person
        self._say("created", person, firstName=person.first_name, lastName=person.last_name)

    def _change(self, person: Person, at: datetime) -> None:
        person.said_at = max(at, person.said_at + timedelta(seconds=1))
        chance = self._dice.random()
        if chance < 0.06:
            person.is_deleted = True
            self._say("deleted", person)
        elif chance < 0.12:
            person.is_blocked = True
            self._say("updated", person, acceptsMarketing=False)
        elif chance < 0.3:
            self._say("updated", person, firstName=person.first_name)
        else:
            person.first_name = self._dice.choice(_NAMES)
            person.last_name = f"Changed {person.said_at:%d %H%M%S}"
            self._say("updated", person, firstName=person.first_name, lastName=person.last_name)

    def _say(self, trigger: str, person: Person, **fields: object) -> None:
        at = person.said_at.isoformat().replace("+00:00", "Z")
        self._said.append(event(trigger, person.number, at=at, **fields))
        self._mentioned.add(person.number)

    # ------------------------------------------------------------ what happens at Brevo

    def _edit_by_hand(self, sandbox: Sandbox) -> None:
        """Let somebody edit, now and then, a contact that the next run is told of."""
        living = [n for n in sorted(self._mentioned - self._waiting) if n in self._known]
        living = [n for n in living if not self._people[n].is_deleted]
        if living and self._dice.random() < 0.25:
            person = self._people[self._dice.choice(living)]
            person.said_at = self.now.replace(microsecond=0)
            self._say("updated", person, firstName=person.first_name)
            sandbox.edit(person.email, {"attributes": {"FIRSTNAME": _EDITED}})

    _known: frozenset[int] = frozenset()
    """Who has a contact."""

    def _troubles(self, runs: int) -> Mapping[int, Callable[[Sandbox], object]]:
        """Return what happens to Brevo before which run."""

        def outage(sandbox: Sandbox) -> None:
            sandbox.change_settings({"fail": {"503": 1.0}})

        def lock_out(sandbox: Sandbox) -> None:
            sandbox.change_settings({"knows_ip": False})

        def refuse_writes(sandbox: Sandbox) -> None:
            for route in ("POST /contacts", "PUT /contacts/{identifier}", "POST /contacts/batch"):
                sandbox.inject(route, status=503, times=7)

        def hiccup(sandbox: Sandbox) -> None:
            sandbox.inject("*", status=self._dice.choice([429, 500, 503]), times=2)

        hiccups = self._dice.sample(range(1, runs), runs // 8)
        return {
            **dict.fromkeys(hiccups, hiccup),
            runs // 3: refuse_writes,
            runs // 2: outage,
            5 * runs // 6: lock_out,
        }

    # ------------------------------------------------------------ one run, and what came of it

    def _run(self, trouble: Callable[[Sandbox], object]) -> None:
        before, began = self.shop.contacts(), self._after_a_while()
        with self.shop.sandbox() as sandbox:
            trouble(sandbox)
        self.shop.run(*(self._said or [_BROKEN[0]]))
        self._broken += not self._said
        with self.shop.sandbox() as sandbox:
            log = [seen for seen in last(sandbox.peek()) if moment(seen.at) >= began]
            sandbox.change_settings({"fail": {}, "knows_ip": True})
        self._after_a_while()
        after = self.shop.contacts()
        self._count_requests((s.method, s.path, s.status) for s in log)
        self.ledger.runs += 1
        has_given_up = all(s.status is None or s.status >= 400 for s in log)
        self.ledger.failed_runs += has_given_up
        if not has_given_up:
            self._count_people(before, after, began)
        self._known = frozenset(n for n, p in self._people.items() if p.email in after)

    def _after_a_while(self) -> datetime:
        """Keep what is done before apart from what is done after the time that is returned."""
        self.shop.clock.advance(1)
        between = self.now
        self.shop.clock.advance(1)
        return between

    def _count_requests(self, log: Iterable[tuple[str, str, int | None]]) -> None:
        for method, path, status in log:
            self.ledger.requests[path.split("/")[1]] += 1
            has_asked = method == "GET" and status == 404
            self.ledger.failed_requests += (status is None or status >= 400) and not has_asked

    def _count_people(
        self, before: Mapping[str, Contact], after: Mapping[str, Contact], began: datetime
    ) -> None:
        concerned = [self._people[n] for n in sorted(self._mentioned | self._waiting)]
        held = [p for p in concerned if p.is_held(after.get(p.email))]
        edited = [
            p
            for p in concerned
            if p.email in before and before[p.email].attributes.get("FIRSTNAME") == _EDITED
        ]
        self.ledger.in_sync += len(held)
        self.ledger.out_of_sync += len(concerned) - len(held) + self._broken
        self.ledger.rejections += self._broken
        self.ledger.drift += len(edited)
        self.ledger.newly_blocked += sum(
            after[p.email].is_email_blocked
            and not (p.email in before and before[p.email].is_email_blocked)
            for p in concerned
            if p.email in after
        )
        for person in held:
            contact = after[person.email]
            if contact.modified_at is not None and contact.modified_at >= began:
                self.ledger.latencies.append((contact.modified_at - person.said_at).total_seconds())
        self._waiting = {p.number for p in concerned if not p.is_held(after.get(p.email))}
        self._said, self._mentioned, self._broken = [], set(), 0


def _nothing(_: Sandbox) -> None:
    """Let all go well."""


def a_month(folder: Path, *, end: datetime, days: int = 30, runs_per_day: int = 2) -> Month:
    """Return a shop that has lived for *days* until about *end*, with all that goes wrong."""
    month = Month(folder, start=(end - timedelta(days=days)).astimezone(UTC))
    third = days // 3
    month.live(days=third, runs_per_day=runs_per_day)
    month.be_killed()
    month.live(days=days - third, runs_per_day=runs_per_day)
    return month
