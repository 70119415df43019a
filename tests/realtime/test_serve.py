"""The server as a process of its own: what it accepted outlives it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from customer_sync.errors import ExitCode
from customer_sync.realtime.inbox import Inbox
from worlds import World, served_sandbox

HASTE = ("--max-delay", "1s")
PATIENCE = ("--max-delay", "1h")


@dataclass(slots=True)
class Server:
    """A running `serve`."""

    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list)

    def send(self, *numbers: int) -> None:
        """Send an event for each of *numbers*, and see it accepted."""
        events = [
            {"event": "customer_created", "data": {"id": f"c{n}", "email": f"p{n}@example.com"}}
            for n in numbers
        ]
        answer = httpx.post(f"{self.url}/events", json=events)
        assert answer.status_code == 202

    def end(self, number: int) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=60)
        self.said.append(out)
        return self.process.returncode


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """Run `serve` with the configuration in *folder*."""
    command = [sys.executable, "-m", "customer_sync", "serve", "--port", "0", *options]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = next((word.rstrip(";") for word in first.split() if word.startswith("http")), "")
        assert url, first + process.stdout.read()
        yield Server(process, url, [first])
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def waiting(folder: Path) -> int:
    """Return how much is in the inbox."""
    with Inbox(folder / ".customer-sync") as inbox:
        return inbox.waiting().count


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Yield a world whose Brevo is reached over HTTP."""
    monkeypatch.setenv("BREVO_API_KEY", "key")
    monkeypatch.delenv("CUSTOMER_SYNC_TOKEN", raising=False)
    with served_sandbox(tmp_path / "served.db") as url:
        world = World(
            folder=tmp_path,
            capsys=capsys,
            target="live",
            brevo_lines=[f"base_url: {url}"],
            url=url,
        )
        world.configure()
        yield world


def test_what_was_accepted_outlives_a_kill(world: World) -> None:
    """The next start writes it, and SIGTERM ends that one well."""
    with serving(world.folder, *PATIENCE) as server:
        server.send(1)
        server.send(2, 3)
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
    assert waiting(world.folder) == 3
    with serving(world.folder, *HASTE) as server:
        written = _until_written(server)
        assert server.end(signal.SIGTERM) == 0
    assert written
    assert waiting(world.folder) == 0
    assert set(world.contacts()) >= {f"p{n}@example.com" for n in (1, 2, 3)}


def _until_written(server: Server) -> bool:
    """Ask until nothing waits; each answer takes its time, so that it is asked rarely."""
    asked = (httpx.get(f"{server.url}/readyz").json()["waiting"] for _ in range(5000))
    return 0 in asked


def test_its_pages_tell_of_the_state(world: World) -> None:
    """Live, as long as it runs."""
    with serving(world.folder, *PATIENCE) as server:
        server.send(1, 2)
        figures = httpx.get(f"{server.url}/metrics").text
        page = httpx.get(f"{server.url}/dashboard").text
        assert server.end(signal.SIGINT) == 0
    assert 'customer_sync_inbox_records{target="live"} 2.0' in figures
    assert "<html" in page


def test_other_machines_are_not_let_in_without_a_token(world: World) -> None:
    """The command says what to set."""
    result = world.call("serve", "--host", "0.0.0.0", "--port", "0")  # the point
    assert result.exit_code == ExitCode.CONFIG
    assert "CUSTOMER_SYNC_TOKEN" in result.err


def test_a_key_that_is_none_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is received."""
    monkeypatch.setenv("CUSTOMER_SYNC_MAGENTO_SECRET", "whsec_é")
    result = world.call("serve", "--port", "0")
    assert "CUSTOMER_SYNC_MAGENTO_SECRET" in result.err


def test_a_disabled_sync_receives_nothing(world: World) -> None:
    """It would only pile up."""
    path = world.folder / "config.yaml"
    text = path.read_text().replace("customer-sync:\n", "customer-sync:\n    enabled: false\n")
    path.write_text(text)
    result = world.call("serve", "--port", "0")
    assert "disabled" in result.err


def test_a_port_that_is_taken_is_told(world: World) -> None:
    """With what to do."""
    with serving(world.folder, *PATIENCE) as server:
        port = server.url.rpartition(":")[2]
        result = world.call("serve", "--port", port)
    assert "Name another port" in result.err
    assert result.exit_code == ExitCode.CONFIG
