"""Each transform does what the table says, and the configuration can check them beforehand."""

import pytest

from customer_sync.core.model import AttributeType, Step
from customer_sync.core.values.steps import problems_of
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import TRANSFORMS, Argument, Context, apply_steps

US = Context(default_region="US")


def run(name: str, value: object, argument: object = None) -> object:
    """Apply one transform."""
    return apply_steps(value, [Step(name=name, argument=argument)], US)


def complaint(name: str, value: object, argument: object = None) -> str:
    """Return why a transform refuses a value."""
    with pytest.raises(TransformError) as caught:
        run(name, value, argument)
    return caught.value.detail


def test_every_transform_is_documented() -> None:
    """Help can be made of the table."""
    assert [
        name
        for name, line in TRANSFORMS.items()
        if not line.doc or (line.argument is not Argument.NONE and not line.argument_doc)
    ] == []


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("strip", "  a b ", "a b"),
        ("lower", "ABC", "abc"),
        ("upper", "straße", "STRASSE"),
        ("upper", ["a", "b"], ("A", "B")),
        ("lower", 5.0, "5"),
    ],
)
def test_texts_change(name: str, value: object, wanted: object) -> None:
    """Lists change item by item, numbers are text first."""
    assert run(name, value) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("o'neill", "O'Neill"),
        ("d\u2019angelo", "D\u2019Angelo"),
        ("VAN DER BERG", "van der Berg"),
        ("ludwig van beethoven", "Ludwig van Beethoven"),
        ("van", "Van"),
        ("McDonald", "McDonald"),
        ("mcgregor", "McGregor"),
        ("mackenzie", "Mackenzie"),
        ("anne-marie", "Anne-Marie"),
        ("ÉMILE  zola", "Émile  Zola"),
        ("j.r.r. tolkien", "J.R.R. Tolkien"),
        ("DiCaprio", "DiCaprio"),
        ("ali's", "Ali's"),
    ],
)
def test_names_get_their_capitals(written: str, wanted: str) -> None:
    """Only words whose case says nothing are changed."""
    assert run("title", written) == wanted
    assert run("title", wanted) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("+1 202 555 0123", "+12025550123"),
        ("(202) 555-0123", "+12025550123"),
        ("0044 7700 900123", "+447700900123"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("+61 491 570 156", "+61491570156"),
        (12025550123, "+12025550123"),
    ],
)
def test_phones_become_e164(written: object, wanted: str) -> None:
    """With a country code a possible number is enough, so that fictional ranges pass."""
    assert run("e164", written) == wanted


def test_a_national_number_is_completed_with_the_argument() -> None:
    """It outranks the configured region."""
    assert run("e164", "030 23125 000", "DE") == "+493023125000"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("555-0123", "no number in use in US"),
        ("07700 900123", "no number in use in US"),
        ("+1 202 555 012", "too short or too long"),
        ("+1 202 555 0123 ext. 5", "extension"),
        ("+999 123456", "country code does not exist"),
        ("n/a", "not a phone number"),
        (True, "not a phone number"),
        (4.5e9, "not a phone number"),
    ],
)
def test_uncertain_phones_are_refused(written: object, reason: str) -> None:
    """Nobody is written to at a number that was guessed."""
    assert reason in complaint("e164", written)


def test_a_national_number_without_region_is_refused() -> None:
    """The sentence names both ways out."""
    with pytest.raises(TransformError, match="default_region"):
        apply_steps("(202) 555-0123", [Step(name="e164")], Context())


@pytest.mark.parametrize(
    ("written", "form", "wanted"),
    [
        ("2024-01-15", None, "2024-01-15"),
        ("2024-01-15T23:30:00-08:00", None, "2024-01-15"),
        ("2024-01-15 23:30:00.5", None, "2024-01-15"),
        ("15/01/2024", "%d/%m/%Y", "2024-01-15"),
        ("1/5/2024", "%m/%d/%Y", "2024-01-05"),
        (1705276800, "epoch", "2024-01-15"),
    ],
)
def test_dates_are_taken_as_written(written: object, form: str | None, wanted: str) -> None:
    """No zone moves a birthday."""
    assert run("date", written, form) == wanted


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("15/01/2024", None),
        ("2024-02-30", None),
        ("0000-00-00", None),
        ("20240115", None),
        ("2024-01-15", "%d/%m/%Y"),
        ("1e30", "epoch"),
        ("nan", "epoch"),
        (True, None),
    ],
)
def test_what_is_no_date_is_refused(written: object, form: str | None) -> None:
    """Ambiguous dates need their form."""
    assert "not a date" in complaint("date", written, form)


@pytest.mark.parametrize(
    ("written", "mark", "wanted"),
    [
        ("19.90", None, 19.9),
        (" -5 ", None, -5.0),
        ("1e3", None, 1000.0),
        (7, None, 7.0),
        ("1,234.5", ".", 1234.5),
        ("1.234,5", ",", 1234.5),
        ("1 234 567,5", ",", 1234567.5),
        ("1'234.5", ".", 1234.5),
        ("1,5", ",", 1.5),
    ],
)
def test_numbers_are_read(written: object, mark: str | None, wanted: float) -> None:
    """Separators of thousands are understood once the decimal mark is told."""
    assert run("number", written, mark) == wanted


@pytest.mark.parametrize(
    ("written", "mark"),
    [
        *((text, None) for text in ("1,5", "NaN", "inf", "1_000", "5 EUR", "\u0663", True, [1])),
        *((text, ".") for text in ("1.2.3", "1,23,4")),
    ],
)
def test_what_is_no_number_is_refused(written: object, mark: str | None) -> None:
    """Nothing is guessed."""
    assert complaint("number", written, mark) == "it is not a number"


def test_a_number_that_would_be_rounded_is_refused() -> None:
    """Long ids belong to text attributes."""
    assert "too large" in complaint("number", "9007199254740993")


@pytest.mark.parametrize(
    ("word", "wanted"), [("YES", True), ("0", False), (1, True), (False, False)]
)
def test_booleans_are_read(word: object, wanted: bool) -> None:
    """Words and JSON values alike."""
    assert run("boolean", word) is wanted


@pytest.mark.parametrize("word", ["on", "2", 2, ["yes"]])
def test_other_words_are_no_booleans(word: object) -> None:
    """Nothing is guessed."""
    assert "none of true, false" in complaint("boolean", word)


def test_lists_and_texts_become_each_other() -> None:
    """Split drops blanks and empty parts, join takes a separator."""
    assert run("split", " a, b,,c ") == ("a", "b", "c")
    assert run("split", "a|b", "|") == ("a", "b")
    assert run("join", ["a", "b"]) == "a, b"
    assert run("join", ["a", "b"], " / ") == "a / b"


def test_default_stands_in_for_empty_only() -> None:
    """A value stays."""
    assert run("default", None, "x") == "x"
    assert run("default", "y", "x") == "y"


def test_constant_is_always_the_same() -> None:
    """Whatever the shop says."""
    assert run("constant", "y", "x") == "x"


def test_empty_values_pass_by() -> None:
    """No transform stumbles over nothing, and blanks are nothing."""
    steps = [Step(name="number"), Step(name="date")]
    assert apply_steps(None, steps, US) is None
    assert run("strip", "   ") is None


def test_objects_are_refused_with_a_way_out() -> None:
    """A dotted path leads into them."""
    assert "dotted path" in complaint("upper", {"a": 1})


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([Step(name="strip"), Step(name="title")], AttributeType.TEXT),
        ([Step(name="number")], AttributeType.FLOAT),
        ([Step(name="split"), Step(name="upper")], AttributeType.MULTIPLE_CHOICE),
        ([Step(name="split"), Step(name="join", argument=";")], AttributeType.TEXT),
        ([Step(name="constant", argument=True)], AttributeType.BOOLEAN),
        ([Step(name="date", argument="%d.%m.%Y")], AttributeType.DATE),
        ([Step(name="e164", argument="DE")], None),
        ([Step(name="default", argument="x")], AttributeType.CATEGORY),
        ([Step(name="constant", argument=["a", "b"])], AttributeType.MULTIPLE_CHOICE),
        ([Step(name="number"), Step(name="default", argument=0)], AttributeType.FLOAT),
        ([Step(name="split"), Step(name="default", argument="x")], AttributeType.FLOAT),
        ([Step(name="date", argument="epoch")], AttributeType.DATE),
    ],
)
def test_good_steps_have_no_problems(steps: list[Step], wanted: AttributeType | None) -> None:
    """What runs is not complained about."""
    assert problems_of(steps, wanted) == ()


@pytest.mark.parametrize(
    ("steps", "wanted", "says"),
    [
        ([Step(name="trim")], None, "no transform named trim"),
        ([Step(name="strip", argument=1)], None, "takes no argument"),
        ([Step(name="constant")], None, "needs an argument"),
        ([Step(name="default", argument={"a": 1})], None, "must be a text, a number"),
        ([Step(name="date", argument=5)], None, "must be a text such as"),
        ([Step(name="e164", argument="usa")], None, "two capital letters"),
        ([Step(name="number", argument="-")], None, "must be . or ,"),
        ([Step(name="date", argument="%d/%m")], None, "day, month and year"),
        ([Step(name="date", argument="%Q")], None, "%Q"),
        ([Step(name="join", argument="")], None, "must be a text"),
        ([Step(name="boolean"), Step(name="title")], None, "title takes text"),
        ([Step(name="split")], AttributeType.FLOAT, "gives a list"),
        ([Step(name="constant", argument={})], AttributeType.TEXT, "must be a text, a number"),
        ([Step(name="boolean")], AttributeType.DATE, "gives true or false"),
        ([Step(name="constant", argument=5)], AttributeType.BOOLEAN, "gives a number"),
    ],
)
def test_bad_steps_are_explained(
    steps: list[Step], wanted: AttributeType | None, says: str
) -> None:
    """One sentence for what is wrong."""
    [sentence] = problems_of(steps, wanted)
    assert says in sentence
