"""What was written lately counts as long as a listing is behind, and no longer."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import (
    JANE,
    MARY,
    at,
    confirmed,
    contact,
    create,
    hard_delete,
    rename,
    soft_delete,
    tried,
    update,
)
from customer_sync.core.model import Contact, ContactId, ContactPatch, Email, Write
from customer_sync.core.undoing.past import Tried
from customer_sync.run.observe import Freshness, observe, read_back
from customer_sync.run.own_writes import (
    MOST_QUESTIONS,
    OwnWrite,
    OwnWrites,
    corrected,
    own_writes,
    written,
)
from customer_sync.store import Store
from fakes import MemoryAccount

SEVEN = ContactId(7)


def known(*changes: Tried) -> OwnWrites:
    """Return what *changes* came to, by a clock like ours."""
    return own_writes(changes, {}, ahead=timedelta())


def seen(email: str, minute: float, *, number: int = 7) -> Contact:
    """Return a contact as a listing shows it, modified at *minute*."""
    return replace(contact(email, number=number), modified_at=at(minute))


def right(
    listed: Contact | None, own: Mapping[ContactId, OwnWrite], *wanted: str
) -> dict[Email, Contact]:
    """Return what *listed* and *own* come to."""
    shown = {} if listed is None or listed.email is None else {listed.email: listed}
    by_id = {} if listed is None else {listed.id: listed}
    return corrected(shown, by_id, own, map(Email, wanted))


# ---------------------------------------------------------------- what a change leaves


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (
            create(
                patch=ContactPatch(
                    attributes={"FIRSTNAME": "Jane", "NOTE": None}, add_lists=frozenset({5})
                )
            ),
            contact(attributes={"FIRSTNAME": "Jane"}, lists=[5]),
        ),
        (rename(JANE, MARY, email_blocked=True), contact(MARY, email_blocked=True)),
        (rename(JANE, MARY), contact(MARY)),
        (soft_delete(), contact(email_blocked=True)),
        (hard_delete(), None),
        (
            update(
                before=contact(attributes={"A": "1", "B": "2"}, lists=[5, 6]),
                patch=ContactPatch(
                    attributes={"A": None}, remove_lists=frozenset({6}), sms_blocked=True
                ),
            ),
            contact(attributes={"B": "2"}, lists=[5], sms_blocked=True),
        ),
    ],
)
def test_a_contact_is_known_as_it_was_left(change: Write, left: Contact | None) -> None:
    """What was there and was not touched is there still."""
    assert written(change, SEVEN) == left


def test_what_brevo_refused_was_not_written() -> None:
    """The phone belongs to somebody else."""
    change = update(patch=ContactPatch(attributes={"SMS": "+12025550123"}))
    own = own_writes(
        [tried(change)], {JANE: confirmed(refused={"SMS": "+12025550123"})}, ahead=timedelta()
    )
    assert own.by_id[SEVEN].contact == contact()


def test_the_last_of_several_writes_counts() -> None:
    """It began with what the one before had left."""
    own = known(tried(rename(JANE, MARY)), tried(soft_delete(MARY)))
    assert own.by_id[SEVEN].contact == contact(MARY, email_blocked=True)


@pytest.mark.parametrize("outcome", [None, "deferred", "cut off"])
def test_of_a_change_without_an_answer_nothing_is_known(outcome: str | None) -> None:
    """Neither at the address that was left nor at the new one."""
    own = known(tried(rename(JANE, MARY), outcome=outcome, number=None))
    assert own == OwnWrites(unsure=frozenset({JANE, MARY}))


def test_a_creation_that_found_somebody_there_leaves_questions() -> None:
    """Brevo did not say which contact it is, nor what else it holds."""
    assert known(tried(create(), number=None)).unsure == {JANE}


def test_a_refused_change_leaves_no_question() -> None:
    """Brevo said that it did not do it."""
    assert known(tried(update(), outcome="failed", number=None)) == OwnWrites()


def test_an_answer_ends_the_questions_of_before() -> None:
    """The change was tried again, and got through."""
    own = known(tried(update(), outcome="deferred", number=None), tried(update()))
    assert own.by_id.keys() == {SEVEN}
    assert not own.unsure


def test_times_are_told_by_brevos_clock() -> None:
    """To the second, so that two of them are left for the difference."""
    own = own_writes([tried(update())], {}, ahead=timedelta(minutes=3))
    assert own.by_id[SEVEN].at == at(4) + timedelta(minutes=3, seconds=-2)


# ---------------------------------------------------------------- listings that are behind


def test_a_contact_that_left_an_address_is_not_found_there() -> None:
    """Or whoever gets the address would be written into it."""
    moved = known(tried(rename(JANE, MARY))).by_id
    assert right(seen(JANE, 1), moved, JANE) == {}
    assert right(seen(JANE, 1), moved, JANE, MARY) == {Email(MARY): contact(MARY)}


def test_what_is_not_yet_listed_is_there_all_the_same() -> None:
    """A contact that was just created, to be deleted now."""
    own = known(tried(create())).by_id
    assert right(None, own, JANE) == {JANE: contact()}


def test_what_is_still_listed_is_gone_all_the_same() -> None:
    """A contact that was just deleted."""
    assert right(seen(JANE, 1), known(tried(hard_delete(), number=None)).by_id, JANE) == {}


def test_a_listing_that_has_seen_the_write_is_believed() -> None:
    """Somebody has edited the contact since, or Brevo did not store what it was sent."""
    listed = seen(JANE, 6)
    assert right(listed, known(tried(rename(JANE, MARY))).by_id, JANE, MARY) == {JANE: listed}


def test_somebody_else_who_took_the_address_since_has_it() -> None:
    """Our contact was renamed by hand, and the address given to another."""
    listed = seen(JANE, 6, number=8)
    assert right(listed, known(tried(create())).by_id, JANE) == {JANE: listed}


def test_an_own_write_wins_over_an_older_owner_of_the_address() -> None:
    """The listing does not show yet that it was left."""
    own = known(tried(rename(JANE, MARY, number=8)), tried(create()))
    assert right(seen(JANE, 1, number=8), own.by_id, JANE) == {JANE: contact()}


# ---------------------------------------------------------------- observing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a new state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def look(
    brevo: MemoryAccount, store: Store, wanted: list[str], own: OwnWrites
) -> dict[Email, Contact]:
    """List the account, and return who is at *wanted*."""
    freshness = Freshness(now=at(9), full_refresh_every=timedelta(days=7), is_forced=True)
    return asyncio.run(observe(brevo, store, map(Email, wanted), freshness, own))


def test_brevo_is_asked_where_nobody_knows_what_arrived(store: Store) -> None:
    """One request for each address, and the answers win over the listing."""
    brevo = MemoryAccount.of(seen(MARY, 1))
    own = OwnWrites(unsure=frozenset({JANE, Email(MARY)}))
    assert look(brevo, store, [JANE, MARY], own).keys() == {MARY}
    assert brevo.requests["GET"] == 2


def test_brevo_is_not_asked_for_thousands(store: Store) -> None:
    """A killed import leaves as many questions as it has rows; the listing has to do."""
    brevo = MemoryAccount.of(seen(MARY, 1))
    many = [f"p{number}@example.com" for number in range(MOST_QUESTIONS + 1)]
    own = OwnWrites(unsure=frozenset(map(Email, many)))
    assert look(brevo, store, [*many, MARY], own).keys() == {MARY}
    assert brevo.requests["GET"] == 0


def test_an_import_is_not_read_back_from_memory(store: Store) -> None:
    """The contact that is remembered at the address left it, and the new one is not listed yet."""
    store.mirror([seen(JANE, 1)], reading=1)
    brevo = MemoryAccount.of(seen(MARY, 5, number=8))
    found = asyncio.run(read_back(brevo, store, [JANE, Email(MARY)], at(4), ahead=timedelta()))
    assert found.keys() == {MARY}


def test_the_journal_tells_what_was_tried_lately_for_whom(store: Store) -> None:
    """Whoever left an address is among those whom it concerns; older changes are not told."""
    store.begin_run("r1", "run", at(0))
    store.intend("r1", [update("old@example.com")], "PUT", at(1))
    store.intend("r1", [rename(JANE, MARY), update("other@example.com")], "PUT", at(3))
    assert [one.change for one in store.tried_lately([JANE], at(2))] == [rename(JANE, MARY)]
    assert store.tried_lately([Email("old@example.com")], at(2)) == []


def test_what_took_long_to_be_written_is_no_older_than_its_end(store: Store) -> None:
    """It waited for an import, and then for its turn: a listing may not show it yet."""
    store.begin_run("r1", "run", at(0))
    change = update(JANE)
    store.intend("r1", [change], "POST /contacts/import", at(1))
    store.record_applied("r1", change, confirmed(JANE), at(20))
    store.finish_run("r1", at(21), 0, b"{}")
    assert len(store.tried_lately([JANE], at(20))) == 1
    assert store.tried_lately([JANE], at(20.5)) == []
    assert store.tried_lately([JANE], at(22)) == []
