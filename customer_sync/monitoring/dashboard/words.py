"""Figures in words that suit their size."""

import math
from collections.abc import Mapping
from datetime import datetime

from customer_sync.core.figures import Figures, Latency, PastRun, Trouble
from customer_sync.core.standing import Pace, Realtime, Standing
from customer_sync.errors import ExitCode
from customer_sync.remedies import remedy_of

UNKNOWN = "–"
"""Stands where there is nothing to tell."""


def share(part: float | None) -> str:
    """Return a share in percent; only all of it is 100%, and only nothing is 0%."""
    if part is None:
        return UNKNOWN
    if part in {0.0, 1.0}:
        return f"{part:.0%}"
    if part < 0.0001:
        return "<0.01%"
    # Cut and not rounded: what lacks a little is not whole.
    return f"{math.floor(round(part * 10_000, 6)) / 100:.2f}%"


def time(seconds: float | None) -> str:
    """Return how long something took, to two or three digits."""
    if seconds is None:
        return UNKNOWN
    for unit, length in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            return f"{_number(seconds / length)} {unit}"
    return f"{_number(seconds)} s"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def count(number: int | None, one: str, many: str | None = None) -> str:
    """Return how many there are of something."""
    if number is None:
        return UNKNOWN
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def moment(at: datetime | None) -> str:
    """Return a time of day with its date, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else UNKNOWN


def ago(at: datetime | None, now: datetime) -> str:
    """Return how far *at* is from *now*."""
    if at is None:
        return UNKNOWN
    seconds = (now - at).total_seconds()
    return f"{time(seconds)} ago" if seconds >= 0 else f"in {time(-seconds)}"


def due(at: datetime | None, now: datetime) -> str:
    """Return when the next retry is."""
    if at is None:
        return "nothing to retry"
    return "next retry with the next run" if at <= now else f"next retry {ago(at, now)}"


def ended(run: PastRun, *, under_way: str | None = None) -> str:
    """Return how a run ended."""
    if run.exit_code is None:
        return "under way" if run.id == under_way else "cut off"
    known = {int(code): code.name.lower() for code in ExitCode}
    return f"{run.exit_code} {known.get(run.exit_code, '')}".rstrip()


def rows(sums: Figures, standing: Standing, now: datetime) -> list[tuple[str, str, str]]:
    """Return the figures line by line: name, figure, and what it is made of."""
    return [
        (
            "sync success rate",
            share(sums.success_rate),
            f"{sums.in_sync:,} of {sums.in_sync + sums.out_of_sync:,} as the shop says",
        ),
        ("average latency", time(sums.latency.average_s), latency(sums.latency)),
        (
            "error rate",
            share(sums.error_rate),
            f"{sums.failed_requests:,} of {count(sums.requests, 'request')}",
        ),
        ("queue depth", f"{standing.queue_depth:,}", due(standing.next_retry, now)),
        ("dead letters", f"{standing.dead_letters:,}", "wait for a person"),
        ("drift", f"{sums.drift:,}", "times a contact had been edited in Brevo"),
        ("runs", f"{sums.runs:,}", f"{sums.failed_runs:,} of them did not end well"),
        ("last run", ago(_end(standing.last_run), now), last(standing)),
        ("last success", ago(_end(standing.last_success), now), "the last run to do what it could"),
        *_events(standing.realtime),
        ("request budget used", budgets(sums.budget_used), "of what the account grants"),
    ]


def _events(realtime: Realtime | None) -> list[tuple[str, str, str]]:
    """Return how it goes with events that are received, where any are."""
    if realtime is None:
        return []
    return [
        ("events that wait", f"{realtime.waiting:,}", "in the inbox"),
        ("event to Brevo", time(realtime.pace.median_s), pace(realtime.pace)),
        ("receipt to Brevo", time(realtime.pace_here.median_s), pace(realtime.pace_here)),
    ]


def pace(taken: Pace) -> str:
    """Return how long the slower ones of many events took."""
    if not taken.events:
        return "no event reached Brevo"
    events = count(taken.events, "event")
    return f"the median of {events}; p95 {time(taken.p95_s)}, p99 {time(taken.p99_s)}"


def _end(run: PastRun | None) -> datetime | None:
    return run.finished_at if run else None


def latency(taken: Latency) -> str:
    """Return the middle and the end of how long changes took."""
    if not taken.changes:
        return "no change reached Brevo"
    return f"median {time(taken.median_s)}, p95 {time(taken.p95_s)}"


def last(standing: Standing) -> str:
    """Return how the last run ended, and whether another is under way."""
    run, under_way = standing.last_run, standing.under_way
    parts = []
    if run is not None:
        parts.append(f"{run.command} {run.id} took {time(run.seconds)}, exit {ended(run)}")
    if under_way is not None:
        parts.append(f"{under_way.command} {under_way.id} is under way")
    return "; ".join(parts)


def budgets(used: Mapping[str, float]) -> str:
    """Return how much of each budget was used."""
    return ", ".join(f"{family} {share(part)}" for family, part in used.items()) or UNKNOWN


def remedy(trouble: Trouble) -> str:
    """Return what to do about a trouble.

    That is what the run advised, else what its code calls for, else what its kind does.
    """
    return trouble.hint or remedy_of(trouble.trouble) or _REMEDIES.get(trouble.kind, "")


def name(trouble: Trouble) -> str:
    """Return what a trouble is called: its kind, the code to look up, and the rule or word."""
    return " ".join(filter(None, (trouble.kind, trouble.trouble, trouble.code)))


_REMEDIES = {
    "rejection": "Mend the records in rejects.jsonl, beside the state, and run them again.",
    "warning": "Correct the field at the shop; the customer was synced without it.",
    "deferred": "Nothing to do unless it goes on: the next runs try again. "
    "`customer-sync queue list` shows who waits.",
    "failed": "Brevo does not take it as it is: `customer-sync queue list` shows whom it is about.",
}
