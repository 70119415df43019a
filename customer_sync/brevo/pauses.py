"""Waits between requests, which can be broken off all at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from customer_sync.errors import BrokenOff
from customer_sync.trouble import Code

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class Pauses:
    """Belongs to one event loop; *sleep* is how its clock waits."""

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._broken_off = asyncio.Event()

    def break_off(self) -> None:
        """End every wait, those that begin later included."""
        self._broken_off.set()

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*.

        Raises:
            BrokenOff: the waits were broken off.
        """
        async with asyncio.TaskGroup() as group:
            ends = [
                group.create_task(_carry_out(self._sleep(seconds))),
                group.create_task(_carry_out(self._broken_off.wait())),
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        if self._broken_off.is_set():
            raise BrokenOff(
                "the run was interrupted before Brevo could be asked (again)",
                trouble=Code.BROKEN_OFF,
                hint="Nothing is lost; run again.",
            )


async def _carry_out(wait: Awaitable[object]) -> None:
    await wait
