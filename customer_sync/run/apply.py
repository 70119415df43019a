"""A plan's phases become requests, and each change becomes an outcome as soon as it is known."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from msgspec import structs

from customer_sync.core.changes.remainder import remainder
from customer_sync.core.model import (
    Applied,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Deferred,
    Delete,
    Email,
    Failed,
    Outcome,
    Update,
    Write,
)
from customer_sync.core.requests.bill import Route
from customer_sync.core.requests.routes import Batch, Phase
from customer_sync.errors import (
    BatchRejected,
    BrevoAuthError,
    BrevoError,
    BrevoRejected,
    BrevoUnavailable,
    BrokenOff,
)
from customer_sync.run.importing import Imported
from customer_sync.run.writing import ContactWriter, write
from customer_sync.trouble import Code

FINISHING_BATCH = 1000
"""How many imported contacts one request finishes."""

MOST_ALONE = 500
"""How many contacts that an import left out are tried one by one; more wait for the next run."""

FAILURES_IN_A_ROW = 5
"""After so many the rest is left to the next run: Brevo is down, hammering does not help."""


_LEFT_OUT = BrevoUnavailable(
    "the import left it out without a reason; it will be tried again",
    trouble=Code.IMPORT_LEFT_OUT,
)


_NOT_FREE = "the address still belongs to a contact that could not be renamed"


class Journal(Protocol):
    """Whatever remembers what was tried and what came of it."""

    def intend(self, changes: Sequence[Write], route: Route) -> None:
        """Note what the next request will try."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Return within what outcomes are noted that became known together."""
        ...

    def record(self, outcome: Outcome) -> None:
        """Note what came of one change."""
        ...

    def recreate(self, change: Update) -> Create:
        """Return the creation for a contact that vanished meanwhile."""
        ...


@dataclass(slots=True)
class StopSign:
    """Raised by whoever wants no further request to leave; what is in flight is finished."""

    reason: str = ""

    def raise_for(self, reason: str) -> None:
        """Ask to stop; the first reason is kept."""
        self.reason = self.reason or reason


Importer: TypeAlias = Callable[[Sequence[Batch]], Awaitable[list[Imported]]]
"""Runs import jobs and reads back what became of each row."""


async def apply(
    phases: Sequence[Phase],
    writer: ContactWriter,
    journal: Journal,
    stop: StopSign,
    *,
    in_flight: int,
    importer: Importer | None = None,
) -> None:
    """Write *phases* one after the other, each with up to *in_flight* requests at a time.

    Every change gets exactly one outcome. What is not attempted because of *stop* is deferred, and
    so is whoever is to get an address that another contact could not give up.

    Anything that neither Brevo nor the network did (a full disk, a bug) raises *stop* too: what is
    in flight is finished and recorded, then the exception is raised as it is.

    Raises:
        BrevoAuthError: Brevo refuses the key; every change has its outcome all the same.
        StoreError: the journal cannot be written.
    """
    application = _Application(writer, journal, stop, importer)
    for phase in phases:
        await _side_by_side(application.units(phase), in_flight, stop)
    if application.refused_key is not None:
        raise application.refused_key


async def _side_by_side(
    units: Iterator[Callable[[], Awaitable[None]]], workers: int, stop: StopSign
) -> None:
    broken: list[Exception] = []

    async def work() -> None:
        for unit in units:
            if broken:
                return
            try:
                await unit()
            except Exception as error:  # noqa: BLE001 # raised again once the others are done
                broken.append(error)
                stop.raise_for(f"the run broke off: {error}")

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    if broken:
        raise broken[0]


class _Application:
    def __init__(
        self,
        writer: ContactWriter,
        journal: Journal,
        stop: StopSign,
        importer: Importer | None,
    ) -> None:
        self._writer = writer
        self._importer = importer
        self._journal = journal
        self._stop = stop
        self._failures_in_a_row = 0
        self._held: set[Email | None] = set()
        """Addresses whose contact was to be renamed and is not."""
        self.refused_key: BrevoAuthError | None = None

    def units(self, phase: Phase) -> Iterator[Callable[[], Awaitable[None]]]:
        """Yield the phase's requests, each to be called when its turn comes."""
        phase = self._without_held(phase)
        imports = [b for b in phase.batches if b.route is Route.IMPORT]
        if imports and self._importer is not None:
            # Jobs are waited for and read back together.
            yield self._bind(self._send_imports, imports, self._importer)
        for batch in phase.batches:
            tasks = [_Task(whole=change, part=change) for change in batch.changes]
            match batch.route:
                case Route.IMPORT if self._importer is not None:
                    pass
                case Route.BATCH:
                    yield self._bind(self._send_batch, tasks)
                case Route.LIST_ADD | Route.LIST_REMOVE:
                    yield self._bind(self._send_list, batch.changes, batch.route)
                case _:
                    for task in tasks:
                        yield self._bind(self._send_one, task, batch.route)

    @staticmethod
    def _bind(
        send: Callable[..., Awaitable[None]], *arguments: object
    ) -> Callable[[], Awaitable[None]]:
        return lambda: send(*arguments)

    # ------------------------------------------------------------ one request, one change

    async def _send_one(self, task: "_Task", route: Route) -> None:
        if self._stop.reason:
            self._defer_unattempted([task.whole])
            return
        self._journal.intend([task.whole], route)
        await self._settle(task)

    async def _settle(self, task: "_Task") -> None:
        """Write a change by itself and record what came of it."""
        try:
            applied = await write(task.part, self._writer, self._journal.recreate)
            outcome: Outcome = task.of_whole(applied)
            self._failures_in_a_row = 0
        except BrevoRejected as error:
            outcome = Failed(
                change=task.whole, trouble=error.trouble, code=error.code, detail=error.message
            )
            self._failures_in_a_row = 0
        except BrevoError as error:
            outcome = _deferred(task.whole, error)
            self._learn_from(error)
        self._record(outcome)

    # ------------------------------------------------------------ one request, many changes

    async def _send_batch(self, tasks: "Sequence[_Task]") -> None:
        if self._stop.reason:
            self._defer_unattempted([t.whole for t in tasks])
            return
        self._journal.intend([t.whole for t in tasks], Route.BATCH)
        await self._settle_together(tasks)

    async def _settle_together(self, tasks: "Sequence[_Task]") -> None:
        """Send *tasks* together; where Brevo refuses, find out whom and keep the rest."""
        waiting = [tasks] if tasks else []
        while waiting:
            part = waiting.pop()
            if self._stop.reason:
                self._defer_unattempted([t.whole for t in part])
            elif len(part) == 1:
                await self._settle(part[0])
            else:
                waiting.extend(reversed(await self._try_batch(part)))

    async def _try_batch(self, tasks: "Sequence[_Task]") -> "list[Sequence[_Task]]":
        """Send *tasks* in one request; return the parts that are to be tried instead."""
        try:
            await self._writer.update_batch([t.item for t in tasks])
        except BatchRejected as error:
            self._failures_in_a_row = 0
            return _parts(tasks, {p for p in error.unknown if 0 <= p < len(tasks)})
        except BrevoError as error:
            self._defer([t.whole for t in tasks], error)
        else:
            self._failures_in_a_row = 0
            with self._journal.together():
                for task in tasks:
                    self._record(Applied(change=task.whole, contact_id=task.item[0]))
        return []

    async def _send_list(self, changes: Sequence[Update | Delete], route: Route) -> None:
        """Move contacts on or off a list; whoever Brevo does not confirm is written alone."""
        if self._stop.reason:
            self._defer_unattempted(changes)
            return
        self._journal.intend(changes, route)
        refs = [change.before.id for change in changes]
        try:
            moved = set(await self._move(changes[0].patch, refs))
        except BrevoRejected:
            moved = set()
        except BrevoError as error:
            self._defer(changes, error)
            return
        for change in changes:
            if change.before.id in moved:
                self._journal.record(Applied(change=change, contact_id=change.before.id))
            else:
                await self._settle_together([_Task(whole=change, part=change)])

    async def _move(
        self, patch: ContactPatch | None, refs: Sequence[ContactId]
    ) -> Sequence[ContactId]:
        if patch is None:
            return []
        for list_id in patch.add_lists:
            return await self._writer.join_list(list_id, refs)
        for list_id in patch.remove_lists:
            return await self._writer.leave_list(list_id, refs)
        return []

    # ------------------------------------------------------------ one job, very many changes

    async def _send_imports(self, batches: Sequence[Batch], importer: Importer) -> None:
        """Import, then finish by other routes what reading back does not show."""
        changes = [change for batch in batches for change in batch.changes]
        if self._stop.reason:
            self._defer_unattempted(changes)
            return
        self._journal.intend(changes, Route.IMPORT)
        unfinished, missing = [], []
        for imported in await importer(batches):
            change, contact = imported.change, imported.contact
            if imported.error is not None:
                self._defer([change], imported.error)
            elif contact is None:
                # By itself, Brevo says what is wrong with it.
                missing.append(_Task(whole=change, part=change))
            elif (rest := remainder(change.patch, contact)) is None:
                self._record(Applied(change=change, contact_id=contact.id))
            else:
                unfinished.append(_Task.to_finish(change, contact, rest))
        for start in range(0, len(unfinished), FINISHING_BATCH):
            await self._settle_together(unfinished[start : start + FINISHING_BATCH])
        for task in missing[:MOST_ALONE]:
            await self._settle_together([task])
        self._defer([t.whole for t in missing[MOST_ALONE:]], _LEFT_OUT)

    # ------------------------------------------------------------ addresses that are not free

    def _record(self, outcome: Outcome) -> None:
        match outcome:
            case Deferred(change=Update() as change) | Failed(change=Update() as change) if (
                change.patch.rename_to is not None
            ):
                self._held.add(change.before.email)
        self._journal.record(outcome)

    def _without_held(self, phase: Phase) -> Phase:
        """Defer whoever would be written into the contact of the person before."""
        if not self._held:
            return phase
        batches = []
        for batch in phase.batches:
            for change in batch.changes:
                if _wanted_address(change) in self._held:
                    self._record(
                        Deferred(
                            change=change,
                            error=_NOT_FREE,
                            trouble=Code.CONTACT_EXISTS,
                            was_attempted=False,
                        )
                    )
            free = tuple(c for c in batch.changes if _wanted_address(c) not in self._held)
            if free:
                batches.append(replace(batch, changes=free))
        return replace(phase, batches=tuple(batches))

    # ------------------------------------------------------------ when to stop

    def _learn_from(self, error: BrevoError) -> None:
        if isinstance(error, BrokenOff):
            self._stop.raise_for(error.message)
        elif isinstance(error, BrevoAuthError):
            self.refused_key = self.refused_key or error
            self._stop.raise_for(f"Brevo refused the key: {error.message}")
        elif isinstance(error, BrevoUnavailable):
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= FAILURES_IN_A_ROW:
                self._stop.raise_for(f"Brevo cannot be reached: {error.message}")

    def _defer(self, changes: Sequence[Write], error: BrevoError) -> None:
        for change in changes:
            self._record(_deferred(change, error))
        self._learn_from(error)

    def _defer_unattempted(self, changes: Sequence[Write]) -> None:
        for change in changes:
            self._record(
                Deferred(
                    change=change,
                    error=self._stop.reason,
                    trouble=Code.BROKEN_OFF,
                    was_attempted=False,
                )
            )


def _deferred(change: Write, error: BrevoError) -> Deferred:
    return Deferred(
        change=change,
        error=error.message,
        trouble=error.trouble,
        was_attempted=not isinstance(error, BrokenOff),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A change, and what of it is still to be written."""

    whole: Write
    """What the outcome is about."""
    part: Write
    """The change itself, or the rest that an import left of it."""

    @classmethod
    def to_finish(cls, change: Write, contact: Contact, rest: ContactPatch) -> "_Task":
        """Return the task to write *rest* to the contact that an import made."""
        part = Update(customer=change.customer, before=contact, patch=rest, fields=change.fields)
        return cls(whole=change, part=part)

    @property
    def item(self) -> tuple[ContactId, ContactPatch]:
        """The contact and what is written to it; only for contacts that exist."""
        if isinstance(self.part, Create) or self.part.patch is None:
            raise TypeError("a batch updates contacts that exist")
        return self.part.before.id, self.part.patch

    def of_whole(self, applied: Applied) -> Applied:
        """Return the outcome of the whole change, given that of its part.

        Where the contact had to be made anew, that is the change that was applied.
        """
        if applied.change is not self.part:
            return applied
        return structs.replace(applied, change=self.whole)


def _parts(tasks: Sequence[_Task], unknown: set[int]) -> list[Sequence[_Task]]:
    """Cut a refused batch: without the unknown contacts, else in halves; unknown ones alone."""
    if not unknown:
        half = len(tasks) // 2
        return [tasks[:half], tasks[half:]]
    rest = [c for i, c in enumerate(tasks) if i not in unknown]
    return [*([rest] if rest else []), *([tasks[i]] for i in sorted(unknown))]


def _wanted_address(change: Write) -> Email | None:
    """Return the address that has to be free for *change*."""
    match change:
        case Create():
            return change.customer.email
        case Update():
            return change.patch.rename_to
        case Delete():
            return None
