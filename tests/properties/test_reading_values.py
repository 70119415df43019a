"""Whatever a record says, it becomes an event or a rejection, and an event one statement."""

import json
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Event,
    FieldRule,
    Place,
    Record,
    Rejection,
    Step,
    Trigger,
)
from customer_sync.core.validate import EventValidator
from customer_sync.core.values.casing import title_name
from customer_sync.core.values.names import camel_case
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import TRANSFORMS, Context, apply_steps
from customer_sync.event_schema import event_schema

NOW = datetime(2024, 1, 1, tzinfo=UTC)
PLACE = Place(file="in.jsonl", line=1)
VALIDATOR = EventValidator(event_schema())
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["yes", "1990-02-03", "+12025550123", "19.90", "Gold, Silver", "gold", ""])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["id", "email", "first_name", "firstName", "changes", "tags", "taxExempt", "totalSpent", "odd"]
)
CHANGES = st.dictionaries(
    NAMES, st.fixed_dictionaries({}, optional={"old": JSON, "new": JSON}) | JSON
)
NEARLY_EVENTS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(list(Trigger)) | JSON,
        "timestamp": st.sampled_from(["2024-01-15T10:30:00Z", "2024-02-30T10:30:00Z"]) | JSON,
        "data": st.dictionaries(NAMES | st.text(), JSON)
        | st.fixed_dictionaries({"id": st.just("c1")}, optional={"changes": CHANGES, "odd": JSON})
        | JSON,
    }
)
ATTRIBUTES = {
    kind.name: Attribute(
        name=kind.name,
        type=kind,
        options={"1": "Gold", "2": "Silver"}
        if kind is AttributeType.CATEGORY
        else {"Gold": "Gold", "Silver": "Silver"},
    )
    for kind in AttributeType
}
RULES = [FieldRule(field=name, attribute=name) for name in [*ATTRIBUTES, "SMS"]]
MAPPER = Mapper(RULES, ATTRIBUTES, default_region="US")


def event(fields: dict[str, object]) -> Event:
    """Build an update of one customer."""
    return Event(
        trigger=Trigger.UPDATED,
        occurred_at=NOW,
        place=PLACE,
        customer_id="c1",
        email=None,
        previous_email=None,
        fields={camel_case(name): value for name, value in fields.items()},
    )


@UNTIMED
@given(JSON | NEARLY_EVENTS)
def test_any_value_is_an_event_or_a_rejection(content: object) -> None:
    """Nothing is raised, events are whole, rejections give reasons."""
    judged = VALIDATOR.validate(Record(place=PLACE, content=content, written_at=NOW))
    if isinstance(judged, Rejection):
        assert judged.problems
        assert judged.content == content
        return
    assert judged.customer_id or judged.email
    assert judged.occurred_at.tzinfo is UTC
    assert {camel_case(name) for name in judged.fields} == set(judged.fields)
    assert "" not in judged.fields.values()


@UNTIMED
@given(NEARLY_EVENTS)
def test_validation_leaves_the_record_alone(content: dict[str, object]) -> None:
    """What was read can be written to the rejects file as it was."""
    before = json.dumps(content)
    VALIDATOR.validate(Record(place=PLACE, content=content, written_at=NOW))
    assert json.dumps(content) == before


@UNTIMED
@given(st.fixed_dictionaries({}, optional={rule.field: JSON for rule in RULES}))
def test_mapping_the_mapped_changes_nothing(fields: dict[str, object]) -> None:
    """Every value is in the form in which Brevo's are compared."""
    once = MAPPER.map(event(fields))
    assert MAPPER.map(event(fields)) == once
    again = MAPPER.map(event(dict(once.attributes)))
    assert again.attributes == once.attributes
    assert again.warnings == ()


def reason_to_refuse(value: object, name: str) -> str:
    """Return why a transform refuses a value, or nothing."""
    try:
        apply_steps(value, [Step(name=name)], Context(default_region="GB"))
    except TransformError as error:
        return error.detail
    return ""


@UNTIMED
@given(JSON, st.sampled_from(sorted(TRANSFORMS)))
def test_a_transform_gives_a_value_or_a_reason(value: object, name: str) -> None:
    """A reason never repeats a value of some length."""
    written = str(value)
    assert len(written) < 8 or written not in reason_to_refuse(value, name)


@UNTIMED
@given(st.text())
def test_titles_are_stable(text: str) -> None:
    """Applying it twice changes nothing more, and spaces stay."""
    once = title_name(text)
    assert title_name(once) == once
    assert [*map(str.isspace, once.split(" "))] == [*map(str.isspace, text.split(" "))]


@UNTIMED
@given(st.text(st.characters(max_codepoint=0x7F)))
def test_spelling_a_name_twice_changes_nothing_more(name: str) -> None:
    """CamelCase is where it ends."""
    assert camel_case(camel_case(name)) == camel_case(name)
