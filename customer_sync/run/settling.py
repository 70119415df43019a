"""Which blocks of the input were found right as a whole, so that they need not be read again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from customer_sync.core.model import Email, Keep, Note, Record, Rejection, Statement
from customer_sync.run.intake import Read
from customer_sync.store.blocks import BlockContent, Remark

_Key: TypeAlias = tuple[str, str]

Settled: TypeAlias = tuple[BlockContent, tuple[Email, ...]]
"""A block, and the addresses of its customers."""


@dataclass(slots=True)
class BlockTally:
    """What each block of the input came to, in as little as can be said of it."""

    statements: Counter[bytes] = field(default_factory=Counter)
    remarks: defaultdict[bytes, list[Remark]] = field(default_factory=lambda: defaultdict(list))
    unfit: set[bytes] = field(default_factory=set)
    """Blocks that have to be read again whatever becomes of their customers."""

    def note(self, read: Read, statement: Statement | Rejection) -> None:
        """Take note of what one record of the input came to.

        A record that cannot be used is told of in each run, so that its block is read again. So is
        one whose time is that of its file: said again, it is newer than it was.
        """
        if read.block is None:
            return
        home = read.block.digest
        if isinstance(statement, Rejection):
            self.unfit.add(home)
            return
        self.statements[home] += 1
        written_at = read.record.written_at if isinstance(read.record, Record) else None
        if statement.occurred_at == written_at or statement.place.file != read.file:
            self.unfit.add(home)
        for warning in statement.warnings:
            line = statement.place.line - read.block.line
            self.remarks[home].append(Remark(line=line, field=warning.field, detail=warning.detail))

    def add(self, other: "BlockTally") -> None:
        """Take in what was noted of other blocks."""
        self.statements.update(other.statements)
        self.remarks.update(other.remarks)
        self.unfit |= other.unfit

    def settled(self, steady: Iterable[tuple[Keep, bytes | None]]) -> Iterator[Settled]:
        """Yield the blocks of which every customer is among *steady*, each with its only block."""
        members: defaultdict[bytes, list[Email]] = defaultdict(list)
        notes: defaultdict[bytes, Counter[Note]] = defaultdict(Counter)
        kept: Counter[bytes] = Counter()
        for change, home in steady:
            if home is not None:
                members[home].append(change.customer.email)
                notes[home].update(change.notes)
                kept[home] += change.customer.statements
        for digest, emails in members.items():
            count = self.statements[digest]
            if kept[digest] == count and digest not in self.unfit:
                content = BlockContent(
                    digest=digest,
                    records=count,
                    customers=len(emails),
                    notes=notes[digest],
                    remarks=tuple(self.remarks.get(digest, ())),
                )
                yield content, tuple(emails)


class BlockHomes:
    """Where all that was said of somebody stood, if in one block alone."""

    def __init__(self) -> None:
        self._homes: dict[_Key, bytes | None] = {}

    def note(self, statement: Statement, home: bytes | None) -> None:
        """Take note of where a statement stood; None: not in a block."""
        self._note(_key(statement), home)

    def note_waiting(self, ids: Iterable[str], email: Email) -> None:
        """Take note of somebody of whom not only the input speaks."""
        for key in (*(("id", i) for i in ids), ("email", email)):
            self._homes[key] = None

    def of(self, change: Keep) -> bytes | None:
        """Return the block in which all stood that was said of the customer of *change*."""
        customer = change.customer
        keys = (*(("id", i) for i in customer.ids), ("email", customer.email))
        homes = {self._homes[key] for key in keys if key in self._homes}
        return homes.pop() if len(homes) == 1 else None

    def _note(self, key: _Key, home: bytes | None) -> None:
        known = self._homes.setdefault(key, home)
        if known != home:
            self._homes[key] = None


class Settling:
    """Follows the records of a run from their blocks to what becomes of their customers."""

    def __init__(self) -> None:
        self._tally = BlockTally()
        self._homes = BlockHomes()

    def note(self, read: Read, statement: Statement | Rejection) -> None:
        """Take note of what one record of the input came to."""
        self._tally.note(read, statement)
        if not isinstance(statement, Rejection):
            self._homes.note(statement, read.block.digest if read.block is not None else None)

    def note_waiting(self, ids: Iterable[str], email: Email) -> None:
        """Take note of somebody of whom not only the input speaks."""
        self._homes.note_waiting(ids, email)

    def settled(self, steady: Iterable[Keep]) -> Iterator[Settled]:
        """Yield the blocks of which every customer is among *steady*, and in no other block."""
        return self._tally.settled((change, self._homes.of(change)) for change in steady)


def _key(statement: Statement) -> _Key:
    if statement.customer_id is not None:
        return "id", statement.customer_id
    return "email", statement.email or ""
