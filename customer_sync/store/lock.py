"""One run at a time: a lock that names its holder and dies with it."""

import fcntl
import json
import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from customer_sync.errors import StoreBusy
from customer_sync.store.database import telling
from customer_sync.trouble import Code


class RunLock:
    """Holds the state for one process; the system releases it when the process dies.

    `taken_over` says whose lock it was where the last holder died without releasing it.
    """

    def __init__(self, path: Path, *, now: datetime) -> None:
        self._path = path
        self._now = now
        self._file: int | None = None
        self.taken_over = ""

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StoreBusy: when another process holds it, with its number and since when.
        """
        with telling(self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                self._take(file)
            except BaseException:
                os.close(file)
                raise
        self._file = file
        return self

    def _take(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            # It may have taken the lock and not yet written its name.
            holder = _describe(os.pread(file, 1000, 0)) or "an unknown process"
            raise StoreBusy(
                f"Another run holds the state: {holder}.",
                trouble=Code.STATE_BUSY,
                hint="Wait for it to end; cron may simply try again at its next time.",
            ) from error
        self.taken_over = _describe(os.pread(file, 1000, 0))
        name = json.dumps({"pid": os.getpid(), "since": self._now.isoformat()})
        os.ftruncate(file, 0)
        os.pwrite(file, name.encode(), 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the lock."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def holder(path: Path) -> str:
    """Name the process that holds the lock at *path*, by what it wrote; nothing where none lives.

    The lock itself is not tried: whoever only looks must not be in the way of a run.
    """
    with telling(path):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return ""
    return _describe(content) if _is_alive(content) else ""


def _is_alive(content: bytes) -> bool:
    try:
        os.kill(int(json.loads(content)["pid"]), 0)
    except PermissionError:
        # It is somebody else's.
        return True
    except (OSError, OverflowError, ValueError, KeyError, TypeError):
        return False
    return True


def _describe(content: bytes) -> str:
    """Name the holder that wrote *content* into the lock; nothing where it was released."""
    try:
        holder = json.loads(content)
        return f"process {holder['pid']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "an unknown process" if content.strip() else ""
