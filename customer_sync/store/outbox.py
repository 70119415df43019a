"""Notifications on their way: kept until whoever is to be told has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile, as_time

LONGEST_KEPT = timedelta(days=7)
"""What nobody took for so long is news no more."""
MOST_KEPT = 1_000
"""Of more than these the oldest go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One notification to one recipient."""

    id: str
    """The same at every attempt, and for every recipient of the notification."""
    recipient: str
    """`webhook`, or the environment variable that a service stands in."""
    event: str
    body: bytes
    """What is sent, to the byte: a signature covers it."""
    written_at: datetime
    attempts: int = 0
    """How many deliveries were tried in vain, each in several attempts."""
    error: str = ""
    """What came of the last one."""


class Outbox(StateFile):
    """What was written for whom and is not known to have arrived."""

    def post(self, letters: Sequence[Letter]) -> None:
        """Keep *letters* until they are delivered; one that is kept already stays as it is."""
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(letter.id, letter.recipient, letter.event, letter.body),
                        *(letter.written_at.isoformat(), letter.attempts, letter.error),
                    )
                    for letter in letters
                ),
            )

    def letters(self) -> list[Letter]:
        """Return what is not delivered, the oldest first."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT id, recipient, event, body, written_at, attempts, error FROM outbox"
                " ORDER BY written_at, rowid"
            ).fetchall()
        return [
            Letter(
                id=id_,
                recipient=recipient,
                event=event,
                body=body,
                written_at=as_time(written_at),
                attempts=attempts,
                error=error,
            )
            for id_, recipient, event, body, written_at, attempts, error in rows
        ]

    def note_delivered(self, letters: Iterable[Letter]) -> None:
        """Keep *letters* no longer: they arrived."""
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "DELETE FROM outbox WHERE id = ? AND recipient = ?",
                ((letter.id, letter.recipient) for letter in letters),
            )

    def note_undelivered(self, failures: Iterable[tuple[Letter, str]]) -> None:
        """Note in a few words each why letters did not arrive; they stay."""
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "UPDATE outbox SET attempts = attempts + 1, error = ?"
                " WHERE id = ? AND recipient = ?",
                ((error, letter.id, letter.recipient) for letter, error in failures),
            )

    def clear_outbox(self, now: datetime) -> int:
        """Drop what is too old or too much, and return how many letters went."""
        with telling(self.path), transaction(self._db):
            old = self._db.execute(
                "DELETE FROM outbox WHERE written_at < ?", ((now - LONGEST_KEPT).isoformat(),)
            )
            surplus = self._db.execute(
                "DELETE FROM outbox WHERE rowid NOT IN"
                " (SELECT rowid FROM outbox ORDER BY written_at DESC, rowid DESC LIMIT ?)",
                (MOST_KEPT,),
            )
        return old.rowcount + surplus.rowcount
