"""One story through every command that shows something, with texts of the test's choice in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from worlds import Result, World

SHOWING: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "events.jsonl"),
    "validate --json": ("validate", "events.jsonl", "--json"),
    "inspect": ("inspect", "events.jsonl"),
    "inspect --json": ("inspect", "events.jsonl", "--json"),
    "plan": ("plan", "events.jsonl", "--out", "plan.json"),
    "plan --json": ("plan", "events.jsonl", "--json"),
    "plan verbose": ("plan", "events.jsonl", "--verbose"),
    "show": ("show", "plan.json", "--svg", "plan.svg"),
    "run": ("run", "events.jsonl", "--verbose"),
    "run --json": (
        *("run", "events.jsonl", "--json", "--route", "single"),
        *("--metrics-file", "sync.prom"),
    ),
    "run logged": (
        *("run", "events.jsonl", "--verbose"),
        *("--log-format", "json", "--log-file", "sync.log"),
    ),
    "run again": (
        *("run", "later.jsonl", "--verbose"),
        *("--max-deletes", "0", "--route", "single"),
    ),
    "show withheld": ("show", ".customer-sync/withheld.json"),
    "retry": ("retry", "--dry-run"),
    "runs": ("runs",),
    "runs --json": ("runs", "--json"),
    "queue list": ("queue", "list"),
    "queue list --json": ("queue", "list", "--json"),
    "status": ("status",),
    "status --json": ("status", "--json"),
    "report": ("report", "--md", "--html", "report.html"),
    "report --json": ("report", "--json"),
    "verify": ("verify", "events.jsonl"),
    "verify --json": ("verify", "events.jsonl", "--json"),
    "doctor": ("doctor",),
    "doctor --json": ("doctor", "--json"),
    "lists": ("lists",),
    "lists --json": ("lists", "--json"),
    "attributes check": ("attributes", "check"),
    "attributes check --json": ("attributes", "check", "--json"),
    "no such file": ("run", "missing.jsonl"),
    "no plan": ("show", "events.jsonl"),
    "no such option": ("run", "events.jsonl", "--nonsense"),
    "too many rejects": ("run", "events.jsonl", "--strict", "--json"),
}
"""Commands that say what they say to everybody, in an order in which they make sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What stands in customers' records."""

    email: str
    other_email: str
    name: str
    phone: str = "+12025550123"


def events(texts: Texts) -> list[object]:
    """Return records that are good, odd, or rejected."""
    at = "2024-01-15T10:30:00Z"
    good = {"id": "1", "email": texts.email, "firstName": texts.name, "phone": texts.phone}
    refused = {"id": "2", "email": texts.other_email, "lastName": texts.name}
    return [
        {"event": "customer_created", "timestamp": at, "data": good},
        {"event": "customer_created", "timestamp": at, "data": {**refused, "phone": texts.email}},
        {"event": "customer_created", "timestamp": at, "data": {"email": f"{texts.name}@@x"}},
        {"event": "customer_created", "timestamp": texts.name, "data": good},
        f'{{"event": "{texts.email}',
    ]


def story(world: World, texts: Texts) -> Iterator[tuple[str, Result]]:
    """Yield each command by its name with what it left on its outputs.

    Brevo, reached over HTTP, refuses the first update.
    """
    world.write("events.jsonl", events(texts))
    first = {"id": "1", "email": texts.email}
    second = {"id": "2", "email": texts.other_email, "firstName": "Other"}
    world.write(
        "later.jsonl",
        [
            {"event": "customer_deleted", "timestamp": "2024-03-01T00:00:00Z", "data": first},
            {"event": "customer_updated", "timestamp": "2024-03-01T00:00:00Z", "data": second},
        ],
    )
    refuse_an_update(world)
    for name, arguments in SHOWING.items():
        yield name, world.call(*arguments)
    run_id = world.call("runs", "--json").document["runs"][0]["id"]
    more = {
        "runs show": ("runs", "show", run_id),
        "runs show --json": ("runs", "show", run_id, "--json"),
        "undo": ("undo", run_id, "--dry-run"),
        "queue show": ("queue", "show", texts.other_email),
        "explain": ("explain", texts.email, "events.jsonl"),
    }
    for name, arguments in more.items():
        yield name, world.call(*arguments)


def refuse_an_update(world: World) -> None:
    """Let Brevo refuse the next update, if it is reached over HTTP."""
    if world.url is not None:
        fault = {"route": "PUT /contacts/{identifier}", "status": 400, "times": 1}
        httpx.post(world.url.replace("/v3", "/sandbox/faults"), json=fault).raise_for_status()
