"""What a scheduler is to run, where, and which endings are worth an alert."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from customer_sync.errors import ExitCode
from customer_sync.scheduling.timing import At, Every, Timing

NEEDS_NOBODY = (
    ExitCode.OK,
    ExitCode.UNAVAILABLE,
    ExitCode.PARTIAL,
    ExitCode.BUSY,
    ExitCode.INTERRUPTED,
)
"""Endings of a run that the next run mends, or that are kept for a calm hour."""

_EARLIEST_ALARM = timedelta(hours=2)
_MISSED = 4
"""After so many starts without a success the watch tells of it; for daily runs, after 26 hours."""

_WATCH_AT = At(hour=8, minute=0)
"""Whoever can do something about it is at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where customer-sync lives on the machine of the scheduler; all paths are absolute."""

    program: tuple[str, ...]
    """The command without arguments."""
    folder: Path
    """The working folder: that of the configuration."""
    config: Path
    state: Path
    log: Path
    variables: tuple[str, ...]
    """Those that hold what is secret: the key for Brevo first, then whatever else is named."""
    key_file: Path
    """Holds `NAME='value'` lines; the secrets are in it and nowhere else."""
    alert: str | None = None
    """A shell command for endings that need a person; None: what the scheduler itself does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One command at its times."""

    name: str
    description: str
    arguments: tuple[str, ...]
    timing: Timing
    fine: tuple[ExitCode, ...]
    """The endings that nobody is told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One file for a scheduler."""

    name: str
    text: str


def sync_and_watch(
    place: Place, sources: Sequence[str], timing: Timing, *, options: Sequence[str] = ()
) -> tuple[Task, ...]:
    """Return the run, and the daily look whether runs do any good.

    A single run that finds Brevo away, leaves something in the retry queue or meets another run
    needs nobody; that no run succeeds for long, or that changes were given up, is told by the look.
    """
    where = ("--config", str(place.config), "--state", str(place.state))
    run = Task(
        name="customer-sync",
        description="Bring Brevo in line with the shop",
        arguments=("run", *sources, *where, "--quiet", "--log-file", str(place.log), *options),
        timing=timing,
        fine=NEEDS_NOBODY,
    )
    conditions = (f"last_success_age>{_longest_silence(timing)}h", "dead_letters>0")
    asked = (word for condition in conditions for word in ("--fail-if", condition))
    watch = Task(
        name="customer-sync-watch",
        description="Tell whether customer-sync works",
        arguments=("status", *where, *asked),
        timing=_WATCH_AT,
        fine=(ExitCode.OK,),
    )
    return run, watch


def _longest_silence(timing: Timing) -> int:
    """Return the hours without success after which something is wrong, rounded up."""
    match timing:
        case At():
            return 26
        case Every():
            span = max(_EARLIEST_ALARM, min(_MISSED * timing.pause, timing.pause + _EARLIEST_ALARM))
            return -(-span // timedelta(hours=1))


def judged(task: Task, alert: str | None) -> str:
    """Return a shell script that runs its own arguments and ends with 0 where nobody is needed.

    Otherwise it runs *alert* and ends as the command did.
    """
    fine = "|".join(str(int(code)) for code in task.fine)
    told = f" {alert};" if alert else ""
    return f'"$@"; code=$?; case $code in {fine}) exit 0;; esac;{told} exit $code'


def shell_line(words: Iterable[str]) -> str:
    """Return *words* as a shell reads them back."""
    return shlex.join(words)


def default_alert(task: Task) -> str:
    """Return what tells the system's log of a failure, where the scheduler tells nobody."""
    return f"logger -p user.err -t {task.name} '{task.description}: this failed; see its log'"
