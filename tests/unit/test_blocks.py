"""Files are cut into blocks by what stands in them, so that unchanged blocks are found again."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.core.model import Place, Record
from customer_sync.errors import SourceError
from customer_sync.platforms.blockwise import open_blocks, open_each
from customer_sync.platforms.reading import Asked
from customer_sync.readers.blocks import MOST_LINES, Block, LineTooLong, cut
from customer_sync.readers.lines import LINE_LIMIT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINES = tuple(f'{{"id": "{n}", "email": "p{n}@example.com"}}\n'.encode() for n in range(5000))
EVENT = '{"event": "customer_deleted", "timestamp": "2024-01-15T10:00:00Z", "data": {"id": "%s"}}\n'


def blocks_of(content: bytes) -> list[Block]:
    """Return the blocks that *content* is cut into."""
    return list(cut(io.BytesIO(content)))


@given(st.binary(max_size=200))
def test_blocks_are_the_file(content: bytes) -> None:
    """Nothing is missing and nothing is twice, whatever the bytes."""
    found = blocks_of(content)
    assert b"".join(content[b.offset : b.offset + b.size] for b in found) == content
    assert [b.line for b in found] == [content[: b.offset].count(b"\n") + 1 for b in found]


@given(st.integers(0, len(LINES) - 1), st.sampled_from(("add", "take out", "change")))
def test_a_change_touches_no_more_than_two_blocks(place: int, what: str) -> None:
    """Those are the block with the line, and the next one where the line was the boundary."""
    before = {b.digest for b in blocks_of(b"".join(LINES))}
    lines = list(LINES)
    if what == "add":
        lines.insert(place, b'{"id": "new"}\n')
    elif what == "take out":
        del lines[place]
    else:
        lines[place] = b'{"id": "changed"}\n'
    after = {b.digest for b in blocks_of(b"".join(lines))}
    assert len(before) > 2
    assert len(before - after) <= 2


def test_equal_lines_are_cut_all_the_same() -> None:
    """Where the content gives no boundary, blocks have a greatest length."""
    found = blocks_of(b"{}\n" * (2 * MOST_LINES + 1))
    assert [b.size // 3 for b in found] == [MOST_LINES, MOST_LINES, 1]


def test_a_line_without_end_is_left_to_the_reader_of_lines() -> None:
    """It says what is wrong with it."""
    with pytest.raises(LineTooLong):
        blocks_of(b"x" * (LINE_LIMIT + 1))


# ---------------------------------------------------------------- files


def written(folder: Path, content: str, name: str = "events.jsonl") -> str:
    """Write a file and return its name."""
    (folder / name).write_text(content, encoding="utf-8")
    return str(folder / name)


def test_a_block_is_read_with_the_places_of_its_lines(tmp_path: Path) -> None:
    """Blank lines count as lines, and hold nothing."""
    name = written(tmp_path, "\n" + "".join(f"{EVENT % n}\n" for n in range(3)))
    file = open_blocks(name, now=NOW, asked=Asked())
    assert file is not None
    records = [record for block in file.blocks for record in file.records(block)]
    assert [record.place for record in records] == [Place(file=name, line=n) for n in (2, 4, 6)]
    assert all(isinstance(record, Record) for record in records)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("events.jsonl", "\ufeff" + EVENT % 1),
        ("events.json", f"[{EVENT % 1}]"),
        ("customers.csv", "id,email\n1,p1@example.com\n"),
        ("events.jsonl", (EVENT % 1).strip()),
        ("bulk.jsonl", '{"id": "gid://shopify/Customer/1", "email": "p1@example.com"}\n'),
    ],
)
def test_other_files_are_read_as_a_whole(tmp_path: Path, name: str, content: str) -> None:
    """Byte order marks, arrays, tables, single lines, and records that belong together."""
    assert open_blocks(written(tmp_path, content, name), now=NOW, asked=Asked()) is None


def test_standard_input_is_read_as_a_whole() -> None:
    """It can be read only once."""
    assert open_each(("-",), now=NOW, asked=Asked()) is None


def test_one_file_that_has_no_blocks_makes_a_whole_of_all(tmp_path: Path) -> None:
    """Two kinds of files in one run are read as ever."""
    lines = written(tmp_path, EVENT % 1)
    table = written(tmp_path, "id,email\n1,p1@example.com\n", "customers.csv")
    assert open_each((lines, table), now=NOW, asked=Asked()) is None


def test_a_file_that_is_written_to_meanwhile_is_refused(tmp_path: Path) -> None:
    """Half of what it said before and half of what it says now may be nobody's truth."""
    name = written(tmp_path, EVENT % 1 + EVENT % 2)
    file = open_blocks(name, now=NOW, asked=Asked())
    assert file is not None
    written(tmp_path, EVENT % 3 + EVENT % 4)
    with pytest.raises(SourceError, match="it was written to meanwhile"):
        list(file.records(file.blocks[0]))


def test_a_file_that_goes_away_is_told(tmp_path: Path) -> None:
    """Between looking at it and reading it, anything can happen."""
    name = written(tmp_path, EVENT % 1 + EVENT % 2)
    file = open_blocks(name, now=NOW, asked=Asked())
    assert file is not None
    Path(name).unlink()
    with pytest.raises(SourceError, match="cannot be read to its end"):
        list(file.records(file.blocks[0]))
