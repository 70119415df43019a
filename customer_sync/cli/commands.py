"""The commands, loaded when they are asked for, and the place where errors become exit codes."""

import contextlib
import errno
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module

import typer
import typer.exceptions

from customer_sync.cli.logged import tell_alone, tell_error_alone, wants_json
from customer_sync.cli.options import VersionOption
from customer_sync.console import make_console, printable_lines, show_error
from customer_sync.errors import CustomerSyncError, ExitCode, StoreError, UsageError
from customer_sync.plugins import load_plugins
from customer_sync.privacy import mask_text, printable_json
from customer_sync.run.report import ReportedError, RunReport
from customer_sync.trouble import Code

HELP = """\
Keep the contacts of a Brevo account identical to a shop's customers.

\b
For example:
  customer-sync init                          write a config.yaml
  customer-sync run events.jsonl --dry-run    look at what would happen
  customer-sync run events.jsonl              let it happen
"""

MODULES: Mapping[str, tuple[str, ...]] = {
    "planning": ("run", "plan", "show", "apply"),
    "waiting": ("retry", "queue"),
    "history": ("undo", "runs"),
    "watching": ("status", "report"),
    "notifying": ("notify",),
    "pulling": ("pull",),
    "checking": ("validate", "schema"),
    "inspecting": ("inspect",),
    "proving": ("verify",),
    "explaining": ("explain",),
    "persons": ("erase", "export-subject", "suppressions"),
    "account": ("lists", "doctor", "attributes"),
    "rehearsing": ("sandbox",),
    "starting": ("init",),
    "scheduling": ("schedule",),
    "serving": ("serve",),
    "following": ("watch",),
    "manual": ("man", "completion"),
}
"""Where each command is at home, in the order of the help."""


def make_app(name: str | None = None) -> typer.Typer:
    """Return the command line with the command called *name*; with all where none is called so.

    Those that tell about all commands, such as `man`, are never alone.
    """
    app = typer.Typer(
        name="customer-sync",
        help=HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    homes = [module for module, commands in MODULES.items() if name in commands]
    is_alone = bool(homes) and homes != ["manual"]
    for module in homes if is_alone else MODULES:
        import_module(f"customer_sync.cli.{module}").register(app)
    return app


def _root(*, version: VersionOption = False) -> None:  # noqa: ARG001 - its own callback acts
    """Hold the options that stand before any command."""
    load_plugins()


def run_command(given: Sequence[str]) -> int:
    """Run the command line *given* and return its exit code; see `customer_sync.cli.main`."""
    _hush_libraries()
    try:
        code = make_app(given[0])(
            args=list(given), prog_name="customer-sync", standalone_mode=False
        )
        # What cannot be written shall be known here, and not when the interpreter ends.
        sys.stdout.flush()
    except typer.exceptions.TyperException as error:
        usage = UsageError(
            _in_one_line(error.format_message()),
            trouble=Code.COMMAND_LINE,
            hint="`customer-sync COMMAND --help` shows what the command takes, with an example.",
        )
        code = _fail(usage, given)
    except CustomerSyncError as error:
        code = _fail(error, given)
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        _write_no_more()
        code = ExitCode.OK
    except Exception as error:  # noqa: BLE001 # nothing that was not foreseen shows people's data
        is_disk = isinstance(error, OSError) and error.errno in _TROUBLES_OF_THE_DISK
        code = _fail(_disk_trouble(error) if is_disk else _bug(error, given), given)
        if is_disk:
            _write_no_more()
    return int(code or ExitCode.OK)


def _write_no_more() -> None:
    """Drop what standard output could not take: at its end the interpreter would try once more.

    Its own exit code would take the place of ours.
    """
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_one_line(message: str) -> str:
    """Return what Typer says without its lists in columns and Pydantic's word before a reason."""
    return " ".join(message.split()).replace("Value error, ", "", 1)


def _bug(error: Exception, given: Sequence[str]) -> CustomerSyncError:
    """Print where it happened, and return what is to be said of it."""
    told = mask_text("".join(traceback.format_exception(error)))
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and _NAMES_OF_SECRETS.search(name):
            told = told.replace(value, "***")
    with contextlib.suppress(OSError):
        if wants_json(given):
            tell_alone("traceback", detail=told)
        else:
            print(printable_lines(told), end="", file=sys.stderr)  # noqa: T201 - the traceback
    return CustomerSyncError(
        f"This is a bug of customer-sync: {type(error).__name__}.",
        trouble=Code.BUG,
        hint="Please report it with the lines above, after a look whether they name somebody. "
        "Nothing is lost; another run may pass.",
    )


_SHORTEST_SECRET = 8
_NAMES_OF_SECRETS = re.compile("KEY|TOKEN|SECRET|PASS", re.IGNORECASE)
"""What variables that hold secrets are called."""


def _hush_libraries() -> None:
    """Let nobody log the addresses that are asked for, which hold customers', or the headers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


_TROUBLES_OF_THE_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
)
"""What the system may answer to any file that is written; whatever else it says is a bug of ours
unless the place that asked for it knows better."""


def _disk_trouble(error: Exception) -> StoreError:
    name = getattr(error, "filename", None)
    where = f" ({name})" if name else ""
    return StoreError(
        f"A file cannot be written or read: {getattr(error, 'strerror', error)}{where}.",
        trouble=Code.NO_ROOM,
        hint="Check the disk and the folder for temporary files, then run again: nothing is lost.",
    )


def _fail(error: CustomerSyncError, given: Sequence[str]) -> ExitCode:
    """Tell what stopped the command, before there was a run that could report it."""
    if wants_json(given):
        with contextlib.suppress(OSError):
            tell_error_alone(error)
    elif not error.was_told:
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
        # Where standard output is what failed, standard error has it.
        with contextlib.suppress(OSError):
            print(printable_json(report.to_json()))  # noqa: T201 - the document
    return error.exit_code
