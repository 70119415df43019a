"""Two runs of one state, as processes: one works, the other is told at once who does."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_sync.errors import ExitCode
from killing import GLANCE_S, AfterRequests, Workplace, workplace
from session_stage import event

LOCK = Path(".customer-sync") / "lock"
SHELL = '"$0" -m customer_sync run events.jsonl --json --quiet & echo $! >&2; wait; read ignored'
"""Outlives the run that it starts, until its input ends; tells the run's number."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """Yield a folder with some customers, and a sandbox that takes its time."""
    with workplace(tmp_path) as opened:
        opened.write("events.jsonl", [event("created", number) for number in range(8)])
        opened.control("settings", {"latency": 2.0})
        yield opened


def wait_for_a_request(place: Workplace, run: "subprocess.Popen[bytes]") -> None:
    """Return when a run, which holds the lock then, has sent its first request."""
    while not place.requests():
        # Not a pause to make something happen, but so as not to slow down what does.
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"it ended with {run.wait(GLANCE_S)}")


def said(place: Workplace) -> dict[str, object]:
    """Return what the lock says."""
    holder: dict[str, object] = json.loads((place.folder / LOCK).read_text(encoding="utf-8"))
    return holder


def test_the_second_of_two_runs_is_told_who_works_and_does_nothing(place: Workplace) -> None:
    """By the number of the process and since when; the first one is not disturbed."""
    first = place.start("events.jsonl")
    wait_for_a_request(place, first)
    since = said(place)["since"]
    first.send_signal(signal.SIGSTOP)
    second = place.finish(place.start("events.jsonl"))
    first.send_signal(signal.SIGCONT)
    assert second.exit_code == ExitCode.BUSY
    assert f"process {first.pid}, since {since}" in second.errors[0].message
    assert second.requests == {}
    report = place.finish(first)
    assert (report.exit_code, report.outcomes.applied) == (ExitCode.OK, 8)
    assert len(place.contacts()) == 8


def test_the_lock_of_a_killed_run_is_taken_over_with_a_note(place: Workplace) -> None:
    """Whoever comes next finishes its work, and says whose it was."""
    first = place.start("events.jsonl")
    assert place.kill(first, AfterRequests(1)) is None
    place.control("settings", {"latency": 0.0})
    report = place.finish(place.start("events.jsonl"))
    assert report.exit_code == ExitCode.OK
    assert any(
        error.kind == "note" and f"process {first.pid}, since" in error.message
        for error in report.errors
    )
    assert len(place.contacts()) == 8


def test_a_parent_that_lives_on_does_not_hold_the_lock_of_its_child(place: Workplace) -> None:
    """Such as the shell that cron starts a run from: the lock dies with the run itself."""
    with subprocess.Popen(
        ["sh", "-c", SHELL, sys.executable],
        cwd=place.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "BREVO_API_KEY": "key"},
    ) as shell:
        assert shell.stderr is not None
        child = int(shell.stderr.readline())
        wait_for_a_request(place, shell)
        assert said(place)["pid"] == child
        os.kill(child, signal.SIGKILL)
        place.control("settings", {"latency": 0.0})
        report = place.finish(place.start("events.jsonl"))
        assert shell.poll() is None
        assert report.exit_code == ExitCode.OK
        shell.communicate()


def test_a_number_that_another_process_has_now_holds_nobody_up(place: Workplace) -> None:
    """The lock names a process that lives, but is none of ours: the dead run's number went on."""
    place.control("settings", {"latency": 0.0})
    lock = place.folder / LOCK
    lock.parent.mkdir(mode=0o700)
    holder = {"pid": os.getpid(), "since": "2025-01-15T10:00:00+00:00"}
    lock.write_text(json.dumps(holder), encoding="utf-8")
    report = place.finish(place.start("events.jsonl"))
    assert report.exit_code == ExitCode.OK
    assert f"process {os.getpid()}, since 2025-01-15" in report.errors[0].message
