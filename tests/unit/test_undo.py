"""The way back from a run, change by change."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    hard_delete,
    rename,
    said,
    soft_delete,
    tried,
    update,
)
from customer_sync.core.changes.draft import BLOCKED, MAIL, same
from customer_sync.core.changes.suppression import Suppressed
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactPatch,
    Create,
    Delete,
    Email,
    FieldChange,
    Keep,
    Note,
    Reason,
    Skip,
    Update,
    Value,
    Why,
)
from customer_sync.core.undoing.past import GONE_ALREADY, Identity, Tried
from customer_sync.core.undoing.undo import undo
from customer_sync.core.undoing.wayback import Present, Stay, Staying, WayBack

ATTRIBUTES = ("FIRSTNAME", "LASTNAME", "SMS", "TAGS", "DELETED")


def present(
    *contacts: Contact,
    known: Iterable[Confirmed] = (),
    waiting: Collection[Email] = (),
    attributes: Collection[str] = ATTRIBUTES,
    list_ids: Collection[int] = (5, 6),
    may_unblock: bool = False,
    suppressed: Suppressed | None = None,
    ahead: timedelta = timedelta(0),
) -> Present:
    """Return how things are now."""
    return Present(
        observed={c.email: c for c in contacts if c.email is not None},
        confirmed={c.email: c for c in known},
        suppressed=suppressed or Suppressed(),
        waiting=waiting,
        attributes=attributes,
        list_ids=list_ids,
        may_unblock=may_unblock,
        clock_ahead=ahead,
    )


def way_back(one: Tried, now: Present) -> WayBack:
    """Return the way back from a single change."""
    (way,) = undo([one], now)
    return way


def patch_of(way: WayBack) -> ContactPatch | None:
    """Return what a way back writes to a contact that exists."""
    assert isinstance(way.change, Update)
    return way.change.patch


def reason_of(way: WayBack) -> Reason:
    """Return why a way back leaves a contact alone."""
    assert isinstance(way.change, Skip)
    return way.change.reason


# ---------------------------------------------------------------- fields


def written(
    before: Mapping[str, Value], after: Mapping[str, Value], *, known: Iterable[Confirmed] = ()
) -> Tried:
    """Return a change of attributes from *before* to *after*."""
    patch = ContactPatch(attributes={n: v for n, v in after.items() if before.get(n) != v})
    change = update(before=contact(attributes=before), patch=patch)
    spoken = customer(attributes=patch.attributes)
    return tried(structs.replace(change, customer=spoken), known=known)


def test_a_field_goes_back_to_its_old_value() -> None:
    """And nothing else is written."""
    one = written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"})
    way = way_back(one, present(contact(attributes={"FIRSTNAME": "Joan", "LASTNAME": "Doe"})))
    assert patch_of(way) == ContactPatch(attributes={"FIRSTNAME": "Jane"})
    assert isinstance(way.change, Update)
    field = FieldChange(name="FIRSTNAME", old="Joan", new="Jane", why=Why.UNDONE)
    assert way.change.fields == (field,)
    assert way.stays == ()


def test_a_field_that_was_empty_is_cleared_again() -> None:
    """None clears."""
    way = way_back(
        written({}, {"FIRSTNAME": "Joan"}), present(contact(attributes={"FIRSTNAME": "Joan"}))
    )
    assert patch_of(way) == ContactPatch(attributes={"FIRSTNAME": None})


def test_a_field_that_was_cleared_is_filled_again() -> None:
    """An absent attribute holds what was written: nothing."""
    way = way_back(written({"LASTNAME": "Doe"}, {"LASTNAME": None}), present(contact()))
    assert patch_of(way) == ContactPatch(attributes={"LASTNAME": "Doe"})


def test_a_field_that_changed_since_is_left_alone() -> None:
    """Whoever changed it knows better; what else the run wrote goes back."""
    one = written(
        {"FIRSTNAME": "Jane", "LASTNAME": "Doe"}, {"FIRSTNAME": "Joan", "LASTNAME": "Roe"}
    )
    way = way_back(one, present(contact(attributes={"FIRSTNAME": "Johanna", "LASTNAME": "Roe"})))
    assert patch_of(way) == ContactPatch(attributes={"LASTNAME": "Doe"})
    assert way.stays == (Stay(name="FIRSTNAME", because=Staying.CHANGED),)
    assert isinstance(way.change, Update)
    assert way.change.notes == (Note.PARTLY_UNDONE,)


def test_a_contact_of_which_everything_changed_since_is_left_alone() -> None:
    """With what stays, and why."""
    one = written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"})
    way = way_back(one, present(contact(attributes={"FIRSTNAME": "Johanna"})))
    assert reason_of(way) is Reason.CHANGED_SINCE
    assert way.stays == (Stay(name="FIRSTNAME", because=Staying.CHANGED),)


def test_a_contact_that_is_as_it_was_is_kept() -> None:
    """So that undoing once more, after it was cut off, comes to an end."""
    one = written(
        {"FIRSTNAME": "Jane"},
        {"FIRSTNAME": "Joan"},
        known=[confirmed(attributes={"FIRSTNAME": "Jane"})],
    )
    now = confirmed(minute=2, attributes={"FIRSTNAME": "Joan"})
    way = way_back(one, present(contact(attributes={"FIRSTNAME": "Jane"}), known=[now]))
    assert isinstance(way.change, Keep)
    here = way.memory.confirmed[JANE]
    assert here is not None
    assert here.attributes == {"FIRSTNAME": said("Jane", 1)}


def test_an_attribute_that_does_not_exist_any_more_is_told() -> None:
    """Brevo would report success and store nothing."""
    one = written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"})
    now = present(contact(attributes={"FIRSTNAME": "Joan"}), attributes=())
    way = way_back(one, now)
    assert way.stays == (Stay(name="FIRSTNAME", because=Staying.NO_ATTRIBUTE),)


def test_a_contact_that_is_gone_is_left_alone() -> None:
    """Or one that somebody made anew at the address."""
    one = written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"})
    assert reason_of(way_back(one, present())) is Reason.GONE_SINCE
    other = contact(number=8, attributes={"FIRSTNAME": "Joan"})
    assert reason_of(way_back(one, present(other))) is Reason.GONE_SINCE


def test_whoever_waits_in_the_retry_queue_is_left_alone() -> None:
    """The news are newer than what would come back."""
    one = written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"})
    now = present(contact(attributes={"FIRSTNAME": "Joan"}), waiting={JANE})
    assert reason_of(way_back(one, now)) is Reason.OVERTAKEN


def test_whoever_was_erased_is_left_alone() -> None:
    """Undoing brings nobody back who asked to be forgotten."""
    now = present(suppressed=Suppressed(erased=frozenset({JANE})))
    assert reason_of(way_back(tried(hard_delete()), now)) is Reason.ERASED


@pytest.mark.parametrize(
    ("outcome", "is_superseded", "is_undone"),
    [
        ("applied", True, True),
        ("deferred", False, True),
        ("cut off", False, True),
        ("cut off", True, False),
        ("failed", False, False),
    ],
)
def test_what_did_not_get_through_is_not_undone(
    outcome: str, is_superseded: bool, is_undone: bool
) -> None:
    """What may have got through unseen is, unless a later run wrote to the contact."""
    one = replace(
        written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"}),
        outcome=outcome,
        is_superseded=is_superseded,
    )
    ways = undo([one], present(contact(attributes={"FIRSTNAME": "Joan"})))
    assert len(ways) == is_undone


# ---------------------------------------------------------------- lists


def test_a_list_that_was_joined_is_left() -> None:
    """And the other way round."""
    joined = update(before=contact(lists=[6]), patch=ContactPatch(add_lists=frozenset({5})))
    way = way_back(tried(joined), present(contact(lists=[5, 6])))
    assert patch_of(way) == ContactPatch(remove_lists=frozenset({5}))
    left = update(before=contact(lists=[5]), patch=ContactPatch(remove_lists=frozenset({5})))
    way = way_back(tried(left), present(contact()))
    assert patch_of(way) == ContactPatch(add_lists=frozenset({5}))


def test_a_list_that_the_person_left_is_not_joined_again() -> None:
    """By a link in a mail, that is."""
    left = update(before=contact(lists=[5]), patch=ContactPatch(remove_lists=frozenset({5})))
    way = way_back(tried(left), present(contact(left_lists=[5])))
    assert way.stays == (Stay(name="list 5", because=Staying.LEFT),)


def test_a_list_that_does_not_exist_any_more_is_told() -> None:
    """Nobody can join it."""
    left = update(before=contact(lists=[5]), patch=ContactPatch(remove_lists=frozenset({5})))
    way = way_back(tried(left), present(contact(), list_ids=()))
    assert way.stays == (Stay(name="list 5", because=Staying.NO_LIST),)


def test_a_list_that_somebody_else_moved_the_contact_off_or_on_is_as_it_was() -> None:
    """There is nothing left to undo."""
    joined = update(before=contact(), patch=ContactPatch(add_lists=frozenset({5})))
    assert isinstance(way_back(tried(joined), present(contact())).change, Keep)
    left = update(before=contact(lists=[5]), patch=ContactPatch(remove_lists=frozenset({5})))
    assert isinstance(way_back(tried(left), present(contact(lists=[5]))).change, Keep)


# ---------------------------------------------------------------- addresses


def test_who_moved_into_another_contact_lives_at_the_old_address_again() -> None:
    """The old contact is back, and is nobody's otherwise: an export would take it for deleted."""
    lived = Identity(customer_id="c1", email=JANE, said_at=at(1), is_deleted=False)
    there = contact(NEW_JANE, number=8)
    one = tried(
        update(NEW_JANE, number=8, before=there), known=[confirmed(JANE)], identities=[lived]
    )
    now = contact(NEW_JANE, number=8, attributes={"FIRSTNAME": "Jane"}, email_blocked=True)
    known = confirmed(NEW_JANE, 2, number=8, email_consent=said(value=False, minute=1))
    way = way_back(one, present(now, known=[known]))
    assert patch_of(way) == ContactPatch(attributes={"FIRSTNAME": None})
    assert way.memory.identities == {"c1": lived}


@pytest.mark.parametrize("is_moving_in", [True, False])
def test_a_contact_that_was_nobodys_is_nobodys_again(is_moving_in: bool) -> None:
    """What was said before its deletion is news again; a block that was set meanwhile stays."""
    home = JANE if is_moving_in else NEW_JANE
    lived = Identity(customer_id="c1", email=home, said_at=at(1), is_deleted=not is_moving_in)
    gone = confirmed(NEW_JANE, 5, number=8, email_blocked=5, is_deleted=True)
    revived = confirmed(
        NEW_JANE, 6, number=8, deleted=5, sms_consent=said(value=False, minute=6), sms_blocked=6
    )
    change = update(
        NEW_JANE,
        before=contact(NEW_JANE, number=8),
        patch=ContactPatch(attributes={"FIRSTNAME": "Jane"}, sms_blocked=True),
    )
    now = contact(NEW_JANE, number=8, attributes={"FIRSTNAME": "Jane"}, sms_blocked=True)
    one = tried(change, known=[gone], identities=[lived])
    way = way_back(one, present(now, known=[revived]))
    assert way.memory.confirmed == {
        NEW_JANE: structs.replace(
            gone, email_blocked_at=None, sms_consent=revived.sms_consent, sms_blocked_at=at(6)
        )
    }
    assert way.memory.identities == {"c1": lived}


def test_a_contact_goes_back_to_its_old_address() -> None:
    """With what was known there, and without what is known at the new one."""
    lived = Identity(customer_id="c1", email=JANE, said_at=at(1), is_deleted=False)
    one = tried(rename(JANE, NEW_JANE), known=[confirmed(JANE)], identities=[lived])
    way = way_back(one, present(contact(NEW_JANE), known=[confirmed(NEW_JANE, 2)]))
    assert patch_of(way) == ContactPatch(rename_to=JANE)
    here = way.memory.confirmed[JANE]
    assert here is not None
    assert here.email == JANE
    assert way.memory.confirmed[NEW_JANE] is None
    assert way.memory.identities == {"c1": lived}


def test_a_block_goes_back_with_the_address() -> None:
    """Brevo lifts it otherwise."""
    one = tried(rename(JANE, NEW_JANE, email_blocked=True))
    way = way_back(one, present(contact(NEW_JANE, email_blocked=True)))
    assert patch_of(way) == ContactPatch(rename_to=JANE, email_blocked=True)


def test_an_address_that_said_no_meanwhile_stays_blocked_for_whoever_goes_back() -> None:
    """Somebody had it in between, and said no to mail at it."""
    one = tried(rename(JANE, NEW_JANE))
    now = present(contact(NEW_JANE), suppressed=Suppressed(mail=frozenset({JANE})))
    way = way_back(one, now)
    assert patch_of(way) == ContactPatch(rename_to=JANE, email_blocked=True)
    assert isinstance(way.change, Update)
    assert Note.ADDRESS_SAID_NO in way.change.notes


def test_an_address_that_somebody_else_has_now_is_not_taken() -> None:
    """What else the run wrote goes back all the same."""
    moved = rename(JANE, NEW_JANE)
    patch = structs.replace(moved.patch, attributes={"FIRSTNAME": "Joan"})
    one = tried(structs.replace(moved, patch=patch))
    heir = contact(JANE, number=9)
    way = way_back(one, present(contact(NEW_JANE, attributes={"FIRSTNAME": "Joan"}), heir))
    assert patch_of(way) == ContactPatch(attributes={"FIRSTNAME": None})
    assert way.stays == (Stay(name="EMAIL", because=Staying.TAKEN),)


def test_an_address_is_free_where_its_holder_goes_too() -> None:
    """The heir was made by the same run, and was moved in by it."""
    run = [tried(rename(JANE, NEW_JANE)), tried(create(JANE), number=9)]
    now = present(contact(NEW_JANE), contact(JANE, number=9), known=[confirmed(JANE, number=9)])
    heir, jane = undo(run, now)
    assert isinstance(heir.change, Delete)
    assert patch_of(jane) == ContactPatch(rename_to=JANE)


def test_an_address_that_changed_once_more_is_left_alone() -> None:
    """Somebody gave the contact a third one."""
    now = present(structs.replace(contact(MARY), id=contact().id))
    way = way_back(tried(rename(JANE, NEW_JANE)), now)
    assert way.stays == (Stay(name="EMAIL", because=Staying.CHANGED),)


def test_a_contact_that_is_back_at_its_old_address_is_kept() -> None:
    """Undoing was cut off, say."""
    way = way_back(tried(rename(JANE, NEW_JANE)), present(contact(JANE)))
    assert isinstance(way.change, Keep)


# ---------------------------------------------------------------- creations


def created(patch: ContactPatch | None = None) -> Create:
    """Return the creation of a contact with a name and a list."""
    return create(
        patch=patch or ContactPatch(attributes={"FIRSTNAME": "Jane"}, add_lists=frozenset({5}))
    )


def test_a_contact_that_the_run_made_is_deleted() -> None:
    """And forgotten, so that the next run of the same source makes it again."""
    now = contact(attributes={"FIRSTNAME": "Jane"}, lists=[5])
    way = way_back(tried(created()), present(now, known=[confirmed()]))
    assert isinstance(way.change, Delete)
    assert way.change.patch is None
    assert way.memory.confirmed == {JANE: None}
    assert way.memory.identities == {"c1": None}


@pytest.mark.parametrize(
    "now",
    [
        contact(attributes={"FIRSTNAME": "Jane", "LASTNAME": "Doe"}, lists=[5]),
        contact(attributes={"FIRSTNAME": "Joan"}, lists=[5]),
        contact(lists=[5]),
        contact(attributes={"FIRSTNAME": "Jane"}, lists=[5, 6]),
        contact(attributes={"FIRSTNAME": "Jane"}),
        contact(attributes={"FIRSTNAME": "Jane"}, lists=[5], left_lists=[6]),
        contact(attributes={"FIRSTNAME": "Jane"}, lists=[5], email_blocked=True),
        contact(attributes={"FIRSTNAME": "Jane"}, lists=[5], sms_blocked=True),
    ],
)
def test_a_contact_that_anybody_touched_since_is_not_deleted(now: Contact) -> None:
    """It holds something that would be lost."""
    way = way_back(tried(created()), present(now, known=[confirmed()]))
    assert reason_of(way) is Reason.CHANGED_SINCE


def test_a_number_that_brevo_would_not_take_is_no_change() -> None:
    """The run left it out."""
    one = tried(created(ContactPatch(attributes={"SMS": "+12025550101"})))
    refused = confirmed(refused={"SMS": "+12025550101"})
    assert isinstance(way_back(one, present(contact(), known=[refused])).change, Delete)


def test_a_contact_that_may_have_been_there_before_is_not_deleted() -> None:
    """Brevo did not say that the run made it."""
    now = contact(attributes={"FIRSTNAME": "Jane"}, lists=[5])
    way = way_back(tried(created(), number=None), present(now))
    assert reason_of(way) is Reason.NOT_ITS_OWN


def test_a_contact_that_somebody_else_made_anew_is_not_deleted() -> None:
    """It only has the same address."""
    now = contact(number=8, attributes={"FIRSTNAME": "Jane"}, lists=[5])
    assert reason_of(way_back(tried(created()), present(now))) is Reason.GONE_SINCE


def test_a_contact_that_is_gone_already_is_forgotten_too() -> None:
    """There is nothing to write."""
    way = way_back(tried(created()), present(known=[confirmed()]))
    assert isinstance(way.change, Keep)
    assert way.memory.confirmed == {JANE: None}


def test_a_no_outlives_the_contact_that_was_made_for_it() -> None:
    """Whoever is made again some day is blocked from the start."""
    no = said(False, 1)
    patch = ContactPatch(email_blocked=True)
    known = confirmed(email_consent=no, email_blocked=1, attributes={"FIRSTNAME": "Jane"})
    way = way_back(tried(created(patch)), present(contact(email_blocked=True), known=[known]))
    here = way.memory.confirmed[JANE]
    assert here is not None
    assert here.email_consent == no
    assert here.contact_id is None
    assert here.attributes == {}
    assert way.memory.identities == {}  # It stays known whose it is.
    said_nothing = present(contact(email_blocked=True), known=[confirmed(email_blocked=1)])
    assert way_back(tried(created(patch)), said_nothing).memory.identities == {"c1": None}


def test_whoever_followed_somebody_who_is_back_is_forgotten() -> None:
    """Else the home would be theirs, and the one who is back could not leave it again."""
    moved = tried(rename(JANE, NEW_JANE), known=[confirmed(JANE)])
    came = tried(structs.replace(create(), customer=customer(ids=["c2"])), number=8)
    no = confirmed(number=8, sms_consent=said(False, 3))
    gone, back = undo(
        [moved, came],
        present(contact(NEW_JANE), contact(JANE, number=8), known=[confirmed(NEW_JANE), no]),
    )
    assert patch_of(back) == ContactPatch(rename_to=JANE)
    assert gone.memory.identities == {"c2": None}
    (stayed,) = undo([came], present(contact(JANE, number=8), known=[no]))
    assert stayed.memory.identities == {}


@pytest.mark.parametrize("is_no", [False, True])
def test_whoever_came_where_somebody_else_had_ended_is_not_taken_for_ended(is_no: bool) -> None:
    """They are forgotten, or live where their no is kept, so that their news are news again."""
    consent = said(False, 3) if is_no else None
    ended = confirmed(minute=2, number=None, is_deleted=True)
    known = confirmed(minute=3, email_consent=consent)
    way = way_back(tried(created(), known=[ended]), present(known=[known]))
    here = way.memory.confirmed[JANE]
    assert here is not None
    assert here.email_consent == consent
    assert here.is_deleted is not is_no
    assert way.memory.identities == ({} if is_no else {"c1": None})


def test_a_deletion_that_a_later_run_confirmed_is_not_forgotten() -> None:
    """The shop's last word stands."""
    way = way_back(tried(created()), present(known=[confirmed(is_deleted=True)]))
    assert way.memory.confirmed == {}


# ---------------------------------------------------------------- blocks


def consent_block() -> Update:
    """Return a block that the shop's no led to."""
    change = update(patch=ContactPatch(email_blocked=True))
    no = customer(email_consent=said(False, 1))
    field = FieldChange(name=MAIL, old=None, new=BLOCKED, why=Why.CONSENT)
    return structs.replace(change, customer=no, fields=(field,))


def deletion(*, lists: Iterable[int] = (), email: str = JANE) -> Delete:
    """Return a soft deletion of a contact that may be mailed."""
    change = soft_delete(email)
    field = FieldChange(name=MAIL, old=None, new=BLOCKED, why=Why.DELETED)
    return structs.replace(
        change,
        before=contact(email, lists=lists),
        patch=ContactPatch(email_blocked=True, remove_lists=frozenset(lists)),
        fields=(field,),
    )


def touched(minute: float, *, left_lists: Iterable[int] = ()) -> Contact:
    """Return a blocked contact that was last modified at *minute*."""
    return structs.replace(
        contact(email_blocked=True, left_lists=left_lists), modified_at=at(minute)
    )


def test_the_block_of_a_no_stays_whatever_the_operator_asks() -> None:
    """Nobody who said no is made mailable."""
    now = present(touched(5), may_unblock=True)
    way = way_back(tried(consent_block()), now)
    assert reason_of(way) is Reason.ONLY_BLOCKED
    assert way.stays == (Stay(name=MAIL, because=Staying.SAID_NO),)


def test_the_block_of_a_deletion_stays_unless_asked_for() -> None:
    """The rest comes back, and the person counts as living."""
    tombstone = confirmed(minute=2, is_deleted=True, email_blocked=2)
    one = tried(deletion(lists=[5]), known=[confirmed(is_listed=True)])
    way = way_back(one, present(touched(5), known=[tombstone]))
    assert patch_of(way) == ContactPatch(add_lists=frozenset({5}))
    assert way.stays == (Stay(name=MAIL, because=Staying.NOT_ASKED),)
    here = way.memory.confirmed[JANE]
    assert here is not None
    assert not here.is_deleted
    assert here.is_listed
    # It is still ours: newer consent may lift it where the configuration allows that.
    assert here.email_blocked_at == at(2)


def test_the_block_of_a_deletion_is_lifted_with_leave() -> None:
    """The person never said no, and nobody touched the contact since."""
    tombstone = confirmed(minute=2, is_deleted=True, email_blocked=2)
    one = tried(deletion(), known=[confirmed()])
    way = way_back(one, present(touched(5), known=[tombstone], may_unblock=True))
    assert patch_of(way) == ContactPatch(email_blocked=False)
    assert isinstance(way.change, Update)
    assert way.change.notes == (Note.DELETION_UNBLOCKED,)
    assert way.memory.confirmed == {JANE: confirmed()}


def test_a_deletion_of_which_only_the_block_is_left_is_forgotten() -> None:
    """The person counts as living, and stays blocked."""
    tombstone = confirmed(minute=2, is_deleted=True, email_blocked=2)
    one = tried(deletion(), known=[confirmed()])
    way = way_back(one, present(touched(5), known=[tombstone]))
    assert isinstance(way.change, Keep)
    here = way.memory.confirmed[JANE]
    assert here is not None
    assert not here.is_deleted


@pytest.mark.parametrize(
    ("one", "now", "known"),
    [
        pytest.param(
            structs.replace(
                deletion(), customer=customer(is_deleted=True, email_consent=said(False, 1))
            ),
            touched(5),
            confirmed(is_deleted=True),
            id="the deletion came with a no",
        ),
        pytest.param(
            deletion(),
            touched(5),
            confirmed(is_deleted=True, email_consent=said(False, 3)),
            id="a no was heard since",
        ),
        pytest.param(
            deletion(),
            touched(5),
            confirmed(is_deleted=True, was_blocked_at_deletion=True),
            id="was blocked when deleted before",
        ),
        pytest.param(
            structs.replace(deletion(), notes=(Note.MERGED_INTO_EXISTING,)),
            touched(5),
            confirmed(is_deleted=True),
            id="the person has another contact",
        ),
        pytest.param(
            deletion(), touched(6), confirmed(is_deleted=True), id="touched after our last write"
        ),
        pytest.param(
            deletion(), contact(email_blocked=True), confirmed(is_deleted=True), id="nobody knows"
        ),
        pytest.param(
            deletion(), touched(5, left_lists=[5]), confirmed(is_deleted=True), id="left a list"
        ),
    ],
)
def test_a_block_that_may_stand_for_a_no_is_not_lifted(
    one: Delete, now: Contact, known: Confirmed
) -> None:
    """Whatever the operator asks."""
    way = way_back(tried(one), present(now, known=[known], may_unblock=True))
    assert isinstance(way.change, Keep)
    (stay,) = way.stays
    assert stay.because in {Staying.SAID_NO, Staying.TOUCHED}


def test_whoever_unsubscribed_since_stays_blocked() -> None:
    """Brevo's record of it counts even where the contact looks untouched."""
    now = present(touched(5), known=[confirmed(is_deleted=True)], may_unblock=True)
    way = way_back(tried(deletion()), replace(now, unsubscribed={touched(5).id}))
    assert way.stays == (Stay(name=MAIL, because=Staying.SAID_NO),)


def test_brevos_clock_may_be_ahead() -> None:
    """It tells by how much."""
    one = tried(deletion())
    now = present(
        touched(65),
        known=[confirmed(is_deleted=True)],
        may_unblock=True,
        ahead=timedelta(minutes=60),
    )
    assert patch_of(way_back(one, now)) == ContactPatch(email_blocked=False)


def test_a_block_that_somebody_lifted_since_is_as_it_was() -> None:
    """There is nothing to undo."""
    way = way_back(tried(consent_block()), present(contact()))
    assert isinstance(way.change, Keep)


def test_a_block_that_the_run_lifted_is_set_again() -> None:
    """For SMS too: what makes nobody mailable is always allowed."""
    lifted = update(
        before=contact(email_blocked=True, sms_blocked=True),
        patch=ContactPatch(email_blocked=False, sms_blocked=False),
    )
    way = way_back(tried(lifted), present(contact()))
    assert patch_of(way) == ContactPatch(email_blocked=True, sms_blocked=True)
    same_again = way_back(tried(lifted), present(contact(email_blocked=True, sms_blocked=True)))
    assert isinstance(same_again.change, Keep)


def test_a_block_of_sms_stays() -> None:
    """It always stands for a no: deletions set none."""
    one = tried(update(patch=ContactPatch(sms_blocked=True)))
    way = way_back(one, present(contact(sms_blocked=True), may_unblock=True))
    assert reason_of(way) is Reason.ONLY_BLOCKED


# ---------------------------------------------------------------- deletions for good


def test_a_contact_that_was_deleted_for_good_is_made_anew() -> None:
    """With what it held, on the lists that it was on, except those that the person had left."""
    before = contact(attributes={"FIRSTNAME": "Jane", "GONE": "x"}, lists=[5, 7], left_lists=[6])
    one = tried(structs.replace(hard_delete(), before=before), known=[confirmed()])
    way = way_back(one, present(known=[confirmed(number=None, is_deleted=True)]))
    assert isinstance(way.change, Create)
    assert way.change.patch == ContactPatch(
        attributes={"FIRSTNAME": "Jane"}, add_lists=frozenset({5})
    )
    assert way.change.notes == (Note.MADE_ANEW, Note.PARTLY_UNDONE)
    assert way.stays == (
        Stay(name="GONE", because=Staying.NO_ATTRIBUTE),
        Stay(name="list 7", because=Staying.NO_LIST),
    )
    here = way.memory.about(contact(number=12).id).confirmed[JANE]
    assert here == confirmed(number=12)


def test_a_contact_that_somebody_else_had_deleted_is_not_made_anew() -> None:
    """The run changed nothing at Brevo; that the customer lives is remembered again."""
    one = replace(tried(hard_delete(), known=[confirmed()]), detail=GONE_ALREADY)
    way = way_back(one, present(known=[confirmed(number=None, is_deleted=True)]))
    assert isinstance(way.change, Keep)
    assert way.memory.confirmed == {JANE: confirmed()}


@pytest.mark.parametrize(
    ("before", "known", "suppressed"),
    [
        (contact(email_blocked=True), confirmed(is_deleted=True), Suppressed()),
        (contact(), confirmed(is_deleted=True, email_consent=said(False, 1)), Suppressed()),
        (contact(), confirmed(is_deleted=True), Suppressed(mail=frozenset({JANE}))),
    ],
)
def test_whoever_said_no_comes_back_blocked(
    before: Contact, known: Confirmed, suppressed: Suppressed
) -> None:
    """Whether Brevo, the shop or the ledger knows of it."""
    one = tried(structs.replace(hard_delete(), before=before))
    way = way_back(one, present(known=[known], suppressed=suppressed, may_unblock=True))
    assert isinstance(way.change, Create)
    assert way.change.patch == ContactPatch(email_blocked=True)


def test_whoever_may_get_no_sms_comes_back_so() -> None:
    """The same holds there."""
    one = tried(structs.replace(hard_delete(), before=contact(sms_blocked=True)))
    way = way_back(one, present(known=[confirmed(is_deleted=True)]))
    assert isinstance(way.change, Create)
    assert way.change.patch == ContactPatch(sms_blocked=True)


def test_a_state_that_knows_nothing_more_is_told_nothing() -> None:
    """It was lost and begun anew, say; and what it knew before may be of another contact."""
    one = written({"FIRSTNAME": "Jane"}, {"FIRSTNAME": "Joan"}, known=[confirmed(number=99)])
    held = contact(attributes={"FIRSTNAME": "Joan"})
    assert way_back(one, present(held)).memory.confirmed == {}
    now = confirmed(minute=2, attributes={"FIRSTNAME": "Joan"})
    assert way_back(one, present(held, known=[now])).memory.confirmed == {JANE: None}


def test_an_address_that_has_a_contact_again_is_left_alone() -> None:
    """Unless it is just what would be made."""
    one = tried(structs.replace(hard_delete(), before=contact(attributes={"FIRSTNAME": "Jane"})))
    known = [confirmed(number=None, is_deleted=True)]
    other = contact(number=12, attributes={"FIRSTNAME": "Joan"})
    assert reason_of(way_back(one, present(other, known=known))) is Reason.GONE_SINCE
    equal = contact(number=12, attributes={"FIRSTNAME": "Jane"})
    assert isinstance(way_back(one, present(equal, known=known)).change, Keep)


# ---------------------------------------------------------------- the law

VALUES = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
LISTS = st.frozensets(st.sampled_from([5, 6, 7]))


@st.composite
def contacts(draw: st.DrawFn, email: Email = JANE) -> Contact:
    """Return a contact in any condition."""
    values = draw(st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES[:3], VALUES)))
    left = draw(LISTS)
    return contact(
        email,
        attributes={n: v for n, v in values.items() if v is not None},
        lists=draw(LISTS) - left,
        left_lists=left,
        email_blocked=draw(st.booleans()),
        sms_blocked=draw(st.booleans()),
    )


@st.composite
def patches(draw: st.DrawFn) -> ContactPatch:
    """Return anything that a run may write to a contact that exists."""
    add_lists = draw(LISTS)
    flags = st.sampled_from([None, True, False])
    return ContactPatch(
        attributes=draw(st.dictionaries(st.sampled_from(ATTRIBUTES[:3]), VALUES)),
        rename_to=draw(st.sampled_from([None, NEW_JANE])),
        add_lists=add_lists,
        remove_lists=draw(LISTS) - add_lists,
        email_blocked=draw(flags),
        sms_blocked=draw(flags),
    )


def patched(known: Contact, patch: ContactPatch) -> Contact:
    """Return a contact after Brevo took *patch*."""
    attributes = {**known.attributes, **patch.attributes}
    flags = (patch.email_blocked, patch.sms_blocked)
    mail, sms = (
        old if new is None else new
        for old, new in zip((known.is_email_blocked, known.is_sms_blocked), flags, strict=True)
    )
    return structs.replace(
        known,
        email=patch.rename_to or known.email,
        attributes={n: v for n, v in attributes.items() if v is not None},
        list_ids=(known.list_ids | patch.add_lists) - patch.remove_lists,
        unsubscribed_list_ids=known.unsubscribed_list_ids - patch.add_lists,
        is_email_blocked=mail,
        is_sms_blocked=sms,
    )


@given(before=contacts(), ours=patches(), theirs=patches(), may_unblock=st.booleans())
def test_everything_that_can_come_back_does_and_nothing_else_is_touched(
    before: Contact, ours: ContactPatch, theirs: ContactPatch, may_unblock: bool
) -> None:
    """Field by field: as before the run where nobody wrote since, as it is where somebody did."""
    after = patched(before, ours)
    now = patched(after, structs.replace(theirs, rename_to=None))
    change = update(before.email or JANE, before=before, patch=ours)
    way = way_back(tried(change), present(now, may_unblock=may_unblock, list_ids=(5, 6, 7)))
    back = patched(now, way.change.patch) if isinstance(way.change, Update) else now

    assert back.email == before.email
    for name in ATTRIBUTES[:3]:
        is_ours = name in ours.attributes and same(now.attributes.get(name), ours.attributes[name])
        expected = before if is_ours else now
        assert same(back.attributes.get(name), expected.attributes.get(name))
    assert back.unsubscribed_list_ids == now.unsubscribed_list_ids
    for list_id in (5, 6, 7):
        is_joined = list_id in after.list_ids - before.list_ids
        is_left = list_id in before.list_ids - after.list_ids
        can_join = list_id not in now.unsubscribed_list_ids
        expected = before if is_joined or (is_left and can_join) else now
        assert (list_id in back.list_ids) is (list_id in expected.list_ids)
    # No block is lifted, and one that was lifted is set.
    was_mail_lifted = before.is_email_blocked and ours.email_blocked is False
    was_sms_lifted = before.is_sms_blocked and ours.sms_blocked is False
    assert back.is_email_blocked is (now.is_email_blocked or was_mail_lifted)
    assert back.is_sms_blocked is (now.is_sms_blocked or was_sms_lifted)


@given(before=contacts(), ours=patches(), may_unblock=st.booleans())
def test_undoing_twice_is_undoing_once(
    before: Contact, ours: ContactPatch, may_unblock: bool
) -> None:
    """Whoever is cut off undoes the run once more."""
    now = patched(before, ours)
    one = tried(update(before=before, patch=ours))
    way = way_back(one, present(now, may_unblock=may_unblock, list_ids=(5, 6, 7)))
    back = patched(now, way.change.patch) if isinstance(way.change, Update) else now
    again = way_back(one, present(back, may_unblock=may_unblock, list_ids=(5, 6, 7)))
    assert not isinstance(again.change, Update)
