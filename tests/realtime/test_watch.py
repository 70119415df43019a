"""watch as a process of its own: what it took in outlives it, and comes once."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from customer_sync.errors import ExitCode
from customer_sync.realtime.flushing import LOCK_FILE
from customer_sync.realtime.inbox import Inbox
from customer_sync.store import RunLock
from realtime_stage import NOW
from worlds import World, served_sandbox

PATIENCE_S = 60.0


def line(number: int, **fields: object) -> str:
    """Return an event as a line."""
    data = {"id": f"c{number}", "email": f"p{number}@example.com", **fields}
    content = {"event": "customer_updated", "timestamp": "2026-11-01T10:00:00Z", "data": data}
    return f"{json.dumps(content)}\n"


@dataclass(slots=True)
class Watcher:
    """A running `watch`."""

    process: subprocess.Popen[str]

    def end(self, number: int) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode


@contextmanager
def watching(folder: Path, *words: str) -> Iterator[Watcher]:
    """Run `watch` in *folder* until it has said that it follows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "customer_sync", "watch", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "Following" in first, first + process.stdout.read()
        yield Watcher(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Yield a world whose Brevo is reached over HTTP."""
    monkeypatch.setenv("BREVO_API_KEY", "key")
    with served_sandbox(tmp_path / "served.db") as url:
        world = World(
            folder=tmp_path,
            capsys=capsys,
            target="live",
            brevo_lines=[f"base_url: {url}"],
            url=url,
        )
        world.configure()
        yield world


def append(world: World, *lines: str, name: str = "events.jsonl") -> None:
    """Write on."""
    with (world.folder / name).open("a") as file:
        file.writelines(lines)


def holding(world: World) -> RunLock:
    """Hold the state as another run would, so that nothing is written meanwhile."""
    return RunLock(world.folder / ".customer-sync" / "lock", now=NOW)


def taken_in(world: World, count: int) -> bool:
    """Tell whether so many records came into the inbox; it is asked until they have."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with Inbox(world.folder / ".customer-sync") as inbox:
            if inbox.size() >= count:
                return True
    return False


def written(world: World, *numbers: int) -> bool:
    """Tell whether Brevo has these customers; it is asked until it does."""
    end = time.monotonic() + PATIENCE_S
    wanted = {f"p{number}@example.com" for number in numbers}
    while time.monotonic() < end:
        if wanted <= set(world.contacts()):
            return True
    return False


def test_what_was_taken_in_outlives_a_kill_and_comes_once(world: World) -> None:
    """A kill -9 loses nothing and repeats nothing, whatever is done to the file meanwhile."""
    append(world, line(1), line(2))
    with holding(world), watching(world.folder, "events.jsonl") as watcher:
        assert taken_in(world, 2)
        assert watcher.end(signal.SIGKILL) == -signal.SIGKILL
    append(world, line(3), line(4, email="nobody"))
    (world.folder / "events.jsonl").rename(world.folder / "events.jsonl.1")
    append(world, line(5))
    with watching(world.folder, "events.jsonl", "--max-delay", "0s") as watcher:
        assert written(world, 1, 2, 3, 5)
        assert watcher.end(signal.SIGTERM) == ExitCode.OK
    rejects = (world.folder / ".customer-sync" / "rejects.jsonl").read_text().splitlines()
    places = [json.loads(text)["rejected"] for text in rejects]
    assert [(place["file"], place["line"]) for place in places] == [("events.jsonl.1", 4)]
    runs = world.call("runs", "--json").document["runs"]
    assert sum(run["outcomes"]["applied"] for run in runs) == 4


def test_ctrl_c_ends_it_well(world: World) -> None:
    """What waits is still there for the next time."""
    append(world, line(1))
    with holding(world), watching(world.folder, ".") as watcher:
        assert taken_in(world, 1)
        assert watcher.end(signal.SIGINT) == ExitCode.OK
    assert world.call("watch", "--once", ".").exit_code == ExitCode.OK
    assert written(world, 1)


def test_once_writes_what_is_new_since_the_last_time(world: World) -> None:
    """As cron would call it; the second time there is nothing to do."""
    append(world, line(1), line(2))
    assert world.call("watch", "--once", "events.jsonl").exit_code == ExitCode.OK
    append(world, line(3))
    assert world.call("watch", "--once", "events.jsonl").exit_code == ExitCode.OK
    assert world.call("watch", "--once", "events.jsonl").exit_code == ExitCode.OK
    runs = world.call("runs", "--json").document["runs"]
    assert sorted(run["outcomes"]["applied"] for run in runs) == [1, 2]
    assert {run["command"] for run in runs} == {"watch"}


def test_once_tells_what_stopped_it(world: World) -> None:
    """And what was read is written the next time, without being read again."""
    append(world, line(1))
    with holding(world):
        result = world.call("watch", "--once", "events.jsonl")
    assert result.exit_code == ExitCode.BUSY
    assert world.call("watch", "--once", "events.jsonl").exit_code == ExitCode.OK
    assert written(world, 1)


def test_once_leaves_it_to_a_process_that_writes_already(world: World) -> None:
    """What is new is safe in the inbox, and that process finds it there."""
    append(world, line(1))
    with RunLock(world.folder / ".customer-sync" / LOCK_FILE, now=NOW):
        result = world.call("watch", "--once", "events.jsonl")
    assert result.exit_code == ExitCode.OK
    assert "Another process writes" in result.err
    assert taken_in(world, 1)


def test_what_cannot_be_followed_is_told(world: World) -> None:
    """With what can be."""
    result = world.call("watch", "events.csv")
    assert result.exit_code == ExitCode.INPUT
    assert ".jsonl" in result.err


def test_the_status_tells_how_long_events_took(world: World) -> None:
    """From their own time, and from their receipt; and in realtime mode that nobody is there."""
    world.configure("sync_mode: realtime")
    append(world, line(1), line(2))
    world.call("watch", "--once", "events.jsonl")
    status = world.call("status", "--json")
    events = status.document["standing"]["realtime"]
    assert events["pace"]["events"] == events["pace_here"]["events"] == 2
    assert events["pace"]["median_s"] > events["pace_here"]["median_s"]
    assert "nobody receives events" in status.document["problems"][0]
    shown = " ".join(world.call("status").out.split())
    assert "event to Brevo" in shown
    assert "the median of 2 events" in shown
    met = world.call("status", "--fail-if", "event_latency_p95>1s", "--json").document["met"]
    assert met == ["event_latency_p95>1s"]


def test_before_any_event_there_is_nothing_to_tell(world: World) -> None:
    """Of a sync that nothing is sent to, the status says nothing about events."""
    assert "events that wait" not in world.call("status").out
    world.configure("sync_mode: realtime")
    shown = world.call("status")
    assert "no event reached Brevo" in " ".join(shown.out.split())
    assert "nobody receives events" in " ".join(shown.out.split())
