"""The suppression ledger: keyed hashes of everybody who was blocked or erased, kept for ever."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from customer_sync.core.changes.suppression import Lesson, Suppressed, Suppression
from customer_sync.core.model import Contact, Email
from customer_sync.core.proving.mentions import Person
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile, as_time

N = TypeVar("N", bound=str)

_KEY = "suppressions.key"
_SIZE = 16
"""Bytes of a hash: of a thousand million people, no two share one by chance."""

_EMAIL = b"address"
_ID = b"customer id"
"""What is hashed, so that an id never looks like an address."""


class Suppressions(StateFile):
    """Whom no run makes mailable again, without knowing them: hashes under a key of this state.

    The key is drawn once and stands in the same file. So a copy of the file is whole, and one
    without its key, which would forget everybody's no without a word, cannot be made.
    """

    def __init__(
        self, path: Path, *, may_begin_anew: bool = False, is_checked: bool = False
    ) -> None:
        super().__init__(path, may_begin_anew=may_begin_anew, is_checked=is_checked)
        try:
            # Never within a transaction, with which it would be taken back.
            key = self._drawn_key()
        except BaseException:
            self.close()
            raise
        self._keyed = {
            # Copied for each name: to take in the key is most of the work.
            kind: hashlib.blake2b(digest_size=_SIZE, key=key, person=kind)
            for kind in (_EMAIL, _ID)
        }

    def suppressed(self, emails: Iterable[Email], ids: Iterable[str] = ()) -> Suppressed:
        """Return what is remembered of *emails*, and which of *ids* were erased."""
        if not self._remembers_anybody():
            return Suppressed()
        found = dict(self._found(emails, self.hash_of_email))
        erased_ids: frozenset[str] = frozenset()
        if self._remembers_erasures():
            erased_ids = frozenset(i for i, _ in self._found(ids, self.hash_of_id))
        return Suppressed(
            mail=frozenset(e for e, one in found.items() if one.is_mail_blocked),
            sms=frozenset(e for e, one in found.items() if one.is_sms_blocked),
            left={e: one.left_lists for e, one in found.items() if one.left_lists},
            erased=frozenset(e for e, one in found.items() if one.erased_at is not None),
            erased_ids=erased_ids,
        )

    def suppression(self, email: Email) -> Suppression | None:
        """Return what is remembered of one address; None where it is nothing."""
        return dict(self._found([email], self.hash_of_email)).get(email)

    def note_erased(self, person: Person, now: datetime) -> None:
        """Remember that a person was erased, under every address and id; the first time counts."""
        hashes = [*map(self.hash_of_email, person.emails), *map(self.hash_of_id, person.ids)]
        erasure = self.hash_of_email(person.email)
        with telling(self.path), transaction(self._db):
            self._db.executemany(
                "INSERT INTO suppressions (hash, no_mail, no_sms, erased_at, erasure)"
                " VALUES (?, 1, 1, ?, ?) ON CONFLICT (hash) DO UPDATE SET"
                " no_mail = 1, no_sms = 1, erased_at = coalesce(erased_at, excluded.erased_at),"
                " erasure = coalesce(erasure, excluded.erasure)",
                [(one, now.isoformat(), erasure) for one in hashes],
            )

    def forget_suppression(self, email: Email) -> int:
        """Forget what is remembered of an address, because an operator says so; return how much.

        Of somebody who was erased every address and id goes.
        """
        named = self.hash_of_email(email)
        with telling(self.path), transaction(self._db):
            row = self._db.execute(
                "SELECT erasure FROM suppressions WHERE hash = ?", (named,)
            ).fetchone()
            return self._db.execute(
                "DELETE FROM suppressions WHERE hash = ? OR erasure = ?",
                (named, row[0] if row else None),
            ).rowcount

    def count_suppressed(self) -> int:
        """Return how many entries the ledger has."""
        with telling(self.path):
            (count,) = self._db.execute("SELECT count(*) FROM suppressions").fetchone()
        return int(count)

    def hash_of_email(self, email: Email) -> bytes:
        """Return what the ledger knows an address by."""
        return self._hash(email, _EMAIL)

    def hash_of_id(self, customer_id: str) -> bytes:
        """Return what the ledger knows a shop's id by."""
        return self._hash(customer_id, _ID)

    # ------------------------------------------------------------ within others' transactions

    def _suppress_blocked(self, contacts: Iterable[Contact]) -> None:
        """Remember every contact that is blocked in any way, or left a list."""
        self._db.executemany(
            _ADD,
            (
                (self.hash_of_email(c.email), c.is_email_blocked, c.is_sms_blocked)
                for c in contacts
                if c.email is not None and (c.is_email_blocked or c.is_sms_blocked)
            ),
        )
        self._db.executemany(
            _LEAVE,
            (
                (self.hash_of_email(c.email), json.dumps(sorted(c.unsubscribed_list_ids)))
                for c in contacts
                if c.email is not None and c.unsubscribed_list_ids
            ),
        )

    def _take_in(self, lesson: Lesson) -> None:
        """Remember who is blocked from now on, and forget whose block was lifted with leave."""
        blocked = [(self.hash_of_email(e), 1, 0) for e in lesson.mail]
        blocked += [(self.hash_of_email(e), 0, 1) for e in lesson.sms]
        self._db.executemany(_ADD, blocked)
        for column, lifted in (("no_mail", lesson.lifted_mail), ("no_sms", lesson.lifted_sms)):
            self._db.executemany(
                f"UPDATE suppressions SET {column} = 0 WHERE hash = ? AND erased_at IS NULL",
                ((self.hash_of_email(e),) for e in lifted),
            )

    # ------------------------------------------------------------ the rest

    def _hash(self, name: str, kind: bytes) -> bytes:
        digest = self._keyed[kind].copy()
        digest.update(name.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _drawn_key(self) -> bytes:
        """Return the key of this state, which the first one to ask draws."""
        find = "SELECT value FROM facts WHERE name = ?"
        with telling(self.path):
            row = self._db.execute(find, (_KEY,)).fetchone()
            if row is None:
                self._db.execute(
                    "INSERT OR IGNORE INTO facts VALUES (?, ?)", (_KEY, secrets.token_hex(32))
                )
                row = self._db.execute(find, (_KEY,)).fetchone()
        return bytes.fromhex(row[0])

    def _found(
        self, names: Iterable[N], hashed: Callable[[N], bytes]
    ) -> Iterator[tuple[N, Suppression]]:
        asked = {hashed(name): name for name in names}
        for found, no_mail, no_sms, left_lists, erased_at in self._select(
            "SELECT hash, no_mail, no_sms, left_lists, erased_at FROM suppressions"
            " WHERE hash IN ({})",
            asked,
        ):
            yield (
                asked[found],
                Suppression(
                    is_mail_blocked=bool(no_mail),
                    is_sms_blocked=bool(no_sms),
                    left_lists=self._decoded(left_lists, frozenset[int])
                    if left_lists
                    else frozenset(),
                    erased_at=as_time(erased_at) if erased_at else None,
                ),
            )

    def _remembers_anybody(self) -> bool:
        return self._exists("SELECT 1 FROM suppressions LIMIT 1")

    def _remembers_erasures(self) -> bool:
        return self._exists("SELECT 1 FROM suppressions WHERE erased_at IS NOT NULL LIMIT 1")

    def _exists(self, sql: str) -> bool:
        with telling(self.path):
            return self._db.execute(sql).fetchone() is not None


_ADD = (
    "INSERT INTO suppressions (hash, no_mail, no_sms) VALUES (?, ?, ?)"
    " ON CONFLICT (hash) DO UPDATE SET"
    " no_mail = max(no_mail, excluded.no_mail), no_sms = max(no_sms, excluded.no_sms)"
)

_LEAVE = (
    "INSERT INTO suppressions (hash, no_mail, no_sms, left_lists) VALUES (?, 0, 0, ?)"
    " ON CONFLICT (hash) DO UPDATE SET left_lists = (SELECT json_group_array(value) FROM"
    " (SELECT value FROM json_each(coalesce(left_lists, '[]'))"
    " UNION SELECT value FROM json_each(excluded.left_lists)))"
)
