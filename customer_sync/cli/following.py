"""watch: follow files that grow, and write what is new in them to Brevo within seconds."""

import logging
import threading
from typing import Annotated

import typer

from customer_sync.cli.logged import LogOptions, speaking
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    LogFileOption,
    LogFormatOption,
    QuietOption,
    SourceOption,
    StateOption,
    VerboseOption,
    platform,
    state_folder,
)
from customer_sync.cli.realtime import (
    MaxBatchOption,
    MaxDelayOption,
    Station,
    calm_collector,
    load_enabled,
    make_flusher,
    pace_of,
)
from customer_sync.cli.running import new_run_id
from customer_sync.clock import SystemClock
from customer_sync.errors import ExitCode, StoreError
from customer_sync.platforms.asking import wanted_by
from customer_sync.platforms.reading import Asked
from customer_sync.realtime.alarm import Alarm
from customer_sync.realtime.colleague import beside, ending_quietly
from customer_sync.realtime.flushing import Flusher, Pace
from customer_sync.realtime.followed import check
from customer_sync.realtime.following import Following
from customer_sync.realtime.inbox import Inbox

POLL_S = 0.5
"""How often files are looked at that do not grow just now."""

RETRY_S = 10.0
"""When to look again where nothing could be kept."""

PathsArgument = Annotated[
    list[str],
    typer.Argument(
        help="Files of JSON lines, folders of such files (.jsonl, .ndjson), or globs.",
        metavar="PATH...",
    ),
]
OnceOption = Annotated[
    bool, typer.Option("--once", help="Write what is new since the last time, then end.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("watch")(watch)


def watch(
    paths: PathsArgument,
    *,
    once: OnceOption = False,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    source: SourceOption = None,
    max_delay: MaxDelayOption = None,
    max_batch: MaxBatchOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Follow files that grow, and write what is new in them to Brevo within seconds.

    The first time, files are read from their start; after that from where reading had got to, also
    when they were put aside, cut or written anew meanwhile. A last line waits for its end. Ctrl-C
    or SIGTERM ends it.

    Example: customer-sync watch /var/log/shop/events.jsonl
    """
    check(paths)
    loaded, folder = load_enabled(config), state_folder(config, state)
    pace = pace_of(loaded.realtime, max_delay, max_batch)
    asked = Asked(
        source=platform(source) or loaded.source,
        is_forced=source is not None,
        wanted=wanted_by(loaded),
    )
    with speaking(
        loaded,
        LogOptions(format=log_format, file=log_file),
        new_run_id(),
        quiet=quiet,
        verbose=verbose,
    ) as voice:
        station = Station(config=loaded, folder=folder, voice=voice)
        if once:
            _once(station, paths, asked, pace)
        else:
            _watch(station, paths, asked, pace)
    return ExitCode.OK


def _following(station: Station, paths: list[str], asked: Asked, inbox: Inbox) -> Following:
    return Following(
        paths,
        inbox,
        asked,
        SystemClock(),
        limit=station.config.realtime.inbox_limit,
        on_note=station.voice.note,
    )


def _watch(station: Station, paths: list[str], asked: Asked, pace: Pace) -> None:
    alarm, over = Alarm(enough=pace.max_batch), threading.Event()
    flusher = make_flusher(station, alarm, pace=pace, command="watch")
    with calm_collector(), Inbox(station.folder) as inbox, ending_quietly(over.set):
        following = _following(station, paths, asked, inbox)
        said = f"Following {', '.join(paths)}; Ctrl-C ends it."
        station.say(said)
        station.voice.log.tell(logging.INFO, "watching", detail=said)
        try:
            with beside(flusher, alarm.end, on_broken=over.set):
                while not over.is_set():
                    over.wait(_look(station, following, alarm))
        finally:
            following.close()


def _look(station: Station, following: Following, alarm: Alarm) -> float:
    """Take in what is new, and return after how many seconds to look again."""
    try:
        count = following.look()
    except StoreError as error:
        station.voice.note(f"{error.message} Nothing was taken in; again in {RETRY_S:g} s.")
        return RETRY_S
    if count is None:
        return POLL_S
    alarm.ring(count)
    return 0.0


def _once(station: Station, paths: list[str], asked: Asked, pace: Pace) -> None:
    """Write what is new now.

    Raises:
        CustomerSyncError: whatever stopped that; the next time goes on from there.
    """
    flusher = make_flusher(station, Alarm(enough=pace.max_batch), pace=pace, command="watch")
    with Inbox(station.folder) as inbox:
        following = _following(station, paths, asked, inbox)
        try:
            is_more = True
            while is_more:
                is_more = following.look() is not None
                _drain(flusher, inbox)
        finally:
            following.close()


def _drain(flusher: Flusher, inbox: Inbox) -> None:
    failure = flusher.drain(inbox)
    if failure is not None:
        raise failure
