"""Files and folders that are followed: nothing twice, nothing never, whatever is done to them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Record, Rejection, SourceName
from customer_sync.errors import SourceError, StoreError
from customer_sync.platforms.reading import Asked
from customer_sync.realtime.followed import check
from customer_sync.realtime.following import LINGERS_S, MOST_LINES, OPEN_S, Following
from customer_sync.realtime.growing import GrowingFile
from customer_sync.realtime.inbox import Delivery, Inbox
from customer_sync.trouble import Code
from realtime_stage import NOW


def line(number: int) -> str:
    """Return an event as a line."""
    content = {
        "event": "customer_updated",
        "timestamp": NOW.isoformat(),
        "data": {"id": f"c{number}", "email": f"p{number}@example.com"},
    }
    return f"{json.dumps(content)}\n"


@dataclass(slots=True)
class Watched:
    """A folder with files, an inbox, and whoever follows."""

    folder: Path
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOW))
    notes: list[str] = field(default_factory=list)
    limit: int = 1_000_000

    @property
    def file(self) -> Path:
        """The file that is followed as a rule."""
        return self.folder / "events.jsonl"

    def append(self, *numbers: int, name: str = "events.jsonl") -> None:
        """Write events to a file."""
        with (self.folder / name).open("a") as file:
            file.writelines(map(line, numbers))
        # As if written now by the clock that counts here.
        os.utime(self.folder / name, (NOW.timestamp(), NOW.timestamp()))

    @contextmanager
    def following(self, *sources: Path, asked: Asked | None = None) -> Iterator["Watch"]:
        """Follow *sources*, or the file, as a process would from its start to its end."""
        with Inbox(self.folder / "state") as inbox:
            following = Following(
                [str(source) for source in sources or (self.file,)],
                inbox,
                asked or Asked(source=SourceName.CUSTOM),
                self.clock,
                limit=self.limit,
                on_note=self.notes.append,
            )
            yield Watch(following=following, inbox=inbox)
            following.close()


@dataclass(slots=True, kw_only=True)
class Watch:
    """One process that follows."""

    following: Following
    inbox: Inbox

    def news(self) -> list[Any]:
        """Look until nothing is new; return what came into the inbox, and take it out."""
        while self.following.look() is not None:
            pass
        entries = self.inbox.oldest(100_000)
        if entries:
            self.inbox.remove(entries)
        return [_told(entry.record) for entry in entries]


def _told(record: Record | Rejection) -> object:
    """Return the number of an event's customer, or where and why a record was refused."""
    match record:
        case Record(content={"data": {"id": str(name)}}):
            return int(name.removeprefix("c"))
        case Rejection(place=place, problems=problems):
            return Path(place.file).name, place.line, problems[0].rule
        case _:
            return record.content


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Return a folder to follow."""
    return Watched(tmp_path)


def test_what_is_added_comes_once(watched: Watched) -> None:
    """And from the start, the first time."""
    watched.append(1, 2)
    with watched.following() as watch:
        assert watch.news() == [1, 2]
        assert watch.news() == []
        watched.append(3)
        assert watch.news() == [3]


def test_reading_goes_on_where_it_had_got_to(watched: Watched) -> None:
    """In another process, with what was added meanwhile."""
    watched.append(1)
    with watched.following() as watch:
        assert watch.news() == [1]
    watched.append(2)
    with watched.following() as watch:
        assert watch.news() == [2]


def test_a_file_may_come_later(watched: Watched) -> None:
    """Until then there is nothing to read."""
    with watched.following() as watch:
        assert watch.news() == []
        watched.append(1)
        assert watch.news() == [1]


def test_a_folder_is_followed_with_whatever_comes_into_it(watched: Watched) -> None:
    """By the suffix of JSON lines; hidden files are somebody's work in progress."""
    watched.append(1, name="a.jsonl")
    watched.append(9, name="a.csv")
    watched.append(9, name=".b.jsonl")
    with watched.following(watched.folder) as watch:
        assert watch.news() == [1]
        watched.append(2, name="b.ndjson")
        watched.append(3, name="a.jsonl")
        assert watch.news() == [3, 2]


def test_a_pattern_is_followed(watched: Watched) -> None:
    """Also by files that come later."""
    with watched.following(watched.folder / "shop-*.jsonl") as watch:
        watched.append(1, name="shop-a.jsonl")
        watched.append(9, name="other.jsonl")
        assert watch.news() == [1]


def test_a_file_that_is_named_twice_is_read_once(watched: Watched) -> None:
    """By its folder and by its name."""
    watched.append(1)
    with watched.following(watched.folder, watched.file) as watch:
        assert watch.news() == [1]


# ---------------------------------------------------------------- put aside


def test_a_file_that_is_put_aside_is_read_to_its_end(watched: Watched) -> None:
    """Its writer goes on for a while, and what is new in its place comes after that."""
    watched.append(1)
    with watched.following() as watch:
        assert watch.news() == [1]
        watched.file.rename(watched.folder / "events.jsonl.1")
        watched.append(2, name="events.jsonl.1")
        watched.append(3)
        assert watch.news() == [2, 3]
        watched.append(4, name="events.jsonl.1")
        assert watch.news() == [4]


def test_a_file_that_was_put_aside_while_nobody_watched_is_found(watched: Watched) -> None:
    """By whatever name, in the same folder."""
    watched.append(1)
    with watched.following() as watch:
        assert watch.news() == [1]
    watched.append(2)
    watched.file.rename(watched.folder / "events.jsonl.1")
    watched.append(3)
    with watched.following() as watch:
        assert watch.news() == [2, 3]
    assert watched.notes == []


def test_a_new_name_within_the_folder_is_the_same_file(watched: Watched) -> None:
    """It is not read again, though it is followed by that name too."""
    watched.append(1)
    with watched.following(watched.folder) as watch:
        assert watch.news() == [1]
        watched.file.rename(watched.folder / "events-yesterday.jsonl")
        assert watch.news() == []
        watched.append(2, name="events-yesterday.jsonl")
        assert watch.news() == [2]


def test_the_torn_end_of_a_file_that_was_put_aside_is_refused(watched: Watched) -> None:
    """Once nothing was added for a minute; then it is let go."""
    watched.append(1)
    with watched.file.open("a") as file:
        file.write('{"event": "cust')
    with watched.following() as watch:
        assert watch.news() == [1]
        watched.file.rename(watched.folder / "events.jsonl.1")
        assert watch.news() == []
        watched.clock.advance(LINGERS_S)
        assert watch.news() == [("events.jsonl", 2, "torn")]
        watched.clock.advance(LINGERS_S)
        assert watch.news() == []
        assert watch.inbox.places() == {}


def test_a_file_that_was_taken_away_is_told(watched: Watched) -> None:
    """Nobody knows what it held in the end."""
    watched.append(1)
    with watched.following() as watch:
        watch.news()
    watched.file.unlink()
    with watched.following() as watch:
        assert watch.news() == []
        assert watch.inbox.places() == {}
    assert "was taken away" in watched.notes[0]
    assert "after line 1" in watched.notes[0]


def test_a_disk_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """How far its files were read stays known."""
    watched = Watched(tmp_path / "disk")
    watched.folder.mkdir()
    watched.append(1)
    state = tmp_path / "state"
    with Inbox(state) as inbox:
        following = _on_disk(watched, inbox)
        following.look()
        following.close()
        watched.folder.rename(tmp_path / "away")
        following = _on_disk(watched, inbox)
        assert following.look() is None
        (tmp_path / "away").rename(watched.folder)
        watched.append(2)
        assert following.look() == 1
        following.close()
    assert watched.notes == []


def _on_disk(watched: Watched, inbox: Inbox) -> Following:
    return Following(
        [str(watched.file)], inbox, Asked(), watched.clock, limit=10, on_note=watched.notes.append
    )


def test_a_file_that_is_cut_and_written_anew_is_read_from_its_start(watched: Watched) -> None:
    """As copytruncate does it, and it is told."""
    watched.append(1, 2)
    with watched.following() as watch:
        watch.news()
        os.truncate(watched.file, 0)
        watched.append(3)
        assert watch.news() == [3]
    assert "was written anew" in watched.notes[0]


# ---------------------------------------------------------------- many files, and large ones


def test_files_that_do_not_grow_are_closed_and_opened_again(watched: Watched) -> None:
    """Thousands of old ones must not use up what a process may open."""
    watched.append(1, name="a.jsonl")
    watched.append(2, name="b.jsonl")
    watched.clock.advance(OPEN_S)
    with watched.following(watched.folder) as watch:
        assert watch.news() == [1, 2]
        assert watch.news() == []
        assert watch.following._open == {}
        watched.append(3, name="a.jsonl")
        assert watch.news() == [3]
        (watched.folder / "b.jsonl").unlink()
        assert watch.news() == []
    assert watched.notes == []


def test_an_old_file_that_is_put_aside_needs_no_further_look(watched: Watched) -> None:
    """It was read to its end long ago."""
    watched.append(1)
    watched.clock.advance(OPEN_S)
    with watched.following() as watch:
        watch.news()
        watch.news()
        watched.file.rename(watched.folder / "events.jsonl.1")
        assert watch.news() == []
        assert watch.inbox.places() == {}
    assert watched.notes == []


def test_what_is_found_is_kept_before_more_is_read(watched: Watched) -> None:
    """So that memory stays small whatever stands in the folder."""
    watched.append(*range(MOST_LINES), name="a.jsonl")
    watched.append(1, name="b.jsonl")
    with watched.following(watched.folder) as watch:
        counts = []
        while (count := watch.following.look()) is not None:
            counts.append(count)
        assert sum(counts) == MOST_LINES + 1
        assert len(counts) > 1


def test_files_wait_while_the_inbox_is_full(watched: Watched) -> None:
    """They are on a disk already; it is told once."""
    watched.limit = 2
    watched.append(1, 2)
    with watched.following() as watch:
        assert watch.following.look() == 2
        watched.append(3)
        assert watch.following.look() is None
        assert watch.following.look() is None
        watch.inbox.remove(watch.inbox.oldest(10))
        assert watch.following.look() == 1
    assert len(watched.notes) == 1
    assert "full" in watched.notes[0]


def test_what_could_not_be_kept_comes_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place is where it was written down last."""

    def full(*_: object, **__: object) -> list[bool]:
        raise StoreError("disk full", trouble=Code.NO_ROOM)

    watched.append(1)
    with watched.following() as watch:
        with monkeypatch.context() as patch:
            patch.setattr(watch.inbox, "keep", full)
            with pytest.raises(StoreError):
                watch.following.look()
        assert watch.news() == [1]


# ---------------------------------------------------------------- what cannot be used


def test_a_line_that_is_no_json_is_refused_with_its_place(watched: Watched) -> None:
    """What is after it is read; of a file of our own events the text is kept, to be mended."""
    watched.append(1)
    with watched.file.open("a") as file:
        file.write("{torn\n")
    watched.append(3)
    with watched.following() as watch:
        assert watch.following.look() == 3
        contents = [e.record.content for e in watch.inbox.oldest(10) if _is_refused(e.record)]
        assert contents == ["{torn"]
        assert watch.news() == [1, ("events.jsonl", 2, "json"), 3]


def _is_refused(record: Record | Rejection) -> bool:
    return isinstance(record, Rejection)


def test_of_a_strange_line_only_the_place_is_kept(watched: Watched) -> None:
    """A platform's own may hold what nobody asked for, also in another process later."""
    with watched.file.open("a") as file:
        file.write('{"id": 1, "email": "p1@example.com"}\n{"password_hash": "x\n')
    with watched.following() as watch:
        watch.following.look()
        assert [e.record.content for e in watch.inbox.oldest(10)][1] is None
    with watched.file.open("a") as file:
        file.write('{"password_hash": "y\n')
    with watched.following() as watch:
        watch.following.look()
        assert [e.record.content for e in watch.inbox.oldest(10)][2] is None


def test_customers_as_a_platform_writes_them_are_understood(watched: Watched) -> None:
    """A line each, as in a file that is run."""
    customer = {"id": 7, "email": "p7@example.com", "first_name": "Jane"}
    watched.file.write_text(f"{json.dumps(customer)}\n")
    with watched.following() as watch:
        watch.following.look()
        (entry,) = watch.inbox.oldest(10)
    match entry.record:
        case Record(content={"event": event, "data": {"id": identity, "email": email}}):
            assert (event, str(identity), email) == ("customer_listed", "7", "p7@example.com")
        case _:
            pytest.fail(f"{entry.record}")


def test_a_file_that_may_not_be_read_is_told_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And read as soon as it may."""

    def refused(path: str, _place: object) -> GrowingFile:
        raise PermissionError(13, "Permission denied", path)

    watched.append(1)
    with watched.following() as watch:
        with monkeypatch.context() as patch:
            patch.setattr("customer_sync.realtime.following.GrowingFile", refused)
            assert watch.news() == []
            assert watch.news() == []
        assert watched.notes == [f"{watched.file} cannot be read: Permission denied."]
        assert watch.news() == [1]


def test_a_file_that_fails_while_it_is_read_is_told(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And read on afterwards."""

    def broken(_file: GrowingFile, *, is_over: bool) -> None:
        raise OSError(5, "Input/output error")

    watched.append(1)
    with watched.following() as watch:
        with monkeypatch.context() as patch:
            patch.setattr(GrowingFile, "look", broken)
            assert watch.news() == []
        assert "Input/output error" in watched.notes[0]
        assert watch.news() == [1]


def test_a_folder_that_cannot_be_looked_into_is_waited_for(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are not taken for gone."""

    def refused(_sources: object) -> dict[str, object]:
        raise PermissionError(13, "Permission denied", "folder")

    watched.append(1)
    with watched.following(watched.folder) as watch:
        watch.news()
        with monkeypatch.context() as patch:
            patch.setattr("customer_sync.realtime.following.standing", refused)
            watched.clock.advance(LINGERS_S)
            assert watch.news() == []
        watched.append(2)
        assert watch.news() == [2]
    assert watched.notes == ["folder cannot be looked into: Permission denied."]


def test_a_folder_in_place_of_a_file_is_no_file(watched: Watched) -> None:
    """It may go away again."""
    watched.file.mkdir()
    with watched.following(watched.folder / "*.jsonl") as watch:
        assert watch.news() == []


# ---------------------------------------------------------------- what can be followed


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("-", "Standard input"),
        ("", "empty name"),
        ("events.jsonl.gz", "compressed"),
        ("events.csv", "does not hold JSON lines"),
        ("nowhere/events.jsonl", "no folder nowhere"),
    ],
)
def test_what_cannot_be_followed_is_told_at_once(source: str, words: str) -> None:
    """With what can be."""
    with pytest.raises(SourceError, match=words) as caught:
        check([source])
    assert caught.value.hint


def test_what_can_be_followed_need_not_be_there_yet(tmp_path: Path) -> None:
    """A file in a folder that is there, a folder, or a pattern."""
    check([str(tmp_path / "events.jsonl"), str(tmp_path), str(tmp_path / "*.jsonl")])


def test_places_of_other_files_are_left_alone(watched: Watched) -> None:
    """Somebody else may follow them."""
    watched.append(1)
    with watched.following() as watch:
        watch.news()
        before = watch.inbox.places()
    watched.append(2, name="other.jsonl")
    with watched.following(watched.folder / "other.jsonl") as watch:
        watch.news()
        assert before.items() <= watch.inbox.places().items()


def test_a_delivery_without_records_is_nothing(tmp_path: Path) -> None:
    """It is new each time, and leaves nothing."""
    with Inbox(tmp_path) as inbox:
        assert inbox.keep([Delivery(records=())], now=NOW) == [True]
        assert inbox.size() == 0
