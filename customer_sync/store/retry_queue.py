"""The customers whose changes did not get through yet."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from customer_sync.core.model import Customer, Email
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile, as_time


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
    trouble: str = ""
    """The code of the last error; empty where an earlier version noted it."""


def due_or_concerned(
    waiting: Iterable[QueueItem], *, now: datetime, emails: Collection[Email], ids: Collection[str]
) -> list[QueueItem]:
    """Return what is due of *waiting*, and what waits for customers who are heard of again anyway.

    They are known by their address, a former one, or one of their ids: whoever was never written is
    not yet known in any other way. Whoever waits to leave an address comes along with the one who
    is to get it.
    """
    names, known_ids = {*emails}, {*ids}
    taken: list[QueueItem] = []
    rest = list(waiting)
    while True:
        more = [
            item
            for item in rest
            if _is_due(item, now) or _concerns(item.customer, names, known_ids)
        ]
        if not more:
            return taken
        taken += more
        entries = {item.customer.email for item in more}
        rest = [item for item in rest if item.customer.email not in entries]
        names |= entries | {e for item in more for e in item.customer.former_emails}
        known_ids |= {i for item in more for i in item.customer.ids}


class RetryQueue(StateFile):
    """Who waits, since when, why, and until when."""

    def queued(
        self, *, now: datetime, emails: Collection[Email], ids: Collection[str] = ()
    ) -> list[QueueItem]:
        """Return what is due, and whatever waits for customers who are heard of again anyway."""
        return due_or_concerned(self.queue(), now=now, emails=emails, ids=ids)

    def queue(self) -> list[QueueItem]:
        """Return everything that is queued, dead letters included, the next first."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT customer, error, attempts, queued_at, next_at, is_dead, trouble FROM queue"
                " ORDER BY is_dead, next_at, email"
            ).fetchall()
        return [
            QueueItem(
                customer=self._decoded(customer, Customer),
                error=error,
                attempts=attempts,
                queued_at=as_time(queued_at),
                next_at=as_time(next_at),
                is_dead=bool(is_dead),
                trouble=trouble,
            )
            for customer, error, attempts, queued_at, next_at, is_dead, trouble in rows
        ]

    def queue_counts(self) -> tuple[int, int]:
        """Return how many customers wait, and how many are dead."""
        with telling(self.path):
            (waiting, dead) = self._db.execute(
                "SELECT count(*) FILTER (WHERE NOT is_dead), count(*) FILTER (WHERE is_dead)"
                " FROM queue"
            ).fetchone()
        return int(waiting), int(dead)

    def next_retry(self) -> datetime | None:
        """Return when the next of those who wait is due, which may be long ago."""
        with telling(self.path):
            (next_at,) = self._db.execute(
                "SELECT min(next_at) FROM queue WHERE NOT is_dead"
            ).fetchone()
        return as_time(next_at) if next_at else None

    def attempts(self, email: Email) -> int:
        """Return how many runs have tried in vain to write for *email*."""
        with telling(self.path):
            row = self._db.execute(
                "SELECT attempts FROM queue WHERE email = ?", (email,)
            ).fetchone()
        return int(row[0]) if row else 0

    def accept(self, items: Sequence[QueueItem]) -> None:
        """Queue all of *items*, or none, so that not even a loss of power loses them.

        What waited for the same person, under whatever address, is part of the item and goes.
        """
        with telling(self.path), transaction(self._db, is_durable=True):
            # First of all: somebody else among them may have one of these addresses now.
            self._db.executemany(
                "DELETE FROM queue WHERE email = ?",
                ((email,) for item in items for email in item.customer.former_emails),
            )
            for item in items:
                self._enqueue(item)

    def waiting(self, emails: Iterable[Email]) -> list[QueueItem]:
        """Return what waits for customers with one of *emails*, a former one included."""
        names = {*emails}
        return [item for item in self.queue() if _concerns(item.customer, names, ())]

    def make_due(self, emails: Iterable[Email], now: datetime) -> None:
        """Let the next run try the customers at *emails* afresh, dead letters too."""
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "UPDATE queue SET attempts = 0, is_dead = 0, next_at = min(next_at, ?)"
                " WHERE email = ?",
                ((now.isoformat(), email) for email in emails),
            )

    def dequeue(self, emails: Iterable[Email]) -> None:
        """Take the customers at *emails* off the queue."""
        with telling(self.path), transaction(self._db):
            self._db.executemany("DELETE FROM queue WHERE email = ?", ((e,) for e in emails))

    def _leave_queue(self, email: Email) -> None:
        self._db.execute("DELETE FROM queue WHERE email = ?", (email,))

    def _enqueue(self, item: QueueItem) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.customer.email,
                msgspec.json.encode(item.customer),
                item.error,
                item.attempts,
                item.queued_at.isoformat(),
                item.next_at.isoformat(),
                item.is_dead,
                item.trouble,
            ),
        )


def _is_due(item: QueueItem, now: datetime) -> bool:
    """Tell whether an item's wait is over, or was set by a clock that has been put back since."""
    return not item.is_dead and (item.next_at <= now or item.queued_at > now)


def _concerns(customer: Customer, emails: Collection[Email], ids: Collection[str]) -> bool:
    names = (customer.email, *customer.former_emails)
    return any(name in emails for name in names) or not customer.ids.isdisjoint(ids)
