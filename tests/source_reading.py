"""Sources given as text, and what reading makes of them."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from customer_sync.core.model import FieldRule, Rejection, SourceName
from customer_sync.platforms.format import Understood
from customer_sync.platforms.reading import Asked, Taken, read
from customer_sync.platforms.wanting import wanted

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"


def asked(
    *rules: FieldRule,
    source: SourceName | None = None,
    is_forced: bool = False,
    **wishes: Any,
) -> Asked:
    """Return how to read, with what *rules* need."""
    return Asked(source=source, is_forced=is_forced, wanted=wanted(rules, **wishes))


def read_text(text: str | bytes, how: Asked | None = None) -> list[Understood]:
    """Read *text* as standard input."""
    content = text.encode() if isinstance(text, str) else text
    return list(read(["-"], stdin=io.BytesIO(content), now=NOW, asked=how))


def read_files(names: Sequence[Path], how: Asked | None = None) -> list[Understood]:
    """Read files together."""
    return list(read([str(n) for n in names], stdin=io.BytesIO(), now=NOW, asked=how))


def customers(records: Sequence[Understood]) -> list[dict[str, Any]]:
    """Return the fields of every event; fail where anything is rejected."""
    assert not [one for one in records if isinstance(one, Rejection)]
    return [_data(one.content) for one in records]


def _data(content: object) -> dict[str, Any]:
    assert isinstance(content, Mapping)
    data: dict[str, Any] = content["data"]
    return data


def events(records: Sequence[Understood]) -> list[tuple[str, str]]:
    """Return trigger and time of every event."""
    found: list[tuple[str, str]] = []
    for one in records:
        assert isinstance(one.content, Mapping)
        found.append((one.content["event"], one.content["timestamp"]))
    return found


def rules(records: Sequence[Understood]) -> list[tuple[int, str]]:
    """Return line and rule of every rejection."""
    return [(one.place.line, one.problems[0].rule) for one in records if isinstance(one, Rejection)]


def taken_for(text: str | bytes, how: Asked | None = None) -> str:
    """Return what *text* was taken for."""
    seen: list[Taken] = []
    content = text.encode() if isinstance(text, str) else text
    list(read(["-"], stdin=io.BytesIO(content), now=NOW, asked=how, on_file=seen.append))
    return str(seen[0])
