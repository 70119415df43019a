"""What the state remembers, and that it never does so by halves."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from builders import (
    JANE,
    MARY,
    NEW_JANE,
    at,
    confirmed,
    contact,
    create,
    customer,
    rename,
    said,
    update,
)
from customer_sync.core.model import ContactId, Create, Customer, Dated, Email, Keep
from customer_sync.errors import ExitCode, StoreDamaged, StoreError
from customer_sync.store import QueueItem, Store, database
from customer_sync.store.database import MIGRATIONS, transaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a new state."""
    with Store(tmp_path / "state" / "state.db") as opened:
        yield opened


def waiting(
    who: Customer, *, attempts: int = 1, next_at: float = 0, is_dead: bool = False
) -> QueueItem:
    """Return an entry of the retry queue."""
    return QueueItem(
        customer=who,
        error="503",
        attempts=attempts,
        queued_at=at(0),
        next_at=at(next_at),
        is_dead=is_dead,
    )


# ---------------------------------------------------------------- the file


def test_only_the_owner_may_read_the_state(tmp_path: Path) -> None:
    """It holds customers: 0600 in a folder of 0700, whatever the umask, its WAL included."""
    path = tmp_path / "state" / "state.db"
    with Store(path) as store:
        store.begin_run("r1", "run", at(0))
        modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert set(modes) == {"state.db", "state.db-wal", "state.db-shm"}
    assert set(modes.values()) == {0o600}


def test_every_migration_is_recorded(store: Store) -> None:
    """Each by its name, once, with its time."""
    store.close()
    with Store(store.path), closing(sqlite3.connect(store.path)) as file:
        rows = file.execute("SELECT name, applied_at FROM migrations").fetchall()
    assert {name for name, _ in rows} == {name for name, _ in MIGRATIONS}
    assert all(applied_at for _, applied_at in rows)


def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start finds the schema as it was before, and can try again."""
    path = tmp_path / "state.db"
    Store(path).close()
    broken = ("a new table", "CREATE TABLE fresh (x TEXT); CREATE TABLE fresh (x TEXT);")
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(StoreError):
        Store(path)
    mended = ("a new table", "CREATE TABLE fresh (x TEXT);")
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, mended))
    Store(path).close()


def test_a_state_of_a_newer_version_is_refused(store: Store) -> None:
    """It is left as it is, and the message says what to do."""
    with closing(sqlite3.connect(store.path)) as file:
        file.execute("INSERT INTO migrations VALUES ('of the future', '2099-01-01')")
        file.commit()
    with pytest.raises(StoreError, match="newer version") as refused:
        Store(store.path)
    assert refused.value.hint
    assert refused.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize(
    "content", [b"this is no database at all, just text " * 40, b"\x00" * 5000]
)
def test_a_file_that_is_no_state_is_told_plainly(tmp_path: Path, content: bytes) -> None:
    """With a hint instead of a traceback."""
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="is damaged") as refused:
        Store(path)
    assert refused.value.hint
    assert path.read_bytes() == content


def test_a_page_that_was_overwritten_is_told_plainly(store: Store) -> None:
    """Damage is found on opening, and not when the page happens to be read."""
    store.mirror([contact(f"p{n}@example.com", number=n) for n in range(1, 400)], reading=1)
    store.close()
    content = bytearray(store.path.read_bytes())
    content[4096 * 4 :] = b"\xff" * (len(content) - 4096 * 4)
    store.path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="is damaged"):
        Store(store.path)


def test_a_row_that_cannot_be_decoded_is_told_plainly(store: Store) -> None:
    """Somebody wrote into the database by hand."""
    store.record_kept([(Keep(customer=customer(), before=None), confirmed())])
    with closing(sqlite3.connect(store.path)) as file:
        file.execute("UPDATE confirmed SET body = '{'")
        file.commit()
    with pytest.raises(StoreError, match="cannot read") as refused:
        store.confirmed([JANE])
    assert refused.value.hint


def test_a_folder_that_cannot_be_made_is_told_plainly(tmp_path: Path) -> None:
    """The way to the state leads through a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path / "file" / "state.db")


# ---------------------------------------------------------------- all or nothing


class Killed(BaseException):
    """The process ends here."""


def test_a_transaction_that_is_cut_off_leaves_nothing(store: Store) -> None:
    """And the state can be written again right away."""

    def write_and_die() -> None:
        with transaction(store._db):
            store._db.execute("INSERT INTO facts VALUES ('a', 'x')")
            raise Killed

    with pytest.raises(Killed):
        write_and_die()
    store.remember({"b": "y"})
    assert store.fact("a") is None
    assert store.fact("b") == "y"


@pytest.mark.parametrize(("is_durable", "within"), [(True, 2), (False, 1)])
def test_what_must_outlive_a_loss_of_power_is_flushed(
    store: Store, *, is_durable: bool, within: int
) -> None:
    """SQLite's FULL (2) waits for the disk at each commit, NORMAL (1) does not."""
    ask = "PRAGMA synchronous"
    with transaction(store._db, is_durable=is_durable):
        assert store._db.execute(ask).fetchone() == (within,)
    assert store._db.execute(ask).fetchone() == (1,)


def test_a_transaction_that_sqlite_ended_itself_tells_the_first_error(store: Store) -> None:
    """As on a full disk: what is told is the disk, not that there is nothing to roll back."""

    def fill_the_disk() -> None:
        with transaction(store._db):
            store._db.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError, match="disk"):
        fill_the_disk()
    store.remember({"b": "y"})


def test_an_applied_change_leaves_the_queue_as_it_is_confirmed(store: Store) -> None:
    """The journal, the confirmed state, who is who and the queue change as one."""
    change = create()
    store.begin_run("r1", "run", at(0))
    store.accept([waiting(change.customer)])
    store.intend("r1", [change], "POST /contacts", at(1))
    store.record_applied("r1", change, confirmed(), at(2))
    assert store.queue() == []
    assert store.confirmed([JANE]) == {JANE: confirmed()}
    assert store.identities(["c1"], []).addresses["c1"].value == JANE
    rows = store._db.execute("SELECT outcome, finished_at IS NOT NULL FROM operations").fetchall()
    assert rows == [("applied", 1)]


def test_an_intention_keeps_the_contact_as_it_was(store: Store) -> None:
    """The pre-image is in the journal before the request leaves."""
    change = update(before=contact(attributes={"FIRSTNAME": "Jayne"}))
    store.begin_run("r1", "run", at(0))
    store.intend("r1", [change], "PUT", at(1))
    ((body, outcome),) = store._db.execute("SELECT change, outcome FROM operations").fetchall()
    assert b'"Jayne"' in body
    assert outcome is None


# ---------------------------------------------------------------- who is who


def test_ids_with_any_character_come_back_as_they_are(store: Store) -> None:
    """Ids are the shop's, and shops are strange."""
    odd = frozenset({"a\nb", 'say "x"', "😀", ""})
    who = customer(ids=odd)
    store.record_kept([(Keep(customer=who, before=contact()), confirmed())])
    assert list(store.living()) == [(confirmed(), odd)]
    assert store.identities(odd, []).addresses.keys() == odd


def test_an_address_remembers_who_was_deleted_there_and_who_was_not(store: Store) -> None:
    """Also where nobody asks for the ids."""
    store.record_kept([(Keep(customer=customer(ids=["c1"]), before=contact()), confirmed())])
    store.note_deleted(["c2"], JANE, at(3))
    found = store.identities([], [JANE])
    assert found.owners == {JANE: frozenset({"c1"})}
    assert found.ends == {JANE: {"c2": at(3)}}


def test_who_is_deleted_had_their_last_home_where_that_was_noted(store: Store) -> None:
    """Also if something of theirs is ended at an address of before."""
    before = customer(ids=["c1"])
    store.record_kept([(Keep(customer=before, before=contact()), confirmed())])
    store.note_deleted(["c1"], NEW_JANE, at(3))
    gone = customer(JANE, 3, ids=["c1"], is_deleted=True)
    left = Keep(customer=structs.replace(gone, is_elsewhere=True), before=contact())
    store.record_kept([(left, confirmed(is_deleted=True))])
    found = store.identities(["c1"], [JANE])
    assert found.addresses == {"c1": said(NEW_JANE, 3)}
    assert (found.owners, found.ends) == ({}, {NEW_JANE: {"c1": at(3)}})


def test_more_names_than_one_statement_takes(store: Store) -> None:
    """Thousands of addresses are asked for in pieces."""
    everyone = [f"p{n:05}@example.com" for n in range(2500)]
    store.mirror((contact(e, number=n) for n, e in enumerate(everyone, 1)), reading=1)
    assert len(store.mirrored(map(Email, everyone))) == 2500


def test_a_renamed_customer_is_confirmed_at_one_address(store: Store) -> None:
    """The former address is nobody's any more."""
    store.begin_run("r1", "run", at(0))
    store.record_kept([(Keep(customer=customer(), before=contact()), confirmed())])
    store.record_applied("r1", rename(JANE, MARY), confirmed(MARY), at(1))
    assert store.confirmed([JANE, MARY]).keys() == {MARY}
    assert store.count_known() == 1


def test_a_customer_made_anew_at_another_address_is_confirmed_once(store: Store) -> None:
    """The contact was gone when it was to be renamed, so that the change became a creation."""
    store.begin_run("r1", "run", at(0))
    store.record_kept([(Keep(customer=customer(), before=contact()), confirmed())])
    change = Create(customer=customer(MARY, former=[JANE]), patch=create().patch, fields=())
    store.record_applied("r1", change, confirmed(MARY), at(1), superseded=confirmed())
    assert store.confirmed([JANE, MARY]).keys() == {MARY}


def test_somebody_new_at_a_former_address_stays_confirmed(store: Store) -> None:
    """Only what was superseded goes."""
    store.begin_run("r1", "run", at(0))
    newcomer = confirmed(JANE, 5, number=8)
    store.record_kept([(Keep(customer=customer(ids=["c2"]), before=contact()), newcomer)])
    change = Create(customer=customer(MARY, former=[JANE]), patch=create().patch, fields=())
    store.record_applied("r1", change, confirmed(MARY), at(1), superseded=confirmed())
    assert store.confirmed([JANE]) == {JANE: newcomer}


# ---------------------------------------------------------------- the queue


def test_the_queue_gives_what_is_due(store: Store) -> None:
    """And leaves what has to wait, and what is dead."""
    store.accept(
        [
            waiting(customer("now@example.com", ids=["1"]), next_at=10),
            waiting(customer("later@example.com", ids=["2"]), next_at=11),
            waiting(customer("dead@example.com", ids=["3"]), next_at=0, is_dead=True),
        ]
    )
    due = store.queued(now=at(10), emails=())
    assert [item.customer.email for item in due] == ["now@example.com"]
    assert store.queue_counts() == (2, 1)


@pytest.mark.parametrize("is_dead", [False, True])
@pytest.mark.parametrize(("emails", "ids"), [([JANE], []), ([], ["c1"])])
def test_news_of_a_customer_take_along_what_waits(
    store: Store, is_dead: bool, emails: list[Email], ids: list[str]
) -> None:
    """By the address or by the id, not yet due or even dead."""
    store.accept([waiting(customer(), next_at=99, is_dead=is_dead)])
    assert len(store.queued(now=at(0), emails=emails, ids=ids)) == 1
    assert store.queued(now=at(0), emails=[MARY], ids=["c2"]) == []


def test_whoever_is_to_leave_an_address_comes_along_with_the_one_who_gets_it(
    store: Store,
) -> None:
    """Or the newcomer would be written into the contact of the person before."""
    leaving = customer(MARY, former=[JANE], ids=["c1"])
    follows = customer("last@example.com", former=[MARY], ids=["c3"])
    store.accept([waiting(leaving, next_at=99), waiting(follows, next_at=99)])
    store.accept([waiting(customer(JANE, ids=["c2"]), next_at=0)])
    assert len(store.queued(now=at(0), emails=[])) == 3


def test_a_change_replaces_what_waited_under_a_former_address(store: Store) -> None:
    """The same person does not wait twice."""
    store.accept([waiting(customer())])
    store.accept([waiting(customer(MARY, former=[JANE]))])
    assert [item.customer.email for item in store.queue()] == [MARY]


def test_somebody_new_at_a_former_address_keeps_waiting(store: Store) -> None:
    """Jane moves to another address and somebody else gets hers in the same run."""
    moved, newcomer = customer(MARY, former=[JANE]), customer(JANE, ids=["c2"])
    store.begin_run("r1", "run", at(0))
    store.accept([waiting(newcomer), waiting(moved)])
    assert {item.customer.email for item in store.queue()} == {JANE, MARY}
    change = rename(JANE, MARY)
    store.record_applied("r1", change, confirmed(MARY), at(1))
    assert [item.customer.ids for item in store.queue()] == [{"c2"}]


def test_a_queue_item_comes_back_as_it_was(store: Store) -> None:
    """All that the shop said, to the microsecond."""
    who = customer(
        former=[MARY],
        attributes={"TAGS": ("a", "b"), "TOTAL": 1.5, "VIP": True, "NOTE": None},
        email_consent=Dated(value=False, at=at(0) + timedelta(microseconds=1)),
        created=1,
    )
    item = replace(waiting(who, attempts=3, next_at=0.5, is_dead=True), trouble="CS404")
    store.accept([item])
    assert store.queue() == [item]


# ---------------------------------------------------------------- the mirror


def test_an_address_that_moved_to_another_contact_is_mirrored_once(store: Store) -> None:
    """The newer reading is right."""
    store.mirror([contact(JANE, number=1)], reading=1)
    store.mirror([contact(JANE, number=2)], reading=1)
    assert store.mirrored([JANE])[JANE].id == 2
    assert store.count_mirrored() == 1


def test_contacts_without_address_are_mirrored_too(store: Store) -> None:
    """They are found by the shop's id."""
    nameless = [contact(None, number=n, attributes={"EXT_ID": f"e{n}"}) for n in (1, 2)]
    store.mirror(nameless, reading=1)
    assert store.mirrored_by_ext_id(["e1", "e3"]) == {"e1": nameless[0]}


def test_what_a_listing_does_not_show_is_forgotten(store: Store) -> None:
    """A full listing alone tells who was deleted at Brevo."""
    store.mirror([contact(JANE, number=1), contact(MARY, number=2)], reading=1)
    store.mirror([contact(MARY, number=2)], reading=2)
    store.forget_mirrored(before=2)
    assert store.mirrored([JANE, MARY]).keys() == {MARY}
    store.unmirror(ContactId(2))
    assert store.count_mirrored() == 0


# ---------------------------------------------------------------- runs


def test_runs_are_listed_newest_first(store: Store) -> None:
    """A run that was killed has no end."""
    store.begin_run("2024a", "run", at(0))
    store.finish_run("2024a", at(1), 7, b"{}")
    store.begin_run("2024b", "apply", at(2))
    newest, oldest = store.runs()
    assert (newest.id, newest.finished_at, newest.exit_code) == ("2024b", None, None)
    assert (oldest.command, oldest.finished_at, oldest.exit_code) == ("run", at(1), 7)
    assert len(store.runs(limit=1)) == 1


# ---------------------------------------------------------------- many notes, one commit


def test_what_becomes_known_together_is_committed_at_once(store: Store) -> None:
    """Nobody sees half of it before."""
    store.begin_run("r1", "run", at(0))
    store.intend("r1", [update(JANE), update(MARY)], "POST /contacts/batch", at(1))
    with Store(store.path) as other:
        with store.together():
            store.record_applied("r1", update(JANE), confirmed(JANE), at(2))
            assert other.confirmed([JANE, MARY]) == {}
            store.record_applied("r1", update(MARY), confirmed(MARY), at(2))
        assert other.confirmed([JANE, MARY]).keys() == {JANE, MARY}


def test_what_was_noted_before_a_failure_stays(store: Store) -> None:
    """As if each had been committed by itself; of the one that failed nothing is left."""
    store.begin_run("r1", "run", at(0))
    store.intend("r1", [update(JANE), update(MARY)], "POST /contacts/batch", at(1))

    def forget_all_and_fail() -> None:
        with store.together():
            store.record_applied("r1", update(JANE), confirmed(JANE), at(2))
            with transaction(store._db):
                store._db.execute("DELETE FROM confirmed")
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        forget_all_and_fail()
    assert store.confirmed([JANE]).keys() == {JANE}


def test_a_state_that_was_looked_through_just_now_is_not_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes the longer the larger it is, and batches follow each other closely."""
    path = tmp_path / "state.db"
    Store(path).close()
    looked: list[object] = []
    monkeypatch.setattr(database, "_check", lambda _db, found: looked.append(found))
    Store(path, is_checked=True).close()
    assert looked == []
    Store(path).close()
    assert looked == [path]


def test_changes_of_the_version_before_are_found_by_every_address(store: Store) -> None:
    """The migration looks into what the journal holds."""
    store.begin_run("r1", "run", at(0))
    store.intend("r1", [rename(JANE, MARY), update(JANE)], "PUT", at(1))
    script = dict(MIGRATIONS)["which changes are about more than one address"]
    statement = next(part for part in script.split(";") if "UPDATE operations" in part)
    store._db.execute("UPDATE operations SET has_more_names = 1")
    store._db.execute(statement)
    flags = store._db.execute("SELECT has_more_names FROM operations ORDER BY id").fetchall()
    assert flags == [(1,), (0,)]
