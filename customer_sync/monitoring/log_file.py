"""The file that log lines go to: its owner's alone, rotated by size, and never in a run's way."""

import contextlib
import logging
import os
import stat
import sys
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler, WatchedFileHandler
from pathlib import Path


class LogFile(RotatingFileHandler, WatchedFileHandler):
    """A file of lines; older ones stand beside it as `NAME.1`, `NAME.2` and so on.

    Whatever the file is, only its owner may read it (mode 0600). A file that somebody else renames
    or removes, as logrotate does, is begun anew. What cannot be written is lost: *on_trouble* hears
    of it once, and nobody is held up.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(
        self, path: Path, *, max_bytes: int, keep: int, on_trouble: Callable[[str], None]
    ) -> None:
        self._on_trouble = on_trouble
        self._is_told = False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        RotatingFileHandler.__init__(
            self,
            path,
            # Without an older file to rotate to, the file is left to grow, or to logrotate.
            maxBytes=max_bytes if keep else 0,
            backupCount=keep,
            encoding="utf-8",
            errors="backslashreplace",
        )
        # What WatchedFileHandler compares the path with.
        self.dev, self.ino = -1, -1
        self._statstream()

    def _open(self) -> TextIOWrapper:
        # A pipe that nobody reads is an error, and nothing to wait for.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        descriptor = os.open(self.baseFilename, flags, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            # Somebody else's file cannot be changed, only written to.
            with contextlib.suppress(PermissionError):
                os.fchmod(descriptor, 0o600)
        return TextIOWrapper(
            os.fdopen(descriptor, "ab"),
            encoding=self.encoding,
            errors=self.errors,
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, to the file that has the name now."""
        try:
            self.reopenIfNeeded()
        except OSError:
            self.handleError(record)
            return
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        """Put the file aside and begin the next; where that cannot be, the file grows on."""
        try:
            super().doRollover()
        except OSError as error:
            self._complain(error)
            self.maxBytes = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        """Tell the first time that a line was lost."""
        self._complain(sys.exception())

    def close(self) -> None:
        """Close the file; what could not be written before cannot be now."""
        try:
            super().close()
        except OSError as error:
            self._complain(error)

    def _complain(self, error: BaseException | None) -> None:
        if not self._is_told:
            self._is_told = True
            self._on_trouble(complaint(error))


def complaint(error: BaseException | None) -> str:
    """Return what to tell the operator of a log file that cannot be written."""
    why = str(error)
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        why = f"{error.strerror or error}{where}"
    return f"the log file cannot be written: {why}; the run goes on"
