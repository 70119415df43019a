"""A look into the state while others may write to it: what a stretch of time adds up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from customer_sync.brevo.throttle import Family, windows
from customer_sync.core.figures import (
    ENDED_WELL,
    Budget,
    Figures,
    Latency,
    Numbers,
    PastRun,
    Timed,
    Trouble,
    figures,
    series,
    stage_seconds,
    troubles,
)
from customer_sync.core.model import RatePlan
from customer_sync.core.standing import Realtime, Standing, problems, remarks
from customer_sync.store import RunRow, Store, holder

PARTS = {timedelta(hours=24): 24, timedelta(days=7): 28, timedelta(days=30): 30}
"""Into how many stretches charts cut the usual ones: hours, quarters of a day, days."""

_OTHERWISE = 30

NAMES = (
    *("success_rate", "error_rate", "latency_average", "latency_median", "latency_p95"),
    *("queue_depth", "dead_letters", "drift", "rejections", "runs", "failed_runs"),
    *("requests", "failed_requests", "last_run_age", "last_success_age"),
    *("inbox_records", "event_latency_median", "event_latency_p95", "event_latency_p99"),
    *(f"budget_{family}" for family in Family),
)
"""The figures that can be asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `status` tells."""

    is_healthy: bool
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    target: str
    now: datetime
    standing: Standing
    figures: Figures
    measures: Mapping[str, float | None]
    """What can be asked about by name; times in seconds, None where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What `report` tells: the status, and what it is made of."""

    status: Status
    parts: tuple[Figures, ...] = ()
    """The figures of equal stretches of the same time, the oldest first."""
    runs: tuple[PastRun, ...] = ()
    """The newest first."""
    troubles: tuple[tuple[Trouble, int], ...] = ()
    """The most frequent first."""
    stages: tuple[tuple[str, Latency], ...] = ()
    """The slowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the state holds of a stretch of time."""

    since: datetime
    until: datetime
    runs: Sequence[PastRun] = ()
    """The newest first."""
    latencies: Sequence[Timed] = ()
    standing: Standing = field(default_factory=Standing)
    runs_by_exit: Mapping[int | None, int] = field(default_factory=dict)
    """All runs there ever were, by exit code; None: those without an end."""

    @property
    def under_way(self) -> str | None:
        """The id of the run that goes on."""
        return self.standing.under_way.id if self.standing.under_way else None


def look(store: Store, lock: Path, *, since: timedelta, now: datetime) -> Past:
    """Read what the state holds of the time from *since* ago up to and with *now*.

    The lock is looked at and not taken, so that a run is neither waited for nor held up.
    """
    until = now + timedelta(microseconds=1)
    is_held = bool(holder(lock))
    newest = store.last_run()
    # Looked at twice: a run may begin or end just now, and is not cut off for that.
    is_held = bool(holder(lock)) or is_held
    open_run = past_run(newest) if newest and newest.finished_at is None else None
    queue_depth, dead_letters = store.queue_counts()
    last, last_success = store.last_end(), store.last_end(ENDED_WELL)
    return Past(
        since=until - since,
        until=until,
        runs=[past_run(row) for row in store.runs(-1, since=until - since)],
        latencies=store.latencies(until - since, until),
        runs_by_exit=store.runs_by_exit(),
        standing=Standing(
            last_run=past_run(last) if last else None,
            last_success=past_run(last_success) if last_success else None,
            under_way=open_run if is_held else None,
            cut_off=None if is_held else open_run,
            queue_depth=queue_depth,
            next_retry=store.next_retry(),
            dead_letters=dead_letters,
        ),
    )


def past_run(row: RunRow) -> PastRun:
    """Return a run of the history with the numbers of its report, as far as they can be read."""
    numbers = Numbers()
    if row.report is not None:
        try:
            numbers = msgspec.json.decode(row.report, type=Numbers)
        except msgspec.DecodeError:
            # Another version's report: that the run took place, and how it ended, is known still.
            numbers = Numbers()
    return PastRun(
        id=row.id,
        command=row.command,
        started_at=row.started_at,
        finished_at=row.finished_at,
        exit_code=row.exit_code,
        numbers=numbers,
    )


def status(past: Past, *, target: str, budgets: Sequence[Budget]) -> Status:
    """Add up what was seen."""
    sums = figures(
        past.runs,
        past.latencies,
        since=past.since,
        until=past.until,
        budgets=budgets,
        under_way=past.under_way,
    )
    what_is_wrong = problems(past.standing)
    return Status(
        is_healthy=not what_is_wrong,
        problems=what_is_wrong,
        remarks=remarks(past.standing),
        target=target,
        now=past.until,
        standing=past.standing,
        figures=sums,
        measures=measures(sums, past.standing, past.until),
    )


def overview(past: Past, *, target: str, budgets: Sequence[Budget]) -> Overview:
    """Add up what was seen, and lay out what it is made of."""
    return Overview(
        status=status(past, target=target, budgets=budgets),
        parts=series(
            past.runs,
            past.latencies,
            since=past.since,
            until=past.until,
            parts=PARTS.get(past.until - past.since, _OTHERWISE),
            under_way=past.under_way,
        ),
        runs=tuple(past.runs),
        troubles=tuple(troubles(past.runs)),
        stages=tuple(stage_seconds(past.runs)),
    )


def measures(sums: Figures, standing: Standing, now: datetime) -> dict[str, float | None]:
    """Return every figure that can be asked about, by its name."""
    events = standing.realtime or Realtime()
    return {
        "success_rate": sums.success_rate,
        "error_rate": sums.error_rate,
        "latency_average": sums.latency.average_s,
        "latency_median": sums.latency.median_s,
        "latency_p95": sums.latency.p95_s,
        "queue_depth": standing.queue_depth,
        "dead_letters": standing.dead_letters,
        "drift": sums.drift,
        "rejections": sums.rejections,
        "runs": sums.runs,
        "failed_runs": sums.failed_runs,
        "requests": sums.requests,
        "failed_requests": sums.failed_requests,
        "last_run_age": _age(standing.last_run, now),
        "last_success_age": _age(standing.last_success, now),
        "inbox_records": events.waiting,
        "event_latency_median": events.pace.median_s,
        "event_latency_p95": events.pace.p95_s,
        "event_latency_p99": events.pace.p99_s,
        **{f"budget_{family}": used for family, used in sums.budget_used.items()},
    }


def _age(run: PastRun | None, now: datetime) -> float | None:
    if run is None or run.finished_at is None:
        return None
    return max(0.0, (now - run.finished_at).total_seconds())


def budgets_of(plan: RatePlan) -> tuple[Budget, ...]:
    """Return what an account on *plan* grants for each family of requests."""
    return tuple(
        Budget(
            family=family,
            per_hour=windows(plan, family)[-1].limit,
            covers=partial(_draws_on, family),
        )
        for family in Family
    )


def _draws_on(family: Family, route: str) -> bool:
    is_contacts = route.partition(" ")[2].startswith("/contacts")
    return is_contacts is (family is Family.CONTACTS)
