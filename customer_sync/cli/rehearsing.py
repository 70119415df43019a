"""sandbox: look into the embedded account, and begin it anew."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from customer_sync.cli.options import (
    ConfigOption,
    JsonOption,
    PiiOption,
    RowsOption,
    StateOption,
    state_folder,
)
from customer_sync.clock import Clock, SimulatedClock, SystemClock
from customer_sync.config import Target
from customer_sync.console import PREVIEW_ROWS, make_console
from customer_sync.core.model import Contact
from customer_sync.errors import ExitCode
from customer_sync.privacy import mask_email, printable
from customer_sync.sandbox import Sandbox
from customer_sync.store import RunLock
from customer_sync.target import embedded_client, open_sandbox, state_file

CONFIG = Path("config.yaml")

sandbox = typer.Typer(help="The embedded account: an emulator of Brevo on this machine.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(sandbox, name="sandbox")


@sandbox.command("show")
def show(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    rows: RowsOption = PREVIEW_ROWS,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
) -> int:
    """Show the contacts that the embedded account holds.

    Example: customer-sync sandbox show
    """
    folder = state_folder(config, state)
    clock = SimulatedClock(SystemClock().now())
    with open_sandbox(folder, clock) as opened:
        counts = opened.request_counts()
        with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
            contacts = runner.run(_contacts(opened, clock))
    if as_json:
        document = {"contacts": msgspec.to_builtins(contacts), "requests": counts}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return ExitCode.OK
    console = make_console(stderr=False)
    if contacts:
        console.print(_table(contacts[:rows], show_pii=show_pii))
    if len(contacts) > rows:
        console.print(f"… and {len(contacts) - rows:,} more (--rows shows more).", style="dim")
    console.print(f"{len(contacts):,} contacts; {sum(counts.values()):,} requests so far")
    return ExitCode.OK


@sandbox.command("reset")
def reset(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Begin the embedded account anew, and forget what was synced to it.

    Example: customer-sync sandbox reset --yes
    """
    folder = state_folder(config, state)
    if not yes:
        typer.confirm(f"Forget all contacts of the sandbox in {folder}?", abort=True)
    now = SystemClock().now()
    with RunLock(folder / "lock", now=now):
        with open_sandbox(folder, SimulatedClock(now)) as opened:
            opened.reset()
        for leftover in folder.glob(f"{state_file(Target.SANDBOX)}*"):
            leftover.unlink()
    typer.echo("The sandbox is empty.")
    return ExitCode.OK


async def _contacts(opened: Sandbox, clock: Clock) -> list[Contact]:
    found: list[Contact] = []
    async with embedded_client(opened, clock) as client:
        while True:
            page = await client.contacts_page(offset=len(found))
            found += page.contacts
            if not page.contacts or len(found) >= page.count:
                return found


def _table(contacts: list[Contact], *, show_pii: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "contact", "lists", "blocked", "attributes"):
        table.add_column(heading, overflow="fold")
    for contact in contacts:
        email = contact.email or ""
        blocked = [
            word
            for word, is_blocked in (
                ("e-mail", contact.is_email_blocked),
                ("SMS", contact.is_sms_blocked),
            )
            if is_blocked
        ]
        table.add_row(
            str(contact.id),
            Text(printable(email if show_pii else mask_email(email))),
            ", ".join(map(str, sorted(contact.list_ids))),
            ", ".join(blocked),
            Text(printable(", ".join(f"{n}={v}" for n, v in sorted(contact.attributes.items())))),
        )
    return table
