"""The command line: options in, exit code out; no decisions."""

import os
import sys
from collections.abc import Sequence

import typer
import typer.exceptions

from customer_sync.cli import account, checking, inspecting, planning, pulling, rehearsing, starting
from customer_sync.cli.options import VersionOption
from customer_sync.console import make_console, show_error
from customer_sync.errors import CustomerSyncError, ExitCode, UsageError
from customer_sync.report import ReportedError, RunReport

HELP = """\
Keep the contacts of a Brevo account identical to a shop's customers.

\b
For example:
  customer-sync init                          write a config.yaml
  customer-sync run events.jsonl --dry-run    look at what would happen
  customer-sync run events.jsonl              let it happen
"""

app = typer.Typer(
    name="customer-sync",
    help=HELP,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(*, version: VersionOption = False) -> None:
    """Hold the options that stand before any command."""


for module in (planning, pulling, checking, inspecting, account, rehearsing, starting):
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    What stops a command is told in a sentence with a hint, on standard error; with `--json` it is
    also the one document on standard output. Only bugs leave a traceback.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = app(args=given, prog_name="customer-sync", standalone_mode=False)
    except typer.exceptions.TyperException as error:
        usage = UsageError(
            error.format_message(),
            hint="`customer-sync COMMAND --help` shows what the command takes, with an example.",
        )
        code = _fail(usage, given)
    except CustomerSyncError as error:
        code = _fail(error, given)
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    return int(code or ExitCode.OK)


def _fail(error: CustomerSyncError, given: Sequence[str]) -> ExitCode:
    """Tell what stopped the command, before there was a run that could report it."""
    show_error(make_console(stderr=True), error)
    if "--json" in given:
        report = RunReport(
            run_id="",
            target="",
            dry_run=True,
            source=(),
            exit_code=error.exit_code,
            errors=(ReportedError.of(error),),
        )
        print(report.to_json().decode())  # noqa: T201 - the document
    return error.exit_code
