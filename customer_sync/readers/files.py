"""JSON lines, JSON and CSV to decoded values and rows, whoever wrote them."""

import itertools
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
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
from customer_sync.readers.sources import STDIN
from customer_sync.readers.streams import HEAD_BYTES, Compression, open_text
from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as it was understood."""

    name: str
    """As the user named it; `-` for standard input."""
    format: Format
    compression: Compression
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSource:
    """A file that was understood as far as its notation goes, and waits to be read once."""

    file: SourceFile
    columns: tuple[str, ...]
    """The header of a CSV file as it is written; empty for JSON."""
    records: Iterator[Record | Rejection]
    """Decoded JSON values, or rows as mappings of column to cell.

    Only as much is held at a time as one of them needs. What cannot be decoded is a rejection with
    its place, and reading goes on. Entries of a rejects file are unwrapped and keep the place that
    they had at first; a row among them is a row again.
    """


@contextmanager
def open_source(
    name: str,
    *,
    stdin: BinaryIO,
    now: datetime,
    encoding: str | None = None,
    identity: Collection[str] = (),
) -> Iterator[OpenSource]:
    """Open the file called *name*, or *stdin* for `-`, as long as the context lasts.

    Records of standard input were written *now*, those of a file when the file was, but not later
    than that. *identity* holds names (in camelCase) of columns that tell who a customer is, beside
    the usual ones.

    Raises:
        SourceError: it cannot be read (also while reading), or is nothing that is read here.
    """
    if name == STDIN:
        yield _understood(_Opened(name, stdin, encoding, identity), now)
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115 - closed below, apart from opening's errors
        written_at = min(datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, UTC), now)
    except OSError as error:
        raise SourceError(
            f"{name} cannot be opened: {error.strerror}.",
            trouble=Code.SOURCE_UNREADABLE,
            hint="Check the name and who may read the file.",
        ) from error
    with stream:
        yield _understood(_Opened(name, stream, encoding, identity), written_at)


class _Opened:
    """A file whose beginning was looked at."""

    def __init__(
        self, name: str, stream: BinaryIO, encoding: str | None, identity: Collection[str]
    ) -> None:
        text = open_text(name, stream, encoding=encoding)
        head = list(_until(text.pieces, HEAD_BYTES))
        joined = "".join(head)
        self.ending = line_ending(joined)
        self.pieces = itertools.chain(head, text.pieces)
        self.file = SourceFile(
            name=name,
            format=recognise(name, joined, ending=self.ending, identity=identity),
            compression=text.compression,
            encoding=text.encoding,
        )


def _until(pieces: Iterator[str], size: int) -> Iterator[str]:
    length = 0
    while length < size and (piece := next(pieces, None)) is not None:
        length += len(piece)
        yield piece


def _understood(opened: _Opened, written_at: datetime) -> OpenSource:
    maker = RecordMaker(opened.file.name, written_at)
    columns: tuple[str, ...] = ()
    records: Iterator[Record | Rejection]
    match opened.file.format:
        case Format.CSV:
            lines = split_lines(opened.pieces, ending=opened.ending)
            table = read_rows(opened.file.name, _without_blank_start(lines))
            columns = table.columns
            records = map(maker.from_row, table.rows)
        case Format.JSON:
            records = map(maker.from_value, read_values(opened.pieces))
        case Format.JSON_LINES | Format.EMPTY:
            lines = split_lines(opened.pieces, ending=opened.ending)
            records = (maker.from_line(line) for line in lines if line.text.strip())
    return OpenSource(file=opened.file, columns=columns, records=records)


def _without_blank_start(lines: Iterable[Line]) -> Iterator[Line]:
    return itertools.dropwhile(lambda line: not line.text.strip(), lines)
