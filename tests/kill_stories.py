"""Stories of runs that are killed again and again while a shop goes on, and how they must end."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customer_sync.errors import ExitCode
from customer_sync.run.report import RunReport
from growing_shop import Act, GrowingShop
from killing import AfterOutcomes, AfterRequests, AfterSeconds, Moment, Workplace, workplace

MOST_KILLS_OF_A_LIFE = 8
"""After so many the next run is left in peace, and everything is looked at."""

MOST_RUNS_TO_SETTLE = 5
READING_REQUESTS = 3
"""Attributes, lists and a page of contacts: what every run asks for before it writes."""

_NOTHING = "nothing.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happens at a shop in each of its lives, and how it is written."""

    name: str
    opening: Act
    """What the shop had before the first kill."""
    act: Act
    """What happens before each life."""
    writes: int
    """About how many requests that takes."""
    meanwhile: Act = field(default=lambda shop: shop.change(3))
    """What may happen between two restarts."""
    options: tuple[str, ...] = ()
    deletes_softly: bool = True
    refusals: Mapping[str, int] = field(default_factory=dict)
    """How many requests of a route Brevo refuses in each life, so that changes wait."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the kills of a story came to."""

    kills: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    lives: int = 0
    lost: int = 0
    twice: int = 0
    wrong: int = 0
    overtaken: int = 0
    """Contacts that held something older than they had held before."""


@dataclass(slots=True, kw_only=True)
class Telling:
    """A story while it goes on."""

    story: Story
    place: Workplace
    shop: GrowingShop
    dice: random.Random
    tally: Tally = field(default_factory=Tally)
    _files: list[str] = field(default_factory=list)
    """Everything that was said in this life."""
    _unread: list[str] = field(default_factory=list)
    """What no run has queued yet, as far as is known."""
    _revisions: dict[str, float] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)

    def tell(self, kills: int) -> Tally:
        """Go on until runs were killed so many times, and see that all is well after each life."""
        self.story.opening(self.shop)
        self._hear()
        self._settle()
        while (left := kills - self.place.kills.total()) > 0:
            self._live(min(left, self.dice.randint(1, MOST_KILLS_OF_A_LIFE)))
        self.tally.kills = dict(self.place.kills.most_common())
        return self.tally

    # ------------------------------------------------------------ one life

    def _live(self, kills: int) -> None:
        """Let a shop's news be written by runs that are killed, and at last by one that is not."""
        self._files.clear()
        self.story.act(self.shop)
        self._hear()
        for route, times in self.story.refusals.items():
            self.place.control("faults", {"route": route, "status": 400, "times": times})
        until = self.place.kills.total() + kills
        while self.place.kills.total() < until:
            self._run(self._moment())
            self._look()
            if self.dice.random() < 0.4:
                self.story.meanwhile(self.shop)
                self._hear()
            if self.dice.random() < 0.2:
                self._let_somebody_leave()
        self._settle()

    def _settle(self) -> None:
        """Let runs go on until nothing waits, and see that everything is as it should be."""
        for _ in range(MOST_RUNS_TO_SETTLE):
            self._run(None)
            if not self.place.memory().waiting:
                break
        again = self._run(None, sources=self._files)
        assert again is not None
        assert again.plan.create + again.plan.update + again.plan.delete == 0, again
        memory = self.place.memory()
        assert (memory.waiting, memory.open_jobs, memory.loose_ends) == (0, 0, 0), memory
        assert self.place.unblocked() == []
        self._look()
        verdict = self.shop.judge(self.place.contacts())
        self.tally.lost += len(verdict.lost)
        self.tally.twice += len(verdict.twice)
        self.tally.wrong += len(verdict.wrong)
        self.tally.lives += 1
        assert verdict.is_good, verdict

    def _run(self, moment: Moment | None, sources: Sequence[str] = ()) -> RunReport | None:
        """Run what is not yet queued, and sometimes again what is; maybe kill it."""
        sources = list(sources or self._sources())
        before = self.place.memory()
        run = self.place.start(*sources, options=self.story.options)
        self.tally.runs += 1
        report = self.place.finish(run) if moment is None else self.place.kill(run, moment)
        after = self.place.memory()
        if report is not None or (after.run_id != before.run_id and after.is_accepted):
            self._unread = [name for name in self._unread if name not in sources]
        if report is not None:
            assert report.adds_up, report
            assert report.exit_code in {ExitCode.OK, ExitCode.PARTIAL}, report
        return report

    def _sources(self) -> list[str]:
        heard_before = [name for name in self._files if name not in self._unread]
        again = [name for name in heard_before if self.dice.random() < 0.3]
        sources = [*self._unread, *again]
        self.dice.shuffle(sources)
        return sources or [_NOTHING]

    def _moment(self) -> Moment:
        """Draw when to kill, so that every part of a run is met."""
        most = READING_REQUESTS + self.story.writes
        moments: list[Moment] = [
            AfterSeconds(self.dice.uniform(0.5, 2.5)),
            AfterRequests(self.dice.randint(1, most)),
            AfterRequests(self.dice.randint(READING_REQUESTS, most)),
            AfterOutcomes(self.dice.randint(1, self.story.writes)),
        ]
        return self.dice.choice(moments)

    # ------------------------------------------------------------ what happens meanwhile

    def _hear(self) -> None:
        """Write the shop's news to a file, a part of it twice."""
        news = self.shop.take_news()
        repeated = [event for event in news if self.dice.random() < 0.2]
        number = self.tally.runs * 100 + len(self._files)
        name = self.place.write(f"events-{number:06}.jsonl", [*news, *repeated])
        self.place.write(_NOTHING, [])
        self._files.append(name)
        self._unread.append(name)

    def _let_somebody_leave(self) -> None:
        """Let somebody whom Brevo knows unsubscribe by the link in a mail."""
        known = {str(person.number): person for person in self.shop.living}
        mailed = [
            (email, known[contact["attributes"]["CUSTOMER"]])
            for email, contact in self.place.contacts().items()
            if contact["attributes"].get("CUSTOMER") in known and not contact["emailBlacklisted"]
        ]
        if mailed:
            email, person = self.dice.choice(mailed)
            assert self.place.unsubscribe(email)
            person.is_blocked = True

    def _look(self) -> None:
        """See that no contact fell back behind what it had held, and nobody got another one."""
        for customer, revision, contact_id in _versions(self.place.contacts()):
            self.tally.overtaken += revision < self._revisions.get(customer, 0)
            self.tally.twice += self._ids.get(customer, contact_id) != contact_id
            self._revisions[customer] = revision
            self._ids[customer] = contact_id
        assert (self.tally.overtaken, self.tally.twice) == (0, 0)


def _versions(contacts: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, float, int]]:
    for contact in contacts.values():
        attributes = contact["attributes"]
        if "CUSTOMER" in attributes:
            yield attributes["CUSTOMER"], attributes.get("REVISION", 0), contact["id"]


def tell(story: Story, folder: Path, *, kills: int, seed: int) -> Tally:
    """Tell *story* in *folder* until its runs were killed *kills* times.

    The same seed gives the same shop and the same moments, but what a run is doing then is up to
    the machine.
    """
    dice = random.Random(f"{story.name} {seed}")
    shop = GrowingShop(dice, deletes_softly=story.deletes_softly)
    with workplace(folder, deletes_softly=story.deletes_softly) as place:
        return Telling(story=story, place=place, shop=shop, dice=dice).tell(kills)


# ---------------------------------------------------------------- the stories


def _many(shop: GrowingShop) -> None:
    shop.register(50, refusing=3)


def _everything(shop: GrowingShop) -> None:
    shop.register(5, refusing=1)
    shop.change(6)
    shop.move(2)
    shop.inherit(1)
    shop.refuse(1)
    shop.delete(2)


def _a_little(shop: GrowingShop) -> None:
    shop.change(3)
    shop.move(1)
    shop.delete(1)


def _moves(shop: GrowingShop) -> None:
    shop.move(4)
    shop.inherit(3)
    shop.refuse(1)


def _changes(shop: GrowingShop) -> None:
    shop.change(10)
    shop.refuse(1)


def _departures(shop: GrowingShop) -> None:
    shop.register(6)
    shop.delete(5)


EVERYTHING = Story(
    name="everything at once",
    opening=lambda shop: shop.register(20, refusing=3),
    act=_everything,
    meanwhile=_a_little,
    writes=15,
)
IMPORTS = Story(
    name="creations by import",
    opening=lambda shop: shop.register(3),
    act=_many,
    writes=8,
)
STORIES = (
    EVERYTHING,
    IMPORTS,
    Story(
        name="creations one by one",
        opening=lambda shop: shop.register(2),
        act=lambda shop: shop.register(12, refusing=2),
        writes=12,
        options=("--route", "single"),
    ),
    Story(
        name="updates one by one",
        opening=lambda shop: shop.register(20, refusing=2),
        act=_changes,
        writes=11,
        options=("--route", "single"),
    ),
    Story(
        name="updates by batch",
        opening=lambda shop: shop.register(30, refusing=2),
        act=lambda shop: shop.change(25),
        writes=2,
        options=("--route", "batch"),
    ),
    Story(
        name="soft deletions",
        opening=lambda shop: shop.register(20, refusing=3),
        act=_departures,
        meanwhile=lambda shop: shop.delete(1),
        writes=8,
    ),
    Story(
        name="hard deletions",
        opening=lambda shop: shop.register(20, refusing=3),
        act=_departures,
        meanwhile=lambda shop: shop.delete(1),
        writes=12,
        deletes_softly=False,
    ),
    Story(
        name="changes of address",
        opening=lambda shop: shop.register(20, refusing=6),
        act=_moves,
        meanwhile=lambda shop: shop.move(2),
        writes=12,
    ),
    Story(
        name="refusals and the retry queue",
        opening=lambda shop: shop.register(15),
        act=_everything,
        writes=15,
        options=("--route", "single"),
        refusals={"POST /contacts": 3, "PUT /contacts/{identifier}": 3},
    ),
)
