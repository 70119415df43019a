"""attributes, lists and doctor: the account, and whether everything is in place for a run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from customer_sync.brevo.answers import ContactList
from customer_sync.brevo.client import BrevoClient
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    JsonOption,
    StateOption,
    load_config,
    state_folder,
)
from customer_sync.config import Config
from customer_sync.console import make_console
from customer_sync.core.attributes import Finding, Fit, compare_attributes
from customer_sync.core.model import Attribute, AttributeType
from customer_sync.errors import ConfigError, ExitCode
from customer_sync.privacy import printable, printable_json
from customer_sync.proof.doctor import Check, Health, examine
from customer_sync.target import Connection, with_account
from customer_sync.trouble import Code

_HEALTH_STYLES = {Health.GOOD: "green", Health.DOUBTFUL: "yellow", Health.BAD: "red"}

attributes = typer.Typer(help="The account's attributes, next to those that are mapped.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(attributes, name="attributes")
    app.command("lists")(lists)
    app.command("doctor")(doctor)


@attributes.command("check")
def check(
    *, config: ConfigOption = CONFIG, state: StateOption = None, as_json: JsonOption = False
) -> int:
    """Compare the attributes that the configuration writes with those of the account.

    Exits 0 when all fit and 8 when a run would refuse.

    Example: customer-sync attributes check
    """
    loaded = load_config(config)
    findings = _findings(loaded, with_account(_connection(config, loaded, state), _attributes))
    code = ExitCode.OK if all(f.fit is Fit.GOOD for f in findings) else ExitCode.REFUSED
    if as_json:
        document = {"attributes": findings, "exit_code": code}
        typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(document), indent=2)))
    else:
        _print_findings(findings)
    return code


@attributes.command("create")
def create(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--options",
            help="The options of a category or multiple-choice attribute, as TIER=gold,silver.",
            metavar="NAME=A,B",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Create the attributes that the account lacks, each with the type that its field needs.

    Example: customer-sync attributes create --yes
    """
    loaded = load_config(config)
    connection = _connection(config, loaded, state)
    findings = _findings(loaded, with_account(connection, _attributes))
    missing = [f for f in findings if f.fit is Fit.MISSING]
    given = _given_options(options or [])
    _check_options(missing, given)
    if not missing:
        typer.echo("Nothing to create: the account has every attribute that is mapped.")
    else:
        names = ", ".join(f"{f.name} ({f.wanted})" for f in missing)
        if not yes:
            typer.confirm(f"Create {names} on {loaded.brevo.target}?", abort=True)

        async def create_all(client: BrevoClient) -> None:
            for finding in missing:
                await client.create_attribute(
                    finding.name, finding.wanted, given.get(finding.name, ())
                )

        with_account(connection, create_all)
        typer.echo(f"Created {names}.")
    unfit = [f for f in findings if f.fit in (Fit.OTHER_TYPE, Fit.UNWRITABLE)]
    _print_findings(unfit)
    return ExitCode.REFUSED if unfit else ExitCode.OK


def lists(
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    create_named: Annotated[
        str | None, typer.Option("--create", help="Create a list.", metavar="NAME")
    ] = None,
    folder: Annotated[
        int | None, typer.Option("--folder", help="The folder of the new list, by its number.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show the account's lists, and create one if asked.

    Example: customer-sync lists --create Customers
    """
    loaded = load_config(config)

    async def work(client: BrevoClient) -> tuple[ContactList, ...]:
        if create_named is not None:
            await client.create_list(create_named, await _folder(client, folder))
        return await client.lists()

    found = with_account(_connection(config, loaded, state), work)
    if as_json:
        typer.echo(
            printable_json(msgspec.json.format(msgspec.json.encode({"lists": found}), indent=2))
        )
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "name", "folder", ""):
        table.add_column(heading)
    for one in found:
        mark = "list_id" if one.id == loaded.policy.list_id else ""
        table.add_row(str(one.id), Text(printable(one.name)), str(one.folder_id or ""), mark)
    make_console(stderr=False).print(table)
    return ExitCode.OK


def doctor(
    *, config: ConfigOption = CONFIG, state: StateOption = None, as_json: JsonOption = False
) -> int:
    """Examine everything that a run needs, and say what to do about each red line.

    Exits 0 when nothing is red.

    Example: customer-sync doctor
    """
    checks = examine(config, state_folder(config, state), os.environ)
    code = max((c.exit_code for c in checks), default=ExitCode.OK)
    if as_json:
        document = {"checks": checks, "exit_code": code}
        typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(document), indent=2)))
    else:
        make_console(stderr=False).print(_check_table(checks))
    return code


# ---------------------------------------------------------------- shared


def _connection(config: Path, loaded: Config, state: Path | None) -> Connection:
    return Connection(config=loaded, state=state_folder(config, state), environ=os.environ)


async def _attributes(client: BrevoClient) -> dict[str, Attribute]:
    return await client.attributes()


async def _folder(client: BrevoClient, wanted: int | None) -> int:
    """Return the folder for a new list: the one asked for, else the first, else a new one."""
    if wanted is not None:
        return wanted
    folders = await client.folders()
    return folders[0].id if folders else await client.create_folder("customer-sync")


def _findings(config: Config, existing: Mapping[str, Attribute]) -> list[Finding]:
    return compare_attributes(config.rules, config.policy, existing)


def _given_options(options: list[str]) -> dict[str, tuple[str, ...]]:
    given = {}
    for text in options:
        name, equals, words = text.partition("=")
        values = tuple(word.strip() for word in words.split(",") if word.strip())
        if not equals or not values:
            raise typer.BadParameter("Expected NAME=A,B", param_hint="--options")
        given[name.strip().upper()] = values
    return given


def _check_options(missing: list[Finding], given: Mapping[str, tuple[str, ...]]) -> None:
    closed = (AttributeType.CATEGORY, AttributeType.MULTIPLE_CHOICE)
    without = [f.name for f in missing if f.wanted in closed and f.name not in given]
    if without:
        raise ConfigError(
            f"{', '.join(without)} can only be created together with its options.",
            trouble=Code.OPTIONS_MISSING,
            hint=f"Name them: --options {without[0]}=first,second",
        )


def _print_findings(findings: list[Finding]) -> None:
    if not findings:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("attribute", "wanted", "in Brevo", ""):
        table.add_column(heading)
    for f in findings:
        style = "green" if f.fit is Fit.GOOD else "red"
        table.add_row(f.name, f.wanted.value, f.found, Text(f.fit.value, style=style))
    make_console(stderr=False).print(table)


def _check_table(checks: list[Check]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "what", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for c in checks:
        health = Text(c.health.value, style=_HEALTH_STYLES[c.health])
        table.add_row(health, c.name, Text(printable(c.found)), Text(printable(c.remedy)))
    return table
