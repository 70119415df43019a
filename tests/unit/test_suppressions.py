"""The suppression ledger: what it learns, what it answers, and what survives."""

from collections.abc import Iterator
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
from customer_sync.core.changes.diff import diff
from customer_sync.core.changes.suppression import Lesson, Suppressed, learn
from customer_sync.core.model import (
    Change,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Customer,
    Delete,
    Email,
    Keep,
    Note,
    Policy,
    Reason,
    Resubscribe,
    Skip,
    Update,
)
from customer_sync.core.plan import Plan, check_consent
from customer_sync.core.proving.mentions import Person
from customer_sync.errors import PlanRefused, StoreError
from customer_sync.run.planfile import still_true
from customer_sync.store import Store

YES, NO = True, False
OLD = Email("old@example.com")
PLAIN = Policy()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def blocked(store: Store, *emails: Email) -> frozenset[Email]:
    """Return who of *emails* must not come back mailable."""
    return store.suppressed(emails or (JANE, MARY, NEW_JANE, OLD)).mail


# ---------------------------------------------------------------- what it learns


def test_a_contact_that_is_seen_blocked_is_remembered_for_ever(store: Store) -> None:
    """It may be mailable, or gone, by the next time."""
    store.mirror([contact(email_blocked=True), contact(MARY, number=8)], reading=1)
    store.mirror([contact(), contact(MARY, number=8)], reading=2)
    store.unmirror(ContactId(7))
    store.forget_mirrored(before=9)
    assert blocked(store) == {JANE}


def test_mail_and_sms_are_remembered_apart(store: Store) -> None:
    """A no to the one is none to the other, and both may be said one after the other."""
    store.mirror(
        [contact(sms_blocked=True), contact(MARY, number=8, email_blocked=True)], reading=1
    )
    store.mirror([contact(MARY, number=8, sms_blocked=True)], reading=1)
    known = store.suppressed([JANE, MARY])
    assert known.mail == {MARY}
    assert known.sms == {JANE, MARY}


def test_lists_that_were_left_are_remembered(store: Store) -> None:
    """All of them, whenever they were left, and though the contact is on one again."""
    store.mirror([contact(left_lists=[5, 9])], reading=1)
    store.mirror([contact(left_lists=[5, 7], email_blocked=True)], reading=2)
    store.mirror([contact(lists=[5])], reading=3)
    known = store.suppressed([JANE, MARY])
    assert known.left == {JANE: {5, 7, 9}}
    assert known.mail == {JANE}


def test_a_contact_without_an_address_is_let_pass(store: Store) -> None:
    """It is known by a phone, and no customer is found by that."""
    store.mirror([contact(None, email_blocked=True)], reading=1)
    assert store.count_suppressed() == 0


@pytest.mark.parametrize(
    ("change", "remembered"),
    [
        (create(patch=ContactPatch(email_blocked=True)), {JANE}),
        (create(), set()),
        (update(patch=ContactPatch(email_blocked=True)), {JANE}),
        (update(before=contact(email_blocked=True)), {JANE}),
        (soft_delete(), {JANE}),
        (hard_delete(), set()),
        (replace(hard_delete(), before=contact(email_blocked=True)), {JANE}),
        (rename(JANE, NEW_JANE, email_blocked=True), {JANE, NEW_JANE}),
        (rename(JANE, NEW_JANE), set()),
        (replace(hard_delete(NEW_JANE), before=contact(email_blocked=True)), {JANE, NEW_JANE}),
    ],
)
def test_what_a_run_writes_is_learnt(
    store: Store, change: Create | Update | Delete, remembered: set[Email]
) -> None:
    """A block that is set, taken along or deleted, under the old address and the new one."""
    store.begin_run("r1", "run", at(0))
    store.record_applied("r1", change, confirmed(change.customer.email), at(1))
    assert blocked(store) == remembered


def test_only_the_channel_that_was_lifted_is_forgotten() -> None:
    """By an update, or by a creation that says that it lifts a block of before."""
    lifted = learn(update(before=contact(email_blocked=True), patch=ContactPatch(email_blocked=NO)))
    assert lifted == Lesson(lifted_mail=frozenset({JANE}))
    back = replace(
        create(patch=ContactPatch(sms_blocked=True)),
        customer=customer(email_consent=said(YES, 3), sms_consent=said(YES, 3)),
        notes=(Note.RESUBSCRIBED,),
    )
    returned = learn(back)
    assert returned == Lesson(lifted_mail=frozenset({JANE}), sms=frozenset({JANE}))


def test_a_creation_that_lifts_nothing_teaches_nothing() -> None:
    """A yes alone is no leave."""
    someone = customer(email_consent=said(YES, 3))
    assert learn(replace(create(), customer=someone)).lifted_mail == set()


# ---------------------------------------------------------------- what it keeps


def test_it_holds_no_address(store: Store) -> None:
    """Nor anything that looks the same in the state of another shop."""
    store.mirror([contact(email_blocked=True)], reading=1)
    store.forget_mirrored(before=9)
    with Store(store.path.with_name("other.db")) as other:
        assert store.hash_of_email(JANE) != other.hash_of_email(JANE)
    assert store.hash_of_email(JANE) != store.hash_of_id(JANE)
    assert JANE not in "".join(store._db.iterdump())


def test_it_is_the_same_ledger_the_next_time(store: Store) -> None:
    """The key is drawn once."""
    store.mirror([contact(email_blocked=True)], reading=1)
    with Store(store.path) as again:
        assert blocked(again) == {JANE}


def test_many_are_asked_for_at_once(store: Store) -> None:
    """More than one SELECT can name."""
    everyone = [Email(f"p{n}@example.com") for n in range(1201)]
    store.mirror(
        (contact(e, number=n, email_blocked=True) for n, e in enumerate(everyone, 1)), reading=1
    )
    assert store.suppressed(everyone).mail == set(everyone)
    assert store.count_suppressed() == 1201


def test_an_erasure_is_remembered_by_every_name_and_lifted_by_one(store: Store) -> None:
    """Addresses and ids; the first time counts."""
    person = Person(email=JANE, emails=frozenset({JANE, OLD}), ids=frozenset({"c1"}))
    store.note_erased(person, at(1))
    store.note_erased(person, at(9))
    known = store.suppressed([JANE, OLD, MARY], ["c1", "c2"])
    assert known.erased == known.mail == {JANE, OLD}
    assert known.erased_ids == {"c1"}
    first = store.suppression(OLD)
    assert first is not None
    assert first.erased_at == at(1)
    assert store.forget_suppression(OLD) == 3
    assert store.suppressed([JANE, OLD], ["c1"]) == Suppressed()


def test_lifting_a_block_leaves_others_alone(store: Store) -> None:
    """What has no part in an erasure shares nothing."""
    store.mirror(
        [contact(email_blocked=True), contact(MARY, number=8, email_blocked=True)], reading=1
    )
    assert (store.forget_suppression(JANE), store.forget_suppression(JANE)) == (1, 0)
    assert blocked(store) == {MARY}


def test_newer_consent_does_not_end_an_erasure(store: Store) -> None:
    """Not even where the block was lifted on a contact that somebody else had made."""
    store.note_erased(Person(email=JANE, emails=frozenset({JANE})), at(1))
    lift = update(before=contact(email_blocked=True), patch=ContactPatch(email_blocked=NO))
    store.begin_run("r1", "run", at(0))
    store.record_applied("r1", lift, confirmed(), at(1))
    assert store.suppressed([JANE]).erased == {JANE}


def test_a_state_without_a_place_for_the_key_is_not_opened(store: Store) -> None:
    """Without it nobody's no would be found again."""
    store._db.execute("DROP TABLE facts")
    with pytest.raises(StoreError):
        Store(store.path)


# ---------------------------------------------------------------- what the planner makes of it


def only(
    desired: Customer,
    suppressed: Suppressed,
    held: Contact | None = None,
    policy: Policy = PLAIN,
) -> Change:
    """Return the one change of one customer."""
    observed = {} if held is None or held.email is None else {held.email: held}
    (change,) = diff({desired.email: desired}, observed, {}, policy, suppressed)
    return change


def test_whoever_was_blocked_at_a_former_address_comes_back_blocked() -> None:
    """The contact at the old address was deleted meanwhile."""
    change = only(customer(NEW_JANE, former=[JANE]), Suppressed(mail=frozenset({JANE})))
    assert isinstance(change, Create)
    assert change.patch.email_blocked
    assert change.notes == (Note.COMES_BACK_BLOCKED,)


def test_a_block_that_took_an_old_contact_out_of_use_follows_nobody() -> None:
    """We set it ourselves, because the customer had another contact by then."""
    (change,) = diff(
        {NEW_JANE: customer(NEW_JANE, minute=3, former=[JANE])},
        {},
        {
            JANE: confirmed(email_blocked=2, is_deleted=True),
            NEW_JANE: confirmed(NEW_JANE, number=8),
        },
        Policy(),
        Suppressed(mail=frozenset({JANE})),
    )
    assert isinstance(change, Create)
    assert not change.patch.email_blocked


@pytest.mark.parametrize(
    "asked",
    [
        Suppressed(erased=frozenset({JANE})),
        Suppressed(erased=frozenset({OLD})),
        Suppressed(erased_ids=frozenset({"c1"})),
    ],
)
def test_who_was_erased_is_known_by_any_name(asked: Suppressed) -> None:
    """By an address that was left, or by the shop's id at a new address."""
    change = only(customer(JANE, former=[OLD]), asked)
    assert isinstance(change, Skip)
    assert change.reason is Reason.ERASED


def test_a_deletion_of_who_was_erased_is_still_heard() -> None:
    """Somebody else made a contact, and the shop says that the customer is gone."""
    gone = customer(is_deleted=True)
    erased = Suppressed(erased=frozenset({JANE}))
    assert isinstance(only(gone, erased, contact()), Delete)
    assert isinstance(only(gone, erased, contact(email_blocked=True)), Keep)


def test_a_no_of_who_was_erased_writes_nothing_but_the_block() -> None:
    """Neither fields nor the list."""
    desired = customer(attributes={"CITY": "Rome"}, email_consent=said(NO, 1))
    change = only(desired, Suppressed(erased=frozenset({JANE})), contact(), Policy(list_id=5))
    assert isinstance(change, Update)
    assert change.patch == ContactPatch(email_blocked=True)


@pytest.mark.parametrize("held", [None, contact()])
def test_who_left_the_list_is_not_put_on_it_again(held: Contact | None) -> None:
    """Neither a contact that is made anew nor one that was: Brevo has forgotten."""
    change = only(
        customer(attributes={"CITY": "Rome"}),
        Suppressed(left={JANE: frozenset({5})}),
        held,
        Policy(list_id=5),
    )
    assert isinstance(change, Create | Update)
    assert change.patch.add_lists == set()
    assert change.notes == (Note.LEFT_LIST,)


def test_who_left_another_list_is_put_on_this_one() -> None:
    """A no is about the list that was left."""
    left = Suppressed(left={JANE: frozenset({9})})
    change = only(customer(), left, policy=Policy(list_id=5))
    assert isinstance(change, Create)
    assert change.patch.add_lists == {5}
    assert change.notes == ()


def test_a_creation_that_lifts_a_block_needs_leave() -> None:
    """A plan from a file may be older than the configuration."""
    back = replace(create(), notes=(Note.RESUBSCRIBED,))
    plan = Plan(changes=(back,))
    check_consent(plan, Policy(resubscribe=Resubscribe.NEWER))
    with pytest.raises(PlanRefused, match="lift the block of 1 contacts"):
        check_consent(plan, Policy())


# ---------------------------------------------------------------- plans from a file


def reasons(change: Change, suppressed: Suppressed) -> list[Reason]:
    """Return why a change of a kept plan is left out."""
    kept = still_true(Plan(changes=(change,)), {}, suppressed=suppressed)
    return [c.reason for c in kept.changes if isinstance(c, Skip)]


def test_a_kept_plan_makes_nobody_mailable_who_said_no_meanwhile() -> None:
    """The contact came, said no, and went, between the plan and its application."""
    mail, sms = Suppressed(mail=frozenset({JANE})), Suppressed(sms=frozenset({JANE}))
    assert reasons(create(), mail) == reasons(create(), sms) == [Reason.MOVED]
    assert reasons(create(patch=ContactPatch(email_blocked=True)), mail) == []
    assert reasons(replace(create(), notes=(Note.RESUBSCRIBED,)), mail) == []


def test_a_kept_plan_puts_nobody_on_a_list_that_was_left_meanwhile() -> None:
    """What it does besides waits for another plan."""
    joining = create(patch=ContactPatch(add_lists=frozenset({5})))
    assert reasons(joining, Suppressed(left={JANE: frozenset({5})})) == [Reason.MOVED]
    assert reasons(joining, Suppressed(left={JANE: frozenset({9})})) == []


def test_a_kept_plan_brings_nobody_back_who_was_erased() -> None:
    """Whatever it wanted to write."""
    assert reasons(create(), Suppressed(erased=frozenset({JANE}))) == [Reason.ERASED]
