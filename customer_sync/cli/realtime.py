"""What serve and watch have in common: their options, and whoever writes what they receive."""

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.text import Text

from customer_sync.cli.logged import Voice
from customer_sync.cli.options import load_config, seconds
from customer_sync.cli.running import new_run_id
from customer_sync.clock import SystemClock
from customer_sync.config import Config, RealtimeSettings
from customer_sync.errors import ConfigError, CustomerSyncError, StoreBusy
from customer_sync.monitoring.telling import tell_bug
from customer_sync.past.folding import put_batches_together
from customer_sync.privacy import printable
from customer_sync.realtime.alarm import Alarm
from customer_sync.realtime.batches import Latecomers, Ran
from customer_sync.realtime.flushing import Chores, Flusher, Pace, Told
from customer_sync.run.job import Job
from customer_sync.run.pipeline import Planned
from customer_sync.run.session import Session
from customer_sync.store import RunLock, Store
from customer_sync.target import state_file
from customer_sync.trouble import Code

MaxDelayOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-delay",
        help="The longest that an event waits for others to be written with it. Default: what "
        "the configuration says, else 2s.",
        metavar="TIME",
    ),
]
MaxBatchOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--max-batch",
        min=1,
        help="So many events are written at once, and never more. Default: what the "
        "configuration says, else 2000.",
    ),
]


def pace_of(settings: RealtimeSettings, max_delay: str | None, max_batch: int | None) -> Pace:
    """Return when a batch is due: what the options say, else the configuration.

    Raises:
        typer.BadParameter: *max_delay* is no duration.
    """
    delay = seconds("--max-delay", max_delay)
    return Pace(
        max_delay_s=settings.max_delay_s if delay is None else delay,
        max_batch=max_batch or settings.max_batch,
    )


def load_enabled(path: Path) -> Config:
    """Load the configuration of a sync that may write.

    Raises:
        ConfigError: it cannot be used, or says that nothing is to be written.
    """
    config = load_config(path)
    if not config.enabled:
        raise ConfigError(
            f"customer-sync is disabled in {path}.",
            trouble=Code.CONFIGURATION,
            hint="Set `enabled: true` there, or do not start it.",
        )
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where things are, and how its operator is spoken to."""

    config: Config
    folder: Path
    voice: Voice

    def say(self, text: str) -> None:
        """Say what goes on."""
        self.voice.stderr.print(Text(printable(text)))


@contextlib.contextmanager
def calm_collector() -> Iterator[None]:
    """Let Python look for garbage in circles less often, and not among what was imported.

    A batch makes very many values and hardly a circle; looking again and again holds up requests.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def make_flusher(station: Station, alarm: Alarm, *, pace: Pace, command: str) -> Flusher:
    """Return what empties the inbox, and tells where it cannot."""
    voice = station.voice

    def run(job: Job) -> Ran:
        late = Latecomers()
        session = Session(
            station.config, station.folder, job, voice.watch, run_id=new_run_id(), herald=late
        )
        report = session.run(_show_nothing)
        return Ran(report=report, failure=session.failure, late=frozenset(late.names))

    def on_failure(error: CustomerSyncError, pause_s: float) -> None:
        voice.note(f"{error.message} What was received is safe; again in {pause_s:g} s.")

    def on_bug(bug: Exception, count: int) -> None:
        tell_bug(voice.log, bug)
        voice.note(
            f"The program stumbled over a batch of {count} ({type(bug).__name__}, {Code.BUG}). "
            "What was received is safe."
        )

    def on_second() -> None:
        voice.note("Another process writes what is received; this one takes over when it ends.")

    return Flusher(
        station.folder,
        run,
        alarm,
        pace=pace,
        clock=SystemClock(),
        command=command,
        told=Told(on_failure=on_failure, on_bug=on_bug, on_second=on_second),
        chores=Chores(
            is_retry_due=lambda: _is_retry_due(station), tidy=lambda: _put_together(station)
        ),
    )


def _put_together(station: Station) -> None:
    """Let the batches of the hours that are over be one run each, unless a run is under way."""
    path = station.folder / state_file(station.config.brevo.target)
    if not path.exists():
        return
    now = SystemClock().now()
    with (
        contextlib.suppress(StoreBusy),
        RunLock(station.folder / "lock", now=now),
        Store(path, is_checked=True) as store,
    ):
        put_batches_together(store, now)


def _is_retry_due(station: Station) -> bool:
    path = station.folder / state_file(station.config.brevo.target)
    if not path.exists():
        return False
    with Store(path, is_checked=True) as store:
        due = store.next_retry()
    return due is not None and due <= SystemClock().now()


def _show_nothing(_planned: Planned) -> None:
    """Let the plan pass unseen; the history has it."""
