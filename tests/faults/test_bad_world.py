"""A full disk, a state that may not be written or is damaged: told plainly, and nothing is lost."""

import contextlib
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import ExitCode
from customer_sync.proof.doctor import examine
from customer_sync.run.edges import RunOptions
from customer_sync.run.report import OutcomeCounts, RunReport
from customer_sync.store import QueueItem, Store
from customer_sync.store.database import telling
from dropped_privileges import without_privileges
from session_stage import Shop, event
from worlds import CONFIG, served_sandbox

PEOPLE = [event("created", n, firstName=f"F{n}", lastName="L" * 200) for n in range(1, 41)]
NEWS = [
    *(event("created", n, firstName=f"F{n}", lastName="N" * 200) for n in range(41, 61)),
    *(event("updated", n, at="2024-02-01T00:00:00Z", firstName="Other") for n in range(1, 11)),
    *(event("deleted", n, at="2024-02-01T00:00:00Z") for n in range(11, 16)),
]
SINGLE = RunOptions(route=RouteChoice.SINGLE)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop whose customers are known."""
    shop = Shop(tmp_path / "shop")
    shop.folder.mkdir()
    shop.run(*PEOPLE)
    return shop


def state_of(shop: Shop) -> Path:
    """Return the state's file."""
    return shop.state / "state-sandbox.db"


# ---------------------------------------------------------------- a full disk


class TightStore(Store):
    """A state that may grow by so many pages before SQLite finds the disk full."""

    room = 0

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        self._db.execute(f"PRAGMA max_page_count = {pages + self.room}")


def test_whenever_the_disk_is_full_the_next_run_finishes_the_work(
    shop: Shop, tmp_path: Path
) -> None:
    """However far it got: the disk is named once, and in the end Brevo holds what it should."""
    whole = copy_of(shop, tmp_path / "whole")
    whole.run(*NEWS, options=SINGLE)
    expected = whole.holds()
    breakdowns = set()
    for room in range(60):
        copy = copy_of(shop, tmp_path / f"{room}")
        copy.state_type = type("Tight", (TightStore,), {"room": room})
        report = copy.run(*NEWS, options=SINGLE)
        copy.state_type = Store
        if report.exit_code == ExitCode.OK:
            break
        assert report.exit_code == ExitCode.CONFIG
        assert ["full" in e.message for e in report.errors if "disk" in e.message] == [True]
        assert "Make room" in report.errors[0].hint
        breakdowns.add(report.outcomes.applied)
        assert copy.run(*NEWS).exit_code == ExitCode.OK
        assert copy.holds() == expected, room
        assert copy.run(*NEWS).outcomes == OutcomeCounts(), room
        shutil.rmtree(copy.folder)
    else:
        pytest.fail("there was never room enough")
    assert len(breakdowns) > 3  # It broke down before, between and after writes.


def copy_of(shop: Shop, folder: Path) -> Shop:
    """Return the same shop in another folder."""
    shutil.copytree(shop.folder, folder)
    copy = Shop(folder, runs=shop.runs)
    copy.clock.advance(shop.clock.monotonic() + 60)
    return copy


# ---------------------------------------------------------------- the real command


UNMEASURED = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_PROCESS")}
"""The environment of a process without room: there is none for a record of its lines either."""


class Place:
    """A folder from which real processes sync to a sandbox on loopback."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url
        config = CONFIG.format(target="live", brevo=f"  base_url: {url}", options="")
        self.config = folder / "config.yaml"
        self.config.write_text(config, encoding="utf-8")
        self.state = folder / ".customer-sync"

    def run(
        self,
        events: Sequence[object],
        *options: str,
        before: Callable[[], None] | None = None,
    ) -> tuple[int, dict[str, Any], str]:
        """Run *events* in a process that does *before* first; return how it ended."""
        lines = "".join(f"{json.dumps(one)}\n" for one in events)
        (self.folder / "events.jsonl").write_text(lines, encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "customer_sync", "run", "events.jsonl", "--json"),
                *("--config", str(self.config), *options),
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**(UNMEASURED if before else os.environ), "BREVO_API_KEY": "key"},
            preexec_fn=before,
        )
        return done.returncode, json.loads(done.stdout), done.stderr

    def held(self) -> set[str]:
        """Return the addresses at Brevo."""
        answer = httpx.get(f"{self._url}/contacts?limit=1000", headers={"api-key": "key"})
        return {contact["email"] for contact in answer.json()["contacts"]}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Yield a place without any state yet."""
    with served_sandbox(tmp_path / "served.db") as url:
        yield Place(tmp_path, url)


def files_of_at_most(size: int) -> Callable[[], None]:
    """Return what lets no file of a process grow beyond *size* bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_process_that_runs_out_of_room_says_so_and_loses_nothing(place: Place) -> None:
    """No traceback, a document, and the next run does the rest."""
    code, document, err = place.run(PEOPLE, before=files_of_at_most(150_000))
    assert code == document["exit_code"] == ExitCode.CONFIG
    assert "Traceback" not in err
    assert len(re.findall(r"error CS\d+: ", err)) == 1
    assert str(place.state) in document["errors"][0]["message"]
    code, document, _ = place.run(PEOPLE)
    assert code == ExitCode.OK
    assert place.held() == {f"p{n}@example.com" for n in range(1, 41)}


def test_a_process_without_any_room_writes_nothing_to_brevo(place: Place) -> None:
    """Not even its lock can be written."""
    code, _, err = place.run(PEOPLE, before=files_of_at_most(0))
    assert code == ExitCode.CONFIG
    assert "Traceback" not in err
    assert "hint: Make room" in err
    assert place.held() == set()


@pytest.mark.parametrize("size", [60_000, 184_000, 300_000])
def test_a_rehearsal_without_room_is_told_and_can_go_on(tmp_path: Path, size: int) -> None:
    """There, the emulator's file grows too."""
    place = Place(tmp_path, "unused")
    config = CONFIG.format(target="sandbox", brevo="", options="")
    place.config.write_text(config, encoding="utf-8")
    people = [event("created", n, lastName="L" * 200) for n in range(200)]
    code, document, err = place.run(people, before=files_of_at_most(size))
    assert code == document["exit_code"] == ExitCode.CONFIG
    assert "Traceback" not in err
    assert "disk" in document["errors"][0]["hint"]
    code, document, _ = place.run(people)
    assert code == ExitCode.OK
    assert place.run(people)[1]["plan"]["keep"] == 200


@pytest.mark.parametrize("is_new", [True, False], ids=["no state yet", "a state"])
def test_a_folder_that_may_not_be_written_is_told(place: Place, *, is_new: bool) -> None:
    """With the name of the file, and what to do."""
    if is_new:
        place.state.mkdir()
    else:
        place.run(PEOPLE[:1])
    before = place.held()
    with with_mode(0o500, place.state), contextlib.ExitStack() as stack:
        for file in place.state.iterdir():
            stack.enter_context(with_mode(0o400, file))
        code, document, err = place.run(PEOPLE, before=without_privileges)
    assert code == ExitCode.CONFIG
    assert "Traceback" not in err
    assert str(place.state) in document["errors"][0]["message"]
    assert "permissions" in document["errors"][0]["hint"]
    assert place.held() == before


def test_a_state_that_may_not_be_written_is_told(place: Place) -> None:
    """The lock can be taken, but nothing remembered."""
    place.run(PEOPLE[:1])
    with with_mode(0o400, place.state / "state-live.db"):
        code, document, err = place.run(PEOPLE, before=without_privileges)
    assert code == ExitCode.CONFIG
    assert "Traceback" not in err
    assert "readonly" in document["errors"][0]["message"]
    assert "mounted for reading only" in document["errors"][0]["hint"]
    assert len(place.held()) == 1
    assert place.run(PEOPLE)[0] == ExitCode.OK


@contextlib.contextmanager
def with_mode(mode: int, path: Path) -> Iterator[None]:
    """Give *path* another mode for a while."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


# ---------------------------------------------------------------- a damaged state


def emptied(content: bytes) -> bytes:
    """Lose all of it, as a file system may after the power failed."""
    return content[:0]


def halved(content: bytes) -> bytes:
    """Lose the second half."""
    return content[: len(content) // 2]


def beheaded(content: bytes) -> bytes:
    """Lose the first page."""
    return b"\0" * 4096 + content[4096:]


def scratched(content: bytes) -> bytes:
    """Lose a page in the middle."""
    middle = len(content) // 8192 * 4096
    return content[:middle] + b"\xff" * 4096 + content[middle + 4096 :]


def replaced(_content: bytes) -> bytes:
    """Be another file altogether."""
    return b"no database " * 1000


DAMAGES = [emptied, halved, beheaded, scratched, replaced]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_state_is_moved_aside_and_never_replaced_unawares(
    shop: Shop, damage: Callable[[bytes], bytes]
) -> None:
    """Runs say where it is and what is lost, and do nothing until somebody decides."""
    path = state_of(shop)
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    before = shop.holds()

    report = shop.run(*NEWS)
    (aside,) = path.parent.glob("state-sandbox.db.damaged-*")
    assert aside.read_bytes() == broken
    assert not path.exists()
    assert_told(report, aside)

    report = shop.run(*NEWS)
    assert_told(report, aside)
    assert not path.exists()
    assert shop.holds() == before

    assert shop.run(*NEWS, options=RunOptions(is_refresh=True)).exit_code == ExitCode.OK
    assert shop.run(*NEWS).outcomes == OutcomeCounts()
    assert aside.read_bytes() == broken


def assert_told(report: RunReport, aside: Path) -> None:
    """It says what happened, what is lost, where it is now, and what to do."""
    assert report.exit_code == ExitCode.CONFIG
    (error,) = report.errors
    assert "damaged" in error.message
    assert str(aside) in error.message
    assert "people who said no" in error.message
    assert "--refresh" in error.hint
    assert "backup" in error.hint


def test_a_backup_in_its_place_is_all_it_takes(shop: Shop) -> None:
    """Then nobody is asked to begin anew."""
    path = state_of(shop)
    backup = path.read_bytes()
    path.write_bytes(b"no database")
    shop.run()
    path.write_bytes(backup)
    assert shop.run(*PEOPLE).plan.keep == 40


def test_what_is_not_yet_in_the_file_goes_along(shop: Shop) -> None:
    """The last writes of a run that was killed stand beside it, where a backup would find them."""
    path = state_of(shop)
    with contextlib.closing(sqlite3.connect(path)) as killed:
        killed.execute("INSERT INTO facts VALUES ('x', 'y')")
        killed.commit()
        wal = path.with_name(f"{path.name}-wal").read_bytes()
    path.write_bytes(b"no database")
    path.with_name(f"{path.name}-wal").write_bytes(wal)
    shop.run()
    (aside,) = path.parent.glob("*.damaged-*-wal")
    assert aside.with_name(aside.name.removesuffix("-wal")).read_bytes() == b"no database"
    assert aside.read_bytes() == wal
    assert not path.with_name(f"{path.name}-wal").exists()


def test_a_second_damage_does_not_write_over_the_first(shop: Shop) -> None:
    """Not even within the same second."""
    path = state_of(shop)
    for content in (b"one", b"two"):
        path.write_bytes(content)
        shop.run()
    kept = {p.read_bytes() for p in path.parent.glob("*.damaged-*")}
    assert kept == {b"one", b"two"}


@pytest.mark.parametrize(
    ("damage", "rescued"), [(scratched, True), (replaced, False), (beheaded, False)]
)
def test_whoever_said_no_is_remembered_as_far_as_can_be(
    tmp_path: Path, damage: Callable[[bytes], bytes], *, rescued: bool
) -> None:
    """Their contact is gone at Brevo, so that nothing else would tell."""
    shop = Shop(tmp_path, options="delete_behavior: hard")
    shop.run(*PEOPLE, event("created", 99, acceptsMarketing=False))
    shop.run(event("deleted", 99, at="2024-02-01T00:00:00Z"))
    shop.break_requests("POST /contacts", status=503, times=6)
    shop.run(event("created", 98))
    path = state_of(shop)
    path.write_bytes(damage(path.read_bytes()))
    shop.run()
    shop.clock.advance(600)
    refresh = RunOptions(is_refresh=True)
    report = shop.run(event("created", 99, at="2024-03-01T00:00:00Z"), options=refresh)
    contacts = shop.contacts()
    assert contacts["p99@example.com"].is_email_blocked is rescued
    assert ("p98@example.com" in contacts) is rescued
    (note,) = report.errors
    assert ("1 changes that waited" in note.message) is rescued
    assert (" 0 entries" in note.message) is not rescued


def test_nothing_is_taken_over_that_makes_no_sense(shop: Shop) -> None:
    """What was written over a page may look like a row."""
    with shop.memory() as store:
        key = store.fact("suppressions.key")
        add = "INSERT INTO suppressions (hash, no_mail, no_sms) VALUES"
        store._db.execute(f"{add} (x'00', 7, 'x')")
        store._db.execute(f"{add} (zeroblob(16), 1, 0)")
        store._db.execute(
            "INSERT INTO queue VALUES ('p1@example.com', '{', 'x', 1, 'then', 'then', 0, '')"
        )
    path = state_of(shop)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 4096])
    shop.run()
    shop.run(options=RunOptions(is_refresh=True))
    with shop.memory() as store:
        assert store.fact("suppressions.key") == key
        assert store.count_suppressed() == 1
        assert store.queue() == []


def test_the_doctor_leaves_a_damaged_state_where_it_is(shop: Shop) -> None:
    """It holds no lock for long, and only says what it found."""
    path = state_of(shop)
    path.write_bytes(b"no database")
    checks = {check.name: check for check in examine(shop.config.path, shop.state, {})}
    assert checks["state"].exit_code == ExitCode.CONFIG
    assert "damaged" in checks["state"].found
    assert path.read_bytes() == b"no database"


class BreakingStore(Store):
    """A state whose disk breaks just before the first request."""

    def accept(self, items: Sequence[QueueItem]) -> None:
        """Find a page unreadable."""
        with telling(self.path):
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error


def test_damage_in_the_middle_of_a_run_stops_it(shop: Shop) -> None:
    """Nothing more is written into that file, nor to Brevo."""
    before = shop.holds()
    shop.state_type = BreakingStore
    report = shop.run(*NEWS)
    (aside,) = shop.state.glob("state-sandbox.db.damaged-*")
    assert_told(report, aside)
    assert shop.holds() == before


def test_damage_that_cannot_be_moved_is_told_too(place: Place) -> None:
    """Then a person has to do it."""
    place.run(PEOPLE[:1])
    path = place.state / "state-live.db"
    path.write_bytes(b"no database")
    with with_mode(0o500, place.state):
        code, document, err = place.run(PEOPLE, before=without_privileges)
    assert code == ExitCode.CONFIG
    assert "Traceback" not in err
    assert "cannot be moved aside" in document["errors"][0]["message"]
    assert f"Move {path} away yourself" in document["errors"][0]["hint"]
    assert path.read_bytes() == b"no database"


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_output_that_cannot_be_written_is_told(place: Place, options: tuple[str, ...]) -> None:
    """It may be a file on a full disk."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "customer_sync", "validate", str(place.config), *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=UNMEASURED,
        )
    assert done.returncode == ExitCode.CONFIG
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr
