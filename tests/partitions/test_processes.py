"""Planning on several processes: the same plan, and a clear word when one of them is lost."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from customer_sync.errors import WorkerLost
from customer_sync.partitions.processes import Alone, Crew, Processes
from customer_sync.partitions.work import Setup, Work
from customer_sync.run.edges import RunOptions
from customer_sync.run.report import RunReport
from customer_sync.run.scale import Scale
from customer_sync.trouble import Code
from session_stage import Shop, event

R = TypeVar("R")


def number_of(work: Work, number: int) -> tuple[int, int]:
    """Return a number with the process that was given it."""
    assert isinstance(work, Work)
    return number, os.getpid()


def killed_at_two(_work: Work, number: int) -> int:
    """End without a word at the third task."""
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """What processes are told, of a shop that has run once."""
    shop = Shop(tmp_path)
    shop.run(event("created", "1", email="p1@example.com"))
    return shop.partition_setup()


def gather(crew: Crew, task: Callable[[Work, int], R], count: int) -> list[R]:
    """Let *crew* do so many tasks."""

    async def results() -> list[R]:
        return [one async for one in crew.each(task, range(count))]

    return asyncio.run(results())


def test_results_come_in_the_order_of_the_tasks(setup: Setup) -> None:
    """On processes of their own."""
    with Processes(setup, 2) as crew:
        found = gather(crew, number_of, 9)
    assert [number for number, _ in found] == list(range(9))
    assert os.getpid() not in {process for _, process in found}


def test_one_process_does_the_same(setup: Setup) -> None:
    """It is this one."""
    found = gather(Alone(Work(setup)), number_of, 3)
    assert found == [(number, os.getpid()) for number in range(3)]


def test_a_process_that_was_killed_is_told_of(setup: Setup) -> None:
    """Nothing was written by then, and less memory may do."""
    with Processes(setup, 2) as crew, pytest.raises(WorkerLost, match="without a word") as lost:
        gather(crew, killed_at_two, 4)
    assert lost.value.trouble is Code.WORKER_LOST
    assert lost.value.hint is not None
    assert "--workers 1" in lost.value.hint


def planned(shop: Shop, scale: Scale, path: str) -> RunReport:
    """Look at what a run would do."""
    return shop.run(sources=(path,), options=RunOptions(scale=scale), dry_run=True)


def test_any_number_of_processes_makes_the_same_plan(tmp_path: Path) -> None:
    """Rejected records, moves and deletions by id included."""
    shop = Shop(tmp_path)
    shop.run(*(event("created", str(n), email=f"p{n}@example.com") for n in range(60)))
    later = [
        *(event("updated", str(n), email=f"p{n}@example.com", firstName="Ann") for n in range(30)),
        *(event("updated", str(n), email=f"q{n}@example.com") for n in range(20, 50)),
        {"event": "customer_deleted", "timestamp": "2025-01-01T00:00:00Z", "data": {"id": "59"}},
        "{",
    ]
    path = shop.write("later.jsonl", later)
    whole = planned(shop, Scale(least_bytes=2**60), path)
    for workers in (1, 2):
        parts = planned(shop, Scale(least_bytes=1, part_bytes=500, workers=workers), path)
        assert (parts.digest, parts.plan, parts.notes) == (whole.digest, whole.plan, whole.notes)
        assert (parts.rejections, parts.warnings) == (whole.rejections, whole.warnings)
        assert parts.adds_up
    assert not list(shop.state.glob("partitions-*"))
