"""Events become statements in Brevo's terms, field by field."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Email,
    Event,
    FieldRule,
    FieldWarning,
    Place,
    Statement,
    Step,
    Trigger,
    Value,
)

PLACE = Place(file="in.jsonl", line=3)
ATTRIBUTES = {
    attribute.name: attribute
    for attribute in (
        Attribute(name="NAME", type=AttributeType.TEXT),
        Attribute(name="SPENT", type=AttributeType.FLOAT),
        Attribute(name="BIRTHDAY", type=AttributeType.DATE),
        Attribute(name="VIP", type=AttributeType.BOOLEAN),
        Attribute(name="TIER", type=AttributeType.CATEGORY, options={"1": "Gold", "2": "Silver"}),
        Attribute(
            name="TAGS",
            type=AttributeType.MULTIPLE_CHOICE,
            options={"Red": "Red", "Blue": "Blue"},
        ),
    )
}


def event(trigger: Trigger = Trigger.UPDATED, /, **fields: object) -> Event:
    """Build an event of one customer who has both addresses."""
    return Event(
        trigger=trigger,
        occurred_at=datetime(2024, 1, 15, tzinfo=UTC),
        place=PLACE,
        customer_id="c1",
        email=Email("jane@example.com"),
        previous_email=Email("old@example.com"),
        fields=fields,
    )


def statement(
    rules: Sequence[FieldRule], said: Event, attributes: Mapping[str, Attribute] = ATTRIBUTES
) -> Statement:
    """Map one event."""
    return Mapper(rules, attributes, default_region="US").map(said)


def rule(field: str, attribute: str, *steps: Step, typed: AttributeType | None = None) -> FieldRule:
    """Build one line of a mapping."""
    return FieldRule(field=field, attribute=attribute, type=typed, steps=steps)


def mapped(line: FieldRule, value: object) -> Mapping[str, Value]:
    """Map one value by one rule."""
    return statement([line], event(**{line.field: value})).attributes


def warned(line: FieldRule, value: object) -> str:
    """Return the only warning that a value causes."""
    made = statement([line], event(**{line.field: value}))
    [warning] = made.warnings
    assert (warning.place, warning.field) == (PLACE, line.field)
    return warning.detail


def test_who_and_when_are_passed_on() -> None:
    """A statement is about the customer of its event."""
    made = statement([], event())
    assert (made.customer_id, made.email, made.previous_email, made.place) == (
        "c1",
        "jane@example.com",
        "old@example.com",
        PLACE,
    )


def test_only_mapped_fields_become_attributes() -> None:
    """What the mapping does not name is never written."""
    made = statement([rule("firstName", "NAME")], event(firstName="Jane", city="Ulm"))
    assert made.attributes == {"NAME": "Jane"}


def test_empty_clears_and_absent_is_left_out() -> None:
    """The two are different things."""
    rules = [rule("firstName", "NAME"), rule("totalSpent", "SPENT")]
    assert statement(rules, event(firstName=None)).attributes == {"NAME": None}


@pytest.mark.parametrize(
    ("attribute", "value", "wanted"),
    [
        ("NAME", 5.0, "5"),
        ("NAME", 1e21, "1000000000000000000000"),
        ("NAME", True, "true"),
        ("NAME", ["a", 2, None], "a, 2"),
        ("SPENT", "19.90", 19.9),
        ("BIRTHDAY", "1990-02-03T00:00:00Z", "1990-02-03"),
        ("VIP", "Yes", True),
        ("TIER", "gold", "Gold"),
        ("TIER", "2", "Silver"),
        ("TIER", 2, "Silver"),
        ("TAGS", "blue, RED,blue", ("Blue", "Red")),
        ("TAGS", ["Red"], ("Red",)),
        ("SMS", "(202) 555-0123", "+12025550123"),
        ("UNHEARD_OF", 5, "5"),
    ],
)
def test_values_fit_the_attribute(attribute: str, value: object, wanted: Value) -> None:
    """The account's type decides, text where it is not known."""
    assert mapped(rule("field", attribute), value) == {attribute: wanted}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("NAME", {"first": "Jane"}),
        ("SPENT", "much"),
        ("BIRTHDAY", "03/02/1990"),
        ("VIP", "perhaps"),
        ("TIER", "Bronze"),
        ("TAGS", "Green, Yellow"),
        ("SMS", "555-0123"),
        ("WHATSAPP", "none"),
    ],
)
def test_what_does_not_fit_is_left_out_with_a_warning(attribute: str, value: object) -> None:
    """The customer stays, and the warning tells no value."""
    line = rule("field", attribute)
    assert mapped(line, value) == {}
    assert str(value) not in warned(line, value)


def test_unknown_options_are_dropped_and_counted() -> None:
    """The known ones are written all the same."""
    line = rule("tags", "TAGS")
    assert mapped(line, "Red,Green,Pink") == {"TAGS": ("Red",)}
    assert warned(line, "Red,Green,Pink") == "2 of 3 options are unknown and were left out."


def test_the_rule_outranks_the_account() -> None:
    """An explicit type is meant."""
    line = rule("vip", "VIP", typed=AttributeType.TEXT)
    assert mapped(line, True) == {"VIP": "true"}


def test_options_that_nobody_knows_are_not_checked() -> None:
    """Offline, any option is taken."""
    line = rule("tier", "TIER", typed=AttributeType.CATEGORY)
    assert statement([line], event(tier="Bronze"), {}).attributes == {"TIER": "Bronze"}


def test_steps_come_before_the_type() -> None:
    """They make it fit."""
    line = rule("birthday", "BIRTHDAY", Step(name="date", argument="%d/%m/%Y"))
    assert mapped(line, "03/02/1990") == {"BIRTHDAY": "1990-02-03"}


def test_default_needs_a_mention_and_constant_none() -> None:
    """A default stands in for empty, a constant comes with every customer."""
    rules = [
        rule("firstName", "NAME", Step(name="default", argument="friend")),
        rule("origin", "TIER", Step(name="constant", argument="gold")),
    ]
    assert statement(rules, event()).attributes == {"TIER": "Gold"}
    assert statement(rules, event(firstName=None)).attributes == {"NAME": "friend", "TIER": "Gold"}


@pytest.mark.parametrize("path", ["address.cityName", "address.city_name", "Address.City Name"])
def test_paths_lead_into_objects(path: str) -> None:
    """Every part may be spelled in any way."""
    made = statement([rule(path, "NAME")], event(address={"city_name": "Ulm"}))
    assert made.attributes == {"NAME": "Ulm"}


@pytest.mark.parametrize(
    ("address", "wanted"),
    [(None, {"NAME": None}), ({}, {}), ("Ulm", {}), ({"city": None}, {"NAME": None})],
)
def test_a_path_that_ends_early(address: object, wanted: Mapping[str, Value]) -> None:
    """An empty object has no city; an object that does not mention it says nothing."""
    assert statement([rule("address.city", "NAME")], event(address=address)).attributes == wanted


def test_a_field_whose_own_name_has_dots_is_found() -> None:
    """`changes` may name fields so."""
    made = statement([rule("address.city", "NAME")], event(**{"address.city": "Ulm"}))
    assert made.attributes == {"NAME": "Ulm"}


def test_the_address_is_no_attribute() -> None:
    """It says which contact is meant."""
    made = statement([rule("email", "EMAIL")], event(email="jane@example.com"))
    assert (made.attributes, made.email) == ({}, "jane@example.com")


def test_the_address_may_come_from_another_field() -> None:
    """The mapping steers it."""
    made = statement([rule("login", "EMAIL")], event(login=" Other@Example.com"))
    assert made.email == "other@example.com"


def test_a_wrong_address_in_another_field_is_a_warning() -> None:
    """The event's own address is kept."""
    made = statement([rule("login", "EMAIL")], event(login="other"))
    assert made.email == "jane@example.com"
    assert [warning.field for warning in made.warnings] == ["login"]


def test_the_id_can_be_mapped() -> None:
    """To EXT_ID, for example."""
    assert mapped(rule("id", "EXT_ID"), "c1") == {"EXT_ID": "c1"}


@pytest.mark.parametrize(
    ("said", "wanted"), [(True, True), ("No", False), (None, None), ("?", None)]
)
def test_consent_has_three_values(said: object, wanted: bool | None) -> None:
    """Unknown is neither yes nor no."""
    made = statement([], event(acceptsMarketing=said, acceptsSmsMarketing=said))
    assert (made.email_consent, made.sms_consent) == (wanted, wanted)


def test_unreadable_consent_is_told() -> None:
    """Somebody should mend the export."""
    made = statement([], event(acceptsMarketing="?"))
    assert [warning.field for warning in made.warnings] == ["acceptsMarketing"]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("2024-01-01T01:00:00+01:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01", None),
        (1704067200, None),
        (None, None),
    ],
)
def test_the_time_of_consent_needs_its_zone(said: object, wanted: datetime | None) -> None:
    """Otherwise it is not known well enough to decide by."""
    assert statement([], event(acceptsMarketingUpdatedAt=said)).consent_at == wanted


def test_a_deletion_is_only_about_who() -> None:
    """No attribute, no consent, no warning."""
    rules = [rule("firstName", "NAME"), rule("o", "TIER", Step(name="constant", argument="?"))]
    said = event(Trigger.DELETED, firstName="Jane", acceptsMarketing=True)
    made = statement(rules, said)
    assert (made.attributes, made.email_consent, made.warnings) == ({}, None, ())


# ---------------------------------------------------------------- what platforms' readers add


@pytest.mark.parametrize(
    ("country", "wanted"),
    [
        ("GB", "+442079460958"),
        ("gb", "+442079460958"),
        (None, None),
        ("XX", None),
        ("Italy", None),
    ],
)
def test_a_phone_is_completed_with_the_customers_country(country: object, wanted: Value) -> None:
    """Where that is not known, with the default region, in which this number does not exist."""
    said = event(phone="020 7946 0958", countryCode=country)
    assert statement([rule("phone", "SMS")], said).attributes.get("SMS") == wanted


def test_what_a_reader_left_out_is_told() -> None:
    """Its warnings come before those of the mapping."""
    first = FieldWarning(place=PLACE, field="birthday", detail="The field was left out.")
    said = replace(event(totalSpent="much"), warnings=(first,))
    made = statement([rule("totalSpent", "SPENT")], said)
    assert [warning.field for warning in made.warnings] == ["birthday", "totalSpent"]


@pytest.mark.parametrize("name", ["metaData[newsletter]", "metafields.custom.tier"])
def test_a_field_that_a_reader_found_by_its_path_is_mapped(name: str) -> None:
    """It goes by the whole path."""
    assert mapped(rule(name, "NAME"), "gold") == {"NAME": "gold"}
