"""How many requests a sync takes, counted by the sandbox, next to the fewest that are possible.

    python benchmarks/requests.py            # 100,000 customers
    python benchmarks/requests.py 10000      # fewer

The bound is by arithmetic: a page shows 1,000 contacts, an import job carries 8 MB, a batch
as many contacts as the configuration says (1,000), a deletion is a request of its own. Attributes
and lists are read once a run, and a job is looked at once at least. Nothing is timed; waits are
simulated, so the durations are those that the rate limit of the plan `general` would impose, and an
hour passes between two runs.
"""

import contextlib
import io
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from customer_sync.cli import main
from customer_sync.clock import SystemClock
from customer_sync.target import open_sandbox

CONFIG = """\
skills:
  customer-sync:
    source: custom
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      totalSpent: {{attribute: TOTAL_SPENT, type: float}}
    options:
      list_id: 5
      delete_behavior: {delete}
      max_deletes: 100%
"""

FIXED = 2
"""The attributes and the lists, read once a run."""

Event = dict[str, Any]


def created(number: int, day: int = 1) -> Event:
    """Return the creation of a customer."""
    return {
        "event": "customer_created",
        "timestamp": f"2024-01-{day:02}T00:00:00Z",
        "data": {
            "id": number,
            "email": f"customer{number}@example.com",
            "firstName": "Firstname",
            "lastName": f"Lastname {number}",
            "totalSpent": number / 4,
        },
    }


def updated(number: int) -> Event:
    """Return a later change of the same customer."""
    return {
        "event": "customer_updated",
        "timestamp": "2024-02-01T00:00:00Z",
        "data": {"id": number, "totalSpent": number / 4 + 1},
    }


def deleted(number: int) -> Event:
    """Return the customer's deletion."""
    return {
        "event": "customer_deleted",
        "timestamp": "2024-02-01T00:00:00Z",
        "data": {"id": number},
    }


def mixed(total: int) -> Iterator[Event]:
    """Yield changes of whom exists: 1 % deletions, half of the rest updates, the rest new."""
    for number in range(total):
        if number % 100 == 0:
            yield deleted(number)
        elif number % 2:
            yield updated(number)
        else:
            yield created(total + number, day=20)


class Shop:
    """A folder with a configuration and a sandbox of its own."""

    def __init__(self, folder: Path, delete: str = "soft") -> None:
        self.folder = folder
        (folder / "config.yaml").write_text(CONFIG.format(delete=delete), encoding="utf-8")

    def sync(self, events: Iterator[Event], *options: str) -> dict[str, Any]:
        """Run *events*, let an hour pass, and return the report."""
        path = self.folder / "events.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        out = io.StringIO()
        config = str(self.folder / "config.yaml")
        with contextlib.redirect_stdout(out):
            main(["run", str(path), "--config", config, "--json", "--quiet", *options])
        report: dict[str, Any] = json.loads(out.getvalue())
        with open_sandbox(self.folder / ".customer-sync", SystemClock()) as sandbox:
            sandbox.advance(3600)
        if report["outcomes"]["deferred"] or report["outcomes"]["failed"]:
            raise SystemExit(f"not everything was applied: {report['outcomes']}")
        return report


def jobs(total: int) -> int:
    """Return the fewest import jobs for *total* creations, by their bytes as sent."""
    event = created(total)["data"]
    row = {
        "email": event["email"],
        "attributes": {
            "FIRSTNAME": event["firstName"],
            "LASTNAME": event["lastName"],
            "TOTAL_SPENT": event["totalSpent"],
        },
    }
    return math.ceil(total * len(json.dumps(row, separators=(",", ":"))) / 8e6)


def pages(contacts: int) -> int:
    """Return the fewest pages that show so many contacts."""
    return max(1, math.ceil(contacts / 1000))


Measured = tuple[str, dict[str, Any], int]


def creations(folder: Path, total: int) -> Measured:
    """Everybody is new, in an empty account."""
    report = Shop(folder).sync(created(n) for n in range(total))
    bound = FIXED + 1 + jobs(total) + 1 + pages(total)
    return f"{total:,} creations", report, bound


def updates(folder: Path, total: int) -> Measured:
    """Everybody changes, in an account that was listed before."""
    shop = Shop(folder)
    shop.sync(created(n) for n in range(total))
    report = shop.sync(updated(n) for n in range(total))
    bound = FIXED + pages(total) + math.ceil(total / 1000)
    return f"{total:,} updates", report, bound


def mix(folder: Path, total: int, delete: str) -> Measured:
    """Half of the customers change, as many are new, 1 % are deleted."""
    shop = Shop(folder, delete)
    shop.sync(created(n) for n in range(total))
    report = shop.sync(mixed(total))
    gone, new = math.ceil(total / 100), total // 2 - math.ceil(total / 100)
    changed = total // 2 + (gone if delete == "soft" else 0)
    bound = FIXED + pages(total) + jobs(new) + 1 + pages(new) + math.ceil(changed / 1000)
    bound += gone if delete == "hard" else 0
    return f"mix of {total:,}, {gone:,} {delete} deletions", report, bound


def one_by_one(folder: Path, total: int) -> Measured:
    """Singles at the limit: how much of the allowed rate is used, and is any answered with 429."""
    report = Shop(folder).sync((created(n) for n in range(total)), "--route", "single")
    return f"{total:,} creations, forced one by one", report, FIXED + 1 + total


def show(measured: list[Measured]) -> None:
    """Print the figures."""
    table = Table()
    for heading in ("case", "requests", "bound", "over", "at the limit", "rate used", "routes"):
        table.add_column(heading, justify="left" if heading in ("case", "routes") else "right")
    for name, report, bound in measured:
        sent = sum(report["requests"].values())
        seconds = report["duration_s"]
        routes = ", ".join(f"{n:,} × {route}" for route, n in report["requests"].items())
        table.add_row(
            name,
            f"{sent:,}",
            f"{bound:,}",
            f"{sent / bound - 1:+.1%}",
            f"{seconds:,.0f} s",
            f"{sent / seconds / 10:.0%}",
            routes,
        )
    Console(width=180).print(table)


def run(total: int) -> None:
    """Measure every case."""
    cases: list[Callable[[Path], Measured]] = [
        lambda folder: creations(folder, total),
        lambda folder: updates(folder, total),
        lambda folder: mix(folder, total, "soft"),
        lambda folder: mix(folder, total, "hard"),
        lambda folder: one_by_one(folder, min(total, 5000)),
    ]
    measured = []
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(case(Path(folder)))
    show(measured)


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
