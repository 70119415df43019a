"""Log lines: one event with its fields, as text for people or as JSON for machines.

A line is safe before it is a line: texts have their addresses masked, what could steer a terminal
or begin a line of its own is replaced, and nothing is longer than a screen.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from customer_sync.config import LogLevel
from customer_sync.privacy import mask_text, printable, printable_json

Field: TypeAlias = str | int | float | Mapping[str, int] | Mapping[str, float] | None

VERBOSE = 15
"""Between logging's own INFO and DEBUG."""

LEVELS = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.VERBOSE: VERBOSE,
    LogLevel.DEBUG: logging.DEBUG,
}
_WORDS = {number: str(word) for word, number in LEVELS.items()}

LONGEST = 1_000
"""Characters of one text in a line; a source may hold any number."""

_QUOTED = frozenset(' "=\\')


def safe(value: Field, *, show_pii: bool) -> Field:
    """Return *value* as a line may show it: one line of printable text, addresses masked."""
    if not isinstance(value, str):
        return value
    text = printable(value if show_pii else mask_text(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def text_of(event: str, fields: Mapping[str, Field]) -> str:
    """Return an event with its fields as `key=value`, in quotes where a value needs them.

    What a field holds several of is spread over as many; what is None is left out.
    """
    return " ".join([event, *(f"{name}={_written(value)}" for name, value in _flat(fields))])


def _flat(fields: Mapping[str, Field]) -> Iterator[tuple[str, str | float]]:
    for name, value in fields.items():
        match value:
            case None:
                continue
            case Mapping():
                yield from ((f"{name}.{part}", amount) for part, amount in value.items())
            case _:
                yield name, value


def _written(value: str | float) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.15g}"
        case _:
            text = str(value)
    is_plain = text and _QUOTED.isdisjoint(text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


class TextLines(logging.Formatter):
    """`2026-11-24T08:00:00.123Z info    RUN event key=value`, always one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what another part of the program logged is made safe here."""
        run_id = getattr(record, "run_id", "-")
        line = f"{_time(record)} {_word(record):<7} {run_id} {_message(record)}"
        return printable(line)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, run_id, event, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        document = {
            "time": _time(record),
            "level": _word(record),
            "run_id": getattr(record, "run_id", None),
            "event": getattr(record, "event", None) or _message(record),
            **getattr(record, "fields", {}),
        }
        return json_line(document)


def json_line(document: Mapping[str, Field]) -> str:
    """Return *document* as one line of JSON without what could steer a terminal."""
    return printable_json(msgspec.json.encode(document))


def _message(record: logging.LogRecord) -> str:
    if hasattr(record, "fields"):
        return record.getMessage()
    return str(safe(record.getMessage(), show_pii=False))


def _time(record: logging.LogRecord) -> str:
    return instant(datetime.fromtimestamp(record.created, UTC))


def instant(moment: datetime) -> str:
    """Return a time in UTC as RFC 3339 has it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(record: logging.LogRecord) -> str:
    return _WORDS.get(record.levelno, record.levelname.lower())
