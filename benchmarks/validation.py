"""What reading, checking and mapping one event costs: by the short ways, and by the long ones.

    python benchmarks/validation.py            # 20,000 events
    python benchmarks/validation.py 100000 --phones 0.5

Prints microseconds of CPU for each event, the best of several passes in one process. *Long* is what
the same stage takes while every short way is closed: JSON by the careful decoder, the schema by
jsonschema, addresses by email-validator, phone numbers by phonenumbers. Beside them stands one
streaming pass of `orjson.loads` over the same file, the least that reading could cost.
"""

import argparse
import io
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import msgspec
import orjson
from shop import events

from customer_sync.core.mapping import Mapper
from customer_sync.core.model import AttributeType, Event, FieldRule, Record, Statement, Step
from customer_sync.core.schema import Schema
from customer_sync.core.validate import EventValidator
from customer_sync.core.values import addresses, phones
from customer_sync.event_schema import event_schema
from customer_sync.platforms.reading import read
from customer_sync.readers import strict_json

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PHONES = ("+12025550123", "(202) 555-0123", "202-555-0145", "+1 202-555-0187", "+12025550199")
MAPPING = (
    FieldRule(field="email", attribute="EMAIL"),
    FieldRule(field="id", attribute="EXT_ID"),
    FieldRule(field="firstName", attribute="FIRSTNAME", steps=(Step(name="title"),)),
    FieldRule(field="lastName", attribute="LASTNAME", steps=(Step(name="title"),)),
    FieldRule(field="phone", attribute="SMS"),
    FieldRule(field="countryCode", attribute="COUNTRY", steps=(Step(name="upper"),)),
    FieldRule(field="city", attribute="CITY", steps=(Step(name="strip"),)),
    FieldRule(field="totalOrders", attribute="ORDERS", type=AttributeType.FLOAT),
    FieldRule(field="totalSpent", attribute="SPENT", type=AttributeType.FLOAT),
    FieldRule(field="birthday", attribute="BIRTHDAY", type=AttributeType.DATE),
    FieldRule(field="tags", attribute="TAGS", steps=(Step(name="join"),)),
)


def write_events(path: Path, count: int, share_of_phones: float) -> None:
    """Write the events of a shop, a share of which have one of the numbers kept for fiction."""
    with path.open("wb") as file:
        for number, event in enumerate(events(count)):
            fields = event["data"]
            assert isinstance(fields, dict)
            has_phone = number * share_of_phones % 1 < share_of_phones
            fields["phone"] = PHONES[number % len(PHONES)] if has_phone else None
            fields["countryCode"] = "US" if has_phone else fields["countryCode"]
            file.write(msgspec.json.encode(event) + b"\n")


@contextmanager
def only_long_ways() -> Iterator[None]:
    """Close every short way that has a long one beside it."""
    with ExitStack() as stack:
        for where, name, closed in (
            (strict_json, "glance", lambda _text: strict_json.UNSURE),
            (Schema, "accepts", lambda _schema, _content: False),
            (addresses, "_PLAIN", re.compile(r"(?!)")),
            (phones, "plain_e164", lambda _written, _region: None),
        ):
            stack.enter_context(patch.object(where, name, closed))
        yield


class Stages:
    """The stages, each over everything that the one before it came to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._validator = EventValidator(event_schema(), now=NOW)
        self._mapper = Mapper(MAPPING, {}, default_region="US")
        self._records = list(self._read())
        self._events = [self._checked(record) for record in self._records]

    def _read(self) -> Iterator[Record]:
        for record in read([str(self._path)], stdin=io.BytesIO(), now=NOW):
            assert isinstance(record, Record)
            yield record

    def _checked(self, record: Record) -> Event:
        event = self._validator.validate(record)
        assert isinstance(event, Event)
        return event

    def all(self) -> dict[str, Callable[[], Iterable[object]]]:
        """Return what each stage does, by its name."""
        return {
            "read": self._read,
            "validate": lambda: map(self._validator.validate, self._records),
            "map": lambda: map(self._mapper.map, self._events),
            "read + validate + map": self._carried_through,
        }

    def _carried_through(self) -> Iterator[Statement]:
        for record in self._read():
            yield self._mapper.map(self._checked(record))


def orjson_pass(path: Path) -> Iterator[object]:
    """Decode each line by itself."""
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def cost(stage: Callable[[], Iterable[object]], count: int, passes: int) -> float:
    """Return the microseconds for each of *count* events, in the best of so many passes."""
    best = float("inf")
    for _ in range(passes):
        began = time.process_time()
        for _one in stage():
            pass
        best = min(best, time.process_time() - began)
    return best / count * 1e6


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=20_000)
    parser.add_argument("--phones", type=float, default=0.5, help="which share has a phone number")
    parser.add_argument("--passes", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        write_events(path, asked.count, asked.phones)
        stages = Stages(path).all()
        least = cost(lambda: orjson_pass(path), asked.count, asked.passes)
        short = {name: cost(do, asked.count, asked.passes) for name, do in stages.items()}
        with only_long_ways():
            long = {name: cost(do, asked.count, 1) for name, do in stages.items()}
        size = path.stat().st_size / asked.count
    print(f"{asked.count:,} events of {size:.0f} bytes, {asked.phones:.0%} with a phone number;")
    print("microseconds of CPU for each, in one process:\n")
    print("| stage | short ways | long ways | short in passes of orjson |\n|---|---:|---:|---:|")
    print(f"| orjson.loads | {least:.1f} | | 1 |")
    for name in stages:
        ratio = short[name] / least
        print(f"| {name} | {short[name]:.1f} | {long[name]:.1f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
