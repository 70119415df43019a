"""Nowhere a key, and addresses only where they belong: everything that is written is read."""

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_sync.core.validate import EventValidator
from customer_sync.errors import ExitCode
from every_command import SHOWING, Texts, story
from worlds import World, served_sandbox

KEY = "xkeysib-canary-0123456789abcdef"
CANARIES = ("canary.one@", "canary.two@")
TEXTS = Texts(email="canary.one@example.com", other_email="canary.two@example.com", name="Canary")

WITH_ADDRESSES = {
    "explain": "one person's story, asked for by the address",
}
"""Outputs that show addresses in full without --show-pii, and why."""

FILES_WITH_ADDRESSES = {
    "events.jsonl": "the shop's own",
    "later.jsonl": "the shop's own",
    "plan.json": "what will be applied",
    ".customer-sync/rejects.jsonl": "to be mended",
    ".customer-sync/withheld.json": "what will be applied",
    ".customer-sync/state-live.db": "the state",
    ".customer-sync/state-live.db-wal": "the state",
}
"""Files that hold addresses, and what for. They are their owner's alone."""


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Yield a world whose key is a canary; Brevo's own file lies elsewhere."""
    monkeypatch.setenv("BREVO_API_KEY", KEY)
    folder = tmp_path / "shop"
    folder.mkdir()
    with served_sandbox(tmp_path / "served.db") as url:
        lines = [f"base_url: {url}"]
        world = World(folder=folder, capsys=capsys, target="live", brevo_lines=lines, url=url)
        world.configure()
        yield world


def files_of(world: World) -> dict[str, bytes]:
    """Return every file in the folder by its name."""
    paths = (path for path in world.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(world.folder)): path.read_bytes() for path in paths}


def holding(files: dict[str, bytes], *texts: str) -> set[str]:
    """Return the names of the files that hold one of *texts*."""
    return {n for n, content in files.items() if any(t.encode() in content for t in texts)}


def test_outputs_and_files_hold_what_they_may(world: World) -> None:
    """Whatever is not in the tables above shows no address, and nothing shows the key."""
    outputs = {name: result.out + result.err for name, result in story(world, TEXTS)}
    assert outputs.keys() > SHOWING.keys()
    assert {n for n, text in outputs.items() if KEY in text} == set()
    leaking = {n for n, text in outputs.items() if any(c in text for c in CANARIES)}
    assert leaking == WITH_ADDRESSES.keys() & outputs.keys()
    files = files_of(world)
    assert holding(files, KEY) == set()
    assert holding(files, *CANARIES) <= FILES_WITH_ADDRESSES.keys()
    for name in holding(files, *CANARIES) - {"events.jsonl", "later.jsonl"}:
        assert (world.folder / name).stat().st_mode & 0o077 == 0, name


def test_the_story_meets_what_it_is_to_show(world: World) -> None:
    """Rejections, warnings, refusals, something withheld: else there would be nothing to leak."""
    outputs = dict(story(world, TEXTS))
    run = outputs["run --json"].document
    assert run["rejections"] == 3
    assert run["warnings"] >= 1
    assert outputs["queue list --json"].document["queue"]
    assert outputs["run again"].exit_code != 0
    assert "c***@example.com" in outputs["plan"].out
    assert "Withheld" in outputs["show withheld"].out


def test_what_the_state_tells_of_runs_is_masked(world: World) -> None:
    """Reports and errors in it are shown to whoever looks at the history."""
    for _ in story(world, TEXTS):
        pass
    path = world.folder / ".customer-sync" / "state-live.db"
    with contextlib.closing(sqlite3.connect(path)) as state:
        reports = state.execute("SELECT report FROM runs WHERE report IS NOT NULL").fetchall()
        errors = state.execute("SELECT detail FROM operations WHERE detail <> ''").fetchall()
        errors += state.execute("SELECT error FROM queue").fetchall()
    assert reports
    assert errors
    told = repr([*reports, *errors])
    assert not [canary for canary in CANARIES if canary in told]


def test_what_is_asked_for_is_shown(world: World) -> None:
    """--show-pii shows addresses, and still no key."""
    for _ in story(world, TEXTS):
        pass
    shown = world.call("show", ".customer-sync/withheld.json", "--show-pii")
    assert "canary.one@example.com" in shown.out
    assert KEY not in shown.out + shown.err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_bug_shows_where_it_is_and_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """What a library puts into an exception may be a customer, or a header with the key."""

    def burst(*_: object) -> None:
        raise RuntimeError(f"{TEXTS.email} with {KEY} \x1b[31m")

    monkeypatch.setattr(EventValidator, "validate", burst)
    result = world.call("run", world.write("events.jsonl", _plain_events()), *options)
    assert result.exit_code == ExitCode.BUG
    assert "Traceback" in result.err
    assert "in burst" in result.err
    assert "c***@example.com with ***" in result.err
    assert "canary.one" not in result.out + result.err
    assert KEY not in result.out + result.err
    assert "\x1b" not in result.out + result.err
    assert "error CS901: This is a bug" in result.err
    if options:
        assert result.document["exit_code"] == ExitCode.BUG


CHATTY = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from customer_sync.cli import main
sys.exit(main(["run", "events.jsonl", "--route", "single"]))
"""
"""A process in which somebody wants to see all that is logged."""


def test_libraries_log_neither_addresses_nor_the_key(world: World) -> None:
    """Each address that is asked for would be among it, and each header."""
    world.write("events.jsonl", [*_plain_events()])
    done = subprocess.run(
        [sys.executable, "-c", CHATTY],
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BREVO_API_KEY": KEY},
    )
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stderr
    assert "canary.one" not in done.stderr
    assert "DEBUG:asyncio" in done.stderr  # Somebody did want to see all.


def _plain_events() -> list[object]:
    customer = {"id": "1", "email": TEXTS.email, "firstName": "Jane"}
    at = "2024-01-15T10:30:00Z"
    return [
        {"event": "customer_created", "timestamp": at, "data": customer},
        {"event": "customer_updated", "timestamp": at, "data": {**customer, "lastName": "Roe"}},
    ]


def test_levels_of_libraries_are_set_once_the_command_line_runs(world: World) -> None:
    """Also where a program of somebody else's has them louder."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    world.call("lists")
    for name in ("httpx", "httpcore", "httpcore.http11"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
