"""What a run reads: every record, or only the blocks that may say something new."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

import customer_sync
from customer_sync.config import Config
from customer_sync.core.model import Attribute, FieldWarning, Place, Record, Rejection
from customer_sync.core.plan import Unchanged
from customer_sync.platforms.blockwise import BlockFile
from customer_sync.platforms.reading import Taken
from customer_sync.readers.blocks import Block
from customer_sync.store.blocks import SettledBlock


@dataclass(frozen=True, slots=True)
class Read:
    """One record, its place in the order of the whole input, and the block that it stood in."""

    order: int
    record: Record | Rejection
    block: Block | None = None
    file: str = ""
    """The file that the block is of."""


class Intake(Protocol):
    """Whatever hands out the records of a run."""

    @property
    def size(self) -> int:
        """How many bytes are to be read, about."""
        ...

    @property
    def digests(self) -> AbstractSet[bytes]:
        """The digests of the blocks that need not be read where they are settled."""
        ...

    def leave_out(self, settled: Mapping[bytes, SettledBlock]) -> None:
        """Read no block that is among *settled*."""
        ...

    def read(self) -> Iterator[Read]:
        """Yield what is to be read."""
        ...

    def read_after_all(self, numbers: Collection[int]) -> Iterator[Read]:
        """Yield what was left out of the settled blocks with these *numbers*."""
        ...

    @property
    def left_out(self) -> Sequence[SettledBlock]:
        """The settled blocks that were not read."""
        ...

    def warnings(self) -> Iterator[FieldWarning]:
        """Yield what there is to say about the records that were not read."""
        ...


class WholeIntake:
    """Records that are all read."""

    digests: AbstractSet[bytes] = frozenset()
    left_out: Sequence[SettledBlock] = ()

    def __init__(
        self,
        records: Iterable[Record | Rejection],
        on_end: Callable[[], None],
        *,
        size: int = 0,
    ) -> None:
        """Hand out *records*, which take *size* bytes, and call *on_end* after them."""
        self._records = records
        self._on_end = on_end
        self.size = size

    def leave_out(self, _settled: Mapping[bytes, SettledBlock]) -> None:
        """There are no blocks."""

    def read(self) -> Iterator[Read]:
        """Yield every record."""
        for order, record in enumerate(self._records):
            yield Read(order, record)
        self._on_end()

    def read_after_all(self, _numbers: Collection[int]) -> Iterator[Read]:
        """Yield nothing: all was read."""
        return iter(())

    def warnings(self) -> Iterator[FieldWarning]:
        """Yield nothing: whoever read the records knows."""
        return iter(())


@dataclass(slots=True)
class BlockIntake:
    """Files in blocks, of which those that are settled are left out.

    A block that stands in the input twice is read: two records of one customer are no listing.
    """

    files: Sequence[BlockFile]
    on_file: Callable[[Taken], None]
    on_end: Callable[[], None]
    _settled: dict[bytes, SettledBlock] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many bytes the blocks have that are not left out."""
        return sum(b.size for _, _, b in self._all() if b.digest not in self._settled)

    @property
    def digests(self) -> AbstractSet[bytes]:
        """Those that stand in the input once."""
        counts = Counter(block.digest for _, _, block in self._all())
        return {digest for digest, count in counts.items() if count == 1}

    @property
    def left_out(self) -> Sequence[SettledBlock]:
        """The settled blocks that were not read, in the order of their numbers."""
        return sorted(self._settled.values(), key=lambda settled: settled.number)

    def leave_out(self, settled: Mapping[bytes, SettledBlock]) -> None:
        """Read no block that is among *settled*."""
        self._settled = {digest: settled[digest] for digest in self.digests if digest in settled}

    def read(self) -> Iterator[Read]:
        """Yield the records of the blocks that are not left out."""
        self.begin()
        for base, file, block in self._all():
            if block.digest not in self._settled:
                yield from reads(base, file, block)
        self.on_end()

    def begin(self) -> None:
        """Tell what the files are taken for."""
        for file in self.files:
            self.on_file(file.taken)

    def read_after_all(self, numbers: Collection[int]) -> Iterator[Read]:
        """Yield what was left out of the settled blocks with these *numbers*."""
        for base, file, block in self._all():
            settled = self._settled.get(block.digest)
            if settled is not None and settled.number in numbers:
                del self._settled[block.digest]
                yield from reads(base, file, block)

    def warnings(self) -> Iterator[FieldWarning]:
        """Yield what was said about the records that were not read, at their places of now."""
        for _, file, block in self._all():
            settled = self._settled.get(block.digest)
            for remark in settled.content.remarks if settled else ():
                place = Place(file=file.name, line=block.line + remark.line)
                yield FieldWarning(place=place, field=remark.field, detail=remark.detail)

    def _all(self) -> Iterator[tuple[int, BlockFile, Block]]:
        """Yield every block with its file and the bytes before that file, which put it in order."""
        base = 0
        for file in self.files:
            yield from ((base, file, block) for block in file.blocks)
            base += sum(block.size for block in file.blocks)


def reads(base: int, file: BlockFile, block: Block) -> Iterator[Read]:
    """Yield the records of a block in a file, with *base* bytes of other files before it."""
    # No block has more records than bytes.
    start = base + block.offset
    records = enumerate(file.records(block))
    return (Read(start + n, record, block, file.name) for n, record in records)


def unchanged(left_out: Iterable[SettledBlock]) -> Unchanged:
    """Return what the blocks that were not read add up to."""
    total = Unchanged()
    for settled in left_out:
        content = settled.content
        total = Unchanged(
            records=total.records + content.records,
            customers=total.customers + content.customers,
            notes=total.notes + Counter(content.notes),
        )
    return total


def context_of(config: Config, attributes: Mapping[str, Attribute]) -> bytes:
    """Return a digest of whatever decides what a record means, beside the record."""
    decisive = (
        customer_sync.__version__,
        config.source,
        config.rules,
        config.policy,
        config.default_region,
        config.include_guests,
        config.consent_field,
        config.records,
        dict(sorted(attributes.items())),
    )
    return hashlib.sha256(msgspec.json.encode(decisive, order="deterministic")).digest()
