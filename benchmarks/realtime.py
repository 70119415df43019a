"""Events into `serve` at a steady rate for a while, a kill in the middle, and what came of it.

    python benchmarks/realtime.py                        # 1,000 events/s for 60 s, one kill -9
    python benchmarks/realtime.py --rate 200 --seconds 20 --no-kill

Three processes on this machine: `sandbox serve` as Brevo on the plan `extended`, with all its
limits; `serve`, which writes to it over HTTP; and this one, which sends. Half of the events come
one in a request, half of them ten; requests leave when their time has come, whether or not those
before were answered, over 100 connections that stay open. An answer's time counts from that moment
on. Each event raises the counter `SEEN` of one of the customers, so that what Brevo holds in the
end tells whether any was lost; one event in two hundred is of a customer who is new, which at this
rate is a new customer five times a second.

After the kill, whatever was not answered with 2xx is sent again until it is; the same server is
started at once. Answers are timed apart for requests that met the kill.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

CONFIG = """\
brevo:
  target: live
  api_key: ${{BREVO_API_KEY}}
  plan: extended
  base_url: {url}
skills:
  customer-sync:
    source: custom
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      seen: {{attribute: SEEN, type: float}}
    options: {{list_id: 2, sync_mode: realtime}}
"""

TICK_S = 0.02
"""How often requests become due."""

MANY = 10
"""Events in a request that carries several."""

NEW_SHARE = 0.005
CONNECTIONS = 100
KEY = "benchmark"
PATIENCE_S = 300


@dataclass(slots=True)
class Sent:
    """One event on its way."""

    customer: int
    seen: int
    at: float
    """Its time, which the event tells."""


@dataclass(slots=True)
class Post:
    """One request on its way."""

    due: float
    """By the monotonic clock."""
    body: bytes
    events: list[Sent]
    answered: float | None = None
    tries: int = 0


@dataclass(slots=True)
class Sender:
    """Sends requests when they are due, and again until they are accepted."""

    port: int
    posts: "asyncio.Queue[Post]" = field(default_factory=asyncio.Queue)
    accepted: list[Post] = field(default_factory=list)
    refused: int = 0

    async def work(self) -> None:
        """Send over one connection, opened anew where it broke."""
        post = await self.posts.get()
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                while True:
                    post.tries += 1
                    writer.write(_request(self.port, post.body))
                    if await _status(reader) == 202:
                        post.answered = time.monotonic()
                        self.accepted.append(post)
                        self.posts.task_done()
                        post = await self.posts.get()
                    else:
                        self.refused += 1
                        await asyncio.sleep(0.2)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)


def _request(port: int, body: bytes) -> bytes:
    return (
        b"POST /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (port, len(body), body)
    )


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head[9:12])


@dataclass(slots=True)
class Customers:
    """Whose events are sent."""

    known: int
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    seen: dict[int, int] = field(default_factory=dict)
    new: int = 0

    def event(self) -> tuple[Sent, dict[str, object]]:
        """Return the next event, of somebody who is known or of somebody new."""
        if self.draw.random() < NEW_SHARE:
            self.new += 1
            number = self.known + self.new
        else:
            number = self.draw.randint(1, self.known)
        return self.of(number)

    def of(self, number: int) -> tuple[Sent, dict[str, object]]:
        """Return the next event of one customer."""
        seen = self.seen[number] = self.seen.get(number, 0) + 1
        at = time.time()
        content = {
            "event": "customer_updated" if number <= self.known else "customer_created",
            "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
            "data": {
                "id": f"c{number}",
                "email": f"c{number}@example.com",
                "firstName": "Firstname",
                "lastName": f"Lastname {number}",
                "seen": seen,
            },
        }
        return Sent(number, seen, at), content


async def send(sender: Sender, customers: Customers, rate: int, seconds: float) -> None:
    """Let requests become due at *rate* events a second, then wait until all are accepted."""
    workers = [asyncio.create_task(sender.work()) for _ in range(CONNECTIONS)]
    begin, owed_single, owed_many = time.monotonic(), 0.0, 0.0
    for tick in range(round(seconds / TICK_S)):
        due = begin + tick * TICK_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        owed_single += rate * TICK_S / 2
        owed_many += rate * TICK_S / 2
        while owed_single >= 1:
            owed_single -= 1
            sent, content = customers.event()
            sender.posts.put_nowait(Post(due, json.dumps(content).encode(), [sent]))
        while owed_many >= MANY:
            owed_many -= MANY
            several = [customers.event() for _ in range(MANY)]
            body = json.dumps([content for _, content in several]).encode()
            sender.posts.put_nowait(Post(due, body, [sent for sent, _ in several]))
    await asyncio.wait_for(sender.posts.join(), PATIENCE_S)
    for worker in workers:
        worker.cancel()


# ---------------------------------------------------------------- the processes


@dataclass(slots=True)
class Stage:
    """The folder, and the processes that were started in it."""

    folder: Path
    port: int
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command of ours."""
        log = (self.folder / f"{words[0]}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "customer_sync", *words],
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "BREVO_API_KEY": KEY},
        )
        self.running.append(process)
        return process

    def serve(self) -> "subprocess.Popen[bytes]":
        """Start `serve`, and return once it answers."""
        process = self.start("serve", "--port", str(self.port))
        _until(lambda: _answers(f"http://127.0.0.1:{self.port}/healthz"), "serve answers", process)
        return process

    def end(self) -> None:
        """End what still runs."""
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.TransportError:
        return False


def _until(
    is_so: Callable[[], bool], what: str, process: "subprocess.Popen[bytes] | None" = None
) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > end or (process is not None and process.poll() is not None):
            raise SystemExit(f"waited in vain until {what}")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prepare(stage: Stage, customers: Customers) -> "subprocess.Popen[bytes]":
    """Start Brevo, and let it know the customers."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}/v3"
    brevo = stage.start(
        *("sandbox", "serve", "--port", str(port), "--plan", "extended", "--file", "brevo.db")
    )
    _until(lambda: _answers(f"http://127.0.0.1:{port}/"), "the sandbox answers", brevo)
    with httpx.Client(base_url=url, headers={"api-key": KEY}) as client:
        client.post("/contacts/attributes/normal/SEEN", json={"type": "float"}).raise_for_status()
        lists = {one["id"] for one in client.get("/contacts/lists").json().get("lists", [])}
        while 2 not in lists:
            made = client.post("/contacts/lists", json={"name": "Customers", "folderId": 1})
            made.raise_for_status()
            lists.add(made.json()["id"])
    (stage.folder / "config.yaml").write_text(CONFIG.format(url=url))
    with (stage.folder / "known.jsonl").open("w") as file:
        for number in range(1, customers.known + 1):
            file.write(json.dumps(customers.of(number)[1]) + "\n")
    code = stage.start("run", "known.jsonl", "--quiet").wait()
    if code:
        raise SystemExit(f"the first run ended with {code}")
    return brevo


# ---------------------------------------------------------------- what came of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What Brevo holds, and when it got it."""

    seen: dict[str, int]
    """By address, the last counter."""
    latencies: list[float]
    """Of every accepted event: from its time until Brevo had it or what outdid it."""
    lost: int


def arrivals(stage: Stage, accepted: Sequence[Post]) -> Arrivals:
    """Look into Brevo's file and into the journal."""
    with sqlite3.connect(stage.folder / "brevo.db") as db:
        rows = db.execute("SELECT email, attributes FROM contacts WHERE email IS NOT NULL")
        held = {email: int(float(json.loads(text).get("SEEN") or 0)) for email, text in rows}
    steps: dict[str, list[tuple[int, float]]] = {}
    with sqlite3.connect(stage.folder / ".customer-sync" / "state-live.db") as db:
        for email, change, at in db.execute(
            "SELECT email, change, finished_at FROM operations WHERE outcome = 'applied'"
            " ORDER BY finished_at"
        ):
            said = json.loads(change)["customer"]["attributes"].get("SEEN")
            if said:
                moment = datetime.fromisoformat(at).timestamp()
                steps.setdefault(email, []).append((int(said["value"]), moment))
    events = [event for post in accepted for event in post.events]
    latencies, lost = [], 0
    for event in events:
        email = f"c{event.customer}@example.com"
        arrived = next((at for seen, at in steps.get(email, ()) if seen >= event.seen), None)
        if arrived is not None:
            latencies.append(max(0.0, arrived - event.at))
        lost += held.get(email, 0) < event.seen
    return Arrivals(seen=held, latencies=latencies, lost=lost)


def _quantiles(values: Sequence[float]) -> Iterator[str]:
    if len(values) < 2:
        yield from ("–",) * 4
        return
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    for value in (cuts[49], cuts[94], cuts[98], max(values)):
        yield f"{value * 1000:,.1f} ms" if value < 1 else f"{value:,.2f} s"


def show(name: str, rows: Sequence[tuple[str, Sequence[float]]]) -> None:
    """Print a table of times."""
    table = Table(title=name, title_justify="left")
    for heading in ("", "count", "p50", "p95", "p99", "longest"):
        table.add_column(heading, justify="left" if not heading else "right")
    for label, values in rows:
        table.add_row(label, f"{len(values):,}", *_quantiles(values))
    Console(width=100).print(table)


async def killing(stage: Stage, process: "subprocess.Popen[bytes]", after_s: float) -> float:
    """Kill `serve` after a while and start it again; return how long nobody answered."""
    await asyncio.sleep(after_s)
    stage.cpu_s["serve"] = stage.cpu_s.get("serve", 0) + _cpu_s(process.pid)
    process.kill()
    begin = time.monotonic()
    process.wait()
    await asyncio.to_thread(stage.serve)
    return time.monotonic() - begin


def _waiting(stage: Stage) -> int:
    answer = httpx.get(f"http://127.0.0.1:{stage.port}/readyz", timeout=10).json()
    return int(answer["waiting"])


async def measure(stage: Stage, customers: Customers, options: argparse.Namespace) -> None:
    """Send, kill, wait, and print what came of it."""
    process = stage.serve()
    sender = Sender(stage.port)
    killed = None
    load = os.getloadavg()[0]
    begin, begin_cpu = time.monotonic(), time.process_time()
    if options.kill:
        killed = asyncio.create_task(killing(stage, process, options.seconds / 2))
    await send(sender, customers, options.rate, options.seconds)
    took = time.monotonic() - begin
    own_cpu = time.process_time() - begin_cpu
    outage = await killed if killed else 0.0
    _until(lambda: _waiting(stage) == 0, "the inbox is empty")
    drained = time.monotonic() - begin
    stage.cpu_s["serve"] = stage.cpu_s.get("serve", 0) + _cpu_s(stage.running[-1].pid)
    stage.cpu_s["sandbox"] = _cpu_s(stage.running[0].pid)
    stage.end()
    found = arrivals(stage, sender.accepted)
    events = sum(len(post.events) for post in sender.accepted)
    met = begin + options.seconds / 2
    is_affected = [
        killed is not None and met - 1 < p.due < met + outage + 2 for p in sender.accepted
    ]
    answers = [(p.answered or 0.0) - p.due for p in sender.accepted]
    quiet = [s for s, affected in zip(answers, is_affected, strict=True) if not affected]
    show(
        "times",
        [
            ("answer", quiet),
            ("answer, those that met the kill too", answers),
            ("event to Brevo", found.latencies),
        ],
    )
    print(
        f"load before {load:.2f} on {os.cpu_count()} cores; sent for {took:.1f} s;"
        f" all at Brevo after {drained:.1f} s; nobody answered for {outage:.2f} s"
    )
    print(
        f"accepted {events:,} events in {len(sender.accepted):,} requests"
        f" ({events / took:,.0f} a second), {sender.refused:,} answers asked to come again"
    )
    print(f"lost {found.lost:,}; known when they arrived: {len(found.latencies):,}")
    print(
        "processor: "
        + ", ".join(f"{n} {s:.1f} s" for n, s in stage.cpu_s.items())
        + f", sender {own_cpu:.1f} s"
    )
    if found.lost:
        raise SystemExit(1)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--no-kill", dest="kill", action="store_false")
    parser.add_argument("--folder", type=Path, help="keep everything here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        stage = Stage(folder, _free_port())
        try:
            customers = Customers(options.customers)
            prepare(stage, customers)
            asyncio.run(measure(stage, customers, options))
        finally:
            stage.end()


if __name__ == "__main__":
    main()
