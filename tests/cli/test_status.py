"""status: whether the sync works, for people and for monitors."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from builders import customer
from customer_sync.cli.watching import follow
from customer_sync.config import load
from customer_sync.errors import ExitCode
from customer_sync.monitoring.conditions import read_condition
from customer_sync.monitoring.looking import Looking
from customer_sync.monitoring.watching import NAMES
from customer_sync.store import QueueItem, RunLock, Store
from session_stage import event
from worlds import World

JANE = event("created", 1, at="2026-11-23T10:00:00Z")
BROKEN = {"event": "customer_created", "timestamp": "yesterday", "data": {"id": "2"}}


@pytest.fixture
def world(embedded: World) -> World:
    """Return a world whose state is the sandbox's; a look asks Brevo nothing."""
    return embedded


def status(world: World, *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document of a look."""
    result = world.call("status", "--json", *options)
    return result.exit_code, result.document


def test_before_the_first_run_it_is_unhealthy(world: World) -> None:
    """A look makes no state."""
    result = world.call("status")
    assert result.exit_code == ExitCode.PARTIAL
    assert result.out.splitlines()[0] == "unhealthy: no run has ended yet"
    assert not (world.folder / ".customer-sync").exists()


def test_after_a_run_it_is_healthy(world: World) -> None:
    """The first line says so."""
    world.sync(JANE)
    result = world.call("status")
    assert result.exit_code == ExitCode.OK
    assert result.out.startswith("healthy: the last run ended well ")
    assert "1 of 1 as the shop says" in result.out


def test_a_record_that_was_rejected_lowers_the_rate_and_not_the_health(world: World) -> None:
    """Whoever wants to hear of it says so."""
    world.sync(JANE, BROKEN)
    code, document = status(world)
    assert code == ExitCode.OK
    assert document["measures"]["success_rate"] == 0.5
    assert document["figures"]["broken_rules"]
    assert status(world, "--fail-if", "success_rate<0.99")[0] == ExitCode.PARTIAL


def test_each_condition_that_is_met_is_told(world: World) -> None:
    """With what the figure is; the others are not."""
    world.sync(JANE, BROKEN)
    conditions = ("--fail-if", "success_rate < 99%", "--fail-if", "runs>5")
    result = world.call("status", *conditions)
    assert "met: success_rate < 99% (it is 0.5)" in result.out
    assert "runs>5" not in result.out
    assert status(world, *conditions)[1]["met"] == ["success_rate < 99%"]


def test_a_run_that_failed_is_unhealthy(world: World) -> None:
    """With the reason."""
    world.sync(JANE)
    world.call("run", "nowhere.jsonl")
    result = world.call("status")
    assert result.exit_code == ExitCode.PARTIAL
    assert "ended with exit code 4 (INPUT)" in result.out
    assert "nowhere.jsonl" in result.out


def test_a_look_waits_for_no_run_and_holds_none_up(world: World) -> None:
    """The lock is looked at only, and the run that has it is told."""
    world.sync(JANE)
    folder = world.folder / ".customer-sync"
    now = datetime.now(UTC)
    with RunLock(folder / "lock", now=now), Store(folder / "state-sandbox.db") as store:
        store.begin_run("r9", "run", now)
        code, document = status(world)
    assert code == ExitCode.OK
    assert document["standing"]["under_way"]["id"] == "r9"


def test_a_run_that_was_killed_is_unhealthy(world: World) -> None:
    """Nobody has the lock, and the run has no end."""
    world.sync(JANE)
    with Store(world.folder / ".customer-sync" / "state-sandbox.db") as store:
        store.begin_run("r9", "run", datetime.now(UTC))
    code, document = status(world)
    assert code == ExitCode.PARTIAL
    assert document["problems"] == ["the last run, r9, was cut off"]


def test_only_the_time_asked_about_counts(world: World) -> None:
    """How things stand now is told all the same."""
    world.sync(JANE)
    with Store(world.folder / ".customer-sync" / "state-sandbox.db") as store:
        long_ago = datetime.now(UTC) - timedelta(days=3)
        store.begin_run("r0", "run", long_ago)
        store.finish_run("r0", long_ago, 6, b"{}")
    assert status(world)[1]["figures"]["runs"] == 1
    assert status(world, "--since", "7d")[1]["figures"]["failed_runs"] == 1


def test_the_report_of_another_version_is_no_obstacle(world: World) -> None:
    """That the run took place is known still."""
    world.sync(JANE)
    with Store(world.folder / ".customer-sync" / "state-sandbox.db") as store:
        now = datetime.now(UTC)
        store.begin_run("r0", "run", now)
        store.finish_run("r0", now, 0, b'{"outcomes": "many"}')
    assert status(world)[1]["figures"]["runs"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_can_be_asked_about(world: World, name: str) -> None:
    """By the name that the document gives it."""
    code, document = status(world, "--fail-if", f"{name}<0")
    assert name in document["measures"]
    assert document["met"] == []
    assert code == ExitCode.PARTIAL


@pytest.mark.parametrize("since", ["soon", "0s", "9999d"])
def test_a_time_that_is_none_is_told(world: World, since: str) -> None:
    """With the option that it belongs to."""
    result = world.call("status", "--since", since)
    assert result.exit_code == ExitCode.USAGE
    assert "--since" in result.err


def test_a_condition_that_is_none_is_told(world: World) -> None:
    """In the document too."""
    result = world.call("status", "--json", "--fail-if", "sucess_rate<1")
    assert result.exit_code == ExitCode.USAGE
    assert "no figure" in json.loads(result.out)["errors"][0]["message"]


def test_watching_goes_on_until_it_is_interrupted(world: World) -> None:
    """It ends with what the last look came to."""
    world.sync(JANE, BROKEN)
    looking = Looking(
        config=load(world.folder / "config.yaml"),
        folder=world.folder / ".customer-sync",
        span=timedelta(days=1),
    )
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    console = Console(width=100, record=True, quiet=True)
    conditions = [read_condition("success_rate<1", NAMES)]
    code = follow(looking, conditions, console, since="24h", wait=wait)
    assert code == ExitCode.PARTIAL
    assert waits == [5.0, 5.0, 5.0]


def test_one_document_is_not_repeated(world: World) -> None:
    """Programs that want to look again do."""
    assert world.call("status", "--watch", "--json").exit_code == ExitCode.USAGE


def test_watching_starts_from_the_command_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends it, with what the last look came to."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    world.sync(JANE)
    monkeypatch.setattr("time.sleep", interrupt)
    result = world.call("status", "--watch")
    assert result.exit_code == ExitCode.OK
    assert "healthy: the last run ended well" in result.out


def test_dead_letters_are_remarked_everywhere(world: World) -> None:
    """Beneath the verdict, which they do not change."""
    world.sync(JANE)
    now = datetime.now(UTC)
    item = QueueItem(
        customer=customer(), error="", attempts=8, queued_at=now, next_at=now, is_dead=True
    )
    with Store(world.folder / ".customer-sync" / "state-sandbox.db") as store:
        store.accept([item])
    result = world.call("status")
    assert (result.exit_code, result.out.splitlines()[1]) == (
        ExitCode.OK,
        "look: dead letters: 1; `customer-sync queue list` shows them",
    )
    assert "dead letters: 1;" in world.call("report", "--md").out
