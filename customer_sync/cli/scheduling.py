"""schedule: print what makes cron, systemd and others run customer-sync."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from customer_sync import __version__
from customer_sync.cli.options import CONFIG, ConfigOption, StateOption, load_config, state_folder
from customer_sync.config import Config
from customer_sync.errors import ConfigError, ExitCode, UsageError
from customer_sync.pull.order import platform_of
from customer_sync.pull.shops import shop_of, variables
from customer_sync.scheduling import (
    At,
    Place,
    Timing,
    Unit,
    cron,
    github_actions,
    kubernetes,
    launchd,
    read_at,
    read_every,
    sync_and_watch,
    systemd,
)
from customer_sync.trouble import Code

_USUAL = "15m"
_MINUTES_TO_END = 5
"""Runs that start at least so far apart are told to end a minute before the next."""


class Scheduler(StrEnum):
    """What can be written for."""

    CRON = "cron"
    SYSTEMD = "systemd"
    LAUNCHD = "launchd"
    GITHUB_ACTIONS = "github-actions"
    KUBERNETES = "kubernetes"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("schedule")(schedule)


def schedule(
    scheduler: Annotated[Scheduler, typer.Argument(help="Who is to run it.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="What `run` shall read. Default: the shop that the configuration names.",
            metavar="[SOURCES]...",
            show_default=False,
        ),
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    every: Annotated[
        str | None,
        typer.Option("--every", help="How often: 5m, 15m, 1h. Default: 15m.", metavar="PACE"),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Once a day, at this time.", metavar="HH:MM")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            help="The file with NAME=value lines that holds the key. Default: customer-sync.env "
            "beside the configuration.",
            metavar="FILE",
        ),
    ] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file", help="The log. Default: log in the folder of the state.", metavar="FILE"
        ),
    ] = None,
    alert: Annotated[
        str | None,
        typer.Option(
            "--alert",
            help="A shell command to run when a run needs a person. Default: what the scheduler "
            "does itself, or a line in the system's log.",
            metavar="COMMAND",
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", help="The container image, for kubernetes.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the files into this folder instead.", metavar="FOLDER"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that exist already.")
    ] = False,
) -> int:
    """Print what a scheduler needs to run the sync, and to tell you when it needs a person.

    Paths are absolute; the key is in none of it. Exit codes 0, 6, 7, 9 and 130 need nobody: the
    next run goes on. Whether runs succeed at all is looked at once a day.

    Example: customer-sync schedule cron exports/ --every 15m
    """
    loaded = load_config(config)
    named = _sources(sources or [], loaded)
    secrets = _secrets(loaded, named)
    place = _place(config, secrets, state=state, key_file=key_file, log_file=log_file, alert=alert)
    wanted = _timing(every, at)
    _refuse_odd(place, sources or [])
    try:
        units = _units(
            scheduler, place, named, wanted, image=image or f"customer-sync:{__version__}"
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=scheduler) from error
    if out is not None:
        _write(out, units, force=force)
    else:
        typer.echo(_printed(units), nl=False)
    return ExitCode.OK


def _units(
    scheduler: Scheduler, place: Place, sources: Sequence[str], timing: Timing, *, image: str
) -> tuple[Unit, ...]:
    tasks = sync_and_watch(place, sources, timing, options=_end(timing))
    match scheduler:
        case Scheduler.CRON:
            return cron(place, tasks)
        case Scheduler.SYSTEMD:
            return systemd(place, tasks)
        case Scheduler.LAUNCHD:
            return launchd(place, tasks)
        case Scheduler.GITHUB_ACTIONS:
            return github_actions(place, tasks)
        case Scheduler.KUBERNETES:
            return _in_cluster(place, sources, timing, image=image)
        case _:
            assert_never(scheduler)


def _in_cluster(
    place: Place, sources: Sequence[str], timing: Timing, *, image: str
) -> tuple[Unit, ...]:
    """Return the manifests; files are read from /exports, by their names."""
    files = [source for source in sources if platform_of(source) is None]
    names = [Path(file).name for file in files]
    if len(set(names)) < len(names):
        raise typer.BadParameter(
            "In the cluster all files lie in one folder; give each a name of its own.",
            param_hint="SOURCES",
        )
    text = place.config.read_text(encoding="utf-8-sig")
    state = Path("/var/lib/customer-sync")
    inside = replace(
        place,
        program=("customer-sync",),
        folder=state,
        config=Path("/etc/customer-sync") / place.config.name,
        state=state,
        log=state / "log",
    )
    moved = [s if platform_of(s) is not None else f"/exports/{Path(s).name}" for s in sources]
    tasks = sync_and_watch(inside, moved, timing, options=_end(timing))
    return kubernetes(inside, tasks, image=image, config_text=text, reads_files=bool(files))


# ---------------------------------------------------------------- what was asked


def _place(
    config: Path,
    secrets: tuple[str, ...],
    *,
    state: Path | None,
    key_file: Path | None,
    log_file: Path | None,
    alert: str | None,
) -> Place:
    config = config.absolute()
    folder = state_folder(config, state).absolute()
    return Place(
        program=_program(),
        folder=config.parent,
        config=config,
        state=folder,
        log=(log_file or folder / "log").absolute(),
        variables=secrets,
        key_file=(key_file or config.parent / "customer-sync.env").absolute(),
        alert=alert,
    )


def _program() -> tuple[str, ...]:
    """Return how this very installation is called, whatever the scheduler's PATH is."""
    beside = Path(sys.executable).with_name("customer-sync")
    found = str(beside) if beside.exists() else shutil.which("customer-sync")
    if found is None:
        return (sys.executable, "-m", "customer_sync")
    return (str(Path(found).absolute()),)


def _sources(sources: Sequence[str], loaded: Config) -> tuple[str, ...]:
    if "-" in sources:
        raise typer.BadParameter(
            "A scheduler hands over no standard input. Name files or a shop.", param_hint="SOURCES"
        )
    if not sources and loaded.shop is None:
        raise typer.BadParameter(
            "Name what is to be read: files, a folder, or the shop in the configuration.",
            param_hint="SOURCES",
        )
    named = sources or [f"{loaded.source}:"]
    for source in named:
        shop = platform_of(source)
        if shop is not None:
            # Else each run would find out that it is not known where the shop is.
            shop_of(loaded, shop)
    return tuple(s if platform_of(s) is not None else str(Path.cwd() / s) for s in named)


def _secrets(loaded: Config, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the environment variables that a run will look into, the key for Brevo first."""
    told = loaded.notifications
    named = [
        loaded.brevo.api_key_variable or "BREVO_API_KEY",
        *(
            name
            for source in sources
            if (shop := platform_of(source)) is not None
            for name in variables(shop, shop_of(loaded, shop))
        ),
        told.webhook_url_variable,
        told.secret_variable,
        *told.service_variables,
    ]
    return tuple(dict.fromkeys(filter(None, named)))


def _timing(every: str | None, at: str | None) -> Timing:
    if every is not None and at is not None:
        raise typer.BadParameter("Choose --every or --at.", param_hint="--at")
    try:
        return read_at(at) if at is not None else read_every(every or _USUAL)
    except ValueError as error:
        hint = "--every" if at is None else "--at"
        raise typer.BadParameter(str(error), param_hint=hint) from error


def _end(timing: Timing) -> tuple[str, ...]:
    """Return what makes a run leave the rest to the next one, which is about to start."""
    minutes = int(timing.pause.total_seconds()) // 60
    if isinstance(timing, At) or minutes < _MINUTES_TO_END:
        return ()
    return ("--max-duration", f"{minutes - 1}m")


def _refuse_odd(place: Place, sources: Sequence[str]) -> None:
    """Refuse names that the one-line notations of schedulers cannot carry.

    Raises:
        UsageError: there is one.
    """
    paths = (place.folder, place.config, place.state, place.log, place.key_file)
    for text in (*map(str, paths), *sources, *place.program, place.alert or ""):
        if not text.isprintable() or text.endswith("\\"):
            raise UsageError(
                f"{text!r} cannot stand in the unit of a scheduler.",
                trouble=Code.COMMAND_LINE,
                hint="Use names without line ends and control characters, and without a backslash "
                "at their end.",
            )


# ---------------------------------------------------------------- out


def _printed(units: Sequence[Unit]) -> str:
    """Return the units one after the other, each below the name of its file if there are more."""
    if len(units) == 1:
        return units[0].text
    return "\n".join(f"# {unit.name}\n{unit.text}" for unit in units)


def _write(folder: Path, units: Sequence[Unit], *, force: bool) -> None:
    """Write each unit by its last name into *folder*.

    Raises:
        ConfigError: one exists already and may not be replaced, or cannot be written.
    """
    files = [(folder / Path(unit.name).name, unit.text) for unit in units]
    taken = [file for file, _ in files if file.exists()]
    if taken and not force:
        raise ConfigError(
            f"{taken[0]} exists already.",
            trouble=Code.FILE_EXISTS,
            hint="Name another folder, or add --force.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files:
            file.write_text(text, encoding="utf-8")
            typer.echo(str(file))
    except OSError as error:
        raise ConfigError(
            f"The units cannot be written to {folder}: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a folder of yours.",
        ) from error
