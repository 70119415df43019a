"""A shop that goes on while everything between it and Brevo fails now and then, all at once."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from customer_sync.config import Config
from customer_sync.config.loading import load
from customer_sync.core.model import Contact
from customer_sync.errors import ExitCode
from customer_sync.run.report import OutcomeCounts
from customer_sync.sandbox import traffic
from growing_shop import LIST, GrowingShop, Verdict
from session_stage import Shop

CONFIG = f"""\
version: 1
brevo: {{plan: extended}}
skills:
  customer-sync:
    source: custom
    field_mapping:
      id: CUSTOMER
      firstName: FIRSTNAME
      revision: {{attribute: REVISION, type: float}}
      vip: {{attribute: VIP, type: boolean}}
    options: {{list_id: {LIST}, max_deletes: 100%}}
"""

STORM: dict[str, object] = {
    "fail": {"429": 0.10, "503": 0.05},
    "drop": 0.05,
    "latency": 2.0,
    "lag": 30.0,
    "import_fail": 0.5,
}
"""The shares of requests that fail, the seconds that every answer takes and that listings are
behind, and the share of imports that fail."""

HURRICANE = {**STORM, "fail": {"429": 0.10, "503": 0.35}, "drop": 0.25}
"""So bad that trying again does not help within a run."""

ROUNDS = 6
MOST_RUNS_TO_CONVERGE = 8
PAUSES_S = (1.0, 900.0)
"""From run to run; the shorter one is less than listings are behind."""


class StormyShop(Shop):
    """A shop with a mapping by which old news can be told from new."""

    @property
    def config(self) -> Config:
        """The configuration, read anew."""
        path = self.folder / "config.yaml"
        path.write_text(CONFIG, encoding="utf-8")
        return load(path)


@dataclass(slots=True, kw_only=True)
class Weathered:
    """What a storm came to."""

    runs: int = 0
    records: int = 0
    changes: int = 0
    """What plans wanted to write; a change that had to wait counts again."""
    requests: int = 0
    troubles: int = 0
    """Requests that the sandbox remembers to have answered badly, or not at all."""
    runs_to_converge: int = 0
    """How many it took once the shop was silent."""
    left_to_do: int = 0
    """Writes in a last plan, of all that the shop ever said."""
    unblocked: int = 0
    """Contacts that became mailable after they were blocked."""
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def most_requests(self) -> int:
        """Return how many requests are too many for what was to be done.

        A run reads some pages, and looks after its imports. A change takes a request of its own
        where its import failed, and is tried some times at worst.
        """
        return 20 * self.runs + 3 * self.changes


def weather(folder: Path, troubles: Mapping[str, object], seed: int) -> Weathered:
    """Let a shop go on for some rounds amid *troubles*, and then run until nothing waits."""
    dice = random.Random(seed)
    stage, shop, came_to = StormyShop(folder), GrowingShop(dice), Weathered()
    said: list[dict[str, object]] = []
    with stage.sandbox() as sandbox:
        sandbox.change_settings({**troubles, "seed": seed})
    shop.register(60, refusing=4)
    for _ in range(ROUNDS):
        said += shop.news
        _run(stage, shop.take_news(), came_to)
        stage.clock.advance(dice.choice(PAUSES_S))
        _live(shop, dice)
    said += shop.news
    _run(stage, shop.take_news(), came_to)
    while _waits(stage):
        came_to.runs_to_converge += 1
        assert came_to.runs_to_converge <= MOST_RUNS_TO_CONVERGE
        stage.clock.advance(max(PAUSES_S) * 2**came_to.runs_to_converge)
        _run(stage, (), came_to)
    _calm_down(stage, came_to)
    last = stage.run(*said).plan
    came_to.left_to_do = last.create + last.update + last.delete
    came_to.verdict = shop.judge({e: _spelled(c) for e, c in stage.contacts().items()})
    return came_to


def _live(shop: GrowingShop, dice: random.Random) -> None:
    shop.register(dice.choice((3, 60)), refusing=1)
    shop.change(10)
    shop.move(3)
    shop.inherit(2)
    shop.refuse(2)
    shop.delete(3)


def _run(stage: Shop, news: Sequence[object], came_to: Weathered) -> None:
    """Run until the news are taken in, and see that each report says no more than what happened."""
    for _ in range(MOST_RUNS_TO_CONVERGE):
        report = stage.run(*news)
        came_to.runs += 1
        came_to.requests += sum(report.requests.values())
        came_to.changes += report.plan.create + report.plan.update + report.plan.delete
        if report.digest:
            break
        # Not even the account could be looked at: nothing was taken in, and nothing was written.
        assert report.exit_code == ExitCode.UNAVAILABLE, report
        assert report.outcomes == OutcomeCounts()
        stage.clock.advance(max(PAUSES_S))
    else:
        raise AssertionError("Brevo was never reached")
    assert report.exit_code in {ExitCode.OK, ExitCode.PARTIAL, ExitCode.UNAVAILABLE}, report
    assert report.adds_up, report
    assert report.records_read == len(news)
    came_to.records += report.records_read


def _waits(stage: Shop) -> bool:
    with stage.memory() as store:
        return bool(store.queue() or store.open_jobs())


def _calm_down(stage: Shop, came_to: Weathered) -> None:
    """End the storm, and let the account catch up with itself."""
    calm = {"fail": {}, "drop": 0.0, "latency": 0.0, "lag": 0.0, "import_fail": 0.0}
    with stage.sandbox() as sandbox:
        sandbox.change_settings(calm)
        came_to.unblocked = len(sandbox.transitions())
        answers = [seen.status for seen in traffic.last(sandbox.peek())]
        came_to.troubles = sum(status is None or status in {429, 503} for status in answers)


def _spelled(contact: Contact) -> dict[str, object]:
    return {
        "email": contact.email,
        "attributes": contact.attributes,
        "listIds": sorted(contact.list_ids),
        "emailBlacklisted": contact.is_email_blocked,
    }
