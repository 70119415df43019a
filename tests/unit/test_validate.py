"""Records become events, or rejections that name everything wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from customer_sync.core.model import Event, Place, Record, Rejection, Trigger
from customer_sync.core.schema import Schema
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema

WRITTEN_AT = datetime(2024, 1, 1, tzinfo=UTC)
VALIDATOR = EventValidator(event_schema())


def raw(content: object) -> Record:
    """Build a record."""
    return Record(place=Place(file="in.jsonl", line=7), content=content, written_at=WRITTEN_AT)


def envelope(event: str = "customer_updated", /, **data: object) -> dict[str, object]:
    """Build what a shop sends about one customer."""
    return {"event": event, "timestamp": "2024-01-15T10:30:00Z", "data": data}


def accepted(content: object) -> Event:
    """Return the event; fail where it is refused."""
    event = VALIDATOR.validate(raw(content))
    assert isinstance(event, Event), event
    return event


def rejected(content: object) -> Rejection:
    """Return the rejection; fail where it is accepted."""
    rejection = VALIDATOR.validate(raw(content))
    assert isinstance(rejection, Rejection), rejection
    return rejection


def broken(content: object) -> list[tuple[str, str]]:
    """Return pointers and rules of all problems."""
    return [(problem.pointer, problem.rule) for problem in rejected(content).problems]


def fields(**data: object) -> Mapping[str, object]:
    """Return the fields of an accepted event."""
    return accepted(envelope(id="c1", **data)).fields


def test_the_schema_is_a_schema() -> None:
    """Editors can load the file that ships with the package."""
    Draft202012Validator.check_schema(event_schema())


def test_every_part_of_the_schema_describes_what_it_wants() -> None:
    """A sentence can be made of any broken rule."""
    definitions = event_schema()["$defs"]
    assert isinstance(definitions, dict)
    undescribed = [
        name
        for name, part in definitions.items()
        if "description" not in part and "$ref" not in part
    ]
    assert undescribed == []


def test_an_event_keeps_what_the_record_says() -> None:
    """Trigger, time, place, id, address and fields arrive."""
    event = accepted(envelope("customer_created", id="c1", email="jane@example.com", city="Ulm"))
    assert event == Event(
        trigger=Trigger.CREATED,
        occurred_at=datetime(2024, 1, 15, 10, 30, tzinfo=UTC),
        place=Place(file="in.jsonl", line=7),
        customer_id="c1",
        email=event.email,
        previous_email=None,
        fields={"id": "c1", "email": "jane@example.com", "city": "Ulm"},
    )


@pytest.mark.parametrize("spelling", ["first_name", "firstName", "First Name", "FIRST-NAME"])
def test_every_spelling_of_a_field_is_one_field(spelling: str) -> None:
    """Names are camelCase afterwards."""
    assert fields(**{spelling: "Jane"}) == {"id": "c1", "firstName": "Jane"}


def test_a_field_in_two_spellings_may_say_the_same_twice() -> None:
    """Agreement is no problem."""
    assert fields(firstName="Jane", first_name="Jane")["firstName"] == "Jane"


def test_a_field_in_two_spellings_must_not_contradict_itself() -> None:
    """Neither value is picked by chance."""
    content = envelope(id="c1", firstName="Jane", first_name="Joan")
    assert broken(content) == [("/data/first_name", "spelling")]


@pytest.mark.parametrize("empty", [None, "", "  ", []])
def test_empty_values_are_none(empty: object) -> None:
    """All ways to say that there is none are one."""
    assert fields(tags=empty)["tags"] is None


def test_a_field_that_is_not_mentioned_stays_out() -> None:
    """Absent and empty are different things."""
    assert set(fields()) == {"id"}


def test_unknown_fields_are_kept_with_any_value() -> None:
    """A shop's own fields can be mapped."""
    assert fields(loyalty_card={"level": ["gold"]})["loyaltyCard"] == {"level": ["gold"]}


def test_the_address_is_trimmed_and_lower_cased() -> None:
    """Contacts are compared by one form of it."""
    event = accepted(envelope(email="  Jane.Doe@Example.COM "))
    assert event.email == "jane.doe@example.com"
    assert event.fields["email"] == "jane.doe@example.com"


@pytest.mark.parametrize("blank", [None, "", " ", "\u00a0"])
def test_a_blank_address_is_none(blank: object) -> None:
    """It says that there is none, and is nothing to reject."""
    event = accepted(envelope(id="c1", email=blank))
    assert event.email is None
    assert event.fields["email"] is None


@pytest.mark.parametrize(
    "address", ["jane", "jane@", "jane@localhost", "a b@example.com", "Jane <jane@example.com>"]
)
def test_what_is_no_address_is_rejected(address: str) -> None:
    """The pointer leads to it, the sentence does not repeat it."""
    rejection = rejected(envelope(id="c1", email=address))
    assert [(problem.pointer, problem.rule) for problem in rejection.problems] == [
        ("/data/email", "email")
    ]
    assert address not in rejection.problems[0].detail


@pytest.mark.parametrize(("given", "kept"), [(12345, "12345"), (" c1 ", "c1"), (10**17 + 1, None)])
def test_ids_are_text_to_the_last_digit(given: object, kept: str | None) -> None:
    """Whole numbers are not bent to floats."""
    assert accepted(envelope(id=given)).customer_id == (kept or str(given))


@pytest.mark.parametrize("rounded", ["7.49E+12", "7,49E+12", 7.49e12, "7e5"])
def test_a_rounded_id_is_rejected(rounded: object) -> None:
    """Spreadsheets make one id of many."""
    assert broken(envelope(id=rounded)) == [("/data/id", "exact-id")]


def test_neither_id_nor_address_is_rejected() -> None:
    """Nobody could tell whom the event is about."""
    assert broken(envelope(email="", firstName="Jane")) == [("/data", "identity")]


def test_changes_win_over_plain_fields() -> None:
    """What changed is newer than what was printed beside it."""
    content = envelope(
        id="c1", phone="1", changes={"phone": {"old": None, "new": "2"}, "city": {"new": ""}}
    )
    assert accepted(content).fields == {"id": "c1", "phone": "2", "city": None}


def test_a_change_of_the_address_tells_the_previous_one() -> None:
    """The contact can be found by it and renamed."""
    event = accepted(
        envelope(changes={"email": {"old": "OLD@example.com", "new": "new@example.com"}})
    )
    assert (event.email, event.previous_email) == ("new@example.com", "old@example.com")


def test_a_wrong_previous_address_is_ignored() -> None:
    """The past need not be in order."""
    event = accepted(envelope(changes={"email": {"old": "-", "new": "new@example.com"}}))
    assert event.previous_email is None


def test_the_pointer_leads_into_changes_as_written() -> None:
    """The spelling of the record is the one to search for."""
    content = envelope(id="c1", changes={"accepts_marketing": {"new": "maybe"}})
    assert broken(content) == [("/data/changes/accepts_marketing/new", "pattern")]


def test_a_change_needs_its_new_value() -> None:
    """What is missing is not taken for empty."""
    assert broken(envelope(id="c1", changes={"phone": {"old": "1"}})) == [
        ("/data/changes/phone", "required")
    ]


def test_all_problems_come_at_once_in_order() -> None:
    """One round of mending is enough."""
    content = {"event": "x", "timestamp": "soon", "data": {"id": {}, "totalSpent": "much"}}
    assert broken(content) == [
        ("/data/id", "type"),
        ("/data/totalSpent", "pattern"),
        ("/event", "enum"),
        ("/timestamp", "pattern"),
    ]


def test_sentences_say_what_is_wanted_and_repeat_no_value() -> None:
    """A newcomer can act, and a log holds no customer."""
    problems = rejected(envelope(id="c1", acceptsMarketing="Jane Doe")).problems
    assert [problem.detail for problem in problems] == [
        "acceptsMarketing must be true or false; the words yes, no, 1 and 0 are understood too."
    ]


def test_a_missing_envelope_is_named() -> None:
    """Every missing part stands in one sentence."""
    [problem] = rejected({"data": {"id": "c1"}}).problems
    assert problem.detail.startswith("The record lacks event and timestamp;")


@pytest.mark.parametrize("content", [None, 5, "text", [], [{}], {"data": 5}, {"data": {"": 1}}])
def test_anything_else_is_rejected(content: object) -> None:
    """No value of JSON makes it fall over."""
    assert rejected(content).content == content


@pytest.mark.parametrize("word", [True, False, "TRUE", "no", " Yes ", "0", 1])
def test_booleans_may_be_words(word: object) -> None:
    """CSV knows no booleans."""
    assert fields(acceptsMarketing=word)["acceptsMarketing"] == word


def test_a_timestamp_without_zone_is_rejected_with_a_hint() -> None:
    """The sentence shows how a zone is written."""
    content = {**envelope(id="c1"), "timestamp": "2024-01-15T10:30:00"}
    [problem] = rejected(content).problems
    assert "zone" in problem.detail
    assert "2024-01-15T10:30:00Z" in problem.detail


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2024-01-15T10:30:00Z", 10),
        ("2024-01-15t10:30:00.123456789z", 10),
        ("2024-01-15 11:30:00+01:00", 10),
    ],
)
def test_timestamps_are_utc_afterwards(written: str, hour: int) -> None:
    """All forms of RFC 3339 are understood."""
    occurred_at = accepted({**envelope(id="c1"), "timestamp": written}).occurred_at
    assert (occurred_at.hour, occurred_at.tzinfo) == (hour, UTC)


@pytest.mark.parametrize("written", ["2024-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_times_that_do_not_exist_are_rejected(written: str) -> None:
    """The calendar has the last word."""
    content = {**envelope(id="c1"), "timestamp": written}
    assert broken(content) == [("/timestamp", "timestamp")]


def test_of_a_deletion_only_its_customer_is_checked() -> None:
    """Whatever else a platform sends along is no reason to keep the customer."""
    event = accepted(envelope("customer_deleted", id=5, taxExempt="?", changes=1, deletedAt=[]))
    assert (event.trigger, event.customer_id) == (Trigger.DELETED, "5")


def test_programs_may_hand_over_tuples_and_decimals() -> None:
    """Where JSON has lists and whole numbers; a fraction is none here either."""
    assert fields(tags=("vip", "new"))["tags"] == ("vip", "new")
    assert accepted(envelope(id=Decimal(17))).customer_id == "17"
    assert broken(envelope(id=Decimal("1.5"))) == [("/data/id", "type")]


def test_of_an_event_in_order_nobody_has_to_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The validator that explains is a hundred times as slow as the one that accepts."""
    monkeypatch.delattr(Schema, "errors")
    named = envelope(id=1, first_name="Ada", tags=["vip"], acceptsMarketing=True, totalSpent=12.5)
    assert accepted(named).fields["firstName"] == "Ada"
    moved = envelope(changes={"email": {"old": None, "new": "ada@example.com"}})
    assert accepted(moved).email == "ada@example.com"
    with pytest.raises(AttributeError):
        rejected(envelope(id=1, totalSpent="much"))
