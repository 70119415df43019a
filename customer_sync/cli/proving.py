"""verify: does Brevo hold what the shop says, customer by customer?"""

import secrets
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    EncodingOption,
    JsonOption,
    PiiOption,
    QuietOption,
    SourceOption,
    StateOption,
    VerboseOption,
    limit,
    load_config,
    platform,
    state_folder,
)
from customer_sync.config import Config, Target
from customer_sync.console import PREVIEW_ROWS, Watch, make_console
from customer_sync.core.proving.sampling import CONFIDENCE, most_wrong
from customer_sync.core.proving.sheet import Entry, Farewell, Owner, Part, Sheet, Standing
from customer_sync.errors import ExitCode
from customer_sync.privacy import mask_email, mask_text, printable, printable_json
from customer_sync.proof.hearing import Sources
from customer_sync.proof.proving import Proof, Question, prove
from customer_sync.proof.sheetfiles import write_lists

_CUSTOMERS: Mapping[StrEnum, str] = {
    Standing.SYNCED: "as the shop says, and mailable",
    Standing.WITHOUT_CONSENT: "as the shop says, and blocked because the shop says no",
    Standing.BLOCKED: "blocked although the shop does not say no: unsubscribed, bounced, erased",
    Standing.DUPLICATE: "further ids at an address that another customer stands for",
    Standing.WITHOUT_ADDRESS: "nothing tells where to write to",
    Standing.INVALID: "no record of theirs can be used",
    Standing.PENDING: "wait in the retry queue",
    Standing.EXCEPTED: "differ because that was decided",
    Standing.DIFFERENT: "differ, and nothing explains it",
    Standing.UNSEEN: "not in the sample",
}
_DELETED: Mapping[StrEnum, str] = {
    Farewell.SETTLED: "out of use, or no contact at all",
    Farewell.PENDING: "wait in the retry queue",
    Farewell.WITHHELD: "the guard holds the deletion back",
    Farewell.DIFFERENT: "still in use, and nothing explains it",
    Farewell.UNSEEN: "not in the sample",
}
_CONTACTS: Mapping[StrEnum, str] = {
    Owner.CUSTOMER: "",
    Owner.DELETED: "",
    Owner.REMEMBERED: "written by earlier runs, and not in these sources",
    Owner.NOBODY: "not from this shop, as far as is known",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("verify")(verify)


def verify(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="What the shop says: as for `run`. Without any, what was confirmed counts.",
            metavar="SOURCES...",
            show_default=False,
        ),
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample",
            help="Look at this number or share (1%) of the customers, by a request each, instead "
            "of listing all of Brevo's contacts.",
            metavar="N|SHARE",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Look at the same sample again. Default: another each time."),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete", help="The sources list every customer: whoever is missing was deleted."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write the list behind every number to this folder, as CSV; with addresses in "
            "full, for your eyes only.",
            metavar="FOLDER",
        ),
    ] = None,
    source: SourceOption = None,
    encoding: EncodingOption = None,
    rows: Annotated[
        int, typer.Option("--rows", min=0, help="How many unexplained differences to show.")
    ] = PREVIEW_ROWS,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Read Brevo back and show, in sums that add up, how every customer stands.

    Nothing is written to Brevo. Exits 0 when nothing is unexplained, and 7 when something is.

    Example: customer-sync verify events.jsonl --out proof
    """
    wanted = limit("--sample", sample)
    if wanted is not None and not (wanted.count or wanted.share):
        raise typer.BadParameter("A sample of nobody proves nothing.", param_hint="--sample")
    if complete and not sources:
        raise typer.BadParameter("Name the sources that are complete.", param_hint="--complete")
    loaded = load_config(config)
    question = Question(
        sources=Sources(names=tuple(sources or ()), platform=platform(source), encoding=encoding),
        sample=wanted,
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        is_complete=complete,
    )
    stderr = make_console(stderr=True)
    with Watch(stderr, is_quiet=quiet, is_verbose=verbose) as watch:
        proof = prove(loaded, state_folder(config, state), question, watch)
    lists = {} if out is None else write_lists(out, proof.sheet)
    code = ExitCode.PARTIAL if proof.sheet.unexplained else ExitCode.OK
    if as_json:
        document = _document(proof, question, loaded, lists, rows=rows, show_pii=show_pii)
        typer.echo(
            printable_json(msgspec.json.format(msgspec.json.encode(document | {"exit_code": code})))
        )
    elif not quiet or code is not ExitCode.OK:
        _print(make_console(stderr=False), proof, question, loaded, rows=rows, show_pii=show_pii)
        if out is not None:
            typer.echo(f"The lists are in {printable(str(out))}.")
    return code


# ---------------------------------------------------------------- the document


def _document(
    proof: Proof,
    question: Question,
    config: Config,
    lists: Mapping[str, Path],
    *,
    rows: int,
    show_pii: bool,
) -> dict[str, object]:
    sheet = proof.sheet
    return {
        "target": config.brevo.target.value,
        "checked_at": proof.checked_at,
        "sources": question.sources.names,
        "records_read": proof.records_read,
        "rejections": proof.rejections,
        "rejections_of_known_customers": len(sheet.spare),
        "customers": _sums(sheet.customers, _CUSTOMERS),
        "deleted": _sums(sheet.deleted, _DELETED),
        "contacts": _sums(sheet.contacts, _CONTACTS) if sheet.contacts is not None else None,
        "sample": _sample(proof, question) if question.sample is not None else None,
        "adds_up": sheet.adds_up,
        "unexplained": sheet.unexplained,
        "differences": [
            _shown(entry, show_pii=show_pii) for entry in list(_differences(sheet))[:rows]
        ],
        "lists": {name: str(path) for name, path in lists.items()},
        "requests": proof.requests,
    }


def _sums(
    part: Part[Standing] | Part[Farewell] | Part[Owner], meanings: Mapping[StrEnum, str]
) -> dict[str, int]:
    counted = {kind.value: len(listed) for kind, listed in part.lists.items()}
    numbers = {kind.replace(" ", "_"): counted.get(kind.value, 0) for kind in meanings}
    return {"total": part.total} | numbers


def _sample(proof: Proof, question: Question) -> dict[str, object]:
    return {
        "looked_at": proof.looked_at,
        "of": proof.of,
        "seed": question.seed,
        "confidence": CONFIDENCE,
        "most_different": most_wrong(proof.of, proof.looked_at, proof.sheet.unexplained),
    }


def _differences(sheet: Sheet) -> Iterator[Entry]:
    yield from sheet.customers.lists.get(Standing.DIFFERENT, ())
    yield from sheet.deleted.lists.get(Farewell.DIFFERENT, ())


def _shown(entry: Entry, *, show_pii: bool) -> dict[str, object]:
    return {
        "email": _address(entry, show_pii=show_pii),
        "ids": sorted(entry.ids),
        "contact_id": entry.contact_id,
        "why": entry.why if show_pii else mask_text(entry.why),
        "fields": [field.name for field in entry.fields],
    }


def _address(entry: Entry, *, show_pii: bool) -> str | None:
    if entry.email is None:
        return None
    return entry.email if show_pii else mask_email(entry.email)


# ---------------------------------------------------------------- for people


def _print(
    console: Console,
    proof: Proof,
    question: Question,
    config: Config,
    *,
    rows: int,
    show_pii: bool,
) -> None:
    sheet = proof.sheet
    is_sample = question.sample is not None
    _print_part(console, "customers", sheet.customers, _CUSTOMERS, is_sample=is_sample)
    _print_part(console, "deleted customers", sheet.deleted, _DELETED, is_sample=is_sample)
    if sheet.contacts is not None:
        _print_part(console, "contacts in Brevo", sheet.contacts, _CONTACTS, is_sample=is_sample)
    if sheet.spare:
        console.print(
            f"{len(sheet.spare):,} rejected records besides, of customers who are known by others."
        )
    found = list(_differences(sheet))
    if found:
        console.print(_table_of(found[:rows], show_pii=show_pii))
    if len(found) > rows:
        console.print(f"… and {len(found) - rows:,} more (--rows shows more).", style="dim")
    if is_sample:
        console.print(_what_a_sample_proves(proof, question.seed))
    _print_verdict(console, sheet)
    if config.brevo.target is Target.SANDBOX:
        console.print("Target: the embedded sandbox.", style="dim")


def _print_part(
    console: Console,
    title: str,
    part: Part[Standing] | Part[Farewell] | Part[Owner],
    meanings: Mapping[StrEnum, str],
    *,
    is_sample: bool,
) -> None:
    counted = {kind.value: len(listed) for kind, listed in part.lists.items()}
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(min_width=38)
    table.add_column(justify="right", min_width=9)
    table.add_column()
    table.add_row(Text(title, style="bold"), Text(f"{part.total:,}", style="bold"), Text(""))
    for kind, meaning in meanings.items():
        number = counted.get(kind.value, 0)
        if kind.value == Standing.UNSEEN.value and not is_sample:
            continue
        is_bad = kind.value == Standing.DIFFERENT.value and number
        style = "bold red" if is_bad else ("" if number else "dim")
        words = (f"  {kind.value}", f"{number:,}", meaning)
        table.add_row(*(Text(word, style=style) for word in words))
    console.print(table)


def _table_of(entries: list[Entry], *, show_pii: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("different", "ids", "fields", "why"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            Text(printable(_address(entry, show_pii=show_pii) or "–")),
            Text(printable(", ".join(sorted(entry.ids)))),
            Text(printable(", ".join(field.name for field in entry.fields))),
            Text(printable(entry.why if show_pii else mask_text(entry.why))),
        )
    return table


def _what_a_sample_proves(proof: Proof, seed: int) -> str:
    most = most_wrong(proof.of, proof.looked_at, proof.sheet.unexplained)
    share = most / proof.of if proof.of else 0.0
    return (
        f"Looked at {proof.looked_at:,} of {proof.of:,} addresses (--seed {seed}). With "
        f"{CONFIDENCE:.0%} confidence, at most {most:,} of all ({share:.2%}) differ unexplained."
    )


def _print_verdict(console: Console, sheet: Sheet) -> None:
    if not sheet.unexplained:
        console.print("Nothing is unexplained.", style="green")
        return
    console.print(
        Text(
            f"{sheet.unexplained:,} differ and nothing explains it. `customer-sync run` with the "
            "same sources writes what is missing; `customer-sync explain EMAIL` tells why.",
            style="bold red",
        )
    )
