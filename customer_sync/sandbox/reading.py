"""Reading bodies and queries: every field in its type, or the 400 that Brevo answers with."""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Never, TypeVar

from starlette.datastructures import QueryParams

from customer_sync.sandbox.errors import invalid, missing, out_of_range
from customer_sync.sandbox.facts import Excess

_LARGEST = 2**63 - 1
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)
_Word = TypeVar("_Word", bound=StrEnum)


def json_object(body: bytes) -> dict[str, object]:
    """Return the JSON object that *body* is.

    Raises:
        BrevoFault: It is none, or holds what JSON does not allow (NaN, halves of surrogate pairs).
    """
    try:
        value = json_value(body.decode("utf-8"))
    except ValueError:
        raise invalid("Input must be a valid JSON object") from None
    if not isinstance(value, dict):
        raise invalid("Input must be a valid JSON object")
    return value


def json_value(text: str) -> object:
    """Return what a JSON text says.

    Raises:
        ValueError: It is no JSON, is nested too deeply, or holds half a surrogate pair.
    """
    try:
        value: object = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _refuse(constant: str) -> Never:
    raise ValueError(constant)


def text(body: Mapping[str, object], name: str) -> str | None:
    """Return a text field, None where it is absent, null or blank."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(f"{name} should be a string")
    return value.strip() or None


def required_text(body: Mapping[str, object], name: str) -> str:
    """Return a text field that must be there."""
    value = text(body, name)
    if value is None:
        raise missing(f"{name} is missing")
    return value


def flag(body: Mapping[str, object], name: str) -> bool | None:
    """Return a boolean field, None where it is absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} should be a boolean")
    return value


def mapping(body: Mapping[str, object], name: str) -> dict[str, object]:
    """Return an object field, empty where it is absent or null."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} should be an object")
    return value


def array(body: Mapping[str, object], name: str) -> list[object] | None:
    """Return an array field, None where it is absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise invalid(f"{name} should be an array")
    return value


def texts(body: Mapping[str, object], name: str) -> tuple[str, ...] | None:
    """Return an array of strings."""
    values = array(body, name)
    if values is None:
        return None
    if not all(isinstance(value, str) for value in values):
        raise invalid(f"{name} should be an array of strings")
    return tuple(str(value) for value in values)


def numbers(body: Mapping[str, object], name: str) -> tuple[int, ...] | None:
    """Return an array of ids, without repetitions."""
    values = array(body, name)
    if values is None:
        return None
    return tuple(
        dict.fromkeys(_positive(value, f"{name} should be an array of ids") for value in values)
    )


def number(body: Mapping[str, object], name: str) -> int | None:
    """Return a field that is an id."""
    value = body.get(name)
    return None if value is None else _positive(value, f"{name} should be an id")


def _positive(value: object, complaint: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST:
        raise invalid(complaint)
    return value


def path_number(name: str, value: str) -> int:
    """Return the id that stands in a path."""
    parsed = integer(value)
    if parsed is None or not 1 <= parsed <= _LARGEST:
        raise invalid(f"{name} should be an id")
    return parsed


def integer(value: str) -> int | None:
    """Return the whole number that *value* spells, None if it spells none that fits 64 bits."""
    if not _INTEGER.fullmatch(value):
        return None
    parsed = int(value)
    return parsed if -_LARGEST <= parsed <= _LARGEST else None


def word(value: str | None, kind: type[_Word], name: str) -> _Word | None:
    """Return *value* as one of a closed set of words, None where it is absent."""
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        raise invalid(f"{name} should be one of: {', '.join(kind)}") from None


class Sort(StrEnum):
    """The order of a listing, by creation."""

    ASC = "asc"
    DESC = "desc"


def page(query: QueryParams, *, default: int, most: int, excess: Excess) -> tuple[int, int, Sort]:
    """Return limit, offset and order of a listing."""
    limit = _query_integer(query, "limit", default)
    if limit > most:
        if excess is Excess.REJECT:
            raise out_of_range(f"Limit exceeds max value {most}")
        limit = most
    offset = _query_integer(query, "offset", 0)
    return limit, offset, word(query.get("sort"), Sort, "sort") or Sort.DESC


def _query_integer(query: QueryParams, name: str, default: int) -> int:
    spelled = query.get(name)
    if spelled is None:
        return default
    value = integer(spelled)
    if value is None or value < 0:
        raise invalid(f"{name} should be a whole number")
    return value


def query_ids(query: QueryParams, name: str) -> tuple[int, ...] | None:
    """Return ids from a query in any of the spellings that clients use.

    `1,2`, the name repeated, the name with `[]` or `[0]`, and a JSON array are all understood.
    """
    spelled = [value for key, value in query.multi_items() if _is_named(key, name)]
    if not spelled:
        return None
    parts = _split(spelled)
    return tuple(dict.fromkeys(path_number(name, part) for part in parts)) or None


def _is_named(key: str, name: str) -> bool:
    return key == name or (key.startswith(f"{name}[") and key.endswith("]"))


def _split(spelled: Iterable[str]) -> list[str]:
    bare = (value.strip().removeprefix("[").removesuffix("]") for value in spelled)
    return [part.strip() for value in bare for part in value.split(",") if part.strip()]
