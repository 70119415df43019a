"""Waits between requests, which can be broken off all at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from customer_sync.errors import BrokenOff

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class Pauses:
    """Belongs to one event loop, in whose time it waits."""

    def __init__(self) -> None:
        self._broken_off = asyncio.Event()

    def break_off(self) -> None:
        """End every wait, those that begin later included."""
        self._broken_off.set()

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*.

        Raises:
            BrokenOff: the waits were broken off.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._broken_off.wait()
        except TimeoutError:
            return
        raise BrokenOff(
            "the run was interrupted before Brevo could be asked (again)",
            hint="Nothing is lost; run again.",
        )
