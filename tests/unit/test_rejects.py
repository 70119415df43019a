"""The rejects file keeps what is still to be mended, and nothing else."""

import io
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_sync.core.model import Place, Problem, Rejection
from customer_sync.errors import StoreError
from customer_sync.readers.files import open_source
from customer_sync.run.rejects import RejectSpool, write_rejects

PROBLEM = Problem(pointer="/data/email", rule="email", detail="It is no address.")


def rejection(file: str, line: int = 1, content: object = None) -> Rejection:
    """Build a rejection."""
    return Rejection(place=Place(file=file, line=line), problems=(PROBLEM,), content=content)


def places(path: Path) -> list[str]:
    """Return the places of all entries."""
    lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    entries = [json.loads(line)["rejected"] for line in lines]
    return [f"{entry['file']}:{entry['line']}" for entry in entries]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the rejects file belongs, in a folder that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state" / "rejects.jsonl"


def test_an_entry_tells_place_problems_and_record(path: Path) -> None:
    """One JSON object a line."""
    assert write_rejects(path, [rejection("a.csv", 2, {"é": 1})], ["a.csv"]) == 1
    assert json.loads(path.read_text("utf-8")) == {
        "rejected": {
            "file": "a.csv",
            "line": 2,
            "problems": [
                {
                    "pointer": "/data/email",
                    "rule": "email",
                    "detail": "It is no address.",
                    "trouble": "CS211",
                }
            ],
        },
        "record": {"é": 1},
    }


def test_what_could_not_be_decoded_is_kept_as_text(path: Path) -> None:
    """As it stood in the file."""
    write_rejects(path, [rejection("a.csv", 2, '{"a":')], ["a.csv"])
    assert json.loads(path.read_text())["text"] == '{"a":'


def test_the_file_is_only_for_its_owner(path: Path) -> None:
    """It holds people's data."""
    write_rejects(path, [rejection("a.csv")], ["a.csv"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_entries_of_the_files_read_are_replaced(path: Path) -> None:
    """However they are spelled; those of other files stay."""
    write_rejects(path, [rejection("a.csv"), rejection("b.csv")], ["a.csv", "b.csv"])
    write_rejects(path, [rejection("./a.csv", 5)], ["./a.csv"])
    assert places(path) == ["b.csv:1", "./a.csv:5"]


def test_reading_the_rejects_file_replaces_all_of_it(path: Path) -> None:
    """What is mended is gone, what is not comes back with its old place."""
    write_rejects(path, [rejection("a.csv"), rejection("-")], ["a.csv", "-"])
    write_rejects(path, [rejection("a.csv")], [str(path)])
    assert places(path) == ["a.csv:1"]


def test_entries_of_standard_input_stay_once(path: Path) -> None:
    """It cannot be read again; the same record may come again at another line."""
    write_rejects(path, [rejection("-", 1, {"a": 1})], ["-"])
    write_rejects(path, [rejection("-", 9, {"a": 1}), rejection("-", 1, {"b": 1})], ["-"])
    assert places(path) == ["-:1", "-:1"]


def test_lines_that_are_no_entries_stay(path: Path) -> None:
    """Somebody may be in the middle of mending."""
    write_rejects(path, [rejection("a.csv")], ["a.csv"])
    with path.open("ab") as file:
        file.write(b'{"half": "mended\xff"\n')
    write_rejects(path, [], ["a.csv"])
    assert path.read_bytes() == b'{"half": "mended\xff"\n'


def test_without_entries_there_is_no_file(path: Path) -> None:
    """Its presence means that there is something to do."""
    write_rejects(path, [rejection("a.csv")], ["a.csv"])
    assert write_rejects(path, [], ["a.csv"]) == 0
    assert not path.exists()
    assert write_rejects(path, [], ["a.csv"]) == 0


def test_an_interrupted_run_leaves_the_old_file(path: Path) -> None:
    """Either the old or the new one is there."""
    write_rejects(path, [rejection("a.csv")], ["a.csv"])

    def interrupted() -> Rejection:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rejects(path, (interrupted() if n else rejection("b.csv") for n in (0, 1)), ["b.csv"])
    assert places(path) == ["a.csv:1"]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_written_is_an_error_with_a_hint(path: Path) -> None:
    """Never a traceback."""
    path.parent.write_text("a file where a folder should be")
    with pytest.raises(StoreError) as caught:
        write_rejects(path, [rejection("a.csv")], ["a.csv"])
    assert caught.value.hint


def test_entries_are_read_again_at_their_old_places(path: Path) -> None:
    """The way back to the reader."""
    write_rejects(path, [rejection("a.csv", 4, {"a": 1}), rejection("b.csv", 2, "{")], [])
    now = datetime(2024, 1, 1, tzinfo=UTC)
    with open_source(str(path), stdin=io.BytesIO(), now=now) as source:
        found = list(source.records)
    assert [(str(one.place), one.content) for one in found] == [
        ("a.csv:4", {"a": 1}),
        ("b.csv:2", "{"),
    ]


def test_a_spool_writes_what_was_added(path: Path) -> None:
    """The run may gather rejections one by one and decide in the end; line ends stay within."""
    with RejectSpool() as spool:
        spool.add(rejection("a.csv", 1, "x\r\u2028\x85\ny"))
        spool.add(rejection("a.csv", 2))
        assert not path.exists()
        assert spool.commit(path, ["a.csv"]) == 2
    assert places(path) == ["a.csv:1", "a.csv:2"]
    assert json.loads(path.read_text("utf-8").split("\n")[0])["text"] == "x\r\u2028\x85\ny"
