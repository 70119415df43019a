"""What is known to be right once a change is done."""

import pytest
from msgspec.structs import replace

from builders import JANE, NEW_JANE, at, confirmed, contact, customer, said
from customer_sync.core.changes.confirm import confirm
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Customer,
    Delete,
    Keep,
    Note,
    Update,
)

LIST = 5
YES, NO = True, False
BLOCK = ContactPatch(email_blocked=True)


def created(
    someone: Customer,
    before: Confirmed | None = None,
    *,
    patch: ContactPatch | None = None,
) -> Confirmed:
    """Confirm a creation."""
    change = Create(customer=someone, patch=patch or ContactPatch(), fields=())
    return confirm(change, before, list_id=LIST, contact_id=ContactId(7))


def updated(
    someone: Customer,
    observed: Contact,
    before: Confirmed | None = None,
    *,
    patch: ContactPatch | None = None,
    notes: tuple[Note, ...] = (),
) -> Confirmed:
    """Confirm an update."""
    change = Update(
        customer=someone, before=observed, patch=patch or ContactPatch(), fields=(), notes=notes
    )
    return confirm(change, before, list_id=LIST)


def deleted(
    observed: Contact, before: Confirmed | None = None, *, patch: ContactPatch | None = None
) -> Confirmed:
    """Confirm a deletion at minute 5; without a patch it is a hard one."""
    change = Delete(
        customer=customer(minute=5, is_deleted=True), before=observed, patch=patch, fields=()
    )
    return confirm(change, before, list_id=LIST)


# ---------------------------------------------------------------- what was said


def test_a_creation_confirms_what_was_said() -> None:
    """With the number that Brevo gave, and the list."""
    someone = customer(minute=3, attributes={"CITY": "Rome"}, email_consent=said(YES, 3), created=3)
    patch = ContactPatch(add_lists=frozenset({LIST}))
    assert created(someone, patch=patch) == confirmed(
        minute=3,
        number=7,
        attributes={"CITY": "Rome"},
        email_consent=said(YES, 3),
        is_listed=True,
        listed_on=LIST,
        created=3,
    )


def test_what_is_not_mentioned_stays_confirmed() -> None:
    """An update adds to what is known; the latest times count."""
    after = updated(
        customer(minute=3, attributes={"CITY": "Oslo"}),
        contact(lists=[LIST]),
        confirmed(minute=5, attributes={"CITY": "Rome", "NAME": "Jane"}, sms_consent=said(NO, 1)),
    )
    assert after.attributes == {"CITY": said("Oslo", 3), "NAME": said("Jane", 5)}
    assert (after.sms_consent, after.last_at, after.is_listed) == (said(NO, 1), at(5), True)


def test_a_rename_confirms_the_new_address() -> None:
    """The contact keeps its number."""
    after = updated(customer(NEW_JANE, 3, former=[JANE]), contact(JANE), confirmed(JANE))
    assert (after.email, after.contact_id) == (NEW_JANE, 7)


def test_refused_values_are_remembered_until_another_is_written() -> None:
    """So that the next plan does not try them again for nothing."""
    change = Update(
        customer=customer(attributes={"SMS": "1", "WHATSAPP": "2"}),
        before=contact(),
        patch=ContactPatch(attributes={"SMS": "1", "WHATSAPP": "2"}),
        fields=(),
    )
    before = confirmed(refused={"WHATSAPP": "9", "LANDLINE_NUMBER": "3"})
    after = confirm(change, before, list_id=None, refused={"SMS": "1"})
    assert after.refused == {"SMS": "1", "LANDLINE_NUMBER": "3"}


def test_a_deletion_forgets_the_attributes_and_keeps_the_consent() -> None:
    """A no outlives it."""
    before = confirmed(
        attributes={"CITY": "Rome"}, email_consent=said(NO, 1), is_listed=True, created=1
    )
    after = deleted(contact(email_blocked=True), before)
    assert (after.is_deleted, after.attributes, after.is_listed) == (True, {}, False)
    assert (after.deleted_at, after.created_at) == (at(5), at(1))
    assert after.email_consent == said(NO, 1)


def test_only_a_hard_deletion_forgets_the_number() -> None:
    """A soft one leaves the contact where it is."""
    assert deleted(contact()).contact_id is None
    assert deleted(contact(), patch=BLOCK).contact_id == 7


def test_a_return_starts_with_nothing_of_before_the_deletion() -> None:
    """The tombstone holds no attributes to add to."""
    before = confirmed(minute=5, is_deleted=True)
    after = created(customer(minute=9, attributes={"CITY": "Rome"}, created=9), before)
    assert (after.is_deleted, after.attributes) == (False, {"CITY": said("Rome", 9)})
    assert (after.created_at, after.deleted_at) == (at(9), at(5))


# ---------------------------------------------------------------- whose block it is


@pytest.mark.parametrize(
    ("patch", "was_blocked", "known", "ours_since"),
    [
        (True, False, None, 3),
        (True, False, 1, 3),
        (True, False, 8, 8),
        (True, True, None, None),
        (True, True, 1, 1),
        (None, True, None, None),
        (None, True, 1, 1),
        (None, False, 1, None),
        (False, True, 1, None),
    ],
)
def test_a_block_is_ours_only_if_we_set_it(
    patch: bool | None, was_blocked: bool, known: float | None, ours_since: float | None
) -> None:
    """One that stood already stays whose it was, and one that is gone is nobody's."""
    after = updated(
        customer(minute=3, email_consent=said(NO, 3), sms_consent=said(NO, 3)),
        contact(email_blocked=was_blocked, sms_blocked=was_blocked),
        confirmed(email_blocked=known, sms_blocked=known),
        patch=ContactPatch(email_blocked=patch, sms_blocked=patch),
    )
    expected = None if ours_since is None else at(ours_since)
    assert (after.email_blocked_at, after.sms_blocked_at) == (expected, expected)


def test_the_block_of_a_deletion_is_ours() -> None:
    """It dates from the deletion."""
    assert deleted(contact(), patch=BLOCK).email_blocked_at == at(5)


def test_a_block_that_went_along_from_an_old_address_is_not_ours() -> None:
    """Whatever the shop says: somebody else had set it there."""
    after = updated(
        customer(minute=3, email_consent=said(NO, 3)),
        contact(),
        patch=BLOCK,
        notes=(Note.NO_WENT_ALONG,),
    )
    assert after.email_blocked_at is None


@pytest.mark.parametrize(
    "before",
    [
        confirmed(minute=2, number=None, is_deleted=True, was_blocked_at_deletion=True),
        confirmed(minute=2, number=7, email_consent=said(NO, 2)),
    ],
)
def test_a_block_of_others_that_comes_back_is_not_ours(before: Confirmed) -> None:
    """Deleted while blocked, or vanished while blocked by others: nothing may lift it later."""
    after = created(customer(minute=3, email_consent=said(NO, 3)), before, patch=BLOCK)
    assert after.email_blocked_at is None


@pytest.mark.parametrize(
    ("before", "ours_since"),
    [
        (None, 3),
        (confirmed(minute=2, email_blocked=2), 3),
        (confirmed(minute=2, number=None, is_deleted=True, email_consent=said(NO, 2)), 3),
    ],
)
def test_a_block_that_a_creation_sets_for_the_shop_is_ours(
    before: Confirmed | None, ours_since: float
) -> None:
    """Nobody else had blocked the contact before."""
    after = created(customer(minute=3, email_consent=said(NO, 3)), before, patch=BLOCK)
    assert after.email_blocked_at == at(ours_since)


# ---------------------------------------------------------------- blocked at deletion


def test_who_is_deleted_while_blocked_is_remembered() -> None:
    """A contact that is deleted for good takes its block along."""
    assert deleted(contact(email_blocked=True)).was_blocked_at_deletion
    assert not deleted(contact()).was_blocked_at_deletion


def test_the_memory_of_a_block_survives_what_follows() -> None:
    """Until a block is lifted with leave."""
    before = confirmed(minute=5, is_deleted=True, was_blocked_at_deletion=True, email_blocked=2)
    back = created(customer(minute=9, created=9), before, patch=BLOCK)
    assert back.was_blocked_at_deletion
    lifted = updated(
        customer(minute=12, email_consent=said(YES, 12)),
        contact(email_blocked=True),
        back,
        patch=ContactPatch(email_blocked=False),
    )
    assert not lifted.was_blocked_at_deletion


def test_a_tombstone_that_needs_no_writing_is_confirmed_too() -> None:
    """The contact was softly deleted and blocked already, or there never was one."""
    gone = customer(minute=5, is_deleted=True)
    after = confirm(
        Keep(customer=gone, before=contact(email_blocked=True)), confirmed(), list_id=LIST
    )
    never = confirm(Keep(customer=gone, before=None), None, list_id=LIST)
    assert (after.is_deleted, after.was_blocked_at_deletion) == (True, True)
    assert (never.is_deleted, never.contact_id, never.was_blocked_at_deletion) == (
        True,
        None,
        False,
    )


def test_a_block_that_came_back_is_whose_it_was() -> None:
    """Ours stays ours since then; one that went along from elsewhere never becomes ours."""
    before = confirmed(minute=2, number=None, is_deleted=True, email_blocked=2)
    back = customer(minute=3, created=3, email_consent=said(YES, 3))

    def block_of(note: Note) -> object:
        change = Create(customer=back, patch=BLOCK, fields=(), notes=(note,))
        return confirm(change, before, list_id=LIST).email_blocked_at

    assert block_of(Note.COMES_BACK_BLOCKED) == at(2)
    assert block_of(Note.NO_WENT_ALONG) is None


def test_who_was_taken_off_the_list_in_brevo_was_put_on_it_once() -> None:
    """Else the next run would take the contact for one that was never on it."""
    off = Keep(customer=customer(minute=2), before=contact())
    listed = confirmed(is_listed=True, listed_on=LIST)
    assert confirm(off, listed, list_id=LIST).is_listed
    assert not confirm(off, confirmed(is_listed=True, listed_on=9), list_id=LIST).is_listed


def test_a_block_for_sms_that_comes_back_from_the_ledger_is_not_ours() -> None:
    """Nothing that the shop says later may lift it."""
    back = customer(minute=3, created=3, sms_consent=said(NO, 3))
    blocked = ContactPatch(sms_blocked=True)

    def ours_since(*notes: Note) -> object:
        change = Create(customer=back, patch=blocked, fields=(), notes=notes)
        return confirm(change, None, list_id=LIST).sms_blocked_at

    assert ours_since(Note.SMS_COMES_BACK_BLOCKED) is None
    assert ours_since() == at(3)


def test_what_was_confirmed_of_others_who_are_deleted_is_theirs() -> None:
    """Else it would be written to whoever follows them should the contact vanish."""
    before = confirmed(minute=2, attributes={"CITY": "Rome"})
    follower = replace(customer(minute=4, attributes={"VIP": "no"}), vacated_at=at(3))
    kept = Keep(customer=follower, before=contact())
    assert confirm(kept, before, list_id=LIST).attributes == {"VIP": said("no", 4)}


@pytest.mark.parametrize("consent", [YES, NO])
def test_of_what_was_said_before_a_deletion_only_a_no_is_kept(consent: bool) -> None:
    """Whoever has the address afterwards has not said yes."""
    gone = confirmed(is_deleted=True, email_consent=said(consent, 1), sms_consent=said(consent, 1))
    after = confirm(
        Keep(customer=customer(minute=3, created=3), before=contact()), gone, list_id=LIST
    )
    expected = None if consent else said(NO, 1)
    assert (after.email_consent, after.sms_consent) == (expected, expected)
