"""JSON without its loopholes: no NaN, no name twice, no bottomless nesting, no half characters."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final, Never

import msgspec

from customer_sync.readers.lines import undecodable_at

MAX_DEPTH = 64
"""How deep objects and lists may stand in each other."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,40}")


class JsonProblem(ValueError):
    """Why a text is no JSON that can be used: a rule and a sentence without the text itself."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


def decode(text: str) -> object:
    """Return the one JSON value that *text* holds.

    Raises:
        JsonProblem: it holds none, more than one, or one that is not used here.
    """
    value = glance(text)
    return decode_with_care(text) if value is UNSURE else value


class _Unsure(Enum):
    UNSURE = "unsure"


UNSURE: Final = _Unsure.UNSURE
"""A glance cannot tell."""


def glance(text: str) -> object:
    r"""Return what `decode_with_care` returns, in a third of the time, or UNSURE.

    The quick decoder refuses half characters, raw NUL, NaN, numbers too large and broken syntax,
    and keeps whole numbers exact. What it lets pass is looked for: `\u0000`, deep nests, and names
    that stand twice in one object, of which it keeps the last.
    """
    if text.count("{") + text.count("[") > MAX_DEPTH or ("\\" in text and "\\u0000" in text):
        return UNSURE
    try:
        value: object = _QUICK.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return UNSURE
    return value if _is_retold(text, value) or _has_all_names(text, value) else UNSURE


_QUICK = msgspec.json.Decoder()
_RETELL = msgspec.json.Encoder()


def _is_retold(text: str, value: object) -> bool:
    """Tell whether *value* is written as *text*, so that nothing of it was dropped."""
    return _RETELL.encode(value) == text.encode()


def _has_all_names(text: str, value: object) -> bool:
    """Tell whether *value* has as many names as *text* seems to have, so that no two became one.

    Where no blank stands before a colon, every name's last quote does. A text that begins with a
    colon is counted, too; then there seem to be more.
    """
    if " :" in text or "\t" in text or "\n" in text or "\r" in text:
        return False
    return text.count('":') == _count_names(value)


def _count_names(value: object) -> int:
    names = 0
    waiting = [value]
    for item in waiting:
        names += len(item) if isinstance(item, dict) else 0
        waiting.extend([part for part in _children(item) if isinstance(part, (dict, list))])
    return names


def decode_with_care(text: str) -> object:
    """Return the one JSON value that *text* holds, as `decode` does.

    Raises:
        JsonProblem: it holds none, more than one, or one that is not used here.
    """
    check_text(text)
    try:
        value: object = DECODER.decode(text)
    except JsonProblem:
        raise
    except json.JSONDecodeError as error:
        raise syntax_problem(error) from error
    except (ValueError, RecursionError) as error:
        raise odd_problem(error) from error
    check_value(value, text)
    return value


def check_text(text: str) -> None:
    """Refuse what no text file holds.

    Raises:
        JsonProblem: *text* has bytes that could not be decoded, or NUL.
    """
    if (position := undecodable_at(text)) is not None:
        raise JsonProblem(
            "encoding",
            f"Character {position} of the line is not in the file's encoding; "
            "save the file as UTF-8, or set the encoding that it has.",
        )
    if "\0" in text:
        raise JsonProblem("nul", "There is a NUL byte in the line; the file may be damaged.")


def check_value(value: object, text: str) -> None:
    r"""Refuse what *text* is allowed to say but nobody can store: `\ud800`, `\u0000`, deep nests.

    Raises:
        JsonProblem: *value*, which was decoded from *text*, holds such a thing.
    """
    if text.count("{") + text.count("[") > MAX_DEPTH and depth_of(value) > MAX_DEPTH:
        raise _too_deep()
    if "\\u" not in text:
        return
    for part in _texts(value):
        if undecodable_at(part) is not None:
            raise JsonProblem("encoding", "There is half a character (a lone surrogate) in a text.")
        if "\0" in part:
            raise JsonProblem("nul", "There is a NUL character in a text; remove it.")


def syntax_problem(error: json.JSONDecodeError) -> JsonProblem:
    """Return what the decoder found, in a sentence."""
    return JsonProblem(
        "json", f"It is not valid JSON: {error.msg.lower()}, at character {error.colno}."
    )


def odd_problem(error: ValueError | RecursionError) -> JsonProblem:
    """Return what the decoder gave up on, in a sentence."""
    if isinstance(error, RecursionError):
        return _too_deep()
    return JsonProblem("json", "There is a number with more digits than anything can hold.")


def _too_deep() -> JsonProblem:
    return JsonProblem("depth", f"Objects and lists are nested more than {MAX_DEPTH} deep.")


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def depth_of(value: object) -> int:
    """Return how deep objects and lists stand in each other; nothing is visited recursively."""
    depth = 0
    level = [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in _children(item)]
    return depth


def _texts(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
        waiting.extend(_children(item))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    seen: set[str] = set()
    twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # the usual way to find the first repetition
    which = f"The name {twice}" if _PLAIN_NAME.fullmatch(twice) else "A name"
    raise JsonProblem("duplicate-name", f"{which} stands twice in one object; keep one of them.")


def _constant(word: str) -> Never:
    raise JsonProblem("number", f"{word} is no number in JSON; write null where there is none.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JsonProblem("number", "There is a number too large to be held.")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
"""Refuses by JsonProblem while it decodes."""
