"""Time as an argument: the real clock, and one that only moves when somebody waits."""

import asyncio
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


class SimulatedClock:
    """A clock for the embedded sandbox and for tests: a wait passes at once.

    It starts at *start* and goes forward only by `sleep` and `advance`. Tasks that wait at the
    same time wait side by side: the clock moves to the latest moment that anybody waits for, never
    by the sum.
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
        """Let *seconds* pass."""
        self._elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run, then be *seconds* later."""
        due = self._elapsed + max(0.0, seconds)
        await asyncio.sleep(0)
        self._elapsed = max(self._elapsed, due)
