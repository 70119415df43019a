"""Options that several commands share, each with its words once."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from customer_sync import __version__
from customer_sync.config import (
    Config,
    LogFormat,
    load,
    parse_duration,
    parse_limit,
    parse_platform,
)
from customer_sync.core.model import Limit
from customer_sync.core.platforms import Platform, platforms
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.pull.watermarks import Since
from customer_sync.run.scale import Shard

CONFIG = Path("config.yaml")
"""Where the configuration is looked for."""

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
MetricsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--metrics-file",
        help="Leave the figures for Prometheus in this file, which ends in .prom, as "
        "node_exporter's textfile collector reads it. Default: what the configuration says.",
        metavar="FILE",
    ),
]
LogFormatOption: TypeAlias = Annotated[
    LogFormat | None,
    typer.Option(
        "--log-format",
        help="How the log looks. As `json`, its lines take the place of everything else on "
        "standard error. Default: what the configuration says, else text.",
    ),
]
LogFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        help="Write the log to this file, which is put aside when it is full. Default: what the "
        "configuration says.",
        metavar="FILE",
    ),
]
EncodingOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        help="Read text in this encoding, such as windows-1252. Default: UTF-8, or what a byte "
        "order mark says.",
    ),
]


def _platform_names() -> list[str]:
    return [str(one) for one in platforms()]


SourceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Which platform the files are from, for this run: shopify, woocommerce, magento, or "
        "one that an installed package adds; `custom` reads any file by the names of its fields. "
        "Default: what the configuration says.",
        metavar="PLATFORM",
        autocompletion=_platform_names,
    ),
]


SinceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="Pull only what changed since a time (2026-11-24, 2026-11-24T08:00:00Z), for so long "
        "(12h, 7d), or since `last`: where the last run that ended well had got to, the first time "
        "everything. Deletions never show in changes. Not for WooCommerce, which cannot tell them.",
        metavar="TIME|last",
    ),
]


RouteOption: TypeAlias = Annotated[
    RouteChoice, typer.Option("--route", help="Force a way to write. Default: the cheapest.")
]
WorkersOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes that plan a large input. Default: as many as there are cores.",
        metavar="N",
        min=1,
    ),
]
ShardOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Plan one of so many parts of the customers, such as 2/4; `apply` takes all parts "
        "together.",
        metavar="K/P",
    ),
]
MaxDeletesOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-deletes",
        help="Withhold deletions beyond this number or share (10%) of the known contacts.",
        metavar="N|SHARE",
    ),
]
DurationOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-duration",
        help="Leave what is not done after this time (30m, 2h) to the next run.",
        metavar="TIME",
    ),
]
DetailedOption: TypeAlias = Annotated[
    bool,
    typer.Option("--detailed-exit-code", help="With a dry run: exit 10 when there are changes."),
]
DryRunOption: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Show the plan and stop; nothing is written.")
]


def platform(text: str | None) -> Platform | None:
    """Return the platform that `--source` names.

    Raises:
        typer.BadParameter: there is no such platform.
    """
    if text is None:
        return None
    try:
        return parse_platform(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--source") from error


def since(text: str | None, *, is_complete: bool = False) -> Since | None:
    """Return from when on changes are asked for; None: everything.

    Raises:
        typer.BadParameter: it is no such time, or lies ahead, or contradicts `--complete`.
    """
    if text is None:
        return None
    if is_complete:
        raise typer.BadParameter(
            "--complete means that whoever is missing was deleted, and of changes alone most "
            "customers are missing. Leave one of the two out.",
            param_hint="--since",
        )
    if text.strip().lower() == "last":
        return Since(at=None)
    at = moment(text)
    if at > datetime.now(UTC):
        raise typer.BadParameter("This time lies ahead.", param_hint="--since")
    return Since(at=at)


def moment(text: str) -> datetime:
    """Return the time that an option `--since` names, which may be a while ago.

    Raises:
        typer.BadParameter: it is none.
    """
    with contextlib.suppress(ValueError):
        return datetime.now(UTC) - parse_duration(text)
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            "Write a time such as 2026-11-24 or 2026-11-24T08:00:00Z (UTC where no zone is given), "
            "a while such as 12h or 7d, or `last`.",
            param_hint="--since",
        ) from error


def state_folder(config: Path, state: Path | None) -> Path:
    """Return the folder of the state."""
    return state if state is not None else config.parent / DEFAULT_STATE


def load_config(path: Path) -> Config:
    """Load the configuration.

    Raises:
        ConfigError: it cannot be used.
    """
    return load(path)


def metrics_path(path: Path | None) -> Path | None:
    """Return where the figures are to be left.

    Raises:
        typer.BadParameter: nobody would read a file of that name.
    """
    if path is not None and path.suffix != ".prom":
        raise typer.BadParameter(
            "The name must end in .prom, or node_exporter does not read it.",
            param_hint="--metrics-file",
        )
    return path


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


def shard(text: str | None) -> Shard | None:
    """Return which part of a plan is asked for.

    Raises:
        typer.BadParameter: it is no such part.
    """
    if text is None:
        return None
    number, _, of = text.partition("/")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(number=int(number), of=int(of))
    raise typer.BadParameter(
        f"{text!r} is no part such as 2/4: the first number goes from 1 to the second.",
        param_hint="--shard",
    )


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
