"""What Brevo holds now, learned with the fewest requests, and remembered in a mirror.

Asking for a contact costs a request each, listing costs one for a thousand, and listing what was
modified since last time costs next to nothing but does not show who was deleted.
"""

import math
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from customer_sync.core.model import Contact, ContactId, Email
from customer_sync.run.own_writes import MOST_QUESTIONS, NOTHING_WRITTEN, OwnWrites, corrected

PAGE_SIZE = 1000
OVERLAP = timedelta(minutes=10)
"""How far a listing reaches back before the newest modification seen: Brevo's index may lag."""

TOLD_OVERLAP = timedelta(seconds=30)
"""The same, from a moment by Brevo's own clock."""

FEW_PAGES = 5
"""So many pages are listed each time, whoever else has looked just now."""

_FULL_AT = "mirror.full_at"
_LISTED_AT = "mirror.listed_at"
_PAGES = "mirror.pages"
_WATERMARK = "mirror.watermark"
_READING = "mirror.reading"
_COUNT = "mirror.count"


class Page(Protocol):
    """A stretch of contacts, and how many match in all."""

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """The contacts of this page."""
        ...

    @property
    def count(self) -> int:
        """How many contacts match in all."""
        ...


class ContactReader(Protocol):
    """Whatever fetches contacts. Every method may raise BrevoError."""

    async def contact(self, ref: Email) -> Contact | None:
        """Fetch one contact."""
        ...

    async def contacts_page(
        self, *, offset: int, limit: int, modified_since: datetime | None
    ) -> Page:
        """Fetch a page of contacts, the oldest first."""
        ...


class Mirror(Protocol):
    """Whatever remembers contacts from run to run."""

    def mirror(self, contacts: Iterable[Contact], *, reading: int) -> None:
        """Remember contacts."""
        ...

    def mirrored(self, emails: Iterable[Email]) -> dict[Email, Contact]:
        """Return remembered contacts."""
        ...

    def mirrored_by_id(self, ids: Iterable[ContactId]) -> dict[ContactId, Contact]:
        """Return remembered contacts, at whatever address they are."""
        ...

    def unmirror(self, contact_id: ContactId) -> None:
        """Forget a contact."""
        ...

    def forget_mirrored(self, *, before: int) -> None:
        """Forget what no listing since has shown."""
        ...

    def fact(self, name: str) -> str | None:
        """Return a remembered fact."""
        ...

    def remember(self, facts: Mapping[str, str]) -> None:
        """Remember facts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """When the mirror has to be made anew."""

    now: datetime
    full_refresh_every: timedelta
    is_forced: bool = False
    good_for: timedelta = timedelta(0)
    """How long a listing of many pages will do; what this tool wrote since counts all the same."""
    brevo_now: datetime | None = None
    """The same moment by Brevo's clock, where it told."""
    closely: frozenset[Email] = frozenset()
    """Of whom it must be known how they are now: who is deleted or renamed loses a block."""


async def observe(
    reader: ContactReader,
    mirror: Mirror,
    emails: Iterable[Email],
    freshness: Freshness,
    own: OwnWrites = NOTHING_WRITTEN,
) -> dict[Email, Contact]:
    """Return the contacts at *emails* as Brevo holds them now, in as few requests as can be.

    Where a listing is behind what this tool wrote lately, its *own* writes count.

    Raises:
        BrevoError: Brevo cannot be asked.
    """
    wanted = sorted(set(emails))
    if not wanted and not freshness.is_forced:
        return {}
    is_full = _is_full_due(mirror, freshness)
    if not freshness.is_forced and len(wanted) <= _expected_pages(mirror, is_full=is_full):
        return await ask_each(reader, mirror, wanted)
    if not is_full and _is_good_enough(mirror, freshness, own.unsure.intersection(wanted)):
        return await _corrected(reader, mirror, wanted, own, closely=freshness.closely)
    since = None if is_full else _watermark(mirror)
    first = await reader.contacts_page(offset=0, limit=PAGE_SIZE, modified_since=since)
    if not freshness.is_forced and len(wanted) < _pages(first.count) - 1:
        return await ask_each(reader, mirror, wanted)
    await _listing(reader, mirror, first, since=since, freshness=freshness)
    return await _corrected(reader, mirror, wanted, own)


def _is_good_enough(mirror: Mirror, freshness: Freshness, unsure: frozenset[Email]) -> bool:
    """Tell whether the last listing will do: it was long, lately, and leaves few questions open."""
    listed_at, pages = mirror.fact(_LISTED_AT), int(mirror.fact(_PAGES) or 0)
    if freshness.is_forced or listed_at is None or pages <= FEW_PAGES:
        return False
    age = freshness.now - datetime.fromisoformat(listed_at)
    is_late = not timedelta(0) <= age < freshness.good_for
    return not is_late and len(unsure | freshness.closely) <= MOST_QUESTIONS


async def bring_up_to_date(reader: ContactReader, mirror: Mirror, freshness: Freshness) -> None:
    """Let the mirror show what changed at Brevo, or all of it where that is due.

    Raises:
        BrevoError: Brevo cannot be asked.
    """
    since = None if _is_full_due(mirror, freshness) else _watermark(mirror)
    first = await reader.contacts_page(offset=0, limit=PAGE_SIZE, modified_since=since)
    await _listing(reader, mirror, first, since=since, freshness=freshness)


async def look_up(
    reader: ContactReader,
    mirror: Mirror,
    emails: Iterable[Email],
    _freshness: Freshness,
    own: OwnWrites = NOTHING_WRITTEN,
) -> dict[Email, Contact]:
    """Return the contacts at *emails* from a mirror that was just brought up to date.

    Raises:
        BrevoError: Brevo cannot be asked.
    """
    return await _corrected(reader, mirror, sorted(set(emails)), own)


async def _corrected(
    reader: ContactReader,
    mirror: Mirror,
    wanted: list[Email],
    own: OwnWrites,
    *,
    closely: frozenset[Email] = frozenset(),
) -> dict[Email, Contact]:
    """Return what a listing showed, put right by what was written since it was true."""
    unsure = sorted((own.unsure | closely).intersection(wanted))
    asked: dict[Email, Contact] = {}
    is_asked = 0 < len(unsure) <= MOST_QUESTIONS
    if is_asked:
        asked = await ask_each(reader, mirror, unsure)
    found = corrected(mirror.mirrored(wanted), mirror.mirrored_by_id(own.by_id), own.by_id, wanted)
    if is_asked:
        found = {email: contact for email, contact in found.items() if email not in unsure}
    return found | asked


async def read_back(
    reader: ContactReader,
    mirror: Mirror,
    emails: Iterable[Email],
    since: datetime,
    *,
    ahead: timedelta | None,
    own: OwnWrites = NOTHING_WRITTEN,
) -> dict[Email, Contact]:
    """Return the contacts at *emails* that were written from *since* on.

    Whoever was not modified since then is not among them: what is remembered of an address may be
    about a contact that has left it. *ahead* is by how much Brevo's clock is ahead of ours, as far
    as it told.

    Raises:
        BrevoError: Brevo cannot be asked.
    """
    wanted = frozenset(emails)
    overlapping = since - OVERLAP if ahead is None else since + ahead - TOLD_OVERLAP
    first = await reader.contacts_page(offset=0, limit=PAGE_SIZE, modified_since=overlapping)
    shown: dict[Email, Contact] = {}
    async for page in _all_pages(reader, first, overlapping):
        mirror.mirror(page.contacts, reading=_reading(mirror))
        shown |= {c.email: c for c in page.contacts if c.email is not None and c.email in wanted}
    return corrected(shown, mirror.mirrored_by_id(own.by_id), own.by_id, wanted)


def _is_full_due(mirror: Mirror, freshness: Freshness) -> bool:
    full_at = mirror.fact(_FULL_AT)
    if freshness.is_forced or full_at is None:
        return True
    age = freshness.now - datetime.fromisoformat(full_at)
    # A clock that was set back makes the age negative; then nothing is known of it.
    return not timedelta(0) <= age < freshness.full_refresh_every


def _expected_pages(mirror: Mirror, *, is_full: bool) -> int:
    return _pages(int(mirror.fact(_COUNT) or 0)) if is_full else 1


def _pages(count: int) -> int:
    """Return how many pages show *count* contacts, each beginning with the last one before."""
    return max(1, math.ceil((count - 1) / (PAGE_SIZE - 1)))


def _watermark(mirror: Mirror) -> datetime | None:
    watermark = mirror.fact(_WATERMARK)
    return datetime.fromisoformat(watermark) - OVERLAP if watermark else None


async def ask_each(
    reader: ContactReader, mirror: Mirror, wanted: list[Email]
) -> dict[Email, Contact]:
    """Return the contacts at *wanted*, each asked for by itself.

    Raises:
        BrevoError: Brevo cannot be asked.
    """
    known = mirror.mirrored(wanted)
    found = {}
    for email in wanted:
        contact = await reader.contact(email)
        if contact is not None:
            found[email] = contact
        elif email in known:
            mirror.unmirror(known[email].id)
    mirror.mirror(found.values(), reading=_reading(mirror))
    return found


async def _listing(
    reader: ContactReader,
    mirror: Mirror,
    first: Page,
    *,
    since: datetime | None,
    freshness: Freshness,
) -> None:
    """Read all pages from *first* on into the mirror, and note how fresh that makes it."""
    is_full = since is None
    reading = _reading(mirror) + (1 if is_full else 0)
    count, pages, newest = 0, 0, since
    async for page in _all_pages(reader, first, since):
        pages += 1
        mirror.mirror(page.contacts, reading=reading)
        times = [c.modified_at for c in page.contacts if c.modified_at]
        newest = max([*times, *([newest] if newest else [])], default=None)
        count = page.count
    facts = {_LISTED_AT: freshness.now.isoformat(), _PAGES: str(pages)}
    if newest is not None:
        facts[_WATERMARK] = _next_watermark(mirror, newest, freshness).isoformat()
    if is_full:
        mirror.forget_mirrored(before=reading)
        facts |= {
            _FULL_AT: freshness.now.isoformat(),
            _READING: str(reading),
            _COUNT: str(count),
        }
    mirror.remember(facts)


async def _all_pages(
    reader: ContactReader, first: Page, since: datetime | None
) -> AsyncIterator[Page]:
    """Yield *first* and the pages behind it.

    Each page begins with the last contact of the page before. Where it shares none with that page,
    contacts were deleted meanwhile and those behind moved up; then the listing steps back until
    it does, to miss none.
    """
    page, offset = first, 0
    while True:
        yield page
        if not page.contacts or offset + len(page.contacts) >= page.count:
            return
        seen = {c.id for c in page.contacts}
        offset += len(page.contacts) - 1
        page = await reader.contacts_page(offset=offset, limit=PAGE_SIZE, modified_since=since)
        while offset and seen.isdisjoint(c.id for c in page.contacts):
            offset = max(0, offset - PAGE_SIZE // 2)
            page = await reader.contacts_page(offset=offset, limit=PAGE_SIZE, modified_since=since)


def _next_watermark(mirror: Mirror, newest: datetime, freshness: Freshness) -> datetime:
    """Return the moment up to which every modification was seen; it never goes back.

    What was modified while the listing went on may have been listed before it was, even though
    something newer was seen; so that the listing's beginning is the most that can be believed. By
    Brevo's own clock it can be, also where nothing was modified for long: else whatever was written
    last would be listed for ever.
    """
    watermark = mirror.fact(_WATERMARK)
    seen = (freshness.brevo_now or min(newest, freshness.now)).astimezone(UTC)
    return max(seen, datetime.fromisoformat(watermark)) if watermark else seen


def _reading(mirror: Mirror) -> int:
    return int(mirror.fact(_READING) or 0)
