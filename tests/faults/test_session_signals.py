"""Interrupted and killed runs, as real processes against a sandbox on loopback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_sync.errors import ExitCode
from session_stage import event
from worlds import CONFIG, served_sandbox

PEOPLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A folder with events for a slow Brevo."""

    folder: Path
    url: str

    def control(self, route: str, body: object) -> None:
        """Tell the sandbox something."""
        base = self.url.removesuffix("/v3")
        httpx.post(f"{base}/sandbox/{route}", json=body).raise_for_status()

    def count(self, route: str) -> int:
        """Return how many requests came for a route."""
        base = self.url.removesuffix("/v3")
        return int(httpx.get(f"{base}/sandbox/counts").json()["counts"].get(route, 0))

    def start(self, source: str) -> "subprocess.Popen[str]":
        """Start a run that writes contacts one by one."""
        command = [sys.executable, "-m", "customer_sync", "run", source, "--json", "--quiet"]
        return subprocess.Popen(
            [*command, "--route", "single"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "BREVO_API_KEY": "key"},
        )

    def interrupt(self, *signals: signal.Signals) -> tuple[int, str, str]:
        """Start a run, send it *signals* while it writes, and return how it ended."""
        run = self.start("events.jsonl")
        before = self.count("POST /contacts")
        while self.count("POST /contacts") < before + 8:
            assert run.poll() is None
        for number in signals:
            run.send_signal(number)
            # Two signals of a kind that are pending at once are one.
            self.count("POST /contacts")
        out, err = run.communicate(timeout=60)
        return run.returncode, out, err

    def finish(self) -> dict[str, Any]:
        """Let a run without any source do what is left."""
        self.control("settings", {"latency": 0.0})
        run = self.start("nothing.jsonl")
        out, err = run.communicate(timeout=60)
        assert "Traceback" not in err
        document: dict[str, Any] = json.loads(out)
        return document

    def held(self) -> set[str]:
        """Return the addresses at Brevo."""
        answer = httpx.get(f"{self.url}/contacts?limit=1000", headers={"api-key": "key"})
        return {contact["email"] for contact in answer.json()["contacts"]}


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    """Yield a folder whose Brevo takes its time."""
    with served_sandbox(tmp_path / "served.db") as url:
        config = CONFIG.format(target="live", brevo=f"  base_url: {url}", options="")
        (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
        events = "".join(f"{json.dumps(event('created', n))}\n" for n in range(PEOPLE))
        (tmp_path / "events.jsonl").write_text(events, encoding="utf-8")
        (tmp_path / "nothing.jsonl").write_text("", encoding="utf-8")
        place = Workplace(folder=tmp_path, url=url)
        place.control("settings", {"latency": 0.3})
        yield place


EVERYBODY = {f"p{n}@example.com" for n in range(PEOPLE)}


def test_the_first_signal_finishes_what_is_in_flight(workplace: Workplace) -> None:
    """Each request that left is recorded, the rest is deferred, and the next run does it."""
    code, out, err = workplace.interrupt(signal.SIGTERM)
    assert code == ExitCode.INTERRUPTED
    assert "Traceback" not in err
    outcomes = json.loads(out)["outcomes"]
    assert outcomes["applied"] == len(workplace.held())
    assert 0 < outcomes["applied"] < PEOPLE
    assert outcomes["applied"] + outcomes["deferred"] == PEOPLE
    report = workplace.finish()
    assert report["exit_code"] == ExitCode.OK
    assert report["outcomes"]["applied"] == outcomes["deferred"]
    assert workplace.held() == EVERYBODY


def stopped_at_once(workplace: Workplace) -> int:
    """Interrupt twice; the report still adds up, with what was in flight deferred."""
    code, out, err = workplace.interrupt(signal.SIGINT, signal.SIGINT)
    assert "Traceback" not in err
    outcomes = json.loads(out)["outcomes"]
    assert outcomes["applied"] + outcomes["deferred"] == PEOPLE
    return code


def killed(workplace: Workplace) -> int:
    """Kill without a word."""
    code, out, _ = workplace.interrupt(signal.SIGKILL)
    assert out == ""
    return code


@pytest.mark.parametrize(
    ("end", "code"), [(stopped_at_once, ExitCode.INTERRUPTED), (killed, -signal.SIGKILL)]
)
def test_a_run_that_is_stopped_at_once_loses_nothing(
    workplace: Workplace, end: Callable[[Workplace], int], code: int
) -> None:
    """The next run finishes its work without the source."""
    assert end(workplace) == code
    report = workplace.finish()
    assert report["exit_code"] == ExitCode.OK
    assert workplace.held() == EVERYBODY
