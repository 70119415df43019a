"""The inbox: what was received and has not yet gone through the pipeline, in a file of its own."""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import msgspec

from customer_sync.core.model import Record, Rejection
from customer_sync.errors import StoreError
from customer_sync.store.database import telling, transaction
from customer_sync.trouble import Code

INBOX_FILE = "inbox.db"
"""Its name in the folder of the state."""

REMEMBERED_FOR = timedelta(days=7)
"""How long a delivery is known again: longer than any platform goes on to repeat it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    is_rejected INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    name TEXT PRIMARY KEY,
    received_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_by_age ON deliveries (received_at);
CREATE TABLE IF NOT EXISTS places (
    path TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;
"""
_VERSION = 1

Received: TypeAlias = Record | Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What arrives together, and is kept together or not at all."""

    records: tuple[Received, ...]
    names: tuple[str, ...] = ()
    """What it is known by: a delivery of which one name is known already says nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record in the inbox."""

    number: int
    """Grows in the order of receiving, and is never given again."""
    record: Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits, and since when."""

    count: int
    oldest: datetime | None


class Inbox:
    """An open inbox, for the thread that opened it.

    What is kept outlives a loss of power. Every method may raise StoreError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / INBOX_FILE
        with telling(self.path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(self.path, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA busy_timeout = 3000")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreError(
                f"The inbox {self.path} was written by a newer version of customer-sync.",
                trouble=Code.STATE_NEWER,
                hint="Install that version again, or name another folder with --state.",
            )
        if version < _VERSION:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep(
        self,
        deliveries: Sequence[Delivery],
        *,
        now: datetime,
        places: Mapping[str, bytes] | None = None,
    ) -> list[bool]:
        """Keep all *deliveries*, or none, in one commit; return which of them were new.

        *places* says how far files were read that the deliveries were taken from.
        """
        with telling(self.path), transaction(self._db, is_durable=True):
            news = [self._keep(one, now.isoformat()) for one in deliveries]
            self._db.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?)", (places or {}).items()
            )
            return news

    def _keep(self, delivery: Delivery, now: str) -> bool:
        known = (self._is_known(name) for name in delivery.names)
        if any(known):
            return False
        self._db.executemany(
            "INSERT OR IGNORE INTO deliveries VALUES (?, ?)",
            ((name, now) for name in delivery.names),
        )
        self._db.executemany(
            "INSERT INTO entries (received_at, is_rejected, body) VALUES (?, ?, ?)",
            ((now, isinstance(r, Rejection), msgspec.json.encode(r)) for r in delivery.records),
        )
        return True

    def _is_known(self, name: str) -> bool:
        row = self._db.execute("SELECT 1 FROM deliveries WHERE name = ?", (name,)).fetchone()
        return row is not None

    def oldest(self, most: int) -> list[Entry]:
        """Return up to *most* entries in the order in which they were received."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT number, is_rejected, body FROM entries ORDER BY number LIMIT ?", (most,)
            ).fetchall()
        return [
            Entry(
                number=number,
                record=_decoded(body, is_rejected=bool(is_rejected)),
            )
            for number, is_rejected, body in rows
        ]

    def remove(self, entries: Iterable[Entry]) -> None:
        """Forget *entries*, which the pipeline has accepted."""
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "DELETE FROM entries WHERE number = ?", ((e.number,) for e in entries)
            )

    def waiting(self) -> Waiting:
        """Return how much waits."""
        with telling(self.path):
            count, oldest = self._db.execute(
                "SELECT count(*), (SELECT received_at FROM entries ORDER BY number LIMIT 1)"
                " FROM entries"
            ).fetchone()
        return Waiting(count=int(count), oldest=datetime.fromisoformat(oldest) if oldest else None)

    def forget_deliveries(self, now: datetime) -> None:
        """Forget the names of deliveries that nobody repeats any more."""
        with telling(self.path), transaction(self._db):
            self._db.execute(
                "DELETE FROM deliveries WHERE received_at < ?",
                ((now - REMEMBERED_FOR).isoformat(),),
            )

    def places(self) -> dict[str, bytes]:
        """Return how far each followed file was read, as whoever follows it wrote that down."""
        with telling(self.path):
            return dict(self._db.execute("SELECT path, body FROM places").fetchall())


def _decoded(body: bytes, *, is_rejected: bool) -> Received:
    if is_rejected:
        return msgspec.json.decode(body, type=Rejection)
    return msgspec.json.decode(body, type=Record)
