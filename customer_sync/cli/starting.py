"""init: a first configuration."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from customer_sync.config import SourceName, Target, check, template
from customer_sync.core.model import DeleteBehavior
from customer_sync.errors import ConfigError, ExitCode
from customer_sync.privacy import printable
from customer_sync.trouble import Code

Word = TypeVar("Word", bound=StrEnum)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("init")(init)


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("config.yaml"),
    *,
    source: Annotated[
        SourceName | None, typer.Option("--source", help="Where customers come from.")
    ] = None,
    target: Annotated[
        Target | None, typer.Option("--target", help="Where contacts are written.")
    ] = None,
    list_id: Annotated[
        int | None, typer.Option("--list-id", help="The list that customers belong to.")
    ] = None,
    delete_behavior: Annotated[
        DeleteBehavior | None,
        typer.Option("--delete-behavior", help="What a deletion at the shop means."),
    ] = None,
    webhook_url: Annotated[
        str | None, typer.Option("--webhook-url", help="Whom to tell how a run ended.")
    ] = None,
    key_variable: Annotated[
        str, typer.Option("--key-variable", help="The variable that holds the key for Brevo.")
    ] = "BREVO_API_KEY",
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that exists already.")
    ] = False,
) -> int:
    """Write a commented configuration, asking what no option says.

    Example: customer-sync init --source custom --list-id 5
    """
    if file.exists() and not force:
        raise ConfigError(
            f"{file} exists already.",
            trouble=Code.FILE_EXISTS,
            hint="Name another file, or add --force.",
        )
    if sys.stdin.isatty():
        source = source or _ask("Where do customers come from?", SourceName, SourceName.CUSTOM)
        target = target or _ask("Where are contacts written?", Target, Target.SANDBOX)
        if list_id is None:
            answer = typer.prompt("Which list at Brevo? (0: none)", default=0, type=int)
            list_id = int(answer) or None
        delete_behavior = delete_behavior or _ask(
            "What does a deletion at the shop mean?", DeleteBehavior, DeleteBehavior.SOFT
        )
    _write(
        file,
        template(
            source=source or SourceName.CUSTOM,
            target=target or Target.SANDBOX,
            api_key_variable=key_variable,
            list_id=list_id,
            delete_behavior=delete_behavior or DeleteBehavior.SOFT,
            webhook_url=webhook_url,
        ),
    )
    name = printable(str(file))
    typer.echo(f"{name} is written. Next: customer-sync validate {name}")
    return ExitCode.OK


def _ask(question: str, kind: type[Word], default: Word) -> Word:
    """Ask for one of the words of *kind*; the empty answer is *default*."""
    answer = typer.prompt(question, default=default.value, type=kind)
    return kind(answer)


def _write(file: Path, content: str) -> None:
    """Write *content* if it is a good configuration.

    Raises:
        ConfigError: it is not, or the file cannot be written.
    """
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_text(content, encoding="utf-8")
        _, problems = check(draft)
        if problems:
            raise ConfigError(
                "These answers make no good configuration: "
                + "; ".join(f"{p.pointer} {p.message}" for p in problems),
                trouble=Code.CONFIGURATION,
                hint="Correct them and try again.",
            )
        draft.replace(file)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder of yours.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
