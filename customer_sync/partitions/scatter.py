"""The first stage: records become statements, each on disk in the partition of its customer."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import msgspec

from customer_sync.core.model import Email, FieldWarning, Rejection, Statement
from customer_sync.partitions.links import TOKEN_BYTES, Links, Token, token
from customer_sync.partitions.spill import Spill
from customer_sync.run.intake import Read
from customer_sync.run.settling import BlockTally
from customer_sync.run.taking_in import Accept


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A statement on its way to its partition."""

    order: int
    """Its place in the whole input."""
    home: bytes | None
    """The block that it stood in."""
    statement: Statement


# What says nothing about attributes may do so by a view of an empty mapping.
_ENCODER = msgspec.json.Encoder(enc_hook=dict)
_DECODER = msgspec.json.Decoder(Row)
_LIVING = msgspec.json.Decoder(tuple[str, frozenset[str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What some of the records came to, beside their statements."""

    records: int
    rejections: tuple[Rejection, ...]
    warnings: tuple[FieldWarning, ...]
    links: tuple[tuple[Token, ...], ...]
    """Addresses that belong together."""
    tally: BlockTally
    checksum: int
    """Of all rows; those of all shares are added."""


class Scattered:
    """Where the first stage leaves its rows, and the later ones find them."""

    def __init__(self, folder: Path, count: int) -> None:
        """Keep the rows of *count* partitions below *folder*."""
        self.count = count
        self.statements = Spill(folder, "statements")
        """By address."""
        self.homeless = Spill(folder, "homeless")
        """Those of whose customers no address is known yet, by id."""
        self.pairs = Spill(folder, "pairs")
        """Which address was said of which id, by id."""
        self.moved = Spill(folder, "moved")
        """Statements that are planned with others than their address says, by where."""
        self.living = Spill(folder, "living")
        """Who was confirmed, by address, where absence from the input has a meaning."""

    def put(self, key: Token, row: bytes) -> None:
        """Put a statement where its address says."""
        self.statements.add(key % self.count, key, row)

    def pair(self, customer_id: Token, address: Token) -> None:
        """Note that an address was said of an id."""
        row = address.to_bytes(TOKEN_BYTES, "little")
        self.pairs.add(customer_id % self.count, customer_id, row)

    def put_living(self, number: int, email: Email, ids: frozenset[str]) -> None:
        """Put somebody who was confirmed before into a partition."""
        self.living.add(number, 0, _ENCODER.encode((email, sorted(ids))))

    def living_in(self, number: int) -> Iterator[tuple[Email, frozenset[str]]]:
        """Yield those who were confirmed before, of a partition, with their ids."""
        for _, row in self.living.rows(number):
            email, ids = _LIVING.decode(row)
            yield Email(email), ids

    def flush(self, task: str) -> None:
        """Write down what is held, in the name of a *task*."""
        for spill in (self.statements, self.homeless, self.pairs, self.moved, self.living):
            spill.flush(task)

    def rows(self, number: int, left: Collection[Token]) -> Iterator[Row]:
        """Yield the statements of a partition, without those whose tokens have *left* it."""
        for key, row in self.statements.rows(number):
            if key not in left:
                yield _DECODER.decode(row)
        for _, row in self.moved.rows(number):
            yield _DECODER.decode(row)


def scatter(
    records: Iterable[Read],
    to: Scattered,
    *,
    task: str,
    accept: Accept,
    addresses: Callable[[Collection[str]], Mapping[str, Email]],
) -> Share:
    """Accept *records* and put their statements into partitions.

    The *task* names the files, so that a second attempt takes the place of the first. *addresses*
    tells where the customers with some ids are known to be.
    """
    rejections: list[Rejection] = []
    warnings: list[FieldWarning] = []
    tally = BlockTally()
    rows: list[tuple[Statement, bytes]] = []
    count = checksum = 0
    for read in records:
        count += 1
        statement = accept(read.record)
        tally.note(read, statement)
        if isinstance(statement, Rejection):
            rejections.append(statement)
            continue
        warnings.extend(statement.warnings)
        home = read.block.digest if read.block is not None else None
        row = _ENCODER.encode(Row(order=read.order, home=home, statement=statement))
        checksum += crc32(row)
        rows.append((statement, row))
    known = addresses([s.customer_id for s, _ in rows if s.customer_id is not None])
    links = [link for row in rows if (link := _put(*row, known, to)) is not None]
    to.flush(task)
    return Share(
        records=count,
        rejections=tuple(rejections),
        warnings=tuple(warnings),
        links=tuple(links),
        tally=tally,
        checksum=checksum,
    )


def _put(
    statement: Statement, row: bytes, known: Mapping[str, Email], to: Scattered
) -> tuple[Token, ...] | None:
    """Put a statement into its partition, and return what belongs together because of it."""
    customer_id = statement.customer_id
    said = (statement.email, statement.previous_email)
    remembered = known.get(customer_id) if customer_id is not None else None
    names = dict.fromkeys(name for name in (*said, remembered) if name is not None)
    if not names:
        key = token(customer_id or "")
        to.homeless.add(key % to.count, key, row)
        return None
    tokens = tuple(map(token, names))
    to.put(tokens[0], row)
    if customer_id is not None:
        to.pair(token(customer_id), tokens[0])
    return tokens if len(tokens) > 1 else None


# ---------------------------------------------------------------- once everything was read


def find_homes(to: Scattered, links: Links) -> Iterator[tuple[str, bytes]]:
    """Link the addresses of each id, and put the homeless where their ids are.

    Yields the ids of whom nobody said an address, each with a statement that waits to be put.
    """
    for number in sorted({*to.pairs.partitions, *to.homeless.partitions}):
        addresses: dict[Token, Token] = {}
        for customer_id, row in to.pairs.rows(number):
            address = int.from_bytes(row, "little")
            first = addresses.setdefault(customer_id, address)
            if first != address:
                links.join((first, address))
        for customer_id, row in to.homeless.rows(number):
            if customer_id in addresses:
                to.put(addresses[customer_id], row)
            else:
                yield _DECODER.decode(row).statement.customer_id or "", row
        to.pairs.clear(number)
        to.homeless.clear(number)
        to.statements.flush(f"homeless-{number}")


def move(to: Scattered, moved: Mapping[Token, int]) -> None:
    """Put the statements whose tokens are among *moved* where these say."""
    for number in sorted({key % to.count for key in moved}):
        for key, row in to.statements.rows(number):
            if key in moved:
                to.moved.add(moved[key], key, row)
        to.moved.flush(f"from-{number}")
