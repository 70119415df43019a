"""CSV as Brevo reads and writes it: semicolons between fields, a header on top."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_SEPARATOR = ";"
_LONGEST_FIELD = 10_000_000

csv.field_size_limit(_LONGEST_FIELD)


def parse(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows that follow it; blank lines are left out.

    Raises:
        ValueError: The text is no CSV.
    """
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=_SEPARATOR))
    except csv.Error as problem:
        raise ValueError(str(problem)) from None
    if not lines:
        return [], []
    header = [name.strip() for name in lines[0]]
    return header, [dict(zip(header, line, strict=False)) for line in lines[1:] if any(line)]


def write(header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a CSV text; what a row lacks is empty, arrays are joined by commas."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=_SEPARATOR, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_spelled(row.get(name)) for name in header])
    return out.getvalue()


def _spelled(value: object) -> object:
    if isinstance(value, list):
        return ",".join(str(each) for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
