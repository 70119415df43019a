"""The options by which an operator says how a run is shown, logged and measured."""

from customer_sync.cli.logged import LogOptions
from customer_sync.cli.options import (
    JsonOption,
    LogFileOption,
    LogFormatOption,
    MetricsOption,
    PiiOption,
    QuietOption,
    RowsOption,
    VerboseOption,
    metrics_path,
)
from customer_sync.cli.running import View
from customer_sync.console import PREVIEW_ROWS


def view_of_plan(
    *,
    rows: RowsOption = PREVIEW_ROWS,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
) -> View:
    """Return how a run is shown that writes nothing, and so leaves no figures."""
    return View(
        rows=rows,
        show_pii=show_pii,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
        log=LogOptions(format=log_format, file=log_file),
    )


def view_of_run(
    *,
    rows: RowsOption = PREVIEW_ROWS,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    metrics_file: MetricsOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
) -> View:
    """Return how a run is shown.

    Raises:
        typer.BadParameter: nobody would read a metrics file of that name.
    """
    return View(
        rows=rows,
        show_pii=show_pii,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
        metrics_file=metrics_path(metrics_file),
        log=LogOptions(format=log_format, file=log_file),
    )
