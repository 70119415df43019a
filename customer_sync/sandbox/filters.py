"""The `filter` of a listing, `equals(NAME,"value")`, as a condition on stored contacts."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from customer_sync.sandbox.errors import invalid
from customer_sync.sandbox.facts import Facts
from customer_sync.sandbox.identifiers import BY_ATTRIBUTE, PHONES, Identifier, normal_phone
from customer_sync.sandbox.values import Definition, Kind, category_id

_EQUALS = re.compile(r"\s*equals\s*\(\s*(?P<name>[^,()\s]+)\s*,(?P<value>.*)\)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A piece of SQL on the columns of a contact, with the values that it binds."""

    sql: str
    values: tuple[object, ...] = ()


NOBODY = Condition(sql="FALSE")


def parse(text: str, definitions: Mapping[str, Definition], facts: Facts) -> Condition:
    """Return the condition that *text* describes.

    Raises:
        BrevoFault: It is no `equals(...)` of an attribute that exists.
    """
    found = _EQUALS.fullmatch(text)
    if found is None:
        raise invalid('filter should be equals(ATTRIBUTE,"value")')
    name, value = found["name"].upper(), _literal(found["value"].strip())
    if (identifier := BY_ATTRIBUTE.get(name)) is not None:
        return _on_identifier(identifier, str(value), facts)
    if name not in definitions:
        raise invalid(f"filter names an attribute that does not exist: {name}")
    return _on_attribute(definitions[name], value)


def _literal(spelled: str) -> str | float | bool:
    """Return a quoted text, a number or a boolean; anything else counts as unquoted text."""
    try:
        value = json.loads(spelled)
    except (ValueError, RecursionError):
        return spelled.strip("\"'")
    return value if isinstance(value, str | int | float) else spelled


def _on_identifier(identifier: Identifier, value: str, facts: Facts) -> Condition:
    if identifier in PHONES:
        value = normal_phone(value) or value
    elif identifier is Identifier.EMAIL and facts.lower_cases_email:
        value = value.lower()
    return Condition(sql=f"{identifier.value} = ?", values=(value,))


def _on_attribute(definition: Definition, value: str | float | bool) -> Condition:
    path = f'$."{definition.name}"'
    match definition.kind:
        case Kind.CATEGORY:
            number = category_id(definition, str(value))
            return NOBODY if number is None else _same(path, number)
        case Kind.MULTIPLE_CHOICE:
            return _all_options(path, str(value))
        case Kind.BOOLEAN:
            return _same(path, value is True or str(value).lower() in ("true", "1"))
        case Kind.FLOAT:
            return _same_number(path, value)
        case _:
            return _same(path, str(value))


def _same(path: str, value: object) -> Condition:
    return Condition(sql="json_extract(attributes, ?) = ?", values=(path, value))


def _same_number(path: str, value: str | float) -> Condition:
    try:
        return _same(path, float(value))
    except (ValueError, OverflowError):
        return NOBODY


def _all_options(path: str, spelled: str) -> Condition:
    options = [option.strip() for option in spelled.split(",")]
    one = "EXISTS (SELECT 1 FROM json_each(attributes, ?) WHERE value = ?)"
    values = [each for option in options for each in (path, option)]
    return Condition(sql=" AND ".join([one] * len(options)), values=tuple(values))
