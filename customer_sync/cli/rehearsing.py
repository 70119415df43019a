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
    CONFIG,
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
from customer_sync.core.model import Contact, RatePlan
from customer_sync.errors import ExitCode
from customer_sync.privacy import mask_email, printable, printable_json
from customer_sync.sandbox import Sandbox, Settings
from customer_sync.sandbox.serve import serve
from customer_sync.sandbox.settings import changed
from customer_sync.store import RunLock
from customer_sync.target import SANDBOX_FILE, embedded_client, open_sandbox, state_file

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
        typer.echo(printable_json(json.dumps(document, indent=2, ensure_ascii=False)))
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
            opened.compact()
        for leftover in folder.glob(f"{state_file(Target.SANDBOX)}*"):
            leftover.unlink()
    typer.echo("The sandbox is empty.")
    return ExitCode.OK


@sandbox.command("serve")
def serve_sandbox(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Keep the account here instead of in the state's folder."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port; 0 takes any.")] = 8025,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines in.")
    ] = False,
    plan: Annotated[
        RatePlan, typer.Option("--plan", help="Which of Brevo's rate limits hold.")
    ] = RatePlan.GENERAL,
    latency: Annotated[
        float, typer.Option("--latency", min=0, help="Seconds that every answer takes.")
    ] = 0.0,
    fail: Annotated[
        list[str] | None,
        typer.Option("--fail", help="Answer this share with an error.", metavar="STATUS:SHARE"),
    ] = None,
    drop: Annotated[
        float, typer.Option("--drop", min=0, max=1, help="Break this share of connections.")
    ] = 0.0,
    lag: Annotated[
        float, typer.Option("--lag", min=0, help="Seconds that listings are behind.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="What the shares are drawn by.")] = 0,
    switches: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Set a switch of a fact that nobody knows.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> int:
    """Serve the emulated account over HTTP, for any client of Brevo's API.

    A page at / shows contacts, lists, jobs and the last requests.

    Example: customer-sync sandbox serve --port 8025 --fail 429:0.05
    """
    settings = _settings(
        {"plan": plan.value, "latency": latency, "drop": drop, "lag": lag, "seed": seed}
        | ({"fail": _shares(fail)} if fail else {})
        | dict(map(_switch, switches or []))
    )
    path = file if file is not None else state_folder(config, state) / SANDBOX_FILE
    serve(
        path,
        host=host,
        port=port,
        settings=settings,
        allow_remote=allow_remote,
        announce=lambda url: typer.echo(f"Brevo's emulator answers at {url} (Ctrl-C ends it)"),
    )
    return ExitCode.OK


def _settings(changes: dict[str, object]) -> Settings:
    try:
        return changed(Settings(), changes)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set, --fail") from error


def _shares(texts: list[str]) -> dict[str, object]:
    return {status: share for status, _, share in (text.partition(":") for text in texts)}


def _switch(text: str) -> tuple[str, object]:
    """Return a name and its value: a JSON value where it is one, else a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("Expected NAME=VALUE", param_hint="--set")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


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
