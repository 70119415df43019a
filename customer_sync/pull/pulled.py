"""What was pulled, kept outside of memory until it is used."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TextIO

from customer_sync.clock import Clock
from customer_sync.core.model import Place, Problem, Record, Rejection
from customer_sync.errors import StoreError
from customer_sync.platforms.format import Understood
from customer_sync.pull.client import ShopClient, ShopObserver
from customer_sync.pull.order import Order, Puller
from customer_sync.pull.shops import Door
from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """All that an order brought: events as the platform's readers make them, and rejections."""

    order: Order
    started_at: datetime
    """No change that the shop made later is certain to be in it, every earlier one is."""
    fetched_at: datetime
    count: int
    rejections: int
    kept: IO[str]
    """A file without a name, which is gone when it is closed."""

    def records(self) -> Iterator[Understood]:
        """Yield what was pulled, in the shop's order."""
        self.kept.seek(0)
        for line in self.kept:
            yield _restored(json.loads(line), self.order.name, self.fetched_at)

    def close(self) -> None:
        """Forget it."""
        self.kept.close()


@dataclass(slots=True)
class Brake:
    """Stops a pull that is under way, also from within a signal."""

    _cancel: Callable[[], object] | None = None

    def apply(self) -> bool:
        """Break the pull off, and tell whether there was one."""
        if self._cancel is None:
            return False
        self._cancel()
        return True

    @contextmanager
    def on_this_task(self) -> Iterator[None]:
        """Let it stop the task that runs now."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is not None:
            # An exception raised by a signal would end whichever part of a request is at work.
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            yield
        finally:
            self._cancel = None


def pull(
    door: Door,
    order: Order,
    *,
    clock: Clock,
    deadline: float = float("inf"),
    on_customer: Callable[[], None] = lambda: None,
    on_request: ShopObserver = lambda _request: None,
    brake: Brake | None = None,
) -> Pulled:
    """Fetch what *order* asks for, in an event loop of its own.

    The whole of it is returned, or nothing.

    Raises:
        SourceError: the shop does not give its customers; the message says what to do.
        ConfigError: a secret is missing.
        StoreError: there is no room for it.
        CancelledError: *brake* was applied.
    """
    kept = _nameless()
    try:
        with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
            opening = door.open(clock, deadline=deadline, on_request=on_request)
            work = _pull(opening, order, kept, clock=clock, on_customer=on_customer)
            return runner.run(_stoppable(work, brake or Brake()))
    except OSError as error:
        kept.close()
        raise _no_room(error) from error
    except BaseException:
        kept.close()
        raise


def _nameless() -> TextIO:
    """Return a file that is gone when it is closed."""
    try:
        return tempfile.TemporaryFile("w+", encoding="ascii")
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> StoreError:
    return StoreError(
        f"Pulled customers cannot be kept for the time of the run: {error.strerror}.",
        trouble=Code.NO_ROOM,
        hint="Make room in the folder for temporary files, or set TMPDIR to another one.",
    )


async def _stoppable(work: Coroutine[None, None, Pulled], brake: Brake) -> Pulled:
    with brake.on_this_task():
        return await work


async def _pull(
    opening: AbstractAsyncContextManager[tuple[Puller, ShopClient]],
    order: Order,
    kept: TextIO,
    *,
    clock: Clock,
    on_customer: Callable[[], None],
) -> Pulled:
    began = clock.now()
    count = rejections = 0
    async with opening as (puller, client):
        async for customer in puller.customers(order, began):
            kept.write(json.dumps(_kept(customer)) + "\n")
            count += 1
            rejections += isinstance(customer, Rejection)
            on_customer()
        # Both clocks may be wrong; the earlier one only makes the next pull begin sooner.
        started_at = min(began, client.server_time or began)
    kept.flush()
    return Pulled(
        order=order,
        started_at=started_at.astimezone(UTC),
        fetched_at=began,
        count=count,
        rejections=rejections,
        kept=kept,
    )


def _kept(customer: Understood) -> dict[str, object]:
    kept: dict[str, object] = {"line": customer.place.line, "content": customer.content}
    if isinstance(customer, Rejection):
        kept["problems"] = [[one.pointer, one.rule, one.detail] for one in customer.problems]
    return kept


def _restored(kept: dict[str, object], file: str, at: datetime) -> Understood:
    place = Place(file=file, line=int(str(kept["line"])))
    problems = kept.get("problems")
    if isinstance(problems, list):
        told = tuple(Problem(pointer=one[0], rule=one[1], detail=one[2]) for one in problems)
        return Rejection(place=place, problems=told, content=kept["content"])
    return Record(place=place, content=kept["content"], written_at=at)
