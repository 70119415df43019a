"""Simulated time: nobody waits for real, and everything happens in the right order."""

import asyncio
from datetime import UTC, datetime, timedelta

from customer_sync.clock import SimulatedClock, SystemClock

START = datetime(2024, 1, 15, tzinfo=UTC)


def test_waits_pass_side_by_side_and_in_order() -> None:
    """A year takes no time, and two waits at once take as long as the longer one."""
    clock = SimulatedClock(START)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *waits: float) -> None:
        for wait in waits:
            await clock.sleep(wait)
            woken.append((name, clock.monotonic()))

    async def both() -> None:
        await asyncio.gather(sleeper("a", 10, 30), sleeper("b", 20, 366 * 24 * 3600.0))

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        runner.run(both())
    year = 366 * 24 * 3600.0
    assert woken == [("a", 10), ("b", 20), ("a", 40), ("b", 20 + year)]
    assert clock.now() == START + timedelta(seconds=20 + year)


def test_time_stands_still_while_anything_runs() -> None:
    """Work takes no simulated time."""
    clock = SimulatedClock(START)

    async def work() -> None:
        for _ in range(1000):
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        runner.run(work())
    assert clock.now() == START


def test_timeouts_live_in_simulated_time() -> None:
    """What would take too long is given up at the right moment."""
    clock = SimulatedClock(START)

    async def impatient() -> None:
        try:
            async with asyncio.timeout(5):
                await clock.sleep(60)
        except TimeoutError:
            await clock.sleep(1)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        runner.run(impatient())
    assert clock.monotonic() == 6


def test_time_can_be_moved_by_hand() -> None:
    """Whoever waits does not notice."""
    clock = SimulatedClock(START)
    clock.advance(90)
    assert (clock.now() - START, clock.monotonic()) == (timedelta(seconds=90), 90)


def test_the_machines_clock_is_aware_and_never_runs_backwards() -> None:
    """In UTC, with a loop of its own kind."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        runner.run(clock.sleep(0))
