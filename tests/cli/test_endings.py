"""How commands end: exit codes, one JSON document, messages that a newcomer can act on."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from customer_sync.clock import SystemClock
from customer_sync.errors import ExitCode
from customer_sync.target import open_sandbox
from worlds import World

GOOD = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": "1", "email": "jane@example.com", "firstName": "Jane"},
}


def test_the_readme_has_the_exit_codes() -> None:
    """The README's table and the program's codes are the same."""
    readme = Path(__file__, "../../../README.md").resolve().read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| (\d+) \| ([A-Z]+) \|", readme, re.MULTILINE))
    assert listed == {str(code.value): code.name for code in ExitCode}


def test_a_clean_run_ends_with_0(embedded: World) -> None:
    """Done, and done again."""
    embedded.write("e.jsonl", [GOOD])
    assert embedded.call("run", "e.jsonl").exit_code == ExitCode.OK
    assert embedded.call("run", "e.jsonl").exit_code == ExitCode.OK


def test_a_dry_run_tells_of_changes_only_when_asked(embedded: World) -> None:
    """`--detailed-exit-code` makes pending changes an exit code of their own."""
    embedded.write("e.jsonl", [GOOD])
    assert embedded.call("plan", "e.jsonl").exit_code == ExitCode.OK
    pending = embedded.call("plan", "e.jsonl", "--detailed-exit-code")
    assert pending.exit_code == ExitCode.PENDING
    assert embedded.contacts() == {}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run"], ExitCode.USAGE),
        (["run", "e.jsonl", "--max-deletes", "lots"], ExitCode.USAGE),
        (["run", "e.jsonl", "--max-duration", "soon"], ExitCode.USAGE),
        (["rum"], ExitCode.USAGE),
        (["run", "e.jsonl", "--config", "nowhere.yaml"], ExitCode.CONFIG),
        (["run", "nowhere.jsonl"], ExitCode.INPUT),
        (["run", "broken.jsonl", "--strict"], ExitCode.INPUT),
        (["run", "broken.jsonl", "--max-rejects", "10%"], ExitCode.INPUT),
        (["run", "broken.jsonl", "--max-rejects", "1"], ExitCode.PARTIAL),
        (["apply", "e.jsonl"], ExitCode.INPUT),
    ],
)
def test_endings(embedded: World, arguments: list[str], code: ExitCode) -> None:
    """Each kind of trouble has its code, a message with a hint, and one JSON document."""
    embedded.write("e.jsonl", [GOOD])
    embedded.write("broken.jsonl", [GOOD, {**GOOD, "timestamp": "yesterday"}])
    result = embedded.call(*arguments, "--json")
    assert result.exit_code == code
    assert result.document["exit_code"] == code
    assert result.document["errors"]
    assert "Traceback" not in result.err
    if code is not ExitCode.PARTIAL:
        assert "error CS" in result.err
        assert "hint: " in result.err


def test_a_missing_key_is_said_without_a_request(embedded: World) -> None:
    """A live target needs its key from the environment."""
    embedded.target = "live"
    embedded.configure()
    embedded.write("e.jsonl", [GOOD])
    result = embedded.call("run", "e.jsonl")
    assert result.exit_code == ExitCode.CONFIG
    assert "BREVO_API_KEY" in result.err


def test_a_disabled_sync_says_so(embedded: World) -> None:
    """`enabled: false` writes nothing and is no failure."""
    config = embedded.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "    source:", "    enabled: false\n    source:"
    )
    config.write_text(text, encoding="utf-8")
    embedded.write("e.jsonl", [GOOD])
    result = embedded.call("run", "e.jsonl")
    assert result.exit_code == ExitCode.OK
    assert "disabled" in result.err
    assert embedded.contacts() == {}


def test_attributes_that_brevo_lacks_are_refused_before_any_write(served: World) -> None:
    """Brevo would answer with success and store nothing."""
    config = served.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("LASTNAME", "SURNAME")
    config.write_text(text, encoding="utf-8")
    report = served.sync(GOOD)
    assert report["exit_code"] == ExitCode.REFUSED
    assert "attribute SURNAME does not exist" in report["errors"][0]["message"]
    assert "customer-sync attributes create" in report["errors"][0]["hint"]
    assert served.contacts() == {}


def test_deletions_beyond_the_limit_are_withheld_and_can_be_confirmed(world: World) -> None:
    """The rest is applied; the withheld ones wait in a file for a person."""
    people = [{**GOOD, "data": {"id": str(n), "email": f"p{n}@example.com"}} for n in range(1, 5)]
    world.sync(*people)
    deleted = [
        {"event": "customer_deleted", "timestamp": "2024-02-01T00:00:00Z", "data": {"id": str(n)}}
        for n in (1, 2)
    ]
    renamed = {
        "event": "customer_updated",
        "timestamp": "2024-02-01T00:00:00Z",
        "data": {"id": "3", "firstName": "Three"},
    }
    report = world.sync(*deleted, renamed, options=["--max-deletes", "1"])
    assert report["exit_code"] == ExitCode.REFUSED
    assert report["withheld"] == 2
    assert report["outcomes"]["applied"] == 1
    assert "--max-deletes" in report["errors"][0]["message"]
    assert not any(c["is_email_blocked"] for c in world.contacts().values())
    withheld = ".customer-sync/withheld.json"
    confirmed = world.call("run", "--confirm-deletes", withheld, "--json").document
    assert confirmed["outcomes"]["applied"] == 2
    blocked = {e for e, c in world.contacts().items() if c["is_email_blocked"]}
    assert blocked == {"p1@example.com", "p2@example.com"}


def test_a_complete_export_deletes_whoever_it_does_not_list(world: World) -> None:
    """Absence means deletion only when the source is said to be complete."""
    people = [{**GOOD, "data": {"id": str(n), "email": f"p{n}@example.com"}} for n in range(1, 5)]
    world.sync(*people)
    assert world.sync(*people[1:])["plan"]["delete"] == 0
    report = world.sync(*people[1:], options=["--complete"])
    assert report["plan"]["delete"] == 1
    assert world.contacts()["p1@example.com"]["is_email_blocked"]
    empty = world.sync(options=["--complete"])
    assert empty["exit_code"] == ExitCode.REFUSED
    assert empty["withheld"] == 3


def test_a_broken_record_is_not_taken_for_an_absence(world: World) -> None:
    """Whoever is listed in a record that cannot be read is not deleted."""
    people = [{**GOOD, "data": {"id": str(n), "email": f"p{n}@example.com"}} for n in range(1, 4)]
    world.sync(*people)
    broken = {**people[0], "timestamp": "yesterday"}
    assert world.sync(broken, *people[1:], options=["--complete"])["plan"]["delete"] == 0
    assert world.sync("{torn", *people[1:], options=["--complete"])["plan"]["delete"] == 0


def test_output_into_a_closed_pipe_is_no_error(embedded: World) -> None:
    """`customer-sync … | head` ends quietly."""
    embedded.write("e.jsonl", [GOOD])
    code = "import sys; from customer_sync.cli import main; sys.exit(main())"
    done = subprocess.run(
        f"'{sys.executable}' -c '{code}' schema event | head -1",
        shell=True,
        cwd=embedded.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("end", "code"),
    [("sys.exit(cli.main())", -signal.SIGINT), ("cli.command()", ExitCode.INTERRUPTED)],
    ids=["as the interpreter would", "as the command does"],
)
def test_an_interruption_ends_with_its_code_wherever_it_was_caught(
    tmp_path: Path, end: str, code: int
) -> None:
    """`python -m` ends by the signal where the interruption came while a text was executed."""
    (tmp_path / "told.py").write_text(
        "import sys\n"
        "import customer_sync.cli as cli\n"
        "def main():\n"
        "    try: exec('raise KeyboardInterrupt')\n"
        "    except KeyboardInterrupt: print('told'); return 130\n"
        f"cli.main = main\n{end}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "told"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, b"told\n")


def test_two_runs_at_once_are_told_apart(embedded: World) -> None:
    """The second run ends at once and says who holds the state."""
    embedded.write("e.jsonl", [GOOD])
    holder = subprocess.Popen(
        [sys.executable, "-m", "customer_sync", "run", "-"],
        cwd=embedded.folder,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert holder.stdin is not None
    lock = embedded.folder / ".customer-sync" / "lock"
    while not (lock.exists() and lock.read_text(encoding="utf-8")):
        assert holder.poll() is None
    result = embedded.call("run", "e.jsonl", "--json")
    assert result.exit_code == ExitCode.BUSY
    assert f"process {holder.pid}" in result.document["errors"][0]["message"]
    holder.send_signal(signal.SIGINT)
    _, err = holder.communicate()
    assert holder.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in err


def test_validate_tells_configuration_and_events_apart_by_content(embedded: World) -> None:
    """The name does not matter."""
    (embedded.folder / "config.yaml").rename(embedded.folder / "settings.txt")
    embedded.write("events.yaml", [GOOD])
    assert "good" in embedded.call("validate", "settings.txt").out
    events = embedded.call("validate", "events.yaml")
    assert events.exit_code == ExitCode.OK
    assert "1 record: 1 good" in events.out


def test_validate_reports_every_problem_of_a_file_of_events(embedded: World) -> None:
    """Each with its place; nothing is written."""
    embedded.write("e.jsonl", [GOOD, {**GOOD, "event": "customer_eaten"}, "{"])
    result = embedded.call("validate", "e.jsonl", "--json")
    assert result.exit_code == ExitCode.INPUT
    assert [p["line"] for p in result.document["problems"]] == [2, 3]
    assert {p["trouble"] for p in result.document["problems"]} == {"CS210"}
    assert not (embedded.folder / ".customer-sync").exists()


def test_validate_tells_which_code_to_look_up(embedded: World) -> None:
    """Behind each problem of a record."""
    embedded.write("e.jsonl", [{**GOOD, "data": {"id": "c1", "email": "jane at example.com"}}])
    first = embedded.call("validate", "e.jsonl").out.splitlines()[0]
    assert first.startswith("e.jsonl:1 /data/email: ")
    assert first.endswith(" (CS211)")


def test_validate_exits_3_for_a_broken_configuration(embedded: World) -> None:
    """With line, pointer and hint."""
    (embedded.folder / "config.yaml").write_text(
        "skills:\n  customer-sync:\n    source: shopfy\n", encoding="utf-8"
    )
    result = embedded.call("validate", "config.yaml")
    assert result.exit_code == ExitCode.CONFIG
    assert "config.yaml:3" in result.out
    assert "shopify" in result.out


@pytest.mark.parametrize("name", ["config", "event"])
def test_schema_prints_a_json_schema(embedded: World, name: str) -> None:
    """For editors, and for whoever produces events."""
    assert json.loads(embedded.call("schema", name).out)["$schema"].startswith(
        "https://json-schema"
    )


def test_init_writes_a_configuration_that_passes(embedded: World) -> None:
    """Without a terminal, options and defaults answer."""
    made = embedded.call("init", "new.yaml", "--source", "shopify", "--list-id", "7")
    assert made.exit_code == ExitCode.OK
    assert embedded.call("validate", "new.yaml").exit_code == ExitCode.OK
    again = embedded.call("init", "new.yaml")
    assert again.exit_code == ExitCode.CONFIG
    assert "--force" in again.err
    refused = embedded.call("init", "other.yaml", "--list-id", "-3")
    assert refused.exit_code == ExitCode.CONFIG
    assert not (embedded.folder / "other.yaml").exists()


def test_the_sandbox_can_be_begun_anew(embedded: World) -> None:
    """Contacts, and what was remembered of them, are gone."""
    embedded.sync(GOOD)
    assert embedded.call("sandbox", "reset", "--yes").exit_code == ExitCode.OK
    assert embedded.contacts() == {}
    assert embedded.sync(GOOD)["plan"]["create"] == 1


def test_whoever_waits_in_the_queue_is_not_taken_for_listed(embedded: World) -> None:
    """A complete export decides about them as about everybody."""
    people = [{**GOOD, "data": {"id": str(n), "email": f"p{n}@example.com"}} for n in range(1, 4)]
    embedded.sync(*people)
    changed = {
        "event": "customer_updated",
        "timestamp": "2024-02-01T00:00:00Z",
        "data": {"id": "1", "firstName": "One"},
    }
    with open_sandbox(embedded.folder / ".customer-sync", SystemClock()) as sandbox:
        sandbox.inject("PUT /contacts/{identifier}", status=400, times=1)
    assert embedded.sync(changed)["outcomes"]["failed"] == 1
    report = embedded.sync(*people[1:], options=["--complete"])
    assert report["plan"]["delete"] == 1
    assert embedded.contacts()["p1@example.com"]["is_email_blocked"]


def test_the_deadline_holds_while_jobs_are_waited_for(embedded: World) -> None:
    """What is not known by then waits for the next run, which finds it done."""
    people = [{**GOOD, "data": {"id": str(n), "email": f"p{n}@example.com"}} for n in range(60)]
    report = embedded.sync(*people, options=["--max-duration", "5s"])
    assert report["exit_code"] in (ExitCode.PARTIAL, ExitCode.UNAVAILABLE)
    assert report["duration_s"] < 10
    assert report["outcomes"] == {"applied": 0, "deferred": 60, "failed": 0}
    later = embedded.call("run", "events.jsonl", "--json").document
    assert later["plan"]["create"] == 0
    assert len(embedded.contacts()) == 60
