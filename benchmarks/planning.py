"""What a dry run of an export costs, beside one streaming pass of orjson.loads over the same file.

    python benchmarks/planning.py 100000          # customers; the account is filled first
    python benchmarks/planning.py 100000 --keep DIR    # fill DIR once, and measure again

The shop of `shop.py` is brought into the embedded sandbox by real runs, until nothing is left to do
and its export is known to be right. Then three things are measured, side by side, as the median of
five: the pass of orjson, a dry run of the same export unchanged, and a dry run of one in which 5 %
of the customers changed. Memory is the peak of the process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import shop
from rich.console import Console
from rich.table import Table

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
      phone: SMS
      city: CITY
      countryCode: COUNTRY
      totalOrders: {attribute: TOTAL_ORDERS, type: float}
      totalSpent: {attribute: TOTAL_SPENT, type: float}
      birthday: {attribute: BIRTHDAY, type: date}
      tags: TAGS
    options: {list_id: 5, max_deletes: 100%}
"""
PASS = "import sys, orjson\nfor line in open(sys.argv[1], 'rb'):\n    orjson.loads(line)\n"
SYNC = (sys.executable, "-m", "customer_sync")
PASSES = 5
MOST_RUNS = 5


def fill(folder: Path, count: int) -> None:
    """Write the shop's export, and run it until it is known to be right."""
    (folder / "config.yaml").write_text(CONFIG)
    for name, changed in (("export.jsonl", 0.0), ("later.jsonl", 0.05)):
        with (folder / name).open("wb") as file:
            for event in shop.events(count, changed=changed):
                file.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
    for _ in range(MOST_RUNS):
        sync(folder, "run", "export.jsonl", "--quiet")
        with open_sandbox(folder / ".customer-sync", SystemClock()) as sandbox:
            sandbox.advance(3600)


def sync(folder: Path, *arguments: str) -> None:
    """Run the command in *folder*."""
    subprocess.run([*SYNC, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def measured(folder: Path, command: Sequence[str]) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and the peak of MB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def rows(folder: Path) -> Iterator[tuple[str, float, float, float]]:
    """Yield what is measured, and its medians; the kinds take turns."""
    commands = {
        "orjson.loads, streaming": (sys.executable, "-c", PASS, "export.jsonl"),
        "dry run, unchanged": (*SYNC, "run", "export.jsonl", "--dry-run"),
        "dry run, 5 % changed": (*SYNC, "run", "later.jsonl", "--dry-run"),
    }
    results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(PASSES):
        for name, command in commands.items():
            results[name].append(measured(folder, command))
    for name, figures in results.items():
        wall, cpu, peak = (statistics.median(one) for one in zip(*figures, strict=True))
        yield name, wall, cpu, peak


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--keep", type=Path, help="fill this folder, or measure what is in it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        if not (folder / "export.jsonl").exists():
            fill(folder, asked.count)
        table = Table("", "wall s", "CPU s", "in orjson passes", "peak MB")
        unit = None
        for name, wall, cpu, peak in rows(folder):
            unit = unit or wall
            table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}", f"{wall / unit:.2f}", f"{peak:.0f}")
        Console(width=100).print(table)


if __name__ == "__main__":
    main()
