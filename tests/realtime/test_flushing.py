"""Micro-batches: once, in order, and again where Brevo was away."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Email
from customer_sync.errors import BrevoUnavailable, CustomerSyncError, ExitCode, StoreBusy
from customer_sync.realtime.flushing import Alarm, Flusher, Pace, flush
from customer_sync.realtime.inbox import Delivery, Inbox
from customer_sync.run.report import RunReport
from customer_sync.run.session import Job, Session
from customer_sync.store import RunLock
from customer_sync.trouble import Code
from realtime_stage import NOW, one
from session_stage import Shop, quiet_watch, show_nothing


@dataclass(slots=True)
class Worker:
    """Runs batches for a shop, with its clock."""

    shop: Shop
    runs: int = 0

    def __call__(self, job: Job) -> tuple[RunReport, CustomerSyncError | None]:
        """Run one batch for real."""
        self.runs += 1
        session = Session(
            self.shop.config, self.shop.state, job, quiet_watch(), run_id=f"r{self.runs:03}"
        )
        session._clock = self.shop.clock
        return session.run(show_nothing), session.failure


@dataclass(slots=True)
class Scripted:
    """Ends batches as it was told, and remembers what they held."""

    failures: list[CustomerSyncError | None]
    batches: list[int] = field(default_factory=list)
    exit_code: ExitCode = ExitCode.OK

    def __call__(self, job: Job) -> tuple[RunReport, CustomerSyncError | None]:
        """End the next batch."""
        self.batches.append(len(job.records))
        failure = self.failures.pop(0) if self.failures else None
        report = RunReport(
            run_id="r", target="", dry_run=False, source=(), exit_code=self.exit_code
        )
        return report, failure


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop with an empty account."""
    return Shop(tmp_path)


def keep(shop: Shop, *deliveries: Delivery) -> None:
    """Put *deliveries* into the inbox of *shop*."""
    with Inbox(shop.state) as inbox:
        inbox.keep(deliveries, now=NOW)


def flushed(shop: Shop, run: Callable[[Job], tuple[RunReport, CustomerSyncError | None]]) -> object:
    """Flush once, and return what came of it."""
    with Inbox(shop.state) as inbox:
        return flush(inbox, run, most=100, command="serve")


def test_events_of_one_customer_become_one_change(shop: Shop) -> None:
    """The later word counts; the other fields stay."""
    keep(shop, one(1, firstName="Jo"), one(1, firstName="Jane"), one(1, lastName="Doe"))
    assert flushed(shop, Worker(shop)) == 3
    contact = shop.contacts()["p1@example.com"]
    assert contact.attributes["FIRSTNAME"] == "Jane"
    assert contact.attributes["LASTNAME"] == "Doe"
    with shop.memory() as store:
        assert store.confirmed([Email("p1@example.com")])


def test_the_inbox_is_empty_afterwards(shop: Shop) -> None:
    """And another flush does nothing, not even ask Brevo."""
    worker = Worker(shop)
    keep(shop, one(1))
    flushed(shop, worker)
    assert flushed(shop, worker) == 0
    assert worker.runs == 1


def test_while_brevo_is_down_the_inbox_keeps_everything(shop: Shop) -> None:
    """And it drains in order once Brevo is back."""
    down: CustomerSyncError = BrevoUnavailable("Down.", trouble=Code.BREVO_UNAVAILABLE)
    keep(shop, one(1, firstName="Jo"))
    assert flushed(shop, Scripted([down])) is down
    keep(shop, one(1, firstName="Jane"), one(2))
    assert flushed(shop, Scripted([down])) is down
    assert flushed(shop, Worker(shop)) == 3
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "Jane"


def test_a_run_that_holds_the_state_is_waited_for(shop: Shop) -> None:
    """Nothing leaves the inbox meanwhile."""
    keep(shop, one(1))
    with RunLock(shop.state / "lock", now=NOW):
        assert isinstance(flushed(shop, Worker(shop)), StoreBusy)
    assert flushed(shop, Worker(shop)) == 1


def test_a_broken_record_holds_nobody_up(shop: Shop) -> None:
    """It is among the rejects, whatever the configuration says of too many."""
    shop.options = "max_rejects: 0"
    keep(shop, one(1, email="nobody"), one(2))
    assert flushed(shop, Worker(shop)) == 2
    assert list(shop.contacts()) == ["p2@example.com"]
    assert "nobody" in (shop.state / "rejects.jsonl").read_text()


def test_what_was_broken_off_comes_again(shop: Shop) -> None:
    """It may or may not have been accepted; the pipeline writes nothing twice."""
    keep(shop, one(1))
    assert isinstance(
        flushed(shop, Scripted([], exit_code=ExitCode.INTERRUPTED)), CustomerSyncError
    )
    assert flushed(shop, Scripted([])) == 1


def test_what_waits_for_its_retry_is_tried_when_nothing_arrives(shop: Shop) -> None:
    """A run of nothing but the queue."""
    run = Scripted([])
    with Inbox(shop.state) as inbox:
        flush(inbox, run, most=10, command="serve", is_retry_due=lambda: True)
    assert run.batches == [0]


@dataclass(slots=True)
class Unhurried:
    """A flusher whose alarm has ended, so that it never really waits."""

    shop: Shop
    run: Scripted
    told: list[float] = field(default_factory=list)

    def flusher(self, most: int = 2) -> Flusher:
        """Return it."""
        alarm = Alarm(enough=most)
        alarm.end()
        return Flusher(
            self.shop.state,
            self.run,
            alarm,
            pace=Pace(max_batch=most),
            clock=SimulatedClock(NOW),
            command="serve",
            on_failure=lambda _error, pause_s: self.told.append(pause_s),
        )


def test_pauses_grow_while_brevo_is_away_and_begin_anew_afterwards(shop: Shop) -> None:
    """Until a minute; the last failure can be asked for."""
    down: CustomerSyncError = BrevoUnavailable("Down.", trouble=Code.BREVO_UNAVAILABLE)
    stage = Unhurried(shop, Scripted([*[down] * 8, None, down]))
    flusher = stage.flusher()
    keep(shop, one(1), one(2), one(3))
    with Inbox(shop.state) as inbox:
        for _ in range(8):
            flusher.turn(inbox)
        assert flusher.standing.failure is down
        flusher.turn(inbox)
        assert flusher.standing.failure is None
        flusher.turn(inbox)
    assert stage.told == [1, 2, 4, 8, 16, 32, 60, 60, 1]


def test_another_run_is_waited_for_without_growing_pauses(shop: Shop) -> None:
    """It ends soon."""
    busy: CustomerSyncError = StoreBusy("Busy.", trouble=Code.STATE_BUSY)
    stage = Unhurried(shop, Scripted([busy, busy, busy]))
    flusher = stage.flusher()
    keep(shop, one(1))
    with Inbox(shop.state) as inbox:
        for _ in range(3):
            flusher.turn(inbox)
    assert stage.told == [1, 1, 1]


def test_batches_are_no_larger_than_asked(shop: Shop) -> None:
    """What is beyond comes next, at once."""
    stage = Unhurried(shop, Scripted([]))
    flusher = stage.flusher(most=2)
    keep(shop, one(1), one(2), one(3))
    with Inbox(shop.state) as inbox:
        flusher.turn(inbox)
        flusher.turn(inbox)
    assert stage.run.batches == [2, 1]
    assert (flusher.standing.batches, flusher.standing.accepted) == (2, 3)


def test_an_ended_flusher_begins_nothing(shop: Shop) -> None:
    """What waits stays in the inbox."""
    stage = Unhurried(shop, Scripted([]))
    keep(shop, one(1))
    stage.flusher()()
    assert stage.run.batches == []
