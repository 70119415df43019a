"""One run at a time, and a dead run holds nobody up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builders import at
from customer_sync.errors import ExitCode, StoreBusy, StoreError
from customer_sync.store import RunLock

HOLDER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from customer_sync.store import RunLock
with RunLock(Path(sys.argv[1]), now=datetime(2024, 1, 15, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(path: Path) -> "subprocess.Popen[str]":
    """Start a process that takes the lock and keeps it until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    """By the number of the process and since when."""
    path = tmp_path / "lock"
    with start_holder(path) as holder:
        with pytest.raises(StoreBusy) as busy, RunLock(path, now=at(1)):
            pass
        assert f"process {holder.pid}, since 2024-01-15" in busy.value.message
        assert busy.value.exit_code is ExitCode.BUSY
        assert busy.value.hint
        holder.communicate()
    with RunLock(path, now=at(1)) as lock:
        assert lock.taken_over == ""


def test_the_lock_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    """The system released it; the note says whose it was."""
    path = tmp_path / "lock"
    with start_holder(path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with RunLock(path, now=at(1)) as lock:
        assert lock.taken_over == f"process {holder.pid}, since 2024-01-15T00:00:00+00:00"


def test_a_lock_is_released_by_whatever_ends_the_run(tmp_path: Path) -> None:
    """An exception leaves no trace of a dead holder."""
    path = tmp_path / "lock"
    with pytest.raises(RuntimeError), RunLock(path, now=at(1)):
        raise RuntimeError
    with RunLock(path, now=at(2)) as lock:
        assert lock.taken_over == ""


def test_one_process_cannot_hold_it_twice(tmp_path: Path) -> None:
    """The lock is the holder's, not the process's."""
    path = tmp_path / "lock"
    with (
        RunLock(path, now=at(1)),
        pytest.raises(StoreBusy, match=f"process {os.getpid()}"),
        RunLock(path, now=at(2)),
    ):
        pass


@pytest.mark.parametrize("content", ["", "[]", "{}", "nonsense", '{"pid": 1}'])
def test_a_holder_that_cannot_be_named_still_holds(tmp_path: Path, content: str) -> None:
    """It may not have written its name yet."""
    path = tmp_path / "lock"
    with RunLock(path, now=at(1)):
        path.write_text(content)
        with pytest.raises(StoreBusy, match="an unknown process"), RunLock(path, now=at(2)):
            pass


def test_only_the_owner_may_touch_the_lock(tmp_path: Path) -> None:
    """0600 in a folder of 0700."""
    path = tmp_path / "state" / "lock"
    with RunLock(path, now=at(1)):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_lock_that_cannot_be_made_is_told_plainly(tmp_path: Path) -> None:
    """The path is a folder."""
    with pytest.raises(StoreError, match="cannot be used"), RunLock(tmp_path, now=at(1)):
        pass
