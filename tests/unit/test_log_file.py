"""The log's file: private, rotated, and in nobody's way when it cannot be written."""

import logging
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from customer_sync.monitoring.log_file import LogFile
from customer_sync.monitoring.logs import RunLog, Wish, opened

LOG = RunLog("run")


@pytest.fixture
def troubles() -> list[str]:
    """Return where complaints go."""
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file for lines."""
    return tmp_path / "sync.log"


def tell(*events: str) -> None:
    """Write a line for each event."""
    for event in events:
        LOG.tell(logging.INFO, event)


def events(path: Path) -> list[str]:
    """Return the events in a file."""
    return [line.split()[3] for line in path.read_text("utf-8").splitlines()]


def test_runs_add_to_one_file(path: Path, troubles: list[str]) -> None:
    """What earlier ones told stays."""
    for event in ("first", "second"):
        with opened(Wish(file=path), troubles.append):
            tell(event)
    assert events(path) == ["first", "second"]
    assert troubles == []


def test_only_its_owner_may_read_it(path: Path, troubles: list[str]) -> None:
    """Whatever it was before, and the files that are put aside too."""
    path.write_text("", encoding="utf-8")
    path.chmod(0o644)
    with opened(Wish(file=path, max_bytes=60, keep=1), troubles.append):
        tell("first", "second")
    for one in (path, path.with_name("sync.log.1")):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_its_folder_is_made(tmp_path: Path, troubles: list[str]) -> None:
    """The state's folder, say, before the first run."""
    path = tmp_path / "a" / "b" / "sync.log"
    with opened(Wish(file=path), troubles.append):
        tell("first")
    assert events(path) == ["first"]


def test_full_files_are_put_aside_and_some_are_kept(path: Path, troubles: list[str]) -> None:
    """The newest two of them."""
    with opened(Wish(file=path, max_bytes=60, keep=2), troubles.append):
        tell("first", "second", "third", "fourth")
    assert events(path) == ["fourth"]
    assert events(path.with_name("sync.log.1")) == ["third"]
    assert events(path.with_name("sync.log.2")) == ["second"]
    assert not path.with_name("sync.log.3").exists()


def test_a_file_may_be_left_to_grow(path: Path, troubles: list[str]) -> None:
    """Where none is to be kept, none is put aside, and nothing is lost."""
    with opened(Wish(file=path, max_bytes=60, keep=0), troubles.append):
        tell("first", "second", "third")
    assert events(path) == ["first", "second", "third"]


def test_a_file_that_was_moved_away_is_begun_anew(path: Path, troubles: list[str]) -> None:
    """As logrotate moves them, while a run goes on."""
    with opened(Wish(file=path), troubles.append):
        tell("first")
        path.rename(path.with_name("old"))
        tell("second")
    assert events(path.with_name("old")) == ["first"]
    assert events(path) == ["second"]


def test_two_runs_at_once_lose_no_line(path: Path, troubles: list[str]) -> None:
    """When one puts the file aside, the other follows."""
    wish = Wish(file=path, max_bytes=150, keep=9)
    with opened(wish, troubles.append), opened(wish, troubles.append):
        tell("first", "second", "third")
    files = path.parent.glob("sync.log*")
    told = sorted(event for one in files for event in events(one))
    assert told == ["first", "first", "second", "second", "third", "third"]


def test_a_file_that_cannot_be_opened_is_told_once(tmp_path: Path, troubles: list[str]) -> None:
    """A folder of that name, say; the run goes on."""
    with opened(Wish(file=tmp_path), troubles.append):
        tell("first", "second")
    assert troubles == [
        f"the log file cannot be written: Is a directory ({tmp_path}); the run goes on"
    ]


def test_a_pipe_that_nobody_reads_holds_nobody_up(path: Path, troubles: list[str]) -> None:
    """It is told, instead of waited for."""
    os.mkfifo(path)
    with opened(Wish(file=path), troubles.append):
        tell("first")
    assert len(troubles) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_told_once(troubles: list[str]) -> None:
    """Lines are lost, and nothing else."""
    with opened(Wish(file=Path("/dev/full")), troubles.append):
        tell("first", "second", "third")
    (trouble,) = troubles
    assert "No space left on device" in trouble


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let no file grow beyond *size* bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_fills_up_keeps_the_lines_before(path: Path, troubles: list[str]) -> None:
    """Python ignores the signal that goes with it."""
    with opened(Wish(file=path), troubles.append):
        tell("first")
        with files_no_larger_than(path.stat().st_size):
            tell("second", "third")
    assert events(path)[0] == "first"
    assert len(troubles) == 1


def test_a_file_that_cannot_be_put_aside_grows_on(path: Path, troubles: list[str]) -> None:
    """It is told once, and no line is lost."""
    path.with_name("sync.log.1").mkdir()
    path.with_name("sync.log.1").joinpath("occupied").touch()
    with opened(Wish(file=path, max_bytes=60, keep=1), troubles.append):
        tell("first", "second", "third")
    assert events(path) == ["first", "second", "third"]
    assert len(troubles) == 1


def test_a_folder_that_is_gone_is_told(tmp_path: Path, troubles: list[str]) -> None:
    """Somebody tidied up while a run went on."""
    path = tmp_path / "logs" / "sync.log"
    with opened(Wish(file=path), troubles.append):
        tell("first")
        path.unlink()
        path.parent.rmdir()
        tell("second", "third")
    assert len(troubles) == 1


def test_whatever_goes_wrong_is_told_and_fails_nothing(path: Path, troubles: list[str]) -> None:
    """Be it no trouble of the disk at all."""

    class Failing(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            raise ValueError("no line of this")

    file = LogFile(path, max_bytes=100, keep=1, on_trouble=troubles.append)
    file.setFormatter(Failing())
    record = logging.LogRecord("customer_sync", logging.INFO, "", 0, "first", (), None)
    for _ in range(2):
        file.handle(record)
    file.close()
    assert troubles == ["the log file cannot be written: no line of this; the run goes on"]
