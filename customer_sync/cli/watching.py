"""status and report: whether the sync works, at a glance and over time."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from customer_sync.cli.options import CONFIG, ConfigOption, JsonOption, StateOption, load_config
from customer_sync.cli.options import state_folder as folder_of
from customer_sync.config import Target, parse_duration
from customer_sync.console import make_console
from customer_sync.errors import ExitCode, SourceError
from customer_sync.monitoring.conditions import Condition, read_condition
from customer_sync.monitoring.dashboard import render_page, words
from customer_sync.monitoring.dashboard.document import to_json
from customer_sync.monitoring.dashboard.markdown import to_markdown
from customer_sync.monitoring.looking import Looking
from customer_sync.monitoring.watching import NAMES, Status
from customer_sync.privacy import printable, printable_json
from customer_sync.trouble import Code

LOOK_AGAIN_S = 5.0
"""How often --watch looks."""

WindowOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--since", help="Of how long a time: 24h, 7d, 30d, or any other.", metavar="DURATION"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("status")(status)
    app.command("report")(report)


def status(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    since: WindowOption = "24h",
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            help="Exit 7 when a figure is so, for example 'success_rate<0.99' or "
            "'last_success_age>26h'; may be given several times.",
            metavar="CONDITION",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 5 seconds, until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Tell whether the sync works; exit 7 when it does not.

    The first line says it. It works while the last run to end did what it could: it ended with 0
    or 7. What else is too much or too little for you, say with --fail-if.

    Example: customer-sync status --since 7d --fail-if 'success_rate<0.99'
    """
    looking = Looking(
        config=load_config(config), folder=folder_of(config, state), span=_span(since)
    )
    conditions = [read_condition(text, NAMES) for text in fail_if or ()]
    console = make_console(stderr=False)
    if watch and as_json:
        raise typer.BadParameter("Choose --watch or --json.", param_hint="--watch")
    if watch:
        return follow(looking, conditions, console, since=since, wait=time.sleep)
    now = looking.status()
    met = [c for c in conditions if c.is_met(now.measures)]
    if as_json:
        typer.echo(_document(now, met))
    else:
        show_status(console, now, met, since=since)
    return _code(now, met)


def report(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    since: WindowOption = "30d",
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page that is whole by itself.", metavar="FILE"),
    ] = None,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown; the default.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Report how the sync went: figures over time, runs, errors with remedies, slow stages.

    Example: customer-sync report --html report.html --since 7d
    """
    if md and as_json:
        raise typer.BadParameter("Choose --md or --json.", param_hint="--md")
    looking = Looking(
        config=load_config(config), folder=folder_of(config, state), span=_span(since)
    )
    seen = looking.overview()
    if html is not None:
        _write(html, render_page(seen, since=since))
    if as_json:
        typer.echo(to_json(seen).decode())
    elif md or html is None:
        typer.echo(to_markdown(seen, since=since), nl=False)
    return ExitCode.OK


def show_status(console: Console, now: Status, met: Sequence[Condition], *, since: str) -> None:
    """Print whether the sync works, and the figures."""
    word, style = ("healthy", "bold green") if now.is_healthy else ("unhealthy", "bold red")
    console.print(Text(f"{word}: {printable(_verdict(now))}", style=style))
    for remark in now.remarks:
        console.print(Text(f"look: {printable(remark)}", style="yellow"))
    for condition in met:
        measured = now.measures[condition.name]
        console.print(Text(f"met: {condition.text} (it is {measured:g})", style="bold red"))
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in words.rows(now.figures, now.standing, now.now):
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
    sandbox = "; the embedded sandbox, nobody is mailed" if now.target == Target.SANDBOX else ""
    console.print(
        Text(f"Of the last {printable(since)}, target {now.target}{sandbox}.", style="dim")
    )


def follow(
    looking: Looking,
    conditions: Sequence[Condition],
    console: Console,
    *,
    since: str,
    wait: Callable[[float], None],
) -> ExitCode:
    """Print the status again and again, until Ctrl-C; return what the last look came to."""
    code = ExitCode.OK
    try:
        while True:
            now = looking.status()
            met = [c for c in conditions if c.is_met(now.measures)]
            code = _code(now, met)
            console.clear()
            show_status(console, now, met, since=since)
            wait(LOOK_AGAIN_S)
    except KeyboardInterrupt:
        return code


def _verdict(now: Status) -> str:
    if now.problems:
        return "; ".join(now.problems)
    last = now.standing.last_run
    return f"the last run ended well {words.ago(last.finished_at, now.now)}" if last else ""


def _code(now: Status, met: Sequence[Condition]) -> ExitCode:
    return ExitCode.PARTIAL if met or not now.is_healthy else ExitCode.OK


def _document(now: Status, met: Sequence[Condition]) -> str:
    shown = {**msgspec.to_builtins(now), "met": [c.text for c in met], "exit_code": _code(now, met)}
    return printable_json(msgspec.json.format(msgspec.json.encode(shown), indent=2))


def _write(path: Path, page: str) -> None:
    """Put *page* at *path* in one step, so that whoever looks at it never sees half of it."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(page, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise SourceError(
            f"The page cannot be written to {path}: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error


def _span(text: str) -> timedelta:
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    if not timedelta(minutes=1) <= span <= timedelta(days=3660):
        raise typer.BadParameter("From 1m to 3660d.", param_hint="--since")
    return span
