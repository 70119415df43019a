"""What a run leaves in the state, outcome by outcome."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import (
    JANE,
    MARY,
    NEW_JANE,
    at,
    confirmed,
    contact,
    create,
    customer,
    hard_delete,
    rename,
    said,
    soft_delete,
    update,
)
from customer_sync.clock import SimulatedClock
from customer_sync.config import RetrySettings
from customer_sync.core.model import (
    Applied,
    Change,
    Confirmed,
    ContactId,
    ContactPatch,
    Deferred,
    Email,
    Failed,
    Keep,
    Outcome,
    Policy,
    Reason,
    Skip,
    Write,
)
from customer_sync.core.requests.bill import Route
from customer_sync.run.journal import RunJournal
from customer_sync.run.report import MOST_ERRORS, OutcomeCounts
from customer_sync.store import Store
from customer_sync.trouble import Code

NOW = datetime(2024, 2, 1, tzinfo=UTC)
RETRY = RetrySettings(
    max_attempts=4, base_delay=timedelta(minutes=5), max_delay=timedelta(minutes=15)
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a new state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def journal(
    store: Store,
    *,
    now: datetime = NOW,
    known: dict[Email, Confirmed] | None = None,
    policy: Policy | None = None,
    seen: list[Outcome] | None = None,
) -> RunJournal:
    """Return the journal of a new run."""
    run_id = f"r{len(store.runs(limit=1000))}"
    store.begin_run(run_id, "run", now)
    return RunJournal(
        run_id,
        store,
        SimulatedClock(now),
        policy=policy or Policy(list_id=5),
        retry=RETRY,
        confirmed=known or {},
        on_outcome=(seen if seen is not None else []).append,
    )


def retried(change: Write) -> Write:
    """Return *change* as the queue brings it back: nothing new was said."""
    return replace(change, customer=replace(change.customer, statements=0))


# ---------------------------------------------------------------- accepting


def test_every_change_is_queued_before_the_first_request(store: Store) -> None:
    """Due at once, and never attempted."""
    journal(store).accept([create(), update(MARY)])
    assert [(i.customer.email, i.attempts, i.next_at) for i in store.queue()] == [
        (JANE, 0, NOW),
        (MARY, 0, NOW),
    ]


def test_what_was_accepted_and_has_no_outcome_counts_as_deferred(store: Store) -> None:
    """The retry queue has it, whatever happened to the run."""
    run = journal(store)
    run.accept([create(), update(MARY)])
    run.record(Applied(change=create()))
    assert run.counts == OutcomeCounts(applied=1, deferred=1, failed=0)


@pytest.mark.parametrize("is_crash", [False, True])
def test_a_blocked_contact_waits_for_its_rename_as_one_who_said_no(
    store: Store, is_crash: bool
) -> None:
    """Brevo lifts the block with the rename; afterwards nothing else would tell of it."""
    change = rename(JANE, NEW_JANE, email_blocked=True)
    run = journal(store)
    run.accept([change])
    if not is_crash:
        run.record(Deferred(change=change, trouble=Code.BREVO_UNAVAILABLE, error="503"))
    (item,) = store.queue()
    assert item.customer.email_consent is not None
    assert not item.customer.email_consent.value


# ---------------------------------------------------------------- outcomes


def test_a_success_is_confirmed_and_leaves_the_queue(store: Store) -> None:
    """With Brevo's number of the contact, and what the shop said."""
    change = replace(
        create(patch=ContactPatch(add_lists=frozenset({5}))),
        customer=customer(attributes={"FIRSTNAME": "Jane"}),
    )
    seen: list[Outcome] = []
    run = journal(store, seen=seen)
    run.accept([change])
    run.intend([change], Route.CREATE)
    outcome = Applied(change=change, contact_id=contact(number=9).id)
    run.record(outcome)
    known = store.confirmed([JANE])[JANE]
    assert (known.contact_id, known.is_listed) == (9, True)
    assert known.attributes == {"FIRSTNAME": said("Jane", 1)}
    assert store.queue() == []
    assert seen == [outcome]
    assert run.counts == OutcomeCounts(applied=1)


def test_a_failure_backs_off_from_run_to_run_and_dies_in_the_end(store: Store) -> None:
    """The wait doubles up to its limit; the dead are kept, and not due any more."""
    change: Write = update()
    waits = []
    for _ in range(RETRY.max_attempts):
        run = journal(store)
        run.accept([change])
        run.record(
            Failed(
                change=change,
                trouble=Code.REQUEST_REFUSED,
                code="invalid_parameter",
                detail="wrong",
            )
        )
        (item,) = store.queue()
        waits.append((item.attempts, (item.next_at - NOW) / timedelta(minutes=1), item.is_dead))
        change = retried(change)
    assert waits == [(1, 5, False), (2, 10, False), (3, 15, False), (4, 15, True)]
    assert store.queued(now=NOW + timedelta(days=999), emails=()) == []


def test_a_newer_event_starts_afresh(store: Store) -> None:
    """Whoever is heard of again is tried again, however often it failed before."""
    change: Write = update()
    for _ in range(RETRY.max_attempts):
        run = journal(store)
        run.accept([change])
        run.record(Deferred(change=change, trouble=Code.BREVO_UNAVAILABLE, error="503"))
        change = retried(change)
    (dead,) = store.queued(now=NOW, emails=[JANE])
    assert dead.is_dead
    run = journal(store)
    run.accept([update()])
    run.record(Deferred(change=update(), trouble=Code.BREVO_UNAVAILABLE, error="503"))
    (item,) = store.queue()
    assert (item.attempts, item.is_dead) == (1, False)


def test_what_was_not_attempted_is_due_at_once_and_not_counted(store: Store) -> None:
    """A run that was stopped is nobody's fault."""
    run = journal(store)
    run.accept([update()])
    run.record(Failed(change=update(), trouble=Code.REQUEST_REFUSED, code="", detail="wrong"))
    later = journal(store, now=NOW + timedelta(hours=1))
    change = retried(update())
    later.accept([change])
    later.record(
        Deferred(
            change=change,
            trouble=Code.BREVO_UNAVAILABLE,
            error="interrupted",
            was_attempted=False,
        )
    )
    (item,) = store.queue()
    assert (item.attempts, item.next_at) == (1, NOW + timedelta(hours=1))
    assert later.errors == []


def test_failures_are_remembered_when_the_address_changes(store: Store) -> None:
    """A rename that keeps failing dies like anything else."""
    run = journal(store)
    run.accept([update()])
    run.record(Failed(change=update(), trouble=Code.REQUEST_REFUSED, code="", detail="wrong"))
    change = retried(replace(rename(JANE, NEW_JANE), customer=customer(NEW_JANE, former=[JANE])))
    run = journal(store)
    run.accept([change])
    run.record(Failed(change=change, trouble=Code.REQUEST_REFUSED, code="", detail="wrong"))
    (item,) = store.queue()
    assert (item.customer.email, item.attempts) == (NEW_JANE, 2)


def test_delays_do_not_overflow(store: Store) -> None:
    """However long the configured delays, and however many the attempts."""
    run = journal(store)
    run._retry = RetrySettings(
        max_attempts=10_000, base_delay=timedelta(days=365), max_delay=timedelta(days=9999)
    )
    assert run._next_at(NOW, 5000) == NOW + timedelta(days=365)


def test_errors_are_masked_and_counted_beyond_those_listed(store: Store) -> None:
    """A million failures do not fill the memory, and nobody's address is in them."""
    run = journal(store)
    writes = [update(f"p{n}@example.com", number=n) for n in range(1, MOST_ERRORS + 20)]
    run.accept(writes)
    for change in writes:
        run.record(
            Failed(
                change=change,
                trouble=Code.REQUEST_REFUSED,
                code="x",
                detail=f"{change.customer.email} is wrong",
            )
        )
    assert run.counts.failed == MOST_ERRORS + 19
    assert len(run.errors) == MOST_ERRORS
    assert run.errors[0].message == "p***@example.com is wrong"
    assert run.errors[0].where == "p***@example.com"
    assert "p1@" not in store.queue()[0].error


def test_a_phone_that_was_left_out_is_told_and_remembered(store: Store) -> None:
    """The next plan does not try it again for nothing."""
    change = update(patch=ContactPatch(attributes={"SMS": "+12025550101"}))
    run = journal(store)
    run.accept([change])
    run.record(Applied(change=change, refused={"SMS": "+12025550101"}))
    assert store.confirmed([JANE])[JANE].refused == {"SMS": "+12025550101"}
    (error,) = run.errors
    assert error.kind == "warning"
    assert "+1202" not in error.message


@pytest.mark.parametrize("change", [hard_delete(), soft_delete()])
def test_a_contact_that_is_gone_is_not_mirrored_any_more(store: Store, change: Write) -> None:
    """Listings show what changed, not what is gone; the mirror would plan it again for ever."""
    store.mirror([contact()], reading=1)
    run = journal(store)
    run.accept([change])
    run.intend([change], Route.DELETE)
    run.record(Applied(change=change, contact_id=None))
    assert store.mirrored([JANE]) == {}
    (tried,) = store.tried("r0")
    assert tried.was_gone


@pytest.mark.parametrize(
    ("statements", "contact_id"), [(1, contact().id), (0, None)], ids=["deleted", "tried before"]
)
def test_a_contact_that_a_deletion_may_have_deleted_was_not_gone(
    store: Store, statements: int, contact_id: ContactId | None
) -> None:
    """It is gone now, and undoing the run brings it back."""
    change = hard_delete()
    change = replace(change, customer=replace(change.customer, statements=statements))
    store.mirror([contact()], reading=1)
    run = journal(store)
    run.accept([change])
    run.intend([change], Route.DELETE)
    run.record(Applied(change=change, contact_id=contact_id))
    assert store.mirrored([JANE]) == {}
    (tried,) = store.tried("r0")
    assert not tried.was_gone


def test_a_creation_in_place_of_an_update_does_not_join_lists_that_were_left(
    store: Store,
) -> None:
    """The person unsubscribed from the list; that the contact vanished changes nothing."""
    store.mirror([contact()], reading=1)
    made = journal(store).recreate(update(before=contact(left_lists=[5])))
    assert made.patch.add_lists == frozenset()
    assert store.mirrored([JANE]) == {}
    again = journal(store).recreate(update())
    assert again.patch.add_lists == {5}


# ---------------------------------------------------------------- what needs no request


def test_a_contact_that_is_right_is_confirmed_and_waits_no_longer(store: Store) -> None:
    """Under whatever address it waited."""
    run = journal(store)
    run.accept([update(), update(MARY)])
    keep = Keep(customer=customer(MARY, former=[JANE]), before=contact(MARY))
    run.settle([keep])
    assert store.queue() == []
    assert store.confirmed([MARY])[MARY].contact_id == 7


def test_what_is_known_already_is_not_written_again(store: Store) -> None:
    """A second run of the same input leaves the state alone."""
    keep = Keep(customer=customer(), before=contact())
    journal(store).settle([keep])
    known = store.confirmed([JANE])
    changes_before = store._db.total_changes
    journal(store, known=known).settle([keep])
    rows_of_the_run_itself = 1
    assert store._db.total_changes - changes_before == rows_of_the_run_itself


def test_whoever_shares_a_contact_is_remembered_though_nothing_else_is_new(store: Store) -> None:
    """Or the contact would go with the first of the two."""
    journal(store).settle([Keep(customer=customer(ids=["c1"]), before=contact())])
    known = store.confirmed([JANE])
    journal(store, known=known).settle([Keep(customer=customer(ids=["c2"]), before=contact())])
    assert store.confirmed([JANE]) == known
    assert store.identities((), [JANE]).owners == {JANE: frozenset({"c1", "c2"})}


@pytest.mark.parametrize(
    ("reason", "waits"), [(Reason.STALE, 0), (Reason.DELETED, 0), (Reason.MOVED, 1)]
)
def test_a_skip_ends_the_wait_unless_the_plan_was_overtaken(
    store: Store, reason: Reason, waits: int
) -> None:
    """A plan from a file that is no longer true says nothing about what waits."""
    journal(store).accept([update()])
    journal(store).settle([Skip(email=JANE, ids=frozenset({"c1"}), reason=reason)])
    assert len(store.queue()) == waits


def test_a_skip_does_not_end_the_wait_of_another_at_the_address(store: Store) -> None:
    """One customer at a shared address was deleted, the other is to be written."""
    write = update()
    skip = Skip(email=JANE, ids=frozenset({"c2"}), reason=Reason.SHARED_ADDRESS)
    run = journal(store)
    run.accept([write])
    run.settle([write, skip])
    assert [i.customer.ids for i in store.queue()] == [{"c1"}]


def test_a_deleted_customer_no_longer_holds_a_shared_address(store: Store) -> None:
    """When the last of them is deleted, nobody else has the address any more."""
    everyone: Change = Keep(customer=customer(ids=["c1", "c2"]), before=contact())
    journal(store).settle([everyone])
    skip = Skip(email=JANE, ids=frozenset({"c2"}), reason=Reason.SHARED_ADDRESS, deleted_at=at(2))
    journal(store).settle([skip])
    assert store.identities([], [JANE]).owners == {JANE: {"c1"}}
    returned = Skip(
        email=JANE, ids=frozenset({"c1"}), reason=Reason.SHARED_ADDRESS, deleted_at=at(0)
    )
    journal(store).settle([returned])
    assert store.identities([], [JANE]).owners == {JANE: {"c1"}}


def test_a_deletion_is_remembered_of_whoever_was_never_written(store: Store) -> None:
    """Older news of the customer, delivered again, must not bring anybody back."""
    skip = Skip(email=JANE, ids=frozenset({"c2"}), reason=Reason.SHARED_ADDRESS, deleted_at=at(2))
    journal(store).settle([skip])
    assert store.identities(["c2"], []).deleted == {"c2": at(2)}


def test_a_deletion_is_the_last_word_on_a_customer(store: Store) -> None:
    """The state tells since when."""
    gone = Keep(customer=customer(minute=5, deleted=7, is_deleted=True), before=None)
    journal(store).settle([gone])
    assert store.identities(["c1"], []).deleted == {"c1": at(7)}
    journal(store).settle([Keep(customer=customer(minute=9, created=9), before=contact())])
    assert store.identities(["c1"], []).deleted == {}


def test_the_time_of_what_was_confirmed_never_goes_back(store: Store) -> None:
    """An older word that changes nothing leaves what was known."""
    known = {JANE: confirmed(minute=9)}
    journal(store, known=known).settle([Keep(customer=customer(minute=3), before=contact())])
    assert store.confirmed([JANE]).get(JANE, known[JANE]).last_at == at(9)


def test_a_rename_that_was_not_recorded_leaves_one_confirmed_customer(store: Store) -> None:
    """The run died after the rename; the next one finds the contact at its new address."""
    known = {JANE: confirmed()}
    store.record_kept([(Keep(customer=customer(), before=contact()), known[JANE])])
    keep = Keep(customer=customer(NEW_JANE, former=[JANE]), before=contact(NEW_JANE))
    journal(store, known=known).settle([keep])
    assert store.confirmed([JANE, NEW_JANE]).keys() == {NEW_JANE}


def test_somebody_else_at_a_former_address_stays_confirmed(store: Store) -> None:
    """It is another contact that was confirmed there."""
    known = {JANE: confirmed(number=8)}
    store.record_kept([(Keep(customer=customer(), before=contact()), known[JANE])])
    keep = Keep(customer=customer(NEW_JANE, former=[JANE]), before=contact(NEW_JANE))
    journal(store, known=known).settle([keep])
    assert store.confirmed([JANE, NEW_JANE]).keys() == {JANE, NEW_JANE}
