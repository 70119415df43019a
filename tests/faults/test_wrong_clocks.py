"""Clocks that jump by years, between runs and during one: nothing is lost, and nothing outdone."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import session_stage
from customer_sync import target
from customer_sync.brevo.client import BrevoClient
from customer_sync.clock import Clock, SimulatedClock
from customer_sync.config import BrevoSettings, Target
from customer_sync.config.addresses import stays_here
from customer_sync.core.model import ContactPatch, Email
from customer_sync.core.validate import CLOCKS_APART
from customer_sync.errors import ConfigError, ExitCode
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.pipeline import Planned, check_clock
from customer_sync.run.planfile import read_plan, write_plan
from customer_sync.run.report import OutcomeCounts
from customer_sync.sandbox import Sandbox
from customer_sync.target import SANDBOX_FILE, embedded_client
from session_stage import Shop, event

YEARS = timedelta(days=3650)
CREATE, UPDATE = "POST /contacts", "PUT /contacts/{identifier}"
PEOPLE = [event("created", n, firstName=f"F{n}") for n in range(1, 7)]


class JumpingClock(SimulatedClock):
    """A clock whose wall time somebody sets; its monotonic time goes on as ever."""

    off_by = timedelta(0)

    def now(self) -> datetime:
        """Return the time that it shows."""
        return self.right_now() + self.off_by

    def right_now(self) -> datetime:
        """Return the time that it is."""
        return super().now()


class RightClock(SimulatedClock):
    """What Brevo lives by, whatever the other one shows."""

    def __init__(self, other: JumpingClock) -> None:
        super().__init__(other.right_now())
        self._other = other

    def now(self) -> datetime:
        """Return the time that it is."""
        return self._other.right_now()


@pytest.fixture
def clock() -> JumpingClock:
    """Return a clock that is right at first."""
    return JumpingClock(datetime.now(UTC))


@pytest.fixture
def shop(tmp_path: Path, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Return a shop whose machine lives by that clock, while Brevo has one of its own."""

    def open_rightly(state: Path, _clock: Clock) -> Sandbox:
        return Sandbox(state / SANDBOX_FILE, clock=RightClock(clock))

    for place in (target, session_stage):
        monkeypatch.setattr(place, "open_sandbox", open_rightly)
    return Shop(tmp_path, clock=clock)


@contextmanager
def set_by(clock: JumpingClock, off_by: timedelta) -> Iterator[None]:
    """Let the clock be wrong for a while."""
    clock.off_by = off_by
    try:
        yield
    finally:
        clock.off_by = timedelta(0)


# ---------------------------------------------------------------- between runs


def test_what_was_queued_by_a_wrong_clock_does_not_wait_for_years(
    shop: Shop, clock: JumpingClock
) -> None:
    """Once the clock is right again, a run takes it."""
    with set_by(clock, YEARS):
        shop.break_requests(CREATE, status=503, times=6)
        assert shop.run(PEOPLE[0]).outcomes.deferred == 1
    assert shop.run().outcomes == OutcomeCounts(applied=1)


@pytest.mark.parametrize("off_by", [YEARS, -YEARS], ids=["ahead", "behind"])
def test_a_run_by_a_wrong_clock_changes_nothing_for_those_after_it(
    shop: Shop, clock: JumpingClock, off_by: timedelta
) -> None:
    """Neither the mirror nor the watermark believes it: later edits at Brevo are seen."""
    people = [event("created", n, firstName=f"F{n}") for n in range(1, 30)]
    shop.run(*people)
    with set_by(clock, off_by):
        shop.run(options=RunOptions(is_refresh=True))
    with shop.sandbox() as sandbox:
        edit(sandbox, clock, "p1@example.com", "Edited")
    report = shop.run(*people)
    assert report.drift == 1
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "F1"


def test_a_listing_by_a_fast_clock_does_not_pass_for_a_fresh_one(
    shop: Shop, clock: JumpingClock
) -> None:
    """Only a whole listing shows who was deleted at Brevo; it is not put off for years."""
    people = [event("created", n, firstName=f"F{n}") for n in range(1, 30)]
    shop.run(*people)
    clock.advance(86_400)  # What was written just now may be missing because listings lag.
    with set_by(clock, YEARS):
        shop.run(options=RunOptions(is_refresh=True))
    with shop.sandbox() as sandbox:
        at_brevo(sandbox, clock, lambda client: client.delete(Email("p1@example.com")))
    shop.run(*people)
    assert "p1@example.com" in shop.contacts()


def edit(sandbox: Sandbox, clock: JumpingClock, email: str, first_name: str) -> None:
    """Let somebody change a name at Brevo."""
    patch = ContactPatch(attributes={"FIRSTNAME": first_name})
    at_brevo(sandbox, clock, lambda client: client.update(Email(email), patch))


def at_brevo(
    sandbox: Sandbox, clock: JumpingClock, work: Callable[[BrevoClient], Awaitable[object]]
) -> None:
    """Let something happen at Brevo."""

    async def working() -> None:
        async with embedded_client(sandbox, clock) as client:
            await work(client)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        runner.run(working())


def test_a_plan_from_the_future_gives_way_to_whatever_waits(
    shop: Shop, clock: JumpingClock
) -> None:
    """Which of the two is newer cannot be told by such a clock."""
    shop.run(*PEOPLE)
    path = shop.folder / "plan.json"
    made_at = clock.now() + YEARS

    def keep(planned: Planned) -> None:
        write_plan(path, planned.plan, target="sandbox", made_at=made_at)

    old = event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Old")
    shop.run(old, dry_run=True, on_planned=keep)
    shop.break_requests(UPDATE, status=503, times=6)
    shop.run(event("updated", 1, at="2024-03-02T00:00:00Z", firstName="New"))
    kept = read_plan(path)
    report = shop.do(Job(command="apply", kept_plan=kept.plan, made_at=kept.made_at))
    assert report.plan.skip == 1


# ---------------------------------------------------------------- during a run


@pytest.mark.parametrize("off_by", [YEARS, -YEARS], ids=["forwards", "backwards"])
def test_a_jump_in_the_middle_of_a_run_moves_no_deadline(
    shop: Shop, clock: JumpingClock, off_by: timedelta
) -> None:
    """Time is up when that much time has passed, and not before."""
    with shop.sandbox() as sandbox:
        sandbox.change_settings({"latency": 1.0})

    def jump(_: Planned) -> None:
        clock.off_by = off_by

    report = shop.run(*PEOPLE, on_planned=jump, max_duration_s=600.0)
    clock.off_by = timedelta(0)
    assert report.outcomes == OutcomeCounts(applied=6)
    assert 0 < report.duration_s < 60
    assert shop.run(*PEOPLE).outcomes == OutcomeCounts()


@pytest.mark.parametrize("off_by", [YEARS, -YEARS], ids=["forwards", "backwards"])
def test_a_jump_while_jobs_run_loses_nobody(
    shop: Shop, clock: JumpingClock, off_by: timedelta
) -> None:
    """Whom reading back misses then is looked for by other ways, or by the next run."""
    people = [event("created", n) for n in range(100)]

    def jump(_: Planned) -> None:
        clock.off_by = off_by

    report = shop.run(*people, on_planned=jump)
    assert report.adds_up
    clock.off_by = timedelta(0)
    clock.advance(3600)
    shop.run(*people)
    assert len(shop.contacts()) == 100
    assert shop.run(*people).outcomes == OutcomeCounts()


# ---------------------------------------------------------------- the shop's clock


@pytest.mark.parametrize(
    ("ahead", "is_refused"),
    [(CLOCKS_APART - timedelta(minutes=1), False), (CLOCKS_APART + timedelta(minutes=1), True)],
)
def test_an_event_from_the_future_is_rejected(
    shop: Shop, clock: JumpingClock, ahead: timedelta, *, is_refused: bool
) -> None:
    """It would outdo everything that the shop says until then."""
    at = (clock.now() + ahead).isoformat()
    report = shop.run(event("created", 1, at=at))
    assert report.rejections == is_refused
    assert [e.code for e in report.errors] == (["future"] if is_refused else [])


def test_consent_from_the_future_is_no_newer_than_its_event(
    shop: Shop, clock: JumpingClock
) -> None:
    """A no that comes later counts."""
    ahead = (clock.now() + YEARS).isoformat()
    yes = event("created", 1, acceptsMarketing=True, acceptsMarketingUpdatedAt=ahead)
    assert shop.run(yes).warnings == 1
    shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", acceptsMarketing=False))
    assert shop.contacts()["p1@example.com"].is_email_blocked


def test_a_file_from_the_future_is_of_today(shop: Shop, clock: JumpingClock) -> None:
    """Whatever the shop says tomorrow is newer."""
    export = shop.folder / "customers.csv"
    export.write_text("id,email,firstName\n1,p1@example.com,Old\n", encoding="utf-8")
    later = (clock.now() + YEARS).timestamp()
    os.utime(export, (later, later))
    report = shop.do(Job(command="run", sources=(str(export),)))
    assert report.outcomes == OutcomeCounts(applied=1)
    clock.advance(60)
    shop.run(event("updated", 1, at=clock.now().isoformat(), firstName="New"))
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "New"


# ---------------------------------------------------------------- our clock next to Brevo's


@pytest.mark.parametrize("ahead", [timedelta(hours=23), -timedelta(hours=23), None], ids=str)
def test_a_clock_that_is_nearly_right_will_do(ahead: timedelta | None) -> None:
    """Zones are mixed up sometimes, and not everybody tells the time."""
    check_clock(ahead)


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(timedelta(hours=25), "1 days behind"), (-YEARS, "3,650 days ahead of")],
    ids=str,
)
def test_a_clock_that_is_days_away_from_brevos_stops_the_run(ahead: timedelta, told: str) -> None:
    """Nothing is written down by it, here or there."""
    with pytest.raises(ConfigError, match=told) as refused:
        check_clock(ahead)
    assert "Set the clock" in (refused.value.hint or "")
    assert refused.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize(
    ("brevo", "stays"),
    [
        (BrevoSettings(), True),
        (BrevoSettings(target=Target.LIVE, base_url="http://127.0.0.1:8100/v3"), True),
        (BrevoSettings(target=Target.LIVE, base_url="http://[::1]:8100/v3"), True),
        (BrevoSettings(target=Target.LIVE), False),
        (BrevoSettings(target=Target.LIVE, base_url="https://brevo.example.com"), False),
    ],
)
def test_an_emulator_on_this_machine_may_live_in_another_time(
    brevo: BrevoSettings, *, stays: bool
) -> None:
    """Rehearsals let years pass."""
    assert stays_here(brevo) is stays
