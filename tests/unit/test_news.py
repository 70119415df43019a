"""What is news about a customer, given what was confirmed before."""

import pytest
from msgspec.structs import replace

from builders import JANE, MARY, NEW_JANE, at, confirmed, contact, customer, said
from customer_sync.core.customers.news import (
    confirmed_before,
    settle_in,
    since_confirmed,
    surviving_no,
    with_noes_of,
)
from customer_sync.core.model import Customer, Dated, Reason, Skip

YES, NO = True, False


def fresh(news: Customer | Skip) -> Customer:
    """Insist that something is left."""
    assert isinstance(news, Customer)
    return news


def reason(news: Customer | Skip) -> Reason:
    """Insist that nothing is left, and tell why."""
    assert isinstance(news, Skip)
    return news.reason


# ---------------------------------------------------------------- whose confirmation it is


def test_what_is_known_of_the_contact_itself_comes_first() -> None:
    """The contact still has the old address."""
    old, new = confirmed(JANE), confirmed(NEW_JANE, number=9)
    moved = customer(NEW_JANE, former=[JANE])
    assert confirmed_before(moved, contact(JANE), {JANE: old, NEW_JANE: new}) is old


def test_a_contact_is_known_again_by_its_number() -> None:
    """Somebody changed its address in Brevo."""
    known = confirmed(NEW_JANE, number=7)
    found = confirmed_before(customer(NEW_JANE), contact(JANE, number=7), {NEW_JANE: known})
    assert found is known


def test_what_is_known_of_another_contact_says_nothing_about_this_one() -> None:
    """The customer's old contact is not the one that was at the new address before."""
    moved = customer(NEW_JANE, former=[JANE])
    there = contact(NEW_JANE, number=9)
    assert confirmed_before(moved, there, {JANE: confirmed(JANE, number=7)}) is None


def test_without_a_contact_the_person_is_known_by_any_address() -> None:
    """The contact vanished from Brevo."""
    known = confirmed(JANE)
    assert confirmed_before(customer(NEW_JANE, former=[JANE]), None, {JANE: known}) is known
    assert confirmed_before(customer(MARY), None, {JANE: known}) is None


# ---------------------------------------------------------------- the living


def test_all_is_news_about_somebody_new() -> None:
    """Nothing was confirmed."""
    someone = customer(attributes={"CITY": "Rome"})
    assert since_confirmed(someone, None) is someone


def test_only_what_is_older_than_the_same_field_is_dropped() -> None:
    """The clocks are kept per field, so an old event may still tell something."""
    known = confirmed(minute=5, attributes={"CITY": "Oslo"})
    old = customer(minute=3, attributes={"CITY": "Rome", "NAME": "Jane"})
    assert fresh(since_confirmed(old, known)).attributes == {"NAME": said("Jane", 3)}


def test_an_event_that_is_superseded_altogether_is_stale() -> None:
    """Everything that it tells is known better."""
    known = confirmed(minute=5, attributes={"CITY": "Oslo"})
    old = customer(minute=3, attributes={"CITY": "Rome"})
    assert reason(since_confirmed(old, known)) is Reason.STALE


def test_what_was_said_at_the_same_time_is_looked_at_again() -> None:
    """The same record, read twice, must be able to mend what somebody edited."""
    known = confirmed(minute=5, attributes={"CITY": "Oslo"})
    again = customer(minute=5, attributes={"CITY": "Oslo"})
    assert fresh(since_confirmed(again, known)) == again


def test_an_older_consent_is_dropped() -> None:
    """A late yes does not undo a newer no."""
    known = confirmed(minute=5, email_consent=said(NO, 5))
    late = customer(minute=6, email_consent=said(YES, 4))
    assert fresh(since_confirmed(late, known)).email_consent is None


def test_a_no_that_is_told_again_stands_as_it_was_dated() -> None:
    """However late the one that is known was dated."""
    known = confirmed(minute=5, email_consent=said(NO, 5))
    late = customer(minute=6, email_consent=said(NO, 4))
    assert fresh(since_confirmed(late, known)).email_consent == said(NO, 5)


def test_what_was_said_before_an_earlier_deletion_stays_void() -> None:
    """It was voided when the customer came back, and a late arrival does not change that."""
    known = confirmed(minute=8, attributes={}, created=8, deleted=5)
    late = customer(
        minute=3, attributes={"CITY": "Rome"}, email_consent=said(YES, 3), sms_consent=said(NO, 3)
    )
    left = fresh(since_confirmed(late, known))
    assert (left.attributes, left.email_consent, left.sms_consent) == ({}, None, said(NO, 3))


def test_a_no_at_another_address_holds_here() -> None:
    """Whoever was deleted there before there was a contact comes back without a block."""
    elsewhere = confirmed(JANE, email_consent=said(NO, 2), sms_consent=said(NO, 2), is_deleted=True)
    back = with_noes_of(customer(NEW_JANE, sms_consent=said(YES, 3)), [elsewhere])
    assert (back.email_consent, back.sms_consent) == (said(NO, 2), said(YES, 3))


def test_a_yes_at_another_address_says_nothing_here() -> None:
    """It is no newer consent."""
    elsewhere = confirmed(JANE, email_consent=said(YES, 9))
    assert with_noes_of(customer(NEW_JANE), [elsewhere]) == customer(NEW_JANE)


def test_who_is_deleted_needs_no_word_from_elsewhere() -> None:
    """The deletion is all there is to do."""
    gone = customer(NEW_JANE, is_deleted=True)
    assert with_noes_of(gone, [confirmed(JANE, email_consent=said(NO, 2))]) is gone


# ---------------------------------------------------------------- deletions


def test_a_deletion_older_than_the_return_is_stale() -> None:
    """The customer came back since."""
    known = confirmed(minute=8, created=8, deleted=1)
    assert reason(since_confirmed(customer(minute=5, is_deleted=True), known)) is Reason.STALE


def test_a_no_from_before_the_return_is_heard_however_late_it_arrives() -> None:
    """The deletion that comes with it is stale, the no is not."""
    known = confirmed(minute=8, attributes={}, created=8, deleted=1)
    late = customer(
        minute=5, attributes={"CITY": "Rome"}, email_consent=said(NO, 4), is_deleted=True
    )
    left = fresh(since_confirmed(late, known))
    assert (left.is_deleted, left.email_consent, left.attributes) == (False, said(NO, 4), {})


@pytest.mark.parametrize("heard", [said(NO, 4), said(NO, 6), said(YES, 6)])
def test_a_late_no_that_is_old_news_is_stale(heard: Dated[bool]) -> None:
    """It was heard before, or something newer was."""
    known = confirmed(minute=8, created=8, deleted=1, email_consent=heard)
    late = customer(minute=5, email_consent=said(NO, 4), is_deleted=True)
    assert reason(since_confirmed(late, known)) is Reason.STALE


def test_what_was_said_after_the_return_counts_although_the_deletion_is_late() -> None:
    """What the deletion voids was said before the return; what was said since is news."""
    known = confirmed(minute=8, attributes={"NAME": "Jane"}, created=8, deleted=1)
    late = customer(
        minute=12,
        deleted=5,
        is_deleted=True,
        dated={"CITY": said("Rome", 12), "VOID": said("x", 7), "NAME": said("Jan", 7)},
        email_consent=said(YES, 12),
        sms_consent=said(YES, 7),
    )
    left = fresh(since_confirmed(late, known))
    assert not left.is_deleted
    assert left.attributes == {"CITY": said("Rome", 12)}
    assert (left.email_consent, left.sms_consent) == (said(YES, 12), None)


def test_a_new_address_after_the_return_is_news_by_itself() -> None:
    """Nothing else need be said with it."""
    known = confirmed(minute=8, created=8, deleted=1)
    late = customer(NEW_JANE, minute=12, former=[JANE], deleted=5, is_deleted=True)
    assert fresh(since_confirmed(late, known)).email == NEW_JANE


def test_a_creation_is_remembered_however_late_it_arrives() -> None:
    """A deletion from before it, which arrives later still, is then known to be stale."""
    late = customer(minute=5, created=5)
    assert fresh(since_confirmed(late, confirmed(minute=8, created=3))) == late
    assert reason(since_confirmed(late, confirmed(minute=8, created=5))) is Reason.STALE


def test_a_deletion_later_than_the_creation_counts() -> None:
    """However late it arrives."""
    gone = customer(minute=5, is_deleted=True)
    assert since_confirmed(gone, confirmed(minute=8, created=3)) is gone


@pytest.mark.parametrize(
    ("minute", "created", "expected"),
    [
        (9, None, Reason.DELETED),
        (3, None, Reason.STALE),
        (3, 3, Reason.STALE),
        (5, 5, Reason.STALE),
    ],
)
def test_who_is_deleted_stays_deleted_without_a_new_creation(
    minute: float, created: float | None, expected: Reason
) -> None:
    """An update revives nobody, and neither does a creation from before."""
    known = confirmed(minute=5, is_deleted=True)
    someone = customer(minute=minute, created=created)
    assert reason(since_confirmed(someone, known)) is expected


def test_who_comes_back_starts_anew() -> None:
    """What was said between the deletion and the first creation after it is void."""
    known = confirmed(minute=5, is_deleted=True)
    back = customer(
        minute=9,
        revived=7,
        created=9,
        dated={"VOID": said("x", 6), "CITY": said("Rome", 8)},
        email_consent=said(YES, 6),
    )
    left = fresh(since_confirmed(back, known))
    assert left.attributes == {"CITY": said("Rome", 8)}
    assert left.email_consent is None


def test_who_comes_back_brings_the_old_no_along() -> None:
    """It was told before the deletion, in an earlier run."""
    known = confirmed(minute=5, is_deleted=True, email_consent=said(NO, 2))
    back = customer(minute=9, created=9)
    assert fresh(since_confirmed(back, known)).email_consent == said(NO, 2)


def test_a_no_after_the_deletion_is_heard() -> None:
    """It changes nothing now, and counts should the customer come back."""
    known = confirmed(minute=5, is_deleted=True)
    left = fresh(since_confirmed(customer(minute=9, email_consent=said(NO, 9)), known))
    assert (left.is_deleted, left.email_consent, left.attributes) == (True, said(NO, 9), {})


def test_a_yes_after_the_deletion_is_not() -> None:
    """Without a creation it revives nobody."""
    known = confirmed(minute=5, is_deleted=True)
    someone = customer(minute=9, email_consent=said(YES, 9))
    assert reason(since_confirmed(someone, known)) is Reason.DELETED


# ---------------------------------------------------------------- what survives


@pytest.mark.parametrize(
    ("now", "known", "holds"),
    [
        (None, None, None),
        (None, said(NO, 2), said(NO, 2)),
        (None, said(YES, 2), None),
        (said(YES, 3), said(NO, 2), said(YES, 3)),
        (said(YES, 1), said(NO, 2), said(NO, 2)),
        (said(NO, 1), said(YES, 2), said(NO, 1)),
    ],
)
def test_of_the_known_only_a_no_survives(
    now: Dated[bool] | None, known: Dated[bool] | None, holds: Dated[bool] | None
) -> None:
    """Unless something newer was said."""
    assert surviving_no(now, known) == holds


# ---------------------------------------------------------------- moving in with another contact


def test_what_was_confirmed_at_the_old_contact_moves_in() -> None:
    """The contact at the new address never heard of it; the newer of two values counts."""
    moved = customer(NEW_JANE, 5, former=[JANE], attributes={"NAME": "Jane"})
    old = confirmed(JANE, 3, attributes={"NAME": "J.", "CITY": "Rome"})
    settled, before = settle_in(moved, None, [old])
    assert settled.attributes == {"NAME": said("Jane", 5), "CITY": said("Rome", 3)}
    assert before is None


def test_who_moves_in_is_not_the_one_who_was_deleted_there() -> None:
    """An update suffices: the customer lives, and lived elsewhere before."""
    moved = customer(NEW_JANE, 5, former=[JANE])
    tombstone = confirmed(NEW_JANE, 4, is_deleted=True, email_blocked=4)
    settled, before = settle_in(moved, tombstone, [confirmed(JANE, 3)])
    assert isinstance(since_confirmed(settled, before), Customer)
    assert before is not None
    assert before.email_blocked_at == tombstone.email_blocked_at


@pytest.mark.parametrize(("moved_in", "is_somebody_else"), [(5, True), (3, False), (4, False)])
def test_who_moved_in_after_a_deletion_is_somebody_else(
    moved_in: float, is_somebody_else: bool
) -> None:
    """Without a contact anywhere; whoever was there before may be the one who was deleted."""
    moved = replace(customer(NEW_JANE, 9), moved_in_at=at(moved_in))
    tombstone = confirmed(NEW_JANE, 4, is_deleted=True)
    settled, before = settle_in(moved, tombstone, [])
    assert isinstance(since_confirmed(settled, before), Customer) is is_somebody_else


def test_a_contact_that_was_retired_long_ago_moves_nobody_in() -> None:
    """The same move, read again after the customer was deleted, revives nobody."""
    moved = customer(NEW_JANE, 3, former=[JANE])
    tombstone = confirmed(NEW_JANE, 4, is_deleted=True)
    settled, before = settle_in(moved, tombstone, [confirmed(JANE, 3, is_deleted=True)])
    assert reason(since_confirmed(settled, before)) is Reason.STALE
