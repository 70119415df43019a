"""Values as shops give them, read as the kinds of value that attributes hold."""

from collections.abc import Mapping
from types import MappingProxyType

from customer_sync.core.values import dates, numbers, phones
from customer_sync.core.values.transform_error import TransformError


def is_empty(value: object) -> bool:
    """Tell whether the shop says *there is none*: null, a blank text or an empty list."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, (list, tuple)) and not value)


def emptied(fields: Mapping[str, object]) -> dict[str, object]:
    """Return *fields* with None for every value that is empty."""
    told = dict(fields)
    for name, value in fields.items():
        # Asked first what most values are not, as is_empty is only sure after more questions.
        if (not value or (value.__class__ is str and value.isspace())) and is_empty(value):
            told[name] = None
    return told


def as_text(value: object) -> str:
    """Return *value* as text: numbers without `.0`, lists joined by `, `, booleans in lower case.

    Raises:
        TransformError: the value is an object, or a list that holds one.
    """
    if isinstance(value, str):
        return value
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return numbers.as_text(value)
        case list() | tuple():
            return ", ".join([as_text(item) for item in value if item is not None])
        case _:
            raise TransformError("it is an object; name the field within it by a dotted path")


def as_list(value: object, separator: str = ",") -> tuple[str, ...]:
    """Return *value* as texts without outer blanks: a list's items, or a text's parts.

    Empty ones are dropped; order and repetitions stay.
    """
    parts = value if isinstance(value, (list, tuple)) else as_text(value).split(separator)
    texts = [
        part.strip() if isinstance(part, str) else as_text(part).strip()
        for part in parts
        if part is not None
    ]
    return tuple(filter(None, texts))


_WRITTEN = (str, int, float)
"""What is written down as it is; a boolean is, too, where it is not asked for before."""

_WORDS = MappingProxyType(
    {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
)


def as_boolean(value: object) -> bool:
    """Return what true, false, yes, no, 1 or 0 say, as words in any case or as JSON values.

    Raises:
        TransformError: it is anything else.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, _WRITTEN):
        answer = _WORDS.get(as_text(value).strip().lower())
        if answer is not None:
            return answer
    raise TransformError("it is none of true, false, yes, no, 1 and 0")


def as_number(value: object, decimal_mark: str | None = None) -> float:
    """Return *value* as a finite number.

    Raises:
        TransformError: it is none, or too large to be kept exactly.
    """
    if isinstance(value, bool) or not isinstance(value, _WRITTEN):
        raise TransformError("it is not a number")
    if decimal_mark is None and not isinstance(value, str) and numbers.is_exact(value):
        # Writing it down and reading it would lose its sign where it is zero, and nothing else.
        return value + 0.0
    return numbers.parse(as_text(value), decimal_mark=decimal_mark)


def as_date(value: object, form: str | None = None) -> str:
    """Return *value* as `YYYY-MM-DD`.

    Raises:
        TransformError: it is no date, or not in the form that *form* describes.
    """
    if isinstance(value, bool) or not isinstance(value, _WRITTEN):
        raise TransformError("it is not a date")
    return dates.parse(as_text(value), form=form)


def as_phone(value: object, region: str | None) -> str:
    """Return *value* in E.164.

    Raises:
        TransformError: it cannot be brought to E.164 with certainty.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TransformError("it is not a phone number")
    return phones.e164(as_text(value), region=region)
