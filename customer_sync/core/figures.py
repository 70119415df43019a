"""What the runs of a stretch of time add up to: how much is in Brevo, how soon, at what price."""

import math
import re
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeAlias

from customer_sync.core.model import Write
from customer_sync.core.plan import Totals
from customer_sync.errors import ExitCode

ENDED_WELL = frozenset({ExitCode.OK, ExitCode.PARTIAL})
"""A run that ended so did what it could; what it could not do is counted by itself."""

Timed: TypeAlias = tuple[datetime, float]
"""When Brevo had a change, and how many seconds after the shop's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The writes of one run by what became of them."""

    applied: int = 0
    deferred: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that went wrong in a run, as its report tells it."""

    kind: str = ""
    message: str = ""
    hint: str = ""
    code: str = ""
    """The broken rule, or Brevo's word."""
    trouble: str = ""
    """The code to look it up by; reports of earlier versions have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the report of one run says, as far as figures need it.

    Reports of earlier versions lack some of it; that counts as nothing.
    """

    records_read: int = 0
    rejections: int = 0
    plan: Totals = field(default_factory=Totals)
    outcomes: Ends = field(default_factory=Ends)
    withheld: int = 0
    drift: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    failed_requests: Mapping[str, int] = field(default_factory=dict)
    broken_rules: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    consent: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    queue_depth: int | None = None
    dead_letters: int | None = None
    errors: tuple[Trouble, ...] = ()

    @property
    def in_sync(self) -> int:
        """Customers that Brevo holds as the shop says: written by the run, or right already."""
        return self.outcomes.applied + self.plan.keep

    @property
    def out_of_sync(self) -> int:
        """What the shop said and Brevo does not hold: rejected, deferred, failed or withheld."""
        return self.rejections + self.outcomes.deferred + self.outcomes.failed + self.withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run, as the history has it."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None = None
    """None: it is under way, or was cut off."""
    exit_code: int | None = None
    numbers: Numbers = field(default_factory=Numbers)

    @property
    def has_ended_well(self) -> bool:
        """Tell whether the run did what it could."""
        return self.exit_code in ENDED_WELL

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long changes took from the shop's word to Brevo, in seconds; None: there were none."""

    changes: int = 0
    average_s: float | None = None
    median_s: float | None = None
    p95_s: float | None = None
    """So long, or shorter, in 95 of 100 cases: the nearest rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an account grants for a family of requests."""

    family: str
    per_hour: float
    covers: Callable[[str], bool]
    """Tells whether a route draws on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the runs of [*since*, *until*) add up to.

    A rate is None where there is nothing to rate.
    """

    since: datetime
    until: datetime
    runs: int = 0
    failed_runs: int = 0
    """Those that ended otherwise than well, or were cut off."""
    in_sync: int = 0
    out_of_sync: int = 0
    success_rate: float | None = None
    """in_sync ÷ (in_sync + out_of_sync), each counted in every run that was told of it."""
    latency: Latency = field(default_factory=Latency)
    requests: int = 0
    failed_requests: int = 0
    error_rate: float | None = None
    """failed_requests ÷ requests."""
    drift: int = 0
    queue_depth: int | None = None
    """How many waited when the last run of the stretch was over; None: no run says so."""
    budget_used: Mapping[str, float] = field(default_factory=dict)
    """By family: requests ÷ what the account grants in so much time."""
    outcomes: Ends = field(default_factory=Ends)
    kept: int = 0
    rejections: int = 0
    withheld: int = 0
    broken_rules: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    consent: Mapping[str, int] = field(default_factory=dict)
    routes: Mapping[str, int] = field(default_factory=dict)
    """The requests by route, the most frequent first."""


def figures(
    runs: Iterable[PastRun],
    latencies: Iterable[Timed],
    *,
    since: datetime,
    until: datetime,
    budgets: Sequence[Budget] = (),
    under_way: str | None = None,
) -> Figures:
    """Add up the *runs* that began, and the *latencies* of changes that arrived, in the stretch.

    The run *under_way* counts as a run, and neither as failed nor as ended well.
    """
    within = [run for run in runs if since <= run.started_at < until]
    numbers = [run.numbers for run in within]
    in_sync = sum(n.in_sync for n in numbers)
    out_of_sync = sum(n.out_of_sync for n in numbers)
    routes = _added(n.requests for n in numbers)
    requests = sum(routes.values())
    failed_requests = sum(_added(n.failed_requests for n in numbers).values())
    return Figures(
        since=since,
        until=until,
        runs=len(within),
        failed_runs=sum(not r.has_ended_well and r.id != under_way for r in within),
        in_sync=in_sync,
        out_of_sync=out_of_sync,
        success_rate=_share(in_sync, in_sync + out_of_sync),
        latency=latency(s for at, s in latencies if since <= at < until),
        requests=requests,
        failed_requests=failed_requests,
        error_rate=_share(failed_requests, requests),
        drift=sum(n.drift for n in numbers),
        queue_depth=_queue_depth(within),
        budget_used={b.family: _used(b, routes, until - since) for b in budgets},
        outcomes=Ends(
            applied=sum(n.outcomes.applied for n in numbers),
            deferred=sum(n.outcomes.deferred for n in numbers),
            failed=sum(n.outcomes.failed for n in numbers),
        ),
        kept=sum(n.plan.keep for n in numbers),
        rejections=sum(n.rejections for n in numbers),
        withheld=sum(n.withheld for n in numbers),
        broken_rules=_added(n.broken_rules for n in numbers),
        notes=_added(n.notes for n in numbers),
        consent=_added(n.consent for n in numbers),
        routes=routes,
    )


def series(
    runs: Sequence[PastRun],
    latencies: Sequence[Timed],
    *,
    since: datetime,
    until: datetime,
    parts: int,
    under_way: str | None = None,
) -> tuple[Figures, ...]:
    """Return the figures of *parts* equal stretches that make up the whole, the oldest first.

    *latencies* are in the order of their times.
    """
    step = (until - since) / parts
    edges = [*(since + step * i for i in range(parts)), until]
    cuts = [bisect_left(latencies, edge, key=itemgetter(0)) for edge in edges]
    return tuple(
        figures(
            runs,
            latencies[cuts[i] : cuts[i + 1]],
            since=edges[i],
            until=edges[i + 1],
            under_way=under_way,
        )
        for i in range(parts)
    )


def latency(seconds: Iterable[float]) -> Latency:
    """Return what *seconds* come to."""
    ordered = sorted(seconds)
    if not ordered:
        return Latency()
    return Latency(
        changes=len(ordered),
        average_s=statistics.fmean(ordered),
        median_s=statistics.median(ordered),
        p95_s=ordered[math.ceil(0.95 * len(ordered)) - 1],
    )


def latency_of(change: Write, now: datetime) -> float:
    """Return how many seconds *now* is after the newest thing that the shop said of the customer.

    A shop's clock may be ahead of ours: that counts as at once.
    """
    return max(0.0, (now - change.customer.last_at).total_seconds())


def stage_seconds(runs: Iterable[PastRun]) -> list[tuple[str, Latency]]:
    """Return how long each stage took in *runs*, the one that took the most altogether first."""
    taken: dict[str, list[float]] = {}
    for run in runs:
        for stage, seconds in run.numbers.stages.items():
            taken.setdefault(stage, []).append(seconds)
    slowest_first = sorted(taken.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [(stage, latency(seconds)) for stage, seconds in slowest_first]


def troubles(runs: Iterable[PastRun]) -> list[tuple[Trouble, int]]:
    """Return what the reports of *runs* list as wrong, alike ones counted, the most frequent first.

    Alike are those that differ in nothing but in how long something took and how often it was
    tried; the first one stands for them all. A report lists the first errors only, so there may be
    more than these.
    """
    counts: Counter[Trouble] = Counter()
    first: dict[Trouble, Trouble] = {}
    for error in (error for run in runs for error in run.numbers.errors):
        kind = replace(error, message=_PATIENCE.sub("", error.message))
        first.setdefault(kind, error)
        counts[kind] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].kind, item[0].message))
    return [(first[kind], count) for kind, count in ordered]


_PATIENCE = re.compile(r"\b[0-9][0-9,.]* (?:s|attempts?)\b")


def _queue_depth(runs: Sequence[PastRun]) -> int | None:
    told = [r for r in runs if r.numbers.queue_depth is not None]
    last = max(told, key=lambda run: run.started_at, default=None)
    return last.numbers.queue_depth if last else None


def _used(budget: Budget, routes: Mapping[str, int], time: timedelta) -> float:
    sent = sum(count for route, count in routes.items() if budget.covers(route))
    return sent / (budget.per_hour * (time / timedelta(hours=1)))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts by their words, the most frequent first."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
