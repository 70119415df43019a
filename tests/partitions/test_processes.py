"""Planning on several processes: the same plan, and a clear word when one of them is lost."""

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest

from customer_sync.core.values.transforms import TRANSFORMS
from customer_sync.errors import ExitCode, SourceError, WorkerLost
from customer_sync.partitions.links import Token
from customer_sync.partitions.processes import Alone, Crew, Processes
from customer_sync.partitions.scatter import Row, Scattered
from customer_sync.partitions.work import Setup, Work
from customer_sync.run.edges import RunOptions
from customer_sync.run.report import RunReport
from customer_sync.run.scale import Scale
from customer_sync.trouble import Code
from session_stage import Shop, event

R = TypeVar("R")

PLUGIN = """\
from customer_sync.core.values.transforms import Kind, Transform

SHOUT = Transform(
    name="shout", doc="", takes=Kind.TEXT, gives=Kind.TEXT, apply=lambda value, *_: value.upper()
)
"""


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


def refuse(_work: Work, number: int) -> int:
    """Fail as a task does whose file was changed meanwhile."""
    raise SourceError(f"{number} is gone", trouble=Code.SOURCE_UNREADABLE, hint="Run again.")


def test_what_stops_a_task_is_told_as_it_was(setup: Setup) -> None:
    """With its code, its hint and its exit code, wherever it happened."""
    with Processes(setup, 1) as crew, pytest.raises(SourceError, match="0 is gone") as stopped:
        gather(crew, refuse, 2)
    error = stopped.value
    assert (error.trouble, error.hint) == (Code.SOURCE_UNREADABLE, "Run again.")
    assert error.exit_code == ExitCode.INPUT


def knows_transform(_work: Work, _number: int) -> bool:
    """Tell whether a transform of an installed package is known."""
    return "shout" in TRANSFORMS


def test_installed_packages_count_in_every_process(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a package adds to the mapping is known wherever records are mapped."""
    (tmp_path / "shouting.py").write_text(PLUGIN, encoding="utf-8")
    told = tmp_path / "shouting-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Name: shouting\nVersion: 1.0\n", encoding="utf-8")
    entry = "[customer_sync.transforms]\nshout = shouting:SHOUT\n"
    (told / "entry_points.txt").write_text(entry, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with Processes(setup, 1) as crew:
        assert gather(crew, knows_transform, 1) == [True]


def test_rows_that_vanish_stop_the_plan(tmp_path: Path) -> None:
    """Nobody of whom they told passes for right."""
    shop = Shop(tmp_path)
    path = shop.write(
        "events.jsonl", [event("created", str(n), email=f"p{n}@example.com") for n in range(9)]
    )
    kept = Scattered.rows

    def without_the_first(self: Scattered, number: int, left: Collection[Token]) -> Iterator[Row]:
        return islice(kept(self, number, left), 1, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scattered, "rows", without_the_first)
        report = planned(shop, Scale(least_bytes=1, part_bytes=100), path)
    assert report.exit_code == ExitCode.CONFIG
    assert "not there any more" in report.errors[0].message
    assert shop.contacts() == {}


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
