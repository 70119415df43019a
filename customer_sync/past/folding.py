"""A day of realtime is 43,000 small runs: those of an hour that ended alike become one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from itertools import groupby

import msgspec

from customer_sync.core.plan import Totals
from customer_sync.past.history import report_of
from customer_sync.run.report import MOST_ERRORS, OutcomeCounts, RunReport
from customer_sync.store import RunRow, Store

COMMANDS = ("serve", "watch")
"""Whose runs are batches."""

_COUNTS = ("records_read", "rejections", "folded", "retried", "warnings", "withheld", "drift")
_TABLES = (
    *("skipped", "notes", "bill", "requests", "failed_requests", "broken_rules", "consent"),
    "stages",
)


def put_batches_together(store: Store, now: datetime) -> int:
    """Put the batches of every hour that is over together; return how many runs that makes.

    All that a batch of the running hour says of itself can still be seen. Of older ones the journal
    stays complete, and each batch that wrote can be shown and undone by its id.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = store.ended_between(COMMANDS, "", hour.isoformat())
    count = 0
    for name, group in groupby(sorted(rows, key=_key), key=_key):
        alike = list(group)
        if len(alike) > 1:
            store.put_together(together(name, alike), [row.id for row in alike])
            count += 1
    return count


def _key(row: RunRow) -> str:
    """Return the id that runs get that are put together: by command, hour and how they ended."""
    return f"{row.command}-{row.started_at:%Y%m%dT%H}-{row.exit_code}"


def together(name: str, rows: Sequence[RunRow]) -> RunRow:
    """Return the run called *name* that stands for *rows*, which ended alike."""
    in_order = sorted(rows, key=lambda row: row.started_at)
    first, ends = in_order[0], [row.finished_at for row in rows if row.finished_at is not None]
    reports = [report for row in in_order if (report := report_of(row)) is not None]
    return RunRow(
        id=name,
        command=first.command,
        started_at=first.started_at,
        finished_at=max(ends, default=None),
        exit_code=first.exit_code,
        report=added(name, reports).to_json() if reports else None,
        batches=sum(row.batches for row in rows),
    )


def added(name: str, reports: Sequence[RunReport]) -> RunReport:
    """Return what *reports*, in their order, come to; errors are listed as far as there is room."""
    last = reports[-1]
    counts = {count: sum(getattr(report, count) for report in reports) for count in _COUNTS}
    tables = {table: _sum(getattr(report, table) for report in reports) for table in _TABLES}
    errors = tuple(error for report in reports for error in report.errors)
    values = {
        "plan": _totals(report.plan for report in reports),
        "outcomes": OutcomeCounts(
            applied=sum(report.outcomes.applied for report in reports),
            deferred=sum(report.outcomes.deferred for report in reports),
            failed=sum(report.outcomes.failed for report in reports),
        ),
        "duration_s": round(sum(report.duration_s for report in reports), 3),
    }
    return msgspec.convert(
        {
            **msgspec.to_builtins(
                replace(last, run_id=name, digest="", errors=errors[:MOST_ERRORS])
            ),
            **msgspec.to_builtins({**counts, **tables, **values}),
        },
        type=RunReport,
    )


def _totals(plans: Iterable[Totals]) -> Totals:
    every = list(plans)
    return Totals(
        **{one.name: sum(getattr(plan, one.name) for plan in every) for one in fields(Totals)}
    )


def _sum(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for table in tables:
        for name, count in table.items():
            total[name] += count  # type: ignore[assignment] # seconds are added up alike
    return {name: round(count, 3) for name, count in total.items()}
