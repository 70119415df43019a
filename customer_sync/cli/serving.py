"""serve: receive webhooks and events over HTTP, and write them to Brevo within seconds."""

import logging
import os
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated

import typer

from customer_sync.cli.live_pages import Telling
from customer_sync.cli.logged import LogOptions, Voice, speaking
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    LogFileOption,
    LogFormatOption,
    QuietOption,
    StateOption,
    VerboseOption,
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
from customer_sync.errors import ExitCode
from customer_sync.listening import address
from customer_sync.platforms.asking import wanted_by
from customer_sync.privacy import mask_text
from customer_sync.realtime.alarm import Alarm
from customer_sync.realtime.app import Door, make_app
from customer_sync.realtime.colleague import beside, ending_quietly
from customer_sync.realtime.flushing import Pace
from customer_sync.realtime.inbox import Inbox
from customer_sync.realtime.intake import Intake, Limits
from customer_sync.realtime.receiving import Receiving, RequestRefused, Secrets
from customer_sync.realtime.server import bind, make_server
from customer_sync.realtime.signatures import RsaVerifier, StandardVerifier, read_secrets
from customer_sync.sandbox.importing import is_loopback

TOKEN = "CUSTOMER_SYNC_TOKEN"  # noqa: S105 - the name of a variable
SHOPIFY_SECRET = "CUSTOMER_SYNC_SHOPIFY_SECRET"  # noqa: S105 - likewise
WOOCOMMERCE_SECRET = "CUSTOMER_SYNC_WOOCOMMERCE_SECRET"  # noqa: S105 - likewise
MAGENTO_SECRET = "CUSTOMER_SYNC_MAGENTO_SECRET"  # noqa: S105 - likewise
ADOBE_KEY = "CUSTOMER_SYNC_ADOBE_PUBLIC_KEY"


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
    max_delay: MaxDelayOption = None,
    max_batch: MaxBatchOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Receive events and webhooks over HTTP, and write them to Brevo within seconds.

    An answer of 2xx means that an event is kept safely. Secrets come from the environment:
    CUSTOMER_SYNC_TOKEN for POST /events, CUSTOMER_SYNC_SHOPIFY_SECRET,
    CUSTOMER_SYNC_WOOCOMMERCE_SECRET and CUSTOMER_SYNC_MAGENTO_SECRET for webhooks; several with
    blanks between them are valid side by side. CUSTOMER_SYNC_ADOBE_PUBLIC_KEY holds the public
    key of Adobe Commerce. Ctrl-C or SIGTERM ends it.

    Example: customer-sync serve --port 8383
    """
    loaded, folder = load_enabled(config), state_folder(config, state)
    pace = pace_of(loaded.realtime, max_delay, max_batch)
    with speaking(
        loaded,
        LogOptions(format=log_format, file=log_file),
        new_run_id(),
        quiet=quiet,
        verbose=verbose,
    ) as voice:
        _serve(Station(config=loaded, folder=folder, voice=voice), pace, host=host, port=port)
    return ExitCode.OK


def _serve(station: Station, pace: Pace, *, host: str, port: int) -> None:
    config, folder, voice = station.config, station.folder, station.voice
    tokens = read_secrets(TOKEN, os.environ)
    secrets = _secrets(os.environ)
    clock = SystemClock()
    # Whatever is wrong with it is told now, and nobody else in this process makes the file.
    Inbox(folder).close()
    alarm = Alarm(enough=pace.max_batch)
    flusher = make_flusher(station, alarm, pace=pace, command="serve")
    limits = Limits(records=config.realtime.inbox_limit, requests=config.realtime.pending_limit)
    intake = Intake(folder, clock, limits=limits, on_news=alarm.ring)
    telling = Telling(config=config, folder=folder, flusher=flusher)
    door = Door(
        receiving=Receiving(wanted=wanted_by(config), secrets=secrets),
        keeping=intake,
        telling=telling,
        tokens=tokens,
        clock=clock,
        on_refused=lambda path, refused: _tell_refused(voice, path, refused),
    )
    server = make_server(make_app(door))
    listener = bind(host, port, is_loopback=is_loopback(host), has_token=bool(tokens))

    def leave() -> None:
        server.should_exit = True

    with (
        calm_collector(),
        listener,
        closing(intake),
        ending_quietly(),
        beside(flusher, alarm.end, on_broken=leave) as colleague,
    ):
        telling.colleague = colleague
        said = f"Receiving at {address(listener)}; Ctrl-C ends it."
        station.say(said)
        voice.log.tell(logging.INFO, "serving", detail=said)
        server.run(sockets=[listener])


def _secrets(environ: Mapping[str, str]) -> Secrets:
    magento = read_secrets(MAGENTO_SECRET, environ)
    adobe = environ.get(ADOBE_KEY, "")
    return Secrets(
        shopify=read_secrets(SHOPIFY_SECRET, environ),
        woocommerce=read_secrets(WOOCOMMERCE_SECRET, environ),
        magento=StandardVerifier(magento, variable=MAGENTO_SECRET) if magento else None,
        adobe=RsaVerifier(adobe, variable=ADOBE_KEY) if adobe.strip() else None,
    )


def _tell_refused(voice: Voice, path: str, refused: RequestRefused) -> None:
    voice.log.tell(
        logging.WARNING, "refused", detail=mask_text(f"{path}: {refused.status} {refused.reason}")
    )
