"""CSV with a header: rows that know their first line, and never take cells for others'."""

import csv
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from customer_sync.core.values.names import camel_case
from customer_sync.errors import SourceError
from customer_sync.readers.lines import LINE_LIMIT, Line, mended_excerpt
from customer_sync.readers.strict_json import JsonProblem, check_text
from customer_sync.trouble import Code

DELIMITERS = ",;\t|"
_IDENTITY = frozenset(
    {"id", "customerId", "email", "eMail", "emailAddress", "eMailAddress", "mail", "customerEmail"}
)
"""In camelCase: a header names at least one of them, or what the configuration takes for it."""
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the line that it begins in, its cells under their columns' names as written."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class RaggedRow:
    """A row with more or fewer cells than the header has columns."""

    line: int
    columns: tuple[str, ...]
    cells: tuple[str, ...]

    @property
    def problem(self) -> JsonProblem:
        """Why it is of no use."""
        return JsonProblem(
            "columns",
            f"The row has {len(self.cells)} cells, but the header names {len(self.columns)} "
            "columns; look for a delimiter within a cell that is not quoted.",
        )


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is no row."""

    line: int
    problem: JsonProblem
    content: str


AnyRow: TypeAlias = Row | RaggedRow | BadRow


@dataclass(frozen=True, slots=True)
class Table:
    """The header of a CSV file, and its rows, which can be read once."""

    columns: tuple[str, ...]
    """As they are written, without outer blanks; empty where a column has no name."""
    rows: Iterator[AnyRow]


def is_header(line: str, identity: Collection[str] = ()) -> bool:
    """Tell whether *line* names columns, the customer's id or address among them.

    *identity* holds further names (in camelCase) that the id or the address goes by.
    """
    if _SEPARATOR_LINE.fullmatch(line):
        return True
    names = {camel_case(cell) for cell in _parsed(line, delimiter_of(line))}
    return not names.isdisjoint(_IDENTITY) or not names.isdisjoint(identity)


def delimiter_of(header: str) -> str:
    """Return the delimiter that *header* uses most, outside quotes; a comma where it uses none."""
    bare = _QUOTED.sub("", header)
    return max(DELIMITERS, key=bare.count)


def _parsed(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def read_rows(name: str, lines: Iterable[Line]) -> Table:
    """Return the header and the rows of the file called *name*.

    - The delimiter is a comma, a semicolon, a tab or a bar, as the header shows; a first line
      `sep=;` decides. Cells may be quoted and then hold line ends.
    - Columns without a name are left out. Rows without any content are passed over.
    - Where a quote is never closed or not followed by a delimiter, the line that the row begins
      in is refused and reading goes on with the next one.

    Raises:
        SourceError: the header is broken, or names a column twice.
    """
    feed = _Feed(lines)
    delimiter, columns = _header(name, feed)
    return Table(columns, _rows(feed, delimiter, columns))


def _rows(feed: "_Feed", delimiter: str, columns: Sequence[str]) -> Iterator[AnyRow]:
    for row in _split(feed, delimiter):
        if isinstance(row, BadRow):
            yield row
        elif any(cell.strip() for cell in row.cells):
            yield make_row(row.line, columns, row.cells)


def make_row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row | RaggedRow:
    """Return *cells* under the names of *columns*."""
    if len(columns) != len(cells):
        return RaggedRow(line, tuple(columns), tuple(cells))
    named = zip(columns, cells, strict=True)
    return Row(line, {column: cell for column, cell in named if column})


def _header(name: str, feed: "_Feed") -> tuple[str, tuple[str, ...]]:
    first = feed.first_text()
    chosen = _SEPARATOR_LINE.fullmatch(first.strip())
    if chosen:
        feed.drop()
        first = feed.first_text()
    delimiter = chosen.group(1) if chosen else delimiter_of(first)
    row = next(_split(feed, delimiter), None)
    if row is None or isinstance(row, BadRow):
        raise SourceError(
            f"{name}:1: the header cannot be read.",
            trouble=Code.HEADER,
            hint="The first line has to name the columns, id or email among them.",
        )
    columns = tuple(cell.strip() for cell in row.cells)
    _refuse_repeated(name, row.line, columns)
    return delimiter, columns


def _refuse_repeated(name: str, line: int, columns: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for column in filter(None, columns):
        spelled = first.setdefault(camel_case(column), column)
        if spelled is not column:
            both = column if spelled == column else f"{spelled} and {column}"
            raise SourceError(
                f"{name}:{line}: the header names a column twice: {both}.",
                trouble=Code.HEADER,
                hint="Rename or remove one of the two.",
            )


# ---------------------------------------------------------------- splitting


@dataclass(frozen=True, slots=True)
class _Cells:
    line: int
    cells: tuple[str, ...]


class _UnusableLineError(Exception):
    """The row runs into a line that cannot be part of one."""


class _Feed:
    """Gives lines to the csv module, and takes back what turned out not to belong to the row."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[Line] = deque()
        self.taken: list[Line] = []
        self._length = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self.taken.append(line)
        self._length += len(line.text)
        if line.is_too_long or self._length > LINE_LIMIT:
            raise _UnusableLineError
        return line.text + "\n" if line.is_ended else line.text

    def first_text(self) -> str:
        """Return the next line's text without taking it."""
        if not self._waiting:
            self._waiting.extend(line for line in [next(self._lines, None)] if line is not None)
        return self._waiting[0].text if self._waiting else ""

    def drop(self) -> None:
        """Pass the next line."""
        self._waiting.popleft()

    def start_row(self) -> None:
        """Forget what was taken."""
        self.taken = []
        self._length = 0

    def give_back(self) -> None:
        """Offer again all lines that were taken but the first."""
        self._waiting.extendleft(reversed(self.taken[1:]))


def _split(feed: _Feed, delimiter: str) -> Iterator[_Cells | BadRow]:
    # The limit of the csv module is per process, and only ever needs to be this one.
    csv.field_size_limit(LINE_LIMIT)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _UnusableLineError):
            first = feed.taken[0]
            feed.give_back()
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            yield _bad_row(first)
            continue
        yield _checked(feed.taken, cells)


def _checked(taken: Sequence[Line], cells: list[str]) -> _Cells | BadRow:
    text = "\n".join(line.text for line in taken)
    try:
        check_text(text)
    except JsonProblem as problem:
        return BadRow(taken[0].number, problem, mended_excerpt(text))
    return _Cells(taken[0].number, tuple(cells))


def _bad_row(line: Line) -> BadRow:
    content = mended_excerpt(line.text)
    if line.is_too_long:
        return BadRow(line.number, JsonProblem("length", "The line is longer than 10 MB."), content)
    try:
        check_text(line.text)
    except JsonProblem as problem:
        return BadRow(line.number, problem, content)
    detail = (
        "A quote in this line is never closed, more follows it than a delimiter, or a line end "
        "stands in a cell without quotes."
    )
    return BadRow(line.number, JsonProblem("quotes", detail), content)
