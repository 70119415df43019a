"""inspect: what a file is, what is in it, and what it could be mapped to."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from customer_sync.cli.options import (
    EncodingOption,
    JsonOption,
    PiiOption,
    SourceOption,
    load_config,
    platform,
)
from customer_sync.console import make_console
from customer_sync.core.model import AttributeType, Event
from customer_sync.core.platforms import Platform
from customer_sync.core.validate import EventValidator
from customer_sync.errors import ExitCode
from customer_sync.event_schema import event_schema
from customer_sync.platforms.asking import wanted_by
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.reading import Asked, Seen, open_seen
from customer_sync.privacy import mask_email, printable, printable_json
from customer_sync.proof.inspection import (
    Column,
    Tally,
    attribute_name,
    columns,
    json_names,
    mapping,
    tally,
)

_SHOWN = ("id", "email", "firstName", "lastName", "phone", "acceptsMarketing")
_LEFT = 2
"""How many characters of a value stay readable where it is masked."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("inspect")(inspect)


def inspect(
    file: Annotated[str, typer.Argument(help="A file, or `-` for standard input.")],
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Read it as this configuration says.", metavar="FILE"),
    ] = None,
    source: SourceOption = None,
    encoding: EncodingOption = None,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
) -> int:
    """Show what a file is taken for, what is in it, and a mapping for it; nothing is written.

    Example: customer-sync inspect export.csv
    """
    asked = _asked(config, platform(source), encoding)
    with open_seen(file, stdin=sys.stdin.buffer, now=datetime.now(UTC), asked=asked) as (
        seen,
        records,
    ):
        found = columns(seen.sample, seen.recognised.format, asked.wanted)
        counted = tally(records, EventValidator(event_schema()))
    if as_json:
        document = _document(file, seen, found, counted, show_pii=show_pii)
        typer.echo(printable_json(json.dumps(document, indent=2, ensure_ascii=False)))
    else:
        _print(make_console(stderr=False), file, seen, found, counted, show_pii=show_pii)
    return ExitCode.OK


def _asked(config: Path | None, source: Platform | None, encoding: str | None) -> Asked:
    is_forced = source is not None
    asks = Wanted()
    if config is not None:
        loaded = load_config(config)
        source = source or loaded.source
        asks = wanted_by(loaded)
    return Asked(source=source, is_forced=is_forced, wanted=asks, encoding=encoding)


# ---------------------------------------------------------------- the document


def _document(
    file: str, seen: Seen, found: tuple[Column, ...], counted: Tally, *, show_pii: bool
) -> dict[str, object]:
    names = sorted(counted.fields)
    return {
        "file": file,
        "format": seen.recognised.format.name,
        "platform": str(seen.recognised.format.platform),
        "reason": seen.recognised.reason,
        "notation": seen.source.file.format.value,
        "encoding": seen.source.file.encoding,
        "compression": seen.source.file.compression.value,
        "columns": [
            {"name": c.name, "fields": list(c.fields), "is_secret": c.is_secret} for c in found
        ],
        "names": list(json_names(seen.sample)) if not found else [],
        "records": counted.records,
        "rejections": dict(counted.rejections),
        "events": dict(counted.triggers),
        "fields": {
            name: {
                "values": counted.fields[name].values,
                "empty": counted.fields[name].empty,
                "absent": counted.absent(name),
                "odd": counted.fields[name].odd,
            }
            for name in names
        },
        "without_email": counted.without_email,
        "repeated_emails": counted.repeated_emails,
        "repeated_ids": counted.repeated_ids,
        "first": [_shown(event, show_pii=show_pii) for event in counted.first],
        "mapping": {
            name: {"attribute": attribute, "type": kind.value}
            for name, (attribute, kind) in mapping(counted).items()
        },
    }


def _shown(event: Event, *, show_pii: bool) -> dict[str, object]:
    return {
        name: value if show_pii else _masked(name, value)
        for name in _SHOWN
        if (value := event.fields.get(name)) is not None
    }


def _masked(name: str, value: object) -> object:
    if name in {"id", "acceptsMarketing"}:
        return value
    text = str(value)
    if name == "email":
        return mask_email(text)
    return f"***{text[-_LEFT:]}" if name == "phone" else f"{text[:1]}***"


# ---------------------------------------------------------------- for people


def _print(
    console: Console,
    file: str,
    seen: Seen,
    found: tuple[Column, ...],
    counted: Tally,
    *,
    show_pii: bool,
) -> None:
    source = seen.source.file
    _say(console, f"{file}: {seen.recognised}")
    _say(console, f"{source.format}, {source.encoding}, compression {source.compression}")
    rejected = sum(counted.rejections.values())
    _say(console, f"{counted.records:,} records, {rejected:,} to be rejected")
    for line in _oddities(counted):
        _say(console, f"  {line}")
    if found:
        _print_columns(console, found)
    elif names := json_names(seen.sample):
        _say(console, f"names: {', '.join(names)}")
    _print_fields(console, counted)
    _print_first(console, counted, show_pii=show_pii)
    console.print()
    _say(console, "A mapping for config.yaml:")
    for line in _yaml(seen, found, counted):
        typer.echo(printable(line))


def _say(console: Console, line: str) -> None:
    console.print(Text(printable(line)))


def _oddities(counted: Tally) -> Iterator[str]:
    for rule, count in counted.rejections.most_common():
        yield f"{count:,} rejected by the rule {rule}"
    if counted.without_email:
        yield f"{counted.without_email:,} without an address"
    if counted.repeated_emails:
        yield f"{counted.repeated_emails:,} with an address that an earlier record has"
    if counted.repeated_ids:
        yield f"{counted.repeated_ids:,} with an id that an earlier record has"


def _print_columns(console: Console, found: tuple[Column, ...]) -> None:
    table = _table("column", "becomes")
    for column in found:
        becomes = ", ".join(column.fields)
        if column.is_secret:
            becomes = "never read"
        table.add_row(Text(printable(column.name)), Text(becomes or "–"))
    console.print(table)


def _print_fields(console: Console, counted: Tally) -> None:
    table = _table("field", "values", "empty", "absent", "odd")
    for name in sorted(counted.fields):
        count = counted.fields[name]
        numbers = (count.values, count.empty, counted.absent(name), count.odd)
        table.add_row(Text(printable(name)), *(f"{number:,}" for number in numbers))
    console.print(table)


def _print_first(console: Console, counted: Tally, *, show_pii: bool) -> None:
    rows = [_shown(event, show_pii=show_pii) for event in counted.first]
    names = [name for name in _SHOWN if any(name in row for row in rows)]
    table = _table(*names)
    for row in rows:
        table.add_row(*(Text(printable(str(row.get(name, "–")))) for name in names))
    if names:
        console.print(table)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _yaml(seen: Seen, found: tuple[Column, ...], counted: Tally) -> Iterator[str]:
    yield f"source: {seen.recognised.format.platform}"
    yield "field_mapping:"
    yield "  email: EMAIL"
    for name, (attribute, kind) in mapping(counted).items():
        yield f"  {name}: {_target(attribute, kind)}"
    for column in found:
        if not column.fields and not column.is_secret:
            name = json.dumps(column.name, ensure_ascii=False)
            yield f"  # {name}: {attribute_name(column.name)}"


def _target(attribute: str, kind: AttributeType) -> str:
    if kind is AttributeType.TEXT:
        return attribute
    return f"{{attribute: {attribute}, type: {kind.value}}}"
