"""A plan made partition by partition: held is one of them at a time, and what will change."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from customer_sync.brevo.answers import ExtId
from customer_sync.config import Config
from customer_sync.core.model import (
    Attribute,
    Change,
    Confirmed,
    Contact,
    Customer,
    Dated,
    Email,
)
from customer_sync.core.plan import Unchanged
from customer_sync.errors import StoreError
from customer_sync.partitions.gather import Part, PartPlan, Terms
from customer_sync.partitions.keeping import KeptParts
from customer_sync.partitions.links import Links, token
from customer_sync.partitions.processes import Alone, Crew, Processes
from customer_sync.partitions.scatter import Share, find_homes, move
from customer_sync.partitions.work import Batch, Setup, Stretch, Work
from customer_sync.platforms.reading import Asked
from customer_sync.readers.blocks import Block
from customer_sync.run.comparing import names_of
from customer_sync.run.edges import Edges, RunOptions
from customer_sync.run.intake import BlockIntake, Intake, Read
from customer_sync.run.listing import Listing
from customer_sync.run.observe import ask_each
from customer_sync.run.own_writes import MOST_QUESTIONS
from customer_sync.run.settling import BlockTally
from customer_sync.run.taking_in import LONG_AGO, check_rejects, keeps_ids
from customer_sync.trouble import Code

T = TypeVar("T")

_STRETCH_BYTES = 2**21
"""Of the input, for one task: long enough that handing it over costs nothing."""

_SHARE = 5000
"""So many records are carried to their partitions at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InParts:
    """What all partitions came to."""

    changes: list[Change]
    """All but those that keep a contact as it is."""
    confirmed: Mapping[Email, Confirmed]
    kept: Unchanged
    kept_parts: KeptParts
    listed: int
    retried: int
    records: int
    rejections: int
    warnings: int
    listing: Listing | None
    source: int
    """A checksum of all that was read."""


@dataclass(slots=True, kw_only=True)
class _Taken:
    """What was read so far."""

    links: Links = field(default_factory=Links)
    tally: BlockTally = field(default_factory=BlockTally)
    records: int = 0
    rejections: int = 0
    warnings: int = 0
    source: int = 0
    listing: Listing | None = None


class Partitioned:
    """Plans one input in partitions."""

    def __init__(
        self,
        config: Config,
        intake: Intake,
        edges: Edges,
        options: RunOptions,
        *,
        attributes: Mapping[str, Attribute],
        folder: Path,
        is_dry: bool,
    ) -> None:
        """Prepare to keep the rows of *intake* in *folder*.

        In a dry run nothing is kept of whose contacts are right as they are.
        """
        self._config = config
        self._intake = intake
        self._edges = edges
        self._options = options
        self._keeps = None if is_dry else folder / "kept"
        # What could be left out is read all the same: who is mentioned twice is found by that.
        intake.leave_out({})
        self._setup = Setup(
            config=config,
            attributes=attributes,
            now=edges.clock.now(),
            asked=_asked(intake),
            state=edges.store.path,
            folder=folder,
            count=options.scale.count(intake.size),
            terms=Terms(
                policy=config.policy,
                now=edges.clock.now(),
                ahead=edges.account.clock_ahead or timedelta(),
                is_refresh=options.is_refresh,
                keeps=self._keeps,
            ),
        )
        self._work = Work(self._setup, edges.store)
        self._rows = self._work.rows
        self._taken = _Taken(listing=Listing() if options.is_complete else None)
        self._unknown: list[tuple[str, bytes]] = []

    def crew(self) -> AbstractContextManager[Crew]:
        """Return who is to do the work: this process, or several where there is enough of it."""
        scale = self._options.scale
        if scale.workers == 1 or self._intake.size < scale.least_bytes:
            return nullcontext(Alone(self._work))
        return Processes(self._setup, scale.workers)

    async def read(self, crew: Crew) -> None:
        """Carry all records to their partitions, and find out who is planned together.

        Raises:
            SourceError: it cannot be read, or more records were rejected than allowed.
        """
        self._edges.display.stage("read")
        await self._scatter(crew)
        taken = self._taken
        check_rejects(
            taken.rejections, taken.records, self._options.max_rejects or self._config.max_rejects
        )
        for customer in self._others():
            self._link(customer)
        self._rows.flush("others")
        self._unknown = list(find_homes(self._rows, taken.links))

    async def plan(self, crew: Crew) -> InParts:
        """Plan every partition, by a mirror that was just brought up to date.

        Raises:
            BrevoError: Brevo cannot be asked.
            StoreError: what was read is not on disk any more.
        """
        self._edges.display.stage("plan", self._setup.count)
        found = await self._find_by_ext_id()
        for both in self._edges.store.others_at_brevo():
            self._join(both)
        moved = dict(self._taken.links.moved(self._setup.count))
        move(self._rows, moved)
        self._put_living()
        parts = self._parts(moved, found)
        plans = {plan.number: plan async for plan in crew.each(Work.plan, parts)}
        await self._ask_again(crew, parts, plans)
        return self._whole(plans)

    # ------------------------------------------------------------ reading

    async def _scatter(self, crew: Crew) -> None:
        if isinstance(self._intake, BlockIntake):
            self._intake.begin()
            async for share in crew.each(Work.read, _stretches(self._intake)):
                self._take(share)
            self._intake.on_end()
            return
        records = self._intake.read()
        async for share in Alone(self._work).each(Work.take, _batches(records)):
            self._take(share)

    def _take(self, share: Share) -> None:
        taken, display = self._taken, self._edges.display
        taken.records += share.records
        taken.rejections += len(share.rejections)
        taken.warnings += len(share.warnings)
        taken.source += share.checksum
        taken.tally.add(share.tally)
        for link in share.links:
            taken.links.join(link)
        display.step(share.records)
        for rejection in share.rejections:
            display.rejection(rejection)
            if taken.listing is not None:
                taken.listing.spare(rejection)
        for warning in share.warnings:
            display.warning(warning)

    def _others(self) -> Iterator[Customer]:
        """Yield everybody who has a part in it beside the input."""
        yield from (change.customer for change in self._options.confirmed_deletes)
        yield from (item.customer for item in self._edges.store.queue())

    def _link(self, customer: Customer) -> None:
        """Plan *customer* with whoever the input or the state knows by the same names."""
        known = self._edges.store.addresses(customer.ids)
        self._join({*names_of(customer), *known.values()})
        for customer_id in customer.ids:
            self._rows.pair(token(customer_id), token(customer.email))

    def _join(self, names: Iterable[Email]) -> None:
        self._taken.links.join(map(token, names))

    async def _find_by_ext_id(self) -> dict[str, Dated[Email]]:
        """Look at Brevo for those of whom only the shop's id is known, and put their statements."""
        found: dict[str, Dated[Email]] = {}
        if keeps_ids(self._config):
            for customer_id in sorted({customer_id for customer_id, _ in self._unknown}):
                contact = await self._edges.account.contact(ExtId(value=customer_id))
                if contact is not None and contact.email is not None:
                    found[customer_id] = Dated(value=contact.email, at=LONG_AGO)
        for customer_id, row in self._unknown:
            where = found.get(customer_id)
            self._rows.put(token(customer_id if where is None else where.value), row)
        self._rows.flush("found")
        self._unknown = []
        return found

    # ------------------------------------------------------------ planning

    def _partition(self, name: str) -> int:
        return self._taken.links.partition(token(name), self._setup.count)

    def _put_living(self) -> None:
        listing = self._taken.listing
        if listing is None or listing.is_doubtful:
            return
        for email, ids in self._edges.store.names_of_living():
            self._rows.put_living(self._partition(email), email, ids)
        self._rows.flush("living")

    def _parts(self, moved: Mapping[int, int], found: Mapping[str, Dated[Email]]) -> list[Part]:
        count, shard = self._setup.count, self._options.scale.shard
        left: defaultdict[int, set[int]] = defaultdict(set)
        for one in moved:
            left[one % count].add(one)
        waiting = self._by_part((i.customer.email, i) for i in self._edges.store.queue())
        gone = (change.customer for change in self._options.confirmed_deletes)
        deletes = self._by_part((customer.email, customer) for customer in gone)
        known = self._by_part((where.value, (one, where)) for one, where in found.items())
        return [
            Part(
                number=number,
                left=frozenset(left[number]),
                waiting=tuple(waiting[number]),
                confirmed_deletes=tuple(deletes[number]),
                found=dict(known[number]),
                listing=self._taken.listing,
            )
            for number in range(count)
            if shard is None or shard.has(number)
        ]

    def _by_part(self, named: Iterable[tuple[str, T]]) -> defaultdict[int, list[T]]:
        """Return what goes by an address, by the partition of that."""
        parts: defaultdict[int, list[T]] = defaultdict(list)
        for name, one in named:
            parts[self._partition(name)].append(one)
        return parts

    async def _ask_again(
        self, crew: Crew, parts: Sequence[Part], plans: dict[int, PartPlan]
    ) -> None:
        """Ask Brevo of whom it is not known what arrived, and plan their partitions once more."""
        unsure = sorted({email for plan in plans.values() for email in plan.unsure})
        if not 0 < len(unsure) <= MOST_QUESTIONS:
            return
        found = await ask_each(self._edges.account, self._edges.store, unsure)
        answers: dict[Email, Contact | None] = {email: found.get(email) for email in unsure}
        again = [replace(part, answers=answers) for part in parts if plans[part.number].unsure]
        async for plan in crew.each(Work.plan, again):
            plans[plan.number] = plan

    def _whole(self, plans: Mapping[int, PartPlan]) -> InParts:
        taken = self._taken
        ordered = [plans[number] for number in sorted(plans)]
        # What other shards account for.
        elsewhere = taken.records - taken.rejections - sum(plan.statements for plan in ordered)
        if elsewhere and self._options.scale.shard is None:
            raise _lost(elsewhere)
        kept = Unchanged(records=elsewhere)
        confirmed: dict[Email, Confirmed] = {}
        for plan in ordered:
            confirmed |= plan.confirmed
            kept = Unchanged(
                records=kept.records + plan.kept.records,
                customers=kept.customers + plan.kept.customers,
                notes=kept.notes + plan.kept.notes,
            )
        return InParts(
            changes=[change for plan in ordered for change in plan.changes],
            confirmed=confirmed,
            kept=kept,
            kept_parts=KeptParts(folder=self._keeps, count=self._setup.count, tally=taken.tally),
            listed=sum(plan.listed for plan in ordered),
            retried=sum(plan.retried for plan in ordered),
            records=taken.records,
            rejections=taken.rejections,
            warnings=taken.warnings,
            listing=taken.listing,
            source=taken.source,
        )


def _lost(count: int) -> StoreError:
    return StoreError(
        f"{count:,} records that were kept on disk while the input is planned are not there any "
        "more; nothing was written to Brevo.",
        trouble=Code.STATE_UNUSABLE,
        hint="See that nothing but this program touches the folder of the state, then run again.",
    )


def _asked(intake: Intake) -> Asked:
    """Return how the files of *intake* are to be read by other processes."""
    return intake.files[0].asked if isinstance(intake, BlockIntake) and intake.files else Asked()


def _stretches(intake: BlockIntake) -> Iterator[Stretch]:
    """Yield all blocks, some at a time."""
    base = 0
    for file in intake.files:
        for blocks in _together(file.blocks):
            yield Stretch(name=file.name, base=base, blocks=blocks, written_at=file.written_at)
        base += sum(block.size for block in file.blocks)


def _together(blocks: Iterable[Block]) -> Iterator[tuple[Block, ...]]:
    """Yield *blocks* in groups of about the size of a stretch."""
    some: list[Block] = []
    size = 0
    for block in blocks:
        some.append(block)
        size += block.size
        if size >= _STRETCH_BYTES:
            yield tuple(some)
            some, size = [], 0
    if some:
        yield tuple(some)


def _batches(records: Iterator[Read]) -> Iterator[Batch]:
    """Yield *records*, some at a time."""
    number = 0
    while some := list(islice(records, _SHARE)):
        yield Batch(name=f"{number}", records=some)
        number += 1
