"""queue and retry: what did not get through yet."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from customer_sync.cli.bundles import bundled
from customer_sync.cli.history import opened
from customer_sync.cli.logged import is_json
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    DetailedOption,
    DryRunOption,
    DurationOption,
    JsonOption,
    MaxDeletesOption,
    PiiOption,
    RouteOption,
    RowsOption,
    StateOption,
    limit,
    load_config,
    seconds,
    state_folder,
)
from customer_sync.cli.running import View, do, new_run_id
from customer_sync.cli.viewing import view_of_run
from customer_sync.console import PREVIEW_ROWS, make_console
from customer_sync.core.model import Email
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.core.validate import EmailInvalid, email_address
from customer_sync.errors import ExitCode, SourceError, UsageError
from customer_sync.past.waiting import Told, Waiting, addresses, as_events, drop, held, make_due
from customer_sync.past.waiting import told as told_of
from customer_sync.past.waiting import waiting as shown_as
from customer_sync.privacy import mask_email, printable, printable_json
from customer_sync.private_file import write_private
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.store import QueueItem, Store
from customer_sync.target import Connection
from customer_sync.trouble import Code

AddressesArgument: TypeAlias = Annotated[
    list[str], typer.Argument(help="Customers' addresses.", metavar="EMAIL...")
]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

queue = typer.Typer(help="What did not get through, and waits for a later run or for a person.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("retry")(retry)
    app.add_typer(queue, name="queue")


@bundled(view=view_of_run)
def retry(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    dry_run: DryRunOption = False,
    route: RouteOption = RouteChoice.AUTO,
    max_deletes: MaxDeletesOption = None,
    max_duration: DurationOption = None,
    detailed_exit_code: DetailedOption = False,
    view: View,
) -> int:
    """Try what is due in the retry queue, without any source: a run like all others.

    Example: customer-sync retry --dry-run
    """
    job = Job(
        command="retry",
        dry_run=dry_run,
        options=RunOptions(route=route, max_deletes=limit("--max-deletes", max_deletes)),
        max_duration_s=seconds("--max-duration", max_duration),
        is_detailed=detailed_exit_code,
    )
    code = do(config, state, job, view)
    if not view.quiet and not is_json(load_config(config), view.log.format):
        _say_what_is_left(config, state)
    return code


def _say_what_is_left(config: Path, state: Path | None) -> None:
    with opened(config, state) as store:
        waits, dead = store.queue_counts()
    if waits or dead:
        make_console(stderr=True).print(
            f"{waits:,} wait for a later run, {dead:,} for a person; "
            "`customer-sync queue list` shows them."
        )


@queue.command("list")
def list_all(
    *,
    dead: Annotated[
        bool, typer.Option("--dead", help="Only those that are no longer tried.")
    ] = False,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    rows: RowsOption = PREVIEW_ROWS,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
) -> int:
    """List who waits: since when, how often it was tried, when next, and the last error.

    Example: customer-sync queue list
    """
    with opened(config, state) as store:
        items = [item for item in store.queue() if item.is_dead or not dead]
    found = [shown_as(item, show_pii=show_pii) for item in items]
    if as_json:
        typer.echo(_json({"queue": found}))
        return ExitCode.OK
    console = make_console(stderr=False)
    if found:
        console.print(_table(found[:rows]))
    if len(found) > rows:
        console.print(f"… and {len(found) - rows:,} more (--rows shows more).")
    waits = sum(not one.is_dead for one in found)
    console.print(f"{waits:,} wait, {len(found) - waits:,} are no longer tried")
    return ExitCode.OK


@queue.command("show")
def show(
    address: Annotated[str, typer.Argument(help="A customer's address.", metavar="EMAIL")],
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
) -> int:
    """Show all that waits for one customer: what is to be written, and why it was not yet.

    Example: customer-sync queue show jane@example.com
    """
    with opened(config, state) as store:
        items = _named(store, [address])
    found = [
        (shown_as(item, show_pii=show_pii), told_of(item.customer, show_pii=show_pii))
        for item in items
    ]
    if as_json:
        typer.echo(_json({"queue": [{"item": item, "says": says} for item, says in found]}))
        return ExitCode.OK
    console = make_console(stderr=False)
    for item, says in found:
        console.print(_table([item]))
        console.print(_said_table(says))
    return ExitCode.OK


@queue.command("retry")
def try_again(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(help="Customers' addresses.", metavar="[EMAIL...]", show_default=False),
    ] = None,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="All that are no longer tried.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
) -> int:
    """Make items due now, with all their attempts before them; `retry` or any run takes them.

    Example: customer-sync queue retry --dead
    """
    if sum((bool(wanted), dead, everything)) != 1:
        raise UsageError(
            "Say which items: addresses, --dead or --all.",
            trouble=Code.COMMAND_LINE,
            hint="`customer-sync queue list` shows them.",
        )
    with _for_change(config, state) as (store, connection):
        items = (
            _named(store, wanted)
            if wanted
            else [item for item in store.queue() if item.is_dead or everything]
        )
        make_due(store, items, connection.clock().now())
    make_console(stderr=True).print(
        f"{len(items):,} are due now; `customer-sync retry` or the next run tries them."
    )
    return ExitCode.OK


@queue.command("drop")
def take_off(
    wanted: AddressesArgument,
    *,
    yes: YesOption = False,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    show_pii: PiiOption = False,
) -> int:
    """Give items up: take them off the queue, and keep them in dropped.jsonl beside the state.

    Example: customer-sync queue drop jane@example.com --yes
    """
    stderr = make_console(stderr=True)
    with opened(config, state) as store:
        found = [shown_as(item, show_pii=show_pii) for item in _named(store, wanted)]
    stderr.print(_table(found))
    if not yes:
        typer.confirm("Never write this to Brevo?", abort=True, err=True)
    # Not before: no run shall have to wait for an answer.
    with _for_change(config, state) as (store, connection):
        items = _named(store, wanted)
        now = connection.clock().now()
        kept = drop(store, items, connection, run_id=new_run_id(), now=now)
    stderr.print(
        Text(
            f"{len(items):,} are dropped; {kept} keeps what they said, and "
            "`customer-sync run` accepts it."
        )
    )
    return ExitCode.OK


@queue.command("export")
def export(
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write to this file. Default: standard output.", metavar="FILE"),
    ] = None,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
) -> int:
    """Write all that waits as events that `run` accepts, each dated when the shop said it.

    The queue stays as it is. Values are told as they were to be written, in clear.

    Example: customer-sync queue export --out waiting.jsonl
    """
    with opened(config, state) as store:
        document = "".join(as_events(store.queue(), load_config(config)))
    if out is None:
        typer.echo(printable_json(document), nl=False)
        return ExitCode.OK
    try:
        write_private(out, document.encode())
    except OSError as error:
        raise SourceError(
            f"The queue cannot be written to {out}: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error
    return ExitCode.OK


# ---------------------------------------------------------------- shared


@contextmanager
def _for_change(config: Path, state: Path | None) -> Iterator[tuple[Store, Connection]]:
    """Open the state for a change of the queue, while no run is at work."""
    with opened(config, state):
        # Whether there is one at all.
        pass
    connection = Connection(
        config=load_config(config), state=state_folder(config, state), environ=os.environ
    )
    with held(connection, connection.clock()) as store:
        yield store, connection


def _named(store: Store, wanted: Sequence[str]) -> list[QueueItem]:
    """Return what waits for the customers at some addresses.

    Raises:
        UsageError: nothing waits for one of them.
    """
    emails = [_address(text) for text in wanted]
    items = store.waiting(emails)
    strangers = [email for email in emails if email not in addresses(items)]
    if strangers:
        raise UsageError(
            f"Nothing waits for {', '.join(map(mask_email, strangers))}.",
            trouble=Code.NOT_WAITING,
            hint="`customer-sync queue list --show-pii` shows who waits.",
        )
    return items


def _address(text: str) -> Email:
    try:
        return email_address(text)
    except EmailInvalid as error:
        raise UsageError(
            f"{mask_email(text)} is no address.",
            trouble=Code.COMMAND_LINE,
            hint="Write it as jane@example.com.",
        ) from error


def _json(document: object) -> str:
    return printable_json(
        msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2)
    )


def _table(found: Sequence[Waiting]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("customer", "ids", "wants", "tried", "since", "next", "code", "error"):
        table.add_column(heading, overflow="fold")
    for one in found:
        cells = (
            one.email,
            ", ".join(one.ids),
            "deletion" if one.is_deleted else "update",
            f"{one.attempts} ×",
            f"{one.queued_at:%Y-%m-%d %H:%M:%S}",
            "dead" if one.is_dead else f"{one.next_at:%Y-%m-%d %H:%M:%S}",
            one.trouble,
            one.error,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _said_table(says: Sequence[Told]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("wants", "value", "said"):
        table.add_column(heading, overflow="fold")
    for one in says:
        value = "(empty)" if one.value is None else str(one.value)
        table.add_row(
            Text(one.name), Text(printable(value)), Text(f"{one.said_at:%Y-%m-%d %H:%M:%S}")
        )
    return table
