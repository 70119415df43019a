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
from customer_sync.core.routes import Batch, Phase, Route
from customer_sync.errors import (
    BatchRejected,
    BrevoAuthError,
    BrevoError,
    BrevoRejected,
    BrevoUnavailable,
)

PHONES = ("SMS", "WHATSAPP", "LANDLINE_NUMBER")
"""Attributes that belong to one contact alone at Brevo."""

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

    Raises:
        BrevoAuthError: Brevo refuses the key; every change has its outcome all the same.
    """
    application = _Application(writer, journal, stop)
    for phase in phases:
        await _side_by_side(application.units(phase), in_flight)
    if application.refused_key is not None:
        raise application.refused_key


async def _side_by_side(units: Iterator[Callable[[], Awaitable[None]]], workers: int) -> None:
    async def work() -> None:
        for unit in units:
            await unit()

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())


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
                    yield self._bind(self._send_one, change, batch)

    @staticmethod
    def _bind(
        send: Callable[..., Awaitable[None]], *arguments: object
    ) -> Callable[[], Awaitable[None]]:
        return lambda: send(*arguments)

    # ------------------------------------------------------------ one request, one change

    async def _send_one(self, change: Write, batch: Batch) -> None:
        if self._stop.reason:
            self._defer_unattempted([change])
            return
        self._journal.intend([change], batch.route)
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
                return Applied(change=change, contact_id=change.before.id)
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
                change.patch, lambda patch: self._writer.update(ref, patch)
            )
        except BrevoRejected as error:
            if error.status != 404:
                raise
            return await self._create(self._journal.recreate(change))
        if change.patch.rename_to is not None and change.before.is_email_blocked:
            await self._hold_block(ref)
        return Applied(change=change, contact_id=ref, refused=refused)

    async def _soft_delete(self, change: Delete) -> Applied:
        if change.patch is not None:
            try:
                await self._writer.update(change.before.id, change.patch)
            except BrevoRejected as error:
                # Whoever is gone altogether is deleted more than softly.
                if error.status != 404:
                    raise
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
        for _ in range(2):
            contact = await self._writer.contact(ref)
            if contact is None or contact.is_email_blocked:
                return
            await self._writer.update(ref, ContactPatch(email_blocked=True))
        raise BrevoRejected("the block did not survive the change of address", status=400)

    # ------------------------------------------------------------ one request, many changes

    async def _send_batch(self, changes: Sequence[Update | Delete]) -> None:
        if self._stop.reason:
            self._defer_unattempted(changes)
            return
        self._journal.intend(changes, Route.BATCH)
        await self._try_batch(changes)

    async def _try_batch(self, changes: Sequence[Update | Delete]) -> None:
        """Send *changes* together; where Brevo refuses, find out whom and keep the rest."""
        if len(changes) == 1:
            await self._settle(changes[0])
            return
        items = [(c.before.id, c.patch) for c in changes if c.patch is not None]
        try:
            await self._writer.update_batch(items)
        except BatchRejected as error:
            await self._split(changes, {p for p in error.unknown if p < len(changes)})
        except BrevoError as error:
            for change in changes:
                self._journal.record(Deferred(change=change, error=error.message))
            self._learn_from(error)
        else:
            self._failures_in_a_row = 0
            for change in changes:
                self._journal.record(Applied(change=change, contact_id=change.before.id))

    async def _split(self, changes: Sequence[Update | Delete], unknown: set[int]) -> None:
        if unknown:
            rest = [c for i, c in enumerate(changes) if i not in unknown]
            if rest:
                await self._try_batch(rest)
            for position in sorted(unknown):
                await self._settle(changes[position])
            return
        half = len(changes) // 2
        await self._try_batch(changes[:half])
        await self._try_batch(changes[half:])

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
