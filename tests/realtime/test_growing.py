"""Files that grow: whole lines only, each once, and known again after whatever was done to them."""

import os
from pathlib import Path

import pytest

from customer_sync.readers.lines import LINE_LIMIT
from customer_sync.realtime.growing import PIECE, GrowingFile, Place, take


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a file is going to be."""
    return tmp_path / "events.jsonl"


def texts(file: GrowingFile, *, is_over: bool = False) -> list[tuple[int, str]]:
    """Return the numbers and texts of the lines that a look finds."""
    news = file.look(is_over=is_over)
    return [(line.number, line.text) for line in news.lines] if news else []


def append(path: Path, text: str) -> None:
    """Write on."""
    with path.open("a") as file:
        file.write(text)


def test_lines_come_once_and_with_their_numbers(path: Path) -> None:
    """Blank ones count, and are left out."""
    append(path, "one\n\nthree\r\n")
    file = GrowingFile(str(path))
    assert texts(file) == [(1, "one"), (3, "three")]
    assert texts(file) == []
    append(path, "four\n")
    assert texts(file) == [(4, "four")]
    file.close()


def test_a_last_line_waits_for_its_end(path: Path) -> None:
    """However often it is looked at meanwhile, and wherever it was torn."""
    append(path, "one\ntw")
    file = GrowingFile(str(path))
    assert texts(file) == [(1, "one")]
    append(path, "o")
    assert texts(file) == []
    append(path, "\nthree\n")
    assert texts(file) == [(2, "two"), (3, "three")]
    file.close()


def test_half_a_letter_waits_for_the_other_half(path: Path) -> None:
    """Lines are cut by bytes, and only whole ones are decoded."""
    whole = "Zoë\n".encode()
    path.write_bytes(whole[:3])
    file = GrowingFile(str(path))
    assert texts(file) == []
    with path.open("ab") as writer:
        writer.write(whole[3:])
    assert texts(file) == [(1, "Zoë")]
    file.close()


def test_an_object_that_is_whole_does_not_wait(path: Path) -> None:
    """Nothing can be added to it, and its line end is no line of its own."""
    append(path, '{"a": {"b": "}"}}')
    file = GrowingFile(str(path))
    assert texts(file) == [(1, '{"a": {"b": "}"}}')]
    append(path, "\nnext\n")
    assert texts(file) == [(2, "next")]
    file.close()


@pytest.mark.parametrize("torn", ['{"a": {"b": 1}', '{"a": "}', "[1]", "12"])
def test_what_could_go_on_waits(path: Path, torn: str) -> None:
    """Also what looks like an end."""
    append(path, torn)
    file = GrowingFile(str(path))
    assert texts(file) == []
    assert texts(file, is_over=True) == [(1, torn)]
    file.close()


def test_a_file_that_was_cut_is_read_from_its_start(path: Path) -> None:
    """As copytruncate does it."""
    append(path, "one\ntwo\n")
    file = GrowingFile(str(path))
    file.look()
    os.truncate(path, 0)
    append(path, "new\n")
    news = file.look()
    assert news is not None
    assert news.is_rewritten
    assert [(line.number, line.text) for line in news.lines] == [(1, "new")]
    file.close()


def test_other_bytes_are_another_file_even_where_there_are_more_of_them(path: Path) -> None:
    """Its size alone does not tell."""
    append(path, "one\ntwo\n")
    place = _read(path)
    path.write_text("three\nfour\nfive\n")
    file = GrowingFile(str(path), place)
    news = file.look()
    assert news is not None
    assert news.is_rewritten
    assert len(news.lines) == 3
    file.close()


def test_a_place_outlives_the_process(path: Path) -> None:
    """Written down and read again, it leads to the same line."""
    append(path, "one\ntwo\nth")
    place = Place.decoded(_read(path).encoded())
    append(path, "ree\n")
    file = GrowingFile(str(path), place)
    assert texts(file) == [(3, "three")]
    file.close()


def _read(path: Path) -> Place:
    file = GrowingFile(str(path))
    file.look()
    file.close()
    return file.place


def test_long_files_are_read_piece_by_piece(path: Path) -> None:
    """No line is lost between them, though the file grows no more."""
    line = "x" * 999
    count = 2 * PIECE // 1000 + 10
    append(path, f"{line}\n" * count)
    file = GrowingFile(str(path))
    numbers: list[int] = []
    while found := texts(file):
        numbers += [number for number, _ in found]
    assert numbers == list(range(1, count + 1))
    file.close()


def test_a_line_that_is_too_long_is_cut_and_left_behind(path: Path) -> None:
    """Even while it still grows; the one after it is as it should be."""
    append(path, "y" * (LINE_LIMIT + PIECE))
    file = GrowingFile(str(path))
    news = file.look()
    assert news is not None
    assert [line.is_too_long for line in news.lines] == [True]
    append(path, "y" * 10)
    assert texts(file) == []
    append(path, "yyy\nnext\n")
    assert texts(file) == [(2, "next")]
    file.close()


def test_the_mark_at_the_beginning_is_no_text() -> None:
    """Some programs put one before UTF-8."""
    place = Place(path="p", device=1, inode=2)
    lines, _ = take(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", place)
    assert [line.text for line in lines] == ["one", "\ufefftwo"]
