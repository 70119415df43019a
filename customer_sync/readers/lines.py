"""From pieces of text to lines that know their number and never grow without bounds."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

LINE_LIMIT = 10 * 2**20
"""The most characters that one record may take."""

EXCERPT = 200
"""How many characters of a line that is too long are kept."""


class Line(Struct, frozen=True, gc=False):
    """One line without its end."""

    number: int
    text: str
    is_ended: bool = True
    """False only for a last line that no line end follows."""
    is_too_long: bool = False
    """Then the text is only its beginning."""


def split_lines(pieces: Iterable[str], *, ending: str = "\n") -> Iterator[Line]:
    """Return the lines of *pieces* joined; a carriage return before a line end belongs to it.

    No more than LINE_LIMIT characters and one piece are held at a time.
    """
    number = 1
    tail = _Tail()
    for piece in pieces:
        first, *others = piece.split(ending)
        tail.add(first)
        if not others:
            continue
        yield tail.line(number, is_ended=True)
        *whole, rest = others
        for text in whole:
            number += 1
            yield _line(number, text, is_ended=True)
        number += 1
        tail = _Tail()
        tail.add(rest)
    if not tail.is_blank:
        yield tail.line(number, is_ended=False)


def _line(number: int, text: str, *, is_ended: bool) -> Line:
    if len(text) > LINE_LIMIT:
        return Line(number, text[:EXCERPT], is_ended, is_too_long=True)
    return Line(number, text.removesuffix("\r") if is_ended else text, is_ended)


class _Tail:
    """A line as far as it is known."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    @property
    def is_blank(self) -> bool:
        return self._length == 0

    def add(self, text: str) -> None:
        if self._length <= LINE_LIMIT:
            self._parts.append(text)
        self._length += len(text)
        if self._length > LINE_LIMIT:
            self._parts = ["".join(self._parts)[:EXCERPT]]

    def line(self, number: int, *, is_ended: bool) -> Line:
        text = "".join(self._parts)
        if self._length > LINE_LIMIT:
            return Line(number, text, is_ended, is_too_long=True)
        return _line(number, text, is_ended=is_ended)


def mended_excerpt(text: str) -> str:
    r"""Return *text* with undecodable bytes and NUL written as `\xfc`, so that it can be stored.

    Such text is never valid JSON, so that it cannot slip in as a record unmended.
    """
    if undecodable_at(text) is None and "\0" not in text:
        return text
    return "".join(map(_storable, text))


def _storable(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    if "\ud800" <= char <= "\udfff":
        return f"\\u{ord(char):04x}"
    return "\\x00" if char == "\0" else char


def undecodable_at(text: str) -> int | None:
    """Return the number (from 1) of the first character that could not be decoded."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start + 1
    return None
