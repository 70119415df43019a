"""What the program remembers from run to run, in terms of the core's values."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from customer_sync.core.fold import Identities
from customer_sync.core.jobs import OpenJob, ProcessId
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactId,
    Create,
    Customer,
    Dated,
    Delete,
    Email,
    Keep,
    Update,
    Write,
)
from customer_sync.errors import StoreError
from customer_sync.store.database import connect, telling, transaction

T = TypeVar("T")

_CHUNK = 500
"""How many values one SELECT asks for; SQLite allows no fewer than 999 placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A customer whose change did not get through yet."""

    customer: Customer
    error: str
    attempts: int
    """How many runs tried in vain; 0 for one that was never attempted."""
    queued_at: datetime
    next_at: datetime
    is_dead: bool = False
    """Too many attempts: it stays listed until a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run, as the history shows it."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    report: bytes | None
    """The report as a JSON document."""


class Store:
    """The state in its SQLite file.

    Every method may raise StoreError. Nothing here holds a transaction open while anybody waits
    for the network.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = connect(path)

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

    # ------------------------------------------------------------ who is who

    def identities(self, ids: Iterable[str], emails: Iterable[Email]) -> Identities:
        """Return what is remembered of the customers with *ids*, and of all at *emails*."""
        addresses = {}
        deleted = {}
        for customer_id, email, said_at, is_deleted in self._select(
            "SELECT customer_id, email, said_at, is_deleted FROM identities"
            " WHERE customer_id IN ({})",
            ids,
        ):
            addresses[customer_id] = Dated(value=Email(email), at=_time(said_at))
            if is_deleted:
                deleted[customer_id] = _time(said_at)
        asked = {*emails, *(known.value for known in addresses.values())}
        owners: dict[Email, set[str]] = {}
        for customer_id, email in self._select(
            "SELECT customer_id, email FROM identities WHERE NOT is_deleted AND email IN ({})",
            asked,
        ):
            owners.setdefault(Email(email), set()).add(customer_id)
        return Identities(
            addresses=addresses,
            owners={e: frozenset(o) for e, o in owners.items()},
            deleted=deleted,
        )

    def note_deleted(self, ids: Iterable[str], email: Email, deleted_at: datetime) -> None:
        """Note that customers are gone although their address *email* lives on with others.

        Whoever is known to have come back after *deleted_at* is not gone. Who was never heard of
        is remembered too, so that older news brings nobody back.
        """
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "INSERT INTO identities (customer_id, email, said_at, is_deleted)"
                " VALUES (?, ?, ?, 1) ON CONFLICT (customer_id) DO UPDATE"
                " SET is_deleted = 1, said_at = excluded.said_at"
                " WHERE said_at <= excluded.said_at",
                [(i, email, deleted_at.isoformat()) for i in ids],
            )

    # ------------------------------------------------------------ confirmed

    def confirmed(self, emails: Iterable[Email]) -> dict[Email, Confirmed]:
        """Return what was confirmed for each of *emails* that was confirmed at all."""
        rows = self._select("SELECT email, body FROM confirmed WHERE email IN ({})", emails)
        return {Email(email): self._decoded(body, Confirmed) for email, body in rows}

    def count_known(self) -> int:
        """Return how many living customers are confirmed."""
        with telling(self.path):
            (count,) = self._db.execute(
                "SELECT count(*) FROM confirmed WHERE NOT is_deleted"
            ).fetchone()
        return int(count)

    def living(self) -> Iterator[tuple[Confirmed, frozenset[str]]]:
        """Yield every confirmed customer that is not deleted, with its ids."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT body, (SELECT json_group_array(customer_id) FROM identities i"
                " WHERE i.email = c.email AND NOT i.is_deleted)"
                " FROM confirmed c WHERE NOT is_deleted ORDER BY email"
            )
            for body, ids in rows:
                yield self._decoded(body, Confirmed), self._decoded(ids, frozenset[str])

    # ------------------------------------------------------------ runs and operations

    def begin_run(self, run_id: str, command: str, now: datetime) -> None:
        """Note that a run started."""
        self._write(
            "INSERT INTO runs (id, command, started_at) VALUES (?, ?, ?)",
            (run_id, command, now.isoformat()),
        )

    def finish_run(self, run_id: str, now: datetime, exit_code: int, report: bytes) -> None:
        """Note how a run ended."""
        self._write(
            "UPDATE runs SET finished_at = ?, exit_code = ?, report = ? WHERE id = ?",
            (now.isoformat(), exit_code, report, run_id),
        )

    def runs(self, limit: int = 20) -> list[RunRow]:
        """Return the last *limit* runs, the newest first."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT id, command, started_at, finished_at, exit_code, report FROM runs"
                " ORDER BY id DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            RunRow(
                id=run_id,
                command=command,
                started_at=_time(started),
                finished_at=_time(finished) if finished else None,
                exit_code=exit_code,
                report=report,
            )
            for run_id, command, started, finished, exit_code, report in rows
        ]

    def intend(self, run_id: str, changes: Sequence[Write], route: str, now: datetime) -> None:
        """Journal *changes*, with the contacts as they are, before a request leaves."""
        rows = [
            (
                run_id,
                change.customer.email,
                type(change).__name__.lower(),
                route,
                msgspec.json.encode(change),
                now.isoformat(),
            )
            for change in changes
        ]
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "INSERT INTO operations (run_id, email, kind, route, change, intended_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def record_applied(
        self,
        run_id: str,
        change: Write,
        confirmed: Confirmed,
        now: datetime,
        *,
        superseded: Confirmed | None = None,
        gone: ContactId | None = None,
    ) -> None:
        """Note that Brevo has *change*: the journal, the confirmed state and the queue as one.

        *superseded* was confirmed for the same person under another address and goes, unless
        somebody else was confirmed there meanwhile. The contact *gone* exists no more.
        """
        with telling(self.path), transaction(self._db):
            self._finish_operation(run_id, change, "applied", "", now)
            self._confirm(change, confirmed)
            if superseded is not None and superseded.email != confirmed.email:
                self._forget(superseded)
            if gone is not None:
                self._db.execute("DELETE FROM mirror WHERE contact_id = ?", (gone,))

    def record_kept(
        self, kept: Iterable[tuple[Keep, Confirmed]], superseded: Iterable[Confirmed] = ()
    ) -> None:
        """Note that contacts are right as they are.

        *superseded* was confirmed for the same contacts under other addresses and goes.
        """
        with telling(self.path), transaction(self._db):
            for old in superseded:
                self._forget(old)
            for change, confirmed in kept:
                self._confirm(change, confirmed)

    def record_unapplied(
        self, run_id: str, change: Write, outcome: str, item: QueueItem, now: datetime
    ) -> None:
        """Note that *change* did not get through, and queue its customer."""
        with telling(self.path), transaction(self._db):
            self._finish_operation(run_id, change, outcome, item.error, now)
            self._enqueue(item)

    def _finish_operation(
        self, run_id: str, change: Write, outcome: str, detail: str, now: datetime
    ) -> None:
        self._db.execute(
            "UPDATE operations SET outcome = ?, detail = ?, finished_at = ?"
            " WHERE run_id = ? AND email = ? AND outcome IS NULL",
            (outcome, detail, now.isoformat(), run_id, change.customer.email),
        )

    def _forget(self, superseded: Confirmed) -> None:
        self._db.execute(
            "DELETE FROM confirmed WHERE email = ? AND body = ?",
            (superseded.email, msgspec.json.encode(superseded)),
        )

    def _confirm(self, change: Create | Update | Delete | Keep, confirmed: Confirmed) -> None:
        customer = change.customer
        if isinstance(change, Update) and change.before.email not in {None, confirmed.email}:
            self._db.execute("DELETE FROM confirmed WHERE email = ?", (change.before.email,))
        self._db.execute(
            "INSERT OR REPLACE INTO confirmed VALUES (?, ?, ?, ?)",
            (
                confirmed.email,
                confirmed.contact_id,
                confirmed.is_deleted,
                msgspec.json.encode(confirmed),
            ),
        )
        # The last word on whoever is deleted is the deletion.
        said_at = (customer.is_deleted and customer.deleted_at) or customer.email_at
        self._db.executemany(
            "INSERT OR REPLACE INTO identities VALUES (?, ?, ?, ?)",
            [(i, customer.email, said_at.isoformat(), customer.is_deleted) for i in customer.ids],
        )
        self._db.execute("DELETE FROM queue WHERE email = ?", (confirmed.email,))

    # ------------------------------------------------------------ import jobs

    def begin_job(self, run_id: str, rows: int, now: datetime) -> int:
        """Note that an import job is about to be started; return its number."""
        with telling(self.path), transaction(self._db):
            job = self._db.execute(
                "INSERT INTO jobs (run_id, rows, started_at) VALUES (?, ?, ?)",
                (run_id, rows, now.isoformat()),
            ).lastrowid
        return int(job or 0)

    def name_job(self, job: int, process_id: ProcessId) -> None:
        """Note what Brevo calls a job."""
        self._write("UPDATE jobs SET process_id = ? WHERE id = ?", (process_id, job))

    def end_job(self, job: int) -> None:
        """Note that a job is over, or never was."""
        self._write("UPDATE jobs SET is_over = 1 WHERE id = ?", (job,))

    def open_jobs(self) -> list[OpenJob]:
        """Return the jobs whose end nobody saw."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT id, process_id, started_at FROM jobs WHERE NOT is_over ORDER BY id"
            ).fetchall()
        return [
            OpenJob(
                id=job,
                process_id=None if process_id is None else ProcessId(process_id),
                started_at=_time(started_at),
            )
            for job, process_id, started_at in rows
        ]

    # ------------------------------------------------------------ the retry queue

    def queued(
        self, *, now: datetime, emails: Collection[Email], ids: Collection[str] = ()
    ) -> list[QueueItem]:
        """Return what is due, and whatever waits for customers who are heard of again anyway.

        They are known by their address, a former one, or one of their ids: whoever was never
        written is not yet known in any other way. Whoever waits to leave an address comes along
        with the one who is to get it.
        """
        names, known_ids = {*emails}, {*ids}
        taken: list[QueueItem] = []
        rest = self.queue()
        while True:
            more = [
                item
                for item in rest
                if (not item.is_dead and item.next_at <= now)
                or _concerns(item.customer, names, known_ids)
            ]
            if not more:
                return taken
            taken += more
            entries = {item.customer.email for item in more}
            rest = [item for item in rest if item.customer.email not in entries]
            names |= entries | {e for item in more for e in item.customer.former_emails}
            known_ids |= {i for item in more for i in item.customer.ids}

    def queue(self) -> list[QueueItem]:
        """Return everything that is queued, dead letters included, the next first."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT customer, error, attempts, queued_at, next_at, is_dead FROM queue"
                " ORDER BY is_dead, next_at, email"
            ).fetchall()
        return [
            QueueItem(
                customer=self._decoded(customer, Customer),
                error=error,
                attempts=attempts,
                queued_at=_time(queued_at),
                next_at=_time(next_at),
                is_dead=bool(is_dead),
            )
            for customer, error, attempts, queued_at, next_at, is_dead in rows
        ]

    def queue_counts(self) -> tuple[int, int]:
        """Return how many customers wait, and how many are dead."""
        with telling(self.path):
            (waiting, dead) = self._db.execute(
                "SELECT count(*) FILTER (WHERE NOT is_dead), count(*) FILTER (WHERE is_dead)"
                " FROM queue"
            ).fetchone()
        return int(waiting), int(dead)

    def attempts(self, email: Email) -> int:
        """Return how many runs have tried in vain to write for *email*."""
        with telling(self.path):
            row = self._db.execute(
                "SELECT attempts FROM queue WHERE email = ?", (email,)
            ).fetchone()
        return int(row[0]) if row else 0

    def accept(self, items: Sequence[QueueItem]) -> None:
        """Queue all of *items*, or none.

        What waited for the same person, under whatever address, is part of the item and goes.
        """
        with telling(self.path), transaction(self._db):
            # First of all: somebody else among them may have one of these addresses now.
            self._db.executemany(
                "DELETE FROM queue WHERE email = ?",
                ((email,) for item in items for email in item.customer.former_emails),
            )
            for item in items:
                self._enqueue(item)

    def dequeue(self, emails: Iterable[Email]) -> None:
        """Take the customers at *emails* off the queue."""
        with telling(self.path), transaction(self._db):
            self._db.executemany("DELETE FROM queue WHERE email = ?", ((e,) for e in emails))

    def _enqueue(self, item: QueueItem) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                item.customer.email,
                msgspec.json.encode(item.customer),
                item.error,
                item.attempts,
                item.queued_at.isoformat(),
                item.next_at.isoformat(),
                item.is_dead,
            ),
        )

    # ------------------------------------------------------------ the mirror of Brevo

    def mirror(self, contacts: Iterable[Contact], *, reading: int) -> None:
        """Remember *contacts* as Brevo holds them; *reading* numbers the listing they came in."""
        with telling(self.path), transaction(self._db):
            for contact in contacts:
                # An address that moved to another contact belongs to the newer reading.
                self._db.execute(
                    "DELETE FROM mirror WHERE email = ? AND contact_id <> ?",
                    (contact.email, contact.id),
                )
                self._db.execute(
                    "INSERT OR REPLACE INTO mirror VALUES (?, ?, ?, ?, ?)",
                    (
                        contact.id,
                        contact.email,
                        contact.attributes.get("EXT_ID"),
                        msgspec.json.encode(contact),
                        reading,
                    ),
                )

    def forget_mirrored(self, *, before: int) -> None:
        """Forget the contacts that no listing since *before* has shown: they are gone."""
        self._write("DELETE FROM mirror WHERE pass < ?", (before,))

    def unmirror(self, contact_id: ContactId) -> None:
        """Forget one contact that turned out to be gone."""
        self._write("DELETE FROM mirror WHERE contact_id = ?", (contact_id,))

    def mirrored(self, emails: Iterable[Email]) -> dict[Email, Contact]:
        """Return the mirror's contacts at *emails*."""
        rows = self._select("SELECT email, body FROM mirror WHERE email IN ({})", emails)
        return {Email(email): self._decoded(body, Contact) for email, body in rows}

    def mirrored_by_ext_id(self, ids: Iterable[str]) -> dict[str, Contact]:
        """Return the mirror's contacts that carry one of the shop's *ids* as EXT_ID."""
        rows = self._select("SELECT ext_id, body FROM mirror WHERE ext_id IN ({})", ids)
        return {ext_id: self._decoded(body, Contact) for ext_id, body in rows}

    def count_mirrored(self) -> int:
        """Return how many contacts the mirror holds."""
        with telling(self.path):
            (count,) = self._db.execute("SELECT count(*) FROM mirror").fetchone()
        return int(count)

    # ------------------------------------------------------------ single facts

    def fact(self, name: str) -> str | None:
        """Return a remembered fact, such as the mirror's watermark."""
        with telling(self.path):
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def remember(self, facts: Mapping[str, str]) -> None:
        """Remember *facts*, all or none."""
        with telling(self.path), transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    # ------------------------------------------------------------ SQL

    def _decoded(self, body: bytes | str, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"The state {self.path} holds what this version cannot read: {error}.",
                hint="Put a copy from before in its place, or move it aside: the next run then "
                "builds a new state from Brevo.",
            ) from error

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        with telling(self.path), transaction(self._db):
            self._db.execute(sql, values)

    def _select(self, sql: str, values: Iterable[str]) -> Iterator[sqlite3.Row]:
        """Run *sql*, whose `{}` stands for a list of placeholders, for *values* in chunks."""
        with telling(self.path):
            for chunk in _chunks(values):
                # Fetched at once: an abandoned cursor would outlive the file.
                yield from self._db.execute(sql.format(_marks(chunk)), chunk).fetchall()


def _concerns(customer: Customer, emails: Collection[Email], ids: Collection[str]) -> bool:
    names = (customer.email, *customer.former_emails)
    return any(name in emails for name in names) or not customer.ids.isdisjoint(ids)


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _marks(chunk: Sequence[object]) -> str:
    return ",".join("?" * len(chunk))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
