"""Tasks on one process or on several: the results come in the order of the tasks either way."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from types import TracebackType
from typing import Protocol, Self, TypeVar

from customer_sync.errors import WorkerLost
from customer_sync.partitions.work import Setup, Work
from customer_sync.plugins import load_plugins
from customer_sync.trouble import Code

T = TypeVar("T")
R = TypeVar("R")


class Crew(Protocol):
    """Whoever does the work of a plan."""

    def each(self, task: Callable[[Work, T], R], given: Iterable[T]) -> AsyncIterator[R]:
        """Yield what becomes of each of *given*, in their order."""
        ...


class Alone:
    """Everything in this process, one after the other."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def each(self, task: Callable[[Work, T], R], given: Iterable[T]) -> AsyncIterator[R]:
        """Yield what becomes of each of *given*, in their order."""
        for one in given:
            yield task(self._work, one)
            # Whoever wants to end the run gets a chance.
            await asyncio.sleep(0)


class Processes:
    """Several processes, which end with this one however it ends."""

    def __init__(self, setup: Setup, count: int) -> None:
        self._count = count
        self._pool = ProcessPoolExecutor(
            count,
            # A fork would copy locks that threads of this process hold.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(setup,),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=error is None, cancel_futures=True)

    async def each(self, task: Callable[[Work, T], R], given: Iterable[T]) -> AsyncIterator[R]:
        """Yield what becomes of each of *given*, in their order, a few of them at a time."""
        under_way: deque[Future[R]] = deque()
        try:
            for one in given:
                under_way.append(self._pool.submit(_call, task, one))
                if len(under_way) > self._count:
                    yield await asyncio.wrap_future(under_way.popleft())
            while under_way:
                yield await asyncio.wrap_future(under_way.popleft())
        except BrokenExecutor as error:
            raise WorkerLost(
                "One of the processes that planned ended without a word; nothing was written.",
                trouble=Code.WORKER_LOST,
                hint="If memory is short, run again with `--workers 1`.",
            ) from error


_work: list[Work] = []
"""Of a process that was started for it."""


def _begin(setup: Setup) -> None:
    """Prepare a process: Ctrl-C is the first one's business, and it ends when that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Platforms and transforms of installed packages have to be known here too.
    load_plugins()
    _work.append(Work(setup))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _call(task: Callable[[Work, T], R], one: T) -> R:
    return task(_work[0], one)
