"""Many requests, one commit: whatever arrives while the disk is busy is written together next."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from customer_sync.clock import Clock
from customer_sync.errors import StoreError
from customer_sync.realtime.inbox import Delivery, Inbox
from customer_sync.trouble import Code

_MOST_AT_ONCE = 500
"""Requests in one commit, so that the first of them does not wait for the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may wait."""

    records: int = 1_000_000
    """In the inbox, for Brevo."""
    requests: int = 1_000
    """Here, for the disk."""


class Intake:
    """Keeps deliveries for an event loop, which never waits for the disk itself."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        on_news: Callable[[int], None],
        limits: Limits | None = None,
    ) -> None:
        """Write to the inbox in *folder*; *on_news* is told how many records were new."""
        self._folder = folder
        self._clock = clock
        self._on_news = on_news
        self._limits = limits or Limits()
        self._is_full = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._inbox: Inbox | None = None
        self._queue: list[tuple[Delivery, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, delivery: Delivery) -> bool:
        """Return, once it is safe, whether *delivery* was new.

        Raises:
            StoreError: it was not kept; also where as much waits as may.
        """
        if self._is_full and self._writing is None:
            # Nothing else would find out that there is room again.
            self._is_full = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._has_no_room
            )
        if self._is_full:
            raise _full("inbox holds as many records", self._limits.records, "inbox_limit")
        if len(self._queue) >= self._limits.requests:
            what = "disk is waited for by as many requests"
            raise _full(what, self._limits.requests, "pending_limit")
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((delivery, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                batch, self._queue = self._queue[:_MOST_AT_ONCE], self._queue[_MOST_AT_ONCE:]
                deliveries = [delivery for delivery, _ in batch]
                try:
                    news = await loop.run_in_executor(self._thread, self._commit, deliveries)
                except StoreError as error:
                    _fail(batch, error)
                else:
                    self._tell(batch, news)
        finally:
            self._writing = None

    def _tell(self, batch: list[tuple[Delivery, asyncio.Future[bool]]], news: list[bool]) -> None:
        for (_, done), is_new in zip(batch, news, strict=True):
            if not done.done():
                done.set_result(is_new)
        count = sum(
            len(delivery.records)
            for (delivery, _), is_new in zip(batch, news, strict=True)
            if is_new
        )
        if count:
            self._on_news(count)

    def _commit(self, deliveries: list[Delivery]) -> list[bool]:
        inbox = self._opened()
        news = inbox.keep(deliveries, now=self._clock.now())
        self._is_full = self._has_no_room()
        return news

    def _has_no_room(self) -> bool:
        return self._opened().size() >= self._limits.records

    def _opened(self) -> Inbox:
        """Return the inbox, which belongs to the thread that opened it."""
        if self._inbox is None:
            self._inbox = Inbox(self._folder)
        return self._inbox

    def close(self) -> None:
        """Finish what is being written, and close the inbox."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _close(self) -> None:
        if self._inbox is not None:
            self._inbox.close()


def _full(what: str, limit: int, option: str) -> StoreError:
    return StoreError(
        f"The {what} as may be, {limit:,}; nothing was kept.",
        trouble=Code.INBOX_FULL,
        hint=f"Come again later. `realtime: {option}` in the configuration allows more.",
    )


def _fail(batch: list[tuple[Delivery, asyncio.Future[bool]]], error: StoreError) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)
