"""What is new in a file that grows: whole lines, and the place up to which it was read."""

import hashlib
import os
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from customer_sync.readers.lines import EXCERPT, LINE_LIMIT, Line

PIECE = 2**20
"""How many bytes of a file are read at a time, so that memory stays small."""

_TRACE = 256
"""How many bytes before a place are remembered by their hash, to know the file again."""

_BOM = b"\xef\xbb\xbf"
_NEVER_SEEN = (-1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a file was read."""

    path: str
    """Where it stood last; it is known by device and inode, which a new name leaves as they are."""
    device: int
    inode: int
    offset: int = 0
    lines: int = 0
    """How many line ends are before it."""
    trace: str = ""
    """What the bytes before it hash to: another one means that these are other bytes."""
    is_own: bool | None = None
    """Whether the first record was an event of our own form; None: there was none yet."""
    is_skipping: bool = False
    """The line at it is too long, was refused, and goes on."""

    @classmethod
    def at_start(cls, path: str, stat: os.stat_result) -> Self:
        """Return the place before the first byte."""
        return cls(path=path, device=stat.st_dev, inode=stat.st_ino)

    @classmethod
    def decoded(cls, body: bytes) -> Self:
        """Return a place as it was written down."""
        return msgspec.json.decode(body, type=cls)

    @property
    def file(self) -> str:
        """The name that it is written down under."""
        return f"{self.device}:{self.inode}"

    def encoded(self) -> bytes:
        """Return it, to be written down."""
        return msgspec.json.encode(self)

    def anew(self) -> Self:
        """Return the start of the same file."""
        return replace(self, offset=0, lines=0, trace="", is_own=None, is_skipping=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The lines that a look has found, and the place behind them."""

    lines: tuple[Line, ...]
    place: Place
    is_rewritten: bool = False
    """The file holds other bytes than before, and was read from its start."""


class GrowingFile:
    """An open file, which goes on being the same one whatever name it is given.

    Every method may raise OSError.
    """

    def __init__(self, path: str, place: Place | None = None) -> None:
        """Open the file at *path*, read up to *place* already if it is the same one."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        stat = os.fstat(self._file)
        self._seen = _NEVER_SEEN
        self.place = place or Place.at_start(path, stat)

    def close(self) -> None:
        """Close it."""
        os.close(self._file)

    def move_to(self, path: str) -> None:
        """Take note of a new name."""
        if path != self.place.path:
            self.place = replace(self.place, path=path)

    def look(self, *, is_over: bool = False) -> News | None:
        """Return what is new since the place, and go on behind it; None: nothing.

        A last line without its end waits for it, unless it is a whole JSON object already, which
        nothing can be added to, or nothing more *is* to come.
        """
        stat = os.fstat(self._file)
        seen = (stat.st_size, stat.st_mtime_ns)
        if seen == self._seen and not is_over:
            return None
        is_rewritten = not self._is_same(stat.st_size)
        start = self.place.anew() if is_rewritten else self.place
        piece = self._piece(start)
        is_all = start.offset + len(piece) >= stat.st_size
        lines, place = take(piece, start, is_over=is_over and is_all)
        # What was left of the file is looked at next time, though nothing was added.
        self._seen = seen if is_all else _NEVER_SEEN
        if place == self.place:
            return None
        self.place = replace(place, trace=self._trace(place.offset))
        return News(lines=lines, place=self.place, is_rewritten=is_rewritten)

    def _piece(self, place: Place) -> bytes:
        """Return the bytes from *place* on: a piece, or as much as a line may hold."""
        piece = os.pread(self._file, PIECE, place.offset)
        while len(piece) % PIECE == 0 and piece and b"\n" not in piece and len(piece) <= LINE_LIMIT:
            more = os.pread(self._file, PIECE, place.offset + len(piece))
            if not more:
                break
            piece += more
        return piece

    def _is_same(self, size: int) -> bool:
        """Tell whether the bytes before the place are those that were read."""
        place = self.place
        return size >= place.offset and self._trace(place.offset) == place.trace

    def _trace(self, offset: int) -> str:
        length = min(offset, _TRACE)
        if not length:
            return ""
        return hashlib.sha256(os.pread(self._file, length, offset - length)).hexdigest()


def take(piece: bytes, place: Place, *, is_over: bool = False) -> tuple[tuple[Line, ...], Place]:
    """Return the lines of *piece*, which begins at *place*, and the place behind them."""
    *whole, rest = piece.split(b"\n")
    lines: list[Line] = []
    number, is_skipping = place.lines, place.is_skipping
    offset = place.offset + sum(map(len, whole)) + len(whole)
    for raw in whole:
        number += 1
        if not is_skipping:
            lines.append(_line(number, raw))
        is_skipping = False
    if rest:
        if is_skipping:
            offset += len(rest)
        elif len(rest) > LINE_LIMIT:
            lines.append(_line(number + 1, rest))
            offset, is_skipping = offset + len(rest), True
        elif is_over or _is_object(rest):
            # An empty rest of the line, up to its end, comes later.
            lines.append(_line(number + 1, rest, is_ended=not is_over))
            offset += len(rest)
    return (
        tuple(line for line in lines if line.text.strip()),
        replace(place, offset=offset, lines=number, is_skipping=is_skipping),
    )


def _line(number: int, raw: bytes, *, is_ended: bool = True) -> Line:
    if len(raw) > LINE_LIMIT:
        return Line(number, _text(raw[:EXCERPT]), is_too_long=True)
    if number == 1:
        raw = raw.removeprefix(_BOM)
    return Line(number, _text(raw).removesuffix("\r"), is_ended)


def _text(raw: bytes) -> str:
    # What is not UTF-8 is refused with its place by whoever decodes the line.
    return raw.decode("utf-8", "surrogateescape")


def _is_object(raw: bytes) -> bool:
    if not raw.rstrip().endswith(b"}"):
        return False
    try:
        msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
