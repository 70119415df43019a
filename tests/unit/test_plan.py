"""All changes in order, counted, guarded and with a digest."""

import pytest
from msgspec.structs import replace

from builders import (
    JANE,
    MARY,
    NEW_JANE,
    at,
    contact,
    create,
    customer,
    hard_delete,
    rename,
    soft_delete,
    update,
)
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Change,
    ContactId,
    ContactPatch,
    FieldRule,
    Keep,
    Limit,
    Note,
    Policy,
    Reason,
    Resubscribe,
    Skip,
)
from customer_sync.core.plan import (
    Guard,
    Plan,
    Totals,
    check_account,
    check_consent,
    contact_digest,
    make_plan,
)
from customer_sync.errors import PlanRefused

NO_GUARD = Guard(known_contacts=0, max_deletes=Limit(count=1000))
SKIP = Skip(email=None, ids=frozenset({"c9"}), reason=Reason.UNKNOWN_CUSTOMER)
KEEP = Keep(customer=customer(), before=contact(), notes=(Note.LEFT_LIST,))

IN_ORDER: tuple[Change, ...] = (
    rename(JANE, NEW_JANE, number=1),
    create("a@example.com"),
    create("b@example.com"),
    update("a@example.com", number=2),
    soft_delete(MARY, number=3),
    hard_delete(MARY, number=4),
    KEEP,
    SKIP,
)


def test_additions_come_first_and_destruction_last() -> None:
    """Renames free the addresses that creations may need; the rest changes nothing."""
    assert make_plan(reversed(IN_ORDER), NO_GUARD).changes == IN_ORDER


def test_the_same_changes_have_one_digest() -> None:
    """In whatever order they come."""
    forwards, backwards = make_plan(IN_ORDER, NO_GUARD), make_plan(reversed(IN_ORDER), NO_GUARD)
    assert forwards.digest == backwards.digest
    assert make_plan(IN_ORDER[1:], NO_GUARD).digest != forwards.digest


def test_the_digest_leaves_out_when_a_contact_was_modified() -> None:
    """Only what it holds counts."""
    older, newer = contact(), replace(contact(), modified_at=at(5))
    assert contact_digest(older) == contact_digest(newer)
    assert contact_digest(older) != contact_digest(contact(email_blocked=True))
    plans = [make_plan([replace(KEEP, before=held)], NO_GUARD) for held in (older, newer)]
    assert plans[0].digest == plans[1].digest


def test_a_plan_is_counted_by_kind() -> None:
    """Everything that went in comes out somewhere."""
    plan = make_plan(IN_ORDER, NO_GUARD)
    assert plan.totals == Totals(create=2, update=2, delete=2, keep=1, skip=1)
    assert plan.writes == IN_ORDER[:6]
    assert plan.notes == {Note.LEFT_LIST: 1}


# ---------------------------------------------------------------- the guard


@pytest.mark.parametrize(
    ("deletes", "known", "limit", "listed", "is_withheld"),
    [
        # Without a limit of the operator: 100 or a tenth, whichever is more.
        (100, 0, None, None, False),
        (101, 0, None, None, True),
        (100, 1000, None, None, False),
        (101, 1000, None, None, True),
        (200, 2000, None, None, False),
        (201, 2000, None, None, True),
        (200, 2009, None, None, False),
        # A number.
        (5, 10, Limit(count=5), None, False),
        (6, 10, Limit(count=5), None, True),
        (1, 10, Limit(count=0), None, True),
        (0, 10, Limit(count=0), None, False),
        # A share.
        (5, 10, Limit(share=0.5), None, False),
        (6, 10, Limit(share=0.5), None, True),
        (10, 10, Limit(share=1.0), None, False),
        (1, 0, Limit(share=1.0), None, True),
        # A complete export that is empty, or shrank by more than half.
        (1, 10, None, 0, True),
        (0, 10, None, 0, False),
        (5, 10, None, 5, False),
        (6, 10, None, 4, True),
        (6, 10, Limit(count=6), 4, False),
        (10, 10, Limit(share=1.0), 0, False),
    ],
)
def test_too_many_deletions_are_held_back(
    *, deletes: int, known: int, limit: Limit | None, listed: int | None, is_withheld: bool
) -> None:
    """All of them or none, and everything else goes on."""
    changes = [hard_delete(f"{n}@example.com", number=n) for n in range(1, deletes + 1)]
    guard = Guard(known_contacts=known, max_deletes=limit, listed=listed)
    plan = make_plan([*changes, create()], guard)
    assert len(plan.withheld) == (deletes if is_withheld else 0)
    assert plan.totals.delete == (0 if is_withheld else deletes)
    assert plan.totals.create == 1
    assert bool(plan.withheld_because) is is_withheld


def test_the_reason_has_numbers_and_names_the_option() -> None:
    """An operator can decide by it."""
    changes = [soft_delete(f"{n}@example.com", number=n) for n in range(1, 4)]
    plan = make_plan(changes, Guard(known_contacts=12, max_deletes=Limit(share=0.2)))
    assert plan.withheld_because == (
        "3 deletions are more than 20% of 12 known contacts; --max-deletes lifts this"
    )


def test_deletions_that_a_person_confirmed_are_not_counted() -> None:
    """Only the others are held back."""
    seen = {ContactId(1): contact_digest(hard_delete(JANE, number=1).before)}
    guard = Guard(known_contacts=10, max_deletes=Limit(count=0), confirmed=seen)
    plan = make_plan([hard_delete(JANE, number=1), hard_delete(MARY, number=2)], guard)
    assert [c.before.id for c in plan.withheld] == [2]
    assert plan.totals.delete == 1
    assert plan.withheld_because.startswith("1 deletions are more than 0 of 10")


@pytest.mark.parametrize("limit", [None, Limit(count=0), Limit(share=1.0)])
def test_a_confirmed_deletion_of_a_contact_that_changed_is_held_back(limit: Limit | None) -> None:
    """The person saw somebody else, so to speak, whatever the limit is."""
    change = hard_delete(JANE, number=1)
    guard = Guard(known_contacts=10, max_deletes=limit, confirmed={ContactId(1): "as it was"})
    plan = make_plan([change, create(MARY)], guard)
    assert plan.withheld == (change,)
    assert plan.totals == Totals(create=1)
    assert plan.withheld_because == (
        "1 contact was changed in Brevo after the deletion was withheld; look once more, "
        "--confirm-deletes lifts this"
    )


def test_when_a_contact_was_modified_does_not_matter_to_its_deletion() -> None:
    """Only what it holds does."""
    change = hard_delete(JANE, number=1)
    later = replace(change, before=replace(change.before, modified_at=at(99)))
    seen = {ContactId(1): contact_digest(change.before)}
    guard = Guard(known_contacts=10, max_deletes=Limit(count=0), confirmed=seen)
    assert make_plan([later], guard).withheld == ()


# ---------------------------------------------------------------- what the account lacks


RULES = (
    FieldRule(field="email", attribute="EMAIL"),
    FieldRule(field="city", attribute="CITY", type=AttributeType.TEXT),
    FieldRule(field="points", attribute="POINTS"),
)
HAS = {
    "CITY": Attribute(name="CITY", type=AttributeType.TEXT),
    "POINTS": Attribute(name="POINTS", type=AttributeType.FLOAT),
}


def test_an_account_that_has_everything_is_fine() -> None:
    """The address is no attribute to be made."""
    check_account(RULES, Policy(list_id=5), HAS, [5])


@pytest.mark.parametrize(
    ("attributes", "policy", "complaint"),
    [
        ({"CITY": HAS["CITY"]}, Policy(), "attribute POINTS does not exist"),
        (HAS, Policy(list_id=6), "list 6 does not exist"),
        (HAS, Policy(deleted_attribute="GONE"), "attribute GONE does not exist"),
        (
            {**HAS, "CITY": Attribute(name="CITY", type=AttributeType.FLOAT)},
            Policy(),
            "attribute CITY is float in Brevo and text",
        ),
        (
            {**HAS, "POINTS": Attribute(name="POINTS", type=None)},
            Policy(),
            "attribute POINTS cannot be written by a sync",
        ),
    ],
)
def test_what_the_account_lacks_is_named(
    attributes: dict[str, Attribute], policy: Policy, complaint: str
) -> None:
    """Brevo would answer with success and store nothing."""
    with pytest.raises(PlanRefused, match=complaint):
        check_account(RULES, policy, attributes, [5])


# ---------------------------------------------------------------- consent


@pytest.mark.parametrize(
    "patch", [ContactPatch(email_blocked=False), ContactPatch(sms_blocked=False)]
)
def test_a_plan_that_lifts_a_block_without_leave_is_refused(patch: ContactPatch) -> None:
    """Whatever made it so."""
    plan = Plan(changes=(update(patch=patch),))
    with pytest.raises(PlanRefused, match="lift the block of 1 contacts"):
        check_consent(plan, Policy(resubscribe=Resubscribe.NEVER))
    check_consent(plan, Policy(resubscribe=Resubscribe.NEWER))


def test_a_plan_that_lifts_nothing_needs_no_leave() -> None:
    """Blocks may be set, and contacts deleted."""
    check_consent(make_plan(IN_ORDER, NO_GUARD), Policy())
