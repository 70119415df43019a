"""The history of runs as people read it: how each ended, and what became of each change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import structs

from customer_sync.core.changes.draft import EMAIL
from customer_sync.core.model import Create, FieldChange, Value
from customer_sync.core.undoing.past import Tried
from customer_sync.errors import ExitCode
from customer_sync.privacy import mask_email, mask_text
from customer_sync.run.report import OutcomeCounts, RunReport
from customer_sync.store import RunRow


class Ended(StrEnum):
    """How a run without an exit code stands."""

    UNDER_WAY = "under way"
    CUT_OFF = "cut off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run of the history."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None = None
    duration_s: float | None = None
    sources: tuple[str, ...] = ()
    """None are known of a run that was cut off."""
    exit_code: int | None = None
    ended: str
    """The exit code in a word, `under way` or `cut off`."""
    rejected: int | None = None
    outcomes: OutcomeCounts | None = None
    batches: int = 1
    """How many batches of realtime it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one change of a run."""

    kind: str
    contact: str
    """The address, masked unless asked otherwise."""
    fields: tuple[FieldChange, ...]
    route: str
    intended_at: datetime
    outcome: str
    detail: str = ""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRunInFull:
    """One run with its report and the fate of each change."""

    run: PastRun
    report: RunReport | None = None
    changes: tuple[Fate, ...] = ()


def past_runs(rows: Sequence[RunRow], *, is_held: bool) -> list[PastRun]:
    """Return runs as the history shows them, in their order.

    *is_held* says that some process holds the state: the last run goes on, if it has no end.
    """
    newest = max((row.started_at for row in rows), default=None)
    return [past_run(row, is_under_way=is_held and row.started_at == newest) for row in rows]


def past_run(row: RunRow, *, is_under_way: bool) -> PastRun:
    """Return a run as the history shows it; *is_under_way* tells those without an end apart."""
    report = report_of(row)
    run = PastRun(
        id=row.id,
        command=row.command,
        started_at=row.started_at,
        ended=_ended(row, is_under_way=is_under_way),
        batches=row.batches,
    )
    if row.finished_at is not None:
        run = replace(
            run,
            finished_at=row.finished_at,
            duration_s=round((row.finished_at - row.started_at).total_seconds(), 3),
            exit_code=row.exit_code,
        )
    if report is not None:
        run = replace(
            run, sources=report.source, rejected=report.rejections, outcomes=report.outcomes
        )
    return run


def report_of(row: RunRow) -> RunReport | None:
    """Return what a run reported; None: it was cut off, or reported in another version's way."""
    if row.report is None:
        return None
    try:
        return msgspec.json.decode(row.report, type=RunReport)
    except msgspec.DecodeError:
        return None


def _ended(row: RunRow, *, is_under_way: bool) -> str:
    if row.exit_code is None:
        return Ended.UNDER_WAY if is_under_way else Ended.CUT_OFF
    try:
        return ExitCode(row.exit_code).name.lower()
    except ValueError:
        return str(row.exit_code)


def in_full(
    row: RunRow, tried: Iterable[Tried], *, is_under_way: bool, show_pii: bool
) -> PastRunInFull:
    """Return a run with the fate of each change, addresses masked unless *show_pii*."""
    report = report_of(row)
    run = past_run(row, is_under_way=is_under_way)
    return PastRunInFull(
        run=run,
        report=report,
        changes=tuple(fate(one, run.ended, show_pii=show_pii) for one in tried),
    )


def fate(tried: Tried, ended: str, *, show_pii: bool) -> Fate:
    """Return what became of one change of a run that *ended* like that."""
    change = tried.change
    before = None if isinstance(change, Create) else change.before
    email = (before.email if before else None) or change.customer.email
    return Fate(
        kind=type(change).__name__.lower(),
        contact=email if show_pii else mask_email(email),
        fields=change.fields if show_pii else tuple(map(_masked, change.fields)),
        route=tried.route,
        intended_at=tried.intended_at,
        outcome=tried.outcome or ended,
        detail=tried.detail,
        finished_at=tried.finished_at,
    )


def _masked(one: FieldChange) -> FieldChange:
    return structs.replace(one, old=_hidden(one.name, one.old), new=_hidden(one.name, one.new))


def _hidden(name: str, value: Value) -> Value:
    if isinstance(value, str):
        return mask_email(value) if name == EMAIL else mask_text(value)
    if isinstance(value, tuple):
        return tuple(map(mask_text, value))
    return value
