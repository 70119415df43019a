"""What the program remembers from run to run, in terms of the core's values."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from customer_sync.core.changes.suppression import learn
from customer_sync.core.figures import latency_of
from customer_sync.core.model import Confirmed, Contact, ContactId, Delete, Keep, Write
from customer_sync.core.undoing.memory import Memory
from customer_sync.core.undoing.past import APPLIED
from customer_sync.store.blocks import Blocks
from customer_sync.store.database import telling, together, transaction
from customer_sync.store.history import History
from customer_sync.store.holdings import Persons
from customer_sync.store.mirror import Mirror
from customer_sync.store.outbox import Outbox
from customer_sync.store.people import People
from customer_sync.store.retry_queue import QueueItem, RetryQueue
from customer_sync.store.suppressions import Suppressions


class Store(People, History, RetryQueue, Mirror, Suppressions, Persons, Outbox, Blocks):
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

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit at once whatever is written within; no request is to be waited for meanwhile."""
        with together(self._db, self.path):
            yield

    def begin_run(self, run_id: str, command: str, now: datetime) -> None:
        """Note that a run started, and that whatever earlier ones left open was cut off.

        Only one run has the state at a time: an intent that is still open belongs to one that died.
        Whoever it was taking off a list may be off it, and nobody else did that.
        """
        with telling(self.path), transaction(self._db):
            for change in self._open_deletions():
                if change.patch is not None and change.patch.remove_lists:
                    self._doubt_listing(change.before)
            self._begin_run(run_id, command, now)

    def intend(self, run_id: str, changes: Sequence[Write], route: str, now: datetime) -> None:
        """Journal *changes* before a request leaves, with the contacts as they are.

        What is known of their people goes along, so that the run can be undone.
        """
        with telling(self.path), transaction(self._db, is_durable=True):
            self._intend(run_id, changes, self._known_before(changes), route, now)

    def record_applied(
        self,
        run_id: str,
        change: Write,
        confirmed: Confirmed,
        now: datetime,
        *,
        superseded: Confirmed | None = None,
        gone: ContactId | None = None,
        detail: str = "",
    ) -> None:
        """Note that Brevo has *change*: the journal, the confirmed state and the queue as one.

        *superseded* was confirmed for the same person under another address and goes, unless
        somebody else was confirmed there meanwhile. The contact *gone* exists no more. The
        suppression ledger learns what became of a block.
        """
        with telling(self.path), transaction(self._db):
            self._finish_operation(
                run_id,
                change,
                APPLIED,
                detail,
                now,
                contact_id=confirmed.contact_id,
                latency_s=latency_of(change, now),
            )
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

    def record_undone(
        self,
        run_id: str,
        change: Write,
        memory: Memory,
        now: datetime,
        *,
        contact_id: ContactId | None,
    ) -> None:
        """Note that Brevo has *change*, which undoes another, and know again what was known.

        Whoever waits in the retry queue goes on waiting.
        """
        with telling(self.path), transaction(self._db):
            self._finish_operation(run_id, change, APPLIED, "", now, contact_id=contact_id)
            self._recall(memory)
            self._take_in(learn(change))
            if isinstance(change, Delete) and change.patch is None:
                self._db.execute("DELETE FROM mirror WHERE contact_id = ?", (change.before.id,))

    def record_not_undone(
        self, run_id: str, change: Write, outcome: str, detail: str, now: datetime
    ) -> None:
        """Note that *change*, which was to undo another, did not get through."""
        with telling(self.path), transaction(self._db):
            self._finish_operation(run_id, change, outcome, detail, now)

    def recall(self, memories: Iterable[Memory]) -> None:
        """Know again what was known of people whose contacts are as they were."""
        with telling(self.path), transaction(self._db):
            for memory in memories:
                self._recall(memory)
