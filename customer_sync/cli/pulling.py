"""pull: a shop's customers as events, without a run."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from customer_sync.cli.logged import LogOptions, speaking
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    LogFileOption,
    LogFormatOption,
    QuietOption,
    SinceOption,
    StateOption,
    VerboseOption,
    load_config,
    seconds,
    since,
    state_folder,
)
from customer_sync.cli.running import new_run_id
from customer_sync.config import Config
from customer_sync.core.model import SourceName
from customer_sync.errors import ExitCode
from customer_sync.platforms.asking import wanted_by
from customer_sync.pull import watermarks
from customer_sync.pull.order import Order
from customer_sync.pull.pulled import Pulled
from customer_sync.pull.taking import Taking, order_for, reach_of
from customer_sync.pull.watermarks import Since
from customer_sync.pull.writing import lines, room_for
from customer_sync.store import Store
from customer_sync.target import state_file


class Shop(StrEnum):
    """Platforms that customers can be pulled from."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MAGENTO = "magento"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("pull")(pull)


def pull(
    platform: Annotated[Shop, typer.Argument(help="Which platform the shop runs on.")],
    *,
    since_: SinceOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write to this file, whole or not at all. Default: standard output.",
            metavar="FILE",
        ),
    ] = None,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    max_duration: Annotated[
        str | None,
        typer.Option("--max-duration", help="Give up after this time (30m, 2h).", metavar="TIME"),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
) -> int:
    """Fetch a shop's customers as JSON lines that `run` accepts; nothing is written elsewhere.

    Without --since these are all customers there are, a complete export, which means deletion of
    the others only if a run is told so with --complete. With it they are the changed ones.

    Example: customer-sync pull shopify --out customers.jsonl
    """
    loaded = load_config(config)
    begin, max_s = since(since_), seconds("--max-duration", max_duration)
    options = LogOptions(format=log_format, file=log_file)
    with (
        speaking(loaded, options, new_run_id(), quiet=quiet, verbose=verbose) as voice,
        voice.watch as watch,
        Store(state_folder(config, state) / state_file(loaded.brevo.target)) as store,
        Taking(loaded, (), begin, watch, on_request=watch.shop_request) as taking,
    ):
        order = _order(loaded, SourceName(platform), begin, store)
        if out is None:
            pulled = taking.fetch(order, max_duration_s=max_s)
            watch.rest()
            sys.stdout.writelines(lines(pulled))
        else:
            with room_for(out) as file:
                pulled = taking.fetch(order, max_duration_s=max_s)
                file.writelines(lines(pulled))
            watermarks.promise(store, order, reach_of(loaded, pulled), out)
        watch.note(_summary(pulled, out))
    return ExitCode.PARTIAL if pulled.rejections else ExitCode.OK


def _order(config: Config, platform: SourceName, begin: Since | None, store: Store) -> Order:
    asked = wanted_by(config)
    return order_for(config, platform, begin, store, asked, now=datetime.now(UTC))


def _summary(pulled: Pulled, out: Path | None) -> str:
    where = "standard output" if out is None else str(out)
    usable = pulled.count - pulled.rejections
    rejected = f", {pulled.rejections} records that cannot be used" if pulled.rejections else ""
    return f"{usable} customers{rejected}: {where}"
