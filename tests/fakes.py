"""Stand-ins with a rule each: an account in a dictionary, a wrapper that makes trouble."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from msgspec.structs import replace

from customer_sync.core.changes.diff import recreate
from customer_sync.core.model import (
    Applied,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Deferred,
    Email,
    Failed,
    Outcome,
    Policy,
    Update,
    Write,
)
from customer_sync.core.requests.bill import Route
from customer_sync.errors import BatchRejected, BrevoRejected
from customer_sync.run.writing import ContactWriter
from customer_sync.trouble import Code

T = TypeVar("T")

PHONES = ("SMS", "WHATSAPP", "LANDLINE_NUMBER")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPage:
    """A stretch of contacts, and how many match in all."""

    contacts: tuple[Contact, ...]
    count: int


@dataclass(slots=True, kw_only=True)
class MemoryAccount:
    """Brevo's contacts in a dictionary, with the rules that a sync must not forget.

    An address and a phone belong to one contact alone. A batch is applied whole or not at all, and
    names the positions it does not know. A rename lifts the block unless it is sent along; with
    `loses_blocks` even then. Contacts are listed in the order of their creation.
    """

    held: dict[ContactId, Contact] = field(default_factory=dict)
    now: datetime | None = None
    loses_blocks: int = 0
    """How many renames lose the block although it is sent along."""
    requests: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    before_page: Callable[[int], None] = field(default=lambda _offset: None)
    """Called with the offset before a page is made: what happens at Brevo meanwhile."""

    @classmethod
    def of(cls, *contacts: Contact) -> "MemoryAccount":
        """Return an account that holds *contacts*."""
        return cls(held={c.id: c for c in contacts})

    @property
    def by_email(self) -> dict[Email, Contact]:
        """The contacts by address."""
        return {c.email: c for c in self.held.values() if c.email is not None}

    def remove(self, email: str) -> None:
        """Let somebody else delete a contact."""
        del self.held[self.by_email[Email(email)].id]

    async def create(self, email: Email, patch: ContactPatch) -> ContactId | None:
        """Create a contact, or update the one that is there."""
        async with self._request("POST"):
            known = self.by_email.get(email)
            number = known.id if known else ContactId(max(self.held, default=0) + 1)
            blank = Contact(id=number, email=email, attributes={})
            self._check(number, patch)
            self.held[number] = self._patched(known or blank, patch)
            return None if known else number

    async def update(self, ref: ContactId, patch: ContactPatch) -> None:
        """Update one contact."""
        async with self._request("PUT"):
            if ref not in self.held:
                raise BrevoRejected(
                    "no such contact",
                    trouble=Code.REQUEST_REFUSED,
                    status=404,
                    code="document_not_found",
                )
            self._check(ref, patch)
            self.held[ref] = self._patched(self.held[ref], patch)

    async def update_batch(self, items: Sequence[tuple[ContactId, ContactPatch]]) -> None:
        """Update all or none."""
        async with self._request("BATCH"):
            unknown = tuple(i for i, (ref, _) in enumerate(items) if ref not in self.held)
            if unknown:
                raise BatchRejected(
                    "unknown contacts", trouble=Code.REQUEST_REFUSED, status=404, unknown=unknown
                )
            try:
                for ref, patch in items:
                    self._check(ref, patch)
            except BrevoRejected as error:
                raise BatchRejected(
                    error.message, trouble=Code.REQUEST_REFUSED, status=error.status
                ) from error
            for ref, patch in items:
                self.held[ref] = self._patched(self.held[ref], patch)

    async def join_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Put contacts on a list; those who were on it, or are unknown, are not told."""
        async with self._request("LIST_ADD"):
            joined = [r for r in refs if r in self.held and list_id not in self.held[r].list_ids]
            for ref in joined:
                patch = ContactPatch(add_lists=frozenset({list_id}))
                self.held[ref] = self._patched(self.held[ref], patch)
            return joined

    async def leave_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Take contacts off a list; those who were not on it, or are unknown, are not told."""
        async with self._request("LIST_REMOVE"):
            left = [r for r in refs if r in self.held and list_id in self.held[r].list_ids]
            for ref in left:
                patch = ContactPatch(remove_lists=frozenset({list_id}))
                self.held[ref] = self._patched(self.held[ref], patch)
            return left

    async def delete(self, ref: ContactId) -> bool:
        """Delete one contact."""
        async with self._request("DELETE"):
            return self.held.pop(ref, None) is not None

    async def contact(self, ref: ContactId | Email) -> Contact | None:
        """Fetch one contact by its number or its address."""
        async with self._request("GET"):
            return self.held.get(ref) if isinstance(ref, int) else self.by_email.get(ref)

    async def contacts_page(
        self, *, offset: int, limit: int, modified_since: datetime | None
    ) -> MemoryPage:
        """List contacts, the oldest first."""
        async with self._request("LIST"):
            self.before_page(offset)
            found = [
                c
                for _, c in sorted(self.held.items())
                if modified_since is None or (c.modified_at and c.modified_at >= modified_since)
            ]
            return MemoryPage(contacts=tuple(found[offset : offset + limit]), count=len(found))

    def _request(self, route: str) -> "_Request":
        self.requests[route] += 1
        return _Request(self)

    def _check(self, number: ContactId, patch: ContactPatch) -> None:
        others = [c for c in self.held.values() if c.id != number]
        taken = [
            name
            for name in PHONES
            if patch.attributes.get(name)
            and any(c.attributes.get(name) == patch.attributes[name] for c in others)
        ]
        if patch.rename_to and any(c.email == patch.rename_to for c in others):
            taken.append("email")
        if taken:
            raise BrevoRejected(
                "another contact has that",
                trouble=Code.REQUEST_REFUSED,
                status=400,
                code="duplicate_parameter",
                duplicate_identifiers=tuple(taken),
            )

    def _patched(self, known: Contact, patch: ContactPatch) -> Contact:
        merged = {**known.attributes, **patch.attributes}
        is_blocked = known.is_email_blocked
        if patch.rename_to is not None:
            is_blocked = False
        if patch.email_blocked is not None:
            is_blocked = patch.email_blocked
        if patch.rename_to is not None and self.loses_blocks:
            self.loses_blocks -= 1
            is_blocked = False
        return replace(
            known,
            email=patch.rename_to or known.email,
            attributes={n: v for n, v in merged.items() if v is not None},
            list_ids=(known.list_ids | patch.add_lists) - patch.remove_lists,
            is_email_blocked=is_blocked,
            is_sms_blocked=known.is_sms_blocked if patch.sms_blocked is None else patch.sms_blocked,
            modified_at=self.now,
        )


@dataclass(slots=True)
class _Request:
    """One request under way; others get their turn meanwhile."""

    account: MemoryAccount

    async def __aenter__(self) -> None:
        self.account.in_flight += 1
        self.account.most_in_flight = max(self.account.most_in_flight, self.account.in_flight)
        await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        self.account.in_flight -= 1


Trouble: TypeAlias = BaseException | None


class Rule(Protocol):
    """Decides what befalls a request; it is asked with the request's name, number and subject."""

    def __call__(self, request: str, number: int, subject: object) -> Trouble:
        """Return what is raised instead of an answer, if anything."""
        ...


@dataclass(slots=True, kw_only=True)
class Troubled:
    """A writer whose requests fail as a rule says, before or after they took effect."""

    inner: ContactWriter
    rule: Rule
    after_effect: bool = False
    asked: int = 0

    async def create(self, email: Email, patch: ContactPatch) -> ContactId | None:
        """Create, or fail."""
        return await self._send("create", email, lambda: self.inner.create(email, patch))

    async def update(self, ref: ContactId, patch: ContactPatch) -> None:
        """Update, or fail."""
        await self._send("update", ref, lambda: self.inner.update(ref, patch))

    async def update_batch(self, items: Sequence[tuple[ContactId, ContactPatch]]) -> None:
        """Update many, or fail."""
        refs = tuple(ref for ref, _ in items)
        await self._send("update_batch", refs, lambda: self.inner.update_batch(items))

    async def join_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Put contacts on a list, or fail."""
        return await self._send("join_list", refs, lambda: self.inner.join_list(list_id, refs))

    async def leave_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Take contacts off a list, or fail."""
        return await self._send("leave_list", refs, lambda: self.inner.leave_list(list_id, refs))

    async def delete(self, ref: ContactId) -> bool:
        """Delete, or fail."""
        return await self._send("delete", ref, lambda: self.inner.delete(ref))

    async def contact(self, ref: ContactId) -> Contact | None:
        """Fetch, or fail."""
        return await self._send("contact", ref, lambda: self.inner.contact(ref))

    async def _send(self, name: str, subject: object, work: Callable[[], Awaitable[T]]) -> T:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0)
        trouble = self.rule(name, number, subject)
        if trouble is not None and not self.after_effect:
            raise trouble
        answer = await work()
        if trouble is not None:
            raise trouble
        return answer


@dataclass(slots=True)
class ListJournal:
    """Remembers in lists what was intended and what came of it."""

    intended: list[Write] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def intend(self, changes: Sequence[Write], route: Route) -> None:
        """Note what is tried."""
        self.intended.extend(changes)

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Note what became known together."""
        return contextlib.nullcontext()

    def record(self, outcome: Outcome) -> None:
        """Note what came of it."""
        self.outcomes.append(outcome)

    def recreate(self, change: Update) -> Create:
        """Return the creation for a contact that vanished."""
        return recreate(change, None, Policy())

    @property
    def applied(self) -> list[Email]:
        """Whose change Brevo has."""
        return _emails(o for o in self.outcomes if isinstance(o, Applied))

    @property
    def deferred(self) -> list[Email]:
        """Whose change waits."""
        return _emails(o for o in self.outcomes if isinstance(o, Deferred))

    @property
    def failed(self) -> list[Email]:
        """Whose change was refused."""
        return _emails(o for o in self.outcomes if isinstance(o, Failed))


def _emails(outcomes: Iterable[Outcome]) -> list[Email]:
    return sorted(outcome.change.customer.email for outcome in outcomes)
