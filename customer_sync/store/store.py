"""What the program remembers from run to run, in terms of the core's values."""

from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Self

from customer_sync.core.model import Confirmed, Contact, ContactId, Keep, Write
from customer_sync.core.suppression import learn
from customer_sync.store.database import telling, transaction
from customer_sync.store.history import History
from customer_sync.store.mirror import Mirror
from customer_sync.store.people import People
from customer_sync.store.retry_queue import QueueItem, RetryQueue
from customer_sync.store.suppressions import Suppressions


class Store(People, History, RetryQueue, Mirror, Suppressions):
    """The state in its SQLite file: what concerns several of its chapters is written as one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def mirror(self, contacts: Iterable[Contact], *, reading: int) -> None:
        """Remember *contacts* as Brevo holds them; *reading* numbers the listing they came in.

        Whoever among them is blocked is remembered for ever.
        """
        seen = tuple(contacts)
        with telling(self.path), transaction(self._db):
            self._mirror(seen, reading)
            self._suppress_blocked(seen)

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
        somebody else was confirmed there meanwhile. The contact *gone* exists no more. The
        suppression ledger learns what became of a block.
        """
        with telling(self.path), transaction(self._db):
            self._finish_operation(run_id, change, "applied", "", now)
            self._confirm(change, confirmed)
            self._leave_queue(confirmed.email)
            self._take_in(learn(change))
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
                self._leave_queue(confirmed.email)

    def record_unapplied(
        self, run_id: str, change: Write, outcome: str, item: QueueItem, now: datetime
    ) -> None:
        """Note that *change* did not get through, and queue its customer."""
        with telling(self.path), transaction(self._db):
            self._finish_operation(run_id, change, outcome, item.error, now)
            self._enqueue(item)
