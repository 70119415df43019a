"""How large inputs are planned: in which pieces, and by whom."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several plans that only together are that of the input."""

    number: Annotated[int, Meta(ge=1)]
    """From 1."""
    of: Annotated[int, Meta(ge=1)]

    def has(self, partition: int) -> bool:
        """Tell whether a partition, of a multiple of `of` partitions, belongs to this shard."""
        return partition % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How a large input is cut; the plan is the same however that is."""

    least_bytes: int = 2**23
    """A smaller one is planned as a whole, in memory."""
    part_bytes: int = 2**22
    """Of the input, for one partition."""
    workers: int = 1
    """Processes that work at a time."""
    shard: Shard | None = None
    """Plan this part of the customers alone, whose limits are checked once all parts are there."""

    def is_large(self, size: int) -> bool:
        """Tell whether an input of *size* bytes is planned in partitions."""
        return size >= self.least_bytes or self.shard is not None

    def count(self, size: int) -> int:
        """Return in how many partitions an input of *size* bytes is cut."""
        count = max(1, size // self.part_bytes)
        return count if self.shard is None else count * self.shard.of
