"""What the user names becomes a list of files."""

from pathlib import Path

import pytest

from customer_sync.errors import ExitCode, SourceError
from customer_sync.readers.sources import Ignored, find


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `in` with good and strange files, in the current folder."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "in"
    (place / "deeper").mkdir(parents=True)
    for name in ["b.csv", "a.jsonl.gz", "C.JSON", "notes.txt", ".hidden.csv", "x.gz", "[1].csv"]:
        (place / name).touch()
    return place


@pytest.mark.usefixtures("folder")
def test_a_file_is_called_as_it_was_named() -> None:
    """Messages can be matched with what was typed."""
    assert find(["./in/b.csv", "-"]).names == ("./in/b.csv", "-")


@pytest.mark.usefixtures("folder")
def test_a_folder_stands_for_its_usable_files() -> None:
    """Sorted by name; the rest is told."""
    found = find(["in"])
    assert found.names == ("in/C.JSON", "in/[1].csv", "in/a.jsonl.gz", "in/b.csv")
    assert found.ignored == (
        Ignored(name="in/.hidden.csv", reason="hidden"),
        Ignored(name="in/deeper", reason="a folder"),
        Ignored(name="in/notes.txt", reason="unknown suffix"),
        Ignored(name="in/x.gz", reason="unknown suffix"),
    )


@pytest.mark.usefixtures("folder")
def test_a_glob_stands_for_its_matches() -> None:
    """Sorted, hidden files and folders left out."""
    assert find(["in/*.csv"]).names == ("in/[1].csv", "in/b.csv")
    assert find(["**/b*"]).names == ("in/b.csv",)


@pytest.mark.usefixtures("folder")
def test_a_name_that_exists_is_no_glob() -> None:
    """Brackets may be part of a name."""
    assert find(["in/[1].csv"]).names == ("in/[1].csv",)


@pytest.mark.usefixtures("folder")
def test_no_file_is_read_twice() -> None:
    """However often it is named."""
    assert find(["in/b.csv", "in/../in/b.csv", "in/*.csv", "-", "-"]).names == (
        "in/b.csv",
        "in/[1].csv",
        "-",
    )


@pytest.mark.usefixtures("folder")
def test_all_that_is_missing_is_told_at_once() -> None:
    """With the nearest name, and the exit code for input."""
    with pytest.raises(SourceError) as caught:
        find(["in/b.cvs", "in/*.xml", "in/deeper", "", "a\0b"])
    message = caught.value.message
    assert "There is no in/b.cvs (but there is in/b.csv)." in message
    assert "No file matches in/*.xml." in message
    assert "The folder in/deeper has no file" in message
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.INPUT
