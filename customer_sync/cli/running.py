"""A session as the command line runs it: shown while it goes on, summed up at its end."""

import logging
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.text import Text

from customer_sync.brevo.throttle import Family, windows
from customer_sync.cli.logged import LogOptions, Voice, speaking
from customer_sync.cli.options import load_config, state_folder
from customer_sync.config import Config, Target
from customer_sync.console import make_console, show_error, show_plan, show_summary
from customer_sync.errors import ExitCode, StoreError
from customer_sync.monitoring.looking import Looking
from customer_sync.monitoring.telemetry import trace_for
from customer_sync.monitoring.telling import LoggedTrace, tell_plan
from customer_sync.notify.appointing import herald_for
from customer_sync.privacy import printable, printable_json
from customer_sync.run.job import Job
from customer_sync.run.pipeline import Planned
from customer_sync.run.planfile import write_plan
from customer_sync.run.run_id import new_run_id
from customer_sync.run.session import Session

__all__ = ["View", "do", "leave_metrics", "new_run_id", "rate_of"]

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
    log: LogOptions = field(default_factory=LogOptions)


def do(
    config_path: Path, state: Path | None, job: Job, view: View, *, out: Path | None = None
) -> int:
    """Do *job* and return its exit code; the plan is kept in *out* if asked.

    Raises:
        ConfigError: the configuration cannot be used.
        SourceError: *out* cannot be written.
    """
    config = load_config(config_path)
    with speaking(
        config,
        view.log,
        new_run_id(),
        quiet=view.quiet,
        verbose=view.verbose,
        show_pii=view.show_pii,
    ) as voice:
        if not config.enabled and not job.dry_run:
            said = f"customer-sync is disabled in {config_path}; nothing was done."
            voice.stderr.print(Text(printable(said)))
            voice.log.tell(logging.INFO, "disabled", detail=said)
            return ExitCode.OK
        folder = state_folder(config_path, state)
        return _do(config, folder, job, view=view, voice=voice, out=out)


def _do(
    config: Config, folder: Path, job: Job, *, view: View, voice: Voice, out: Path | None
) -> int:
    stderr, watch = voice.stderr, voice.watch

    def on_planned(planned: Planned) -> None:
        watch.rest()
        tell_plan(voice.log, planned.plan)
        if out is not None:
            write_plan(
                out,
                planned.plan,
                target=config.brevo.target,
                made_at=datetime.now(UTC),
                part=planned.part,
            )
        if not view.as_json and not view.quiet and (job.dry_run or not voice.is_json):
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

    telemetry = trace_for(os.environ)
    trace = LoggedTrace(voice.log, telemetry, target=str(config.brevo.target), dry_run=job.dry_run)
    herald = herald_for(
        config, folder, command=job.command, run_id=voice.log.run_id, is_dry=job.dry_run
    )
    with watch:
        session = Session(
            config, folder, job, watch, run_id=voice.log.run_id, trace=trace, herald=herald
        )
        report = session.run(on_planned)
    for complaint in (*telemetry.complaints, *(herald.complaints if herald else ())):
        voice.note(complaint)
    metrics_file = view.metrics_file or config.metrics_file
    if metrics_file is not None and not job.dry_run and report.exit_code != ExitCode.BUSY:
        leave_metrics(metrics_file, config, folder, voice)
    if not view.quiet:
        show_summary(stderr, report, failure=session.failure)
    elif session.failure is not None:
        show_error(stderr, session.failure)
    if view.as_json:
        typer.echo(printable_json(report.to_json()))
    return report.exit_code


def leave_metrics(path: Path, config: Config, folder: Path, voice: Voice) -> None:
    """Leave the figures at *path*; that it cannot be written is told, and fails no run."""
    from customer_sync.monitoring.metrics import write_metrics  # noqa: PLC0415 - costs time where nobody asks

    looking = Looking(config=config, folder=folder, span=timedelta(days=1))
    try:
        past = looking.past()
        write_metrics(path, looking.status_of(past), past.runs_by_exit)
    except (OSError, StoreError) as error:
        voice.note(f"the metrics file was not written: {error}")


def rate_of(config: Config) -> float:
    """Return the contacts requests that are allowed in a second."""
    window = windows(config.brevo.plan, Family.CONTACTS)[0]
    return window.limit / window.seconds * (1 - config.brevo.headroom)
