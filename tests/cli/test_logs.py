"""--log-format and --log-file: what a run tells while it goes on."""

import json
import logging
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from customer_sync.clock import SystemClock
from customer_sync.core.validate import EventValidator
from customer_sync.errors import ExitCode
from customer_sync.sandbox import Sandbox
from customer_sync.target import SANDBOX_FILE
from session_stage import event
from worlds import World

JANE = event("created", 1, email="jane@example.com", firstName="Jane", phone="12")
RAVI = event("created", 2, email="ravi@example.com")
REJECTED = event("created", 3, email="nobody@@example.com")


@pytest.fixture
def world(embedded: World) -> World:
    """Return a world with something to sync, a field to leave out and a record to reject."""
    embedded.write("events.jsonl", [JANE, RAVI, REJECTED])
    return embedded


def lines(text: str) -> list[dict[str, Any]]:
    """Return JSON lines, each of which must be one."""
    return [json.loads(line) for line in text.splitlines()]


def told(world: World, *options: str, name: str = "sync.log") -> list[dict[str, Any]]:
    """Return what a run tells its file."""
    world.call("run", "events.jsonl", "--log-format", "json", "--log-file", name, *options)
    return lines((world.folder / name).read_text("utf-8"))


def of(log: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    """Return the lines about one kind of event."""
    return [line for line in log if line["event"] == event]


def configure(world: World, *said: str) -> None:
    """Add lines to the configuration."""
    path = world.folder / "config.yaml"
    path.write_text("\n".join([path.read_text("utf-8"), *said, ""]), encoding="utf-8")


def test_one_run_has_one_id(world: World) -> None:
    """It is that of the report, and stands in every line."""
    report = world.call("run", "events.jsonl", "-v", "--log-file", "sync.log", "--json").document
    log = (world.folder / "sync.log").read_text("utf-8").splitlines()
    assert len(log) > 10
    assert {line.split()[2] for line in log} == {report["run_id"]}


def test_a_run_tells_its_stages_and_its_numbers(world: World) -> None:
    """From the beginning to the end, and no request or record by itself."""
    log = told(world)
    assert [line["event"] for line in log if line["event"] != "stage_ended"] == [
        "run_begins",
        "planned",
        "run_ended",
    ]
    assert [line["stage"] for line in of(log, "stage_ended")][:2] == ["prepare", "read"]
    (end,) = of(log, "run_ended")
    assert (end["applied"], end["rejections"], end["exit"]) == (2, 1, "PARTIAL")
    assert end["level"] == "warning"
    durations = {line["stage"]: line["seconds"] for line in of(log, "stage_ended")}
    assert durations == pytest.approx(end["stages"], abs=0.002)


def test_requests_are_lines_where_asked_for(world: World) -> None:
    """As many as the report counts, by route, without what they carried."""
    report = world.call(
        *("run", "events.jsonl", "--verbose", "--json", "--route", "single"),
        *("--log-format", "json", "--log-file", "sync.log"),
    ).document
    text = (world.folder / "sync.log").read_text("utf-8")
    requests = of(lines(text), "request")
    counted: dict[str, int] = {}
    for line in requests:
        route = f"{line['method']} {line['route']}"
        counted[route] = counted.get(route, 0) + 1
    assert counted == report["requests"]
    assert set(requests[0]) > {"status", "ms", "attempt", "wait_ms"}
    assert "Jane" not in text


def test_single_records_are_lines_where_asked_for(world: World) -> None:
    """Rejected, in part left out, applied: each with its place or its masked address."""
    log = told(world, "--verbose")
    (rejected,) = of(log, "record_rejected")
    assert (rejected["where"], rejected["code"]) == ("events.jsonl:3", "CS211")
    (left_out,) = of(log, "field_left_out")
    assert (left_out["field"], left_out["code"]) == ("phone", "CS212")
    assert {line["contact"] for line in of(log, "applied")} == {
        "j***@example.com",
        "r***@example.com",
    }


def test_debug_tells_every_decision(world: World) -> None:
    """By the names of the attributes, never their values."""
    configure(world, "debug: true")
    log = told(world)
    decided = {line["contact"]: line for line in of(log, "change")}
    assert decided["j***@example.com"]["kind"] == "create"
    assert "FIRSTNAME" in decided["j***@example.com"]["fields"]
    assert "Jane" not in json.dumps(log)
    again = {line["contact"]: line["kind"] for line in of(told(world, name="2.log"), "change")}
    assert again["j***@example.com"] == "keep"


def test_who_is_skipped_is_told_why(world: World) -> None:
    """By the id where no address is known."""
    gone = {"id": "99", "deletedAt": "2024-01-15T10:00:00Z"}
    world.write(
        "events.jsonl",
        [{"event": "customer_deleted", "timestamp": "2024-01-15T10:00:00Z", "data": gone}],
    )
    configure(world, "debug: true")
    (skipped,) = of(told(world), "change")
    assert (skipped["kind"], skipped["contact"]) == ("skip", "99")
    assert skipped["reason"]


def test_addresses_are_shown_where_asked_for(world: World) -> None:
    """As on the screen."""
    log = told(world, "--verbose", "--show-pii")
    assert "jane@example.com" in {line["contact"] for line in of(log, "applied")}


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("error", set()),
        ("warning", {"run_ended"}),
        ("info", {"run_begins", "stage_ended", "planned", "run_ended"}),
    ],
)
def test_the_configured_level_counts(world: World, level: str, events: set[str]) -> None:
    """Each includes those before it."""
    configure(world, f"log_level: {level}")
    assert {line["event"] for line in told(world)} == events


def test_standard_error_is_json_alone(world: World) -> None:
    """No progress, no summary, no plan; standard output keeps the document."""
    result = world.call("run", "events.jsonl", "--log-format", "json", "--json")
    assert lines(result.err)[0]["event"] == "run_begins"
    assert result.document["records_read"] == 3
    assert world.call("run", "events.jsonl", "--log-format", "json").out == ""


def test_a_dry_run_still_shows_its_plan(world: World) -> None:
    """On standard output, where it belongs."""
    result = world.call("run", "events.jsonl", "--dry-run", "--log-format", "json")
    assert "2 create" in result.out
    assert of(lines(result.err), "planned")[0]["create"] == 2


def test_quiet_leaves_errors_alone(world: World) -> None:
    """On standard error; the file has it all."""
    options = ("--quiet", "--log-format", "json", "--log-file", "sync.log")
    assert world.call("run", "events.jsonl", *options).err == ""
    failed = world.call("run", "missing.jsonl", *options)
    assert {line["level"] for line in lines(failed.err)} == {"error"}
    assert len(of(lines((world.folder / "sync.log").read_text("utf-8")), "run_begins")) == 2


def test_what_stops_a_run_is_told_with_its_code(world: World) -> None:
    """And with what to do next, in the file of text too."""
    result = world.call("run", "missing.jsonl", "--log-format", "json")
    (error,) = of(lines(result.err), "error")
    assert (error["code"], error["kind"]) == ("CS201", "SourceError")
    assert error["hint"]
    assert of(lines(result.err), "run_ended")[0]["level"] == "error"
    world.call("run", "missing.jsonl", "--log-file", "sync.log")
    assert " error code=CS201 " in (world.folder / "sync.log").read_text("utf-8")


def test_changes_that_fail_are_told_without_being_asked(world: World) -> None:
    """With the code, the attempts that were made, and the pauses between them."""
    world.call("sandbox", "reset")
    with Sandbox(world.folder / ".customer-sync" / SANDBOX_FILE, clock=SystemClock()) as sandbox:
        sandbox.inject("POST /contacts", status=503, times=100)
    log = told(world, "--route", "single", "--verbose")
    deferred = of(log, "deferred")
    assert {line["contact"] for line in deferred} == {"j***@example.com", "r***@example.com"}
    assert {line["code"] for line in deferred} == {"CS404"}
    assert {line["level"] for line in deferred} == {"warning"}
    assert of(log, "retry")[0]["wait_ms"] >= 0
    assert max(line["attempt"] for line in of(log, "request")) > 1


def test_pauses_for_the_rate_limit_are_told(world: World) -> None:
    """They are why a run takes long, so nobody has to ask."""
    world.call("sandbox", "reset")
    with Sandbox(world.folder / ".customer-sync" / SANDBOX_FILE, clock=SystemClock()) as sandbox:
        sandbox.inject("POST /contacts", status=429, times=1)
    paused = of(told(world, "--route", "single"), "rate_limit")
    assert {line["family"] for line in paused} == {"contacts"}
    assert all(line["wait_ms"] > 0 for line in paused)
    assert {line["level"] for line in paused} == {"info"}


def test_what_the_guard_holds_back_is_told(world: World) -> None:
    """With its code and what to do."""
    world.call("run", "events.jsonl")
    world.write("events.jsonl", [event("deleted", 1, at="2024-02-01T10:00:00Z")])
    (withheld,) = of(told(world, "--max-deletes", "0"), "withheld")
    assert (withheld["code"], withheld["level"]) == ("CS305", "warning")
    assert "--confirm-deletes" in withheld["hint"]


@pytest.mark.parametrize("options", [("--log-format", "json"), ("--log-format=json",)])
@pytest.mark.parametrize("arguments", [("run", "--nonsense"), ("run", "e", "--config", "no.yaml")])
def test_what_stops_a_command_before_a_run_is_json_too(
    world: World, arguments: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """A line of the same form, without a run."""
    (line,) = lines(world.call(*arguments, *options).err)
    assert (line["level"], line["run_id"], line["event"]) == ("error", None, "error")
    assert line["code"].startswith("CS1")


@pytest.mark.parametrize("options", [("--log-format", "json"), ()])
def test_a_bug_is_told_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """In the log without what the exception says, which may be a customer."""

    def burst(*_: object) -> None:
        raise RuntimeError("jane@example.com")

    monkeypatch.setattr(EventValidator, "validate", burst)
    result = world.call("run", "events.jsonl", "--log-file", "sync.log", *options)
    assert result.exit_code == ExitCode.BUG
    log = (world.folder / "sync.log").read_text("utf-8")
    assert "RuntimeError" in log
    assert "burst (test_logs.py:" in log
    assert "@example.com" not in log
    if options:
        told = lines(result.err)
        assert [line["event"] for line in told][-3:] == ["bug", "traceback", "error"]
        assert "jane" not in result.err
    else:
        assert "Traceback" in result.err


def test_the_configuration_can_ask_for_it(world: World) -> None:
    """At the top or inside the skill's block; a relative name begins where it is."""
    configure(world, "logging: {format: json, file: logs/sync.log, max_size: 1kB, keep: 1}")
    for _ in range(3):
        result = world.call("run", "events.jsonl")
        assert lines(result.err)
    assert {one.name for one in (world.folder / "logs").iterdir()} == {"sync.log", "sync.log.1"}


def test_the_command_line_goes_before_the_configuration(world: World) -> None:
    """As with everything else."""
    configure(world, "logging: {format: json, file: sync.log}")
    result = world.call("run", "events.jsonl", "--log-format", "text", "--log-file", "other.log")
    assert "run 2" in result.err
    assert not (world.folder / "sync.log").exists()
    assert " run_begins command=run" in (world.folder / "other.log").read_text("utf-8")


@pytest.mark.parametrize("options", [(), ("--log-format", "json")])
def test_a_file_that_cannot_be_written_fails_no_run(world: World, options: tuple[str, ...]) -> None:
    """It is told once."""
    world.write("events.jsonl", [RAVI])
    result = world.call("run", "events.jsonl", "--log-file", "events.jsonl/x", *options)
    assert result.exit_code == ExitCode.OK
    assert result.err.count("the log file cannot be written") == 1


def test_only_its_owner_may_read_it(world: World) -> None:
    """Masked addresses are still somebody's."""
    told(world)
    assert stat.S_IMODE((world.folder / "sync.log").stat().st_mode) == 0o600


def test_commands_that_run_have_a_log(world: World) -> None:
    """Each with its name, and with nothing else on standard error where it is JSON."""
    options = ("--log-format", "json", "--log-file", "sync.log")
    world.call("plan", "events.jsonl", "--out", "plan.json", *options)
    for command in (("apply", "plan.json"), ("undo", "last"), ("retry",)):
        assert lines(world.call(*command, *options).err)
    log = lines((world.folder / "sync.log").read_text("utf-8"))
    begun = [line["command"] for line in of(log, "run_begins")]
    assert begun == ["plan", "apply", "undo", "retry"]


def test_a_disabled_sync_says_so(world: World) -> None:
    """In the form that was asked for."""
    path = world.folder / "config.yaml"
    text = path.read_text("utf-8").replace("source: custom", "source: custom\n    enabled: false")
    path.write_text(text, encoding="utf-8")
    result = world.call("run", "events.jsonl", "--log-format", "json")
    (line,) = lines(result.err)
    assert line["event"] == "disabled"


def test_nothing_is_set_up_by_an_import(world: World) -> None:
    """A program that uses the parts has the log that it sets up itself, also after a command."""
    world.call("run", "events.jsonl", "--log-format", "json", "--log-file", "sync.log")
    logger = logging.getLogger("customer_sync")
    assert logger.handlers == []
    assert logger.level == logging.NOTSET


def test_the_log_of_a_page_is_what_a_run_tells(world: World) -> None:
    """Every event that docs/logging.md lists, and no other."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "logging.md").read_text("utf-8")
    source = Path(__file__).resolve().parents[2] / "customer_sync"
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    listed = {event for row in rows for event in re.findall("`([a-z_]+)`", row)}
    configure(world, "debug: true")
    seen = {line["event"] for line in told(world, "--route", "single")}
    assert seen <= listed
    written = (source / "monitoring" / "telling.py").read_text("utf-8")
    assert {name for name in listed if f'"{name}"' not in written} <= {
        *("disabled", "traceback", "withheld")
    }
