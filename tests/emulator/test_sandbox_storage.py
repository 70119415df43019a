"""The file of a sandbox: who may read it, what it keeps, and files that are none."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Attribute, AttributeType
from customer_sync.errors import StoreError
from customer_sync.sandbox import Sandbox, Settings
from sandboxes import START, Brevo, in_process


def test_the_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    """People's data is readable by nobody else, its folder is made when missing."""
    path = tmp_path / "deep" / "brevo.db"
    with Sandbox(path, clock=SimulatedClock(START)) as sandbox:
        sandbox.ensure(lists={5: "Customers"})
        modes = {each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    """Contacts, counts, windows of limits, faults, changed settings and waiting work survive."""
    with opened(tmp_path) as first:
        brevo = asking(first)
        brevo.create(ext_id="7")
        brevo.post("/contacts/import", {"jsonBody": [{"email": "a@example.com"}], "listIds": [2]})
        first.change_settings({"ext_id_at_top": True})
        first.inject("GET /account", status=503)
    clock = SimulatedClock(START)
    with Sandbox(tmp_path / "brevo.db", clock=clock) as second, in_process(second, clock) as ask:
        brevo = Brevo(second, clock, ask, "http://sandbox.invalid/v3")
        brevo.tick = 0
        found = brevo.get("/contacts/1")
        assert found.json()["ext_id"] == "7"
        assert found.headers["x-sib-ratelimit-remaining"] == "7"
        assert brevo.get("/account").status_code == 503
        assert second.request_counts()["POST /contacts"] == 1
        clock.advance(600)
        assert brevo.get("/contacts").json()["count"] == 2


def opened(folder: Path) -> Sandbox:
    """Open a sandbox in a folder, at the start of time."""
    return Sandbox(folder / "brevo.db", clock=SimulatedClock(START))


def asking(sandbox: Sandbox) -> Brevo:
    """Return a client that asks within one moment."""
    clock = sandbox.clock
    assert isinstance(clock, SimulatedClock)

    def ask(request: httpx.Request) -> httpx.Response:
        with in_process(sandbox, clock) as send:
            return send(request)

    brevo = Brevo(sandbox, clock, ask, "http://sandbox.invalid/v3")
    brevo.tick = 0.25
    return brevo


def test_time_never_runs_backwards(tmp_path: Path) -> None:
    """A sandbox that was ahead of the clock when it was closed stays ahead."""
    with opened(tmp_path) as first:
        first.advance(7200)
    with opened(tmp_path) as second:
        assert second.now() == START + timedelta(hours=2)


def test_requests_move_the_time_that_is_remembered(tmp_path: Path) -> None:
    """A simulated clock may have run ahead of the real one."""
    with opened(tmp_path) as first:
        brevo = asking(first)
        brevo.clock.advance(3600)
        brevo.get("/account")
    with opened(tmp_path) as second:
        assert second.now() >= START + timedelta(hours=1)


def test_preparing_twice_is_preparing_once(tmp_path: Path) -> None:
    """Names of lists stay, options add up, values stay."""
    with opened(tmp_path) as sandbox:
        for name, option in (("Customers", "red"), ("Others", "blue")):
            tags = Attribute(
                name="TAGS", type=AttributeType.MULTIPLE_CHOICE, options={option: option}
            )
            sandbox.ensure(lists={5: name}, attributes={"tags": tags})
        brevo = asking(sandbox)
        brevo.create(attributes={"TAGS": ["red", "blue"]})
        assert brevo.attributes() == {"TAGS": ["red", "blue"]}
        assert brevo.get("/contacts/lists/5").json()["name"] == "Customers"


def test_a_list_finds_a_folder(tmp_path: Path) -> None:
    """Where no folder is left, one is made."""
    with opened(tmp_path) as sandbox:
        brevo = asking(sandbox)
        brevo.delete("/contacts/folders/1")
        sandbox.ensure(lists={5: "Customers"})
        assert brevo.get("/contacts/lists/5").json()["folderId"] == 2


@pytest.mark.parametrize("name", ["A B", "", 'X"', "É"])
def test_no_attribute_is_named_so(tmp_path: Path, name: str) -> None:
    """A name that Brevo would not take is refused."""
    with opened(tmp_path) as sandbox, pytest.raises(ValueError, match="named"):
        sandbox.ensure(attributes={name: AttributeType.TEXT})


def test_an_attribute_keeps_its_type(tmp_path: Path) -> None:
    """What exists with another type is told, not changed."""
    with opened(tmp_path) as sandbox, pytest.raises(ValueError, match="FIRSTNAME exists with type"):
        sandbox.ensure(attributes={"FIRSTNAME": AttributeType.FLOAT})


def test_a_file_that_is_no_sandbox_is_told(tmp_path: Path) -> None:
    """A file of another kind is left alone, with a hint."""
    path = tmp_path / "brevo.db"
    path.write_text("something else entirely, and long enough to have a header " * 20)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Sandbox(path, clock=SimulatedClock(START))
    assert caught.value.hint is not None
    assert path.read_text().startswith("something else")


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    """What cannot be opened is an error with a sentence."""
    with pytest.raises(StoreError, match="cannot be used"):
        Sandbox(tmp_path, clock=SimulatedClock(START))


def test_a_file_of_another_format_is_told(tmp_path: Path) -> None:
    """A sandbox of a later version is not guessed at."""
    opened(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "brevo.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="format 99"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"drop": 1.5}, "share"),
        ({"fail": {200: 0.5}}, "status"),
        ({"fail": {500: -1.0}}, "share"),
        ({"latency": -1.0}, "latency"),
        ({"lag": float("nan")}, "lag"),
        ({"timezone": "Mars/Olympus"}, "time zone"),
        ({"timezone": "../etc"}, "time zone"),
    ],
)
def test_settings_that_no_sandbox_can_follow_are_refused(
    settings: dict[str, Any], complaint: str
) -> None:
    """A share beyond 1, a negative time or an unknown zone is told at once."""
    with pytest.raises(ValueError, match=complaint):
        Settings(**settings)


def test_latency_takes_the_clock_s_time(tmp_path: Path) -> None:
    """A slow sandbox is slow in simulated seconds."""
    clock = SimulatedClock(START)
    settings = Settings(latency=2.5)
    with Sandbox(tmp_path / "brevo.db", clock=clock, settings=settings) as sandbox:
        brevo = asking(sandbox)
        brevo.tick = 0
        brevo.get("/account")
    assert clock.monotonic() == 2.5


def test_two_connections_share_one_file(tmp_path: Path) -> None:
    """A second process sees what the first wrote, and may write too."""
    with opened(tmp_path) as first, opened(tmp_path) as second:
        asking(first).create()
        asking(second).create("joan@example.com")
        assert asking(first).get("/contacts").json()["count"] == 2
