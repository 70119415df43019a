"""What a process does for a plan: both stages, from a description that any process can be given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from customer_sync.config import Config
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import Attribute, Record, Rejection, Statement
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema
from customer_sync.partitions.gather import Part, PartPlan, Terms, plan_part
from customer_sync.partitions.scatter import Scattered, Share, scatter
from customer_sync.platforms.blockwise import open_some
from customer_sync.platforms.reading import Asked
from customer_sync.readers.blocks import Block
from customer_sync.run.intake import Read, reads
from customer_sync.run.taking_in import accepted
from customer_sync.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that a process has to be told once."""

    config: Config
    attributes: Mapping[str, Attribute]
    now: datetime
    asked: Asked
    state: Path
    """The file of the state."""
    folder: Path
    """Where the rows are."""
    count: int
    """How many partitions there are."""
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some blocks of a file."""

    name: str
    base: int
    """The bytes of all files before it."""
    blocks: tuple[Block, ...]
    written_at: datetime
    """When the file was written, which dates what has no time of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some records that were read already."""

    name: str
    records: Sequence[Read]


class Work:
    """Carries out tasks, one at a time."""

    def __init__(self, setup: Setup, store: Store | None = None) -> None:
        """Prepare; without *store* the state is opened when it is needed first."""
        self._setup = setup
        self._store = store

    def read(self, stretch: Stretch) -> Share:
        """Put the records of some blocks into their partitions."""
        setup = self._setup
        file = open_some(stretch.name, stretch.blocks, now=setup.now, asked=setup.asked)
        file = replace(file, written_at=stretch.written_at)
        records = [read for block in file.blocks for read in reads(stretch.base, file, block)]
        first = stretch.base + stretch.blocks[0].offset
        return self.take(Batch(name=f"{first}", records=records))

    def take(self, batch: Batch) -> Share:
        """Put some records into their partitions."""
        return scatter(
            batch.records,
            self.rows,
            task=batch.name,
            accept=self.accept,
            addresses=self._state.addresses,
        )

    def plan(self, part: Part) -> PartPlan:
        """Plan one partition."""
        return plan_part(part, self.rows, self._state, self._setup.terms)

    def accept(self, record: Record | Rejection) -> Statement | Rejection:
        """Carry one record through validation and mapping."""
        return accepted(record, self._validator, self._mapper)

    @cached_property
    def rows(self) -> Scattered:
        """Where the rows are."""
        return Scattered(self._setup.folder, self._setup.count)

    @cached_property
    def _validator(self) -> EventValidator:
        return EventValidator(event_schema(), now=self._setup.now)

    @cached_property
    def _mapper(self) -> Mapper:
        config = self._setup.config
        return Mapper(config.rules, self._setup.attributes, default_region=config.default_region)

    @cached_property
    def _state(self) -> Store:
        return self._store or Store(self._setup.state, is_checked=True)
