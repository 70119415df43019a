"""Files for spreadsheets: read back as they are, and nothing in them is a formula."""

import csv
import stat
from pathlib import Path

import pytest

from customer_sync.errors import SourceError
from customer_sync.spreadsheet import safe_cell, write_table


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_would_begin_a_formula_is_text(start: str) -> None:
    """An apostrophe makes spreadsheets show it."""
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "jane@example.com", "1-2", "'=1", "Ünal, Jane"])
def test_everything_else_stays(text: str) -> None:
    """Addresses above all."""
    assert safe_cell(text) == text


def test_a_table_is_read_back(tmp_path: Path) -> None:
    """Commas, quotes and line breaks included; only its owner reads it."""
    path = tmp_path / "list.csv"
    rows = [("jane@example.com", 'said "no", twice'), ("", "two\nlines")]
    write_table(path, ("email", "why"), rows)
    with path.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("email", "why"), *rows]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_table_is_replaced(tmp_path: Path) -> None:
    """Whoever could read that one."""
    path = tmp_path / "list.csv"
    path.write_text("old")
    path.chmod(0o644)
    write_table(path, ("email",), [])
    assert path.read_text() == "email\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_table_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """With the path."""
    with pytest.raises(SourceError, match=r"list\.csv cannot be written"):
        write_table(tmp_path / "missing" / "list.csv", ("email",), [])
