"""How an import reads values: more leniently than a single request, and oddly with booleans."""

import math
import re
from contextlib import suppress
from datetime import date
from enum import StrEnum

from customer_sync.sandbox.facts import DateOrder, Facts, ImportFalse
from customer_sync.sandbox.timeline import parse_date
from customer_sync.sandbox.values import Definition, Kind, Nothing, Stored, judge

_SLASHED = re.compile(r"(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})", re.ASCII)
_WORDS = {"true": True, "1": True, "false": False, "0": False}


class Origin(StrEnum):
    """What the rows came as."""

    JSON = "json"
    CSV = "csv"


def judge_imported(
    definition: Definition, value: object, facts: Facts, origin: Origin
) -> Stored | Nothing:
    """Return what an imported *value* makes of the attribute.

    CLEARED means *empty*, which only erases where the job says that empty fields do.

    Raises:
        BrevoFault: The switches say that a single request with such a value is refused.
    """
    if value is None or value in ("", []):
        return Nothing.CLEARED
    if definition.kind is Kind.BOOLEAN:
        return _boolean(value, facts, origin)
    if isinstance(value, str):
        value = _from_text(definition, value.strip(), facts, origin)
    return Nothing.DROPPED if value is None else judge(definition, value, facts)


def _boolean(value: object, facts: Facts, origin: Origin) -> Stored | Nothing:
    if origin is Origin.CSV:
        if not facts.import_csv_booleans:
            return Nothing.DROPPED
        value = _WORDS.get(str(value).strip().lower())
    if not isinstance(value, bool):
        return Nothing.DROPPED
    if value or facts.import_false is ImportFalse.STORED:
        return value
    return Nothing.CLEARED


def _from_text(definition: Definition, text: str, facts: Facts, origin: Origin) -> object:
    """Return what a text stands for, None for what stands for nothing."""
    match definition.kind:
        case Kind.FLOAT:
            with suppress(ValueError):
                number = float(text)
                return number if math.isfinite(number) else None
            return None
        case Kind.DATE:
            return _iso(text, facts.import_date_order)
        case Kind.MULTIPLE_CHOICE if origin is Origin.CSV:
            options = [option.strip() for option in text.split(",")]
            return options if facts.import_csv_choices_by_comma else None
        case _:
            return text


def _iso(text: str, order: DateOrder) -> str:
    found = None if parse_date(text) else _SLASHED.fullmatch(text)
    if found is None:
        return text
    first, second, third = (int(each) for each in found.groups())
    year, month, day = {
        DateOrder.YEAR_FIRST: (first, second, third),
        DateOrder.DAY_FIRST: (third, second, first),
        DateOrder.MONTH_FIRST: (third, first, second),
    }[order]
    with suppress(ValueError):
        return date(year, month, day).isoformat()
    return text
