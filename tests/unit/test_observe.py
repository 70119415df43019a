"""How Brevo is looked at: with the fewest requests, and without missing anybody."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import contact
from customer_sync.core.model import Contact, Email
from customer_sync.run.observe import FEW_PAGES, OVERLAP, PAGE_SIZE, Freshness, observe
from customer_sync.run.own_writes import MOST_QUESTIONS, NOTHING_WRITTEN, OwnWrites
from customer_sync.store import Store
from fakes import MemoryAccount

START = datetime(2024, 2, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a new state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def person(number: int, *, modified_at: datetime | None = START) -> Contact:
    """Return the contact with this number."""
    return replace(contact(f"p{number:05}@example.com", number=number), modified_at=modified_at)


def account(count: int) -> MemoryAccount:
    """Return an account with so many contacts, one modified a minute, and none lately."""
    last = START - timedelta(days=30)
    ages = reversed(range(count))
    held = [person(n, modified_at=last - timedelta(minutes=age)) for n, age in enumerate(ages, 1)]
    return MemoryAccount.of(*held)


def everyone(brevo: MemoryAccount) -> list[Email]:
    """Return all addresses."""
    return sorted(brevo.by_email)


def look(
    brevo: MemoryAccount,
    store: Store,
    emails: Iterable[Email],
    *,
    now: datetime = START,
    is_forced: bool = False,
    brevo_now: datetime | None = None,
) -> dict[Email, Contact]:
    """Observe *emails*."""
    freshness = Freshness(
        now=now, brevo_now=brevo_now, full_refresh_every=WEEK, is_forced=is_forced
    )
    return asyncio.run(observe(brevo, store, emails, freshness))


# ---------------------------------------------------------------- how many requests


@pytest.mark.parametrize(
    ("held", "wanted", "requests"),
    [
        (0, 0, {}),
        (0, 1, {"GET": 1}),
        (1, 1, {"GET": 1}),
        (3, 3, {"LIST": 1}),
        (500, 500, {"LIST": 1}),
        (1000, 1000, {"LIST": 1}),
        (1001, 1001, {"LIST": 2}),
        (1999, 1999, {"LIST": 2}),
        (5000, 5000, {"LIST": 6}),
        (5000, 5, {"LIST": 6}),
        (5000, 4, {"LIST": 1, "GET": 4}),
        (5000, 1, {"GET": 1}),
    ],
)
def test_the_first_look_takes_few_requests(
    store: Store, held: int, wanted: int, requests: dict[str, int]
) -> None:
    """A handful is asked for one by one, many are listed; nothing is known of the account yet."""
    brevo = account(held)
    names = everyone(brevo)[:wanted] or [Email("nobody@example.com")][:wanted]
    found = look(brevo, store, names)
    assert found.keys() == set(names) & brevo.by_email.keys()
    assert brevo.requests == Counter(requests)


@pytest.mark.parametrize(
    ("wanted", "requests"),
    [(1, {"GET": 1}), (3, {"LIST": 1}), (500, {"LIST": 1}), (5000, {"LIST": 1})],
)
def test_a_later_look_asks_for_what_changed(
    store: Store, wanted: int, requests: dict[str, int]
) -> None:
    """One page shows it, however many contacts there are."""
    brevo = account(5000)
    look(brevo, store, everyone(brevo))
    brevo.requests.clear()
    names = everyone(brevo)[:wanted]
    assert look(brevo, store, names, now=START + timedelta(days=1)).keys() == set(names)
    assert brevo.requests == Counter(requests)


def test_when_nearly_all_changed_a_few_are_asked_for_one_by_one(store: Store) -> None:
    """The first page tells how many pages there are."""
    brevo = account(5000)
    look(brevo, store, everyone(brevo))
    brevo.held = {n: replace(c, modified_at=START) for n, c in brevo.held.items()}
    brevo.requests.clear()
    look(brevo, store, everyone(brevo)[:3], now=START + timedelta(days=1))
    assert brevo.requests == {"LIST": 1, "GET": 3}


@pytest.mark.parametrize(
    ("now", "is_forced"),
    [
        (START + timedelta(hours=1), True),
        (START + WEEK, False),
        (START - timedelta(seconds=1), False),
    ],
    ids=["forced", "stale", "clock set back"],
)
def test_all_are_listed_when_it_is_due(store: Store, now: datetime, is_forced: bool) -> None:
    """Only a full listing shows who was deleted at Brevo."""
    brevo = account(1500)
    names = everyone(brevo)
    look(brevo, store, names)
    brevo.remove("p00001@example.com")
    brevo.requests.clear()
    found = look(brevo, store, names, now=now, is_forced=is_forced)
    assert brevo.requests == {"LIST": 2}
    assert "p00001@example.com" not in found
    assert store.count_mirrored() == 1499


def test_a_forced_look_lists_even_for_nobody(store: Store) -> None:
    """The operator asked for a fresh picture."""
    brevo = account(3)
    assert look(brevo, store, [], is_forced=True) == {}
    assert store.count_mirrored() == 3


def test_a_fresh_picture_is_believed_about_deletions(store: Store) -> None:
    """Until the next full listing; writing to a contact that is gone finds out."""
    brevo = account(10)
    names = everyone(brevo)
    look(brevo, store, names)
    brevo.remove("p00001@example.com")
    assert "p00001@example.com" in look(brevo, store, names, now=START + timedelta(days=1))


# ---------------------------------------------------------------- missing nobody


def test_who_is_asked_for_and_gone_is_forgotten(store: Store) -> None:
    """The mirror learns from single answers too."""
    brevo = account(3)
    look(brevo, store, everyone(brevo))
    brevo.remove("p00001@example.com")
    assert look(brevo, store, [Email("p00001@example.com")]) == {}
    assert store.mirrored([Email("p00001@example.com")]) == {}


def test_a_contact_that_was_renamed_is_found_at_its_new_address_alone(store: Store) -> None:
    """Asked for by both addresses, one by one and by a listing."""
    brevo = account(3)
    look(brevo, store, everyone(brevo))
    old, new = Email("p00001@example.com"), Email("new@example.com")
    renamed = replace(brevo.by_email[old], email=new, modified_at=START)
    brevo.held[renamed.id] = renamed
    assert look(brevo, store, [new]).keys() == {new}
    assert look(brevo, store, [old, new, *everyone(brevo)]).keys() == brevo.by_email.keys()


@pytest.mark.parametrize("deleted", [1, 300, 999, 1000, 1001, 1400])
def test_nobody_is_missed_when_contacts_vanish_while_one_reads(store: Store, deleted: int) -> None:
    """Those behind move up, so that the next page would begin too late."""
    brevo = account(3500)
    names = everyone(brevo)
    vanished = [Email(f"p{n:05}@example.com") for n in range(max(1, 1001 - deleted), 1001)]

    def before_page(offset: int) -> None:
        if offset >= PAGE_SIZE - 1 and vanished[0] in brevo.by_email:
            for email in vanished:
                brevo.remove(email)

    brevo.before_page = before_page
    found = look(brevo, store, names)
    assert found.keys() >= brevo.by_email.keys()
    assert brevo.requests["LIST"] <= 4 + 3


def test_a_last_page_that_vanishes_ends_the_reading(store: Store) -> None:
    """All that were left to read are gone."""
    brevo = account(1500)
    names = everyone(brevo)

    def before_page(offset: int) -> None:
        if offset:
            brevo.held = {n: c for n, c in brevo.held.items() if n <= 400}

    brevo.before_page = before_page
    assert look(brevo, store, names).keys() >= brevo.by_email.keys()


def test_who_is_created_while_one_reads_is_seen(store: Store) -> None:
    """New contacts come last."""
    brevo = account(1000)
    newcomer = person(1001)

    def before_page(_: int) -> None:
        brevo.held[newcomer.id] = newcomer

    brevo.before_page = before_page
    look(brevo, store, everyone(brevo))
    assert store.mirrored([Email("p01001@example.com")])


# ---------------------------------------------------------------- the watermark


def watermark(store: Store) -> datetime:
    """Return how far modifications are known."""
    return datetime.fromisoformat(store.fact("mirror.watermark") or "")


def test_the_watermark_is_the_newest_of_all_pages(store: Store) -> None:
    """Not of the last page alone."""
    brevo = account(1500)
    brevo.held[person(3).id] = person(3, modified_at=START - timedelta(hours=1))
    look(brevo, store, everyone(brevo))
    assert watermark(store) == START - timedelta(hours=1)


def test_the_watermark_does_not_pass_the_beginning_of_the_listing(store: Store) -> None:
    """A contact may be modified after its page was read, while a newer one is still to come."""
    brevo = account(1500)
    names = everyone(brevo)
    first, last = names[0], names[-1]

    def before_page(offset: int) -> None:
        if offset:
            touched = (
                replace(brevo.by_email[first], modified_at=START + timedelta(hours=1)),
                replace(brevo.by_email[last], modified_at=START + timedelta(hours=3)),
            )
            brevo.held |= {c.id: c for c in touched}

    brevo.before_page = before_page
    look(brevo, store, names)
    assert watermark(store) == START
    brevo.before_page = lambda _: None
    found = look(brevo, store, names, now=START + timedelta(hours=4))
    assert found[first].modified_at == START + timedelta(hours=1)


def test_what_was_written_last_is_not_listed_for_ever(store: Store) -> None:
    """Brevo's clock tells how far a listing reached, also where nothing was modified since."""
    brevo = account(1500)
    later = START + timedelta(days=1)
    look(brevo, store, everyone(brevo), brevo_now=later)
    assert watermark(store) == later


@pytest.mark.parametrize("minutes", [-60, 0, 60])
def test_the_watermark_never_goes_back(store: Store, minutes: int) -> None:
    """Whatever is modified or deleted, and wherever the clock stands."""
    brevo = account(3)
    brevo.held[person(3).id] = person(3)
    names = everyone(brevo)
    look(brevo, store, names)
    brevo.remove("p00003@example.com")
    look(brevo, store, names, now=START + timedelta(minutes=minutes), is_forced=True)
    assert watermark(store) == START


def test_a_listing_reaches_back_before_the_watermark(store: Store) -> None:
    """Brevo's index may lag: what is a little older may only appear now."""
    brevo = account(3)
    brevo.held[person(3).id] = person(3)
    late = person(4, modified_at=START - OVERLAP)
    look(brevo, store, everyone(brevo))
    brevo.held[late.id] = late
    later = START + timedelta(days=1)
    assert late.email in look(brevo, store, everyone(brevo), now=later)


def test_an_account_without_any_time_is_listed_in_full(store: Store) -> None:
    """Nothing is known of what changed since."""
    brevo = MemoryAccount.of(*(person(n, modified_at=None) for n in (1, 2, 3)))
    names = everyone(brevo)
    look(brevo, store, names)
    assert look(brevo, store, names, now=START + timedelta(days=1)).keys() == set(names)


# ---------------------------------------------------------------- runs that follow closely


MINUTE = timedelta(minutes=1)
MANY = FEW_PAGES * PAGE_SIZE + 2


def busy(store: Store, *, count: int = MANY) -> MemoryAccount:
    """Return an account whose contacts were all modified just now, and listed once since."""
    brevo = MemoryAccount.of(*(person(n) for n in range(1, count + 1)))
    follow(brevo, store, everyone(brevo), now=START)
    brevo.requests.clear()
    return brevo


def follow(
    brevo: MemoryAccount,
    store: Store,
    emails: Iterable[Email],
    *,
    now: datetime,
    closely: Iterable[Email] = (),
    own: OwnWrites = NOTHING_WRITTEN,
) -> dict[Email, Contact]:
    """Observe *emails* as a batch does."""
    freshness = Freshness(
        now=now, full_refresh_every=WEEK, good_for=MINUTE, closely=frozenset(closely)
    )
    return asyncio.run(observe(brevo, store, emails, freshness, own))


def test_a_long_listing_will_do_for_a_while(store: Store) -> None:
    """Batches follow each other every two seconds, and it would show them their own writes."""
    brevo = busy(store)
    wanted = everyone(brevo)[:50]
    assert follow(brevo, store, wanted, now=START + MINUTE / 2).keys() == set(wanted)
    assert not brevo.requests
    follow(brevo, store, wanted, now=START + MINUTE)
    assert brevo.requests["LIST"]


def test_a_short_listing_is_made_each_time(store: Store) -> None:
    """It costs next to nothing, and shows what others do."""
    brevo = busy(store, count=100)
    follow(brevo, store, everyone(brevo), now=START + MINUTE / 2)
    assert brevo.requests == {"LIST": 1}


def test_whoever_could_lose_a_block_is_asked_for(store: Store) -> None:
    """Somebody may have unsubscribed since the listing, and Brevo forgets that with a new name."""
    brevo = busy(store)
    one = everyone(brevo)[7]
    known = brevo.by_email[one]
    brevo.held[known.id] = replace(known, is_email_blocked=True)
    found = follow(brevo, store, everyone(brevo)[:50], now=START + MINUTE / 2, closely=[one])
    assert found[one].is_email_blocked
    assert brevo.requests == {"GET": 1}


def test_many_open_questions_are_answered_by_a_listing(store: Store) -> None:
    """Whoever could lose a block, or of whom nobody knows what arrived when a run was killed."""
    brevo = busy(store)
    some = everyone(brevo)[: MOST_QUESTIONS + 1]
    follow(brevo, store, some, now=START + MINUTE / 2, closely=some)
    assert brevo.requests["LIST"]
    brevo.requests.clear()
    own = OwnWrites(unsure=frozenset(some))
    follow(brevo, store, everyone(brevo), now=START + MINUTE / 2, own=own)
    assert brevo.requests["LIST"]
