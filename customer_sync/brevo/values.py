"""One attribute's value, between the program's form and Brevo's."""

import math
import re
from collections.abc import Mapping
from typing import TypeAlias, assert_never

from customer_sync.core.model import Attribute, AttributeType, Value

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What can be written as JSON."""

PHONE_NAMES = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER"})
"""Attributes that hold phones: digits only at Brevo, E.164 with `+` here."""

_PHONE = re.compile(r"(?:\+|00)?([1-9][0-9]{3,})")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?", re.DOTALL)


def value_from(name: str, raw: object, attribute: Attribute | None) -> Value:
    """Return what attribute *name* holds in the program's form; None for *empty*.

    A value that does not fit its attribute's type comes back as its text, so that it differs from
    whatever is desired and is written anew.
    """
    if raw is None or raw in ("", []):
        return None
    if name in PHONE_NAMES:
        return _phone_from(_text_of(raw))
    if attribute is None or attribute.type is None:
        return _untyped(raw)
    if attribute.type is AttributeType.CATEGORY:
        return attribute.options.get(_text_of(raw), _text_of(raw))
    return _typed(attribute.type, raw)


def value_to(name: str, value: Value, attribute: Attribute | None) -> Json:
    """Return *value* as Brevo takes it; None becomes what clears the attribute.

    Brevo documents no way to clear; `""` is known to empty texts, and is the only empty value
    besides `[]` that the published description of the API admits (null is not among its types).
    A category is written by its number where *attribute* tells it, else by its label.
    """
    match value:
        case None:
            is_choice = attribute and attribute.type is AttributeType.MULTIPLE_CHOICE
            return [] if is_choice else ""
        case bool():
            return value
        case str():
            return _text_to(name, value, attribute)
        case tuple():
            return [*value]
        case int() | float():
            return int(value) if float(value).is_integer() else value
        case unknown:
            assert_never(unknown)


def phone_to(phone: str) -> str:
    """Return a phone as Brevo stores it: digits only."""
    return phone.removeprefix("+")


def _phone_from(text: str) -> str:
    match = _PHONE.fullmatch(text)
    return f"+{match[1]}" if match else text


def _text_of(raw: object) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return raw if isinstance(raw, str) else str(raw)


def _typed(kind: AttributeType, raw: object) -> Value:
    match kind:
        case AttributeType.TEXT | AttributeType.CATEGORY:
            return _text_of(raw)
        case AttributeType.FLOAT:
            return _number_from(raw)
        case AttributeType.DATE:
            return _date_from(_text_of(raw))
        case AttributeType.BOOLEAN:
            return raw if isinstance(raw, bool) else _text_of(raw)
        case AttributeType.MULTIPLE_CHOICE:
            return _options_from(raw)
        case unknown:
            assert_never(unknown)


def _untyped(raw: object) -> Value:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        return _number_from(raw)
    return _options_from(raw) if isinstance(raw, list) else _text_of(raw)


def _number_from(raw: object) -> float | str:
    text = _text_of(raw)
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _date_from(text: str) -> str:
    match = _DATE.fullmatch(text)
    return match[1] if match else text


def _options_from(raw: object) -> tuple[str, ...]:
    return tuple(_text_of(item) for item in (raw if isinstance(raw, list) else [raw]))


def _text_to(name: str, text: str, attribute: Attribute | None) -> Json:
    if name in PHONE_NAMES:
        return phone_to(text)
    if attribute and attribute.type is AttributeType.CATEGORY:
        return _category_to(text, attribute.options)
    return text


def _category_to(label: str, options: Mapping[str, str]) -> Json:
    for stored, option in options.items():
        if option == label:
            return int(stored) if stored.isdecimal() else stored
    return label
