"""Finding a field in a platform's record by the name or path that a mapping gives."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, Literal, TypeAlias

from customer_sync.core.values.names import camel_case
from customer_sync.core.values.readings import is_empty


class _Absent(Enum):
    ABSENT = "absent"


Absent: TypeAlias = Literal[_Absent.ABSENT]
ABSENT: Final = _Absent.ABSENT
"""The record does not speak about the field, which is not the same as saying that it is empty."""

_STEPS = re.compile(r"\[([^\]]*)\]|([^.\[]+)")
_KEY_NAMES = ("key", "attribute_code", "attributeCode", "code")


def lookup(content: object, path: str) -> object:
    """Return what *path* leads to in *content*; ABSENT where it leads nowhere.

    A path is a field's own name, or steps with dots between them: `billing.city`. A step in
    brackets picks from a list the item whose key (at Magento: attribute code) it names, and means
    that item's value: `meta_data[newsletter]`; behind a dot it works as well. Spellings that differ
    in case, blanks and underscores alone are the same name, the exact one is preferred.

    Emptiness on the way (null where an object is expected) is None.
    """
    whole = member(content, path)
    if whole is not ABSENT:
        return whole
    value = content
    for bracketed, plain in _STEPS.findall(path):
        if value is None:
            return None
        value = _step(value, bracketed or plain)
        if value is ABSENT:
            return ABSENT
    return value if value is not content else ABSENT


def member(content: object, name: str) -> object:
    """Return the field of *content* called *name* in any spelling; ABSENT where there is none."""
    if not isinstance(content, Mapping):
        return ABSENT
    if name in content:
        value: object = content[name]
        return value
    wanted = camel_case(name)
    spelled = (key for key in content if isinstance(key, str) and camel_case(key) == wanted)
    written = next(spelled, None)
    return ABSENT if written is None else content[written]


def dig(content: object, *names: str) -> object:
    """Return what *names*, spelled exactly so, lead to through objects in objects.

    ABSENT where one of them is missing; None where one of the objects is null.
    """
    value = content
    for name in names:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return ABSENT
        value = value.get(name, ABSENT)
    return value


def first_told(*candidates: object) -> object:
    """Return the first candidate that is not empty.

    Where all that are told are empty, None; where none is told, ABSENT.
    """
    told = [value for value in candidates if value is not ABSENT]
    if not told:
        return ABSENT
    return next((value for value in told if not is_empty(value)), None)


def _step(value: object, name: str) -> object:
    if isinstance(value, list | tuple):
        return _keyed(value, name)
    return member(value, name)


def _keyed(items: Iterable[object], name: str) -> object:
    wanted = camel_case(name)
    alike: object = ABSENT
    for item in items:
        key = _key(item)
        if key == name:
            return member(item, "value")
        if alike is ABSENT and key is not None and camel_case(key) == wanted:
            alike = member(item, "value")
    return alike


def _key(item: object) -> str | None:
    if not isinstance(item, Mapping):
        return None
    keys = (item.get(name) for name in _KEY_NAMES)
    return next((key for key in keys if isinstance(key, str)), None)
