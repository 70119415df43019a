"""Every short way that reading, checking and mapping take leads where the long way leads."""

import itertools
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from customer_sync.core.mapping import Mapper
from customer_sync.core.model import AttributeType, Event, FieldRule, Place, Step, Trigger
from customer_sync.core.values import casing, dates, moments, numbers
from customer_sync.core.values.readings import as_number, emptied, is_empty
from customer_sync.core.values.spelling import SpelledRecord
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import are_fixed
from customer_sync.readers.lines import LINE_LIMIT, split_lines
from customer_sync.readers.strict_json import UNSURE, JsonProblem, decode_with_care, glance

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(way: Callable[[], object]) -> str:
    """Return what comes of a way, to the last bit and type, or that nothing does."""
    try:
        return repr(way())
    except (ValueError, TransformError):
        return "refused"


def event_of(**fields: object) -> Event:
    """Build an event that says no more than *fields*."""
    return Event(
        trigger=Trigger.UPDATED,
        occurred_at=datetime.fromisoformat("2024-01-01T00:00:00Z"),
        place=Place(file="x", line=1),
        customer_id="1",
        email=None,
        previous_email=None,
        fields=fields,
    )


# ---------------------------------------------------------------- a line of JSON

ORDINARY_LINES = [
    '{"event":"customer_updated","data":{"id":"1","tags":["a","b"],"totalSpent":12.5}}',
    '{"event": "customer_updated", "data": {"id": 1, "extra": {"a": {"b": [{"c": null}]}}}}',
    r'{"event":"customer_updated","data":{"firstName":"Zo\u00eb","url":"https:\/\/example.com"}}',
    '{"event":"customer_updated","data":{"firstName":"Zoë","note":"a \\"quoted\\" word"}}',
    '{"id":123456789012345678901234567890,"spent":1E5,"none":null,"yes":true}',
    "[]",
    '"text"',
    "-0",
]
TORTUROUS_LINES = [
    *('{"a":1,"a":1}', '{"a":{"b":1,"b":2}}', '{"a":[{"b":1,"b":2}]}', r'{"a":1,"\u0061":2}'),
    *('{"a" :1,"a":2}', '{"a"\t:1,"a":2}', '{"a"\n:1,"a":2,"b":":"}', '{"a" :1,"a":":",":":2}'),
    *('{":":1,":":2}', r'{"a":"\":","a":2}', '{"a":{"x":1},"a":{"y":1}}', '{"a":1,"A":1}'),
    *("NaN", "Infinity", "-Infinity", '{"a":NaN}', "1e400", "-1e400", "1e-400", "0.1e1", "-0.0"),
    *("9007199254740993", "18446744073709551616", "-9223372036854775809", "1" * 400, "1" * 4400),
    *("1.", ".5", "+1", "01", "-", "1e5", "123456789012345678901234567890.0", "0e0", "1E+2"),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\ud800"', '"\udcff"', '"\\u0000"'),
    *('"\0"', '"\\\\u0000"', '"a\tb"', '"\x1f"', '"\x7f"', '"\u2028"', '"\\x"', '"\\/"', '"'),
    *("", " ", "\ufeff1", "1 2", "[1,]", "{,}", "{'a':1}", "nul", "true", "\u00a01", "\x0b1"),
    *("[" * 64 + "]" * 64, "[" * 65 + "]" * 65, "[" * 2000, '{"a":' * 65 + "1" + "}" * 65),
    *('"' + "[" * 70 + '"', '{"a":"{{{{"}', "[" * 5000 + "]" * 5000),
]
PARTS = st.sampled_from(
    [
        *("{", "}", "[", "]", ",", ":", " ", '"a"', '"b"', '"a":', '"a" :', '":"', r'"\":"', "1"),
        *("-0", "1.5", "1e400", "NaN", "null", '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', "\t"),
        *('"é"', "\ud800", "\0", "{}", '{"a":1}', '{"a":1,"a":2}', "12345678901234567890123"),
    ]
)


def assert_a_glance_is_right(text: str) -> None:
    """It is unsure, or says the same."""
    seen = glance(text)
    if seen is not UNSURE:
        assert repr(seen) == outcome(lambda: decode_with_care(text))


@pytest.mark.parametrize("text", ORDINARY_LINES)
def test_an_ordinary_line_needs_no_more_than_a_glance(text: str) -> None:
    """However its writer spaces it and escapes letters."""
    assert glance(text) is not UNSURE
    assert_a_glance_is_right(text)


@pytest.mark.parametrize("text", TORTUROUS_LINES)
def test_a_glance_at_a_torturous_line_is_right(text: str) -> None:
    """Names twice, numbers too large, half characters, deep nests."""
    assert_a_glance_is_right(text)
    assert_a_glance_is_right(f'{{"a":{text},"b":[{text}]}}')


@UNTIMED
@given(st.lists(PARTS, max_size=14).map("".join))
def test_a_glance_at_anything_like_json_is_right(text: str) -> None:
    """Whatever is put together."""
    assert_a_glance_is_right(text)


@UNTIMED
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.booleans(),
    st.sampled_from([None, (",", ":"), (" , ", " : ")]),
)
def test_a_glance_at_any_value_is_right(
    value: object, is_ascii: bool, separators: tuple[str, str] | None
) -> None:
    """However it is written down."""
    assert_a_glance_is_right(json.dumps(value, ensure_ascii=is_ascii, separators=separators))


def test_a_name_that_stands_twice_is_seen_wherever_blanks_and_colons_are() -> None:
    """Two pairs with one name, in every mixture of what could mislead a count."""
    gaps, values = ("", " ", "\t"), ('":"', '" :"', "1", r'"\":"', '{"a":1}')
    for one, two, first, second in itertools.product(gaps, gaps, values, values):
        text = f'{{"a"{one}:{first},"a"{two}:{second},"b":{first}}}'
        assert glance(text) is UNSURE
        with pytest.raises(JsonProblem):
            decode_with_care(text)


# ---------------------------------------------------------------- lines


@UNTIMED
@given(st.text("ab\r\n"), st.data())
def test_lines_are_the_same_however_the_text_comes_in_pieces(
    text: str, data: st.DataObject
) -> None:
    """Whether a line lies within one piece or in several."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(split_lines(pieces)) == list(split_lines(text))


def test_a_line_that_is_too_long_is_cut_within_one_piece_as_well() -> None:
    """Its neighbours are whole."""
    long = "x" * (LINE_LIMIT + 1)
    at_once = list(split_lines([f"a\n{long}\nb\n"]))
    assert [line.is_too_long for line in at_once] == [False, True, False]
    assert at_once == list(split_lines(["a\n", long[:99], long[99:], "\nb\n"]))


# ---------------------------------------------------------------- values

MOMENTS = st.from_regex(
    r"\A *[0-9]{4}-(0[0-9]|1[0-3]|W[0-5])-?[0-3]?[0-9][Tt ß_][0-2][0-9]:?[0-6][0-9](:?[0-6][0-9])?"
    r"(\.[0-9]{1,7})?([Zz]|[+-][0-2][0-9](:?[0-9]{2})?)? *\Z"
)


@UNTIMED
@given(MOMENTS | st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
@example("2024-01-15T10:30:00Z")
@example("2024-01-15ß10:30:00Z")
@example("0001-01-01T00:00:00+14:00")
@example("2024-W03-1T10:30:00Z")
def test_a_moment_is_the_same_without_mending(text: str) -> None:
    """A text that can be read as it stands."""
    assert outcome(lambda: moments.parse_moment(text)) == outcome(lambda: moments._mended(text))


def decimal_number(text: str) -> float:
    """Return what a text without separators says, by exact decimals all the way."""
    if not numbers._PLAIN.fullmatch(text.strip()):
        raise ValueError(text)
    nearest = float(Decimal(text.strip()))
    if abs(nearest) >= 2**53:
        raise ValueError(text)
    return nearest + 0.0


NUMBERS = (
    st.from_regex(r"\A[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?\Z")
    | st.integers(2**53 - 3, 2**53 + 3).map(str)
    | st.decimals(2**53 - 2, 2**53 + 2, allow_nan=False).map(str)
    | st.text("0123456789.,eE+-_ ", max_size=9)
)


@UNTIMED
@given(NUMBERS)
@example("9007199254740991.5")
@example("9007199254740991.4999999999")
@example("9007199254740992")
@example("-0")
@example("1e999")
def test_a_number_is_the_same_as_by_exact_decimals(text: str) -> None:
    """The nearest float, if whole numbers are not lost among its neighbours."""
    assert outcome(lambda: numbers.parse(text)) == outcome(lambda: decimal_number(text))


@UNTIMED
@given(st.floats() | st.integers() | st.sampled_from([2**53, -(2**53), 2.0**53 - 1, -0.0, 5e-324]))
def test_a_number_that_is_one_is_the_same_as_when_it_was_written_down(value: float) -> None:
    """And read again."""
    written = outcome(lambda: numbers.parse(numbers.as_text(value)))
    assert outcome(lambda: as_number(value)) == written


@UNTIMED
@given(
    st.from_regex(r"\A[0-9]{4}-([01][0-9]|W[0-5])-?[0-9]{1,2}([Tt ][0-9:.+Zz-]{0,14})?\Z")
    | st.dates().map(str)
)
def test_a_date_is_the_same_as_the_date_of_a_moment(text: str) -> None:
    """Whether or not a time stands behind it."""

    def as_moment() -> str:
        if not (dates._DATE.fullmatch(text) or dates._TIME.fullmatch(text)):
            raise ValueError(text)
        return datetime.fromisoformat(text.upper()).date().isoformat()

    assert outcome(lambda: dates.parse(text)) == outcome(as_moment)


@UNTIMED
@given(st.text() | st.text("aBcß'- ǅéÉ1"))
def test_a_name_that_is_right_stays_as_by_all_rules(text: str) -> None:
    """One word in mixed case needs none of them."""
    assert casing.title_name(text) == casing._title_words(text)


@UNTIMED
@given(
    st.dictionaries(
        st.text(),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.text(" \t\u00a0a")
        | st.lists(st.none())
        | st.lists(st.none()).map(tuple)
        | st.dictionaries(st.text(), st.none()),
    )
)
def test_what_is_empty_is_none_and_all_else_stays(fields: dict[str, object]) -> None:
    """The very same values, in the same order."""
    told = emptied(fields)
    assert list(told) == list(fields)
    for name, value in fields.items():
        assert told[name] is (None if is_empty(value) else value)
        assert is_empty(value) is (value is None or value in ([], ()) or not str(value).strip())


# ---------------------------------------------------------------- steps


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("number", AttributeType.FLOAT),
        ("date", AttributeType.DATE),
        ("boolean", AttributeType.BOOLEAN),
    ],
)
@UNTIMED
@given(
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | NUMBERS
    | st.lists(st.text())
    | st.dates().map(str)
    | st.sampled_from(["yes", "0", "-0", " ", -0.0])
)
def test_a_step_that_reading_does_anyway_changes_nothing(
    step: str, wanted: AttributeType, value: object
) -> None:
    """It may be left out: the same value, the same warning."""
    assume(value == value)  # noqa: PLR0124 - no JSON has a NaN
    event = event_of(field=value)
    # A step before it keeps the second one from being seen as the last.
    rules = [(Step(name=step),), (Step(name=step), Step(name=step)), ()]
    told = [
        Mapper(
            [FieldRule(field="field", attribute="ANY", type=wanted, steps=steps)],
            {},
            default_region=None,
        ).map(event)
        for steps in rules
    ]
    assert repr(told[0]) == repr(told[1]) == repr(told[2])


# ---------------------------------------------------------------- what is remembered

RULES = [
    FieldRule(field="a", attribute="TITLE", steps=(Step(name="title"),)),
    FieldRule(field="a", attribute="NUMBER", type=AttributeType.FLOAT),
    FieldRule(field="a", attribute="DATE", type=AttributeType.DATE),
    FieldRule(field="a", attribute="WORD", type=AttributeType.BOOLEAN),
    FieldRule(field="a", attribute="LIST", type=AttributeType.MULTIPLE_CHOICE),
    FieldRule(field="a", attribute="ELSE", steps=(Step(name="default", argument="none"),)),
    FieldRule(field="a", attribute="SMS", steps=(Step(name="e164"),)),
    FieldRule(field="a", attribute="PHONE", steps=(Step(name="e164"),)),
]
AGAIN = st.sampled_from(
    [
        "1",
        1,
        True,
        1.0,
        "true",
        "",
        " ",
        None,
        "ada",
        "2024-01-15",
        "(202) 555-0123",
        "07700 900123",
    ]
)


@UNTIMED
@given(
    st.lists(st.tuples(AGAIN | st.text(), st.sampled_from(["US", "GB", "DE", None])), max_size=9)
)
def test_what_came_before_makes_no_difference(said: list[tuple[object, str | None]]) -> None:
    """A value that is read again comes out as it did at first, by its type and region."""
    mapper = Mapper(RULES, {}, default_region="US")
    for value, country in [*said, *said]:
        event = event_of(a=value, countryCode=country)
        fresh = Mapper(RULES, {}, default_region="US")
        assert repr(mapper.map(event)) == repr(fresh.map(event))


def test_only_so_many_texts_are_remembered() -> None:
    """However many different ones there are."""
    mapper = Mapper([RULES[0]], {}, default_region=None)
    known = mapper._attribute_rules[0].known
    assert known is not None
    for number in range(10_000):
        mapper.map(event_of(a=f"ada {number}"))
        assert 0 < len(known) <= 4096


@pytest.mark.parametrize("name", ["e164", "of_another_package"])
def test_steps_that_depend_on_more_than_the_value_are_not_remembered(name: str) -> None:
    """On the region, or on who knows what."""
    assert are_fixed([Step(name="title")])
    assert not are_fixed([Step(name="title"), Step(name=name)])


# ---------------------------------------------------------------- names


def test_names_that_are_no_texts_are_not_mistaken_for_each_other() -> None:
    """1 and True are the same to a dictionary, and "1" and "true" are two fields."""
    for key, name in ((1, "1"), (True, "true"), (1.0, "1.0"), ("1", "1")):
        assert list(SpelledRecord({"data": {key: "x"}}).told()) == [name]


def test_a_record_in_one_spelling_is_not_copied() -> None:
    """What is as it should be is what the schema sees."""
    content = {"event": "customer_updated", "data": {"id": "1", "firstName": "Ada"}}
    assert SpelledRecord(content).content is content
    assert SpelledRecord(content).told() is content["data"]


def test_any_mapping_is_as_good_as_a_dictionary() -> None:
    """Programs have others."""
    data = MappingProxyType({"id": "1", "first_name": "Ada"})
    spelled = SpelledRecord(MappingProxyType({"event": "customer_updated", "data": data}))
    assert spelled.content == {"event": "customer_updated", "data": {"id": "1", "firstName": "Ada"}}
    assert type(spelled.content) is type(spelled.told()) is dict
