"""The Node.js program on the page of realtime sends events, and is as patient as it says."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from customer_sync.realtime.inbox import Inbox
from webhook_receiver import Receiver, receiving

PAGE = Path(__file__).resolve().parents[2] / "docs" / "realtime.md"
CLIENT, CALLER = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
TOKEN = "a-token-of-nobody"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def _node(
    folder: Path, program: str, url: str, token: str = TOKEN
) -> subprocess.CompletedProcess[str]:
    """Run *program* beside the page's client."""
    (folder / "customer-sync.mjs").write_text(CLIENT, encoding="utf-8")
    (folder / "program.mjs").write_text(program, encoding="utf-8")
    return subprocess.run(
        ["node", "program.mjs"],
        cwd=folder,
        env={**os.environ, "CUSTOMER_SYNC_URL": url, "CUSTOMER_SYNC_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """Run `serve` against the sandbox, in no haste to write, and yield its address."""
    (folder / "config.yaml").write_text(
        "version: 1\nskills:\n  customer-sync:\n    source: custom\n", encoding="utf-8"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "customer_sync", "serve", "--port", "0", "--max-delay", "1h"],
        cwd=folder,
        env={**os.environ, "CUSTOMER_SYNC_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://[\w.:]+", said)
            assert found, said
            yield found[0]
        finally:
            process.kill()


def _kept(folder: Path) -> list[object]:
    with Inbox(folder / ".customer-sync") as inbox:
        return [entry.record.content for entry in inbox.oldest(10)]


def test_the_example_hands_its_event_over(tmp_path: Path) -> None:
    """Exactly as the page has it, to a server that asks for the token."""
    with _serving(tmp_path) as url:
        done = _node(tmp_path, CALLER, url)
    assert (done.stdout, done.stderr) == ("1 accepted\n", "")
    (event,) = _kept(tmp_path)
    assert isinstance(event, dict)
    assert event["event"] == "customer_updated"
    assert event["data"] == {"email": "jane@example.com", "total_orders": 10, "total_spent": 1250}


def test_a_wrong_token_is_an_error_that_says_so(tmp_path: Path) -> None:
    """And nothing is kept."""
    with _serving(tmp_path) as url:
        done = _node(tmp_path, CALLER, url, token="another")
    assert done.returncode == 1
    assert "customer-sync answered 401" in done.stderr
    assert _kept(tmp_path) == []


def test_a_server_that_can_keep_nothing_is_asked_again(tmp_path: Path) -> None:
    """After as long as it said, under the same key and with the token."""
    receiver = Receiver(
        key=None, statuses=[503, 503, 202], body=b'{"accepted": 1}', headers={"retry-after": "0"}
    )
    with receiving(receiver):
        done = _node(tmp_path, CALLER, f"http://127.0.0.1:{receiver.port}")
    assert (done.stdout, done.stderr) == ("1 accepted\n", "")
    assert [told["event"] for told in receiver.taken] == ["customer_updated"]
    assert len(receiver.ids) == 3
    assert receiver.last_headers["authorization"] == f"Bearer {TOKEN}"
    assert receiver.last_headers["idempotency-key"]


def test_what_is_refused_is_not_sent_again(tmp_path: Path) -> None:
    """It would be refused as often as it came."""
    receiver = Receiver(key=None, statuses=[422, 202], body=b'{"error": "no address"}')
    with receiving(receiver):
        done = _node(tmp_path, CALLER, f"http://127.0.0.1:{receiver.port}")
    assert done.returncode == 1
    assert 'answered 422: {"error": "no address"}' in done.stderr
    assert len(receiver.ids) == 1


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """After the time that the caller has."""
    program = CALLER.replace("{ url:", "{ timeoutMs: 20, attempts: 1, url:")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = _node(tmp_path, program, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 1
    assert "TimeoutError" in done.stderr
