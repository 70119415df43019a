"""Who is who, and what was last written for each."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import (
    Confirmed,
    Contact,
    Create,
    Dated,
    Delete,
    Email,
    Keep,
    Update,
    Write,
)
from customer_sync.core.undoing.memory import Memory
from customer_sync.core.undoing.past import Identity
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile, as_time


class People(StateFile):
    """The customers that were heard of, and their confirmed contacts."""

    def identities(self, ids: Iterable[str], emails: Iterable[Email]) -> Identities:
        """Return what is remembered of the customers with *ids*, and of all at *emails*."""
        asked = frozenset(emails)
        known = dict(self._known_at(asked))
        elsewhere = self.addresses(frozenset(ids) - known.keys()).values()
        known.update(self._known_at(frozenset(elsewhere) - asked))
        return Identities.of_everybody(known)

    def _known_at(self, emails: Iterable[Email]) -> Iterator[tuple[str, tuple[Dated[Email], bool]]]:
        """Yield the ids of all who have, or had last, one of *emails*; are they deleted?"""
        for customer_id, email, said_at, is_deleted in self._select(
            "SELECT customer_id, email, said_at, is_deleted FROM identities WHERE email IN ({})",
            emails,
        ):
            yield customer_id, (Dated(value=email, at=as_time(said_at)), bool(is_deleted))

    def addresses(self, ids: Iterable[str]) -> dict[str, Email]:
        """Return the addresses that are remembered of the customers with *ids*."""
        rows = self._select(
            "SELECT customer_id, email FROM identities WHERE customer_id IN ({})", ids
        )
        return {customer_id: Email(email) for customer_id, email in rows}

    def note_deleted(self, ids: Iterable[str], email: Email, deleted_at: datetime) -> None:
        """Note that customers are gone although their last address, *email*, lives on with others.

        Whoever is known to have come back after *deleted_at* is not gone. Who was never heard of
        is remembered too, so that older news brings nobody back.
        """
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "INSERT INTO identities (customer_id, email, said_at, is_deleted)"
                " VALUES (?, ?, ?, 1) ON CONFLICT (customer_id) DO UPDATE"
                " SET is_deleted = 1, said_at = excluded.said_at, email = excluded.email"
                " WHERE said_at <= excluded.said_at",
                [(i, email, deleted_at.isoformat()) for i in ids],
            )

    def confirmed(self, emails: Iterable[Email]) -> dict[Email, Confirmed]:
        """Return what was confirmed for each of *emails* that was confirmed at all."""
        rows = self._select("SELECT body FROM confirmed WHERE email IN ({})", emails)
        found = (self._decoded(body, Confirmed) for (body,) in rows)
        return {known.email: known for known in found}

    def count_known(self) -> int:
        """Return how many living customers are confirmed."""
        with telling(self.path):
            (count,) = self._db.execute(
                "SELECT count(*) FROM confirmed WHERE is_deleted = 0"
            ).fetchone()
        return int(count)

    def living(self, *, beside: Collection[int] = ()) -> Iterator[tuple[Confirmed, frozenset[str]]]:
        """Yield every confirmed customer that is not deleted, with its ids.

        Those who stood in one of the blocks *beside* are left out.
        """
        with telling(self.path):
            rows = self._db.execute(
                "SELECT body, (SELECT json_group_array(customer_id) FROM identities i"
                " WHERE i.email = c.email AND NOT i.is_deleted)"
                " FROM confirmed c WHERE NOT is_deleted AND (block IS NULL OR block NOT IN"
                " (SELECT value FROM json_each(?))) ORDER BY email",
                (json.dumps(sorted(beside)),),
            )
            for body, ids in rows:
                yield self._decoded(body, Confirmed), self._decoded(ids, frozenset[str])

    def names_of_living(self) -> Iterator[tuple[Email, frozenset[str]]]:
        """Yield the address of every confirmed customer that is not deleted, with its ids."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT email, (SELECT json_group_array(customer_id) FROM identities i"
                " WHERE i.email = c.email AND NOT i.is_deleted)"
                " FROM confirmed c WHERE NOT is_deleted ORDER BY email"
            )
            for email, ids in rows:
                yield Email(email), self._decoded(ids, frozenset[str])

    def others_at_brevo(self) -> Iterator[tuple[Email, Email]]:
        """Yield every address that was confirmed for a contact, and where it stands by now."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT c.email, m.email FROM confirmed c JOIN mirror m USING (contact_id)"
                " WHERE m.email IS NOT NULL AND m.email <> c.email"
            ).fetchall()
        yield from ((Email(ours), Email(theirs)) for ours, theirs in rows)

    def everybody(self) -> Iterator[tuple[Confirmed, frozenset[str]]]:
        """Yield every confirmed customer, deleted or not, with the ids that are so too."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT body, (SELECT json_group_array(customer_id) FROM identities i"
                " WHERE i.email = c.email AND i.is_deleted = c.is_deleted)"
                " FROM confirmed c ORDER BY email"
            )
            for body, ids in rows:
                yield self._decoded(body, Confirmed), self._decoded(ids, frozenset[str])

    def roll(self) -> dict[Email, bool]:
        """Return the addresses of all who are confirmed, and whether they are deleted."""
        with telling(self.path):
            rows = self._db.execute("SELECT email, is_deleted FROM confirmed").fetchall()
        return {Email(email): bool(is_deleted) for email, is_deleted in rows}

    def ids_at(self, email: Email) -> frozenset[str]:
        """Return the ids of all customers that are known to have, or to have had last, *email*."""
        rows = self._select("SELECT customer_id FROM identities WHERE email IN ({})", [email])
        return frozenset(customer_id for (customer_id,) in rows)

    def _confirm(self, change: Create | Update | Delete | Keep, confirmed: Confirmed) -> None:
        customer = change.customer
        if isinstance(change, Update) and change.before.email not in {None, confirmed.email}:
            self._db.execute("DELETE FROM confirmed WHERE email = ?", (change.before.email,))
        self._put(confirmed)
        if customer.is_elsewhere:
            # Where they had their home at last was noted together with their end.
            return
        # The last word on whoever is deleted is the deletion.
        said_at = (customer.is_deleted and customer.deleted_at) or customer.email_at
        self._db.executemany(
            "INSERT OR REPLACE INTO identities VALUES (?, ?, ?, ?)",
            [(i, customer.email, said_at.isoformat(), customer.is_deleted) for i in customer.ids],
        )

    def _put(self, confirmed: Confirmed) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO confirmed (email, contact_id, is_deleted, body)"
            " VALUES (?, ?, ?, ?)",
            (
                confirmed.email,
                confirmed.contact_id,
                confirmed.is_deleted,
                msgspec.json.encode(confirmed),
            ),
        )

    def _doubt_listing(self, contact: Contact) -> None:
        """Take back that *contact* is known to be on the list."""
        for known in self.confirmed([contact.email] if contact.email else []).values():
            if known.is_listed and known.contact_id == contact.id:
                self._put(replace(known, is_listed=False, listed_on=None))

    def _forget(self, superseded: Confirmed) -> None:
        self._db.execute(
            "DELETE FROM confirmed WHERE email = ? AND body = ?",
            (superseded.email, msgspec.json.encode(superseded)),
        )

    def _known_before(self, changes: Sequence[Write]) -> list[bytes | None]:
        """Return what is known about the person of each change, as JSON; None: nothing at all."""
        names = {name for change in changes for name in _names(change)}
        rows = self._select("SELECT email, body FROM confirmed WHERE email IN ({})", names)
        confirmed: dict[str, bytes] = dict(map(tuple, rows))
        identities = {
            customer_id: Identity(
                customer_id=customer_id,
                email=Email(email),
                said_at=as_time(said_at),
                is_deleted=bool(is_deleted),
            )
            for customer_id, email, said_at, is_deleted in self._select(
                "SELECT customer_id, email, said_at, is_deleted FROM identities"
                " WHERE customer_id IN ({})",
                {i for change in changes for i in change.customer.ids},
            )
        }
        return [_as_known(change, confirmed, identities) for change in changes]

    def _recall(self, memory: Memory) -> None:
        """Let what is known of a person be what it was."""
        for email, known in memory.confirmed.items():
            self._db.execute("DELETE FROM confirmed WHERE email = ?", (email,))
            if known is not None:
                self._put(known)
        for customer_id, identity in memory.identities.items():
            here = tuple(memory.confirmed)
            self._db.execute(
                "DELETE FROM identities WHERE customer_id = ?"
                f" AND email IN ({','.join('?' * len(here))})",
                (customer_id, *here),
            )
            if identity is not None:
                # Whoever lives elsewhere by now stays there.
                self._db.execute(
                    "INSERT OR IGNORE INTO identities VALUES (?, ?, ?, ?)",
                    (
                        customer_id,
                        identity.email,
                        identity.said_at.isoformat(),
                        identity.is_deleted,
                    ),
                )


def _names(change: Write) -> set[Email]:
    before = None if isinstance(change, Create) else change.before.email
    names = {change.customer.email, *change.customer.former_emails}
    return names if before is None else names | {before}


def _as_known(
    change: Write, confirmed: Mapping[str, bytes], identities: Mapping[str, Identity]
) -> bytes | None:
    here = [msgspec.Raw(confirmed[e]) for e in sorted(_names(change)) if e in confirmed]
    ids = [identities[i] for i in sorted(change.customer.ids) if i in identities]
    return msgspec.json.encode({"confirmed": here, "identities": ids}) if here or ids else None
