"""The command line: options in, exit code out; no decisions."""

import json
import os
import sys
from collections.abc import Sequence

import click
import typer

from customer_sync.cli import checking, planning, rehearsing, starting
from customer_sync.cli.options import VersionOption
from customer_sync.console import make_console, show_error
from customer_sync.errors import CustomerSyncError, ExitCode
from customer_sync.report import ReportedError

EXAMPLE = """\
Keep the contacts of a Brevo account identical to a shop's customers.

    customer-sync init                       write a config.yaml
    customer-sync run events.jsonl --dry-run look at what would happen
    customer-sync run events.jsonl           let it happen
"""

app = typer.Typer(
    name="customer-sync",
    help=EXAMPLE.replace("\n    customer", "\n\n    customer"),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(*, version: VersionOption = False) -> None:
    """Hold the options that stand before any command."""


for module in (planning, checking, rehearsing, starting):
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    What stops a command is told in a sentence with a hint, on standard error; with `--json` it is
    also the one document on standard output. Only bugs leave a traceback.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=given, prog_name="customer-sync", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as request:
        print(request.format_message())  # noqa: T201 - help is this command's output
        code = ExitCode.OK
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
        _print_failure(given, "UsageError", error.format_message(), code)
    except CustomerSyncError as error:
        show_error(make_console(stderr=True), error)
        code = error.exit_code
        failure = ReportedError.of(error)
        _print_failure(given, failure.kind, failure.message, code, failure.hint)
    except (click.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    return int(code or ExitCode.OK)


def _print_failure(
    given: Sequence[str], kind: str, message: str, exit_code: int, hint: str = ""
) -> None:
    if "--json" in given:
        failure = {"kind": kind, "message": message, "hint": hint, "where": "", "code": ""}
        print(json.dumps({"exit_code": exit_code, "errors": [failure]}))  # noqa: T201 - the document
