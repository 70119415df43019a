"""What waits, told again as events, folds to what waits."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from builders import JANE, NEW_JANE, customer, said
from customer_sync.core.customers.fold import fold
from customer_sync.core.customers.retelling import retell
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Customer,
    Event,
    FieldRule,
    Place,
    Record,
)
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema

FIELDS = {"FIRSTNAME": "firstName", "LASTNAME": "lastName", "TAGS": "tags", "SPENT": "totalSpent"}
TYPES = {
    "FIRSTNAME": AttributeType.TEXT,
    "LASTNAME": AttributeType.TEXT,
    "TAGS": AttributeType.MULTIPLE_CHOICE,
    "SPENT": AttributeType.FLOAT,
}
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def heard(told: Customer) -> Customer:
    """Return what a run makes of the events that tell of a customer."""
    attributes = {
        name: Attribute(name=name, type=kind, options={"a": "a", "b": "b"})
        for name, kind in TYPES.items()
    }
    rules = [FieldRule(field="email", attribute="EMAIL")]
    rules += [FieldRule(field=f, attribute=a, type=TYPES[a]) for a, f in FIELDS.items()]
    mapper = Mapper(tuple(rules), attributes, default_region=None)
    validator = EventValidator(event_schema(), now=NOW)
    statements = []
    for line, content in enumerate(retell(told, FIELDS), start=1):
        place = Place(file="waiting.jsonl", line=line)
        event = validator.validate(Record(place=place, content=content, written_at=NOW))
        assert isinstance(event, Event)
        statements.append(mapper.map(event))
    (found,) = fold(statements).customers.values()
    return found


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(customer(attributes={"FIRSTNAME": "Jane"}), id="an update"),
        pytest.param(customer(), id="nothing but an address"),
        pytest.param(
            customer(minute=3, dated={"FIRSTNAME": said("Jane", 1), "LASTNAME": said(None, 3)}),
            id="fields of several times, one of them cleared",
        ),
        pytest.param(
            customer(attributes={"TAGS": ("a", "b"), "SPENT": 12.5}), id="a choice and a number"
        ),
        pytest.param(
            customer(
                minute=2,
                attributes={"FIRSTNAME": "Jane"},
                created=2,
                is_only_created=True,
            ),
            id="a creation",
        ),
        pytest.param(
            customer(minute=4, attributes={"FIRSTNAME": "Jane"}, created=2), id="updated since"
        ),
        pytest.param(
            customer(minute=4, email_consent=said(False, 2), sms_consent=said(True, 3)),
            id="consents of other times",
        ),
        pytest.param(customer(minute=4, is_deleted=True), id="a deletion"),
        pytest.param(
            customer(minute=4, is_deleted=True, email_consent=said(False, 2)),
            id="a deletion of somebody who said no",
        ),
        pytest.param(
            customer(minute=6, attributes={"FIRSTNAME": "Jane"}, created=5, deleted=3),
            id="somebody who came back",
        ),
        pytest.param(customer(ids=()), id="somebody without an id"),
        pytest.param(customer(ids=["c1", "c2"], attributes={"SPENT": 1.0}), id="a shared address"),
        pytest.param(
            customer(ids=["c1", "c2"], minute=4, is_deleted=True), id="a shared address deleted"
        ),
    ],
)
def test_what_is_told_again_is_heard_the_same(told: Customer) -> None:
    """All of it, with its times; only how many records it took is another matter."""
    assert replace(heard(told), statements=told.statements) == told


def test_a_move_is_told_with_the_address_of_before() -> None:
    """So that the contact moves along even where the state is lost."""
    told = customer(NEW_JANE, minute=2, former=[JANE], attributes={"FIRSTNAME": "Jane"})
    assert heard(told).former_emails == (JANE,)
    assert heard(told).email == NEW_JANE


def test_an_attribute_that_nothing_is_mapped_to_goes_by_its_own_name() -> None:
    """Nothing is left out in silence."""
    (event,) = retell(customer(attributes={"OLD": "x"}), {})
    assert event["data"] == {"id": "c1", "email": JANE, "OLD": "x"}
