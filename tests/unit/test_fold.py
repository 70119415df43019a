"""Many statements come down to one customer per address."""

from dataclasses import replace
from datetime import datetime

import pytest
from msgspec import structs

from builders import JANE, MARY, NEW_JANE, at, customer, said, statement
from customer_sync.core.customers.fold import Fold, Folded, fold
from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import Customer, Email, Reason, Statement, Trigger, Value

CREATED, UPDATED, DELETED, LISTED = (
    Trigger.CREATED,
    Trigger.UPDATED,
    Trigger.DELETED,
    Trigger.LISTED,
)


def only(folded: Folded) -> Customer:
    """Return the one customer that the input comes down to."""
    (found,) = folded.customers.values()
    return found


def held(found: Customer) -> dict[str, Value]:
    """Return the attributes without their times."""
    return {name: dated.value for name, dated in found.attributes.items()}


def living(addresses: dict[str, str], minute: float = 1) -> Identities:
    """Return a state that remembers these ids at these addresses, all alive."""
    return Identities(
        addresses={i: said(Email(e), minute) for i, e in addresses.items()},
        owners={
            Email(e): frozenset(i for i, other in addresses.items() if other == e)
            for e in addresses.values()
        },
    )


# ---------------------------------------------------------------- field by field


def test_every_field_comes_from_the_newest_statement_that_mentions_it() -> None:
    """A later statement that is silent about a field does not touch it."""
    found = only(
        fold(
            [
                statement(CREATED, 1, attributes={"FIRSTNAME": "Jane", "CITY": "Rome"}),
                statement(UPDATED, 2, attributes={"FIRSTNAME": "Janet"}),
            ]
        )
    )
    assert found.attributes == {"FIRSTNAME": said("Janet", 2), "CITY": said("Rome", 1)}


def test_a_late_arrival_only_fills_what_nothing_newer_is_known_of() -> None:
    """The older statement comes last and loses, field by field."""
    found = only(
        fold(
            [
                statement(UPDATED, 2, attributes={"FIRSTNAME": "Janet"}),
                statement(UPDATED, 1, attributes={"FIRSTNAME": "Jane", "CITY": "Rome"}),
            ]
        )
    )
    assert held(found) == {"FIRSTNAME": "Janet", "CITY": "Rome"}


def test_equal_times_are_settled_by_the_place_in_the_input() -> None:
    """Of two statements of one moment the later line wins."""
    found = only(
        fold(
            [
                statement(UPDATED, 1, attributes={"CITY": "Rome"}),
                statement(UPDATED, 1, attributes={"CITY": "Oslo"}),
            ]
        )
    )
    assert held(found) == {"CITY": "Oslo"}


def test_empty_is_a_value_that_the_shop_gives() -> None:
    """None clears an attribute, which is not the same as not mentioning it."""
    found = only(
        fold(
            [
                statement(UPDATED, 1, attributes={"CITY": "Rome"}),
                statement(UPDATED, 2, attributes={"CITY": None}),
            ]
        )
    )
    assert held(found) == {"CITY": None}


def test_consent_counts_from_the_day_of_the_decision() -> None:
    """A yes that is reported later but was given earlier does not outweigh a no."""
    found = only(
        fold(
            [
                statement(UPDATED, 5, email_consent=False),
                statement(UPDATED, 6, email_consent=True, consent_minute=2),
            ]
        )
    )
    assert found.email_consent == said(value=False, minute=5)


def test_silence_about_consent_is_neither_yes_nor_no() -> None:
    """A statement without consent leaves what was said before."""
    found = only(
        fold([statement(CREATED, 1, sms_consent=False), statement(UPDATED, 2)]),
    )
    assert (found.email_consent, found.sms_consent) == (None, said(value=False, minute=1))


# ---------------------------------------------------------------- life and death


@pytest.mark.parametrize(
    ("triggers", "is_deleted"),
    [
        ([CREATED], False),
        ([CREATED, DELETED], True),
        ([DELETED], True),
        ([DELETED, UPDATED], True),
        ([DELETED, CREATED], False),
        ([DELETED, LISTED], False),
        ([CREATED, DELETED, CREATED], False),
        ([CREATED, DELETED, CREATED, DELETED], True),
    ],
)
def test_only_a_creation_or_a_listing_revives(triggers: list[Trigger], is_deleted: bool) -> None:
    """An update after a deletion does not bring anybody back."""
    story = [statement(trigger, minute) for minute, trigger in enumerate(triggers, start=1)]
    assert only(fold(story)).is_deleted is is_deleted
    assert only(fold(reversed(story))).is_deleted is is_deleted


@pytest.mark.parametrize(
    ("triggers", "is_only_created"),
    [
        ([CREATED], True),
        ([CREATED, CREATED], True),
        ([LISTED], False),
        ([UPDATED], False),
        ([CREATED, UPDATED], False),
        ([UPDATED, DELETED, CREATED], True),
        ([CREATED, DELETED], False),
    ],
)
def test_only_created_means_nothing_but_creations_count(
    triggers: list[Trigger], is_only_created: bool
) -> None:
    """A row of an export does not count as a creation here; what a deletion voids does not."""
    story = [statement(trigger, minute) for minute, trigger in enumerate(triggers, start=1)]
    assert only(fold(story)).is_only_created is is_only_created


def test_a_deletion_forgets_what_came_before() -> None:
    """Who comes back starts anew."""
    found = only(
        fold(
            [
                statement(CREATED, 1, attributes={"CITY": "Rome"}),
                statement(DELETED, 2),
                statement(CREATED, 3, attributes={"FIRSTNAME": "Jane"}),
            ]
        )
    )
    assert held(found) == {"FIRSTNAME": "Jane"}


def test_a_late_creation_gives_back_what_was_said_after_it() -> None:
    """What lies between a deletion and the first creation is void, wherever that arrives."""
    story = [
        statement(DELETED, 1),
        statement(UPDATED, 2, attributes={"VOID": "x"}),
        statement(CREATED, 3),
        statement(UPDATED, 4, attributes={"CITY": "Rome"}),
        statement(CREATED, 5, attributes={"FIRSTNAME": "Jane"}),
    ]
    late = [*story[:2], *story[3:], story[2]]
    assert (
        held(only(fold(late))) == held(only(fold(story))) == {"CITY": "Rome", "FIRSTNAME": "Jane"}
    )


def test_a_no_outlives_a_deletion_and_a_yes_does_not() -> None:
    """Whoever comes back must say yes again, and need not say no again."""
    found = only(
        fold(
            [
                statement(CREATED, 1, email_consent=False, sms_consent=True),
                statement(DELETED, 2),
                statement(CREATED, 3),
            ]
        )
    )
    assert (found.email_consent, found.sms_consent) == (said(value=False, minute=1), None)


def test_a_yes_between_deletion_and_creation_is_void() -> None:
    """What nobody may act upon when it is said may not be acted upon later."""
    found = only(
        fold(
            [
                statement(DELETED, 1),
                statement(UPDATED, 2, email_consent=True),
                statement(CREATED, 3),
            ]
        )
    )
    assert found.email_consent is None


def test_a_no_that_a_yes_took_back_is_over_in_any_order() -> None:
    """The deletion voids the yes; the no before it does not come back to life."""
    story = [
        statement(UPDATED, 1, email_consent=False),
        statement(UPDATED, 2, email_consent=True),
        statement(DELETED, 3),
    ]
    late = [story[1], story[2], story[0]]
    assert only(fold(story)).email_consent is None
    assert only(fold(late)).email_consent is None


# ---------------------------------------------------------------- who is who


def test_an_event_without_address_finds_the_customer_by_id() -> None:
    """The state remembers where an id lives."""
    found = only(fold([statement(DELETED, 2, email=None)], living({"c1": JANE})))
    assert (found.email, found.is_deleted) == (JANE, True)


def test_an_id_that_nobody_knows_is_skipped() -> None:
    """Without an address there is nothing to be done."""
    folded = fold([statement(DELETED, 2, email=None, customer_id="c9")])
    (skipped,) = folded.skipped
    assert (skipped.reason, skipped.ids) == (Reason.UNKNOWN_CUSTOMER, frozenset({"c9"}))
    assert not folded.customers


def test_a_new_address_remembers_the_old_one() -> None:
    """The contact may still go by the address that the state remembers."""
    found = only(
        fold([statement(UPDATED, 2, email=NEW_JANE)], living({"c1": JANE})),
    )
    assert (found.email, found.former_emails) == (NEW_JANE, (JANE,))


@pytest.mark.parametrize(
    ("memory", "moved_in_at"),
    [
        (Identities(), at(2)),
        (Identities(addresses={"c1": said(JANE, 1)}), at(2)),
        (Identities(addresses={"c1": said(NEW_JANE, 1)}), None),
    ],
)
def test_who_comes_to_a_new_address_moved_in(
    memory: Identities, moved_in_at: datetime | None
) -> None:
    """Unless the state knows better: the customer lives there already."""
    story = [statement(UPDATED, 2, email=NEW_JANE, previous_email=JANE)]
    assert only(fold(story, memory)).moved_in_at == moved_in_at


def test_an_old_news_of_the_address_does_not_move_anybody() -> None:
    """The state knows a newer address than the event tells."""
    found = only(fold([statement(UPDATED, 2, email=JANE)], living({"c1": NEW_JANE}, minute=3)))
    assert found.email == NEW_JANE


def test_the_address_before_is_a_former_one() -> None:
    """`changes.email.old` helps where the state has never heard of the customer."""
    story = [statement(UPDATED, 2, customer_id=None, email=NEW_JANE, previous_email=JANE)]
    assert only(fold(story)).former_emails == (JANE,)


def test_a_former_address_where_others_live_is_theirs() -> None:
    """The contact of a shared address stays when one of two customers leaves it."""
    found = only(
        fold([statement(UPDATED, 2, email=NEW_JANE)], living({"c1": JANE, "c2": JANE})),
    )
    assert found.former_emails == ()


def test_what_was_said_under_the_address_alone_goes_along() -> None:
    """Statements without an id belong to whoever left that address later."""
    found = only(
        fold(
            [
                statement(UPDATED, 1, customer_id=None, attributes={"CITY": "Rome"}),
                statement(UPDATED, 2, email=NEW_JANE, previous_email=JANE),
            ]
        )
    )
    assert (found.email, held(found)) == (NEW_JANE, {"CITY": "Rome"})


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_chain_of_addresses_leads_to_one_customer(order: tuple[int, ...]) -> None:
    """From one address to the next and on, in whatever order it is heard."""
    story = [
        statement(CREATED, 1, customer_id=None, attributes={"CITY": "Rome"}),
        statement(UPDATED, 2, customer_id=None, email=NEW_JANE, previous_email=JANE),
        statement(UPDATED, 3, customer_id=None, email=MARY, previous_email=NEW_JANE),
    ]
    found = only(fold([story[i] for i in order]))
    assert (found.email, held(found)) == (MARY, {"CITY": "Rome"})
    assert found.former_emails == (NEW_JANE, JANE)


def test_whoever_takes_over_an_address_is_somebody_else() -> None:
    """What is said of an address after it was left is about its new owner."""
    folded = fold(
        [
            statement(UPDATED, 2, email=NEW_JANE, previous_email=JANE),
            statement(CREATED, 3, customer_id=None, attributes={"CITY": "Oslo"}),
        ]
    )
    assert held(folded.customers[JANE]) == {"CITY": "Oslo"}
    assert held(folded.customers[NEW_JANE]) == {}


# ---------------------------------------------------------------- one address, several customers


def test_two_customers_at_one_address_are_one_contact() -> None:
    """The later event wins field by field, and both ids are named."""
    found = only(
        fold(
            [
                statement(CREATED, 1, customer_id="c1", attributes={"CITY": "Rome", "NAME": "A"}),
                statement(CREATED, 2, customer_id="c2", attributes={"NAME": "B"}),
            ]
        )
    )
    assert (found.ids, held(found)) == (frozenset({"c1", "c2"}), {"CITY": "Rome", "NAME": "B"})


def test_a_contact_stays_while_another_customer_in_the_input_has_it() -> None:
    """The one who is gone is named apart, so that the state can remember it."""
    folded = fold(
        [
            statement(CREATED, 1, customer_id="c1", attributes={"NAME": "A"}),
            statement(CREATED, 2, customer_id="c2", attributes={"CITY": "Rome"}),
            statement(DELETED, 3, customer_id="c1"),
        ]
    )
    assert (only(folded).ids, held(only(folded))) == (frozenset({"c2"}), {"CITY": "Rome"})
    (skipped,) = folded.skipped
    assert (skipped.reason, skipped.ids) == (Reason.SHARED_ADDRESS, frozenset({"c1"}))
    assert (skipped.statements, skipped.deleted_at) == (2, at(3))


def test_a_contact_stays_while_the_state_knows_another_customer_there() -> None:
    """The other one is not mentioned at all in this input."""
    folded = fold([statement(DELETED, 3)], living({"c1": JANE, "c2": JANE}))
    (skipped,) = folded.skipped
    assert (skipped.reason, skipped.ids, skipped.deleted_at) == (
        Reason.SHARED_ADDRESS,
        frozenset({"c1"}),
        at(3),
    )
    assert not folded.customers


def test_a_contact_goes_with_its_last_customer() -> None:
    """Both are deleted in one input."""
    story = [statement(DELETED, 3, customer_id="c1"), statement(DELETED, 4, customer_id="c2")]
    found = fold(story, living({"c1": JANE, "c2": JANE}))
    (last,) = found.customers.values()
    assert (last.is_deleted, last.ids, last.deleted_at) == (True, frozenset({"c2"}), at(4))


def test_whoever_was_deleted_before_the_last_keeps_a_time_of_their_own() -> None:
    """What arrives later of the time in between may be a return."""
    story = [statement(DELETED, 3, customer_id="c1"), statement(DELETED, 4, customer_id="c2")]
    (skipped,) = fold(story, living({"c1": JANE, "c2": JANE})).skipped
    assert (skipped.reason, skipped.ids, skipped.deleted_at, skipped.statements) == (
        Reason.SHARED_ADDRESS,
        frozenset({"c1"}),
        at(3),
        1,
    )


def test_who_is_deleted_where_another_lives_keeps_a_time_of_their_own() -> None:
    """However many they are, and what the address alone was said of counts once."""
    story = [
        statement(DELETED, 3, customer_id="c1"),
        statement(DELETED, 4, customer_id="c2"),
        statement(UPDATED, 2, customer_id=None),
    ]
    folded = fold(story, living({"c1": JANE, "c2": JANE, "c3": JANE}))
    assert {(one.ids, one.deleted_at) for one in folded.skipped} == {
        (frozenset({"c1"}), at(3)),
        (frozenset({"c2"}), at(4)),
    }
    assert sum(one.statements for one in folded.skipped) == 3


def test_what_is_ended_at_an_address_of_before_is_told_from_the_last_home() -> None:
    """There may be a contact that was never moved."""
    story = [
        statement(UPDATED, 3, customer_id="c1", email=MARY),
        statement(DELETED, 4, customer_id="c1", email=MARY),
        statement(UPDATED, 5, customer_id="c2", email=MARY),
    ]
    found = fold(story, living({"c1": JANE})).customers
    assert {email: one.is_elsewhere for email, one in found.items()} == {JANE: True, MARY: False}


def test_those_who_were_deleted_at_one_time_are_one() -> None:
    """Such as all whom an export does not list."""
    story = [statement(DELETED, 3, customer_id="c1"), statement(DELETED, 3, customer_id="c2")]
    found = only(fold(story, living({"c1": JANE, "c2": JANE})))
    assert found.ids == frozenset({"c1", "c2"})


def test_a_contact_goes_when_the_last_is_heard_of_who_was_not_the_last_to_go() -> None:
    """The deletion of the other was known, and only that of this one was waited for."""
    known = replace(living({"c1": JANE}), deleted={"c2": at(4)})
    known = replace(known, addresses={**known.addresses, "c2": said(JANE, 4)})
    story = [statement(DELETED, 3, customer_id="c1"), statement(UPDATED, 2, customer_id="c2")]
    assert only(fold(story, known)).is_deleted


def test_the_deletion_of_one_does_not_void_what_was_said_of_the_other() -> None:
    """Each customer's own deletion counts for that customer alone."""
    found = only(
        fold(
            [
                statement(UPDATED, 1, customer_id="c2", attributes={"CITY": "Rome"}),
                statement(DELETED, 2, customer_id="c1"),
                statement(CREATED, 3, customer_id="c1", attributes={"NAME": "A"}),
            ]
        )
    )
    assert held(found) == {"CITY": "Rome", "NAME": "A"}


def test_the_no_of_a_customer_who_is_gone_still_holds_for_the_address() -> None:
    """It is the same mailbox."""
    found = only(
        fold(
            [
                statement(CREATED, 1, customer_id="c1", email_consent=False),
                statement(DELETED, 2, customer_id="c1"),
                statement(CREATED, 3, customer_id="c2"),
            ]
        )
    )
    assert found.email_consent == said(value=False, minute=1)


def test_whoever_moved_away_in_the_same_input_holds_no_address_any_more() -> None:
    """Two customers swap their addresses and are deleted: nobody is left at either."""
    folded = fold(
        [
            statement(UPDATED, 2, customer_id="c1", email=MARY),
            statement(UPDATED, 3, customer_id="c2", email=JANE),
            statement(DELETED, 4, customer_id="c1", email=None),
            statement(DELETED, 5, customer_id="c2", email=None),
        ],
        living({"c1": JANE, "c2": MARY}),
    )
    assert folded.skipped == ()
    assert all(found.is_deleted for found in folded.customers.values())
    assert folded.customers.keys() == {JANE, MARY}


@pytest.mark.parametrize("trigger", [CREATED, UPDATED])
def test_an_old_event_of_who_is_deleted_does_not_bring_a_resident_back(trigger: Trigger) -> None:
    """It is delivered again while another customer has the address by now."""
    memory = Identities(addresses={"c2": said(JANE, 5)}, deleted={"c2": at(5)})
    folded = fold(
        [statement(trigger, 4, customer_id="c2"), statement(CREATED, 6, customer_id="c3")], memory
    )
    assert only(folded).ids == {"c3"}
    (skipped,) = folded.skipped
    assert (skipped.ids, skipped.deleted_at) == (frozenset({"c2"}), at(5))


def test_an_old_event_of_who_is_deleted_does_not_touch_who_lives_there_now() -> None:
    """The other customer is known to the state alone."""
    memory = Identities(
        addresses={"c2": said(JANE, 5)},
        owners={JANE: frozenset({"c3"})},
        deleted={"c2": at(5)},
    )
    folded = fold([statement(UPDATED, 9, customer_id="c2")], memory)
    assert [skip.reason for skip in folded.skipped] == [Reason.SHARED_ADDRESS]
    assert not folded.customers


@pytest.mark.parametrize(
    ("trigger", "minute", "reason"),
    [
        (UPDATED, 9, Reason.DELETED),
        (UPDATED, 4, Reason.STALE),
        (CREATED, 4, Reason.STALE),
        (LISTED, 4, Reason.STALE),
    ],
)
def test_who_is_known_to_be_deleted_is_left_alone(
    trigger: Trigger, minute: float, reason: Reason
) -> None:
    """Nobody else is there; only a later creation would bring the customer back."""
    memory = Identities(addresses={"c2": said(JANE, 5)}, deleted={"c2": at(5)})
    folded = fold([statement(trigger, minute, customer_id="c2")], memory)
    (skipped,) = folded.skipped
    assert (skipped.reason, skipped.email, skipped.statements) == (reason, JANE, 1)
    assert not folded.customers


@pytest.mark.parametrize("trigger", [CREATED, LISTED])
def test_who_is_known_to_be_deleted_comes_back_by_a_later_creation(trigger: Trigger) -> None:
    """What the state remembers is no more than an older event."""
    memory = Identities(addresses={"c2": said(JANE, 5)}, deleted={"c2": at(5)})
    found = only(fold([statement(trigger, 9, customer_id="c2")], memory))
    assert (found.is_deleted, found.created_at) == (False, at(9))


def test_the_no_of_who_is_known_to_be_deleted_is_heard() -> None:
    """It counts should the customer come back."""
    memory = Identities(addresses={"c2": said(JANE, 5)}, deleted={"c2": at(5)})
    found = only(fold([statement(UPDATED, 9, customer_id="c2", email_consent=False)], memory))
    assert (found.is_deleted, found.email_consent) == (True, said(value=False, minute=9))


def test_a_contact_that_somebody_is_about_to_take_along_is_not_up_for_grabs() -> None:
    """The one moves out, the other only passes through the address."""
    folded = fold(
        [
            statement(UPDATED, 2, customer_id="c2", email=NEW_JANE),
            statement(UPDATED, 3, customer_id="c1", email=JANE),
            statement(UPDATED, 4, customer_id="c1", email="third@example.com", previous_email=JANE),
        ],
        living({"c1": MARY, "c2": JANE}),
    )
    assert folded.customers[NEW_JANE].former_emails == (JANE,)
    assert folded.customers[Email("third@example.com")].former_emails == (MARY,)


def test_who_moved_in_with_somebody_and_is_deleted_leaves_no_contact_behind() -> None:
    """The contact stands at the old address still, which is nobody's now."""
    folded = fold(
        [
            statement(UPDATED, 2, customer_id="c1", email=MARY),
            statement(DELETED, 3, customer_id="c1", email=None),
        ],
        living({"c1": JANE, "c2": MARY}),
    )
    (skipped,) = folded.skipped
    assert (skipped.reason, skipped.email) == (Reason.SHARED_ADDRESS, MARY)
    assert (only(folded).email, only(folded).is_deleted, only(folded).statements) == (JANE, True, 0)


def test_who_is_deleted_by_the_address_alone_leaves_no_contact_behind_either() -> None:
    """One of the two comes back; the other one's old contact goes."""
    folded = fold(
        [
            statement(CREATED, 1, customer_id="c1", email=MARY),
            statement(CREATED, 2, customer_id="c2", email=MARY, previous_email=JANE),
            statement(DELETED, 3, customer_id=None, email=MARY),
            statement(CREATED, 4, customer_id="c1", email=None),
        ]
    )
    assert folded.customers[JANE].is_deleted
    assert folded.customers[MARY].ids == {"c1"}


def test_a_deletion_of_the_address_itself_is_meant_for_all_who_live_there() -> None:
    """An event without an id names the contact."""
    story = [statement(DELETED, 3, customer_id=None)]
    assert only(fold(story, living({"c1": JANE, "c2": JANE}))).is_deleted


# ---------------------------------------------------------------- what waited for its retry


def folded_again(*waiting: Customer, later: tuple[Statement, ...] = ()) -> Customer:
    """Fold customers from the retry queue together with statements of a later run."""
    collected = Fold()
    for said_now in later:
        collected.add(said_now)
    for one in waiting:
        collected.add_customer(structs.replace(one, statements=0))
    return only(collected.customers(Identities()))


def test_a_customer_that_waited_comes_out_as_it_went_in() -> None:
    """The retry queue loses nothing."""
    first = only(
        fold(
            [
                statement(CREATED, 1, attributes={"CITY": "Rome"}, email_consent=False),
                statement(UPDATED, 2, email=NEW_JANE, previous_email=JANE),
            ]
        )
    )
    assert folded_again(first) == structs.replace(first, statements=0)


def test_a_tombstone_that_waited_comes_out_as_it_went_in() -> None:
    """A deletion that did not get through is still one."""
    first = only(fold([statement(CREATED, 1), statement(DELETED, 2)]))
    assert folded_again(first) == structs.replace(first, statements=0)


def test_newer_statements_replace_what_waited_field_by_field() -> None:
    """The rest of what waited still counts."""
    waiting = customer(minute=1, attributes={"CITY": "Rome", "NAME": "A"})
    now = statement(UPDATED, 2, attributes={"NAME": "B"})
    assert held(folded_again(waiting, later=(now,))) == {"CITY": "Rome", "NAME": "B"}


def test_a_statement_of_the_same_time_is_newer_than_what_waited() -> None:
    """It was read again from a source that may have been mended."""
    waiting = customer(minute=1, attributes={"NAME": "A"})
    now = statement(UPDATED, 1, attributes={"NAME": "B"})
    assert held(folded_again(waiting, later=(now,))) == {"NAME": "B"}


def test_a_deletion_beats_a_creation_that_waited() -> None:
    """What happened meanwhile at the shop is what counts."""
    waiting = customer(minute=1, created=1, is_only_created=True)
    assert folded_again(waiting, later=(statement(DELETED, 2),)).is_deleted


def test_who_comes_to_an_address_after_it_was_left_is_somebody_else() -> None:
    """However often the one who left is heard of at the new address."""
    folded = fold(
        [
            statement(CREATED, 2, email=NEW_JANE, previous_email=JANE),
            statement(CREATED, 4, customer_id=None, email=JANE, attributes={"FIRSTNAME": "Joan"}),
            statement(UPDATED, 6, email=NEW_JANE),
        ]
    )
    assert {email: held(one) for email, one in folded.customers.items()} == {
        NEW_JANE: {},
        JANE: {"FIRSTNAME": "Joan"},
    }


def test_who_comes_back_to_an_address_leaves_it_anew() -> None:
    """What was said of it meanwhile is about the same customer."""
    folded = fold(
        [
            statement(CREATED, 1, email=JANE),
            statement(UPDATED, 2, email=NEW_JANE),
            statement(UPDATED, 3, email=JANE),
            statement(UPDATED, 4, customer_id=None, email=JANE, attributes={"CITY": "Rome"}),
            statement(UPDATED, 5, email=NEW_JANE),
        ]
    )
    assert (only(folded).email, held(only(folded))) == (NEW_JANE, {"CITY": "Rome"})


def test_waiting_makes_no_address_newer_than_it_is() -> None:
    """Whoever is heard of at it since then is somebody else, and stays so."""
    told = (
        statement(CREATED, 1, email=NEW_JANE, previous_email=JANE),
        statement(CREATED, 2, customer_id=None, email=JANE),
        statement(UPDATED, 3, email=MARY),
    )
    at_once = fold(told)
    waiting = structs.replace(at_once.customers[MARY], statements=0)
    collected = Fold()
    for one in told:
        collected.add(one)
    collected.add_customer(waiting)
    assert collected.customers(Identities()).customers.keys() == at_once.customers.keys()


def test_what_is_said_after_a_deletion_is_kept_with_it() -> None:
    """The state may know of a return in between, which is not in this input."""
    found = only(
        fold(
            [
                statement(CREATED, 1, attributes={"FIRSTNAME": "Jane"}),
                statement(DELETED, 2),
                statement(UPDATED, 4, attributes={"CITY": "Rome"}),
            ]
        )
    )
    assert (found.is_deleted, held(found)) == (True, {"CITY": "Rome"})


def test_a_left_contact_that_waits_for_its_end_is_not_its_customers_end() -> None:
    """Whoever left the address lives on at the new one."""
    collected = Fold()
    collected.add(statement(CREATED, 1, email=NEW_JANE, previous_email=JANE))
    collected.add(statement(UPDATED, 2, email=NEW_JANE))
    collected.add_customer(left_at(JANE))
    found = collected.customers(Identities()).customers
    assert {email: one.is_deleted for email, one in found.items()} == {NEW_JANE: False, JANE: True}


def test_whoever_lives_at_a_left_address_keeps_the_contact() -> None:
    """The contact that waits to be taken out of use is somebody's again."""
    collected = Fold()
    collected.add_customer(left_at(JANE))
    collected.add(statement(CREATED, 3, customer_id="c2", email=JANE))
    found = collected.customers(Identities()).customers
    assert {email: one.is_deleted for email, one in found.items()} == {JANE: False}


def test_a_left_address_is_asked_for_like_any_other() -> None:
    """What is known of it, and what waits for it, comes along."""
    collected = Fold()
    collected.add_customer(left_at(JANE))
    assert collected.emails == {JANE}


def left_at(email: str) -> Customer:
    """Return what waits for a contact that its customer left behind."""
    return structs.replace(
        customer(email, minute=2, ids=(), is_deleted=True, statements=0), is_left=True
    )


def test_two_addresses_of_one_time_are_put_in_an_order() -> None:
    """One that waited and one that was only before are as old as each other, and no riddle."""
    collected = Fold()
    collected.add(statement(UPDATED, 1, email=None, previous_email=JANE))
    collected.add(statement(UPDATED, 0, customer_id=None, email=JANE))
    collected.add_customer(customer(MARY, minute=1))
    found = only(collected.customers(Identities()))
    assert (found.email, found.former_emails) == (MARY, (JANE,))


# ---------------------------------------------------------------- what a fold tells of itself


def test_a_fold_names_the_ids_and_addresses_that_it_heard() -> None:
    """The state is asked for these alone."""
    collected = Fold()
    collected.add(statement(UPDATED, 1, email=NEW_JANE, previous_email=JANE))
    collected.add(statement(UPDATED, 1, customer_id=None, email=MARY))
    assert collected.ids == {"c1"}
    assert collected.emails == {JANE, NEW_JANE, MARY}


def test_the_number_of_statements_adds_up() -> None:
    """Every record is accounted for in exactly one place."""
    folded = fold(
        [
            statement(CREATED, 1),
            statement(UPDATED, 2),
            statement(UPDATED, 3, customer_id=None),
            statement(DELETED, 4, customer_id="c2"),
            statement(DELETED, 5, customer_id="c9", email=None),
        ]
    )
    in_customers = sum(one.statements for one in folded.customers.values())
    assert in_customers + sum(one.statements for one in folded.skipped) == 5


def test_whoever_shared_an_address_with_somebody_who_is_deleted_takes_its_contact_along() -> None:
    """The deletion is heard of only now; without the contact its no would be left behind."""
    found = fold(
        [
            statement(DELETED, 2),
            statement(UPDATED, 4, customer_id="c2", email=NEW_JANE),
        ],
        living({"c1": JANE, "c2": JANE}),
    )
    assert found.customers[NEW_JANE].former_emails == (JANE,)


def test_whoever_leaves_an_address_to_others_is_known_to_have_shared_it() -> None:
    """The contact there stays theirs, which is why it is no name of the one who left."""
    found = fold(
        [statement(UPDATED, 4, customer_id="c2", email=NEW_JANE)], living({"c1": JANE, "c2": JANE})
    )
    assert found.customers[NEW_JANE].former_emails == ()
    assert found.customers[NEW_JANE].shared_emails == (JANE,)


def test_where_all_who_shared_an_address_leave_it_its_contact_goes_along() -> None:
    """It would be nobody's otherwise, and could still be mailed."""
    found = fold(
        [
            statement(UPDATED, 3, customer_id="c1", email=MARY),
            statement(UPDATED, 4, customer_id="c2", email=NEW_JANE),
        ],
        living({"c1": JANE, "c2": JANE}),
    )
    assert {one.former_emails for one in found.customers.values()} == {(JANE,)}
    assert {one.shared_emails for one in found.customers.values()} == {()}


@pytest.mark.parametrize("is_waiting", [False, True])
def test_whoever_follows_somebody_who_is_deleted_is_told_apart(is_waiting: bool) -> None:
    """What was confirmed at the address until then is not theirs, also if they wait for a retry."""
    known = living({"c1": JANE, "c2": MARY})
    collected = Fold()
    collected.add(statement(DELETED, 3, customer_id="c2", email=MARY))
    collected.add(statement(UPDATED, 4, email=MARY))
    moved = collected.customers(known).customers[MARY]
    if is_waiting:
        collected = Fold()
        collected.add_customer(moved)
        moved = collected.customers(known).customers[MARY]
    assert moved.vacated_at == at(3)


@pytest.mark.parametrize("is_told_of_twice", [False, True])
def test_whoever_follows_somebody_whose_end_is_known_is_told_apart(is_told_of_twice: bool) -> None:
    """The one before is not mentioned any more, and may even have been deleted after this."""
    known = Identities(ends={JANE: {"c2": at(9), "c3": at(4)}})
    collected = Fold()
    for minute in (5, 6) if is_told_of_twice else (5,):
        collected.add(statement(UPDATED, minute))
    assert only(collected.customers(known)).vacated_at == at(9)


def test_nobody_follows_themselves() -> None:
    """Somebody who comes back was deleted, and nobody else had the address."""
    known = Identities(
        addresses={"c1": said(JANE, 4)}, deleted={"c1": at(4)}, ends={JANE: {"c1": at(4)}}
    )
    assert only(fold([statement(CREATED, 5)], known)).vacated_at is None


@pytest.mark.parametrize(
    "others", [{"c1": JANE, "c2": MARY, "c3": MARY}, {"c1": MARY, "c2": MARY}, {"c1": JANE}]
)
def test_whoever_shares_an_address_shares_what_was_confirmed_there(others: dict[str, str]) -> None:
    """One of several is deleted, or one who was never there."""
    found = fold(
        [
            statement(DELETED, 3, customer_id="c2", email=MARY),
            statement(UPDATED, 4, email=MARY),
        ],
        living(others),
    )
    assert found.customers[MARY].vacated_at is None


def test_whoever_was_deleted_where_others_lived_since_has_no_part_in_their_contact() -> None:
    """Even when these are deleted too: what is written there, but for a no, is theirs."""
    known = living({"c1": JANE, "c2": JANE})
    owned = replace(known, owners={JANE: frozenset({"c1"})}, deleted={"c2": at(1)})
    found = fold(
        [
            statement(DELETED, 3),
            statement(CREATED, 4, customer_id="c2", email=NEW_JANE),
        ],
        owned,
    )
    assert found.customers[NEW_JANE].former_emails == ()
    assert found.customers[NEW_JANE].shared_emails == (JANE,)
    assert found.customers[JANE].is_deleted


def test_the_contact_of_somebody_who_is_deleted_is_not_that_of_an_earlier_owner() -> None:
    """Who had the address before, and was never known there, has no part in it either."""
    found = fold(
        [
            statement(CREATED, 2, customer_id="c2", email=JANE),
            statement(UPDATED, 3, customer_id="c2", email=NEW_JANE),
            statement(UPDATED, 5, email=MARY),
            statement(DELETED, 6, email=MARY),
        ],
        living({"c1": JANE}, 4),
    )
    assert found.customers[NEW_JANE].former_emails == ()
    assert found.customers[MARY].former_emails == (JANE,)


def test_whoever_moved_without_an_id_may_have_been_taken_for_deleted() -> None:
    """The export knew the new address alone; what was refused at the old one goes along."""
    collected = Fold()
    collected.add_customer(customer(JANE, 5, ids=[], is_deleted=True, statements=0))
    collected.add(statement(UPDATED, 4, customer_id=None, email=NEW_JANE, previous_email=JANE))
    found = collected.customers(Identities())
    assert found.customers[NEW_JANE].former_emails == ()
    assert found.customers[NEW_JANE].shared_emails == (JANE,)
    assert found.customers[JANE].is_deleted
