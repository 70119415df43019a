"""Brevo's contacts as they were last seen, and single facts such as the watermark."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from customer_sync.core.model import Contact, ContactId, Email
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile


class Mirror(StateFile):
    """A copy of the account's contacts, brought up to date by every run."""

    def _mirror(self, contacts: Iterable[Contact], reading: int) -> None:
        for contact in contacts:
            # An address that moved to another contact belongs to the newer reading.
            self._db.execute(
                "DELETE FROM mirror WHERE email = ? AND contact_id <> ?",
                (contact.email, contact.id),
            )
            self._db.execute(
                "INSERT INTO mirror VALUES (?, ?, ?, ?, ?) ON CONFLICT (contact_id) DO UPDATE"
                " SET email = excluded.email, ext_id = excluded.ext_id, body = excluded.body,"
                " pass = excluded.pass",
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
        rows = self._select("SELECT body FROM mirror WHERE email IN ({})", emails)
        found = (self._decoded(body, Contact) for (body,) in rows)
        return {contact.email: contact for contact in found if contact.email is not None}

    def mirrored_by_id(self, ids: Iterable[ContactId]) -> dict[ContactId, Contact]:
        """Return the mirror's contacts with these *ids*, at whatever address they are."""
        rows = self._select("SELECT body FROM mirror WHERE contact_id IN ({})", ids)
        found = (self._decoded(body, Contact) for (body,) in rows)
        return {contact.id: contact for contact in found}

    def mirrored_by_ext_id(self, ids: Iterable[str]) -> dict[str, Contact]:
        """Return the mirror's contacts that carry one of the shop's *ids* as EXT_ID."""
        rows = self._select("SELECT ext_id, body FROM mirror WHERE ext_id IN ({})", ids)
        return {ext_id: self._decoded(body, Contact) for ext_id, body in rows}

    def every_mirrored(self) -> Iterator[Contact]:
        """Yield all of the mirror's contacts, in the order in which Brevo made them."""
        with telling(self.path):
            for (body,) in self._db.execute("SELECT body FROM mirror ORDER BY contact_id"):
                yield self._decoded(body, Contact)

    def count_mirrored(self) -> int:
        """Return how many contacts the mirror holds."""
        with telling(self.path):
            (count,) = self._db.execute("SELECT count(*) FROM mirror").fetchone()
        return int(count)

    def fact(self, name: str) -> str | None:
        """Return a remembered fact, such as the mirror's watermark."""
        with telling(self.path):
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def remember(self, facts: Mapping[str, str]) -> None:
        """Remember *facts*, all or none."""
        with telling(self.path), transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())
