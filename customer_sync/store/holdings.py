"""All that the state holds about one person: found, shown, and purged without a trace."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from customer_sync.core.model import ContactId, Customer, Email
from customer_sync.core.proving.mentions import Mentions, Person
from customer_sync.errors import StoreError
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile
from customer_sync.trouble import Code


class _Called(msgspec.Struct):
    """The names of a customer within a change."""

    email: Email
    ids: frozenset[str] = frozenset()
    former_emails: tuple[Email, ...] = ()


class _Stood(msgspec.Struct):
    """The name of a contact within a change."""

    email: Email | None = None


class _Mentioned(msgspec.Struct):
    """Whom a change of the journal is about."""

    customer: _Called
    before: _Stood | None = None

    @property
    def emails(self) -> frozenset[Email]:
        """Every address of the customer that the change tells."""
        stood_at = self.before.email if self.before else None
        known = {self.customer.email, *self.customer.former_emails}
        return frozenset(known if stood_at is None else known | {stood_at})

    def is_of(self, emails: Collection[Email], ids: frozenset[str]) -> bool:
        """Tell whether it is about somebody with one of *ids*, or without any at an address."""
        if self.customer.ids:
            return not ids.isdisjoint(self.customer.ids)
        return not self.emails.isdisjoint(emails)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the state holds about a person, as it is stored, ready to be encoded as JSON."""

    confirmed: tuple[Mapping[str, object], ...] = ()
    identities: tuple[Mapping[str, object], ...] = ()
    queue: tuple[Mapping[str, object], ...] = ()
    operations: tuple[Mapping[str, object], ...] = ()
    mirror: tuple[Mapping[str, object], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind."""
        return {name: len(getattr(self, name)) for name in self.__dataclass_fields__}


class Persons(StateFile):
    """Finds out who somebody is, and what of them is in the file."""

    def person(self, email: Email) -> Person:
        """Return who lives, or lived last, at *email*, with all that they are known by.

        Former addresses count unless somebody else is known there by now. Where nobody lives at
        *email*, it is whoever left it.
        """
        ids = frozenset(self._ids_at({email}))
        if not ids and not self._lives_at(email):
            left_it = self._journalled({email}, ids)
            ids = frozenset(i for one in left_it if email in one.emails for i in one.customer.ids)
        emails: set[Email] = set()
        more = {email}
        while not more <= emails:
            emails |= more
            found = (one for one in self._journalled(emails, ids) if one.is_of(emails, ids))
            known = {e for one in found for e in one.emails}.union(self._emails_of(ids))
            more = {e for e in known if not self.is_elses(e, ids)}
        return Person(email=email, emails=frozenset(emails), ids=ids)

    def is_elses(self, email: Email, ids: Iterable[str]) -> bool:
        """Tell whether a customer other than those with *ids* is known to live at *email*."""
        known = frozenset(ids)
        with telling(self.path):
            rows = self._db.execute(
                "SELECT customer_id FROM identities WHERE email = ? AND NOT is_deleted", (email,)
            ).fetchall()
        owners = {customer_id for (customer_id,) in rows}
        if owners:
            return owners.isdisjoint(known)
        # Whoever has no id is known by the address alone.
        return bool(known) and self._lives_at(email)

    def contact_ids(self, person: Person) -> frozenset[ContactId]:
        """Return Brevo's numbers of the contacts that are known to be a person's."""
        found = [
            *self._select("SELECT contact_id FROM confirmed WHERE email IN ({})", person.emails),
            *self._select("SELECT contact_id FROM mirror WHERE email IN ({})", person.emails),
        ]
        return frozenset(ContactId(number) for (number,) in found if number is not None)

    def holdings(self, person: Person) -> Holdings:
        """Return every row that is about a person; what is about others and names them is not."""
        return Holdings(
            confirmed=tuple(self._rows("confirmed", self._keys("confirmed", "email", person))),
            identities=tuple(self._rows("identities", self._identity_keys(person))),
            queue=tuple(self._rows("queue", [*self._own_queue(person)])),
            operations=tuple(self._rows("operations", self._journal_keys(person))),
            mirror=tuple(self._rows("mirror", self._mirror_keys(person))),
        )

    def purge(self, person: Person) -> dict[str, int]:
        """Take everything about a person out, all or nothing; return how many rows went.

        Others' changes that wait and mention an address of theirs stay, without it. A change of
        others in the journal that names an address goes: it can be undone no more.
        """
        doomed = {
            "confirmed": self._keys("confirmed", "email", person),
            "identities": self._identity_keys(person),
            "queue": [*self._own_queue(person)],
            "operations": sorted(
                {*self._journal_keys(person), *self._mentioning("operations", person.emails)},
                key=str,
            ),
            "mirror": self._mirror_keys(person),
        }
        with telling(self.path), transaction(self._db):
            for table, keys in doomed.items():
                self._db.executemany(
                    f"DELETE FROM {table} WHERE {_KEYS[table]} = ?", ((key,) for key in keys)
                )
            reports = self._strike_from_reports(person)
            self._strike_from_queue(person)
        return {**{table: len(keys) for table, keys in doomed.items()}, "reports": reports}

    def compact(self) -> None:
        """Write the file anew, so that nothing is left in it of what was taken out.

        Raises:
            StoreError: there is no room, or another process reads it.
        """
        with telling(self.path):
            self._db.execute("VACUUM")
            (is_busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise StoreError(
                f"The state {self.path} is being read, and keeps what was deleted until then.",
                trouble=Code.STATE_BEING_READ,
                hint="Close whatever reads it, then run the same command again.",
            )

    def naming(self, person: Person) -> tuple[str, ...]:
        """Return the tables of which any cell holds an address of the person.

        Once the person is purged, those are fields of others.
        """
        return tuple(t for t in self._tables() if self._mentioning(t, person.emails))

    # ------------------------------------------------------------ whose rows

    def _lives_at(self, email: Email) -> bool:
        sql = "SELECT 1 FROM confirmed WHERE email = ? AND NOT is_deleted"
        with telling(self.path):
            return self._db.execute(sql, (email,)).fetchone() is not None

    def _ids_at(self, emails: Iterable[Email]) -> Iterator[str]:
        for (one,) in self._select(
            "SELECT customer_id FROM identities WHERE email IN ({})", emails
        ):
            yield str(one)

    def _emails_of(self, ids: Iterable[str]) -> Iterator[Email]:
        for (one,) in self._select("SELECT email FROM identities WHERE customer_id IN ({})", ids):
            yield Email(one)

    def _journalled(self, emails: Iterable[Email], ids: Iterable[str]) -> Iterator[_Mentioned]:
        """Yield the changes, tried or waiting, of a customer with one of the names."""
        names = (*emails, *ids)
        for _, body in self._naming_any("operations", "id", "change", names):
            yield self._decoded(body, _Mentioned)
        for _, body in self._naming_any("queue", "email", "customer", names):
            yield _Mentioned(customer=self._decoded(body, _Called))

    def _naming_any(
        self, table: str, key: str, within: str, names: Iterable[str]
    ) -> list[tuple[object, bytes]]:
        """Return *key* and JSON of the rows that hold one of *names* as a whole text.

        The file is searched by SQLite, so that of a long journal only these are decoded.
        """
        tokens = [msgspec.json.encode(name) for name in names]
        hits = " OR ".join(f"instr({within}, ?)" for _ in tokens) or "FALSE"
        with telling(self.path):
            return self._db.execute(
                f"SELECT {key}, {within} FROM {table} WHERE {hits}", tokens
            ).fetchall()

    def _keys(self, table: str, column: str, person: Person) -> list[object]:
        rows = self._select(
            f"SELECT {_KEYS[table]} FROM {table} WHERE {column} IN ({{}})", person.emails
        )
        return [key for (key,) in rows]

    def _identity_keys(self, person: Person) -> list[object]:
        by_id = self._select(
            "SELECT customer_id FROM identities WHERE customer_id IN ({})", person.ids
        )
        return sorted({key for (key,) in by_id} | set(self._ids_at(person.emails)))

    def _mirror_keys(self, person: Person) -> list[object]:
        keys = {*self._keys("mirror", "email", person)}
        for number in self.contact_ids(person):
            with telling(self.path):
                row = self._db.execute(
                    "SELECT email FROM mirror WHERE contact_id = ?", (number,)
                ).fetchone()
            if row is not None and not (row[0] and self.is_elses(Email(row[0]), person.ids)):
                keys.add(number)
        return sorted(keys, key=str)

    def _own_queue(self, person: Person) -> Iterator[object]:
        for customer in self._waiting():
            if customer.email in person.emails or not customer.ids.isdisjoint(person.ids):
                yield customer.email

    def _waiting(self) -> list[Customer]:
        with telling(self.path):
            rows = self._db.execute("SELECT customer FROM queue ORDER BY email").fetchall()
        return [self._decoded(body, Customer) for (body,) in rows]

    def _journal_keys(self, person: Person) -> list[object]:
        """Return the changes of the person's own contact."""
        names = (*person.emails, *person.ids)
        return [
            key
            for key, body in self._naming_any("operations", "id", "change", names)
            if self._decoded(body, _Mentioned).is_of(person.emails, person.ids)
        ]

    # ------------------------------------------------------------ rows and cells

    def _rows(self, table: str, keys: Iterable[object]) -> Iterator[dict[str, object]]:
        for key in keys:
            with telling(self.path):
                cursor = self._db.execute(f"SELECT * FROM {table} WHERE {_KEYS[table]} = ?", (key,))
                row = cursor.fetchone()
            names = [column[0] for column in cursor.description]
            yield {name: _shown(cell) for name, cell in zip(names, row, strict=True)}

    def _tables(self) -> list[str]:
        with telling(self.path):
            rows = self._db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
        return [name for (name,) in rows]

    def _mentioning(self, table: str, emails: Collection[Email]) -> list[object]:
        """Return the rows of *table* with an address in any cell, by their first column."""
        mentions = Mentions(emails)
        with telling(self.path):
            columns = [row[1] for row in self._db.execute(f"PRAGMA table_info({table})")]
            cells = (f"coalesce(CAST({column} AS TEXT), '')" for column in columns)
            found = self._db.execute(
                f"SELECT {columns[0]}, {_beside(cells)} AS whole FROM {table} WHERE "
                + " OR ".join("instr(lower(whole), ?)" for _ in emails),
                tuple(emails),
            ).fetchall()
        return [key for key, text in found if mentions.any_in(text)]

    # ------------------------------------------------------------ what stays, without a name

    def _strike_from_reports(self, person: Person) -> int:
        mentions = Mentions(person.emails)
        struck = 0
        rows = self._db.execute("SELECT id, report FROM runs WHERE report IS NOT NULL").fetchall()
        for run_id, report in rows:
            text = bytes(report).decode()
            if mentions.any_in(text):
                struck += 1
                self._db.execute(
                    "UPDATE runs SET report = ? WHERE id = ?",
                    (mentions.struck_from(text).encode(), run_id),
                )
        return struck

    def _strike_from_queue(self, person: Person) -> None:
        for (body,) in self._db.execute("SELECT customer FROM queue").fetchall():
            customer = self._decoded(body, Customer)
            kept = tuple(e for e in customer.former_emails if e not in person.emails)
            if kept != customer.former_emails:
                self._db.execute(
                    "UPDATE queue SET customer = ? WHERE email = ?",
                    (msgspec.json.encode(replace(customer, former_emails=kept)), customer.email),
                )


_KEYS = {
    "confirmed": "email",
    "identities": "customer_id",
    "queue": "email",
    "operations": "id",
    "mirror": "contact_id",
}
"""By which column a row of each table is named."""


def _beside(cells: Iterable[str]) -> str:
    return " || ' ' || ".join(cells)


def _shown(cell: object) -> object:
    """Return a cell as JSON can hold it; what is JSON already, decoded."""
    if isinstance(cell, bytes):
        return msgspec.json.decode(cell)
    return cell
