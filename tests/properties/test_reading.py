"""Whatever a file holds, reading it ends in records, rejections or one clear error."""

import contextlib
import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_sync.core.model import Record, Rejection
from customer_sync.core.validate import EventValidator
from customer_sync.errors import SourceError
from customer_sync.event_schema import event_schema
from customer_sync.readers.csv_rows import BadRow, RaggedRow, Row, read_rows
from customer_sync.readers.files import open_source
from customer_sync.readers.json_values import JsonValue, read_values
from customer_sync.readers.lines import split_lines
from customer_sync.run.rejects import entry

NOW = datetime(2024, 1, 1, tzinfo=UTC)
VALIDATOR = EventValidator(event_schema())
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0\r")
CELLS = st.text(CHARACTERS, max_size=8)

EVENT = b'{"event":"customer_updated","timestamp":"2024-01-15T10:30:00Z","data":{"id":"1"}}'
FILES = [
    b"\n".join([EVENT] * 4),
    b"[\n  " + b",\n  ".join([EVENT] * 4) + b"\n]\n",
    b"[" + b",".join([EVENT] * 4) + b"]",
    json.dumps(json.loads(EVENT), indent=2).encode(),
    b'id,email,note\n1,jane@example.com,"two\nlines"\n2,joe@example.com,\n',
    b"\xff\xfe" + "id;email\n1;jane@example.com\n".encode("utf-16-le"),
    b'{"rejected":{"file":"a","line":1,"problems":[]},"text":"{}"}\n',
]
SHARDS = st.binary(max_size=4) | st.sampled_from(
    [*(bytes([byte]) for byte in b'"{}[],\n\r\x00\xff'), b"NaN", b"\\ud800", b"[" * 70]
)
PACKINGS: list[Callable[[bytes], bytes]] = [
    bytes,
    # Without the time of day in it, a failing example stays the same.
    partial(gzip.compress, mtime=0),
    zstandard.compress,
]


@st.composite
def mangled_files(draw: st.DrawFn) -> bytes:
    """A good file out of which bytes were cut and into which others were put; perhaps packed."""
    content = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 9)))
        content = content[:start] + draw(SHARDS) + content[end:]
    packed = draw(st.sampled_from(PACKINGS))(content)
    return packed[: draw(st.integers(0, len(packed)))] if draw(st.booleans()) else packed


def everything(content: bytes) -> list[Record | Rejection]:
    """Read *content* to its end, or to where it turns out to be unreadable."""
    found: list[Record | Rejection] = []
    stdin = io.BytesIO(content)
    with contextlib.suppress(SourceError), open_source("-", stdin=stdin, now=NOW) as source:
        found.extend(source.records)
    return found


@UNTIMED
@given(st.binary() | mangled_files())
@example(b"id,a\n1,\r\n")
def test_any_bytes_can_be_read(content: bytes) -> None:
    """Nothing but a SourceError comes out, and every place is within the file."""
    last = content.count(b"\n") + content.count(b"\r") + 1
    for one in everything(content):
        assert one.place.line >= 1
        assert one.place.file != "-" or content[:1] in b"\x1f\x28" or one.place.line <= last


@UNTIMED
@given(st.binary() | mangled_files())
def test_what_is_rejected_can_be_stored_and_is_rejected_again(content: bytes) -> None:
    """An entry of the rejects file that nobody mended never slips in."""
    for one in everything(content):
        if not isinstance(one, Rejection):
            continue
        line = json.dumps(entry(one), ensure_ascii=False).encode()
        [again] = everything(line)
        assert again.place == one.place
        if isinstance(again, Record):
            assert isinstance(VALIDATOR.validate(again), Rejection)


def test_a_number_cut_in_the_middle_is_whole() -> None:
    """Wherever a piece ends, also where its beginning is a number as well."""
    number = "[-12.5e+16]"
    for cut in range(len(number)):
        [value] = read_values([number[:cut], number[cut:]])
        assert isinstance(value, JsonValue)
        assert value.value == -12.5e16


@UNTIMED
@given(st.lists(JSON), st.sampled_from([None, 1]), st.data())
def test_how_a_file_arrives_in_pieces_makes_no_difference(
    items: list[object], indent: int | None, data: st.DataObject
) -> None:
    """Every item of an array comes out once, whole and in order."""
    text = json.dumps(items, indent=indent, ensure_ascii=data.draw(st.booleans()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    if "\\u0000" in text:
        return
    values = list(read_values(pieces))
    assert [value.value for value in values if isinstance(value, JsonValue)] == items
    assert [line.text for line in split_lines(pieces)] == [
        line.removesuffix("\r") for line in text.split("\n")
    ]


@UNTIMED
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2)), st.sampled_from([",", ";", "\t"]))
def test_csv_as_other_programs_write_it_comes_back(rows: list[list[str]], delimiter: str) -> None:
    """Whatever the cells hold: delimiters, quotes, line ends."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "a"], *rows])
    found = list(read_rows("x", split_lines([written.getvalue()])).rows)
    assert [list(row.cells.values()) for row in found if isinstance(row, Row)] == [
        row for row in rows if any(cell.strip() for cell in row)
    ]


@UNTIMED
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6), st.integers(0, 30), SHARDS)
def test_no_row_takes_more_cells_than_the_header_names(
    rows: list[list[str]], position: int, shard: bytes
) -> None:
    """A row fits the header or is refused."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    body = written.getvalue()
    text = "id,a\n" + body[:position] + shard.decode("utf-8", "surrogateescape") + body[position:]
    for row in read_rows("x", split_lines([text])).rows:
        match row:
            case Row():
                assert set(row.cells) == {"id", "a"}
            case RaggedRow():
                assert len(row.cells) != 2
            case BadRow():
                assert row.problem.detail


@pytest.mark.parametrize("open_with", [b"[", b'{"a":'])
def test_bottomless_nesting_is_a_rejection(open_with: bytes) -> None:
    """In an array as well as in a line."""
    for content in (b"[1,\n " + open_with * 100_000, b"{}\n" + open_with * 100_000):
        first, second = everything(content)
        assert isinstance(first, Record)
        assert isinstance(second, Rejection)
        assert second.problems[0].rule == "depth"
