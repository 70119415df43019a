"""JSON values one after the other, within an array or without one, in bounded memory."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from customer_sync.readers.lines import EXCERPT, LINE_LIMIT, mended_excerpt
from customer_sync.readers.strict_json import (
    DECODER,
    JsonProblem,
    check_text,
    check_value,
    odd_problem,
)

_LENIENT = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")
_BLANKS_AND_COMMAS = re.compile(r"[ \t\r\n,]*")
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],]', re.DOTALL)
_CLOSES = {"}": "{", "]": "["}
_NOWHERE = re.compile(r"(?!)")
_STRIDE = 2**20
_LONGEST_TOKEN = 16
"""What happens this close to the end of the window may only mean that the window ends there."""


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A value and the line that it begins in."""

    line: int
    value: object


@dataclass(frozen=True, slots=True)
class BadJson:
    """A stretch of text that is no usable value."""

    line: int
    problem: JsonProblem
    content: object
    """The value where there is one, else the text."""


def read_values(pieces: Iterable[str]) -> Iterator[JsonValue | BadJson]:
    """Return the values in *pieces* joined: of an array its items, else the values as they stand.

    Arrays and values may follow each other. Commas too many or too few between items do no harm.
    After a value that is broken, reading goes on where the next one seems to begin: where the
    broken one stood at the start of a line, at the next line that begins alike, else behind as many
    brackets as it opened.
    """
    window = _Window(iter(pieces))
    is_in_array = False
    latest: JsonValue | BadJson | None = None
    while True:
        window.skip(_BLANKS_AND_COMMAS if is_in_array else _BLANKS)
        match window.peek():
            case "":
                break
            case "[" if not is_in_array:
                is_in_array = True
                window.advance(1)
            case "]" if is_in_array:
                is_in_array = False
                window.advance(1)
            case _:
                latest = window.take()
                yield latest
    if is_in_array and not isinstance(latest, BadJson):
        torn = JsonProblem("torn", "The file ends before its list does; it may be incomplete.")
        yield BadJson(window.line, torn, "")


class _Window:
    """The part of the text that is held: from the value being read up to what was fetched."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._position = 0
        self._indent: str | None = ""
        """What stands before the position in its line if that is nothing but blanks."""
        self._is_complete = False
        self.line = 1

    # -------- moving

    def peek(self) -> str:
        if self._position == len(self._text):
            self._fetch(1)
        return self._text[self._position : self._position + 1]

    def skip(self, pattern: re.Pattern[str]) -> None:
        while True:
            match = pattern.match(self._text, self._position)
            end = match.end() if match else self._position
            self._move_to(end)
            if end < len(self._text) or not self._fetch(1):
                return

    def advance(self, count: int) -> None:
        self._move_to(self._position + count)

    def _move_to(self, end: int) -> None:
        passed = self._text[self._position : end]
        newline = passed.rfind("\n")
        if newline >= 0:
            self.line += passed.count("\n")
            self._indent = ""
            passed = passed[newline + 1 :]
        if self._indent is not None:
            self._indent = None if passed.strip(" \t\r") else self._indent + passed
        self._position = end

    def _fetch(self, size: int) -> bool:
        """Add at least *size* characters if there are so many; drop what was passed."""
        if self._is_complete:
            return False
        parts = [self._text[self._position :]]
        fetched = 0
        while fetched < size:
            piece = next(self._pieces, None)
            if piece is None:
                self._is_complete = True
                break
            parts.append(piece)
            fetched += len(piece)
        if fetched:
            self._text = "".join(parts)
            self._position = 0
        return fetched > 0

    def _grow(self) -> bool:
        """Double what is held from the position on, so that retries cost no more than reading."""
        held = len(self._text) - self._position
        return held <= LINE_LIMIT and self._fetch(max(held, 1))

    # -------- reading

    def take(self) -> JsonValue | BadJson:
        """Return the value at the position, or what stands there instead, and pass it."""
        line = self.line
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._position)
            except JsonProblem as problem:
                return self._refuse(line, problem)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._grow():
                    continue
                return self._pass_over(line, self._cause(error), broken_at=error.pos)
            except (ValueError, RecursionError) as error:
                return self._refuse(line, odd_problem(error))
            # Of a number that is cut (`1` of `1e+16`) the beginning is a number as well.
            margin = _LONGEST_TOKEN if isinstance(value, int | float) else 0
            if end + margin >= len(self._text) and self._grow():
                continue
            return self._checked(line, value, end)

    def _checked(self, line: int, value: object, end: int) -> JsonValue | BadJson:
        text = self._text[self._position : end]
        self._move_to(end)
        if len(text) > LINE_LIMIT:
            return BadJson(line, _too_long(), mended_excerpt(text[:EXCERPT]))
        try:
            check_text(text)
            check_value(value, text)
        except JsonProblem as problem:
            return BadJson(line, problem, mended_excerpt(text))
        return JsonValue(line, value)

    def _refuse(self, line: int, problem: JsonProblem) -> BadJson:
        """Pass a value that is written properly but says what is not used here."""
        while True:
            try:
                _, end = _LENIENT.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._grow():
                    continue
                return self._pass_over(line, problem, broken_at=error.pos)
            except (ValueError, RecursionError):
                return self._pass_over(line, problem, broken_at=self._position)
            text = self._text[self._position : end]
            self._move_to(end)
            return BadJson(line, problem, mended_excerpt(text))

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        is_at_end = error.pos + _LONGEST_TOKEN >= len(self._text)
        return is_at_end or error.msg.startswith("Unterminated string")

    def _is_at_end(self, error: json.JSONDecodeError) -> bool:
        is_open = error.msg.startswith("Unterminated string")
        return is_open or error.pos >= len(self._text.rstrip(" \t\r\n"))

    def _cause(self, error: json.JSONDecodeError) -> JsonProblem:
        if len(self._text) - self._position > LINE_LIMIT and self._may_be_cut(error):
            return _too_long()
        if self._is_complete and self._is_at_end(error):
            return JsonProblem("torn", "The file ends in the middle of a value.")
        return JsonProblem("json", f"It is not valid JSON: {error.msg.lower()}.")

    def _pass_over(self, line: int, problem: JsonProblem, *, broken_at: int) -> BadJson:
        """Skip to where the next value seems to begin, behind the character that is wrong."""
        if self._indent is None:
            return BadJson(line, problem, self._pass_balanced())
        pattern = re.compile(rf"\n{re.escape(self._indent)}(?=\{{)")
        return BadJson(line, problem, self._pass_until(pattern, broken_at))

    def _pass_balanced(self) -> str:
        """Pass as many brackets as are opened, or everything where they are never closed."""
        while True:
            end = _balanced_end(self._text, self._position)
            if end < len(self._text) or not self._grow():
                break
        if end == len(self._text) and not self._is_complete:
            return self._pass_until(_NOWHERE, self._position)
        text = self._text[self._position : end]
        self._move_to(end)
        return mended_excerpt(text)

    def _pass_until(self, pattern: re.Pattern[str], search_from: int) -> str:
        kept = _Kept()
        while True:
            found = pattern.search(self._text, search_from)
            # What is cut at the end of the window may be the beginning of a match.
            margin = 0 if self._is_complete else EXCERPT
            end = found.end() if found else max(search_from, len(self._text) - margin)
            kept.add(self._text[self._position : end])
            self._move_to(end)
            if not found and self._fetch(_STRIDE):
                search_from = self._position
            elif found or self._position == len(self._text):
                return kept.text()


def _balanced_end(text: str, position: int) -> int:
    """Return where the value at *position* ends by its brackets, else the end of the text.

    A bracket that is closed by an outer one was forgotten; one that was never opened belongs to
    the list around.
    """
    stack: list[str] = []
    # How many of each kind are open: asking the stack would take time for each of its brackets.
    waiting = dict.fromkeys(_CLOSES.values(), 0)
    for token in _TOKENS.finditer(text, position):
        bracket = token.group()
        if bracket in waiting:
            stack.append(bracket)
            waiting[bracket] += 1
        elif (bracket == "," and not stack) or not waiting.get(_CLOSES.get(bracket, ""), 1):
            return max(token.start(), position + 1)
        elif bracket in _CLOSES:
            _close(_CLOSES[bracket], stack, waiting)
            if not stack:
                return token.end()
    return len(text)


def _close(opening: str, stack: list[str], waiting: dict[str, int]) -> None:
    while True:
        bracket = stack.pop()
        waiting[bracket] -= 1
        if bracket == opening:
            return


class _Kept:
    """Text that was passed over: whole if it is of a record's size, else its beginning."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        if self._length <= LINE_LIMIT:
            self._parts.append(text)
        self._length += len(text)

    def text(self) -> str:
        text = "".join(self._parts)
        whole = text if self._length <= LINE_LIMIT else text[:EXCERPT]
        return mended_excerpt(whole.strip(" \t\r\n,"))


def _too_long() -> JsonProblem:
    return JsonProblem("length", "It is longer than 10 MB, which no customer is.")
