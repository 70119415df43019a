"""A file of lines, cut into blocks where its content says so.

A boundary depends on the line before it and on nothing else: a line that is added, changed or taken
out moves no boundary but its own block's, so that all other blocks are found again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO
from zlib import crc32

from customer_sync.readers.lines import LINE_LIMIT

_BOUNDARY = 1023
"""One line in so many (plus one) ends a block, whatever the file's length."""

MOST_LINES = 16 * (_BOUNDARY + 1)
"""Where the content gives no boundary, such as in a file of equal lines, one is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some lines that stand together in a file."""

    digest: bytes
    """SHA-256 of its bytes."""
    offset: int
    """Where it begins, in bytes."""
    size: int
    line: int
    """The number of its first line, from 1."""


class LineTooLong(ValueError):
    """No customer's line is that long; whoever reads the lines says so better."""


def cut(stream: BinaryIO) -> Iterator[Block]:
    """Yield the blocks of *stream* from where it stands; no more than one of them is held.

    Raises:
        LineTooLong: a line is longer than LINE_LIMIT bytes.
        OSError: it cannot be read.
    """
    held: list[bytes] = []
    offset, line = 0, 1
    for text in iter(partial(stream.readline, LINE_LIMIT), b""):
        held.append(text)
        if len(text) == LINE_LIMIT:
            raise LineTooLong
        if not crc32(text) & _BOUNDARY or len(held) == MOST_LINES:
            block = _block(held, offset, line)
            yield block
            offset += block.size
            line += len(held)
            held = []
    if held:
        yield _block(held, offset, line)


def _block(lines: list[bytes], offset: int, line: int) -> Block:
    content = b"".join(lines)
    return Block(
        digest=hashlib.sha256(content).digest(), offset=offset, size=len(content), line=line
    )
