"""serve: receive webhooks and events over HTTP, and write them to Brevo within seconds."""

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from customer_sync.cli.logged import LogOptions, Voice, speaking
from customer_sync.cli.options import (
    ConfigOption,
    LogFileOption,
    LogFormatOption,
    QuietOption,
    StateOption,
    VerboseOption,
    load_config,
    seconds,
    state_folder,
)
from customer_sync.cli.running import new_run_id
from customer_sync.cli.watching import CONFIG
from customer_sync.clock import SystemClock
from customer_sync.config import Config
from customer_sync.errors import ConfigError, CustomerSyncError, ExitCode
from customer_sync.monitoring.looking import Looking
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.wanting import wanted
from customer_sync.privacy import mask_text, printable
from customer_sync.realtime.app import Door, make_app
from customer_sync.realtime.flushing import Alarm, Flusher, Pace
from customer_sync.realtime.inbox import Inbox
from customer_sync.realtime.intake import Intake
from customer_sync.realtime.receiving import Receiving, RequestRefused, Secrets
from customer_sync.realtime.server import address, beside, bind, ending_quietly, make_server
from customer_sync.realtime.signatures import StandardVerifier, read_secrets
from customer_sync.run.pipeline import Planned
from customer_sync.run.report import RunReport
from customer_sync.run.session import Job, Session
from customer_sync.sandbox.importing import is_loopback
from customer_sync.store import Store
from customer_sync.target import state_file
from customer_sync.trouble import Code

TOKEN = "CUSTOMER_SYNC_TOKEN"  # noqa: S105 - the name of a variable
SHOPIFY_SECRET = "CUSTOMER_SYNC_SHOPIFY_SECRET"  # noqa: S105 - likewise
WOOCOMMERCE_SECRET = "CUSTOMER_SYNC_WOOCOMMERCE_SECRET"  # noqa: S105 - likewise
MAGENTO_SECRET = "CUSTOMER_SYNC_MAGENTO_SECRET"  # noqa: S105 - likewise

MaxDelayOption = Annotated[
    str,
    typer.Option(
        "--max-delay",
        help="The longest that an event waits for others to be written with it.",
        metavar="TIME",
    ),
]
MaxBatchOption = Annotated[
    int, typer.Option("--max-batch", min=1, help="So many events are written at once.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("serve")(serve)


def serve(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=2**16 - 1, help="The port; 0 takes any.")
    ] = 8383,
    max_delay: MaxDelayOption = "2s",
    max_batch: MaxBatchOption = 2000,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Receive events and webhooks over HTTP, and write them to Brevo within seconds.

    An answer of 2xx means that an event is kept safely. Secrets come from the environment:
    CUSTOMER_SYNC_TOKEN for POST /events, CUSTOMER_SYNC_SHOPIFY_SECRET,
    CUSTOMER_SYNC_WOOCOMMERCE_SECRET and CUSTOMER_SYNC_MAGENTO_SECRET for webhooks; several with
    blanks between them are valid side by side. Ctrl-C or SIGTERM ends it.

    Example: customer-sync serve --port 8383
    """
    delay = seconds("--max-delay", max_delay)
    pace = Pace(max_delay_s=delay or 0.0, max_batch=max_batch)
    loaded, folder = _enabled(config), state_folder(config, state)
    with speaking(
        loaded,
        LogOptions(format=log_format, file=log_file),
        new_run_id(),
        quiet=quiet,
        verbose=verbose,
    ) as voice:
        _serve(loaded, folder, voice, pace=pace, host=host, port=port)
    return ExitCode.OK


def _enabled(path: Path) -> Config:
    config = load_config(path)
    if not config.enabled:
        raise ConfigError(
            f"customer-sync is disabled in {path}.",
            trouble=Code.CONFIGURATION,
            hint="Set `enabled: true` there, or do not start it.",
        )
    return config


def _serve(config: Config, folder: Path, voice: Voice, *, pace: Pace, host: str, port: int) -> None:
    tokens = read_secrets(TOKEN, os.environ)
    secrets = _secrets(os.environ)
    clock = SystemClock()
    Inbox(folder).close()
    alarm = Alarm(enough=pace.max_batch)
    flusher = make_flusher(config, folder, voice, alarm, pace=pace, command="serve")
    intake = Intake(folder, clock, on_news=alarm.ring)
    listener = bind(host, port, is_loopback=is_loopback(host), has_token=bool(tokens))
    with listener, ending_quietly():
        with beside(flusher, alarm.end) as thread:
            door = Door(
                receiving=Receiving(wanted=wanted_by(config), secrets=secrets),
                keeping=intake,
                telling=_Telling(config=config, folder=folder, flusher=flusher, thread=thread),
                tokens=tokens,
                clock=clock,
                on_refused=lambda path, refused: _tell_refused(voice, path, refused),
            )
            server = make_server(make_app(door))
            said = f"Receiving at {address(listener)}; Ctrl-C ends it."
            voice.stderr.print(Text(printable(said)))
            voice.log.tell(logging.INFO, "serving", detail=said)
            server.run(sockets=[listener])
        intake.close()


def _secrets(environ: Mapping[str, str]) -> Secrets:
    magento = read_secrets(MAGENTO_SECRET, environ)
    return Secrets(
        shopify=read_secrets(SHOPIFY_SECRET, environ),
        woocommerce=read_secrets(WOOCOMMERCE_SECRET, environ),
        magento=StandardVerifier(magento, variable=MAGENTO_SECRET) if magento else None,
    )


def make_flusher(
    config: Config, folder: Path, voice: Voice, alarm: Alarm, *, pace: Pace, command: str
) -> Flusher:
    """Return what empties the inbox in *folder*, and tells in *voice* where it cannot."""

    def run(job: Job) -> tuple[RunReport, CustomerSyncError | None]:
        session = Session(config, folder, job, voice.watch, run_id=new_run_id())
        return session.run(_show_nothing), session.failure

    def on_failure(error: CustomerSyncError, pause_s: float) -> None:
        voice.note(f"{error.message} What was received is safe; again in {pause_s:g} s.")

    return Flusher(
        folder,
        run,
        alarm,
        pace=pace,
        clock=SystemClock(),
        command=command,
        on_failure=on_failure,
        is_retry_due=lambda: _is_retry_due(folder / state_file(config.brevo.target)),
    )


def _is_retry_due(path: Path) -> bool:
    if not path.exists():
        return False
    with Store(path) as store:
        due = store.next_retry()
    return due is not None and due <= SystemClock().now()


def _show_nothing(_planned: Planned) -> None:
    """Let the plan pass unseen; the history has it."""


def _tell_refused(voice: Voice, path: str, refused: RequestRefused) -> None:
    voice.log.tell(
        logging.WARNING, "refused", detail=mask_text(f"{path}: {refused.status} {refused.reason}")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """Looks at the state whenever somebody asks."""

    config: Config
    folder: Path
    flusher: Flusher
    thread: threading.Thread

    def readiness(self) -> tuple[bool, Mapping[str, object]]:
        waiting = self._waiting()
        failure = self.flusher.standing.failure
        is_ready = self.thread.is_alive()
        return is_ready, {
            "status": "ready" if is_ready else "not ready",
            "waiting": waiting,
            "last_failure": failure.trouble if failure is not None else None,
        }

    def metrics(self) -> bytes:
        from customer_sync.monitoring.metrics import metrics_text  # noqa: PLC0415 - costs time where nobody asks

        looking = self._looking()
        past = looking.past()
        return metrics_text(
            looking.status_of(past), past.runs_by_exit, inbox_records=self._waiting()
        )

    def dashboard(self) -> str:
        from customer_sync.monitoring.dashboard import render_page  # noqa: PLC0415 - likewise

        return render_page(self._looking().overview(), since="24h")

    def _looking(self) -> Looking:
        return Looking(config=self.config, folder=self.folder, span=timedelta(days=1))

    def _waiting(self) -> int:
        with Inbox(self.folder) as inbox:
            return inbox.waiting().count


def wanted_by(config: Config) -> Wanted:
    """Return what the configuration asks of whoever reads webhooks."""
    return wanted(
        config.rules,
        include_guests=config.include_guests,
        consent_field=config.consent_field,
        records=config.records,
    )
