"""Files become records that know their place; what cannot be decoded becomes a rejection."""

import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard

from customer_sync.core.model import Record, Rejection
from customer_sync.errors import SourceError
from customer_sync.readers.files import SourceFile, open_source
from customer_sync.readers.formats import Format
from customer_sync.readers.lines import LINE_LIMIT
from customer_sync.readers.streams import Compression

NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)


def read(names: Sequence[str], *, stdin: BinaryIO) -> Iterator[Record | Rejection]:
    """Read the files called *names*, one after the other."""
    for name in names:
        with open_source(name, stdin=stdin, now=NOW) as source:
            yield from source.records


def read_bytes(content: bytes, *, encoding: str | None = None) -> list[Record | Rejection]:
    """Read *content* as standard input."""
    stdin = io.BytesIO(content)
    with open_source("-", stdin=stdin, now=NOW, encoding=encoding) as source:
        return list(source.records)


def records(content: bytes, *, encoding: str | None = None) -> list[tuple[int, object]]:
    """Return line and content of every record; fail where anything is rejected."""
    found = read_bytes(content, encoding=encoding)
    assert all(isinstance(one, Record) for one in found), found
    return [(one.place.line, one.content) for one in found]


def told(content: bytes) -> list[tuple[int, str]]:
    """Return line and rule of every rejection, and `ok` for the records between them."""
    return [
        (one.place.line, one.problems[0].rule if isinstance(one, Rejection) else "ok")
        for one in read_bytes(content)
    ]


def rows(content: bytes, *, encoding: str | None = None) -> list[object]:
    """Return the cells of every CSV row."""
    return [content for _, content in records(content, encoding=encoding)]


# ---------------------------------------------------------------- JSON


def test_json_lines_know_their_line() -> None:
    """Blank lines count but are no records; CRLF is a line end."""
    assert records(b'\xef\xbb\xbf{"a":1}\r\n\n {"b":2}') == [(1, {"a": 1}), (3, {"b": 2})]


def test_an_array_is_read_item_by_item() -> None:
    """Each item has the line that it begins in."""
    content = b'[\n  {"a": 1},\n  {\n    "b": 2\n  },\n  3\n]\n'
    assert records(content) == [(2, {"a": 1}), (3, {"b": 2}), (6, 3)]


def test_arrays_may_follow_each_other() -> None:
    """Pages of an interface are often just appended."""
    assert records(b'[{"a":1}]\n[{"b":2}]\n[]') == [(1, {"a": 1}), (2, {"b": 2})]


def test_a_single_object_may_take_many_lines() -> None:
    """As webhooks are saved."""
    assert records(b'{\n "a": [\n  1\n ]\n}\n') == [(1, {"a": [1]})]


def test_numbers_at_the_edge_of_a_piece_are_whole() -> None:
    """A piece of the file that ends within a number does not cut it."""
    items = ",".join(str(number) for number in range(100_000, 160_000))
    assert [content for _, content in records(f"[{items}]".encode())] == [*range(100_000, 160_000)]


def test_an_array_much_larger_than_what_is_held() -> None:
    """Nothing is lost or doubled at the seams."""
    items = [{"id": number, "note": "x" * (number % 977)} for number in range(3000)]
    content = json.dumps(items, indent=1).encode()
    assert [content for _, content in records(content)] == items


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'{"a":', "json"),
        (b'{"a":1} {"b":2}', "json"),
        (b'{"a":NaN}', "number"),
        (b'{"a":-Infinity}', "number"),
        (b'{"a":1e999}', "number"),
        (b'{"a":' + b"9" * 5000 + b"}", "json"),
        (b'{"a":1,"a":2}', "duplicate-name"),
        (b'{"a":"\xff"}', "encoding"),
        (b'{"a":"\\ud83d"}', "encoding"),
        (b'{"a":"\x00"}', "nul"),
        (b'{"a":"\\u0000"}', "nul"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "depth"),
        (b"[" * 100_000, "depth"),
        (b'{"a":"' + b"x" * LINE_LIMIT + b'"}', "length"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_line_is_rejected_and_reading_goes_on(line: bytes, rule: str) -> None:
    """One line costs no other."""
    assert told(b'{"a":1}\n' + line + b'\n{"b":2}\n') == [(1, "ok"), (2, rule), (3, "ok")]


def test_escapes_that_make_a_character_are_fine() -> None:
    """A pair of surrogates is one character, a backslash before a u need be no escape."""
    assert records(b'{"a":"\\ud83d\\ude00 \\\\u0000"}') == [(1, {"a": "\U0001f600 \\u0000"})]


def test_a_torn_last_line_is_called_so() -> None:
    """Whoever writes the file may not be done."""
    assert told(b'{"a":1}\n{"b":') == [(1, "ok"), (2, "torn")]


def test_a_last_line_without_line_end_is_whole_if_it_can_be_read() -> None:
    """Many programs leave it out."""
    assert told(b'{"a":1}\n{"b":2}') == [(1, "ok"), (2, "ok")]


def test_the_text_of_a_bad_line_is_kept() -> None:
    """It can be mended."""
    [rejection] = read_bytes(b'{"name":"M\xfcller"}\n')
    assert rejection.content == '{"name":"M\\xfcller"}'


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'[\n{"a":1},\n{"b":,\n "c":2},\n{"d":1}\n]', [(2, "ok"), (3, "json"), (5, "ok")]),
        (b'[{"a":1},{"b":,"c":[{},{}]},{"d":1}]', [(1, "ok"), (1, "json"), (1, "ok")]),
        (b'[{"a":1},\n {"b":NaN},\n {"c":1}]', [(1, "ok"), (2, "number"), (3, "ok")]),
        (b'[{"a":1},\n {"b":"\xff"},\n {"c":1}]', [(1, "ok"), (2, "encoding"), (3, "ok")]),
        (b'[{"a":1},\n {"b":', [(1, "ok"), (2, "torn")]),
        (b'[{"a":1},\n', [(1, "ok"), (2, "torn")]),
        (b'[{"a":1}\n{"b":1},,]', [(1, "ok"), (2, "ok")]),
        (b'[{"a":1},\n oops,\n {"c":1}]\n', [(1, "ok"), (2, "json"), (3, "ok")]),
    ],
)
def test_a_bad_item_is_rejected_and_reading_goes_on(
    content: bytes, wanted: list[tuple[int, str]]
) -> None:
    """The next item is found by where the bad one stood."""
    assert told(content) == wanted


def test_an_item_that_never_ends_is_not_held_whole() -> None:
    """Only its beginning is kept."""
    content = b'[{"a":1},\n{"b":"' + b"x" * (2 * LINE_LIMIT) + b'"},\n{"c":1}]'
    assert told(content) == [(1, "ok"), (2, "length"), (3, "ok")]


def test_a_single_line_array_that_never_closes_is_not_held_whole() -> None:
    """What is broken beyond the size of a record ends the list, with one rejection."""
    content = b'[{"a":1},{"b":,"c":[' + b"1" * (2 * LINE_LIMIT)
    assert told(content) == [(1, "ok"), (1, "json")]


@pytest.mark.parametrize("bad", ["oops", "'a'", '{"b":1,}', "}", '{"b":[1}'])
def test_items_without_lines_of_their_own_are_told_apart(bad: str) -> None:
    """By brackets and commas."""
    found = told(f'[{{"a":1}},{bad},{{"c":[1]}}]'.encode())
    assert found[0] == found[-1] == (1, "ok")
    assert {rule for _, rule in found[1:-1]} == {"json"}


# ---------------------------------------------------------------- CSV


def test_a_row_keeps_its_cells_as_they_are_written() -> None:
    """Under the names of their columns; what they mean is for others to say."""
    [(line, content)] = records(b"id,Zip Code, city \n007,01234,\n")
    assert line == 2
    assert content == {"id": "007", "Zip Code": "01234", "city": ""}


def test_the_header_is_known_before_the_rows() -> None:
    """With columns that have no name, so that rows can be told from it."""
    with open_source("-", stdin=io.BytesIO(b"id,,a\n"), now=NOW) as source:
        assert source.columns == ("id", "", "a")


def test_an_address_may_go_by_a_name_that_was_configured() -> None:
    """Such a line is a header too."""
    stdin = io.BytesIO(b"Kontakt;Ort\na@example.com;Ulm\n")
    with open_source("-", stdin=stdin, now=NOW, identity={"kontakt"}) as source:
        assert [one.content for one in source.records] == [
            {"Kontakt": "a@example.com", "Ort": "Ulm"}
        ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_shows_the_delimiter(delimiter: str) -> None:
    """Other delimiters within quotes do not count."""
    content = f'id{delimiter}"a,;,b"\n1{delimiter}"x{delimiter}y"\n'.encode()
    assert rows(content) == [{"id": "1", "a,;,b": f"x{delimiter}y"}]


def test_a_first_line_may_name_the_delimiter() -> None:
    """As spreadsheets write and want it."""
    assert rows(b"sep=|\nid|a\n1|x\n") == [{"id": "1", "a": "x"}]


def test_a_cell_may_hold_line_ends_and_quotes() -> None:
    """The place is the row's first line."""
    content = b'id,note\r\n1,"two\r\nlines"\r\n2,"said ""so"""\r\n'
    assert [line for line, _ in records(content)] == [2, 4]
    assert rows(content)[1] == {"id": "2", "note": 'said "so"'}


def test_quotes_in_the_middle_of_a_cell_are_just_quotes() -> None:
    """Sizes in inches are no reason to refuse a row."""
    assert rows(b'id,note\n1,5" wide\n') == [{"id": "1", "note": '5" wide'}]


def test_lines_may_end_as_on_very_old_machines() -> None:
    """A carriage return alone."""
    assert rows(b"id,a\r1,x\r2,y") == [{"id": "1", "a": "x"}, {"id": "2", "a": "y"}]


def test_rows_without_content_are_passed_over() -> None:
    """Spreadsheets leave them behind."""
    assert [line for line, _ in records(b"\nid,a\n\n,\n ,\n1,x\n")] == [6]


def test_columns_without_a_name_are_left_out() -> None:
    """A delimiter at the end of every line makes one."""
    assert rows(b"id,,a,\n1,0,x,\n") == [{"id": "1", "a": "x"}]


@pytest.mark.parametrize("row", [b"1", b"1,x,y"])
def test_a_ragged_row_is_rejected(row: bytes) -> None:
    """Cells are never shifted to other columns."""
    assert told(b"id,a\n" + row + b"\n2,x\n") == [(2, "columns"), (3, "ok")]


@pytest.mark.parametrize("line", [b'1,"x', b'1,"x"y', b"1,a\rb", b"1,\xff", b"1,\x00"])
def test_a_broken_row_costs_its_line_only(line: bytes) -> None:
    """An open quote does not swallow the rest of the file."""
    assert [rule for _, rule in told(b"id,a\n" + line + b"\n2,x\n3,y\n")][1:] == ["ok", "ok"]


def test_a_line_that_is_too_long_costs_only_itself() -> None:
    """Also between rows."""
    content = b"id,a\n1," + b"x" * LINE_LIMIT + b"\n2,y\n"
    assert told(content) == [(2, "length"), (3, "ok")]


@pytest.mark.parametrize("header", [b"id,email,id", b"first_name,id,First Name"])
def test_a_column_that_stands_twice_is_an_error(header: bytes) -> None:
    """Which one counts cannot be known, in whatever spelling."""
    with pytest.raises(SourceError, match="twice"):
        read_bytes(header + b"\n1,2,3\n")


@pytest.mark.parametrize("header", [b"id,\xff", b'id,"a', b"id,a\rb"])
def test_a_header_that_cannot_be_read_is_an_error(header: bytes) -> None:
    """Without it no row means anything."""
    with pytest.raises(SourceError) as caught:
        read_bytes(header + b"\n1,2\n")
    assert "id or email" in str(caught.value.hint)


# ---------------------------------------------------------------- encodings and packing


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_encodings_are_recognised(encoding: str) -> None:
    """A byte order mark tells, UTF-8 needs none."""
    assert rows("id,a\n1,Zoë 😀\n".encode(encoding)) == [{"id": "1", "a": "Zoë 😀"}]


def test_big_endian_utf_16_is_recognised() -> None:
    """Its mark tells."""
    assert rows(b"\xfe\xff" + "id\n1\n".encode("utf-16-be")) == [{"id": "1"}]


def test_windows_1252_has_to_be_asked_for() -> None:
    """Otherwise a row with its letters is rejected, with a hint."""
    content = "id,a\n1,Zoë €\n".encode("cp1252")
    assert rows(content, encoding="windows-1252") == [{"id": "1", "a": "Zoë €"}]
    [rejection] = read_bytes(content)
    assert isinstance(rejection, Rejection)
    assert "Character 5" in rejection.problems[0].detail


def test_a_mark_outranks_what_was_asked_for() -> None:
    """It cannot be there by chance."""
    assert rows("id,a\n1,ë\n".encode("utf-8-sig"), encoding="cp1252") == [{"id": "1", "a": "ë"}]


def test_half_a_character_at_the_end_is_rejected() -> None:
    """A torn file of UTF-16."""
    assert told('{"a":1}\n{"a":"b'.encode("utf-16") + b"x") == [(1, "ok"), (2, "encoding")]


def test_an_unknown_encoding_is_an_error() -> None:
    """With those that are understood."""
    with pytest.raises(SourceError, match="klingon") as caught:
        read_bytes(b"id\n1\n", encoding="klingon")
    assert "windows-1252" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("pack", "compression"),
    [
        (gzip.compress, Compression.GZIP),
        (zstandard.compress, Compression.ZSTD),
        (bytes, Compression.NONE),
    ],
)
def test_packing_is_recognised_by_the_first_bytes(
    tmp_path: Path, pack: Callable[[bytes], bytes], compression: Compression
) -> None:
    """Whatever the name says."""
    path = tmp_path / "customers.dat"
    path.write_bytes(pack(b'{"a":1}\n'))
    with open_source(str(path), stdin=io.BytesIO(), now=NOW) as source:
        assert source.file == SourceFile(
            name=str(path), format=Format.JSON_LINES, compression=compression, encoding="utf-8"
        )
        [record] = source.records
    assert record.content == {"a": 1}


def test_several_packed_parts_in_one_file_are_read_on() -> None:
    """Logs are packed by appending."""
    for pack in (gzip.compress, zstandard.compress):
        assert len(records(pack(b'{"a":1}\n') + pack(b'{"b":2}\n'))) == 2


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_breaks_off_is_an_error(pack: Callable[[bytes], bytes]) -> None:
    """What is missing could be anything, so nothing is concluded from the rest."""
    content = pack(b"".join(b'{"id":"%d"}\n' % (number * 7919) for number in range(50_000)))
    with pytest.raises(SourceError, match="cannot be read to its end"):
        read_bytes(content[: len(content) // 2])


def test_a_damaged_packed_file_is_an_error() -> None:
    """The sentence says what to do."""
    content = bytearray(zstandard.compress(b'{"a":1}\n' * 9))
    content[6:12] = b"damage"
    with pytest.raises(SourceError, match="Standard input cannot be read to its end"):
        read_bytes(bytes(content))


def test_zstd_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is optional."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(SourceError) as caught:
        read_bytes(zstandard.compress(b"{}"))
    assert "customer-sync[zstd]" in str(caught.value.hint)


# ---------------------------------------------------------------- recognition


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_holds_nothing(content: bytes) -> None:
    """And is no error."""
    assert read_bytes(content) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04....", "spreadsheet"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xff\xfe\x00\x00i\x00\x00\x00", "UTF-32"),
        ("id,a\n".encode("utf-16-le"), "UTF-16"),
        (gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), "compressed twice"),
        (b"Jane Doe,Ulm\nJohn Doe,Bonn\n", "neither JSON nor CSV"),
        (b"<customers/>", "neither JSON nor CSV"),
    ],
)
def test_what_cannot_be_read_is_an_error(content: bytes, says: str) -> None:
    """It is named, and nothing of it is shown."""
    with pytest.raises(SourceError, match=says) as caught:
        read_bytes(content)
    assert "Jane" not in caught.value.message


def test_a_broken_first_line_does_not_hide_json_lines() -> None:
    """The lines after it, or the name, tell."""
    assert told(b'oops\n{"a":1}\n') == [(1, "json"), (2, "ok")]
    assert told(b'{"a":\n{"a":1}\n') == [(1, "json"), (2, "ok")]


def test_the_name_of_json_lines_counts_where_the_content_is_damaged(tmp_path: Path) -> None:
    """Every line is then rejected by itself."""
    path = tmp_path / "in.jsonl"
    path.write_text("oops\noops\n")
    found = list(read([str(path)], stdin=io.BytesIO()))
    assert [one.place.line for one in found] == [1, 2]


# ---------------------------------------------------------------- files and entries


def test_files_are_read_in_order_with_their_own_time(tmp_path: Path) -> None:
    """The records of a file were written when it was."""
    for number, name in enumerate(["b.csv", "a.csv"]):
        (tmp_path / name).write_text(f"id\n{number}\n")
        os.utime(tmp_path / name, (number, number))
    names = [str(tmp_path / "b.csv"), "-", str(tmp_path / "a.csv")]
    found = list(read(names, stdin=io.BytesIO(b'{"a":1}')))
    assert [one.place.file for one in found] == names
    assert [one.written_at for one in found if isinstance(one, Record)] == [
        datetime.fromtimestamp(0, UTC),
        NOW,
        datetime.fromtimestamp(1, UTC),
    ]


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """The name and the system's reason are told."""
    with pytest.raises(SourceError, match="cannot be opened"):
        list(read([str(tmp_path)], stdin=io.BytesIO()))


def test_reading_takes_no_more_than_it_gives() -> None:
    """The first record is there before the second piece is read."""
    taken: list[int] = []

    class Source(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # enough for a stream
            line = b'{"a":1}\n' * (len(buffer) // 8)
            taken.append(len(line))
            buffer[: len(line)] = line
            return len(line)

    endless = read(["-"], stdin=io.BufferedReader(Source()))
    assert next(endless).content == {"a": 1}
    assert sum(taken) < 2**20


def entry(**kept: object) -> bytes:
    """Build a line of a rejects file."""
    rejected = {"file": "old.csv", "line": 12, "problems": []}
    return json.dumps({"rejected": rejected, **kept}).encode() + b"\n"


def test_an_entry_of_a_rejects_file_keeps_its_place() -> None:
    """Mended or not, as JSON or as the text that it was."""
    found = read_bytes(entry(record={"a": 1}) + entry(text='{"a":2}') + entry(text="oops"))
    assert [(str(one.place), one.content) for one in found] == [
        ("old.csv:12", {"a": 1}),
        ("old.csv:12", {"a": 2}),
        ("old.csv:12", "oops"),
    ]
    assert [isinstance(one, Record) for one in found] == [True, True, False]


def test_a_ragged_row_can_be_mended_by_its_cells() -> None:
    """It counts as the row that it should have been; unmended it is rejected again."""
    [rejection] = read_bytes(b"id,a\n1,x,y\n")
    content = rejection.content
    assert isinstance(content, dict)
    [again] = read_bytes(entry(record=content))
    assert isinstance(again, Rejection)
    [mended] = read_bytes(entry(record={**content, "cells": ["1", "x"]}))
    assert isinstance(mended, Record)
    assert (mended.content, mended.written_at) == ({"id": "1", "a": "x"}, NOW)


def test_undecodable_text_cannot_slip_in_unmended() -> None:
    """What stands for the bytes is never valid JSON."""
    [rejection] = read_bytes(b'{"a":"\xff"}\n')
    [again] = read_bytes(entry(text=rejection.content))
    assert isinstance(again, Rejection)
