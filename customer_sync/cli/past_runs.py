"""The history of runs as people read it on a terminal."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from customer_sync.console import duration, shown_value
from customer_sync.core.model import FieldChange
from customer_sync.errors import ExitCode
from customer_sync.past.history import Ended, Fate, PastRun, PastRunInFull
from customer_sync.privacy import printable
from customer_sync.run.report import RunReport


def print_runs(console: Console, found: Sequence[PastRun]) -> None:
    """Print a line for each run."""
    table = _table(
        *("run", "started", "took", "command", "sources", "ended"),
        *("applied", "deferred", "failed", "rejected"),
    )
    for run in found:
        counts = run.outcomes
        numbers = (
            (None,) * 3 if counts is None else (counts.applied, counts.deferred, counts.failed)
        )
        table.add_row(
            Text(run.id),
            Text(_when(run.started_at)),
            Text("–" if run.duration_s is None else duration(run.duration_s)),
            Text(run.command if run.batches == 1 else f"{run.command}, {run.batches:,} batches"),
            Text(printable(", ".join(run.sources))),
            Text(run.ended, style="" if run.exit_code == ExitCode.OK else "yellow"),
            *(
                Text("–" if number is None else f"{number:,}")
                for number in (*numbers, run.rejected)
            ),
        )
    console.print(table)
    if not found:
        console.print("No run since then.")


def print_in_full(console: Console, whole: PastRunInFull, *, rows: int) -> None:
    """Print a run, its numbers, the first of its changes, and what went wrong."""
    run, report = whole.run, whole.report
    ended = run.ended if run.exit_code is None else f"{run.ended} (exit {run.exit_code})"
    finished = "" if run.finished_at is None else f", finished {_when(run.finished_at)}"
    sources = f" {', '.join(run.sources)}" if run.sources else ""
    _say(console, f"run {run.id}: {run.command}{sources}")
    _say(console, f"started {_when(run.started_at)}{finished}: {ended}")
    if run.ended == Ended.CUT_OFF:
        _say(
            console,
            "It was cut off before it could report. What it left undone was put into the retry "
            "queue before, and the next run brings it to an end.",
        )
    if report is not None:
        for line in _numbers(report):
            _say(console, line)
    if whole.changes:
        _print_fates(console, whole.changes[:rows])
    if len(whole.changes) > rows:
        _say(console, f"… and {len(whole.changes) - rows:,} more (--rows shows more).")
    for error in report.errors if report else ():
        where = f"{error.where}: " if error.where else ""
        _say(console, f"{error.kind}  {where}{error.message}")


def _numbers(report: RunReport) -> Iterator[str]:
    yield (
        f"{report.records_read:,} records, {report.rejections:,} rejected, {report.warnings:,} "
        f"warnings, {report.retried:,} from the retry queue"
    )
    plan, outcomes = report.plan, report.outcomes
    yield (
        f"planned: {plan.create:,} create, {plan.update:,} update, {plan.delete:,} delete, "
        f"{plan.keep:,} keep, {plan.skip:,} skip; {report.withheld:,} withheld"
    )
    yield (
        f"outcome: {outcomes.applied:,} applied, {outcomes.deferred:,} deferred, "
        f"{outcomes.failed:,} failed; {sum(report.requests.values()):,} requests"
    )


def _print_fates(console: Console, fates: Sequence[Fate]) -> None:
    table = _table("", "contact", "field", "old", "new", "route", "outcome", "finished", "detail")
    for fate in fates:
        for position, one in enumerate(fate.fields or (None,)):
            what = (Text(""),) * 3 if one is None else _what(one)
            if position:
                table.add_row("", "", *what)
                continue
            finished = "–" if fate.finished_at is None else _when(fate.finished_at)
            ends = (fate.route, fate.outcome, finished, fate.detail)
            table.add_row(
                fate.kind,
                Text(printable(fate.contact)),
                *what,
                *(Text(printable(end)) for end in ends),
            )
    console.print(table)


def _what(one: FieldChange) -> tuple[Text, Text, Text]:
    # Values are masked already, as far as they have to be.
    old, new = (shown_value(value, one, show_pii=True) for value in (one.old, one.new))
    return Text(one.name), old, new


def _when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _say(console: Console, line: str) -> None:
    console.print(Text(printable(line)))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
