"""The command line: options in, exit code out; no decisions.

Nothing that takes time to load is imported here; see `commands`.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from customer_sync import __version__

_HELP = Path(__file__).with_name("help.txt")
"""What `--help` says, kept so as not to load every command for it; a test compares the two."""

_COMPLETION = "_CUSTOMER_SYNC_COMPLETE"
"""By this variable a shell asks for completions instead."""

_INTERRUPTED = 130
"""The exit code of that name; `errors`, where it stands, takes time to load."""

_FULL_WIDTH = 80
"""From this width on, the help is wrapped in one way."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    What stops a command is told in a sentence with a hint, on standard error; with `--json` it is
    also the one document on standard output. Only bugs leave a traceback, without anybody's address
    and without a key.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    answer = _at_once(given)
    if answer is not None:
        return answer
    from customer_sync.cli.commands import run_command  # noqa: PLC0415 - takes most of a second

    return run_command(given)


def command() -> NoReturn:
    """Be the command `customer-sync`: run `main` and end the process with its exit code."""
    code = main()
    if code == _INTERRUPTED:
        # Where the interruption came while a text was executed, as for making a dataclass,
        # `python -m` would end by the signal, whoever caught it.
        import logging  # noqa: PLC0415 - loaded by then, unlike where only help is asked for

        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _at_once(given: Sequence[str]) -> int | None:
    """Answer what asks for the version or the help alone; None: it does not."""
    if _COMPLETION in os.environ:
        return None
    match given:
        case ["--version"]:
            text = f"customer-sync {__version__}\n"
        case ["--help" | "-h"] if shutil.get_terminal_size().columns >= _FULL_WIDTH:
            text = _HELP.read_text(encoding="utf-8")
        case _:
            return None
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        # Whoever cannot be written to is told so by what knows all the ways in which that happens.
        return None
    return 0
