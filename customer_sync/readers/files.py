"""JSON lines, JSON and CSV to raw records; custom sources use it directly."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from customer_sync.core.model import Record, Rejection
from customer_sync.errors import SourceError
from customer_sync.readers.csv_rows import read_rows
from customer_sync.readers.formats import Format, line_ending, recognise
from customer_sync.readers.json_values import read_values
from customer_sync.readers.lines import Line, split_lines
from customer_sync.readers.records import RecordMaker
from customer_sync.readers.sources import STDIN, find
from customer_sync.readers.streams import HEAD_BYTES, Compression, open_text


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as it was understood."""

    name: str
    """As the user named it; `-` for standard input."""
    format: Format
    compression: Compression
    encoding: str


def read(
    sources: Sequence[str],
    *,
    stdin: BinaryIO,
    now: datetime,
    encoding: str | None = None,
    on_file: Callable[[SourceFile], None] = lambda _file: None,
) -> Iterator[Record | Rejection]:
    """Return what *sources* hold, file by file, in the order of the files.

    Only as much is held at a time as one record needs. What cannot be decoded is a rejection with
    its place, and reading goes on. *on_file* is told of each file when it is opened.

    Records of standard input were written *now*, those of a file when the file was.
    Entries of a rejects file are unwrapped and keep the place that they had at first.

    Raises:
        SourceError: a source does not exist (at once), or cannot be read (while reading).
    """
    found = find(sources)
    return itertools.chain.from_iterable(
        _read_file(name, stdin, now, encoding, on_file) for name in found.names
    )


def describe(name: str, *, encoding: str | None = None) -> SourceFile:
    """Return what the file called *name* is.

    Raises:
        SourceError: it cannot be read, or is nothing that is read here.
    """
    with _opened(name) as stream:
        return _Opened(name, stream, encoding).file


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise SourceError(
            f"{name} cannot be opened: {error.strerror}.",
            hint="Check the name and who may read the file.",
        ) from error


def _read_file(
    name: str,
    stdin: BinaryIO,
    now: datetime,
    encoding: str | None,
    on_file: Callable[[SourceFile], None],
) -> Iterator[Record | Rejection]:
    if name == STDIN:
        yield from _read_stream(_Opened(name, stdin, encoding), now, on_file)
        return
    with _opened(name) as stream:
        written_at = datetime.fromtimestamp(Path(name).stat().st_mtime, UTC)
        yield from _read_stream(_Opened(name, stream, encoding), written_at, on_file)


class _Opened:
    """A file whose beginning was looked at."""

    def __init__(self, name: str, stream: BinaryIO, encoding: str | None) -> None:
        text = open_text(name, stream, encoding=encoding)
        head = list(_until(text.pieces, HEAD_BYTES))
        joined = "".join(head)
        self.ending = line_ending(joined)
        self.pieces = itertools.chain(head, text.pieces)
        self.file = SourceFile(
            name=name,
            format=recognise(name, joined, ending=self.ending),
            compression=text.compression,
            encoding=text.encoding,
        )


def _until(pieces: Iterator[str], size: int) -> Iterator[str]:
    length = 0
    while length < size and (piece := next(pieces, None)) is not None:
        length += len(piece)
        yield piece


def _read_stream(
    opened: _Opened, written_at: datetime, on_file: Callable[[SourceFile], None]
) -> Iterator[Record | Rejection]:
    on_file(opened.file)
    maker = RecordMaker(opened.file.name, written_at)
    match opened.file.format:
        case Format.CSV:
            lines = split_lines(opened.pieces, ending=opened.ending)
            rows = read_rows(opened.file.name, _without_blank_start(lines))
            return map(maker.from_row, rows)
        case Format.JSON:
            return map(maker.from_value, read_values(opened.pieces))
        case Format.JSON_LINES | Format.EMPTY:
            lines = split_lines(opened.pieces, ending=opened.ending)
            return (maker.from_line(line) for line in lines if line.text.strip())


def _without_blank_start(lines: Iterable[Line]) -> Iterator[Line]:
    return itertools.dropwhile(lambda line: not line.text.strip(), lines)
