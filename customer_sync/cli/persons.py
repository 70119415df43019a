"""erase, export-subject and suppressions: what a person may ask for."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from typer.core import TyperCommand

from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    JsonOption,
    PiiOption,
    StateOption,
    load_config,
    state_folder,
)
from customer_sync.cli.running import new_run_id
from customer_sync.config import Target
from customer_sync.console import make_console
from customer_sync.core.model import Email
from customer_sync.core.validate import EmailInvalid, email_address
from customer_sync.errors import ExitCode, SourceError
from customer_sync.persons.erasure import Preview, Receipt, erase
from customer_sync.persons.ledger import lift, remembered
from customer_sync.persons.subject import export
from customer_sync.privacy import mask_email, printable, printable_json
from customer_sync.private_file import write_private
from customer_sync.target import Connection
from customer_sync.trouble import Code

STDOUT = Path("-")
RECEIPT = "--receipt"

AddressArgument: TypeAlias = Annotated[
    str, typer.Argument(help="The person's address.", metavar="EMAIL")
]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

suppressions = typer.Typer(help="Who was blocked or erased, and must not come back mailable.")


class CommandWithReceipt(TyperCommand):
    """A command whose receipt goes to standard output where no file is named after the option."""

    # Typer declares its private base class of the context that it gives.
    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse *args*, with the name of standard output where the option stands without one."""
        following = [*args[1:], "--"]
        spelled: list[str] = []
        for word, after in zip(args, following, strict=True):
            spelled.append(word)
            if word == RECEIPT and after.startswith("-") and after != str(STDOUT):
                spelled.append(str(STDOUT))
        return super().parse_args(ctx, spelled)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("erase", cls=CommandWithReceipt)(erase_person)
    app.command("export-subject")(export_subject)
    app.add_typer(suppressions, name="suppressions")


def erase_person(
    address: AddressArgument,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    receipt: Annotated[
        Path | None,
        typer.Option(
            RECEIPT,
            help="Keep the receipt in a file as JSON; `-`, or nothing, is standard output.",
            metavar="FILE|-",
        ),
    ] = None,
    yes: YesOption = False,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
) -> int:
    """Erase a person: at Brevo, in the state, and in the files beside it, for good.

    A keyed hash stays, so that no later export brings the person back. Exits 7 when a file still
    holds the address, and 6 when Brevo cannot be reached: then give the same command again.

    Example: customer-sync erase jane@example.com --receipt receipt.json
    """
    email = _address(address)
    loaded = load_config(config)
    stderr = make_console(stderr=True)
    if not loaded.enabled:
        name = printable(str(config))
        stderr.print(f"customer-sync is disabled in {name}; nobody was erased.", markup=False)
        return ExitCode.OK

    def confirm(preview: Preview) -> None:
        for line in _foreseen(preview, loaded.brevo.target, show_pii=show_pii):
            stderr.print(printable(line), markup=False, highlight=False, soft_wrap=True)
        if not yes:
            typer.confirm("Erase this person? It cannot be undone.", abort=True, err=True)

    done = erase(
        Connection(config=loaded, state=state_folder(config, state), environ=os.environ),
        email,
        run_id=new_run_id(),
        shown_as=email if show_pii else mask_email(email),
        confirm=confirm,
    )
    if as_json or receipt == STDOUT:
        typer.echo(printable_json(done.to_json()))
    else:
        for line in _receipt(done):
            typer.echo(printable(line))
    # At last: whatever is wrong with that file, the receipt was seen.
    if receipt is not None and receipt != STDOUT:
        _keep(receipt, done.to_json())
    return done.exit_code


def export_subject(
    address: AddressArgument,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write to a file instead of standard output.", metavar="FILE"),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave out what Brevo holds; ask nobody.")
    ] = False,
) -> int:
    """Collect all that is held about a person, as one JSON document that explains itself.

    Nothing is changed, neither here nor at Brevo. The document shows everything in clear.

    Example: customer-sync export-subject jane@example.com --out jane.json
    """
    email = _address(address)
    connection = Connection(
        config=load_config(config), state=state_folder(config, state), environ=os.environ
    )
    document = export(connection, email, is_offline=offline)
    if out is None:
        typer.echo(printable_json(document))
    else:
        _keep(out, document)
        make_console(stderr=True).print(
            f"Written to {printable(str(out))}, for your eyes only.", markup=False
        )
    return ExitCode.OK


@suppressions.command("check")
def check(
    address: AddressArgument,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell whether the ledger remembers that an address was blocked or erased.

    Example: customer-sync suppressions check jane@example.com
    """
    email = _address(address)
    known = remembered(load_config(config), state_folder(config, state), email)
    typer.echo(printable_json(known.to_json()) if as_json else str(known))
    return ExitCode.OK


@suppressions.command("lift")
def lift_suppression(
    address: AddressArgument,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    yes: YesOption = False,
) -> int:
    """Let the ledger forget an address, for somebody who wants mail again and can prove it.

    A block that stands at Brevo is not lifted.

    Example: customer-sync suppressions lift jane@example.com --yes
    """
    email = _address(address)
    loaded = load_config(config)
    if not loaded.enabled:
        make_console(stderr=True).print(
            f"customer-sync is disabled in {printable(str(config))}; nothing was done.",
            markup=False,
        )
        return ExitCode.OK
    if not yes:
        typer.confirm(
            f"Forget that {mask_email(email)} was blocked or erased? The next export that lists "
            "the person makes a contact that may be mailed.",
            abort=True,
            err=True,
        )
    count = lift(loaded, state_folder(config, state), email, run_id=new_run_id())
    typer.echo(
        f"Forgotten: {count} entries." if count else "The ledger says nothing about this address."
    )
    return ExitCode.OK


# ---------------------------------------------------------------- in words


def _address(text: str) -> Email:
    """Return the address as contacts are compared by.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return email_address(text)
    except EmailInvalid as error:
        raise typer.BadParameter(str(error), param_hint="EMAIL") from error


def _keep(path: Path, document: bytes) -> None:
    """Write *document* to *path*, for its owner's eyes only.

    Raises:
        SourceError: it cannot be written.
    """
    try:
        write_private(path, document + b"\n")
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error


def _foreseen(preview: Preview, target: Target, *, show_pii: bool) -> Iterator[str]:
    person = preview.person
    names = (e if show_pii else mask_email(e) for e in sorted(person.emails))
    yield f"Known as {', '.join(names)}, and by {len(person.ids)} ids of the shop."
    yield f"  at Brevo ({target}): every contact at these addresses is deleted for good"
    yield f"  in the state: {_counted(preview.rows)}"
    yield f"  in files: {_counted(preview.files)}"
    yield "  kept: keyed hashes, so that no export brings the person back"


def _counted(counts: Mapping[str, int]) -> str:
    found = [f"{name} {n}" for name, n in counts.items() if n]
    return ", ".join(found) or "nothing"


def _receipt(done: Receipt) -> Iterator[str]:
    yield f"Erased: {done.person}"
    yield f"  when     {done.erased_at:%Y-%m-%dT%H:%M:%SZ}"
    yield f"  run      {done.run_id}"
    contacts = ", ".join(map(str, done.contacts)) or "none was there"
    yield f"  Brevo    {done.target}; contacts deleted: {contacts}"
    yield f"  state    {_counted(done.state)}"
    yield f"  files    {_counted(done.files)}"
    yield f"  known as {done.addresses} addresses, {done.shop_ids} ids of the shop"
    for one in done.hashes:
        yield f"  kept     {one}"
    for left in done.leftovers:
        yield f"  LEFT     {left.file}: {left.remedy}"
