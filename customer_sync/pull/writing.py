"""What was pulled as a file of events that `run` accepts."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from customer_sync.core.model import Rejection
from customer_sync.errors import SourceError
from customer_sync.pull.pulled import Pulled
from customer_sync.run.rejects import entry
from customer_sync.trouble import Code


def lines(pulled: Pulled) -> Iterator[str]:
    """Yield what was pulled as JSON lines: events, and rejections as a rejects file has them."""
    for one in pulled.records():
        content = entry(one) if isinstance(one, Rejection) else one.content
        yield json.dumps(content) + "\n"


@contextlib.contextmanager
def room_for(path: Path) -> Iterator[TextIO]:
    """Yield a file that takes the place of *path* when all is well, and vanishes when not.

    It stands beside it under a hidden name that ends in `.part`, which no folder and no glob
    brings to a run, for its owner's eyes only (mode 0600). What a killed pull left there is begun
    anew.

    Raises:
        SourceError: there can be no such file, or another pull is writing it.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with _private(part) as file:
            _lock(file, path)
            try:
                file.truncate()
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error


def _private(part: Path) -> TextIO:
    if part.is_symlink():
        part.unlink()
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "w", encoding="ascii")


def _lock(file: TextIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SourceError(
            f"Another pull is writing {path}.",
            trouble=Code.NOT_WRITTEN,
            hint="Wait for it to end, or name another file.",
        ) from error
