"""notify: whether notifications arrive, and those that did not yet."""

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    JsonOption,
    StateOption,
    load_config,
    state_folder,
)
from customer_sync.config import Config, RunEvent
from customer_sync.console import make_console
from customer_sync.errors import ConfigError, ExitCode
from customer_sync.notify.delivery import Answer, deliver
from customer_sync.notify.flushing import Flushed
from customer_sync.notify.flushing import flush as flush_outbox
from customer_sync.notify.herald import letters_of, new_id
from customer_sync.notify.messages import for_trial
from customer_sync.notify.recipients import Recipients, names_of, recipients_of
from customer_sync.privacy import printable, printable_json
from customer_sync.store import Store
from customer_sync.target import state_file
from customer_sync.trouble import Code

notify = typer.Typer(help="Notifications: whether they arrive, and those that did not yet.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(notify, name="notify")


@notify.command("test")
def send_test(
    *,
    event: Annotated[
        RunEvent, typer.Option("--event", help="Which notification to send.")
    ] = RunEvent.SYNC_COMPLETED,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Send everybody a notification, marked as a test, and tell what came back.

    Exits 7 when somebody could not be told. It is not kept for later.

    Example: customer-sync notify test --event sync_failed
    """
    settings = load_config(config)
    recipients = _recipients(settings)
    now = datetime.now(UTC)
    message = for_trial(event, target=str(settings.brevo.target), at=now).message(new_id())
    answers = {
        name: Answer(is_delivered=False, told=f"{flaw.message} {flaw.hint or ''}".rstrip())
        for name, flaw in recipients.flaws.items()
    }
    for one in recipients.ready:
        (letter,) = letters_of(message, [one.name], now)
        answers[one.name] = deliver(letter, one, pause=time.sleep)
        one.close()
    is_well = all(answer.is_delivered for answer in answers.values())
    code = ExitCode.OK if is_well else ExitCode.PARTIAL
    if as_json:
        told = {
            name: {"delivered": answer.is_delivered, "told": answer.told}
            for name, answer in answers.items()
        }
        _print_json({"id": message.id, "recipients": told, "exit_code": code})
    else:
        _print(
            f"{name}: {'delivered' if answer.is_delivered else 'not delivered'}: {answer.told}"
            for name, answer in answers.items()
        )
    return code


@notify.command("flush")
def flush(
    *, config: ConfigOption = CONFIG, state: StateOption = None, as_json: JsonOption = False
) -> int:
    """Send what did not arrive yet.

    Every run does so too. Exits 7 when something is left.

    Example: customer-sync notify flush
    """
    settings = load_config(config)
    recipients = _recipients(settings)
    path = state_folder(config, state) / state_file(settings.brevo.target)
    flushed = Flushed(delivered={}, left={}, reasons={})
    if path.exists():
        with Store(path) as store:
            flushed = flush_outbox(store, recipients, pause=time.sleep)
    code = ExitCode.PARTIAL if flushed.left else ExitCode.OK
    if as_json:
        _print_json({**msgspec.to_builtins(flushed), "exit_code": code})
    else:
        _print(_lines(flushed))
    return code


def _lines(flushed: Flushed) -> Iterable[str]:
    if not flushed.delivered and not flushed.left:
        yield "Nothing waits to be told."
    for name, count in flushed.delivered.items():
        yield f"{name}: {count:,} delivered"
    for name, count in flushed.left.items():
        why = f": {flushed.reasons[name]}" if name in flushed.reasons else ""
        yield f"{name}: {count:,} not delivered{why}"


def _recipients(config: Config) -> Recipients:
    """Return whom to tell.

    Raises:
        ConfigError: nobody.
    """
    if not names_of(config.notifications):
        raise ConfigError(
            f"{config.path} names nobody to tell.",
            trouble=Code.NOTIFICATION,
            hint="Add `notifications:` with a `webhook_url:` or with `services:`.",
        )
    return recipients_of(config.notifications, os.environ)


def _print(lines: Iterable[str]) -> None:
    console = make_console(stderr=False)
    for line in lines:
        console.print(Text(printable(line)))


def _print_json(document: object) -> None:
    typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(document), indent=2)))
