"""The log of a command: from options and configuration to where its lines go."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.text import Text

from customer_sync.config import Config, LogFormat, LogLevel
from customer_sync.console import make_console
from customer_sync.errors import CustomerSyncError
from customer_sync.monitoring.log_lines import LEVELS, VERBOSE, Field, instant, json_line, safe
from customer_sync.monitoring.logs import RunLog, Wish, opened
from customer_sync.monitoring.telling import LoggedWatch, tell_bug, tell_failure
from customer_sync.privacy import mask_text, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What the command line says of the log; None: what the configuration says."""

    format: LogFormat | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How a command speaks to its operator: on standard error, and in its log.

    Where the log takes the place of everything else on standard error, `stderr` is mute.
    """

    stderr: Console
    log: RunLog
    watch: LoggedWatch
    is_json: bool

    def note(self, text: str, *, level: int = logging.WARNING) -> None:
        """Say something that fails nothing."""
        _note(self.stderr, self.log, text, level=level)


@contextmanager
def speaking(
    config: Config,
    options: LogOptions,
    run_id: str,
    *,
    quiet: bool,
    verbose: bool = False,
    show_pii: bool = False,
) -> Iterator[Voice]:
    """Open the log of a command, and close it at the end; a bug is told in it too."""
    wish = wish_for(config, options, quiet=quiet, verbose=verbose)
    stderr = make_console(stderr=True)
    stderr.quiet = wish.is_json
    log = RunLog(run_id, show_pii=show_pii)
    watch = LoggedWatch(
        stderr,
        log,
        is_quiet=quiet or config.log_level in {LogLevel.ERROR, LogLevel.WARNING},
        is_verbose=wish.level <= VERBOSE,
    )
    with opened(wish, partial(_note, stderr, log)):
        try:
            yield Voice(stderr=stderr, log=log, watch=watch, is_json=wish.is_json)
        except CustomerSyncError as error:
            tell_failure(log, error)
            error.was_told = wish.is_json
            raise
        except Exception as error:
            tell_bug(log, error)
            raise


def wish_for(config: Config, options: LogOptions, *, quiet: bool, verbose: bool) -> Wish:
    """Return where the lines go, and which: --quiet leaves errors alone on standard error."""
    level = LEVELS[config.log_level]
    if verbose:
        level = min(level, VERBOSE)
    settings = config.logging
    return Wish(
        format=options.format or settings.format,
        file=options.file or settings.file,
        max_bytes=settings.max_bytes,
        keep=settings.keep,
        level=level,
        stderr_level=logging.ERROR if quiet else level,
    )


def is_json(config: Config, wanted: LogFormat | None) -> bool:
    """Tell whether standard error belongs to JSON lines, and to nothing else."""
    return (wanted or config.logging.format) is LogFormat.JSON


def _note(stderr: Console, log: RunLog, text: str, *, level: int = logging.WARNING) -> None:
    stderr.print(Text(f"note: {printable(text)}"))
    log.tell(level, "note", detail=text)


def wants_json(given: Sequence[str]) -> bool:
    """Tell whether the words of a command line ask for standard error as JSON lines."""
    named = [value for name, value in pairwise(given) if name == "--log-format"]
    return "json" in named or "--log-format=json" in given


def tell_error_alone(error: CustomerSyncError) -> None:
    """Write what stopped a command as a JSON line, unless the log of a run has told it."""
    if not error.was_told:
        tell_alone("error", code=error.trouble, detail=error.message, hint=error.hint)


def tell_alone(event: str, *, detail: str, **fields: Field) -> None:
    """Write an error as a JSON line to standard error, where there is no log of a run."""
    shown = {name: safe(value, show_pii=False) for name, value in fields.items()}
    line = {
        "time": instant(datetime.now(UTC)),
        "level": str(LogLevel.ERROR),
        "run_id": None,
        "event": event,
        **shown,
        "detail": mask_text(detail),
    }
    print(json_line(line), file=sys.stderr)  # noqa: T201 - the line
