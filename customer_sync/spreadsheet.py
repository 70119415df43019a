"""CSV files that people open in a spreadsheet: nothing in them is taken for a formula."""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from customer_sync.errors import SourceError
from customer_sync.trouble import Code

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate instead of show (OWASP, CSV injection)."""


def safe_cell(text: str) -> str:
    """Return *text* so that a spreadsheet shows it; an apostrophe goes before what it would run."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file for its owner's eyes only (mode 0600), in place of one that is there.

    Raises:
        SourceError: it cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(  # noqa: PTH123 - a descriptor, not a path
            descriptor, "w", encoding="utf-8", newline=""
        ) as file:
            table = csv.writer(file)
            table.writerow(header)
            table.writerows([safe_cell(cell) for cell in row] for row in rows)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be written: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a folder that you may write to, on a disk with room.",
        ) from error
