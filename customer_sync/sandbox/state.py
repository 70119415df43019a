"""An opened sandbox file: its time, its settings, and what may be done to it beside the API."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from customer_sync.clock import Clock
from customer_sync.core.model import Attribute, AttributeType
from customer_sync.sandbox import attributes, faults, filters, opening, people, segments, traffic
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.faults import Trouble
from customer_sync.sandbox.settings import Settings, changed
from customer_sync.sandbox.storage import Storage
from customer_sync.sandbox.timeline import Timeline, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One contact that became mailable again after it was blocked."""

    at: datetime
    contact_id: int
    address: str | None
    channel: str
    """`email`, `sms`, or `list 5` for whoever is on a list again that they had left."""
    cause: str
    """`flag`, `rename`, `import`, `list`, or `came back after deletion`."""
    route: str
    """The request's, `IMPORTUSER` for a job, `people` for an edit beside the API."""


class State:
    """What a sandbox knows, and what can be asked of it and done to it without HTTP.

    Settings that were changed while it was open are kept in the file and win over those passed.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, path: Path, *, clock: Clock, settings: Settings) -> None:
        self.clock = clock
        self._passed = settings
        self._storage = Storage(path)
        with self._storage.transaction() as db:
            self._timeline = Timeline(clock, not_before=_latest(db))
            if not db.execute("SELECT 1 FROM attributes").fetchone():
                opening.open_fresh(self._account(db, "opening"))

    # ------------------------------------------------------------ asking

    def now(self) -> datetime:
        """Return the sandbox's time: the clock's, or later where the file has seen later times."""
        return moment(self._timeline.now())

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._settings(self._storage.connection)

    def peek(self) -> Account:
        """Return the account for reading, outside any transaction."""
        return self._account(self._storage.connection, "control")

    def request_counts(self) -> dict[str, int]:
        """Return how many requests came for each route, such as `PUT /contacts/{identifier}`."""
        return traffic.counts(self.peek())

    def transitions(self) -> tuple[Transition, ...]:
        """Return every contact that became mailable after it was blocked, in order."""
        rows = self._storage.connection.execute(
            "SELECT at, contact_id, address, channel, cause, route FROM transitions ORDER BY id"
        )
        return tuple(Transition(**{**dict(row), "at": moment(row["at"])}) for row in rows)

    def file(self, token: str) -> str | None:
        """Return the text of a file that a process left behind."""
        query = "SELECT content FROM files WHERE token = ?"
        row = self._storage.connection.execute(query, (token,)).fetchone()
        return None if row is None else str(row["content"])

    # ------------------------------------------------------------ doing

    @contextmanager
    def writing(self, route: str, *, at: int | None = None) -> Iterator[Account]:
        """Open the account for writing, all of it or nothing, as of now or of *at*."""
        with self._storage.transaction() as db:
            yield self._account(db, route, at=at)

    def reset(self) -> None:
        """Make it a fresh account again, without contacts, counts, faults or changed settings."""
        with self._storage.transaction() as db:
            self._storage.empty(db)
            _remember_time(db, self._timeline.now())
            opening.open_fresh(self._account(db, "opening"))

    def compact(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it."""
        self._storage.compact()

    def ensure(
        self,
        *,
        lists: Mapping[int, str] | None = None,
        attributes: Mapping[str, AttributeType | Attribute] | None = None,
    ) -> None:
        """Make lists and attributes exist; what exists already stays as it is.

        Raises:
            ValueError: An attribute exists with another type.
        """
        with self.writing("opening") as account:
            for list_id, name in (lists or {}).items():
                opening.ensure_list(account, list_id, name)
            for name, wanted in (attributes or {}).items():
                opening.ensure_attribute(account, name, wanted)

    def make_segment(self, segment_id: int, name: str, text: str) -> None:
        """Make or replace a segment: the contacts that meet a filter such as `equals(A,"b")`.

        Raises:
            BrevoFault: The filter makes no sense.
        """
        with self.writing("control") as account:
            filters.parse(text, attributes.definitions(account), account.settings)
            segments.store(account, segment_id, name, text)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass for this sandbox alone."""
        self._timeline.advance(seconds)
        with self._storage.transaction() as db:
            _remember_time(db, self._timeline.now())

    def inject(
        self,
        route: str,
        *,
        status: int | None = None,
        times: int = 1,
        after_effect: bool = False,
    ) -> None:
        """Let the next *times* requests of *route* (`POST /contacts/batch`; `*`: any) fail.

        They are answered with *status*, or their connection breaks where it is None; with
        *after_effect* what they ask for is done all the same.
        """
        trouble = Trouble(status=status, after_effect=after_effect)
        with self.writing("control") as account:
            faults.inject(account, route, trouble, times)

    def change_settings(self, changes: Mapping[str, object]) -> None:
        """Change settings by their names, from JSON values, until the next reset.

        Raises:
            ValueError: A name is unknown or a value does not fit.
        """
        with self._storage.transaction() as db:
            merged = {**_changes(db), **changes}
            changed(self._passed, merged)
            query = "INSERT OR REPLACE INTO meta VALUES ('settings', ?)"
            db.execute(query, (json.dumps(merged),))

    def make(self, email: str, body: Mapping[str, object]) -> None:
        """Let somebody, or a form, make a contact; *body* is as for `POST`.

        Raises:
            BrevoFault: There is one already, or it cannot be made so.
        """
        with self.writing(people.ROUTE) as account:
            people.make(account, email, body)

    def edit(self, email: str, body: Mapping[str, object]) -> None:
        """Let somebody change a contact in Brevo's pages; *body* is as for `PUT`.

        Raises:
            BrevoFault: There is no such contact, or it cannot be changed so.
        """
        with self.writing(people.ROUTE) as account:
            people.edit(account, email, body)

    def unsubscribe(self, email: str, list_id: int | None = None) -> None:
        """Let a person follow the link in a mail: out of everything, or out of one list.

        Raises:
            BrevoFault: There is no such contact, or it is not on the list.
        """
        with self.writing(people.ROUTE) as account:
            people.unsubscribe(account, email, list_id)

    def remove(self, email: str) -> None:
        """Let somebody delete a contact in Brevo's pages.

        Raises:
            BrevoFault: There is no such contact.
        """
        with self.writing(people.ROUTE) as account:
            people.remove(account, email)

    def close(self) -> None:
        """Close the file."""
        self._storage.close()

    def _settings(self, db: sqlite3.Connection) -> Settings:
        changes = _changes(db)
        return changed(self._passed, changes) if changes else self._passed

    def _account(self, db: sqlite3.Connection, route: str, *, at: int | None = None) -> Account:
        now = self._timeline.now() if at is None else at
        return Account(db=db, settings=self._settings(db), now=now, route=route)


def _changes(db: sqlite3.Connection) -> dict[str, object]:
    row = db.execute("SELECT value FROM meta WHERE name = 'settings'").fetchone()
    return {} if row is None else dict(json.loads(row["value"]))


def _latest(db: sqlite3.Connection) -> int:
    """Return the latest time that the file has seen."""
    remembered = db.execute("SELECT value FROM meta WHERE name = 'time'").fetchone()
    last = db.execute("SELECT max(at) FROM requests").fetchone()[0]
    return max(int(remembered[0]) if remembered else 0, last or 0)


def _remember_time(db: sqlite3.Connection, now: int) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES ('time', ?)", (str(now),))
