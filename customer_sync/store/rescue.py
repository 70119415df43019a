"""What of a damaged state can still be read: who said no, and what waited, for the new one."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from customer_sync.core.model import Customer

_KEY = "suppressions.key"

_Row: TypeAlias = Mapping[str, object]


def rescue(damaged: Path, into: sqlite3.Connection) -> bool:
    """Copy the suppression ledger and the retry queue as far as *damaged* gives them away.

    A row is taken only if it makes sense. Returns whether the ledger's key could be read, without
    which its entries say nothing.
    """
    try:
        old = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)
        # Lets SQLite read on in a file that has lost its end; nothing is written to it.
        old.execute("PRAGMA writable_schema = ON")
    except sqlite3.Error:
        return False
    with contextlib.closing(old):
        _copy("queue", old, into, _is_item)
        key = _key(old)
        if key is None:
            return False
        into.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_KEY, key))
        _copy("suppressions", old, into, _is_entry)
        return True


def _key(old: sqlite3.Connection) -> str | None:
    """Return what the ledger's hashes were made with."""
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
        (key,) = old.execute("SELECT value FROM facts WHERE name = ?", (_KEY,)).fetchone()
        return key if len(bytes.fromhex(key)) == 32 else None
    return None


def _copy(
    table: str,
    old: sqlite3.Connection,
    into: sqlite3.Connection,
    makes_sense: Callable[[_Row], bool],
) -> None:
    columns = _columns(old, table) & _columns(into, table)
    for row in _readable(old, table, sorted(columns)):
        if makes_sense(row):
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            into.execute(
                f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(row.values())
            )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of the columns; none where they cannot be read."""
    with contextlib.suppress(sqlite3.Error):
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    return set()


def _readable(old: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[_Row]:
    """Yield the rows from both ends of a table up to where it breaks off."""
    if not columns:
        return
    for direction in ("ASC", "DESC"):
        order = f"ORDER BY {_KEYS[table]} {direction}"
        try:
            for row in old.execute(f"SELECT {', '.join(columns)} FROM {table} {order}"):
                yield dict(zip(columns, row, strict=True))
        except sqlite3.Error:
            continue
        return


_KEYS = {"queue": "email", "suppressions": "hash"}
"""By what the rows are in order as they lie: none has to be sorted before it is seen."""


def _is_entry(row: _Row) -> bool:
    match row:
        case {"hash": bytes(one), "no_mail": 0 | 1, "no_sms": 0 | 1, "erased_at": None | str()}:
            return len(one) == 16
        case _:
            return False


def _is_item(row: _Row) -> bool:
    match row:
        case {"email": str(email), "customer": bytes(customer), "attempts": int()}:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                return msgspec.json.decode(customer, type=Customer).email == email
            return False
        case _:
            return False
