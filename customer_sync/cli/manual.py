"""man and completion: help at the prompt."""

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script

from customer_sync import __version__
from customer_sync.cli.roff import manual_page
from customer_sync.errors import ExitCode

PROGRAM = "customer-sync"
_VARIABLE = "_CUSTOMER_SYNC_COMPLETE"
"""Typer asks the program for completions through it."""


class Shell(StrEnum):
    """Shells that Typer writes completions for and that run where customer-sync does."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""

    def man() -> int:
        """Print the manual page, made from the help of every command.

        Example: customer-sync man | man -l -
        """
        typer.echo(page_of(app), nl=False)
        return ExitCode.OK

    app.command("man")(man)
    app.command("completion")(completion)


def completion(
    shell: Annotated[Shell, typer.Argument(help="Your shell.")],
) -> int:
    """Print what makes a shell complete commands and options.

    Put it where the shell looks for such files; docs/quickstart.md names the places.

    Example: customer-sync completion bash > customer-sync.bash
    """
    typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=_VARIABLE, shell=shell.value))
    return ExitCode.OK


def page_of(app: typer.Typer) -> str:
    """Return the manual page of *app* in this version."""
    return manual_page(app, program=PROGRAM, version=__version__)
