"""Desired, observed and confirmed meet."""

import pytest
from msgspec.structs import replace

from builders import JANE, MARY, NEW_JANE, at, confirmed, contact, customer, said, update
from customer_sync.core.changes.diff import diff, recreate
from customer_sync.core.changes.suppression import NOBODY, Suppressed
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    ContactPatch,
    Create,
    Customer,
    Delete,
    DeleteBehavior,
    Email,
    FieldChange,
    Keep,
    Note,
    OnDrift,
    Policy,
    Reason,
    Resubscribe,
    Skip,
    Update,
    Value,
    Why,
)

LIST = 5
PLAIN = Policy()
LISTED = Policy(list_id=LIST)
HARD = Policy(delete_behavior=DeleteBehavior.HARD)
NEWER = Policy(resubscribe=Resubscribe.NEWER)
YES, NO = True, False


def changes(
    customers: list[Customer],
    contacts: list[Contact],
    known: list[Confirmed],
    policy: Policy = PLAIN,
    suppressed: Suppressed = NOBODY,
) -> list[Change]:
    """Return all that is to be done."""
    return list(
        diff(
            {c.email: c for c in customers},
            {c.email: c for c in contacts if c.email is not None},
            {c.email: c for c in known},
            policy,
            suppressed,
        )
    )


def only(
    desired: Customer,
    observed: Contact | None = None,
    known: Confirmed | None = None,
    policy: Policy = PLAIN,
) -> Change:
    """Return the one change of one customer."""
    (change,) = changes([desired], [observed] if observed else [], [known] if known else [], policy)
    return change


def patch(change: Change) -> ContactPatch:
    """Return what a change writes."""
    assert isinstance(change, Create | Update | Delete)
    assert change.patch is not None
    return change.patch


def notes(change: Change) -> tuple[Note, ...]:
    """Return what a change remarks."""
    assert not isinstance(change, Skip)
    return change.notes


# ---------------------------------------------------------------- the drift table

WRITE, KEEP = "write", "keep"
UNKNOWN: object = object()


@pytest.mark.parametrize(
    ("desired", "held", "confirmed_value", "on_drift", "decision", "why", "note"),
    [
        ("a", "a", "a", OnDrift.SOURCE, KEEP, None, None),
        ("a", "a", "b", OnDrift.BREVO, KEEP, None, None),
        ("a", "a", UNKNOWN, OnDrift.SOURCE, KEEP, None, None),
        ("b", "a", "a", OnDrift.SOURCE, WRITE, Why.CHANGED, None),
        ("b", "a", "a", OnDrift.BREVO, WRITE, Why.CHANGED, None),
        ("b", "a", UNKNOWN, OnDrift.SOURCE, WRITE, Why.DIFFERS, None),
        ("b", "a", UNKNOWN, OnDrift.BREVO, WRITE, Why.DIFFERS, None),
        ("b", None, UNKNOWN, OnDrift.BREVO, WRITE, Why.NEW, None),
        ("b", "x", "a", OnDrift.SOURCE, WRITE, Why.DRIFT, Note.DRIFT_OVERWRITTEN),
        ("b", "x", "a", OnDrift.BREVO, WRITE, Why.DRIFT, Note.DRIFT_OVERWRITTEN),
        ("a", "x", "a", OnDrift.SOURCE, WRITE, Why.DRIFT, Note.DRIFT_OVERWRITTEN),
        ("a", "x", "a", OnDrift.BREVO, KEEP, None, Note.DRIFT_KEPT),
        ("a", None, "a", OnDrift.SOURCE, WRITE, Why.DRIFT, Note.DRIFT_OVERWRITTEN),
        (None, "a", "a", OnDrift.SOURCE, WRITE, Why.CHANGED, None),
        (None, None, "a", OnDrift.SOURCE, KEEP, None, None),
        (None, None, UNKNOWN, OnDrift.SOURCE, KEEP, None, None),
    ],
)
def test_three_states_meet(
    *,
    desired: Value,
    held: Value,
    confirmed_value: object,
    on_drift: OnDrift,
    decision: str,
    why: Why | None,
    note: Note | None,
) -> None:
    """The shop said *desired* later than what was confirmed."""
    known: dict[str, Value] = {}
    if confirmed_value is None or isinstance(confirmed_value, str):
        known = {"CITY": confirmed_value}
    change = only(
        customer(minute=2, attributes={"CITY": desired}),
        contact(attributes={} if held is None else {"CITY": held}),
        confirmed(minute=1, attributes=known),
        Policy(on_drift=on_drift),
    )
    assert notes(change) == ((note,) if note else ())
    if decision == KEEP:
        assert isinstance(change, Keep)
    else:
        assert isinstance(change, Update)
        assert why is not None
        assert change.patch == ContactPatch(attributes={"CITY": desired})
        assert change.fields == (FieldChange(name="CITY", old=held, new=desired, why=why),)


def test_a_field_that_the_shop_does_not_mention_is_left_alone() -> None:
    """Whatever Brevo holds there."""
    change = only(
        customer(attributes={"CITY": "Rome"}), contact(attributes={"CITY": "Rome", "OTHER": "x"})
    )
    assert isinstance(change, Keep)


def test_a_value_that_brevo_refused_is_not_tried_again() -> None:
    """As long as the shop says the same."""
    known = confirmed(attributes={"SMS": "+12025550123"}, refused={"SMS": "+12025550123"})
    same = only(customer(attributes={"SMS": "+12025550123"}), contact(), known)
    other = only(customer(attributes={"SMS": "+12025550199"}), contact(), known)
    assert isinstance(same, Keep)
    assert notes(same) == (Note.REFUSED_BEFORE,)
    assert patch(other).attributes == {"SMS": "+12025550199"}


# ---------------------------------------------------------------- creations


def test_a_new_contact_gets_all_that_is_said_and_the_list() -> None:
    """Empty values need not be cleared where nothing is."""
    change = only(customer(attributes={"CITY": "Rome", "NAME": None}), policy=LISTED)
    assert isinstance(change, Create)
    assert change.patch == ContactPatch(attributes={"CITY": "Rome"}, add_lists=frozenset({LIST}))


def test_a_new_contact_is_subscribed_unless_somebody_says_no() -> None:
    """A yes writes nothing, a no blocks from the start."""
    yes = only(customer(email_consent=said(YES, 1)))
    no = only(customer(email_consent=said(NO, 1), sms_consent=said(NO, 1)))
    assert (patch(yes).email_blocked, patch(yes).sms_blocked) == (None, None)
    assert (patch(no).email_blocked, patch(no).sms_blocked) == (True, True)


def test_a_contact_that_vanished_comes_back_whole() -> None:
    """An event about one field brings back the others, and the block that we had set."""
    known = confirmed(attributes={"CITY": "Rome"}, email_blocked=1)
    change = only(customer(minute=2, attributes={"NAME": "Jane"}), known=known)
    assert isinstance(change, Create)
    assert patch(change).attributes == {"CITY": "Rome", "NAME": "Jane"}
    assert patch(change).email_blocked is True
    assert notes(change) == (Note.COMES_BACK_BLOCKED,)


def test_a_contact_that_vanished_comes_back_with_the_no_that_others_had_written() -> None:
    """The shop's no found the contact blocked already, so that the block was never ours."""
    known = confirmed(email_consent=said(NO, 1), sms_consent=said(NO, 1))
    change = only(customer(minute=2, attributes={"NAME": "Jane"}), known=known)
    assert (patch(change).email_blocked, patch(change).sms_blocked) == (True, True)


@pytest.mark.parametrize(
    ("resubscribe", "our_block", "is_blocked"),
    [
        (Resubscribe.NEVER, None, True),
        (Resubscribe.NEVER, 3, True),
        (Resubscribe.NEWER, None, True),
        (Resubscribe.NEWER, 3, None),
        (Resubscribe.NEWER, 12, True),
    ],
)
def test_who_was_deleted_while_blocked_comes_back_blocked(
    resubscribe: Resubscribe, our_block: float | None, is_blocked: bool | None
) -> None:
    """Only our own block yields to a newer yes, and only with leave."""
    known = confirmed(
        minute=5, is_deleted=True, was_blocked_at_deletion=True, email_blocked=our_block
    )
    back = customer(minute=9, created=9, email_consent=said(YES, 9))
    change = only(back, known=known, policy=Policy(resubscribe=resubscribe))
    assert patch(change).email_blocked is is_blocked


def test_a_no_that_was_told_before_anything_existed_is_remembered() -> None:
    """The customer came and went without ever becoming a contact, and said no."""
    known = confirmed(minute=5, number=None, is_deleted=True, email_consent=said(NO, 3))
    change = only(customer(minute=9, created=9), known=known)
    assert patch(change).email_blocked is True


def test_a_contact_that_is_gone_while_it_is_written_keeps_its_block() -> None:
    """The creation in its place brings back what was confirmed, and both blocks."""
    change = update(
        who=customer(minute=2, attributes={"NAME": "Jane"}),
        before=contact(email_blocked=True, sms_blocked=True),
    )
    create = recreate(change, confirmed(attributes={"CITY": "Rome"}), PLAIN)
    assert create.patch.attributes == {"CITY": "Rome", "NAME": "Jane"}
    assert (create.patch.email_blocked, create.patch.sms_blocked) == (True, True)


# ---------------------------------------------------------------- update_enabled


@pytest.mark.parametrize("former", [[], [JANE]])
def test_a_no_is_heard_although_the_contact_may_not_be_updated(former: list[Email]) -> None:
    """Nothing else of the creation is written, not even its address."""
    email = NEW_JANE if former else JANE
    someone = customer(
        email,
        former=former,
        attributes={"CITY": "Rome"},
        email_consent=said(NO, 1),
        sms_consent=said(NO, 1),
        is_only_created=True,
    )
    change = only(someone, contact(JANE), policy=Policy(update_enabled=False))
    assert patch(change) == ContactPatch(email_blocked=True, sms_blocked=True)
    blocked = contact(JANE, email_blocked=True, sms_blocked=True)
    assert isinstance(only(someone, blocked, policy=Policy(update_enabled=False)), Skip)


@pytest.mark.parametrize(
    ("is_only_created", "update_enabled", "kind"),
    [(True, True, Update), (True, False, Skip), (False, True, Update), (False, False, Update)],
)
def test_a_creation_may_be_forbidden_to_update(
    is_only_created: bool, update_enabled: bool, kind: type
) -> None:
    """`update_enabled: false` is about customers of whom only creations were heard."""
    someone = customer(attributes={"CITY": "Rome"}, is_only_created=is_only_created)
    assert isinstance(only(someone, contact(), policy=Policy(update_enabled=update_enabled)), kind)


# ---------------------------------------------------------------- the list


@pytest.mark.parametrize(
    ("observed", "was_listed", "on_drift", "joins", "note"),
    [
        (contact(), False, OnDrift.SOURCE, True, None),
        (contact(lists=[LIST]), True, OnDrift.SOURCE, False, None),
        (contact(left_lists=[LIST]), True, OnDrift.SOURCE, False, Note.LEFT_LIST),
        (contact(), True, OnDrift.SOURCE, True, Note.DRIFT_OVERWRITTEN),
        (contact(), True, OnDrift.BREVO, False, Note.DRIFT_KEPT),
        (contact(), False, OnDrift.BREVO, True, None),
    ],
)
def test_the_list_is_joined_unless_the_person_left_it(
    observed: Contact, was_listed: bool, on_drift: OnDrift, joins: bool, note: Note | None
) -> None:
    """Taking off by hand is drift, leaving by a link in a mail is for good."""
    change = only(
        customer(),
        observed,
        confirmed(is_listed=was_listed),
        Policy(list_id=LIST, on_drift=on_drift),
    )
    assert isinstance(change, Update if joins else Keep)
    assert notes(change) == ((note,) if note else ())


# ---------------------------------------------------------------- renames


def test_a_rename_moves_the_contact() -> None:
    """One contact goes from one address to the other."""
    change = only(customer(NEW_JANE, former=[JANE]), contact(JANE), confirmed(JANE))
    assert isinstance(change, Update)
    assert change.patch == ContactPatch(rename_to=NEW_JANE)
    assert change.fields[0] == FieldChange(name="EMAIL", old=JANE, new=NEW_JANE, why=Why.RENAMED)


def test_a_rename_sends_the_block_along() -> None:
    """Brevo would lift it."""
    change = only(customer(NEW_JANE, former=[JANE]), contact(JANE, email_blocked=True))
    assert patch(change).email_blocked is True


def test_a_rename_to_an_address_that_said_no_is_blocked() -> None:
    """The no outlives whoever had the address then."""
    (change,) = changes(
        [customer(NEW_JANE, former=[JANE])],
        [contact(JANE)],
        [confirmed(JANE)],
        suppressed=Suppressed(mail=frozenset({Email(NEW_JANE)})),
    )
    assert patch(change) == ContactPatch(rename_to=NEW_JANE, email_blocked=True)
    assert notes(change) == (Note.ADDRESS_SAID_NO,)


def test_a_number_is_not_written_without_the_no_to_sms_that_its_owner_said() -> None:
    """Others made the contact anew, which had no number, so that nobody subscribed it to SMS."""
    (change,) = changes(
        [customer(attributes={"SMS": "+12025550101"})],
        [contact()],
        [],
        suppressed=Suppressed(sms=frozenset({JANE})),
    )
    assert patch(change) == ContactPatch(attributes={"SMS": "+12025550101"}, sms_blocked=True)
    assert notes(change) == (Note.SMS_COMES_BACK_BLOCKED,)


def test_a_number_that_is_exchanged_says_nothing_of_a_block() -> None:
    """Whoever lifted the block in Brevo did so for this contact."""
    (change,) = changes(
        [customer(attributes={"SMS": "+12025550101"})],
        [contact(attributes={"SMS": "+12025550102"})],
        [],
        suppressed=Suppressed(sms=frozenset({JANE})),
    )
    assert patch(change) == ContactPatch(attributes={"SMS": "+12025550101"})


def test_where_both_addresses_have_a_contact_one_is_retired() -> None:
    """The contact at the new address is the customer's; the old one is blocked and unlisted."""
    kept, retired = changes(
        [customer(NEW_JANE, former=[JANE], attributes={"CITY": "Rome"})],
        [contact(JANE, number=7, lists=[LIST]), contact(NEW_JANE, number=8, lists=[LIST])],
        [confirmed(JANE)],
        Policy(list_id=LIST, delete_behavior=DeleteBehavior.HARD),
    )
    assert patch(kept) == ContactPatch(attributes={"CITY": "Rome"})
    assert notes(kept) == notes(retired) == (Note.MERGED_INTO_EXISTING,)
    assert isinstance(retired, Delete)
    assert retired.before.id == 7
    assert retired.patch == ContactPatch(email_blocked=True, remove_lists=frozenset({LIST}))


def test_a_contact_that_others_made_anew_was_edited_by_nobody() -> None:
    """Nothing was ever written to it, so that nothing of it is kept against the shop."""
    change = only(
        customer(attributes={"CITY": "Rome"}),
        contact(number=8),
        confirmed(number=7, attributes={"CITY": "Rome"}),
        Policy(on_drift=OnDrift.BREVO),
    )
    assert patch(change) == ContactPatch(attributes={"CITY": "Rome"})


def test_a_contact_that_waits_to_be_retired_does_not_go_for_good() -> None:
    """Its customer lives: what a run could not do, the next one does as it was meant."""
    before = contact(JANE, lists=[LIST])
    hard = Policy(list_id=LIST, delete_behavior=DeleteBehavior.HARD)
    kept, retired = changes(
        [customer(NEW_JANE, former=[JANE])], [before, contact(NEW_JANE, number=8)], [], hard
    )
    assert isinstance(kept, Update)
    assert isinstance(retired, Delete)
    assert changes([retired.customer], [before], [confirmed(JANE)], hard) == [retired]


def test_a_no_at_the_old_address_is_a_no_at_the_new_one() -> None:
    """It is the same person."""
    kept, _ = changes(
        [customer(NEW_JANE, former=[JANE])],
        [contact(JANE, email_blocked=True), contact(NEW_JANE, number=8)],
        [],
    )
    assert patch(kept).email_blocked is True
    assert Note.NO_WENT_ALONG in notes(kept)


def test_a_no_goes_along_to_an_address_with_a_history_of_its_own() -> None:
    """Somebody else was deleted there, which says nothing about this person's no."""
    (change,) = changes(
        [customer(NEW_JANE, minute=9, created=9, former=[JANE])],
        [],
        [
            confirmed(NEW_JANE, 2, is_deleted=True),
            confirmed(JANE, 3, sms_consent=said(NO, 1), is_deleted=True),
        ],
    )
    assert isinstance(change, Create)
    assert change.patch.sms_blocked is True


def test_a_no_holds_for_both_who_claim_to_have_had_the_address() -> None:
    """Nobody can tell whose it was, and only one of them can retire the contact."""
    kept = changes(
        [customer(NEW_JANE, former=[JANE]), customer(MARY, former=[JANE])],
        [contact(JANE, email_blocked=True), contact(NEW_JANE, number=8), contact(MARY, number=9)],
        [],
    )
    blocked = {c.customer.email for c in kept if isinstance(c, Update) and c.patch.email_blocked}
    assert blocked == {NEW_JANE, MARY}


def test_a_retired_contact_does_not_block_its_successor_in_the_next_run() -> None:
    """That block is ours and says nothing about the person."""
    kept, retired = changes(
        [customer(NEW_JANE, former=[JANE])],
        [contact(JANE, email_blocked=True), contact(NEW_JANE, number=8)],
        [confirmed(JANE, is_deleted=True, email_blocked=1), confirmed(NEW_JANE, number=8)],
    )
    assert isinstance(kept, Keep)
    assert isinstance(retired, Keep)


def test_a_block_of_our_own_at_the_old_address_lifts_nothing_at_the_new_one() -> None:
    """Who blocked the contact at the new address is another matter."""
    kept, _ = changes(
        [customer(NEW_JANE, minute=9, former=[JANE], email_consent=said(YES, 9))],
        [contact(JANE), contact(NEW_JANE, number=8, email_blocked=True)],
        [confirmed(JANE, email_blocked=5)],
        NEWER,
    )
    assert notes(kept) == (Note.MERGED_INTO_EXISTING, Note.UNSUBSCRIBED_IN_BREVO)
    assert isinstance(kept, Keep)


def test_a_block_of_our_own_on_a_vanished_contact_lifts_nothing_either() -> None:
    """The old contact is gone, and the one at the new address was never ours."""
    kept = only(
        customer(NEW_JANE, minute=9, former=[JANE], email_consent=said(YES, 9)),
        contact(NEW_JANE, number=8, email_blocked=True),
        confirmed(JANE, number=7, email_blocked=5),
        NEWER,
    )
    assert isinstance(kept, Keep)


def test_a_contact_that_replaced_ours_at_the_same_address_is_not_ours_to_unblock() -> None:
    """Its number tells that somebody made it anew in Brevo."""
    kept = only(
        customer(minute=9, email_consent=said(YES, 9)),
        contact(number=8, email_blocked=True),
        confirmed(number=7, email_blocked=5),
        NEWER,
    )
    assert isinstance(kept, Keep)
    assert notes(kept) == (Note.UNSUBSCRIBED_IN_BREVO,)


def test_whoever_takes_over_an_address_inherits_nothing() -> None:
    """What was confirmed there belongs to the customer who moved away."""
    moved, created = sorted(
        changes(
            [customer(NEW_JANE, 2, former=[JANE]), customer(JANE, 2, ids=["c2"])],
            [contact(JANE)],
            [confirmed(JANE, attributes={"CITY": "Rome"}, email_blocked=1)],
        ),
        key=lambda change: isinstance(change, Create),
    )
    assert patch(moved).rename_to == NEW_JANE
    assert isinstance(created, Create)
    assert created.patch == ContactPatch()


def test_customers_who_swapped_their_addresses_are_left_to_a_person() -> None:
    """Neither rename could go first."""
    swapped = changes(
        [customer(JANE, former=[MARY]), customer(MARY, former=[JANE], ids=["c2"])],
        [contact(JANE, number=1), contact(MARY, number=2)],
        [],
    )
    assert [s.reason for s in swapped if isinstance(s, Skip)] == [Reason.SWAPPED_ADDRESSES] * 2


def test_the_old_news_of_a_move_does_not_touch_the_next_owner() -> None:
    """Somebody was heard of at the old address after the customer had left it."""
    kept = changes(
        [customer(NEW_JANE, 2, former=[JANE])],
        [contact(JANE, number=7), contact(NEW_JANE, number=8)],
        [confirmed(JANE, 5), confirmed(NEW_JANE, 2, number=8)],
    )
    assert [type(change) for change in kept] == [Keep]


# ---------------------------------------------------------------- deletions


def test_a_soft_deletion_blocks_unlists_and_marks() -> None:
    """No data is lost."""
    change = only(
        customer(is_deleted=True),
        contact(lists=[LIST, 9], attributes={"CITY": "Rome"}),
        policy=Policy(list_id=LIST, deleted_attribute="GONE"),
    )
    assert isinstance(change, Delete)
    assert change.patch == ContactPatch(
        attributes={"GONE": True}, remove_lists=frozenset({LIST}), email_blocked=True
    )


def test_a_soft_deletion_that_is_done_is_kept() -> None:
    """Nothing is left to write."""
    change = only(
        customer(is_deleted=True),
        contact(email_blocked=True, attributes={"GONE": True}),
        policy=Policy(list_id=LIST, deleted_attribute="GONE"),
    )
    assert isinstance(change, Keep)


def test_a_hard_deletion_removes_the_contact() -> None:
    """There is nothing to patch."""
    change = only(customer(is_deleted=True), contact(), policy=HARD)
    assert isinstance(change, Delete)
    assert change.patch is None


def test_a_deletion_without_a_contact_is_right_already() -> None:
    """There rightly is none."""
    assert only(customer(is_deleted=True), policy=HARD) == Keep(
        customer=customer(is_deleted=True), before=None
    )


def test_who_is_deleted_under_a_new_address_is_found_at_the_old_one() -> None:
    """The contact was never renamed, and is not renamed any more; all of the person's go."""
    gone = customer(NEW_JANE, former=[JANE, MARY], is_deleted=True)
    deleted = changes([gone], [contact(JANE, number=1), contact(MARY, number=2)], [], HARD)
    assert [(type(d), d.before.id) for d in deleted if isinstance(d, Delete)] == [
        (Delete, 1),
        (Delete, 2),
    ]


def test_who_comes_back_after_a_soft_deletion_loses_the_mark_and_stays_blocked() -> None:
    """Only newer consent with leave lifts the block of the deletion."""
    change = only(
        customer(minute=9, created=9),
        contact(email_blocked=True, attributes={"GONE": True}),
        confirmed(minute=5, is_deleted=True, email_blocked=5),
        Policy(list_id=LIST, deleted_attribute="GONE"),
    )
    assert patch(change) == ContactPatch(attributes={"GONE": False}, add_lists=frozenset({LIST}))


def test_newer_consent_with_leave_lifts_the_block_of_a_soft_deletion() -> None:
    """The block was ours."""
    change = only(
        customer(minute=9, created=9, email_consent=said(YES, 9)),
        contact(email_blocked=True),
        confirmed(minute=5, is_deleted=True, email_blocked=5),
        NEWER,
    )
    assert patch(change).email_blocked is False
    assert notes(change) == (Note.RESUBSCRIBED,)


def test_customers_come_in_the_order_of_their_addresses() -> None:
    """Whatever order they are given in."""
    made = changes([customer(MARY), customer(JANE)], [], [])
    assert [c.customer.email for c in made if isinstance(c, Create)] == [JANE, MARY]


def test_several_customers_at_one_address_are_named() -> None:
    """The operator should know."""
    assert notes(only(customer(ids=["c1", "c2"]))) == (Note.SHARED_ADDRESS,)
    assert notes(only(customer(ids=["c1", "c2"]), contact())) == (Note.SHARED_ADDRESS,)


@pytest.mark.parametrize(
    "block", [ContactPatch(email_blocked=True), ContactPatch(sms_blocked=True)]
)
def test_a_block_that_a_contact_was_to_get_is_not_gone_with_it(block: ContactPatch) -> None:
    """It may come from another address, which nothing but the change tells of."""
    create = recreate(update(patch=block), None, PLAIN)
    assert create.patch == block
    assert notes(create) == (Note.COMES_BACK_BLOCKED,)


def test_a_contact_that_is_gone_and_was_mailable_comes_back_mailable() -> None:
    """Nothing but what was confirmed and said."""
    create = recreate(update(who=customer(attributes={"NAME": "Jane"})), None, PLAIN)
    assert create.patch == ContactPatch(attributes={"NAME": "Jane"})


def test_old_news_is_skipped_with_its_reason() -> None:
    """Everything that was said is known better."""
    stale = only(
        customer(minute=3, attributes={"CITY": "Rome"}),
        contact(attributes={"CITY": "Oslo"}),
        confirmed(minute=5, attributes={"CITY": "Oslo"}),
    )
    assert isinstance(stale, Skip)
    assert stale.reason is Reason.STALE


def test_a_block_that_is_deleted_for_good_is_remembered_under_both_addresses() -> None:
    """The contact still stood at the address of before."""
    deletion, tombstone = changes(
        [customer(NEW_JANE, former=[JANE], is_deleted=True)],
        [contact(JANE, email_blocked=True)],
        [],
        HARD,
    )
    assert isinstance(deletion, Delete)
    assert deletion.customer.email == NEW_JANE
    assert isinstance(tombstone, Keep)
    assert (tombstone.customer.email, tombstone.customer.is_deleted) == (JANE, True)


def test_a_no_goes_along_to_an_address_that_was_known_before() -> None:
    """What is known of the new address says nothing of the person who comes back to it."""
    change = only_of(
        customer(NEW_JANE, 9, former=[JANE], created=9, email_consent=said(YES, 9)),
        [
            confirmed(NEW_JANE, 5, is_deleted=True, email_blocked=5, was_blocked_at_deletion=True),
            confirmed(JANE, 6, is_deleted=True, was_blocked_at_deletion=True),
        ],
    )
    assert patch(change).email_blocked is True
    assert notes(change) == (Note.NO_WENT_ALONG,)


def test_a_contact_that_moves_to_an_address_that_said_no_is_blocked() -> None:
    """It is the same mailbox, whoever has it now."""
    (moved,) = changes(
        [customer(NEW_JANE, former=[JANE])],
        [contact(JANE)],
        [confirmed(JANE), confirmed(NEW_JANE, is_deleted=True, was_blocked_at_deletion=True)],
    )
    assert patch(moved) == ContactPatch(rename_to=NEW_JANE, email_blocked=True)
    assert notes(moved) == (Note.NO_WENT_ALONG,)


def test_fields_go_along_although_the_old_contact_is_taken_over() -> None:
    """One moves to an address with a contact, another takes the old address in the same run."""
    taken_over, settled = changes(
        [customer(NEW_JANE, 2, former=[JANE]), customer(JANE, 2, ids=["c2"])],
        [contact(JANE, number=7), contact(NEW_JANE, number=8)],
        [confirmed(JANE, attributes={"CITY": "Rome"})],
    )
    assert patch(taken_over if isinstance(taken_over, Update) else settled) == ContactPatch(
        attributes={"CITY": "Rome"}
    )


def test_where_the_new_contact_may_not_be_touched_the_old_one_stays() -> None:
    """A creation at an address that has a contact, with `update_enabled: false`."""
    (left,) = changes(
        [customer(NEW_JANE, former=[JANE], attributes={"CITY": "Rome"}, is_only_created=True)],
        [contact(JANE, number=7), contact(NEW_JANE, number=8)],
        [],
        Policy(update_enabled=False),
    )
    assert isinstance(left, Skip)
    assert left.reason is Reason.UPDATES_DISABLED


def only_of(desired: Customer, known: list[Confirmed]) -> Change:
    """Return the one change of one customer without a contact."""
    (change,) = changes([desired], [], known, NEWER)
    return change


def test_a_list_that_is_new_in_the_configuration_is_joined() -> None:
    """Being taken off the old one in Brevo says nothing about it."""
    policy = Policy(list_id=LIST, on_drift=OnDrift.BREVO)
    off_the_old_one = confirmed(is_listed=True, listed_on=LIST + 1)
    change = only(customer(minute=2), contact(), off_the_old_one, policy)
    assert patch(change).add_lists == {LIST}


def test_a_deletion_that_comes_too_late_does_not_save_the_contact_of_whoever_came_after() -> None:
    """It is old news: the next customer there has moved on too, and nobody lives there now."""
    _, skipped, retired = changes(
        [
            customer(NEW_JANE, 9, ids=["c2"], former=[MARY]),
            customer(MARY, 5, is_deleted=True),
        ],
        [contact(MARY, number=7, lists=[LIST]), contact(NEW_JANE, number=8, lists=[LIST])],
        [confirmed(MARY, 6, created=6)],
        Policy(list_id=LIST, delete_behavior=DeleteBehavior.HARD),
    )
    assert isinstance(skipped, Skip)
    assert isinstance(retired, Delete)
    assert patch(retired) == ContactPatch(email_blocked=True, remove_lists=frozenset({LIST}))


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_contact_goes_once_with_whoever_is_deleted_at_its_address(is_deleted: bool) -> None:
    """Who had the address before has no part in it, whether living elsewhere or deleted."""
    kept, removed = changes(
        [
            customer(NEW_JANE, 9, former=[JANE], is_deleted=is_deleted),
            customer(JANE, 9, ids=["c2"], is_deleted=True),
        ],
        [contact(JANE, number=7)] + ([] if is_deleted else [contact(NEW_JANE, number=8)]),
        [],
        HARD,
    )
    assert isinstance(kept, Keep)
    assert isinstance(removed, Delete)
    assert removed.customer.email == JANE


BLOCKED_THERE = contact(JANE, email_blocked=True)


@pytest.mark.parametrize(
    ("contacts", "known", "ledger"),
    [
        ([BLOCKED_THERE], [], NOBODY),
        ([BLOCKED_THERE, contact(NEW_JANE, number=8)], [], NOBODY),
        ([BLOCKED_THERE], [confirmed(email_blocked=1, email_consent=said(NO, 1))], NOBODY),
        ([], [], Suppressed(mail=frozenset({JANE}))),
    ],
)
def test_the_no_of_a_shared_address_goes_along_with_whoever_leaves_it(
    contacts: list[Contact], known: list[Confirmed], ledger: Suppressed
) -> None:
    """Nobody can tell which of the customers there said it; the change tells nothing of them."""
    who = replace(customer(NEW_JANE, minute=9, ids=["c2"]), shared_emails=(JANE,))
    (change,) = changes([who], contacts, known, suppressed=ledger)
    assert isinstance(change, Create | Update)
    assert change.patch.email_blocked is True
    assert change.customer.shared_emails == ()


def test_a_shared_address_that_may_be_mailed_again_takes_nobody_along() -> None:
    """Somebody subscribed there since, and whoever leaves it goes as mailable as it is."""
    who = replace(customer(NEW_JANE, ids=["c2"]), shared_emails=(JANE,))
    once = Suppressed(mail=frozenset({JANE}), sms=frozenset({JANE}))
    (change,) = changes([who], [contact(JANE)], [], suppressed=once)
    assert (patch(change).email_blocked, patch(change).sms_blocked) == (None, None)


def test_the_fields_of_whoever_had_the_address_before_are_not_newer_than_ones_own() -> None:
    """The one was deleted, the other moved in, and both are heard of in one run."""
    who = replace(customer(NEW_JANE, 9, former=[JANE]), vacated_at=at(8))
    (change, _) = changes(
        [who],
        [contact(NEW_JANE, number=8, attributes={"CITY": "Oslo"}), contact(JANE)],
        [
            confirmed(JANE, 2, attributes={"CITY": "Rome"}),
            confirmed(NEW_JANE, 5, number=8, attributes={"CITY": "Oslo"}),
        ],
    )
    assert patch(change) == ContactPatch(attributes={"CITY": "Rome"})


def test_the_no_of_whoever_came_after_is_not_that_of_whoever_had_left() -> None:
    """Neither while the next one lives there nor after the end of that."""
    for is_deleted in (False, True):
        change = changes(
            [customer(NEW_JANE, 5, former=[JANE])],
            [contact(NEW_JANE, number=8)],
            [
                confirmed(NEW_JANE, 5, number=8),
                confirmed(JANE, 7, email_consent=said(NO, 6), is_deleted=is_deleted),
            ],
        )
        assert [type(one) for one in change] == [Keep]


@pytest.mark.parametrize("is_heard_of_at_once", [True, False])
def test_the_yes_of_whoever_had_the_address_before_is_no_newer_word(
    is_heard_of_at_once: bool,
) -> None:
    """The deletion voids it, whether it is heard of in this run or was confirmed before."""
    who = customer(NEW_JANE, 9, former=[JANE], email_consent=said(NO, 2), sms_consent=said(NO, 2))
    moved = (
        replace(who, vacated_at=at(8)) if is_heard_of_at_once else replace(who, moved_in_at=at(9))
    )
    known = confirmed(
        NEW_JANE,
        8,
        number=8,
        email_consent=said(YES, 5),
        sms_consent=said(YES, 5),
        is_deleted=not is_heard_of_at_once,
    )
    (change,) = changes([moved], [contact(NEW_JANE, number=8)], [known])
    assert (patch(change).email_blocked, patch(change).sms_blocked) == (True, True)


def test_whoever_leaves_an_address_is_not_deleted_with_whoever_came_and_went_there_since() -> None:
    """The next one, who never had a contact, was noted as deleted before the move was written."""
    (change,) = changes(
        [customer(NEW_JANE, 5, former=[JANE], created=4, attributes={"CITY": "Rome"})],
        [contact(JANE, email_blocked=True)],
        [confirmed(JANE, 9, number=None, is_deleted=True)],
    )
    assert patch(change) == ContactPatch(
        attributes={"CITY": "Rome"}, rename_to=NEW_JANE, email_blocked=True
    )


def test_who_returned_elsewhere_before_an_end_at_the_old_address_is_not_ended_by_it() -> None:
    """The next one there was deleted after the return, which is heard of last."""
    who = replace(customer(NEW_JANE, 7, former=[JANE], created=7), moved_in_at=at(7))
    (change,) = changes([who], [], [confirmed(JANE, 10, number=None, is_deleted=True)])
    assert isinstance(change, Create)


def test_who_returned_elsewhere_leaves_the_contact_to_whoever_ended_there() -> None:
    """It is the next one's, and was blocked with them; but a no of its own is heard."""
    who = replace(customer(NEW_JANE, 7, former=[JANE], created=7), moved_in_at=at(7))
    for consent, is_blocked in ((None, None), (said(NO, 2), True)):
        ended = confirmed(JANE, 10, is_deleted=True, email_consent=consent)
        blocked = replace(ended, email_blocked_at=at(10))
        (change,) = changes([who], [contact(JANE, email_blocked=True)], [blocked])
        assert isinstance(change, Create)
        assert change.patch.email_blocked is is_blocked


def test_the_end_of_those_who_had_the_address_before_ends_nobody_who_came_before_it() -> None:
    """They had moved on, and their deletion was heard of before that."""
    who = customer(JANE, 8, created=8)
    tombstone = confirmed(JANE, 10, number=None, is_deleted=True)
    assert isinstance(only(replace(who, vacated_at=at(10)), known=tombstone), Create)
    assert isinstance(only(replace(who, vacated_at=at(9)), known=tombstone), Skip)
    assert isinstance(only(who, known=tombstone), Skip)


def test_the_fields_of_whoever_leaves_are_not_those_of_whoever_follows() -> None:
    """The one goes to a contact that stands already, and the other keeps the one left here."""
    moved = customer(NEW_JANE, 9, former=[JANE], ids=["c1"])
    follower = customer(JANE, 9, ids=["c2"], dated={"CITY": said("Oslo", 2)})
    found = changes(
        [follower, moved],
        [contact(JANE, attributes={"CITY": "Rome"}), contact(NEW_JANE, number=8)],
        [confirmed(JANE, 7, attributes={"CITY": "Rome"})],
    )
    (change,) = (one for one in found if isinstance(one, Update) and one.customer.email == JANE)
    assert change.patch.attributes == {"CITY": "Oslo"}


@pytest.mark.parametrize(("minute", "blocks"), [(2, [True]), (9, [])])
def test_a_yes_is_not_that_of_whoever_moved_in_after_it(minute: float, blocks: list[bool]) -> None:
    """A no that comes along yields to a yes that may be its owner's only."""
    moved = replace(customer(NEW_JANE, 8, former=[JANE]), moved_in_at=at(8))
    found = changes(
        [moved],
        [contact(NEW_JANE, number=8)],
        [
            confirmed(JANE, 1, sms_consent=said(NO, 1)),
            confirmed(NEW_JANE, minute, number=8, sms_consent=said(YES, minute)),
        ],
    )
    assert [one.patch.sms_blocked for one in found if isinstance(one, Update)] == blocks


def test_the_end_of_others_without_a_contact_says_nothing_of_a_move_that_is_old_news() -> None:
    """Its no, which was noted since, is not that of whoever lived there later."""
    (change,) = changes(
        [customer(NEW_JANE, 9, former=[JANE])],
        [contact(NEW_JANE, number=8)],
        [
            confirmed(NEW_JANE, 9, number=8),
            confirmed(JANE, 3, number=None, is_deleted=True, sms_consent=said(NO, 2)),
        ],
    )
    assert isinstance(change, Keep)


def test_a_contact_that_was_left_behind_stays_with_whoever_left_it() -> None:
    """Nobody else who claims the old address takes it along once it is out of use."""
    moved = replace(customer(NEW_JANE, 9, former=[JANE], ids=["c1"]), moved_in_at=at(9))
    gone = customer(MARY, 9, former=[JANE], ids=["c2"], is_deleted=True)
    found = changes(
        [gone, moved],
        [contact(NEW_JANE, number=8), contact(JANE, email_blocked=True)],
        [
            confirmed(NEW_JANE, 9, number=8),
            confirmed(JANE, 9, is_deleted=True, email_blocked=9),
            confirmed(MARY, 9, number=None, is_deleted=True),
        ],
        HARD,
    )
    assert [one for one in found if isinstance(one, Delete)] == []


@pytest.mark.parametrize(("ids", "blocks"), [(["c1"], []), ([], [True])])
def test_the_no_of_whoever_was_taken_for_deleted_goes_along_with_a_move_that_is_told_last(
    ids: list[str], blocks: list[bool]
) -> None:
    """An export named the new address, of which nobody knew that it was the same person's."""
    found = changes(
        [customer(NEW_JANE, 5, former=[JANE], ids=ids)],
        [contact(NEW_JANE, number=8), contact(JANE, sms_blocked=True)],
        [
            confirmed(NEW_JANE, 5, number=8),
            confirmed(JANE, 6, is_deleted=True, sms_consent=said(NO, 1)),
        ],
    )
    assert [one.patch.sms_blocked for one in found if isinstance(one, Update)] == blocks


def test_whoever_is_deleted_ends_at_every_address_even_where_nothing_was_confirmed() -> None:
    """A change of address had arrived at Brevo although its answer was lost."""
    found = changes(
        [customer(NEW_JANE, 9, former=[JANE], is_deleted=True)],
        [contact(JANE)],
        [
            confirmed(NEW_JANE, 9, number=None, is_deleted=True),
            confirmed(JANE, 3, number=None, is_deleted=True),
        ],
    )
    assert [one.before.id for one in found if isinstance(one, Delete)] != []
