"""Runs as real processes against a sandbox as another process, killed at chosen moments."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import msgspec

from customer_sync.run.report import RunReport
from growing_shop import LIST

STATE = Path(".customer-sync") / "state-live.db"
ACCOUNT = "brevo.db"

CONFIG = """\
version: 1
brevo:
  target: live
  api_key: ${{BREVO_API_KEY}}
  plan: extended
  base_url: {url}
skills:
  customer-sync:
    source: custom
    field_mapping:
      id: CUSTOMER
      firstName: FIRSTNAME
      revision: {{attribute: REVISION, type: float}}
      vip: {{attribute: VIP, type: boolean}}
    options:
      list_id: {list_id}
      delete_behavior: {deletion}
      max_deletes: 100%
      retry: {{base_delay: 1s, max_delay: 1s, max_attempts: 1000}}
"""

ATTRIBUTES = {"CUSTOMER": "text", "REVISION": "float", "VIP": "boolean"}

LATENCY_S = 0.02
GLANCE_S = 0.01
"""Between two looks at how far a run has got."""

LONGEST_RUN_S = 120

_BEFORE_WRITING = {
    "GET /contacts/attributes": "checking the account",
    "GET /contacts/lists": "checking the account",
    "GET /processes": "waiting for the import of an earlier run",
}
_DURING_AN_IMPORT = {
    "GET /processes": "waiting for an import",
    "GET /contacts": "reading an import back",
}


class Progress(Protocol):
    """How far a run has got, seen from outside; asking costs a little."""

    def requests(self) -> int:
        """Count the requests since the run's start, of any route."""
        ...

    def outcomes(self) -> int:
        """Count the changes whose end the run has recorded."""
        ...

    def seconds(self) -> float:
        """Return how long ago the run was started."""
        ...


class Moment(Protocol):
    """When to kill."""

    def has_come(self, progress: Progress) -> bool:
        """Tell whether the run has got that far."""
        ...


@dataclass(frozen=True, slots=True)
class AfterRequests:
    """When so many requests were done, whether or not their answers were heard."""

    count: int

    def has_come(self, progress: Progress) -> bool:
        """Tell whether the run has got that far."""
        return progress.requests() >= self.count


@dataclass(frozen=True, slots=True)
class AfterOutcomes:
    """When the end of so many changes was recorded."""

    count: int

    def has_come(self, progress: Progress) -> bool:
        """Tell whether the run has got that far."""
        return progress.outcomes() >= self.count


@dataclass(frozen=True, slots=True)
class AfterSeconds:
    """After a while, wherever the run has got to."""

    count: float

    def has_come(self, progress: Progress) -> bool:
        """Tell whether the run has got that far."""
        return progress.seconds() >= self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the state of a run that was killed tells, beside what Brevo saw."""

    run_id: str = ""
    """The newest run."""
    is_accepted: bool = False
    """Whether all changes of the newest run were queued, so that its source may go."""
    open_route: str = ""
    """The route of the last intent without an end."""
    outcomes: int = 0
    """Of the newest run."""
    waiting: int = 0
    open_jobs: int = 0
    loose_ends: int = 0
    """Intents without an end, of any run."""


@dataclass(slots=True, kw_only=True)
class Workplace:
    """A folder with a configuration, and the sandbox that it leads to."""

    folder: Path
    url: str
    brevo: httpx.Client
    kills: Counter[str] = field(default_factory=Counter)
    """By what the run was doing."""

    # ------------------------------------------------------------ Brevo

    def control(self, route: str, body: object) -> None:
        """Tell the sandbox something."""
        self.brevo.post(f"{self._control}/{route}", json=body).raise_for_status()

    def requests(self) -> int:
        """Count the requests that came so far.

        The file tells it without keeping the sandbox from answering.
        """
        with closing(sqlite3.connect(f"file:{self.folder / ACCOUNT}?mode=ro", uri=True)) as account:
            (count,) = account.execute("SELECT coalesce(sum(requests), 0) FROM counts").fetchone()
        return int(count)

    def last_route(self) -> str:
        """Return the last request, as a method and a path without anything that names somebody."""
        latest = self.brevo.get(f"{self._control}/requests").json()["requests"][0]
        path = str(latest["path"])
        named = path.count("/") == 2 and path not in {"/contacts/attributes", "/contacts/lists"}
        return f"{latest['method']} {'/contacts/{identifier}' if named else path}"

    def unblocked(self) -> list[object]:
        """Return every contact that became mailable after it was blocked."""
        transitions: list[object] = self.brevo.get(f"{self._control}/transitions").json()[
            "transitions"
        ]
        return transitions

    def contacts(self) -> dict[str, dict[str, Any]]:
        """Return all contacts by address, in Brevo's spelling."""
        answer = self.brevo.get(f"{self.url}/contacts?limit=1000").raise_for_status().json()
        assert answer["count"] <= 1000
        return {contact["email"]: contact for contact in answer["contacts"]}

    def unsubscribe(self, email: str) -> bool:
        """Let somebody leave by a link in a mail; tell whether Brevo knew the address."""
        name = email.replace("@", "%40")
        answer = self.brevo.put(f"{self.url}/contacts/{name}", json={"emailBlacklisted": True})
        return answer.status_code == 204

    @property
    def _control(self) -> str:
        return self.url.removesuffix("/v3") + "/sandbox"

    # ------------------------------------------------------------ runs

    def write(self, name: str, events: Sequence[Mapping[str, object]]) -> str:
        """Write *events* as JSON lines and return the file's name."""
        text = "".join(f"{json.dumps(event)}\n" for event in events)
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def start(self, *sources: str, options: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Start a run."""
        command = [sys.executable, "-m", "customer_sync", "run", *sources, "--json", "--quiet"]
        return subprocess.Popen(
            [*command, *options],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "BREVO_API_KEY": "key"},
        )

    def finish(self, run: "subprocess.Popen[bytes]") -> RunReport:
        """Wait for the end of a run that nobody disturbs, and return its report."""
        out, err = run.communicate(timeout=LONGEST_RUN_S)
        assert b"Traceback" not in err, err.decode()
        report = msgspec.json.decode(out, type=RunReport)
        assert report.exit_code == run.returncode
        return report

    def kill(self, run: "subprocess.Popen[bytes]", moment: Moment) -> RunReport | None:
        """Kill a run at *moment* and note what it was doing; its report where it ended before."""
        progress = _Progress(place=self)
        while not moment.has_come(progress):
            # Not a pause to make something happen, but so as not to slow down what does.
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(GLANCE_S)
                break
        run.kill()
        if run.wait() != -signal.SIGKILL:
            return self.finish(run)
        run.communicate()
        self.kills[self._stage(progress)] += 1
        return None

    def _stage(self, progress: "_Progress") -> str:
        """Return what the run that was just killed was doing."""
        after = self.memory()
        if after.run_id == progress.run_before:
            return "starting"
        if not progress.requests():
            return "reading"
        return _doing(after, self.last_route())

    # ------------------------------------------------------------ the state

    def memory(self) -> Memory:
        """Look into the state as another process may do at any time."""
        path = self.folder / STATE
        if not path.exists():
            return Memory()
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as state:
            try:
                return _remembered(state)
            except sqlite3.OperationalError:
                # The first run is about to make its tables.
                return Memory()


@dataclass(slots=True, kw_only=True)
class _Progress:
    """How far a run has got that was started when this was made."""

    place: Workplace
    run_before: str = field(init=False)
    _requests_before: int = field(init=False)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self.run_before = self.place.memory().run_id
        self._requests_before = self.place.requests()
        self._started = time.monotonic()

    def requests(self) -> int:
        return self.place.requests() - self._requests_before

    def outcomes(self) -> int:
        memory = self.place.memory()
        return 0 if memory.run_id == self.run_before else memory.outcomes

    def seconds(self) -> float:
        return time.monotonic() - self._started


def _remembered(state: sqlite3.Connection) -> Memory:
    run = state.execute("SELECT id, started_at FROM runs ORDER BY started_at DESC").fetchone()
    if run is None:
        return Memory()
    run_id, started_at = run

    def count(what: str, *values: str) -> int:
        return int(state.execute(f"SELECT count(*) FROM {what}", values).fetchone()[0])

    intents = state.execute(
        "SELECT route FROM operations WHERE outcome IS NULL AND run_id = ? ORDER BY id DESC",
        (run_id,),
    ).fetchone()
    return Memory(
        run_id=run_id,
        is_accepted=count("queue WHERE queued_at >= ?", started_at) > 0
        or count("operations WHERE run_id = ?", run_id) > 0,
        open_route=intents[0] if intents else "",
        outcomes=count("operations WHERE outcome IS NOT NULL AND run_id = ?", run_id),
        waiting=count("queue"),
        open_jobs=count("jobs WHERE NOT is_over"),
        loose_ends=count("operations WHERE outcome IS NULL"),
    )


def _doing(memory: Memory, route: str) -> str:
    """Return what a run with some requests was doing when it sent the last one, to *route*."""
    if memory.open_route == "POST /contacts/import":
        return _DURING_AN_IMPORT.get(route, f"writing: {route}")
    if memory.open_route:
        return f"writing: {memory.open_route}"
    if memory.outcomes:
        return "between writes, or done with them"
    return "settling" if memory.is_accepted else _BEFORE_WRITING.get(route, "observing")


@contextmanager
def workplace(folder: Path, *, deletes_softly: bool = True) -> Iterator[Workplace]:
    """Serve a sandbox from a process of its own, and yield a folder that is set up for it."""
    command = [sys.executable, "-m", "customer_sync", "sandbox", "serve", "--port", "0"]
    options = ["--file", ACCOUNT, "--plan", "extended", "--latency", str(LATENCY_S)]
    with (
        subprocess.Popen([*command, *options], cwd=folder, stdout=subprocess.PIPE) as server,
        httpx.Client(headers={"api-key": "key"}, trust_env=False) as brevo,
    ):
        assert server.stdout is not None
        url = server.stdout.readline().decode().split(" at ")[1].split()[0]
        try:
            deletion = "soft" if deletes_softly else "hard"
            text = CONFIG.format(url=url, list_id=LIST, deletion=deletion)
            (folder / "config.yaml").write_text(text, encoding="utf-8")
            place = Workplace(folder=folder, url=url, brevo=brevo)
            place.control("ensure", {"lists": {str(LIST): "Customers"}, "attributes": ATTRIBUTES})
            yield place
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
