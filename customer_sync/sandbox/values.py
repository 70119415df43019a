"""What a value sent for an attribute does: set, clear, or nothing at all."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from customer_sync.sandbox.errors import BrevoFault, invalid
from customer_sync.sandbox.facts import (
    CategoryReads,
    CategoryWrites,
    DateTimes,
    Effect,
    Facts,
    Oddity,
)
from customer_sync.sandbox.timeline import parse_date

Stored: TypeAlias = str | int | float | bool | list[str]
"""What an attribute can hold; a category holds the number of its option."""


class Category(StrEnum):
    """The groups that Brevo keeps attributes in."""

    NORMAL = "normal"
    TRANSACTIONAL = "transactional"
    CATEGORY = "category"
    CALCULATED = "calculated"
    GLOBAL = "global"


class Kind(StrEnum):
    """The types that Brevo knows."""

    TEXT = "text"
    DATE = "date"
    FLOAT = "float"
    BOOLEAN = "boolean"
    ID = "id"
    CATEGORY = "category"
    MULTIPLE_CHOICE = "multiple-choice"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An attribute as the account defines it."""

    name: str
    category: Category
    kind: Kind
    options: Mapping[str, str] = field(default_factory=dict)
    """For a category: number, as text, to label. For a multiple choice: option to itself."""
    formula: str | None = None
    """For calculated and global attributes."""


class Nothing(StrEnum):
    """Outcomes of a value that store nothing."""

    CLEARED = "cleared"
    DROPPED = "dropped"


def judge(definition: Definition, value: object, facts: Facts) -> Stored | Nothing:
    """Return what *value*, sent in a single or batch request, makes of the attribute.

    Raises:
        BrevoFault: The switches say that such a value is refused.
    """
    if value is None:
        return _emptied(facts.null_value)
    if value == "" and definition.kind not in (Kind.TEXT, Kind.USER):
        return _emptied(facts.empty_string_elsewhere)
    return _JUDGES[definition.kind](definition, value, facts)


def _emptied(effect: Effect) -> Nothing:
    return Nothing.CLEARED if effect is Effect.CLEAR else Nothing.DROPPED


def _odd(oddity: Oddity, fault: BrevoFault) -> Nothing:
    if oddity is Oddity.REJECT:
        raise fault
    return Nothing.DROPPED


def _text(definition: Definition, value: object, facts: Facts) -> Stored | Nothing:
    if not isinstance(value, str):
        return Nothing.DROPPED
    if facts.text_length_cap is not None and len(value) > facts.text_length_cap:
        raise invalid(f"{definition.name} is longer than {facts.text_length_cap} characters")
    return value or Nothing.CLEARED


def _float(_: Definition, value: object, __: Facts) -> Stored | Nothing:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Nothing.DROPPED
    try:
        return value if math.isfinite(value) else Nothing.DROPPED
    except OverflowError:
        return Nothing.DROPPED


def _boolean(_: Definition, value: object, __: Facts) -> Stored | Nothing:
    return value if isinstance(value, bool) else Nothing.DROPPED


def _date(definition: Definition, value: object, facts: Facts) -> Stored | Nothing:
    if not isinstance(value, str):
        return Nothing.DROPPED
    if parse_date(value):
        return value
    if value[10:11] in ("T", "t", " ") and parse_date(value[:10]):
        return value[:10] if facts.date_times is DateTimes.TRUNCATE else Nothing.DROPPED
    fault = BrevoFault(400, facts.invalid_date_code, f"invalid date format for {definition.name}")
    return _odd(facts.bad_date, fault)


def _category(definition: Definition, value: object, facts: Facts) -> Stored | Nothing:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return Nothing.DROPPED
    found = category_id(definition, str(value), facts.category_writes)
    if found is None:
        return _odd(facts.unknown_option, invalid(f"{definition.name} has no such option"))
    return found


def category_id(
    definition: Definition, spelled: str, accepted: CategoryWrites = CategoryWrites.BOTH
) -> int | None:
    """Return the number of the option that *spelled* names by number or label."""
    if accepted is not CategoryWrites.LABEL and spelled in definition.options:
        return int(spelled)
    if accepted is not CategoryWrites.ID:
        for number, label in definition.options.items():
            if label == spelled:
                return int(number)
    return None


def _choices(definition: Definition, value: object, facts: Facts) -> Stored | Nothing:
    if not isinstance(value, list) or not all(isinstance(option, str) for option in value):
        return Nothing.DROPPED
    if not value:
        return _emptied(facts.empty_choice)
    known = [option for option in dict.fromkeys(value) if option in definition.options]
    if len(known) < len(set(value)):
        _odd(facts.unknown_option, invalid(f"{definition.name} has no such option"))
    return known or Nothing.DROPPED


_JUDGES: Mapping[Kind, Callable[[Definition, object, Facts], Stored | Nothing]] = {
    Kind.TEXT: _text,
    Kind.USER: _text,
    Kind.ID: _text,
    Kind.FLOAT: _float,
    Kind.DATE: _date,
    Kind.BOOLEAN: _boolean,
    Kind.CATEGORY: _category,
    Kind.MULTIPLE_CHOICE: _choices,
}


def shown(definition: Definition, value: Stored, facts: Facts) -> Stored:
    """Return a stored value as a contact shows it."""
    if definition.kind is not Kind.CATEGORY:
        return value
    number = str(value)
    return (
        definition.options.get(number, number)
        if facts.category_reads is CategoryReads.LABEL
        else number
    )
