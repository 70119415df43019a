"""The source, folded together with what waits for its retry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from msgspec import structs

from customer_sync.brevo.answers import ExtId
from customer_sync.config import Config
from customer_sync.core.customers.fold import Fold, Folded
from customer_sync.core.customers.homes import Identities
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Dated,
    Email,
    Limit,
    Record,
    Rejection,
    Statement,
)
from customer_sync.core.plan import Unchanged
from customer_sync.core.validate import EventValidator
from customer_sync.errors import SourceError
from customer_sync.run.edges import Edges, RunOptions
from customer_sync.run.intake import Intake, Read, unchanged
from customer_sync.run.listing import Listing
from customer_sync.run.settling import Settling
from customer_sync.store import QueueItem
from customer_sync.store.retry_queue import due_or_concerned
from customer_sync.trouble import Code

Accept: TypeAlias = Callable[[Record | Rejection], Statement | Rejection]
"""Carries one record through validation and mapping."""


def accepted(
    record: Record | Rejection, validator: EventValidator, mapper: Mapper
) -> Statement | Rejection:
    """Carry one record through validation and mapping."""
    event = validator.validate(record) if isinstance(record, Record) else record
    return event if isinstance(event, Rejection) else mapper.map(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What reading came to."""

    folded: Folded
    records_read: int
    rejections: int
    warnings: int
    retried: int = 0
    listing: Listing | None = None
    unchanged: Unchanged = field(default_factory=Unchanged)
    """What did not have to be read; it is part of `records_read`."""
    left_out: frozenset[int] = frozenset()
    """The numbers of the settled blocks that were not read."""
    settling: Settling = field(default_factory=Settling)


class _TakingIn:
    """Reads a source to its end."""

    def __init__(self, intake: Intake, edges: Edges, options: RunOptions) -> None:
        self._intake = intake
        self._edges = edges
        self._display = edges.display
        self.fold = Fold()
        self.listing = Listing() if options.is_complete else None
        self.settling = Settling()
        self.read = self.rejections = self.warnings = 0
        self.retried = 0
        self._added: set[Email] = set()

    def take(self, one: Read, statement: Statement | Rejection) -> None:
        """Take in what became of a record."""
        self.read += 1
        self._display.step()
        self.settling.note(one, statement)
        if isinstance(statement, Rejection):
            self.rejections += 1
            self._display.rejection(statement)
            if self.listing is not None:
                self.listing.spare(statement)
            return
        self.warnings += len(statement.warnings)
        for warning in statement.warnings:
            self._display.warning(warning)
        self.fold.add(statement, one.order)

    def names(self) -> frozenset[Email]:
        """Return every address that anybody who was mentioned has, or had."""
        return self.fold.emails.union(self._edges.store.addresses(self.fold.ids).values())

    def add_waiting(self) -> None:
        """Take in what waits for a retry that is due, or for somebody who was mentioned."""
        queue = self._edges.store.queue()
        if not queue:
            return
        waiting = due_or_concerned(
            queue, now=self._edges.clock.now(), emails=self.names(), ids=self.fold.ids
        )
        for item in waiting:
            if item.customer.email not in self._added:
                self._add(item)

    def _add(self, item: QueueItem) -> None:
        customer = item.customer
        self._added.add(customer.email)
        self.retried += 1
        self.fold.add_customer(structs.replace(customer, statements=0))
        for email in (customer.email, *customer.former_emails):
            self.settling.note_waiting(customer.ids, email)

    def touched(self) -> Iterator[Read]:
        """Yield the records that were left out, and that somebody who was mentioned stands in."""
        if not self._intake.left_out:
            return
        numbers = self._edges.store.blocks_of(self.names())
        left_out = {settled.number for settled in self._intake.left_out}
        yield from self._intake.read_after_all(numbers & left_out)

    def pass_over(self) -> Unchanged:
        """Count what did not have to be read, and repeat what there was to say about it."""
        total = unchanged(self._intake.left_out)
        if total.records:
            self.read += total.records
            self._display.step(total.records)
        for warning in self._intake.warnings():
            self.warnings += 1
            self._display.warning(warning)
        return total


async def take_in(
    config: Config, intake: Intake, edges: Edges, options: RunOptions, *, accept: Accept
) -> Input:
    """Fold the source together with what waits for its retry.

    Whoever stands in a block that was left out, and is mentioned elsewhere as well, is read with
    it, so that it makes no difference what was left out.

    Raises:
        SourceError: more records were rejected than allowed.
    """
    edges.display.stage("read")
    taking = _TakingIn(intake, edges, options)
    for change in options.confirmed_deletes:
        taking.fold.add_customer(structs.replace(change.customer, statements=0))
    _take_all(taking, intake.read(), accept)
    taking.add_waiting()
    while _take_all(taking, taking.touched(), accept):
        taking.add_waiting()
    total = taking.pass_over()
    check_rejects(taking.rejections, taking.read, options.max_rejects or config.max_rejects)
    identities = edges.store.identities(taking.fold.ids, taking.fold.emails)
    identities = await _find_by_ext_id(config, taking.fold, identities, edges)
    return Input(
        folded=taking.fold.customers(identities),
        records_read=taking.read,
        rejections=taking.rejections,
        warnings=taking.warnings,
        retried=taking.retried,
        listing=taking.listing,
        unchanged=total,
        left_out=frozenset(settled.number for settled in intake.left_out),
        settling=taking.settling,
    )


def _take_all(taking: _TakingIn, records: Iterator[Read], accept: Accept) -> int:
    """Take in *records*, and return how many there were."""
    before = taking.read
    for one in records:
        taking.take(one, accept(one.record))
    return taking.read - before


def check_rejects(rejected: int, read: int, limit: Limit | None) -> None:
    """Refuse an input of which too much cannot be used.

    Raises:
        SourceError: more than *limit* of the records that were *read*.
    """
    if limit is not None and not limit.allows(rejected, of=read):
        raise SourceError(
            f"{rejected} of {read} records were rejected, and at most {limit} are allowed; "
            "nothing was written.",
            trouble=Code.TOO_MANY_REJECTED,
            hint="Look at rejects.jsonl. `--max-rejects` allows more.",
        )


async def _find_by_ext_id(
    config: Config, fold: Fold, identities: Identities, edges: Edges
) -> Identities:
    """Look at Brevo for the customers of whom only the shop's id is known, if it is kept there."""
    if not keeps_ids(config):
        return identities
    unknown = [
        next(iter(skip.ids)) for skip in fold.customers(identities).skipped if skip.email is None
    ]
    found: dict[str, Dated[Email]] = {}
    for customer_id in sorted(unknown):
        contact = await edges.account.contact(ExtId(value=customer_id))
        if contact is not None and contact.email is not None:
            found[customer_id] = Dated(value=contact.email, at=LONG_AGO)
    return replace(identities, addresses={**identities.addresses, **found})


def keeps_ids(config: Config) -> bool:
    """Tell whether Brevo holds the shop's ids."""
    return any(r.attribute == "EXT_ID" and r.field == "id" for r in config.rules)


LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""The age of an address that only Brevo told: anything that the shop says is newer."""
