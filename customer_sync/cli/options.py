"""Options that several commands share, each with its words once."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from customer_sync import __version__
from customer_sync.config import Config, load, parse_duration, parse_limit
from customer_sync.core.model import Limit, SourceName

DEFAULT_STATE = ".customer-sync"


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"customer-sync {__version__}")
        raise typer.Exit


VersionOption: TypeAlias = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
]
ConfigOption: TypeAlias = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration.", metavar="FILE")
]
StateOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="The folder of the state. Default: .customer-sync beside the configuration.",
        metavar="FOLDER",
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")
]
PiiOption: TypeAlias = Annotated[
    bool, typer.Option("--show-pii", help="Show addresses in full instead of masked.")
]
RowsOption: TypeAlias = Annotated[
    int, typer.Option("--rows", min=0, help="How many changes to show.")
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")
]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Tell every request, rejection and warning.")
]
EncodingOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        help="Read text in this encoding, such as windows-1252. Default: UTF-8, or what a byte "
        "order mark says.",
    ),
]


SourceOption: TypeAlias = Annotated[
    SourceName | None,
    typer.Option(
        "--source",
        help="Which platform the files are from, for this run. `custom` reads any file by the "
        "names of its fields. Default: what the configuration says.",
    ),
]


def state_folder(config: Path, state: Path | None) -> Path:
    """Return the folder of the state."""
    return state if state is not None else config.parent / DEFAULT_STATE


def load_config(path: Path) -> Config:
    """Load the configuration.

    Raises:
        ConfigError: it cannot be used.
    """
    return load(path)


def limit(option: str, text: str | None) -> Limit | None:
    """Return the limit that an option names.

    Raises:
        typer.BadParameter: it is neither a number nor a share.
    """
    if text is None:
        return None
    try:
        return parse_limit(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def seconds(option: str, text: str | None) -> float | None:
    """Return the seconds that an option names.

    Raises:
        typer.BadParameter: it is no duration.
    """
    if text is None:
        return None
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
