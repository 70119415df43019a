"""What the eye sees: the preview of a plan, progress while it runs, and the summary."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from customer_sync.brevo.exchange import Attempt, RateWait, RequestEvent, Retry
from customer_sync.core.changes.draft import EMAIL
from customer_sync.core.model import (
    Applied,
    Change,
    Create,
    Deferred,
    Delete,
    FieldChange,
    FieldWarning,
    Keep,
    Outcome,
    Rejection,
    Skip,
    Update,
    Value,
)
from customer_sync.core.plan import Plan, Totals
from customer_sync.core.requests.bill import seconds_of
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import CustomerSyncError, SourceError
from customer_sync.privacy import mask_email, mask_text, printable
from customer_sync.pull.client import ShopRequest
from customer_sync.run.report import RunReport
from customer_sync.trouble import Code

PREVIEW_ROWS = 20
"""How many changes a preview shows unless told otherwise."""

_LONGEST_VALUE = 40

_STYLES = {"create": "green", "update": "yellow", "delete": "red", "skip": "magenta", "keep": "dim"}

_PLAIN_EVERY_S = 30.0
"""Where there is no terminal, how often a long stage says how far it is."""


def show_plan(
    console: Console,
    plan: Plan,
    bill: Counter[str],
    *,
    rate_per_s: float,
    alternatives: Mapping[RouteChoice, Counter[str]] | None = None,
    rows: int = PREVIEW_ROWS,
    show_pii: bool = False,
    is_sandbox: bool = False,
    nothing: str = "Nothing to do: Brevo holds what the shop says.",
) -> None:
    """Print the preview: who, what, old and new per attribute and why; totals; the bill."""
    shown = [c for c in plan.changes if not isinstance(c, Keep)]
    if shown:
        console.print(_change_table(shown[:rows], show_pii=show_pii))
    if len(shown) > rows:
        console.print(f"… and {len(shown) - rows:,} more (--rows shows more).", style="dim")
    console.print(_totals_line(plan.totals))
    for note, count in plan.notes.most_common():
        console.print(f"  note  {count:,} × {note.value}", style="dim")
    if plan.withheld:
        withheld = f"{len(plan.withheld):,} deletions, because {plan.withheld_because}."
        console.print(Text(f"Withheld: {printable(withheld)}", style="bold red"))
        console.print(_change_table(plan.withheld[:rows], show_pii=show_pii))
        if len(plan.withheld) > rows:
            hidden = len(plan.withheld) - rows
            console.print(f"… and {hidden:,} more (--rows shows more).", style="dim")
    if bill:
        _print_bill(console, bill, rate_per_s=rate_per_s)
        _print_alternatives(console, bill, alternatives or {})
    elif plan.withheld or plan.totals.skip:
        console.print("Nothing to write.")
    else:
        console.print(nothing, style="green")
    if is_sandbox:
        console.print("Target: the embedded sandbox; nobody is mailed.", style="dim")


def _change_table(changes: Iterable[Change], *, show_pii: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for heading in ("", "contact", "field", "old", "new", "why"):
        table.add_column(heading, overflow="fold")
    for change in changes:
        for row in _rows(change, show_pii=show_pii):
            table.add_row(*row)
    return table


def _rows(change: Change, *, show_pii: bool) -> Iterator[tuple[Text, ...]]:
    kind = type(change).__name__.lower()
    verb = Text(kind, style=_STYLES[kind])
    if isinstance(change, Skip):
        who = _address(change.email, show_pii=show_pii) if change.email else _ids(change.ids)
        yield verb, Text(who), Text(""), Text(""), Text(""), Text(change.reason.value)
        return
    who = _address(_known_as(change), show_pii=show_pii)
    fields = change.fields if not isinstance(change, Keep) else ()
    for index, field in enumerate(fields or (None,)):
        first = (verb, Text(who)) if index == 0 else (Text(""), Text(""))
        if field is None:
            yield *first, Text(""), Text(""), Text(""), Text("")
            continue
        old, new = (shown_value(v, field, show_pii=show_pii) for v in (field.old, field.new))
        yield *first, Text(field.name), old, new, Text(field.why.value, style="dim")


def _known_as(change: Create | Update | Delete | Keep) -> str:
    """Return the address that the contact has at Brevo, the new one where there is none yet."""
    before = None if isinstance(change, Create) else change.before
    return (before.email if before else None) or change.customer.email


def shown_value(value: Value, field: FieldChange, *, show_pii: bool) -> Text:
    """Return a value of *field* as a preview shows it."""
    if value is None:
        return Text("–", style="dim")
    if field.name == EMAIL:
        return Text(_address(str(value), show_pii=show_pii))
    text = ", ".join(value) if isinstance(value, tuple) else _plain(value)
    text = printable(text if show_pii else mask_text(text))
    return Text(text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…")


def _plain(value: str | float | bool) -> str:  # a value, no flag
    if isinstance(value, bool):
        return "yes" if value else "no"
    # As many digits as tell two amounts of money apart, and no more than a float holds.
    return f"{value:.15g}" if isinstance(value, float) and abs(value) < 1e15 else str(value)


def _address(email: str, *, show_pii: bool) -> str:
    return printable(email if show_pii else mask_email(email))


def _ids(ids: Iterable[str]) -> str:
    return printable("id " + ", ".join(sorted(ids)))


def _totals_line(totals: Totals) -> Text:
    line = Text()
    for kind in ("create", "update", "delete", "keep", "skip"):
        count = getattr(totals, kind)
        line.append(f"{count:,} {kind}  ", style=_STYLES[kind] if count else "dim")
    return line


def _print_bill(console: Console, bill: Counter[str], *, rate_per_s: float) -> None:
    routes = ", ".join(f"{count:,} × {route}" for route, count in sorted(bill.items()))
    seconds = seconds_of(bill, rate_per_s)
    console.print(
        f"Takes {bill.total():,} request{'s' * (bill.total() != 1)} ({routes}), "
        f"about {duration(seconds)} inside Brevo's limits."
    )


def _print_alternatives(
    console: Console, bill: Counter[str], alternatives: Mapping[RouteChoice, Counter[str]]
) -> None:
    """Say what other ways would take, where they would take something else."""
    others = [
        f"{requests.total():,} with --route {way}"
        for way, requests in alternatives.items()
        if requests != bill
    ]
    if others:
        console.print(f"Instead of: {', '.join(others)}.", style="dim")


def duration(seconds: float) -> str:
    """Return *seconds* in words that suit their size."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def show_summary(
    console: Console, report: RunReport, *, failure: CustomerSyncError | None = None
) -> None:
    """Print how a run ended, in a few lines; the last is the one to grep for.

    What stopped it, *failure*, is told first, with what to do next.
    """
    if failure is not None:
        show_error(console, failure)
    errors = report.errors if failure is None else report.errors[1:]
    for error in errors[:10]:
        where = f"{error.where}: " if error.where else ""
        kind = " ".join(filter(None, (error.kind, error.trouble)))
        console.print(Text(f"{kind}  {printable(where + error.message)}", style="yellow"))
    hidden = len(errors) - 10
    if hidden > 0:
        console.print(f"… and {hidden:,} more.", style="dim")
    outcomes = report.outcomes
    did = (
        "dry run, nothing written"
        if report.dry_run
        else f"{outcomes.applied:,} applied, {outcomes.deferred:,} deferred, "
        f"{outcomes.failed:,} failed"
    )
    console.print(
        Text(
            f"run {report.run_id} on {report.target}: {report.records_read:,} records, "
            f"{report.rejections:,} rejected; {report.plan.keep:,} already right, "
            f"{report.plan.skip:,} skipped; {did}; {sum(report.requests.values()):,} requests; "
            f"{report.duration_s:.1f} s; exit {report.exit_code}"
        )
    )


def show_error(console: Console, error: CustomerSyncError) -> None:
    """Print what stopped a command, and what to do next."""
    console.print(
        Text(f"error {error.trouble}: {printable_lines(error.message)}", style="bold red")
    )
    if error.hint:
        console.print(Text(f"hint: {printable_lines(error.hint)}"))


def printable_lines(text: str) -> str:
    """Return *text* with its line breaks and without any other control character."""
    return "\n".join(map(printable, text.split("\n")))


# ---------------------------------------------------------------- progress


class Watch:
    """Follows a run on standard error: a live line on a terminal, plain lines elsewhere."""

    def __init__(
        self,
        console: Console,
        *,
        is_quiet: bool,
        is_verbose: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._is_quiet = is_quiet
        self._is_verbose = is_verbose
        self._waits = Counter[str]()
        self._waited_s = 0.0
        self._stage, self._done = "", 0
        self._total: int | None = None
        self._monotonic = monotonic
        self._said_at = monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[extra]}"),
            console=console,
            transient=True,
            disable=is_quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
        self._say_end()

    def rest(self) -> None:
        """End the stage and leave the terminal to others until the next one begins."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()
        self._say_end()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage."""
        self._say_end()
        self._progress.start()
        self._stage, self._total, self._done = name, total, 0
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=total, extra="")

    def step(self, count: int = 1) -> None:
        """Advance the stage."""
        self._done += count
        if self._task is not None and not self._progress.disable:
            self._progress.advance(self._task, count)
        if self._monotonic() - self._said_at > _PLAIN_EVERY_S:
            self._say(self._how_far())

    def rejection(self, rejection: Rejection) -> None:
        """Tell of a record that cannot be used."""
        if self._is_verbose:
            problem = rejection.problems[0]
            detail = mask_text(f"{problem.pointer} {problem.detail}")
            self._say(f"rejected {rejection.place}: {problem.trouble}: {detail}")

    def note(self, line: str) -> None:
        """Tell something that the operator should hear unless silence was asked for."""
        self._say(line)

    def warning(self, warning: FieldWarning) -> None:
        """Tell of a field that cannot be used."""
        if self._is_verbose:
            self._say(f"warning {warning.place}: {warning.field}: {mask_text(warning.detail)}")

    def outcome(self, outcome: Outcome) -> None:
        """Count what came of a change."""
        if not isinstance(outcome, Applied):
            self._waits["deferred" if isinstance(outcome, Deferred) else "failed"] += 1
        self.step()
        self._show_extra()

    def request(self, event: RequestEvent) -> None:
        """Count retries and waits; tell of each request where verbose."""
        match event:
            case Attempt():
                if self._is_verbose:
                    ended = event.status if event.status is not None else event.error
                    self._say(
                        f"{event.route} {ended} {event.seconds * 1000:.0f} ms "
                        f"attempt {event.number} waited {event.waited_s:.1f} s"
                    )
            case Retry():
                self._waits["retries"] += 1
            case RateWait():
                self._waits["waits"] += 1
                self._waited_s += event.seconds
        self._show_extra()

    def shop_request(self, request: ShopRequest) -> None:
        """Tell of each request to the shop where verbose."""
        if self._is_verbose:
            ended = request.error if request.status is None else request.status
            self._say(
                f"{request.route} {ended} {request.seconds * 1000:.0f} ms "
                f"attempt {request.attempt} waited {request.waited_s:.1f} s"
            )

    def _show_extra(self) -> None:
        if self._task is not None:
            self._progress.update(self._task, extra=self._extra())

    def _extra(self) -> str:
        parts = [f"{n} {word}" for word, n in sorted(self._waits.items()) if n]
        if self._waited_s:
            parts.append(f"{duration(self._waited_s)} waiting for the rate limit")
        return escape(", ".join(parts))

    def _say_end(self) -> None:
        if self._stage and self._done and not self._console.is_terminal:
            self._say(self._how_far())
        self._stage = ""

    def _how_far(self) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        extra = self._extra()
        return f"{self._stage}: {self._done:,}{of}" + (f" ({extra})" if extra else "")

    def _say(self, line: str) -> None:
        self._said_at = self._monotonic()
        if not self._is_quiet:
            self._console.print(Text(printable(line), style="dim"))


class _Rate(ProgressColumn):
    """How many steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="dim")


def make_console(*, stderr: bool, is_recording: bool = False) -> Console:
    """Return a console that wraps for people and never for pipes; NO_COLOR is honoured.

    One that is recording has the width of the pictures in documentation.
    """
    if is_recording:
        return Console(stderr=stderr, highlight=False, width=100, record=True)
    console = Console(stderr=stderr, highlight=False)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, highlight=False, width=200)


def save_picture(console: Console, path: Path, *, title: str) -> None:
    """Draw what *console* recorded; the picture asks for nothing from the network.

    Raises:
        SourceError: it cannot be written.
    """
    drawn = console.export_svg(title=title, unique_id="preview")
    picture = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise SourceError(
            f"The picture cannot be written to {path}: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error
