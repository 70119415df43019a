"""Who somebody is, what the state holds of them, and what is left once it is purged."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import JANE, MARY, NEW_JANE, at, confirmed, contact, customer, update
from customer_sync.core.model import (
    ContactId,
    ContactPatch,
    Create,
    Customer,
    Email,
    Keep,
    Update,
)
from customer_sync.store import QueueItem, Store

OLD = Email("old@example.com")
NOBODY = Email("nobody@example.com")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a state with one run."""
    with Store(tmp_path / "state.db") as opened:
        opened.begin_run("r1", "run", at(0))
        yield opened


def live(store: Store, someone: Customer, number: int = 7) -> None:
    """Let somebody have a contact that was created."""
    change = Create(customer=someone, patch=ContactPatch(), fields=())
    store.intend("r1", [change], "create", at(1))
    store.record_applied("r1", change, confirmed(someone.email, number=number), at(1))


def move(store: Store, someone: Customer, old: Email, number: int = 7) -> None:
    """Let somebody take the contact along to a new address."""
    before = contact(old, number=number)
    patch = ContactPatch(rename_to=someone.email)
    change = Update(customer=someone, before=before, patch=patch, fields=())
    store.intend("r1", [change], "update", at(2))
    store.record_applied("r1", change, confirmed(someone.email, number=number), at(2))


def wait(store: Store, someone: Customer) -> None:
    """Let somebody's change wait."""
    item = QueueItem(customer=someone, error="", attempts=0, queued_at=at(1), next_at=at(1))
    store.accept([item])


def known_as(store: Store, email: Email) -> tuple[set[str], set[str]]:
    """Return all addresses and ids of the person at *email*."""
    person = store.person(email)
    return set(person.emails), set(person.ids)


# ---------------------------------------------------------------- who is who


def test_a_stranger_is_known_by_the_address_alone(store: Store) -> None:
    """There may be a contact at Brevo all the same."""
    live(store, customer(MARY, ids=["c2"]))
    assert known_as(store, JANE) == ({JANE}, set())


@pytest.mark.parametrize("asked", [JANE, NEW_JANE])
def test_a_person_is_known_by_every_address(store: Store, asked: Email) -> None:
    """By that of today as by one that was left."""
    live(store, customer(JANE))
    move(store, customer(NEW_JANE, former=[JANE]), JANE)
    assert known_as(store, asked) == ({JANE, NEW_JANE}, {"c1"})


def test_a_person_without_an_id_is_followed_by_addresses(store: Store) -> None:
    """The change of address tells both."""
    live(store, customer(JANE, ids=[]))
    move(store, customer(NEW_JANE, former=[JANE], ids=[]), JANE)
    assert known_as(store, NEW_JANE) == ({JANE, NEW_JANE}, set())


def test_a_chain_of_moves_is_followed_to_its_beginning(store: Store) -> None:
    """However many there were."""
    steps = [Email(f"jane{n}@example.com") for n in range(5)]
    live(store, customer(steps[0], ids=[]))
    for old, new in itertools.pairwise(steps):
        move(store, customer(new, former=[old], ids=[]), old)
    assert known_as(store, steps[-1]) == (set(steps), set())


@pytest.mark.parametrize("ids", [["c3"], []])
def test_an_address_that_others_have_by_now_is_theirs(store: Store, ids: list[str]) -> None:
    """With an id or without; and whoever asks for it means them."""
    live(store, customer(JANE))
    move(store, customer(NEW_JANE, former=[JANE]), JANE)
    live(store, customer(JANE, ids=ids), number=8)
    assert known_as(store, NEW_JANE) == ({NEW_JANE}, {"c1"})
    assert known_as(store, JANE) == ({JANE}, set(ids))


def test_customers_who_share_an_address_share_their_fate(store: Store) -> None:
    """They are one contact."""
    live(store, customer(JANE, ids=["c1", "c2"]))
    assert known_as(store, JANE) == ({JANE}, {"c1", "c2"})


def test_whoever_never_was_written_is_known_from_the_queue(store: Store) -> None:
    """All that is known of them waits."""
    wait(store, customer(NEW_JANE, former=[JANE]))
    assert known_as(store, JANE) == ({JANE, NEW_JANE}, {"c1"})


# ---------------------------------------------------------------- what is held


def test_only_what_is_about_the_person_is_shown(store: Store) -> None:
    """Others' rows are not, though they name an address of theirs."""
    live(store, customer(JANE))
    takeover = update(MARY, before=contact(JANE, number=9))
    store.intend("r1", [replace(takeover, customer=customer(MARY, ids=["c2"]))], "update", at(3))
    held = store.holdings(store.person(JANE))
    assert held.counts == {
        "confirmed": 1,
        "identities": 1,
        "queue": 0,
        "operations": 1,
        "mirror": 0,
    }
    assert held.operations[0]["kind"] == "create"


def test_the_contact_of_a_person_is_found_in_the_mirror(store: Store) -> None:
    """By its address, and by its number where the address was changed in Brevo."""
    live(store, customer(JANE))
    store.mirror([contact(NOBODY, number=7), contact(MARY, number=8)], reading=1)
    person = store.person(JANE)
    assert store.contact_ids(person) == {ContactId(7)}
    assert [row["contact_id"] for row in store.holdings(person).mirror] == [7]


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(store: Store) -> None:
    """Its contact stands at the address of another customer."""
    live(store, customer(JANE))
    live(store, customer(MARY, ids=["c2"]), number=8)
    store.mirror([contact(MARY, number=7)], reading=1)
    assert store.holdings(store.person(JANE)).mirror == ()


# ---------------------------------------------------------------- what is purged


def purge(store: Store, email: Email = JANE) -> dict[str, int]:
    """Purge somebody, and make sure that nothing is left."""
    person = store.person(email)
    removed = store.purge(person)
    store.compact()
    assert store.naming(person) == ()
    return removed


def test_a_person_is_purged_from_every_table(store: Store) -> None:
    """And nobody else is."""
    live(store, customer(JANE))
    live(store, customer(MARY, ids=["c2"]), number=8)
    store.mirror([contact(JANE), contact(MARY, number=8)], reading=1)
    wait(store, customer(JANE))
    assert purge(store) == {
        "confirmed": 1,
        "identities": 1,
        "queue": 1,
        "operations": 1,
        "mirror": 1,
        "reports": 0,
    }
    assert store.confirmed([JANE, MARY]).keys() == {MARY}
    assert store.mirrored([JANE, MARY]).keys() == {MARY}
    assert purge(store) == dict.fromkeys(_TABLES, 0)


_TABLES = ("confirmed", "identities", "queue", "operations", "mirror", "reports")


def test_others_who_wait_lose_nothing_but_the_address(store: Store) -> None:
    """They had it before, which is not what they wait for."""
    live(store, customer(JANE))
    wait(store, customer(MARY, former=[JANE, OLD], ids=["c2"]))
    purge(store)
    (item,) = store.queue()
    assert (item.customer.email, item.customer.former_emails) == (MARY, (OLD,))


def test_others_changes_that_name_the_person_go(store: Store) -> None:
    """A contact that was taken over, for instance."""
    live(store, customer(JANE))
    takeover = update(MARY, before=contact(JANE, number=9))
    store.intend("r1", [replace(takeover, customer=customer(MARY, ids=["c2"]))], "update", at(3))
    assert purge(store)["operations"] == 2


def test_a_report_that_names_the_person_is_cleaned(store: Store) -> None:
    """The rest of it stays."""
    store.finish_run("r1", at(5), 0, b'{"source": ["jane@example.com.jsonl", "jane@example.com"]}')
    assert purge(store)["reports"] == 1
    assert store.runs()[0].report == b'{"source": ["jane@example.com.jsonl", "(erased)"]}'


def test_a_field_of_others_that_names_the_person_stays_and_is_told(store: Store) -> None:
    """It is theirs, such as who recommended the shop to them, however it is spelled."""
    referred = {"REFERRER": "Jane@Example.com"}
    change = Create(
        customer=customer(MARY, ids=["c2"], attributes=referred), patch=ContactPatch(), fields=()
    )
    store.record_applied("r1", change, confirmed(MARY, attributes=referred), at(1))
    person = store.person(JANE)
    assert sum(store.purge(person).values()) == 0
    assert store.naming(person) == ("confirmed",)


def test_a_tombstone_goes_as_well(store: Store) -> None:
    """Who was deleted at the shop may be forgotten, too."""
    gone = customer(JANE, is_deleted=True)
    store.record_kept([(Keep(customer=gone, before=None), confirmed(is_deleted=True))])
    assert purge(store)["confirmed"] == 1


def test_a_long_journal_is_searched_by_whole_ids(store: Store) -> None:
    """`c1` is not `c11`."""
    everyone: Iterable[Email] = (Email(f"p{n}@example.com") for n in range(3))
    for number, email in enumerate(everyone, 11):
        live(store, customer(email, ids=[f"c{number}"]), number=number)
    live(store, customer(JANE, ids=["c1"]))
    assert purge(store)["operations"] == 1
