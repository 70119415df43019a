"""A plan's phases become requests, and each change becomes an outcome as soon as it is known."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

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
    Value,
    Write,
)
from customer_sync.core.routes import Phase, Route
from customer_sync.errors import (
    BatchRejected,
    BrevoAuthError,
    BrevoError,
    BrevoRejected,
    BrevoUnavailable,
)

PHONES = ("SMS", "WHATSAPP", "LANDLINE_NUMBER")
"""Attributes that belong to one contact alone at Brevo."""

READS_OF_A_BLOCK = 3
"""How often a renamed contact is looked at, and blocked again, before it counts as a failure."""

FAILURES_IN_A_ROW = 5
"""After so many the rest is left to the next run: Brevo is down, hammering does not help."""


class ContactWriter(Protocol):
    """Whatever writes contacts. Every method may raise BrevoError."""

    async def create(self, email: Email, patch: ContactPatch) -> ContactId | None:
        """Create a contact, or update the one that exists already; then there is no id."""
        ...

    async def update(self, ref: ContactId, patch: ContactPatch) -> None:
        """Update one contact."""
        ...

    async def update_batch(self, items: Sequence[tuple[ContactId, ContactPatch]]) -> None:
        """Update all of *items*, or raise BatchRejected and update none."""
        ...

    async def delete(self, ref: ContactId) -> bool:
        """Delete one contact; False where it was gone already."""
        ...

    async def contact(self, ref: ContactId) -> Contact | None:
        """Fetch one contact."""
        ...


class Journal(Protocol):
    """Whatever remembers what was tried and what came of it."""

    def intend(self, changes: Sequence[Write], route: Route) -> None:
        """Note what the next request will try."""
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


async def apply(
    phases: Sequence[Phase],
    writer: ContactWriter,
    journal: Journal,
    stop: StopSign,
    *,
    in_flight: int,
) -> None:
    """Write *phases* one after the other, each with up to *in_flight* requests at a time.

    Every change gets exactly one outcome. What is not attempted because of *stop* is deferred.

    Anything that neither Brevo nor the network did (a full disk, a bug) raises *stop* too: what is
    in flight is finished and recorded, then the exception is raised as it is.

    Raises:
        BrevoAuthError: Brevo refuses the key; every change has its outcome all the same.
        StoreError: the journal cannot be written.
    """
    application = _Application(writer, journal, stop)
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
    def __init__(self, writer: ContactWriter, journal: Journal, stop: StopSign) -> None:
        self._writer = writer
        self._journal = journal
        self._stop = stop
        self._failures_in_a_row = 0
        self.refused_key: BrevoAuthError | None = None

    def units(self, phase: Phase) -> Iterator[Callable[[], Awaitable[None]]]:
        """Yield the phase's requests, each to be called when its turn comes."""
        for batch in phase.batches:
            if batch.route is Route.BATCH:
                yield self._bind(self._send_batch, batch.changes)
            else:
                for change in batch.changes:
                    yield self._bind(self._send_one, change, batch.route)

    @staticmethod
    def _bind(
        send: Callable[..., Awaitable[None]], *arguments: object
    ) -> Callable[[], Awaitable[None]]:
        return lambda: send(*arguments)

    # ------------------------------------------------------------ one request, one change

    async def _send_one(self, change: Write, route: Route) -> None:
        if self._stop.reason:
            self._defer_unattempted([change])
            return
        self._journal.intend([change], route)
        await self._settle(change)

    async def _settle(self, change: Write) -> None:
        """Write *change* by itself and record what came of it."""
        try:
            outcome: Outcome = await self._write(change)
            self._failures_in_a_row = 0
        except BrevoRejected as error:
            outcome = Failed(change=change, code=error.code, detail=error.message)
            self._failures_in_a_row = 0
        except BrevoError as error:
            outcome = Deferred(change=change, error=error.message)
            self._learn_from(error)
        self._journal.record(outcome)

    async def _write(self, change: Write) -> Applied:
        match change:
            case Create():
                return await self._create(change)
            case Update():
                return await self._update(change)
            case Delete(patch=None):
                await self._writer.delete(change.before.id)
                return Applied(change=change, contact_id=None)
            case Delete():
                return await self._soft_delete(change)

    async def _create(self, change: Create) -> Applied:
        email = change.customer.email
        contact_id, refused = await self._without_foreign_phones(
            change.patch, lambda patch: self._writer.create(email, patch)
        )
        return Applied(change=change, contact_id=contact_id, refused=refused)

    async def _update(self, change: Update) -> Applied:
        ref = change.before.id
        try:
            _, refused = await self._without_foreign_phones(
                change.patch, lambda patch: self._update_if_any(ref, patch)
            )
        except BrevoRejected as error:
            if error.status != 404:
                raise
            return await self._create(self._journal.recreate(change))
        if change.patch.rename_to is not None and change.before.is_email_blocked:
            await self._hold_block(ref)
        return Applied(change=change, contact_id=ref, refused=refused)

    async def _update_if_any(self, ref: ContactId, patch: ContactPatch) -> None:
        # Nothing may be left of a patch once the phones of others are taken out.
        if patch != ContactPatch():
            await self._writer.update(ref, patch)

    async def _soft_delete(self, change: Delete) -> Applied:
        if change.patch is not None:
            try:
                await self._writer.update(change.before.id, change.patch)
            except BrevoRejected as error:
                if error.status != 404:
                    raise
                # Whoever is gone altogether is deleted more than softly.
                return Applied(change=change, contact_id=None)
        return Applied(change=change, contact_id=change.before.id)

    async def _without_foreign_phones(
        self,
        patch: ContactPatch,
        send: Callable[[ContactPatch], Awaitable[ContactId | None]],
    ) -> tuple[ContactId | None, dict[str, Value]]:
        """Send *patch*, leaving out each phone that another contact turns out to own."""
        refused: dict[str, Value] = {}
        while True:
            try:
                return await send(patch), refused
            except BrevoRejected as error:
                owned = [
                    name
                    for name in PHONES
                    if name in error.duplicate_identifiers and name in patch.attributes
                ]
                if not owned:
                    raise
                refused |= {name: patch.attributes[name] for name in owned}
                rest = {n: v for n, v in patch.attributes.items() if n not in owned}
                patch = replace(patch, attributes=rest)

    async def _hold_block(self, ref: ContactId) -> None:
        """Make sure that a rename did not make a blocked contact mailable.

        Raises:
            BrevoRejected: the block does not hold.
        """
        for reads_left in reversed(range(READS_OF_A_BLOCK)):
            contact = await self._writer.contact(ref)
            if contact is None or contact.is_email_blocked:
                return
            if reads_left:
                await self._writer.update(ref, ContactPatch(email_blocked=True))
        raise BrevoRejected("the block did not survive the change of address", status=400)

    # ------------------------------------------------------------ one request, many changes

    async def _send_batch(self, changes: Sequence[Update | Delete]) -> None:
        """Send *changes* together; where Brevo refuses, find out whom and keep the rest."""
        if self._stop.reason:
            self._defer_unattempted(changes)
            return
        self._journal.intend(changes, Route.BATCH)
        waiting = [changes]
        while waiting:
            part = waiting.pop()
            if self._stop.reason:
                self._defer_unattempted(part)
            elif len(part) == 1:
                await self._settle(part[0])
            else:
                waiting.extend(reversed(await self._try_batch(part)))

    async def _try_batch(
        self, changes: Sequence[Update | Delete]
    ) -> list[Sequence[Update | Delete]]:
        """Send *changes* in one request; return the parts that are to be tried instead."""
        items = [(c.before.id, c.patch) for c in changes if c.patch is not None]
        try:
            await self._writer.update_batch(items)
        except BatchRejected as error:
            self._failures_in_a_row = 0
            return _parts(changes, {p for p in error.unknown if 0 <= p < len(changes)})
        except BrevoError as error:
            for change in changes:
                self._journal.record(Deferred(change=change, error=error.message))
            self._learn_from(error)
        else:
            self._failures_in_a_row = 0
            for change in changes:
                self._journal.record(Applied(change=change, contact_id=change.before.id))
        return []

    # ------------------------------------------------------------ when to stop

    def _learn_from(self, error: BrevoError) -> None:
        if isinstance(error, BrevoAuthError):
            self.refused_key = self.refused_key or error
            self._stop.raise_for(f"Brevo refused the key: {error.message}")
        elif isinstance(error, BrevoUnavailable):
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= FAILURES_IN_A_ROW:
                self._stop.raise_for(f"Brevo cannot be reached: {error.message}")

    def _defer_unattempted(self, changes: Sequence[Write]) -> None:
        for change in changes:
            self._journal.record(
                Deferred(change=change, error=self._stop.reason, was_attempted=False)
            )


def _parts(
    changes: Sequence[Update | Delete], unknown: set[int]
) -> list[Sequence[Update | Delete]]:
    """Cut a refused batch: without the unknown contacts, else in halves; unknown ones alone."""
    if not unknown:
        half = len(changes) // 2
        return [changes[:half], changes[half:]]
    rest = [c for i, c in enumerate(changes) if i not in unknown]
    return [*([rest] if rest else []), *([changes[i]] for i in sorted(unknown))]
