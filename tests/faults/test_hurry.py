"""An interruption waits for what is under way, and for nothing else."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from customer_sync.brevo.exchange import RateWait, RequestEvent, Retry
from customer_sync.brevo.pauses import Pauses
from customer_sync.brevo.throttle import Family, Throttle
from customer_sync.clock import SimulatedClock
from customer_sync.console import Watch
from customer_sync.core.model import RatePlan
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import BrokenOff, ExitCode
from customer_sync.run.edges import RunOptions
from session_stage import Shop, event

CREATE = "POST /contacts"
PEOPLE = [event("created", n) for n in range(1, 21)]
SINGLE = RunOptions(route=RouteChoice.SINGLE)


class Impatient(Watch):
    """Sends the process a signal when a request is to wait for the first time."""

    def __init__(self, number: signal.Signals, kind: type[Retry] | type[RateWait]) -> None:
        super().__init__(Console(quiet=True), is_quiet=True, is_verbose=False)
        self._number = number
        self._kind = kind
        self._was_sent = False

    def request(self, event: RequestEvent) -> None:
        """See it wait."""
        if isinstance(event, self._kind) and not self._was_sent:
            self._was_sent = True
            os.kill(os.getpid(), self._number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize(("status", "kind"), [(503, Retry), (429, RateWait)])
def test_a_signal_ends_the_pauses_of_a_run(
    tmp_path: Path,
    number: signal.Signals,
    status: int,
    kind: type[Retry] | type[RateWait],
) -> None:
    """Neither a retry nor the rate limit is waited for, and nobody counts as tried in vain."""
    shop = Shop(tmp_path)
    shop.break_requests(CREATE, status=status, times=1000)
    report = shop.run(*PEOPLE, watch=Impatient(number, kind), options=SINGLE)
    assert report.exit_code == ExitCode.INTERRUPTED
    assert report.outcomes.deferred == 20
    assert report.requests[CREATE] <= 20
    with shop.memory() as store:
        assert {item.attempts for item in store.queue()} == {0}
    with shop.sandbox() as sandbox, sandbox.writing("control") as account:
        account.db.execute("DELETE FROM faults")
    assert shop.run().outcomes.applied == 20


# ---------------------------------------------------------------- waiting itself


def in_time_of(clock: SimulatedClock, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* in an event loop of *clock*."""

    async def working() -> None:
        await work()

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        runner.run(working())


def test_a_pause_takes_its_time() -> None:
    """By the clock whose loop it is."""
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))

    async def work() -> None:
        await Pauses(clock.sleep).sleep(30.0)

    in_time_of(clock, work)
    assert clock.monotonic() == pytest.approx(30.0)


def test_pauses_are_broken_off_together() -> None:
    """Those that have begun, and those that begin later."""
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))

    async def work() -> None:
        pauses = Pauses(clock.sleep)
        waiting = [asyncio.create_task(pauses.sleep(3600.0)) for _ in range(3)]
        await clock.sleep(5.0)
        pauses.break_off()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, BrokenOff) for end in ends)
        with pytest.raises(BrokenOff):
            await pauses.sleep(1.0)

    in_time_of(clock, work)
    assert clock.monotonic() == pytest.approx(5.0)


def test_whoever_waits_in_line_for_the_rate_limit_is_let_go() -> None:
    """Not only the first of them."""
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))

    async def work() -> None:
        pauses = Pauses(clock.sleep)
        throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
        tasks = [
            asyncio.create_task(throttle.slot(Family.OTHER, sleep=pauses.sleep)) for _ in range(30)
        ]
        await clock.sleep(1.0)
        pauses.break_off()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ends} == {float, BrokenOff}

    in_time_of(clock, work)
    assert clock.monotonic() == pytest.approx(1.0)
