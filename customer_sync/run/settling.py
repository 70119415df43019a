"""Which blocks of the input were found right as a whole, so that they need not be read again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from customer_sync.core.model import Email, Keep, Note, Record, Rejection, Statement
from customer_sync.run.intake import Read
from customer_sync.store.blocks import BlockContent, Remark

_Key: TypeAlias = tuple[str, str]

Settled: TypeAlias = tuple[BlockContent, tuple[Email, ...]]
"""A block, and the addresses of its customers."""


class Settling:
    """Follows the records of a run from their blocks to what becomes of their customers."""

    def __init__(self) -> None:
        self._homes: dict[_Key, bytes | None] = {}
        """Where all that was said of somebody stood; None: not in one block alone."""
        self._statements: Counter[bytes] = Counter()
        self._remarks: defaultdict[bytes, list[Remark]] = defaultdict(list)
        self._unfit: set[bytes] = set()

    def note(self, read: Read, statement: Statement | Rejection) -> None:
        """Take note of what one record of the input came to.

        A record that cannot be used is told of in each run, so that its block is read again. So is
        one whose time is that of its file: said again, it is newer than it was.
        """
        home = read.block.digest if read.block is not None else None
        if isinstance(statement, Rejection):
            if home is not None:
                self._unfit.add(home)
            return
        self._note_home(_key(statement), home)
        if read.block is None or home is None:
            return
        self._statements[home] += 1
        written_at = read.record.written_at if isinstance(read.record, Record) else None
        if statement.occurred_at == written_at or statement.place.file != read.file:
            self._unfit.add(home)
        for warning in statement.warnings:
            line = statement.place.line - read.block.line
            self._remarks[home].append(
                Remark(line=line, field=warning.field, detail=warning.detail)
            )

    def note_waiting(self, ids: Iterable[str], email: Email) -> None:
        """Take note of somebody of whom not only the input speaks."""
        for key in (*(("id", i) for i in ids), ("email", email)):
            self._homes[key] = None

    def _note_home(self, key: _Key, home: bytes | None) -> None:
        known = self._homes.setdefault(key, home)
        if known != home:
            self._homes[key] = None

    def settled(self, steady: Iterable[Keep]) -> Iterator[Settled]:
        """Yield the blocks of which every customer is among *steady*, and in no other block."""
        members: defaultdict[bytes, list[Email]] = defaultdict(list)
        notes: defaultdict[bytes, Counter[Note]] = defaultdict(Counter)
        kept: Counter[bytes] = Counter()
        for change in steady:
            home = self._home_of(change)
            if home is not None:
                members[home].append(change.customer.email)
                notes[home].update(change.notes)
                kept[home] += change.customer.statements
        for digest, emails in members.items():
            count = self._statements[digest]
            if kept[digest] == count and digest not in self._unfit:
                content = BlockContent(
                    digest=digest,
                    records=count,
                    customers=len(emails),
                    notes=notes[digest],
                    remarks=tuple(self._remarks.get(digest, ())),
                )
                yield content, tuple(emails)

    def _home_of(self, change: Keep) -> bytes | None:
        customer = change.customer
        keys = (*(("id", i) for i in customer.ids), ("email", customer.email))
        homes = {self._homes[key] for key in keys if key in self._homes}
        return homes.pop() if len(homes) == 1 else None


def _key(statement: Statement) -> _Key:
    if statement.customer_id is not None:
        return "id", statement.customer_id
    return "email", statement.email or ""
