"""What the stages tell of one person: the last word on each field, and the row of consent."""

from collections.abc import Mapping

import pytest

from builders import JANE, NEW_JANE, confirmed, contact, customer, said, statement
from customer_sync.core.changes.suppression import Suppressed
from customer_sync.core.customers.fold import fold
from customer_sync.core.model import (
    AttributeType,
    Contact,
    Customer,
    Dated,
    Email,
    Event,
    FieldRule,
    Place,
    Policy,
    Resubscribe,
    Statement,
    Step,
    Trigger,
)
from customer_sync.core.proving.story import Consent, Passage, Tracer, Verdict, consents, verdicts

NOBODY = Suppressed()


def event(fields: Mapping[str, object], trigger: Trigger = Trigger.UPDATED) -> Event:
    """Return an event that mentions these fields."""
    told = statement()
    return Event(
        trigger=trigger,
        occurred_at=told.occurred_at,
        place=told.place,
        customer_id="c1",
        email=JANE,
        previous_email=None,
        fields={"email": JANE, **fields},
    )


def passage(rule: FieldRule, fields: Mapping[str, object], region: str | None = None) -> Passage:
    """Return how one line of a mapping takes an event."""
    (found,) = Tracer([rule], {}, default_region=region).passages(event(fields))
    return found


# ---------------------------------------------------------------- mapping


def test_every_transform_is_told_with_what_it_made() -> None:
    """In their order."""
    steps = (Step(name="split"), Step(name="join", argument="/"))
    found = passage(FieldRule(field="tags", attribute="TAGS", steps=steps), {"tags": "a,b"})
    assert [(step.name, value) for step, value in found.steps] == [
        ("split", ("a", "b")),
        ("join", "a/b"),
    ]
    assert (found.value, found.is_said) == ("a/b", True)


def test_the_way_ends_at_a_transform_that_cannot_go_on() -> None:
    """With the warning that the mapping gives."""
    steps = (Step(name="strip"), Step(name="number"), Step(name="strip"))
    found = passage(
        FieldRule(field="spent", attribute="SPENT", type=AttributeType.FLOAT, steps=steps),
        {"spent": " much "},
    )
    assert [step.name for step, _ in found.steps] == ["strip"]
    assert not found.is_said
    assert len(found.warnings) == 1


def test_a_constant_is_said_without_being_mentioned() -> None:
    """It needs no field."""
    rule = FieldRule(field="shop", attribute="SHOP", steps=(Step(name="constant", argument="x"),))
    found = passage(rule, {})
    assert (found.is_mentioned, found.is_said, found.value) == (False, True, "x")


def test_the_customers_own_country_completes_a_phone() -> None:
    """As in the mapping."""
    rule = FieldRule(field="phone", attribute="SMS", steps=(Step(name="e164"),))
    found = passage(rule, {"phone": "020 7946 0958", "countryCode": "gb"}, region="US")
    assert found.steps[0][1] == found.value == "+442079460958"


def test_the_address_is_a_field_like_others() -> None:
    """Whether it is mentioned, and what it became."""
    rule = FieldRule(field="email", attribute="EMAIL")
    found = passage(rule, {})
    assert (found.raw, found.value, found.is_said) == (JANE, JANE, True)


def test_a_deletion_maps_nothing() -> None:
    """Only who it is about is kept of it."""
    rule = FieldRule(field="firstName", attribute="FIRSTNAME")
    gone = event({"firstName": "Jane"}, Trigger.DELETED)
    assert list(Tracer([rule], {}, default_region=None).passages(gone)) == []


# ---------------------------------------------------------------- folding


def told_at(line: int, minute: float, name: str) -> Statement:
    """Return a statement about one attribute that stands in a line of its own."""
    one = statement(minute=minute, attributes={"FIRSTNAME": name})
    return Statement(
        trigger=one.trigger,
        occurred_at=one.occurred_at,
        place=Place(file="events.jsonl", line=line),
        customer_id=one.customer_id,
        email=one.email,
        previous_email=None,
        attributes=one.attributes,
    )


def verdict(told: list[Statement]) -> Verdict:
    """Return what holds of the one attribute that is told of."""
    (found,) = verdicts(fold(told).customers[JANE], told)
    return found


def line(found: Verdict) -> int | None:
    """Return the line of the last word."""
    return found.said_by.line if found.said_by else None


def test_the_newest_has_the_last_word() -> None:
    """Wherever it stands."""
    found = verdict([told_at(1, 5, "Janet"), told_at(2, 1, "Jane")])
    assert (found.value, line(found)) == ("Janet", 1)
    assert [word.value for word in found.overruled] == ["Jane"]


def test_the_later_place_settles_equal_times() -> None:
    """Also where both say the same."""
    assert line(verdict([told_at(1, 5, "Jane"), told_at(2, 5, "Janet")])) == 2
    assert line(verdict([told_at(1, 5, "Jane"), told_at(2, 5, "Jane")])) == 2


def test_consent_counts_from_when_it_was_given() -> None:
    """Which may be long before the event."""
    yes = statement(minute=9, email_consent=True, consent_minute=2)
    (found,) = verdicts(customer(email_consent=said(value=True, minute=2)), [yes])
    assert (found.name, found.at, found.said_by) == (
        "consent to mail",
        yes.consent_at,
        yes.place,
    )


def test_what_no_record_says_was_heard_before() -> None:
    """By an earlier run."""
    remembered = customer(attributes={"CITY": "Rome"}, sms_consent=said(value=False, minute=1))
    assert [v.said_by for v in verdicts(remembered, [statement()])] == [None, None]


# ---------------------------------------------------------------- consent

NO, YES, LATER_YES = (
    said(value=False, minute=1),
    said(value=True, minute=1),
    said(value=True, minute=9),
)


def mail(
    consent: Dated[bool] | None,
    there: Contact | None,
    *,
    our_block: float | None = None,
    resubscribe: Resubscribe = Resubscribe.NEVER,
    suppressed: Suppressed = NOBODY,
    asked: Customer | None = None,
) -> Consent:
    """Return the row for mail."""
    known = {JANE: confirmed(email_blocked=our_block)}
    policy = Policy(resubscribe=resubscribe)
    who = asked or customer(email_consent=consent)
    return consents(who, there, known, policy, suppressed)[0]


MAILABLE, BLOCKED = contact(), contact(email_blocked=True)


@pytest.mark.parametrize(
    ("consent", "there", "written", "why"),
    [
        (NO, MAILABLE, "a block", "a no is written"),
        (NO, BLOCKED, "nothing", "Brevo holds the no already"),
        (YES, MAILABLE, "nothing", "the contact may be mailed already"),
        (YES, BLOCKED, "nothing", "the shop's yes never lifts the block of somebody else"),
        (None, MAILABLE, "nothing", "silence is neither yes nor no"),
        (None, BLOCKED, "nothing", "silence is neither yes nor no"),
        (NO, None, "a block", "whoever says no gets a contact that is blocked from the start"),
        (YES, None, "nothing", "a new contact may be mailed, and nothing has to be said of it"),
    ],
)
def test_each_row_of_the_table_has_its_reason(
    consent: Dated[bool] | None, there: Contact | None, written: str, why: str
) -> None:
    """Where the block is not ours."""
    found = mail(consent, there)
    assert (found.written, found.why) == (written, why)


@pytest.mark.parametrize(
    ("consent", "resubscribe", "written", "why"),
    [
        (LATER_YES, Resubscribe.NEWER, "the end of the block", "the yes is newer than our own"),
        (LATER_YES, Resubscribe.NEVER, "nothing", "our own block stays"),
        (YES, Resubscribe.NEWER, "nothing", "our own block is as new as the yes, or newer"),
    ],
)
@pytest.mark.parametrize("there", [BLOCKED, None])
def test_our_own_block_may_be_lifted_with_leave(
    consent: Dated[bool], resubscribe: Resubscribe, written: str, why: str, there: Contact | None
) -> None:
    """On a contact; one that is made anew comes back as it was, unless it is lifted."""
    found = mail(consent, there, our_block=5, resubscribe=resubscribe)
    if there is not None:
        assert found.written == written
        assert found.why.startswith(why)
    elif written == "nothing":
        assert (found.written, found.why) == (
            "a block",
            "whoever was blocked before comes back blocked",
        )
    else:
        assert (found.written, found.why.startswith(why)) == ("nothing", True)


@pytest.mark.parametrize("name", [JANE, NEW_JANE])
def test_the_ledger_is_asked_under_every_name(name: Email) -> None:
    """The address of before counts too."""
    moved = customer(NEW_JANE, former=[JANE])
    found = mail(None, None, suppressed=Suppressed(mail=frozenset({name})), asked=moved)
    assert (found.shop_says, found.brevo_holds, found.written) == (
        "nothing",
        "no contact",
        "a block",
    )


def test_sms_has_a_row_of_its_own() -> None:
    """By its own word and its own block."""
    who = customer(sms_consent=NO)
    _, sms = consents(who, contact(), {}, Policy(), NOBODY)
    assert (sms.channel, sms.shop_says, sms.written) == ("SMS", "no", "a block")
