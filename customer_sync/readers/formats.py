"""What a file is, judged by what it holds."""

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

from customer_sync.errors import SourceError
from customer_sync.readers.csv_rows import is_header
from customer_sync.readers.sources import called
from customer_sync.readers.strict_json import JsonProblem, decode
from customer_sync.trouble import Code


class Format(StrEnum):
    """How records stand in a file."""

    JSON_LINES = "JSON lines"
    JSON = "JSON"
    CSV = "CSV"
    EMPTY = "empty"


_LINE_SUFFIXES = frozenset({".jsonl", ".ndjson"})


def recognise(name: str, head: str, *, ending: str, identity: Collection[str] = ()) -> Format:
    """Return the format of the file called *name*, which begins with *head*.

    Content decides; the name only helps where the content is damaged. *identity* is as for
    `is_header`.

    Raises:
        SourceError: it is none of those that are read here.
    """
    start = head.lstrip()
    if not start:
        return Format.EMPTY
    if start.startswith("["):
        return Format.JSON
    first, _, others = start.partition(ending)
    if start.startswith("{"):
        is_one_per_line = _is_object(first) or not others or others.startswith("{")
        return Format.JSON_LINES if is_one_per_line else Format.JSON
    if is_header(first.strip(), identity):
        return Format.CSV
    if _is_named_as_lines(name) or any(map(_is_object, others.split(ending))):
        return Format.JSON_LINES
    raise SourceError(
        f"{called(name)} is not recognised: it is neither JSON nor CSV.",
        trouble=Code.NOT_RECOGNISED,
        hint="The first line of a CSV file has to name the columns, id or email among them; "
        "where the address goes by another name, map that name to EMAIL.",
    )


def _is_object(line: str) -> bool:
    try:
        return isinstance(decode(line.strip()), dict)
    except JsonProblem:
        return False


def _is_named_as_lines(name: str) -> bool:
    return not _LINE_SUFFIXES.isdisjoint(suffix.lower() for suffix in Path(name).suffixes)


def line_ending(head: str) -> str:
    r"""Return `\r` for the files of very old programs, which know no `\n`."""
    return "\r" if "\r" in head and "\n" not in head else "\n"
