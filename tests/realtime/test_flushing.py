"""Micro-batches: once, in order, and again where Brevo was away or the program stumbled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Email, Record, Rejection
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import BrevoUnavailable, CustomerSyncError, ExitCode, StoreBusy
from customer_sync.realtime.alarm import Alarm
from customer_sync.realtime.batches import Latecomers, Ran
from customer_sync.realtime.flushing import (
    LOCK_FILE,
    MOST_SET_ASIDE,
    Chores,
    Flusher,
    Pace,
    Told,
)
from customer_sync.realtime.inbox import Delivery, Inbox, Since
from customer_sync.run.job import Job
from customer_sync.run.report import RunReport
from customer_sync.run.session import Session
from customer_sync.store import RunLock
from customer_sync.trouble import Code
from realtime_stage import NOW, one
from session_stage import Shop, quiet_watch, show_nothing

DOWN = BrevoUnavailable("Down.", trouble=Code.BREVO_UNAVAILABLE)
BUSY = StoreBusy("Busy.", trouble=Code.STATE_BUSY)


@dataclass(slots=True)
class Worker:
    """Runs batches for a shop, with its clock."""

    shop: Shop
    runs: int = 0

    def __call__(self, job: Job) -> Ran:
        """Run one batch for real."""
        self.runs += 1
        late = Latecomers()
        session = Session(
            self.shop.config,
            self.shop.state,
            job,
            quiet_watch(),
            run_id=f"r{self.runs:03}",
            herald=late,
        )
        session._clock = self.shop.clock
        report = session.run(show_nothing)
        return Ran(report=report, failure=session.failure, late=frozenset(late.names))


@dataclass(slots=True)
class Scripted:
    """Ends batches as it was told, and remembers what they held."""

    failures: list[Exception | None] = field(default_factory=list)
    """What comes of each batch; a bug is raised."""
    poison: str = ""
    """The id of a customer that the program stumbles over."""
    jobs: list[Job] = field(default_factory=list)
    exit_code: ExitCode = ExitCode.OK
    late: frozenset[str] = frozenset()

    def __call__(self, job: Job) -> Ran:
        """End the next batch."""
        self.jobs.append(job)
        if self.poison and any(self.poison in str(r.content) for r in _usable(job)):
            raise ZeroDivisionError
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not isinstance(failure, CustomerSyncError):
            raise failure
        report = RunReport(
            run_id="r", target="", dry_run=False, source=(), exit_code=self.exit_code
        )
        return Ran(report=report, failure=failure, late=self.late)

    @property
    def batches(self) -> list[int]:
        """How many records each batch held."""
        return [len(job.records) for job in self.jobs]


class Impatient(Alarm):
    """Ends instead of pausing."""

    def pause(self, seconds: float) -> None:
        """End."""
        self.end()


def _usable(job: Job) -> list[Record]:
    return [record for record in job.records if isinstance(record, Record)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop with an empty account."""
    return Shop(tmp_path)


def keep(shop: Shop, *deliveries: Delivery) -> None:
    """Put *deliveries* into the inbox of *shop*."""
    with Inbox(shop.state) as inbox:
        inbox.keep(deliveries, now=NOW)


@dataclass(slots=True)
class Stage:
    """A flusher whose alarm has ended, so that it never really waits."""

    shop: Shop
    run: Callable[[Job], Ran]
    chores: Chores = field(default_factory=Chores)
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOW))
    pauses: list[float] = field(default_factory=list)
    stumbles: list[int] = field(default_factory=list)
    seconds: list[None] = field(default_factory=list)

    def flusher(self, most: int = 100) -> Flusher:
        """Return it."""
        alarm = Alarm(enough=most)
        alarm.end()
        return Flusher(
            self.shop.state,
            self.run,
            alarm,
            pace=Pace(max_batch=most),
            clock=self.clock,
            command="serve",
            told=Told(
                on_failure=lambda _error, pause_s: self.pauses.append(pause_s),
                on_bug=lambda _bug, count: self.stumbles.append(count),
                on_second=lambda: self.seconds.append(None),
            ),
            chores=self.chores,
        )

    def turn(self, times: int = 1, most: int = 100) -> Flusher:
        """Let a flusher have some turns, and return it."""
        flusher = self.flusher(most)
        with Inbox(self.shop.state) as inbox:
            for _ in range(times):
                flusher.turn(inbox)
        return flusher


def waiting(shop: Shop) -> int:
    """Return how much waits."""
    with Inbox(shop.state) as inbox:
        return inbox.waiting().count


# ---------------------------------------------------------------- through the pipeline


def test_events_of_one_customer_become_one_change(shop: Shop) -> None:
    """The later word counts; the other fields stay."""
    keep(shop, one(1, firstName="Jo"), one(1, firstName="Jane"), one(1, lastName="Doe"))
    Stage(shop, Worker(shop)).turn()
    contact = shop.contacts()["p1@example.com"]
    assert contact.attributes["FIRSTNAME"] == "Jane"
    assert contact.attributes["LASTNAME"] == "Doe"
    with shop.memory() as store:
        assert store.confirmed([Email("p1@example.com")])


def test_the_inbox_is_empty_afterwards(shop: Shop) -> None:
    """And another turn does nothing, not even ask Brevo."""
    worker = Worker(shop)
    keep(shop, one(1))
    Stage(shop, worker).turn(times=2)
    assert waiting(shop) == 0
    assert worker.runs == 1


def test_while_brevo_is_down_the_inbox_keeps_everything(shop: Shop) -> None:
    """It grows meanwhile, and drains in order for each customer once Brevo is back."""
    keep(shop, one(1, firstName="Jo"))
    assert Stage(shop, Scripted([DOWN])).turn().standing.failure is DOWN
    keep(shop, one(1, firstName="Jane"), one(2))
    assert Stage(shop, Scripted([DOWN])).turn().standing.failure is DOWN
    assert waiting(shop) == 3
    Stage(shop, Worker(shop)).turn(times=3, most=1)
    assert waiting(shop) == 0
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "Jane"


def test_a_run_that_holds_the_state_is_waited_for(shop: Shop) -> None:
    """Nothing leaves the inbox meanwhile."""
    keep(shop, one(1))
    with RunLock(shop.state / "lock", now=NOW):
        assert isinstance(Stage(shop, Worker(shop)).turn().standing.failure, StoreBusy)
    assert waiting(shop) == 1
    assert Stage(shop, Worker(shop)).turn().standing.accepted == 1


def test_a_broken_record_holds_nobody_up(shop: Shop) -> None:
    """It is among the rejects, whatever the configuration says of too many."""
    shop.options = "max_rejects: 0"
    keep(shop, one(1, email="nobody"), one(2))
    Stage(shop, Worker(shop)).turn()
    assert waiting(shop) == 0
    assert list(shop.contacts()) == ["p2@example.com"]
    assert "nobody" in (shop.state / "rejects.jsonl").read_text()


def test_a_batch_goes_the_quickest_way(shop: Shop) -> None:
    """Whoever is new is made at once: an import would let everybody wait for half a minute."""
    keep(shop, *(one(number) for number in range(60)))
    worker = Worker(shop)
    Stage(shop, worker).turn()
    with shop.sandbox() as sandbox:
        counts = sandbox.request_counts()
    assert counts["POST /contacts"] == 60
    assert "POST /contacts/import" not in counts


def test_who_is_behind_goes_the_cheapest_way(shop: Shop) -> None:
    """A backlog is helped by few requests."""
    run = Scripted([])
    keep(shop, one(1))
    stage = Stage(shop, run)
    stage.turn()
    stage.clock.advance(61)
    keep(shop, one(2))
    stage.turn()
    assert [job.options.route for job in run.jobs] == [RouteChoice.BATCH, RouteChoice.AUTO]


# ---------------------------------------------------------------- again and again


def test_what_was_broken_off_comes_again(shop: Shop) -> None:
    """It may or may not have been accepted; the pipeline writes nothing twice."""
    keep(shop, one(1))
    stopped = Stage(shop, Scripted(exit_code=ExitCode.INTERRUPTED)).turn().standing.failure
    assert isinstance(stopped, CustomerSyncError)
    assert Stage(shop, Scripted()).turn().standing.accepted == 1


def test_what_waits_for_its_retry_is_tried_when_nothing_arrives(shop: Shop) -> None:
    """A run of nothing but the queue, once a minute at the most."""
    run = Scripted()
    tidied: list[None] = []
    chores = Chores(is_retry_due=lambda: True, tidy=lambda: tidied.append(None))
    stage = Stage(shop, run, chores=chores)
    flusher = stage.turn(times=2)
    assert run.batches == [0]
    stage.clock.advance(61)
    with Inbox(shop.state) as inbox:
        flusher.turn(inbox)
    assert run.batches == [0, 0]
    assert len(tidied) == 2


def test_pauses_grow_while_brevo_is_away_and_begin_anew_afterwards(shop: Shop) -> None:
    """Until a minute; the last failure can be asked for."""
    stage = Stage(shop, Scripted([*[DOWN] * 8, None, DOWN]))
    keep(shop, one(1), one(2), one(3))
    flusher = stage.flusher(most=2)
    with Inbox(shop.state) as inbox:
        for _ in range(8):
            flusher.turn(inbox)
        assert flusher.standing.failure is DOWN
        flusher.turn(inbox)
        assert flusher.standing.failure is None
        flusher.turn(inbox)
    assert stage.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 1]


def test_another_run_is_waited_for_without_growing_pauses(shop: Shop) -> None:
    """It ends soon."""
    stage = Stage(shop, Scripted([BUSY, BUSY, BUSY]))
    keep(shop, one(1))
    stage.turn(times=3)
    assert stage.pauses == [1, 1, 1]


def test_batches_are_no_larger_than_asked(shop: Shop) -> None:
    """What is beyond comes next, at once."""
    run = Scripted()
    keep(shop, one(1), one(2), one(3))
    flusher = Stage(shop, run).turn(times=2, most=2)
    assert run.batches == [2, 1]
    assert (flusher.standing.batches, flusher.standing.accepted) == (2, 3)


def test_an_ended_flusher_begins_nothing(shop: Shop) -> None:
    """What waits stays in the inbox."""
    run = Scripted()
    keep(shop, one(1))
    Stage(shop, run).flusher()()
    assert run.batches == []


def test_an_inbox_that_cannot_be_read_is_tried_again(shop: Shop) -> None:
    """As whatever else stops a batch."""
    flusher = Stage(shop, Scripted()).flusher()
    inbox = Inbox(shop.state)
    inbox._db.execute("DROP TABLE entries")
    flusher.turn(inbox)
    inbox.close()
    assert flusher.standing.failure is not None


# ---------------------------------------------------------------- two processes


def test_only_one_process_writes(shop: Shop) -> None:
    """The other one waits until it ends; so nothing is written twice."""
    run = Scripted()
    stage = Stage(shop, run)
    keep(shop, one(1))
    flusher = stage.flusher()
    flusher._alarm = Impatient(enough=1)
    with RunLock(shop.state / LOCK_FILE, now=NOW):
        flusher()
        assert flusher.standing.is_second
    assert run.batches == []
    assert stage.seconds == [None]


def test_draining_is_left_to_whoever_writes_already(shop: Shop) -> None:
    """It is told, and fails nothing."""
    run = Scripted()
    stage = Stage(shop, run)
    keep(shop, one(1))
    with RunLock(shop.state / LOCK_FILE, now=NOW), Inbox(shop.state) as inbox:
        assert stage.flusher().drain(inbox) is None
    assert run.batches == []
    assert stage.seconds == [None]


def test_draining_ends_when_nothing_is_left(shop: Shop) -> None:
    """However many batches that takes."""
    run = Scripted()
    keep(shop, one(1), one(2), one(3))
    with Inbox(shop.state) as inbox:
        assert Stage(shop, run).flusher(most=2).drain(inbox) is None
    assert run.batches == [2, 1]


def test_draining_ends_when_it_is_stopped(shop: Shop) -> None:
    """It does not wait for better times."""
    run = Scripted([DOWN])
    stage = Stage(shop, run)
    keep(shop, one(1))
    with Inbox(shop.state) as inbox:
        assert stage.flusher().drain(inbox) is DOWN
    assert run.batches == [1]


# ---------------------------------------------------------------- bugs


def test_the_record_that_the_program_stumbles_over_is_set_aside(shop: Shop) -> None:
    """All others go on; it is found by halving the batch, and kept among the rejects."""
    run = Scripted(poison="c3")
    keep(shop, *(one(number) for number in range(8)))
    stage = Stage(shop, run)
    flusher = stage.turn(times=20, most=8)
    assert waiting(shop) == 0
    assert stage.stumbles[0] == 8
    assert flusher.standing.bug is None
    (rejection,) = [r for job in run.jobs for r in job.records if isinstance(r, Rejection)]
    assert rejection.problems[0].rule == "bug"
    assert "c3" in str(rejection.content)


def test_a_bug_is_known_until_a_batch_goes_well_again(shop: Shop) -> None:
    """So that whoever asks whether it is ready hears no."""
    keep(shop, one(1), one(2))
    flusher = Stage(shop, Scripted([ZeroDivisionError()])).turn()
    assert isinstance(flusher.standing.bug, ZeroDivisionError)
    with Inbox(shop.state) as inbox:
        flusher.turn(inbox)
    assert flusher.standing.bug is None


def test_a_bug_that_is_about_every_record_ends_it(shop: Shop) -> None:
    """Rejecting everybody would help nobody."""
    run = Scripted(poison="example.com")
    keep(shop, *(one(number) for number in range(10)))
    with pytest.raises(ZeroDivisionError):
        Stage(shop, run).turn(times=20, most=2)
    assert waiting(shop) == 10 - MOST_SET_ASIDE


def test_a_bug_about_no_record_ends_it(shop: Shop) -> None:
    """Nothing of the inbox is lost."""
    chores = Chores(is_retry_due=lambda: True)
    with pytest.raises(ZeroDivisionError):
        Stage(shop, Scripted([ZeroDivisionError()]), chores=chores).turn()


def test_a_rejection_that_the_program_stumbles_over_ends_it(shop: Shop) -> None:
    """There is nothing left to make of it."""
    keep(shop, one(1))
    with pytest.raises(ZeroDivisionError):
        Stage(shop, Scripted([ZeroDivisionError(), ZeroDivisionError()])).turn(times=2)
    assert waiting(shop) == 1


def test_setting_aside_may_be_stopped_too(shop: Shop) -> None:
    """Then the record is still there, and its turn comes again."""
    keep(shop, one(1))
    stage = Stage(shop, Scripted([ZeroDivisionError(), DOWN]))
    flusher = stage.turn()
    assert flusher.standing.failure is DOWN
    assert waiting(shop) == 1


# ---------------------------------------------------------------- how long it took


def test_how_long_each_event_took_is_known(shop: Shop) -> None:
    """From its own time, and from its receipt."""
    keep(shop, one(1), one(2))
    stage = Stage(shop, Scripted())
    stage.clock.advance(3)
    stage.turn()
    with Inbox(shop.state) as inbox:
        pace = inbox.pace(Since.EVENT, NOW)
        assert pace.events == 2
        assert pace.median_s == pytest.approx(3, rel=0.06)
        assert inbox.pace(Since.RECEIPT, NOW).p99_s == pytest.approx(3, rel=0.06)
        assert inbox.pace(Since.EVENT, NOW + timedelta(hours=1)).events == 0


def test_whoever_brevo_does_not_have_yet_has_not_arrived(shop: Shop) -> None:
    """By id or by address; nor has what was refused."""
    keep(shop, one(1), one(2), one(3, id=None))
    stage = Stage(shop, Scripted(late=frozenset({"c1", "p3@example.com"})))
    stage.turn()
    with Inbox(shop.state) as inbox:
        assert inbox.pace(Since.EVENT, NOW).events == 1


def test_latecomers_are_named_by_the_run_itself(shop: Shop) -> None:
    """Whoever Brevo refused for now is among them."""
    keep(shop, one(1), one(2))
    shop.break_requests("POST /contacts", status=500, times=50)
    worker = Worker(shop)
    Stage(shop, worker).turn()
    with Inbox(shop.state) as inbox:
        assert inbox.pace(Since.EVENT, NOW).events < 2
