"""The questions of `init`, and what the account says to them."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import typer
from rich.text import Text

from customer_sync.brevo.answers import ContactList
from customer_sync.brevo.client import BrevoClient
from customer_sync.config import Config
from customer_sync.console import make_console
from customer_sync.core.attributes import Finding, Fit, compare_attributes
from customer_sync.core.model import Attribute, AttributeType, SourceName
from customer_sync.core.platforms import Platform, platform_named, platforms
from customer_sync.errors import BrevoUnavailable
from customer_sync.privacy import printable
from customer_sync.target import Connection, with_account

Word = TypeVar("Word", bound=StrEnum)

_CLOSED = (AttributeType.CATEGORY, AttributeType.MULTIPLE_CHOICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the account has, which the answers are chosen from."""

    company: str
    lists: tuple[ContactList, ...]
    attributes: dict[str, Attribute]


def is_terminal() -> bool:
    """Tell whether there is somebody who can be asked."""
    return sys.stdin.isatty()


def say(line: str) -> None:
    """Say something that is no output of the command."""
    make_console(stderr=True).print(Text(printable(line)), soft_wrap=True)


def ask_word(question: str, kind: type[Word], default: Word) -> Word:
    """Ask for one of the words of *kind*; the empty answer is *default*."""
    return kind(typer.prompt(question, default=default.value, type=kind))


def ask_platform() -> Platform:
    """Ask where customers come from, until the answer is a platform; the empty one is custom."""
    names = ", ".join(platforms())
    while True:
        answer = ask_text(f"Where do customers come from? ({names})", SourceName.CUSTOM)
        if (found := platform_named(answer.lower())) is not None:
            return found
        say("There is no such platform.")


def ask_text(question: str, default: str = "") -> str:
    """Ask for a text; the empty answer is *default*."""
    answer: str = typer.prompt(question, default=default, show_default=bool(default))
    return answer.strip()


def ask_list(lists: Sequence[ContactList]) -> int | None:
    """Ask for a list: one of the account's where it is known; None: no list."""
    for one in lists:
        say(f"  {one.id}  {one.name}")
    known = {one.id for one in lists}
    while True:
        number: int = typer.prompt("Which list at Brevo? (0: none)", default=0, type=int)
        if number == 0:
            return None
        if number in known or (not known and number > 0):
            return number
        say("That is the number of no list; the numbers stand at the left.")


def ask_account(config: Config, folder: Path) -> Account | None:
    """Return what the account has; None where it cannot be reached, or its key is not set.

    Raises:
        BrevoAuthError: Brevo refuses the key.
        ConfigError: the key cannot be one.
    """
    variable = config.brevo.api_key_variable
    if variable is None or not os.environ.get(variable):
        say(f"{variable} is not set, so the account is not asked. Later: customer-sync doctor")
        return None

    async def work(client: BrevoClient) -> Account:
        account = await client.account()
        return Account(
            company=account.company,
            lists=await client.lists(),
            attributes=await client.attributes(),
        )

    connection = Connection(config=config, state=folder, environ=os.environ)
    try:
        found = with_account(connection, work)
    except BrevoUnavailable as error:
        say(f"The account cannot be asked now: {error.message}")
        return None
    say(f"The key in {variable} opens the account of {found.company}.")
    return found


def missing_attributes(config: Config, account: Account) -> list[Finding]:
    """Return what the account lacks of what the configuration writes, and can be created here.

    Whatever needs a list of its options is left to `customer-sync attributes create --options`.
    """
    findings = compare_attributes(config.rules, config.policy, account.attributes)
    return [f for f in findings if f.fit is Fit.MISSING and f.wanted not in _CLOSED]


def create_attributes(config: Config, folder: Path, missing: Sequence[Finding]) -> None:
    """Create each with the type that its field needs.

    Raises:
        BrevoError: the account does not take one.
    """

    async def work(client: BrevoClient) -> None:
        for finding in missing:
            await client.create_attribute(finding.name, finding.wanted, ())

    with_account(Connection(config=config, state=folder, environ=os.environ), work)
