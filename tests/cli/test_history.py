"""runs and undo from the command line."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import at, create
from customer_sync.clock import SystemClock
from customer_sync.past.history import past_run
from customer_sync.store import RunLock, RunRow, Store
from worlds import World

JANE = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": "c1", "email": "jane@example.com", "firstName": "Jane", "lastName": "Roe"},
}
JOAN = {
    "event": "customer_updated",
    "timestamp": "2024-01-16T10:30:00Z",
    "data": {"id": "c1", "email": "jane.new@example.com", "firstName": "Joan"},
}
GONE = {
    "event": "customer_deleted",
    "timestamp": "2024-01-17T10:30:00Z",
    "data": {"id": "c1", "email": "jane.new@example.com"},
}


@pytest.fixture
def world(embedded: World) -> World:
    """Return a world in which a contact was made, and then renamed."""
    embedded.sync(JANE)
    embedded.sync(JOAN, "no record")
    return embedded


def runs(world: World, *options: str) -> list[dict[str, object]]:
    """Return the history as `runs --json` has it."""
    found: list[dict[str, object]] = world.call("runs", "--json", *options).document["runs"]
    return found


def state_of(world: World) -> Path:
    """Return the file of the state."""
    return world.folder / ".customer-sync" / "state-sandbox.db"


def cut_off(world: World, run_id: str = "20300101T000000Z-dead") -> None:
    """Leave a run behind that died after its first intent."""
    with Store(state_of(world)) as store:
        store.begin_run(run_id, "run", datetime(2030, 1, 1, tzinfo=UTC))
        store.intend(run_id, [create("mary@example.com")], "POST /contacts", at(0))


# ---------------------------------------------------------------- runs


def test_the_history_lists_the_newest_run_first(world: World) -> None:
    """With its command, sources, how it ended, and how many changes got through."""
    second, first = runs(world)
    assert (first["command"], first["sources"]) == ("run", ["events.jsonl"])
    assert (first["ended"], first["exit_code"], first["rejected"]) == ("ok", 0, 0)
    assert (second["ended"], second["exit_code"], second["rejected"]) == ("partial", 7, 1)
    assert second["outcomes"] == {"applied": 1, "deferred": 0, "failed": 0}
    out = world.call("runs").out
    assert str(second["id"]) in out
    assert "partial" in out


def test_the_history_may_be_shortened(world: World) -> None:
    """To a number of runs, or to those since a time."""
    assert len(runs(world, "--limit", "1")) == 1
    assert len(runs(world, "--since", "7d")) == 2
    assert runs(world, "--since", "2999-01-01") == []
    assert "No run since then." in world.call("runs", "--since", "2999-01-01").out
    assert world.call("runs", "--since", "whenever").exit_code == 2


def test_a_run_that_was_cut_off_is_told_from_one_under_way(world: World) -> None:
    """By whether anybody holds the state."""
    cut_off(world)
    assert runs(world)[0]["ended"] == "cut off"
    shown = world.call("runs", "show", "last").out
    assert "cut off before it could report" in shown
    assert "m***@example.com" in shown
    with RunLock(world.folder / ".customer-sync" / "lock", now=SystemClock().now()):
        newest, *others = runs(world)
        assert newest["ended"] == "under way"
        assert [one["ended"] for one in others] == ["partial", "ok"]
        assert "under way" in world.call("runs", "show", "last").out


def test_what_a_run_left_open_is_cut_off_once_the_next_one_begins(world: World) -> None:
    """Its change has an end in words."""
    cut_off(world)
    world.sync(JANE)
    (change,) = world.call("runs", "show", "2030", "--json").document["changes"]
    assert change["outcome"] == "cut off"
    assert "died" in change["detail"]


def test_one_run_tells_the_fate_of_each_change(world: World) -> None:
    """Old and new, the way it went, and what came of it; addresses are masked."""
    result = world.call("runs", "show", "last")
    assert result.exit_code == 0
    assert "2 records, 1 rejected" in result.out
    assert "outcome: 1 applied" in result.out
    assert "j***@example.com" in result.out
    assert "jane" not in result.out
    assert "Joan" in result.out
    assert "PUT /contacts/{identifier}" in result.out
    assert "applied" in result.out
    assert "rejection  events.jsonl:2" in result.out
    assert "jane.new@example.com" in world.call("runs", "show", "last", "--show-pii").out


def test_one_run_as_a_document(world: World) -> None:
    """The run, its report, and every change."""
    document = world.call("runs", "show", "last", "--json").document
    assert document["run"]["command"] == "run"
    assert document["report"]["records_read"] == 2
    (change,) = document["changes"]
    assert (change["kind"], change["contact"]) == ("update", "j***@example.com")
    fields = {one["name"]: (one["old"], one["new"]) for one in change["fields"]}
    assert fields == {
        "EMAIL": ("j***@example.com", "j***@example.com"),
        "FIRSTNAME": ("Jane", "Joan"),
    }
    assert change["finished_at"] >= change["intended_at"]


def test_the_changes_of_a_run_may_be_many(world: World) -> None:
    """--rows says how many are shown."""
    out = world.call("runs", "show", "last", "--rows", "0").out
    assert "Joan" not in out
    assert "… and 1 more" in out


def test_an_address_among_the_values_is_masked(world: World) -> None:
    """Somebody may have put one into a name."""
    named = {**JOAN, "timestamp": "2024-01-18T00:00:00Z"}
    named["data"] = {"id": "c1", "firstName": "mary@example.com"}
    world.sync(named)
    assert "mary@" not in world.call("runs", "show", "last").out
    assert "mary@" not in world.call("runs", "show", "last", "--json").out


def test_a_run_is_named_by_as_much_of_its_id_as_tells_it_apart(world: World) -> None:
    """Anything less is refused with the candidates, anything else with a hint."""
    newest = str(runs(world)[0]["id"])
    assert newest in world.call("runs", "show", newest).out
    assert newest in world.call("runs", "show", newest[:-1]).out
    result = world.call("runs", "show", "20")
    assert result.exit_code == 2
    assert newest in result.err
    assert "means 2 runs" in result.err
    for stranger in ("nonsense", "%", ""):
        result = world.call("runs", "show", stranger)
        assert result.exit_code == 2
        assert "customer-sync runs" in result.err


def test_before_the_first_run_there_is_no_history(embedded: World) -> None:
    """And none is made by looking."""
    for command in (["runs"], ["runs", "show", "last"], ["undo", "last"]):
        result = embedded.call(*command)
        assert result.exit_code == 2
        assert "There is no run yet" in result.err
    assert not (embedded.folder / ".customer-sync").exists()


def test_the_history_of_an_unknown_version_is_shown_as_far_as_it_can_be() -> None:
    """An exit code without a name, a report in another form."""
    row = RunRow(
        id="r1",
        command="run",
        started_at=at(0),
        finished_at=at(1),
        exit_code=99,
        report=b'{"numbers": []}',
    )
    shown = past_run(row, is_under_way=False)
    assert (shown.ended, shown.outcomes) == ("99", None)
    assert shown.duration_s == timedelta(minutes=1).total_seconds()


def test_the_lock_of_a_dead_process_is_nobody_under_way(world: World) -> None:
    """It never released it."""
    cut_off(world)
    lock = world.folder / ".customer-sync" / "lock"
    for content in ('{"pid": 99999999999, "since": "2030"}', "torn", '{"pid": 4194305}'):
        lock.write_text(content, encoding="utf-8")
        assert runs(world)[0]["ended"] == "cut off"
    # One that runs, though nobody may ask it anything.
    lock.write_text(f'{{"pid": {os.getppid()}, "since": "2030"}}', encoding="utf-8")
    assert runs(world)[0]["ended"] == "under way"


# ---------------------------------------------------------------- undo


def test_an_undo_is_shown_then_applied_then_told(world: World) -> None:
    """Like any run."""
    preview = world.call("undo", "last", "--dry-run")
    assert preview.exit_code == 0
    assert "undone" in preview.out
    assert "Joan" in preview.out
    assert "jane.new@example.com" in world.contacts()
    done = world.call("undo", "last")
    assert done.exit_code == 0
    assert "The next run of the same source writes it again" in done.err
    contact = world.contacts()["jane@example.com"]
    assert contact["attributes"] == {"FIRSTNAME": "Jane", "LASTNAME": "Roe"}
    assert "undo" in world.call("runs").out


def test_the_last_run_to_undo_is_one_that_wrote(world: World) -> None:
    """Runs that found nothing to do are passed over."""
    world.sync(JOAN)
    assert world.call("undo", "last", "--json").document["outcomes"]["applied"] == 1
    assert "jane@example.com" in world.contacts()


def test_an_undo_is_itself_undone(world: World) -> None:
    """`undo last` twice does it again."""
    world.call("undo", "last")
    world.call("undo", "last")
    assert world.contacts()["jane.new@example.com"]["attributes"]["FIRSTNAME"] == "Joan"
    assert world.sync(JOAN)["bill"] == {}


def test_an_undone_run_has_nothing_left_to_undo(world: World) -> None:
    """It says so, and a script can tell."""
    run_id = str(runs(world)[0]["id"])
    changes = world.call("undo", run_id, "--dry-run", "--detailed-exit-code")
    assert changes.exit_code == 10
    world.call("undo", run_id)
    nothing = world.call("undo", run_id, "--dry-run", "--detailed-exit-code")
    assert nothing.exit_code == 0
    assert "Nothing to undo" in nothing.out


@pytest.mark.parametrize(("options", "is_blocked"), [((), True), (("--unblock",), False)])
def test_the_block_of_a_deletion_is_lifted_if_asked_for(
    world: World, options: tuple[str, ...], *, is_blocked: bool
) -> None:
    """And stays otherwise, which is said with the option's name."""
    world.sync(GONE)
    assert world.contacts()["jane.new@example.com"]["list_ids"] == []
    result = world.call("undo", "last", *options)
    contact = world.contacts()["jane.new@example.com"]
    assert contact["list_ids"] == [5]
    assert contact["is_email_blocked"] is is_blocked
    assert ("--unblock" in result.err) is is_blocked


def test_an_undo_is_silent_if_asked(world: World) -> None:
    """For scripts."""
    result = world.call("undo", "last", "--quiet")
    assert (result.exit_code, result.out, result.err) == (0, "", "")


def test_a_configuration_that_is_switched_off_undoes_nothing(world: World) -> None:
    """Whatever would write says so."""
    path = world.folder / "config.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("    source: custom", "    source: custom\n    enabled: false"))
    result = world.call("undo", "last")
    assert "disabled" in result.err
    assert "The next run" not in result.err
    path.write_text(text)
    assert "jane.new@example.com" in world.contacts()
