"""--metrics-file: what a run leaves for Prometheus."""

from pathlib import Path

import pytest

from customer_sync.errors import ExitCode
from session_stage import event
from worlds import World

JANE = event("created", 1, at="2026-11-23T10:00:00Z")


@pytest.fixture
def world(embedded: World) -> World:
    """Return a world with something to sync."""
    embedded.write("events.jsonl", [JANE])
    return embedded


def told(world: World, name: str = "sync.prom") -> str:
    """Return what a file tells."""
    return (world.folder / name).read_text(encoding="utf-8")


def test_a_run_leaves_its_figures(world: World) -> None:
    """Those of this very run."""
    world.call("run", "events.jsonl", "--metrics-file", "sync.prom")
    applied = 'customer_sync_last_run_customers{outcome="applied",target="sandbox"} 1.0'
    assert applied in told(world)
    assert 'customer_sync_runs_total{exit_code="0",target="sandbox"} 1.0' in told(world)


def test_a_run_that_fails_leaves_them_too(world: World) -> None:
    """That is when they are needed."""
    result = world.call("run", "nowhere.jsonl", "--metrics-file", "sync.prom")
    assert result.exit_code == ExitCode.INPUT
    assert 'customer_sync_healthy{target="sandbox"} 0.0' in told(world)


def test_the_configuration_can_name_the_file(world: World) -> None:
    """A relative name begins where the configuration is."""
    config = world.folder / "config.yaml"
    config.write_text(f"{config.read_text('utf-8')}metrics_file: sync.prom\n", encoding="utf-8")
    world.call("run", "events.jsonl")
    assert "customer_sync_healthy" in told(world)


def test_the_command_line_goes_before_the_configuration(world: World) -> None:
    """As with everything else."""
    config = world.folder / "config.yaml"
    config.write_text(f"{config.read_text('utf-8')}metrics_file: sync.prom\n", encoding="utf-8")
    world.call("run", "events.jsonl", "--metrics-file", "other.prom")
    assert not (world.folder / "sync.prom").exists()
    assert "customer_sync_healthy" in told(world, "other.prom")


def test_a_dry_run_leaves_nothing(world: World) -> None:
    """It did nothing."""
    world.call("run", "events.jsonl", "--dry-run", "--metrics-file", "sync.prom")
    assert not (world.folder / "sync.prom").exists()


def test_a_file_that_cannot_be_written_fails_no_run(world: World) -> None:
    """It is told."""
    result = world.call("run", "events.jsonl", "--metrics-file", "nowhere/sync.prom")
    assert result.exit_code == ExitCode.OK
    assert "note: the metrics file was not written" in result.err


def test_a_name_that_nobody_would_read_is_refused(world: World) -> None:
    """Before anything is done."""
    result = world.call("run", "events.jsonl", "--metrics-file", "sync.txt")
    assert result.exit_code == ExitCode.USAGE
    assert "must end in .prom" in result.err
    assert not (world.folder / ".customer-sync").exists()


@pytest.mark.parametrize("command", [["retry"], ["undo", "last"]])
def test_other_commands_that_write_leave_them_too(world: World, command: list[str]) -> None:
    """Each is a run of the history."""
    world.call("run", "events.jsonl")
    Path(world.folder / "sync.prom").unlink(missing_ok=True)
    assert world.call(*command, "--metrics-file", "sync.prom").exit_code == ExitCode.OK
    assert 'customer_sync_runs_total{exit_code="0",target="sandbox"} 2.0' in told(world)
