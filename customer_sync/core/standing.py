"""How things stand now: the last run, what waits, and whether that is how it should be."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from customer_sync.core.figures import PastRun, Trouble
from customer_sync.errors import ExitCode

WAITS_TOO_LONG = timedelta(minutes=15)
"""An event that has waited for so long is not written within seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long events took until Brevo had them."""

    events: int = 0
    median_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Realtime:
    """How it goes with events that are received one by one."""

    is_expected: bool = False
    """The configuration says that they are received all the time."""
    is_alive: bool = False
    """A process is there that writes them."""
    waiting: int = 0
    waits_for: timedelta = timedelta(0)
    """How long the first of those that wait does."""
    pace: Pace = field(default_factory=Pace)
    """From the time of the event."""
    pace_here: Pace = field(default_factory=Pace)
    """From when it was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a look into the state shows, whatever stretch of time is asked about."""

    last_run: PastRun | None = None
    """The last run to end."""
    last_success: PastRun | None = None
    """The last run to end well."""
    under_way: PastRun | None = None
    cut_off: PastRun | None = None
    """The last run of all, where it was killed and nobody has taken over since."""
    queue_depth: int = 0
    """How many customers wait in the retry queue."""
    next_retry: datetime | None = None
    """When the first of them is due; a time gone by means with the next run."""
    dead_letters: int = 0
    """How many customers wait for a person, since trying again did not help."""
    realtime: Realtime | None = None
    """None: nothing was ever received, nor is expected."""


def problems(standing: Standing) -> tuple[str, ...]:
    """Return why the sync does not work, in sentences; nothing means that it does.

    It works while the last run to end did what it could, and events are written where they are
    expected. What single customers lack is not judged here: the figures tell it, and everybody
    draws that line elsewhere.
    """
    return (*_of_runs(standing), *_of_events(standing.realtime))


def _of_events(realtime: Realtime | None) -> tuple[str, ...]:
    if realtime is None or not realtime.is_expected:
        return ()
    if not realtime.is_alive:
        return ("nobody receives events: neither `serve` nor `watch` runs",)
    if realtime.waiting and realtime.waits_for > WAITS_TOO_LONG:
        minutes = realtime.waits_for // timedelta(minutes=1)
        return (f"events wait: {realtime.waiting:,}, the first of them for {minutes:,} minutes",)
    return ()


def _of_runs(standing: Standing) -> tuple[str, ...]:
    is_alive = standing.realtime is not None and standing.realtime.is_alive
    if standing.last_run is None and standing.cut_off is None and is_alive:
        # Nothing has happened yet, and whoever waits for it is there.
        return ()
    if standing.last_run is None and standing.cut_off is None:
        waiting = ", and the first one is under way" if standing.under_way else ""
        return (f"no run has ended yet{waiting}",)
    if standing.cut_off is not None:
        return (f"the last run, {standing.cut_off.id}, was cut off",)
    last = standing.last_run
    if last is None or last.has_ended_well:
        return ()
    return (f"the last run, {last.id}, ended with {_word(last.exit_code)}{_because(last)}",)


def remarks(standing: Standing) -> tuple[str, ...]:
    """Return what a person should look at: a run that failed, dead letters, and what waits."""
    return (
        *_what_to_do(standing),
        *_dead_letters(standing.dead_letters),
        *_left_behind(standing.realtime),
    )


def _what_to_do(standing: Standing) -> tuple[str, ...]:
    last = standing.last_run
    if last is None or last.has_ended_well or standing.cut_off is not None:
        return ()
    cause = _cause(last)
    if cause is None:
        return (f"`customer-sync runs show {last.id}` shows what it did",)
    advice = f"`customer-sync explain {cause.trouble}` tells more" if cause.trouble else ""
    told = " ".join(filter(None, (cause.hint, advice)))
    return (told,) if told else ()


def _dead_letters(count: int) -> tuple[str, ...]:
    return (f"dead letters: {count:,}; `customer-sync queue list` shows them",) if count else ()


def _left_behind(realtime: Realtime | None) -> tuple[str, ...]:
    if realtime is None or realtime.is_alive or not realtime.waiting:
        return ()
    count = f"{realtime.waiting:,}"
    return (f"events wait: {count}; `customer-sync serve` or `customer-sync watch` writes them",)


def _word(exit_code: int | None) -> str:
    known = {int(code): code.name for code in ExitCode}
    return f"exit code {exit_code} ({known.get(exit_code or 0, 'unknown')})"


def _because(run: PastRun) -> str:
    """Return what stopped a run, where its report says so."""
    cause = _cause(run)
    if cause is None:
        return ""
    code = f" ({cause.trouble})" if cause.trouble else ""
    return f": {cause.message.rstrip('.')}{code}"


def _cause(run: PastRun) -> Trouble | None:
    """Return what stopped a run; what is wrong with single records and customers did not."""
    return next((e for e in run.numbers.errors if e.kind not in _SINGLE), None)


_SINGLE = frozenset({"rejection", "warning", "deferred", "failed", "dropped", "note"})
"""Kinds of errors that no run ends for."""
