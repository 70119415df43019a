"""The parity sheet: where everybody stands, and that it adds up."""

from collections.abc import Iterable

import pytest

from builders import JANE, MARY, NEW_JANE, confirmed, contact, customer, said
from customer_sync.core.changes.suppression import Suppressed
from customer_sync.core.customers.fold import Folded
from customer_sync.core.customers.remembered import last_said, recalled
from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactId,
    Customer,
    Dated,
    DeleteBehavior,
    Email,
    OnDrift,
    Place,
    Policy,
    Reason,
    Skip,
)
from customer_sync.core.proving.parity import compare
from customer_sync.core.proving.sheet import (
    Entry,
    Farewell,
    Memory,
    Owner,
    Sheet,
    Shop,
    Standing,
    Unusable,
)

NAMED = {"FIRSTNAME": "Jane"}


def look(
    customers: Iterable[Customer] = (),
    contacts: Iterable[Contact] = (),
    known: Iterable[Confirmed] = (),
    *,
    policy: Policy | None = None,
    skipped: Iterable[Skip] = (),
    unusable: Iterable[Unusable] = (),
    only_deleted: Iterable[str] = (),
    waiting: dict[str, str] | None = None,
    withheld: Iterable[str] = (),
    suppressed: Suppressed | None = None,
    looked_at: Iterable[str] | None = None,
) -> Sheet:
    """Return the sheet of a shop, an account and a state."""
    there = list(contacts)
    memory = Memory(
        confirmed={one.email: one for one in known},
        waiting=waiting or {},
        withheld=frozenset(map(Email, withheld)),
        suppressed=suppressed or Suppressed(),
        roll={one.email: one.is_deleted for one in known},
    )
    shop = Shop(
        customers={one.email: one for one in customers},
        skipped=tuple(skipped),
        unusable=tuple(unusable),
        only_deleted=frozenset(only_deleted),
    )
    return compare(
        shop,
        {one.email: one for one in there if one.email is not None},
        memory,
        policy or Policy(),
        looked_at=None if looked_at is None else frozenset(map(Email, looked_at)),
        contacts=there if looked_at is None else None,
    )


def only(sheet: Sheet) -> tuple[Standing, Entry]:
    """Return how the only customer stands."""
    assert sheet.adds_up
    assert sheet.customers.total == 1
    ((standing, (entry,)),) = sheet.customers.lists.items()
    return standing, entry


def only_deleted(sheet: Sheet) -> tuple[Farewell, Entry]:
    """Return how the only deleted customer stands."""
    assert sheet.adds_up
    assert sheet.customers.total == 0
    ((farewell, (entry,)),) = sheet.deleted.lists.items()
    return farewell, entry


# ---------------------------------------------------------------- customers


def test_who_is_as_the_shop_says_is_synced() -> None:
    """And mailable."""
    standing, entry = only(look([customer(attributes=NAMED)], [contact(attributes=NAMED)]))
    assert standing is Standing.SYNCED
    assert entry == Entry(email=JANE, ids=frozenset({"c1"}), contact_id=ContactId(7))


def test_whoever_said_no_to_the_shop_is_without_consent() -> None:
    """The contact is blocked, as it should be."""
    no = customer(email_consent=said(value=False, minute=1))
    standing, _ = only(look([no], [contact(email_blocked=True)]))
    assert standing is Standing.WITHOUT_CONSENT


@pytest.mark.parametrize("yes", [said(value=True, minute=1), None])
def test_whoever_is_blocked_otherwise_is_blocked(yes: Dated[bool] | None) -> None:
    """Whether the shop says yes or nothing at all."""
    standing, _ = only(look([customer(email_consent=yes)], [contact(email_blocked=True)]))
    assert standing is Standing.BLOCKED


def test_whoever_was_erased_is_blocked() -> None:
    """There is no contact, and none is missing."""
    standing, entry = only(look([customer()], suppressed=Suppressed(erased=frozenset({JANE}))))
    assert (standing, entry.why) == (Standing.BLOCKED, Reason.ERASED.value)


def test_whoever_was_erased_and_has_a_contact_elsewhere_is_told_apart() -> None:
    """What is planned there is about that contact."""
    no = customer(NEW_JANE, former=[JANE], email_consent=said(value=False, minute=1))
    erased = Suppressed(erased=frozenset({JANE}))
    sheet = look([no], [contact()], suppressed=erased)
    standing, entry = only(sheet)
    assert (standing, entry.why) == (
        Standing.EXCEPTED,
        "what is planned is about a contact at another address",
    )
    assert [e.email for e in sheet.deleted.lists[Farewell.DIFFERENT]] == [JANE]


def test_a_no_that_did_not_arrive_is_a_difference() -> None:
    """A customer who said no and can be mailed is no matter of consent but of proof."""
    no = customer(email_consent=said(value=False, minute=1))
    standing, entry = only(look([no], [contact()]))
    assert (standing, entry.why) == (Standing.DIFFERENT, "consent")


def test_further_ids_at_an_address_are_duplicates() -> None:
    """One of them stands for the contact."""
    sheet = look([customer(ids=("c2", "c1", "c3"))], [contact()])
    assert sheet.adds_up
    assert sheet.customers.total == 3
    assert sheet.customers.count(Standing.SYNCED) == 1
    duplicates = sheet.customers.lists[Standing.DUPLICATE]
    assert [(set(e.ids), e.why) for e in duplicates] == [
        ({"c2"}, "shares its contact with id c1"),
        ({"c3"}, "shares its contact with id c1"),
    ]


def test_who_has_no_address_cannot_be_written_to() -> None:
    """It is counted all the same."""
    skip = Skip(email=None, ids=frozenset({"c9"}), reason=Reason.UNKNOWN_CUSTOMER)
    standing, entry = only(look(skipped=[skip]))
    assert (standing, set(entry.ids)) == (Standing.WITHOUT_ADDRESS, {"c9"})


def test_a_missing_contact_is_a_difference() -> None:
    """Told apart: never written, or gone since."""
    standing, entry = only(look([customer(attributes=NAMED)]))
    assert (standing, entry.why) == (Standing.DIFFERENT, "was never written")
    standing, entry = only(look([customer(attributes=NAMED)], known=[confirmed(attributes=NAMED)]))
    assert (standing, entry.why) == (Standing.DIFFERENT, "was written, and is gone from Brevo")


def test_a_contact_that_was_edited_is_a_difference() -> None:
    """With the field and the reason."""
    sheet = look(
        [customer(attributes=NAMED)],
        [contact(attributes={"FIRSTNAME": "Jo"})],
        [confirmed(attributes=NAMED)],
    )
    standing, entry = only(sheet)
    assert (standing, entry.why) == (Standing.DIFFERENT, "edited in Brevo")
    assert [(f.name, f.old, f.new) for f in entry.fields] == [("FIRSTNAME", "Jo", "Jane")]
    assert sheet.unexplained == 1


def test_drift_that_is_kept_is_explained() -> None:
    """`on_drift: brevo` decided so."""
    sheet = look(
        [customer(attributes=NAMED)],
        [contact(attributes={"FIRSTNAME": "Jo"})],
        [confirmed(attributes=NAMED)],
        policy=Policy(on_drift=OnDrift.BREVO),
    )
    assert only(sheet)[0] is Standing.EXCEPTED
    assert sheet.unexplained == 0


def test_a_value_that_brevo_refused_is_explained() -> None:
    """Such as a phone that another contact has."""
    phone = {"SMS": "+12025550123"}
    sheet = look([customer(attributes=phone)], [contact()], [confirmed(refused=phone)])
    assert only(sheet)[0] is Standing.EXCEPTED


def test_updates_that_are_disabled_are_explained() -> None:
    """The contact was there before the shop's customer."""
    newcomer = customer(attributes=NAMED, created=1, is_only_created=True)
    sheet = look([newcomer], [contact()], policy=Policy(update_enabled=False))
    assert only(sheet) == (
        Standing.EXCEPTED,
        Entry(email=JANE, ids=frozenset({"c1"}), why=Reason.UPDATES_DISABLED.value),
    )


def test_a_no_is_never_excepted() -> None:
    """Whatever the operator decided, whoever said no and can be mailed is a difference."""
    no = said(value=False, minute=1)
    newcomer = customer(created=1, is_only_created=True, email_consent=no)
    sheet = look([newcomer], [contact()], policy=Policy(update_enabled=False))
    standing, entry = only(sheet)
    assert (standing, entry.why) == (Standing.DIFFERENT, "consent")


def test_a_no_is_not_excepted_either_where_addresses_were_swapped() -> None:
    """A person has to undo the swap, and until then somebody who said no is mailed."""
    no = said(value=False, minute=1)
    sheet = look(
        [customer(JANE, former=[MARY], email_consent=no), customer(MARY, former=[JANE])],
        [contact(JANE, number=7), contact(MARY, number=8)],
    )
    (entry,) = sheet.customers.lists[Standing.DIFFERENT]
    assert entry.email == JANE
    assert entry.why.startswith("said no, and can be mailed")


@pytest.mark.parametrize("name", [JANE, "c1"])
def test_whoever_waits_in_the_queue_is_pending(name: str) -> None:
    """Known by address or by id."""
    sheet = look([customer(attributes=NAMED)], waiting={name: "in the retry queue: 503"})
    standing, entry = only(sheet)
    assert (standing, entry.why) == (Standing.PENDING, "in the retry queue: 503")
    assert sheet.unexplained == 0


def test_whoever_waits_and_is_right_already_is_synced() -> None:
    """The queue does not know yet."""
    sheet = look([customer()], [contact()], waiting={JANE: "in the retry queue"})
    assert only(sheet)[0] is Standing.SYNCED


# ---------------------------------------------------------------- records that cannot be used


def unusable(line: int, *names: str) -> Unusable:
    """Return a rejected record."""
    place = Place(file="events.jsonl", line=line)
    return Unusable(place=place, why="/data/email (email)", names=frozenset(names))


def test_a_customer_without_a_usable_record_is_invalid() -> None:
    """With the record's place."""
    standing, entry = only(look(unusable=[unusable(3, "c9")]))
    assert (standing, str(entry.place)) == (Standing.INVALID, "events.jsonl:3")


def test_records_that_share_a_name_are_one_customer() -> None:
    """Those that name nobody are one each."""
    records = [unusable(1, "c9"), unusable(2, "c9", MARY), unusable(3, MARY), unusable(4)]
    sheet = look(unusable=[*records, unusable(5)])
    assert sheet.customers.count(Standing.INVALID) == 3
    assert [str(e.place) for e in sheet.spare] == ["events.jsonl:2", "events.jsonl:3"]


@pytest.mark.parametrize("name", [JANE, "c1"])
def test_a_rejected_record_of_a_known_customer_is_no_further_customer(name: str) -> None:
    """It is listed besides."""
    sheet = look([customer()], [contact()], unusable=[unusable(2, name)])
    assert only(sheet)[0] is Standing.SYNCED
    assert [str(e.place) for e in sheet.spare] == ["events.jsonl:2"]


# ---------------------------------------------------------------- deleted customers


def test_a_deleted_customer_out_of_use_is_settled() -> None:
    """Blocked and off the list, or without a contact."""
    gone = customer(is_deleted=True)
    assert only_deleted(look([gone], [contact(email_blocked=True)]))[1].why == "out of use"
    assert only_deleted(look([gone]))[1].why == "no contact"


def test_a_deleted_customer_who_is_still_mailable_is_a_difference() -> None:
    """That is unexplained too."""
    sheet = look([customer(is_deleted=True)], [contact()])
    assert only_deleted(sheet)[0] is Farewell.DIFFERENT
    assert sheet.unexplained == 1


def test_a_withheld_deletion_is_explained() -> None:
    """By the guard's file."""
    sheet = look([customer(is_deleted=True)], [contact()], withheld=[JANE])
    assert only_deleted(sheet)[0] is Farewell.WITHHELD
    assert sheet.unexplained == 0


def test_a_deletion_that_waits_is_pending() -> None:
    """In the retry queue."""
    sheet = look([customer(is_deleted=True)], [contact()], waiting={"c1": "503"})
    assert only_deleted(sheet)[0] is Farewell.PENDING


def test_the_end_of_whoever_was_erased_is_settled() -> None:
    """There is no contact, and nobody asks for one."""
    gone = customer(is_deleted=True)
    farewell, entry = only_deleted(look([gone], suppressed=Suppressed(erased=frozenset({JANE}))))
    assert (farewell, entry.why) == (Farewell.SETTLED, Reason.ERASED.value)


def test_an_old_word_about_the_deleted_is_settled() -> None:
    """Where the state knows no more than that they are gone."""
    skip = Skip(email=JANE, ids=frozenset({"c1"}), reason=Reason.SHARED_ADDRESS)
    assert only_deleted(look(skipped=[skip]))[1].why == Reason.SHARED_ADDRESS.value


def test_the_deletion_of_somebody_unknown_is_settled() -> None:
    """There never was a contact."""
    skip = Skip(email=None, ids=frozenset({"c9"}), reason=Reason.UNKNOWN_CUSTOMER)
    assert only_deleted(look(skipped=[skip], only_deleted=["c9"]))[0] is Farewell.SETTLED


def test_a_contact_left_at_an_old_address_is_no_customer() -> None:
    """It is to be taken out of use."""
    moved = customer(NEW_JANE, former=[JANE])
    sheet = look([moved], [contact(NEW_JANE, number=8), contact(JANE)])
    assert sheet.adds_up
    assert sheet.customers.count(Standing.SYNCED) == 1
    assert [e.email for e in sheet.deleted.lists[Farewell.DIFFERENT]] == [JANE]


# ---------------------------------------------------------------- contacts


def test_every_contact_has_an_owner() -> None:
    """A customer, a deleted one, one of another source, or nobody."""
    strangers = [contact("x@example.com", number=4), contact(None, number=5)]
    sheet = look(
        [customer(), customer(MARY, ids=("c2",), is_deleted=True)],
        [
            contact(number=1),
            contact(MARY, number=2, email_blocked=True),
            contact("old@example.com", number=3),
            *strangers,
        ],
        [confirmed("old@example.com")],
    )
    assert sheet.contacts is not None
    assert sheet.contacts.total == 5
    owners = {kind: [e.contact_id for e in es] for kind, es in sheet.contacts.lists.items()}
    assert owners == {
        Owner.CUSTOMER: [1],
        Owner.DELETED: [2],
        Owner.REMEMBERED: [3],
        Owner.NOBODY: [4, 5],
    }


def test_a_contact_that_is_to_move_belongs_to_its_customer() -> None:
    """Although its address is not the customer's yet."""
    sheet = look([customer(NEW_JANE, former=[JANE])], [contact(JANE)])
    assert sheet.contacts is not None
    assert sheet.contacts.count(Owner.CUSTOMER) == 1


def test_a_deleted_customer_of_another_source_is_still_a_deleted_one() -> None:
    """The state knows."""
    sheet = look([], [contact()], [confirmed(is_deleted=True)])
    assert sheet.contacts is not None
    assert sheet.contacts.count(Owner.DELETED) == 1


# ---------------------------------------------------------------- samples


def test_a_sample_leaves_the_others_out() -> None:
    """They are counted as not looked at, and contacts are not counted at all."""
    people = [customer(), customer(MARY, ids=("c2",)), customer("x@example.com", is_deleted=True)]
    sheet = look(people, [contact()], looked_at=[JANE])
    assert sheet.adds_up
    assert sheet.contacts is None
    assert sheet.customers.count(Standing.SYNCED) == 1
    assert sheet.customers.count(Standing.UNSEEN) == 1
    assert sheet.deleted.count(Farewell.UNSEEN) == 1


# ---------------------------------------------------------------- what was said last


def fold_of(customers: dict[Email, Customer], *skipped: Skip) -> Folded:
    """Return a fold that came to *customers*."""
    return Folded(customers=customers, skipped=skipped)


def test_an_older_source_is_no_difference() -> None:
    """What was confirmed since is what the shop said last."""
    older = {JANE: customer(minute=1, attributes=NAMED)}
    known = {JANE: confirmed(minute=5, attributes={"FIRSTNAME": "Janet"})}
    said_last = last_said(fold_of(older), known).customers[JANE]
    assert said_last.attributes["FIRSTNAME"].value == "Janet"


def test_fields_that_a_source_leaves_out_are_looked_at_too() -> None:
    """As they were confirmed."""
    newer = {JANE: customer(minute=9, attributes={"LASTNAME": "Roe"})}
    said_last = last_said(fold_of(newer), {JANE: confirmed(attributes=NAMED)}).customers[JANE]
    values = {name: one.value for name, one in said_last.attributes.items()}
    assert values == {"FIRSTNAME": "Jane", "LASTNAME": "Roe"}


def test_whoever_was_deleted_since_is_deleted() -> None:
    """Whatever an older source says."""
    older = {JANE: customer(minute=1, attributes=NAMED)}
    known = {JANE: confirmed(minute=5, is_deleted=True)}
    assert last_said(fold_of(older), known).customers[JANE].is_deleted


def test_a_contact_that_was_left_out_of_use_is_no_difference() -> None:
    """Whatever deletions mean by now; one that was to go for good is one if it is back."""
    hard = Policy(delete_behavior=DeleteBehavior.HARD)
    there = [contact(email_blocked=True)]
    left, gone = confirmed(is_deleted=True), confirmed(number=None, is_deleted=True)
    assert only_deleted(look([recalled(left)], there, [left], policy=hard))[0] is Farewell.SETTLED
    assert only_deleted(look([recalled(gone)], there, [gone], policy=hard))[0] is Farewell.DIFFERENT


def test_whoever_is_mentioned_in_vain_is_described_by_the_state() -> None:
    """A deleted customer whom a file still speaks about is a deleted one."""
    skip = Skip(email=JANE, ids=frozenset({"c1"}), reason=Reason.DELETED)
    folded = fold_of({}, skip)
    known = {JANE: confirmed(minute=5, is_deleted=True)}
    assert last_said(folded, known).skipped == ()
    assert last_said(folded, known).customers[JANE] == recalled(known[JANE], frozenset({"c1"}))
    assert last_said(folded, {}).skipped == (skip,)
