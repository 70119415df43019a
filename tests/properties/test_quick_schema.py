"""What the quick validator accepts, the deciding one accepts: the schema is read alike by both."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_sync.core.model import Trigger
from customer_sync.core.schema import Schema
from customer_sync.event_schema import event_schema

SCHEMA = Schema(event_schema())
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_read_alike(content: object) -> None:
    """What is plainly allowed, is allowed."""
    if SCHEMA.accepts(content):
        assert not list(SCHEMA.errors(content))


def event(data: object, **envelope: object) -> dict[str, object]:
    """Return an event in order but for *data* and *envelope*."""
    timestamp = "2024-01-15T10:30:00Z"
    return {"event": "customer_updated", "timestamp": timestamp, "data": data, **envelope}


# ---------------------------------------------------------------- a corpus of tricky values

DEEP: Any = {}
for _ in range(400):
    DEEP = {"a": [DEEP]}
BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
NOT_BLANK = "\ufeff\u200b\u180e\u2060\x00\x1b\x7f"
TRICKY: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        2,
        -1,
        -0.0,
        0.0,
        1.0,
        1.5,
        2.0,
        1e16,
        1e308,
        5e-324,
        0.1,
        0.30000000000000004,
    ),
    *(
        2**53,
        2**53 + 1,
        2**63,
        2**64,
        2**64 + 1,
        -(2**63) - 1,
        10**30,
        -(10**30),
        10**400,
        10.0**22,
    ),
    *(float("inf"), float("-inf"), float("nan"), Decimal(1), Decimal("1.5"), Decimal("NaN")),
    *(
        "",
        " ",
        "yes",
        "YES",
        "yEs",
        "no",
        "true",
        "1",
        "0",
        "2",
        "yes\n",
        "yes\r\n",
        "\nyes",
        "yes no",
    ),
    *(f"{blank}yes{blank}" for blank in BLANKS + NOT_BLANK),
    *(f"{blank}12{blank}" for blank in BLANKS + NOT_BLANK),
    *(
        "1.5",
        "1,5",
        "1 000,50",
        "1'000",
        "-.5",
        "+1e5",
        "1e-5",
        "1\n",
        "1\n\n",
        "1e",
        "--1",
        "0x10",
    ),
    # Digits and letters of other scripts, and letters that fold to ASCII.
    *(
        "\u0661\u0662",
        "\uff11",
        "\u00b2",
        "\u212aelvin",
        "ye\u017f",
        "\u017fo",
        "NO\u0130",
        "TRU\u0395",
    ),
    *("\ud800", "\udc00yes", "yes\udfff", "\ud83d\ude00", "a\x00b", "é" * 999, "a" * 100_000),
    *("jane@example.com", "jane@example.com\n", "jane@\u00fcber.example", "@", "a@b"),
    *(
        [],
        [None],
        ["a"],
        ["a", None, 1, 1.5],
        [True],
        [[]],
        [{}],
        ["a", "\ud800"],
        [10**30],
        ("a",),
    ),
    *(
        {},
        {"new": 1},
        {"new": None},
        {"old": 1},
        {"new": {"new": 1}},
        {"": ""},
        {"$ref": "#"},
        DEEP,
    ),
]
TIMES = [
    *("2024-01-15T10:30:00Z", "2024-01-15t10:30:00z", "2024-01-15 10:30:00+01:00"),
    *("2024-01-15T10:30:00.123456789Z", "2024-01-15T10:30:00Z\n", "2024-01-15T10:30:00Z\r\n"),
    *(
        "\n2024-01-15T10:30:00Z",
        "2024-01-15T10:30:00Z ",
        "2024-13-45T99:99:99Z",
        "2024-01-15T10:30Z",
    ),
    *("2024-01-15T10:30:00", "2024-01-15T10:30:00+0100", "2024-01-15T10:30:00\u2212 01:00"),
    *(
        "\u0662\u0660\u0662\u0664-01-15T10:30:00Z",
        "2024-01-15T10:30:00\uff3a",
        "10000-01-15T10:30:00Z",
    ),
]


def properties(part: object) -> Iterator[str]:
    """Yield every name that the schema knows anywhere."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "properties":
                yield from value
            yield from properties(value)


NAMES = sorted(set(properties(event_schema())) - {"event", "timestamp", "data", "old", "new"})


@pytest.mark.parametrize("name", [*NAMES, "unknown", "", "\ud800", "$ref", "a/b~c"])
def test_both_read_a_field_alike(name: str) -> None:
    """Whatever tricky value it holds, plainly, as a change, or of somebody who was deleted."""
    for value in TRICKY:
        assert_read_alike(event({"id": "1", name: value}))
        assert_read_alike(event({"id": "1", name: value}, event="customer_deleted"))
        assert_read_alike(event({"id": "1", "changes": {name: value}}))
        assert_read_alike(event({"id": "1", "changes": {name: {"new": value, "old": value}}}))


@pytest.mark.parametrize("name", ["event", "timestamp", "data", "warnings", "unknown"])
def test_both_read_the_envelope_alike(name: str) -> None:
    """Missing parts and parts of the wrong kind, too."""
    for value in [*TRICKY, *TIMES, *Trigger, *map(str, Trigger), "Customer_updated"]:
        assert_read_alike({**event({}), name: value})
    missing = event({})
    missing.pop(name, None)
    assert_read_alike(missing)


@pytest.mark.parametrize("content", [*TRICKY, [event({})], {1: 2}, {None: 1}, {b"event": 1}, b"{}"])
def test_both_read_what_is_no_event_alike(content: object) -> None:
    """Also what JSON cannot hold."""
    assert_read_alike(content)


# ---------------------------------------------------------------- by chance

VALUES = st.recursive(
    st.sampled_from([*TRICKY, *TIMES]) | st.text() | st.integers() | st.floats() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES, max_size=6)


@UNTIMED
@given(
    st.fixed_dictionaries(
        {"event": st.sampled_from(list(map(str, Trigger))), "timestamp": st.sampled_from(TIMES)},
        optional={"data": FIELDS | VALUES, "warnings": VALUES},
    )
    | VALUES
)
@example({})
def test_both_read_anything_alike(content: object) -> None:
    """Whatever is put together."""
    assert_read_alike(content)


# ---------------------------------------------------------------- worth having


@pytest.mark.parametrize("name", NAMES)
def test_what_shops_write_is_plainly_allowed(name: str) -> None:
    """A text, a number, true or null: where the schema allows it, nobody has to decide."""
    for value in ["1", "yes", 1, 12.5, True, None, "", ["a", "b"], {"new": "1"}, {"a": {"new": 1}}]:
        for content in (
            event({"id": "1", name: value}),
            event({"changes": {name: {"new": value}}}),
        ):
            is_allowed = not list(SCHEMA.errors(content))
            assert SCHEMA.accepts(content) is is_allowed


def test_the_event_schema_keeps_to_what_both_read_alike() -> None:
    r"""No `\s`, `\d`, `\w`, `\b` or `\p`, no formats, no multiples, nothing that looks around."""
    text = json.dumps(event_schema())
    assert not re.search(
        r'\\\\[sSdDwWbBpP]|\(\?|"(format|multipleOf|uniqueItems|\$dynamicRef)"', text
    )
