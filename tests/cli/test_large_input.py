"""Ten thousand events: what they cost in memory, and whether the bill is what was sent."""

import json
import subprocess
import sys
from pathlib import Path

from worlds import World

EVENTS = 10_000
CUSTOMERS = 8_000
MEMORY_KIB = 150 * 1024

MEASURED = """
import sys
from pathlib import Path
from customer_sync.cli import main
code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text(encoding="ascii")
print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
sys.exit(code)
"""
"""The kernel's figure for this program alone; `ru_maxrss` includes what started it: pytest."""


def _write_events(path: Path, events: int = EVENTS) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(events):
            customer = number % CUSTOMERS
            event = {
                "event": "customer_created" if number < CUSTOMERS else "customer_updated",
                "timestamp": f"2024-01-{1 + number // 500:02}T10:00:{number % 60:02}Z",
                "data": {
                    "id": customer,
                    "email": f"customer{customer}@example.com",
                    "firstName": f"First {number}",
                    "totalSpent": number / 4,
                    "acceptsMarketing": number % 3 != 0,
                },
            }
            file.write(json.dumps(event) + "\n")


def test_ten_thousand_events_in_bounded_memory_with_an_honest_bill(embedded: World) -> None:
    """Memory stays below 150 MB, and the requests printed are those the sandbox counted."""
    _write_events(embedded.folder / "events.jsonl")
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "run", "events.jsonl", "--json", "--quiet"],
        cwd=embedded.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report["records_read"] == EVENTS
    assert report["outcomes"]["applied"] == CUSTOMERS
    assert int(done.stderr) < MEMORY_KIB
    counted = embedded.call("sandbox", "show", "--json").document["requests"]
    assert report["requests"] == counted
    assert report["bill"]["POST /contacts/import"] == counted["POST /contacts/import"]
    assert sum(counted.values()) < 25
    again = embedded.call("run", "events.jsonl", "--json").document
    assert again["plan"]["keep"] == CUSTOMERS
    assert again["bill"] == {}


def test_the_bill_of_plain_routes_is_what_is_sent(embedded: World) -> None:
    """Where no job is waited for, the plan's requests are exactly those that are counted."""
    _write_events(embedded.folder / "events.jsonl", events=300)
    report = embedded.call("run", "events.jsonl", "--json", "--route", "batch").document
    counted = embedded.call("sandbox", "show", "--json").document["requests"]
    assert report["requests"] == counted
    assert report["bill"] == {r: n for r, n in counted.items() if not r.startswith("GET")}
