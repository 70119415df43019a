"""Blocks of a source whose customers were all found right, and stay so until something changes.

Which customer stood in which block is kept in its confirmed row. Whatever touches a customer takes
the row out of its block: a new confirmation by itself, and by triggers of the database a contact
that changed or vanished at Brevo, an entry in the retry queue, and a deletion. A block is settled
as long as none was taken out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from customer_sync.core.model import Email, Note
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile, in_chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What there was to say about a field of a block's record."""

    line: int
    """Counted from the block's first line, which is 0."""
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockContent:
    """What a block came to when its records were last read."""

    digest: bytes
    records: int
    customers: int
    notes: Mapping[Note, int] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledBlock:
    """A block of which nothing has changed since, by its number in the state."""

    number: int
    content: BlockContent


class Blocks(StateFile):
    """The blocks that were read by runs before."""

    def settled_blocks(self, context: bytes) -> dict[bytes, SettledBlock]:
        """Return the settled blocks that were read under *context*, by their digests.

        The context stands for whatever else decides what a record means, such as the mapping.
        """
        with telling(self.path):
            rows = self._db.execute(
                "SELECT id, body FROM blocks WHERE context = ? AND customers ="
                " (SELECT count(*) FROM confirmed WHERE block = blocks.id)",
                (context,),
            ).fetchall()
        contents = ((number, self._decoded(body, BlockContent)) for number, body in rows)
        return {c.digest: SettledBlock(number=n, content=c) for n, c in contents}

    def blocks_of(self, emails: Iterable[Email]) -> set[int]:
        """Return the blocks in which the customers at *emails* stood."""
        rows = self._select(
            "SELECT DISTINCT block FROM confirmed WHERE block IS NOT NULL AND email IN ({})", emails
        )
        return {block for (block,) in rows}

    def settle_blocks(
        self, blocks: Iterable[tuple[BlockContent, Iterable[Email]]], context: bytes
    ) -> None:
        """Remember *blocks*, each with the addresses of its customers; those of before go.

        A block of which a customer is not confirmed is not settled by this.
        """
        with telling(self.path), transaction(self._db):
            for content, emails in blocks:
                (number,) = self._db.execute(
                    "INSERT INTO blocks (context, customers, body) VALUES (?, ?, ?) RETURNING id",
                    (context, content.customers, msgspec.json.encode(content)),
                ).fetchone()
                for chunk in in_chunks(emails):
                    marks = ",".join("?" * len(chunk))
                    self._db.execute(
                        f"UPDATE confirmed SET block = ? WHERE email IN ({marks})",
                        (number, *chunk),
                    )
            self._db.execute(
                "DELETE FROM blocks WHERE id NOT IN"
                " (SELECT block FROM confirmed WHERE block IS NOT NULL)"
            )
