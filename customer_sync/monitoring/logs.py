"""The log of one run, on Python's own logging: what is told of it, and where it goes.

Nothing is set up where this is imported. A program that runs syncs itself may leave out `opened`
and add handlers of its own to the logger `customer_sync`.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from customer_sync.config import LogFormat
from customer_sync.monitoring.log_file import LogFile, complaint
from customer_sync.monitoring.log_lines import (
    Field,
    JsonLines,
    TextLines,
    safe,
    text_of,
)

NAME = "customer_sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where the lines of a run go, and which."""

    format: LogFormat = LogFormat.TEXT
    """As JSON they go to standard error too; as text, people see progress there instead."""
    file: Path | None = None
    max_bytes: int = 10_000_000
    keep: int = 5
    """How many full files are kept beside it."""
    level: int = logging.INFO
    stderr_level: int = logging.INFO

    @property
    def is_json(self) -> bool:
        """Tell whether standard error belongs to the lines."""
        return self.format is LogFormat.JSON


@contextmanager
def opened(wish: Wish, on_trouble: Callable[[str], None]) -> Iterator[None]:
    """Let lines go where *wish* says, as long as this lasts.

    A file that cannot be opened or written fails nothing: *on_trouble* hears of it, once.
    """
    logger = logging.getLogger(NAME)
    before = logger.level
    if wish.is_json or wish.file is not None:
        logger.setLevel(min(wish.level, wish.stderr_level))
    handlers = []
    try:
        for handler in _handlers(wish, on_trouble):
            # At once: that the next one cannot be opened is perhaps told by this one.
            logger.addHandler(handler)
            handlers.append(handler)
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before)


def _handlers(wish: Wish, on_trouble: Callable[[str], None]) -> Iterator[logging.Handler]:
    # Or logging would print warnings by itself where there is no other.
    yield logging.NullHandler()
    lines = JsonLines() if wish.is_json else TextLines()
    if wish.is_json:
        yield _set(_Stream(sys.stderr), wish.stderr_level, lines)
    if wish.file is not None:
        try:
            file = LogFile(
                wish.file, max_bytes=wish.max_bytes, keep=wish.keep, on_trouble=on_trouble
            )
        except OSError as error:
            on_trouble(complaint(error))
        else:
            yield _set(file, wish.level, lines)


def _set(handler: logging.Handler, level: int, lines: logging.Formatter) -> logging.Handler:
    handler.setLevel(level)
    handler.setFormatter(lines)
    return handler


class _Stream(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Let the line be lost: whoever read it has gone."""


class RunLog:
    """Tells of one run, each line with its id; nothing that it is given is shown unmasked."""

    def __init__(self, run_id: str, *, show_pii: bool = False) -> None:
        self.run_id = run_id
        self._show_pii = show_pii
        self._logger = logging.getLogger(f"{NAME}.run")

    def wants(self, level: int) -> bool:
        """Tell whether anybody wants lines of this *level*."""
        return self._logger.isEnabledFor(level)

    def tell(self, level: int, event: str, **fields: Field) -> None:
        """Write one line, if anybody wants lines of this *level*."""
        if not self.wants(level):
            return
        shown = {name: safe(value, show_pii=self._show_pii) for name, value in fields.items()}
        extra = {"run_id": self.run_id, "event": event, "fields": shown}
        # The text is no pattern: it has no arguments, so that a `%` in it means itself.
        self._logger.log(level, text_of(event, shown), extra=extra)
