"""Records of shops' files for tests, and what a platform's formats make of them."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from customer_sync.core.model import Place, Record, Rejection
from customer_sync.platforms.format import Format, Sample, Understood, Wanted

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
SHARED = ROOT.parent / "shared" / "platform-samples"
"""Files that nobody here wrote; only read in place, and not everywhere there."""

WRITTEN_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def record(content: object, line: int = 1) -> Record:
    """Return *content* as a record of a file."""
    return Record(place=Place(file="export", line=line), content=content, written_at=WRITTEN_AT)


def decoded(path: Path) -> tuple[tuple[str, ...], list[Record]]:
    """Return the columns and the records of a file; an array's items are records of their own."""
    text = path.read_text("utf-8-sig")
    if path.suffix == ".csv":
        reader = csv.DictReader(text.splitlines(keepends=True))
        rows = [record(row, line) for line, row in enumerate(reader, 2)]
        return tuple(reader.fieldnames or ()), rows
    values = (
        [json.loads(line) for line in text.splitlines()]
        if path.suffix == ".jsonl"
        else json.loads(text)
    )
    items = values if isinstance(values, list) else [values]
    return (), [record(item, line) for line, item in enumerate(items, 1)]


def recognised_by(
    formats: Iterable[Format], columns: Sequence[str] = (), contents: Iterable[object] = ()
) -> list[str]:
    """Return the names of the *formats* that recognise a sample."""
    sample = Sample(name="export", columns=tuple(columns), contents=tuple(contents))
    return [each.name for each in formats if each.recognise(sample)]


def read_file(
    formats: Iterable[Format], path: Path, wanted: Wanted | None = None
) -> tuple[str, list[Understood]]:
    """Return the name of the one format that recognises a file, and what it understands."""
    columns, records = decoded(path)
    contents = tuple(each.content for each in records[:5])
    sample = Sample(name=path.name, columns=columns, contents=contents)
    (chosen,) = (each for each in formats if each.recognise(sample))
    return chosen.name, list(chosen.understand(records, wanted or Wanted()))


def understood(chosen: Format, *contents: object, wanted: Wanted | None = None) -> list[Understood]:
    """Return what a format understands of *contents*, one a line."""
    records = [record(content, line) for line, content in enumerate(contents, 1)]
    return list(chosen.understand(records, wanted or Wanted()))


def event(item: Understood) -> Mapping[str, object]:
    """Return the event that was understood."""
    assert isinstance(item, Record), item
    return cast("Mapping[str, object]", item.content)


def fields(item: Understood) -> Mapping[str, object]:
    """Return the customer's fields in the event that was understood."""
    return cast("Mapping[str, object]", event(item)["data"])


def warned(item: Understood) -> set[str]:
    """Return the fields that the event warns about."""
    warnings = cast("list[dict[str, str]]", event(item).get("warnings", []))
    return {warning["field"] for warning in warnings}


def rule(item: Understood) -> tuple[str, str]:
    """Return the rule and the pointer of the one problem of a rejection."""
    assert isinstance(item, Rejection), item
    (problem,) = item.problems
    return problem.rule, problem.pointer


def named(formats: Iterable[Format], name: str) -> Format:
    """Return the format whose name begins with *name*."""
    return next(each for each in formats if each.name.startswith(name))
