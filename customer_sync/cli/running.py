"""A session as the command line runs it: shown while it goes on, summed up at its end."""

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from customer_sync.brevo.throttle import Family, windows
from customer_sync.cli.options import load_config, state_folder
from customer_sync.cli.watching import Looking
from customer_sync.config import Config, LogLevel, Target
from customer_sync.console import Watch, make_console, show_error, show_plan, show_summary
from customer_sync.errors import ExitCode, StoreError
from customer_sync.monitoring.telemetry import trace_for
from customer_sync.privacy import printable, printable_json
from customer_sync.run.pipeline import Planned
from customer_sync.run.planfile import write_plan
from customer_sync.run.session import Job, Session

_NOTHING_TO_DO = "Nothing to do: Brevo holds what the shop says."
_NOTHING = {
    "undo": "Nothing to undo: Brevo holds what it held before that run.",
    "retry": "Nothing to do: nothing is due in the retry queue.",
}
"""By the command, where it is not the shop that is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the operator wants to see it."""

    rows: int
    show_pii: bool
    as_json: bool
    quiet: bool
    verbose: bool
    metrics_file: Path | None = None
    """Where the figures are left; None: where the configuration says, if it does."""


def do(
    config_path: Path, state: Path | None, job: Job, view: View, *, out: Path | None = None
) -> int:
    """Do *job* and return its exit code; the plan is kept in *out* if asked.

    Raises:
        ConfigError: the configuration cannot be used.
        SourceError: *out* cannot be written.
    """
    config = load_config(config_path)
    folder = state_folder(config_path, state)
    stderr = make_console(stderr=True)
    if not config.enabled and not job.dry_run:
        name = printable(str(config_path))
        stderr.print(f"customer-sync is disabled in {name}; nothing was done.", markup=False)
        return ExitCode.OK
    is_verbose = view.verbose or config.log_level in (LogLevel.VERBOSE, LogLevel.DEBUG)

    watch = Watch(stderr, is_quiet=view.quiet, is_verbose=is_verbose)

    def on_planned(planned: Planned) -> None:
        watch.rest()
        if out is not None:
            write_plan(out, planned.plan, target=config.brevo.target, made_at=datetime.now(UTC))
        if not view.as_json and not view.quiet:
            show_plan(
                make_console(stderr=not job.dry_run),
                planned.plan,
                planned.routing.bill,
                rate_per_s=rate_of(config),
                alternatives=planned.routing.alternatives,
                rows=view.rows,
                show_pii=view.show_pii,
                is_sandbox=config.brevo.target is Target.SANDBOX,
                nothing=_NOTHING.get(job.command, _NOTHING_TO_DO),
            )

    trace = trace_for(os.environ)
    with watch:
        session = Session(config, folder, job, watch, run_id=new_run_id(), trace=trace)
        report = session.run(on_planned)
    for complaint in trace.complaints:
        stderr.print(Text(f"note: {printable(complaint)}"))
    metrics_file = view.metrics_file or config.metrics_file
    if metrics_file is not None and not job.dry_run and report.exit_code != ExitCode.BUSY:
        leave_metrics(metrics_file, config, folder, stderr)
    if not view.quiet:
        show_summary(stderr, report, failure=session.failure)
    elif session.failure is not None:
        show_error(stderr, session.failure)
    if view.as_json:
        typer.echo(printable_json(report.to_json()))
    return report.exit_code


def leave_metrics(path: Path, config: Config, folder: Path, stderr: Console) -> None:
    """Leave the figures at *path*; that it cannot be written is told, and fails no run."""
    from customer_sync.monitoring.metrics import write_metrics  # noqa: PLC0415 - costs time where nobody asks

    looking = Looking(config=config, folder=folder, span=timedelta(days=1))
    try:
        past = looking.past()
        write_metrics(path, looking.status_of(past), past.runs_by_exit)
    except (OSError, StoreError) as error:
        stderr.print(Text(f"note: the metrics file was not written: {printable(str(error))}"))


def new_run_id() -> str:
    """Return an id that sorts by time and that nobody else draws in the same second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def rate_of(config: Config) -> float:
    """Return the contacts requests that are allowed in a second."""
    window = windows(config.brevo.plan, Family.CONTACTS)[0]
    return window.limit / window.seconds * (1 - config.brevo.headroom)
