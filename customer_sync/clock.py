"""Time as an argument: the real clock, and one that only moves when everybody waits."""

import asyncio
import selectors
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the program knows of time."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*; other tasks go on meanwhile."""
        ...

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop in which `sleep` is to be awaited."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for real."""
        await asyncio.sleep(seconds)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a plain event loop."""
        return asyncio.new_event_loop()


class SimulatedClock:
    """A clock for the embedded sandbox and for tests: waits take no time.

    It starts at *start* and stands still while anything runs. When every task of its event loop
    waits, it jumps to the moment that the first of them waits for, so that concurrent waits pass
    side by side and in the right order, as they would in real time.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the simulated time."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the simulated seconds since the start."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        self._elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        """Be *seconds* later, in an event loop of this clock."""
        await asyncio.sleep(seconds)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return an event loop that lives in this clock's time."""
        return _SimulatedEventLoop(self)


class _SimulatedEventLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(_SkippingSelector(clock))
        self._simulated_clock = clock
        # Timers this near count as due. With the machine's nanosecond, which a float of half a
        # year's seconds can no longer tell from nothing, they would never be.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._simulated_clock.monotonic()


class _SkippingSelector(selectors.SelectSelector):
    """Where the loop would block until the next timer, it lets the clock jump there instead."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            self._clock.advance(timeout)
            timeout = 0
        return super().select(timeout)
