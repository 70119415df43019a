"""The inbox: what was received and has not yet gone through the pipeline, in a file of its own."""

import contextlib
import os
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import msgspec

from customer_sync.core.model import Record, Rejection
from customer_sync.core.spread import quantile
from customer_sync.core.standing import Pace
from customer_sync.errors import StoreError
from customer_sync.store.database import telling, transaction
from customer_sync.trouble import Code

INBOX_FILE = "inbox.db"
"""Its name in the folder of the state."""

REMEMBERED_FOR = timedelta(days=7)
"""How long a delivery is known again: longer than any platform goes on to repeat it."""

FIGURES_FOR = timedelta(days=31)
"""How long it is known how long events took."""

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
DROP TABLE IF EXISTS places;
CREATE TABLE places (
    file TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waits (
    hour TEXT NOT NULL,
    since TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (hour, since, bucket)
) WITHOUT ROWID;
"""
_VERSION = 2
"""Format 1 had no waits, and places that nothing wrote to."""

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
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits, and since when."""

    count: int
    oldest: datetime | None


class Since(StrEnum):
    """From when on it is counted how long an event took until Brevo had it."""

    EVENT = "event"
    """Its own time."""
    RECEIPT = "receipt"
    """When it was kept here."""


Waits: TypeAlias = Mapping[Since, Mapping[int, int]]
"""How many events took how long, by buckets."""


class Inbox:
    """An open inbox, for the thread that opened it.

    What is kept outlives a loss of power. Every method may raise StoreError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / INBOX_FILE
        with telling(self.path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(self.path)
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
            with transaction(self._db):
                self._upgrade()

    def _upgrade(self) -> None:
        """Bring the file to this version, unless another process did so meanwhile."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version < _VERSION:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
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
        left: Collection[str] = (),
    ) -> list[bool]:
        """Keep all *deliveries*, or none, in one commit; return which of them were new.

        *places* says how far files were read that the deliveries were taken from; those that were
        *left* are forgotten.
        """
        with telling(self.path), transaction(self._db, is_durable=True):
            news = [self._is_new(one, now.isoformat()) for one in deliveries]
            self._db.executemany(
                "INSERT INTO entries (received_at, is_rejected, body) VALUES (?, ?, ?)",
                (
                    (now.isoformat(), isinstance(record, Rejection), msgspec.json.encode(record))
                    for one, is_new in zip(deliveries, news, strict=True)
                    if is_new
                    for record in one.records
                ),
            )
            self._db.executemany("DELETE FROM places WHERE file = ?", ((file,) for file in left))
            self._db.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?)", (places or {}).items()
            )
            return news

    def _is_new(self, delivery: Delivery, now: str) -> bool:
        """Tell whether no name of a delivery is known, and know all of them from now on."""
        if any(self._is_known(name) for name in delivery.names):
            return False
        self._db.executemany(
            "INSERT OR IGNORE INTO deliveries VALUES (?, ?)",
            ((name, now) for name in delivery.names),
        )
        return True

    def _is_known(self, name: str) -> bool:
        row = self._db.execute("SELECT 1 FROM deliveries WHERE name = ?", (name,)).fetchone()
        return row is not None

    def oldest(self, most: int) -> list[Entry]:
        """Return up to *most* entries in the order in which they were received."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT number, received_at, is_rejected, body FROM entries ORDER BY number"
                " LIMIT ?",
                (most,),
            ).fetchall()
        return [
            Entry(
                number=number,
                record=_decoded(body, is_rejected=bool(is_rejected)),
                received_at=datetime.fromisoformat(received_at),
            )
            for number, received_at, is_rejected, body in rows
        ]

    def remove(
        self,
        entries: Sequence[Entry],
        waits: Waits | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        """Forget *entries*, the oldest of all, which the pipeline has accepted.

        *waits* says how long they took until *now*.
        """
        with telling(self.path), transaction(self._db):
            self._db.execute(
                "DELETE FROM entries WHERE number <= ?", (max(e.number for e in entries),)
            )
            if waits is not None and now is not None:
                self._count(waits, now)

    def _count(self, waits: Waits, now: datetime) -> None:
        hour = _hour(now)
        self._db.executemany(
            "INSERT INTO waits VALUES (?, ?, ?, ?) ON CONFLICT (hour, since, bucket)"
            " DO UPDATE SET events = events + excluded.events",
            (
                (hour, since, number, events)
                for since, counts in waits.items()
                for number, events in counts.items()
            ),
        )

    def pace(self, since: Since, begin: datetime) -> Pace:
        """Return how long events took that arrived at Brevo in the hour of *begin* or later."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT bucket, sum(events) FROM waits WHERE since = ? AND hour >= ?"
                " GROUP BY bucket",
                (since, _hour(begin)),
            ).fetchall()
        counts: dict[int, int] = dict(rows)
        return Pace(
            events=sum(counts.values()),
            median_s=quantile(counts, 0.5),
            p95_s=quantile(counts, 0.95),
            p99_s=quantile(counts, 0.99),
        )

    def waiting(self) -> Waiting:
        """Return how much waits."""
        with telling(self.path):
            count, oldest = self._db.execute(
                "SELECT count(*), (SELECT received_at FROM entries ORDER BY number LIMIT 1)"
                " FROM entries"
            ).fetchone()
        return Waiting(count=int(count), oldest=datetime.fromisoformat(oldest) if oldest else None)

    def size(self) -> int:
        """Return about how much waits, in no time, however much it is."""
        with telling(self.path):
            (size,) = self._db.execute(
                "SELECT coalesce((SELECT max(number) FROM entries)"
                " - (SELECT min(number) FROM entries) + 1, 0)"
            ).fetchone()
        return int(size)

    def forget(self, now: datetime) -> None:
        """Forget the names of deliveries that nobody repeats any more, and old figures."""
        with telling(self.path), transaction(self._db):
            self._db.execute(
                "DELETE FROM deliveries WHERE received_at < ?",
                ((now - REMEMBERED_FOR).isoformat(),),
            )
            self._db.execute("DELETE FROM waits WHERE hour < ?", (_hour(now - FIGURES_FOR),))

    def places(self) -> dict[str, bytes]:
        """Return how far each followed file was read, as whoever follows it wrote that down."""
        with telling(self.path):
            return dict(self._db.execute("SELECT file, body FROM places").fetchall())


def _create(path: Path) -> None:
    """Make the file, for its owner alone, before SQLite makes it for everybody.

    One that exists is not touched: closing a file that SQLite has open too, anywhere in this
    process, would give up SQLite's locks on it, and others would take the inbox for left.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}"


def _decoded(body: bytes, *, is_rejected: bool) -> Received:
    if is_rejected:
        return msgspec.json.decode(body, type=Rejection)
    return msgspec.json.decode(body, type=Record)
