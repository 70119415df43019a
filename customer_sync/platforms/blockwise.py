"""Files of lines whose blocks can be read by themselves, so that not all of them need be."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from customer_sync.errors import SourceError
from customer_sync.platforms.format import Understood
from customer_sync.platforms.reading import Asked, Seen, Taken, open_seen, understood
from customer_sync.readers.blocks import Block, LineTooLong, cut
from customer_sync.readers.formats import Format
from customer_sync.readers.lines import Line, split_lines
from customer_sync.readers.records import RecordMaker
from customer_sync.readers.sources import STDIN, find
from customer_sync.readers.streams import HEAD_BYTES, Compression
from customer_sync.trouble import Code

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFile:
    """A file that was looked at and cut."""

    name: str
    blocks: tuple[Block, ...]
    taken: Taken
    asked: Asked
    seen: Seen
    written_at: datetime

    def records(self, block: Block) -> Iterator[Understood]:
        """Yield the events of one block, with the places that they have in the file.

        Raises:
            SourceError: the block is no more what it was.
        """
        maker = RecordMaker(self.name, self.written_at)
        text = self._content(block).decode("utf-8", "surrogateescape")
        lines = (
            Line(line.number + block.line - 1, line.text, line.is_ended, line.is_too_long)
            for line in split_lines([text])
            if line.text.strip()
        )
        source = replace(self.seen.source, records=map(maker.from_line, lines))
        return understood(replace(self.seen, source=source), self.asked)

    def _content(self, block: Block) -> bytes:
        try:
            with Path(self.name).open("rb") as stream:
                stream.seek(block.offset)
                content = stream.read(block.size)
        except OSError as error:
            raise _unreadable(self.name, error.strerror) from error
        if hashlib.sha256(content).digest() != block.digest:
            raise _unreadable(self.name, "it was written to meanwhile")
        return content


def _unreadable(name: str, why: str | None) -> SourceError:
    return SourceError(
        f"{name} cannot be read to its end: {why}.",
        trouble=Code.SOURCE_UNREADABLE,
        hint="Nothing was changed. Run again when the file is complete.",
    )


def open_each(
    sources: Sequence[str], *, now: datetime, asked: Asked
) -> tuple[BlockFile, ...] | None:
    """Return all files among *sources* in blocks; None where one has to be read as a whole.

    Raises:
        SourceError: one does not exist, cannot be read or is not what was asked for.
    """
    files = []
    for name in find(sources).names:
        file = open_blocks(name, now=now, asked=asked)
        if file is None:
            return None
        files.append(file)
    return tuple(files)


def open_blocks(name: str, *, now: datetime, asked: Asked) -> BlockFile | None:
    """Return the file called *name* in blocks; None where it has to be read as a whole.

    It has to hold lines of JSON in UTF-8, not compressed, each understood by itself.

    Raises:
        SourceError: it cannot be read or is not what was asked for.
    """
    if name == STDIN or not Path(name).is_file() or not _has_plain_lines(name):
        return None
    file = open_some(name, (), now=now, asked=asked)
    kind = file.seen.source.file
    is_plain = kind.compression is Compression.NONE and kind.encoding == "utf-8"
    form = file.seen.recognised.format
    if not is_plain or kind.format is not Format.JSON_LINES or not form.is_one_by_one:
        return None
    try:
        with Path(name).open("rb") as stream:
            return replace(file, blocks=tuple(cut(stream)))
    except LineTooLong:
        return None
    except OSError as error:
        raise _unreadable(name, error.strerror) from error


def open_some(name: str, blocks: Sequence[Block], *, now: datetime, asked: Asked) -> BlockFile:
    """Return the file called *name* with those of its *blocks* that are to be read.

    Raises:
        SourceError: it cannot be read or is not what was asked for.
    """
    with open_seen(name, stdin=BytesIO(), now=now, asked=asked) as (seen, _events):
        pass
    try:
        written_at = datetime.fromtimestamp(Path(name).stat().st_mtime, UTC)
    except OSError as error:
        raise _unreadable(name, error.strerror) from error
    return BlockFile(
        name=name,
        blocks=tuple(blocks),
        taken=Taken(name=name, recognised=seen.recognised),
        asked=asked,
        seen=seen,
        written_at=min(written_at, now),
    )


def _has_plain_lines(name: str) -> bool:
    """Tell whether a file begins with lines as they are usual, and without a byte order mark."""
    try:
        with Path(name).open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return False
    return b"\n" in head and not head.startswith(_BOM)
