"""A shop of any size, the same from the same seed: its customers' events and its exports.

    python benchmarks/shop.py 1000000 > events.jsonl               # one event per customer
    python benchmarks/shop.py 1000000 --changed 0.05 > later.jsonl # the same shop a month later

An event is about 375 bytes, as shops write them. In the later file that share of customers has a
new total, a new number of orders and a later time; all others stand there byte for byte as before.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

FIRST_NAMES = ("Ada", "Bo", "Cleo", "Dana", "Emil", "Fatma", "Gao", "Hana", "Ines", "Jane", "Zoë")
LAST_NAMES = ("Abel", "Baker", "Cho", "Doe", "Engel", "Fuchs", "Garcia", "Hill", "Ito", "Müller")
COUNTRIES = ("US", "GB", "DE", "FR", "KR")
TAGS = ("vip", "newsletter", "wholesale", "returning", "gift", "app")
DAWN = datetime(2024, 1, 1, tzinfo=UTC)


def events(count: int, *, seed: int = 1, changed: float = 0.0) -> Iterator[dict[str, object]]:
    """Yield one event per customer; a share of them *changed* since the first file."""
    chance, fate = random.Random(seed), random.Random(seed + 1)
    for number in range(count):
        event = _event(number, chance)
        if fate.random() < changed:
            _change(event)
        yield event


def _event(number: int, chance: random.Random) -> dict[str, object]:
    since = DAWN + timedelta(seconds=chance.randrange(60 * 60 * 24 * 300))
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return {
        "event": "customer_updated",
        "timestamp": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            "id": str(1_000_000 + number),
            "email": f"{first}.{last}.{number}@example.com".lower()
            .replace("ë", "e")
            .replace("ü", "ue"),
            "firstName": first,
            "lastName": last,
            # Of the numbers kept for fiction there are a hundred: most customers give none.
            "phone": f"+1202555{100 + number:04}" if number < 100 else None,
            "countryCode": chance.choice(COUNTRIES),
            "city": "Springfield",
            "totalOrders": chance.randrange(40),
            "totalSpent": chance.randrange(400_000) / 100,
            "birthday": f"{chance.randrange(1950, 2005)}-0{chance.randrange(1, 10)}-15",
            "tags": chance.sample(TAGS, 2),
            "acceptsMarketing": chance.random() < 0.7,
        },
    }


def _change(event: dict[str, object]) -> None:
    event["timestamp"] = "2024-12-01T00:00:00Z"
    fields = event["data"]
    assert isinstance(fields, dict)
    fields["totalOrders"] += 1
    fields["totalSpent"] = round(fields["totalSpent"] + 49.9, 2)


def main() -> None:
    """Write the events to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=float, default=0.0, help="a share between 0 and 1")
    asked = parser.parse_args()
    for event in events(asked.count, seed=asked.seed, changed=asked.changed):
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")


if __name__ == "__main__":
    main()
