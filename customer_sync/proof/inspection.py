"""What a file holds, counted: columns, fields, oddities, and a mapping that suits it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from customer_sync.core.model import AttributeType, Event, Place, Record, Rejection
from customer_sync.core.validate import EventValidator
from customer_sync.core.values.fields import standard_type
from customer_sync.core.values.names import camel_case
from customer_sync.platforms.canonical import FIELDS, is_secret
from customer_sync.platforms.custom import ALIASES
from customer_sync.platforms.events import is_event
from customer_sync.platforms.format import Format, Sample, Understood, Wanted

FIRST = 3
"""How many customers are shown."""

_OUTSIDE_THE_MAPPING = frozenset(
    {"source", "sourceScope", "marketingState", "acceptsMarketing", "acceptsSmsMarketing"}
    | {"acceptsMarketingUpdatedAt", "deletedAt", "email", "note"}
)
"""Consent and address need no line in a mapping, and a note may hold anything."""

_STANDARD = {"firstName": "FIRSTNAME", "lastName": "LASTNAME", "phone": "SMS", "id": "EXT_ID"}
_ADDRESSES = frozenset({"email", *ALIASES["email"]})
_NOWHERE = Place(file="", line=1)
_NEVER = datetime.fromtimestamp(0, UTC)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a CSV file, and what is made of it."""

    name: str
    fields: tuple[str, ...]
    """The customer's fields that it fills; none where it is not read unless asked for."""
    is_secret: bool
    """It is never read."""


@dataclass(slots=True, kw_only=True)
class FieldCount:
    """How often a field has a value, is empty, or could not be used; else it is absent."""

    values: int = 0
    empty: int = 0
    odd: int = 0


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted in a file."""

    records: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    """By rule."""
    triggers: Counter[str] = field(default_factory=Counter)
    fields: dict[str, FieldCount] = field(default_factory=dict)
    repeated_emails: int = 0
    """Records whose address an earlier record has too."""
    repeated_ids: int = 0
    without_email: int = 0
    first: list[Event] = field(default_factory=list)

    def absent(self, name: str) -> int:
        """Return how many good records do not speak about a field."""
        count = self.fields[name]
        return self.records - sum(self.rejections.values()) - count.values - count.empty - count.odd


def tally(records: Iterable[Understood], validator: EventValidator) -> Tally:
    """Count what *records* hold, to their end."""
    counted = Tally()
    emails: set[int] = set()
    ids: set[int] = set()
    for record in records:
        counted.records += 1
        event = validator.validate(record) if isinstance(record, Record) else record
        if isinstance(event, Rejection):
            counted.rejections[event.problems[0].rule] += 1
            continue
        _count_fields(counted, event)
        counted.triggers[event.trigger.value] += 1
        counted.without_email += event.email is None
        counted.repeated_emails += _is_repeated(event.email, emails)
        counted.repeated_ids += _is_repeated(event.customer_id, ids)
        if len(counted.first) < FIRST:
            counted.first.append(event)
    return counted


def _count_fields(counted: Tally, event: Event) -> None:
    for name, value in event.fields.items():
        count = counted.fields.setdefault(name, FieldCount())
        if value is None:
            count.empty += 1
        else:
            count.values += 1
    for name in {warning.field for warning in event.warnings} - event.fields.keys():
        counted.fields.setdefault(name, FieldCount()).odd += 1


def _is_repeated(name: str | None, seen: set[int]) -> bool:
    """Tell whether *name* was seen before; only its hash is kept."""
    if name is None:
        return False
    digest = hash(name)
    if digest in seen:
        return True
    seen.add(digest)
    return False


def columns(sample: Sample, form: Format, wanted: Wanted) -> tuple[Column, ...]:
    """Return each column of *sample* with the fields that *form* fills from it.

    Each is tried beside an address and nothing else, with the first cell that has something in it.
    """
    names = [name for name in sample.columns if name]
    address = next((n for n in names if camel_case(n) in _ADDRESSES), None)
    base = {address: "jane@example.com"} if address else {}
    # Magento's addresses count where they are the default ones.
    base |= {name: "1" for name in names if name.endswith("default_billing_")}
    always = _filled(base, form, wanted)
    found: list[Column] = []
    for name in names:
        fields = _fields_of(name, sample.contents, base, form, wanted)
        fills = fields if name == address else fields - always
        found.append(Column(name=name, fields=tuple(sorted(fills)), is_secret=is_secret(name)))
    return tuple(found)


def _fields_of(
    name: str, rows: Sequence[object], base: Mapping[str, str], form: Format, wanted: Wanted
) -> frozenset[str]:
    cells = (row.get(name) for row in rows if isinstance(row, Mapping))
    cell = next((cell for cell in cells if isinstance(cell, str) and cell.strip()), None)
    if cell is None or is_secret(name):
        return frozenset()
    if camel_case(name) in {"event", "timestamp"}:
        return frozenset({camel_case(name)})
    return _filled({**base, name: cell}, form, wanted)


def _filled(cells: Mapping[str, str], form: Format, wanted: Wanted) -> frozenset[str]:
    """Return the fields that have a value when *form* is given these cells."""
    record = Record(place=_NOWHERE, content=cells, written_at=_NEVER)
    contents = (one.content for one in form.understand([record], wanted))
    parts = (content.get("data") for content in contents if isinstance(content, Mapping))
    fields = (part for part in parts if isinstance(part, Mapping))
    return frozenset(f for part in fields for f, v in part.items() if v is not None) - {"source"}


def mapping(counted: Tally) -> dict[str, tuple[str, AttributeType]]:
    """Return a mapping that suits the fields with values: field to attribute and type."""
    found = [name for name, count in counted.fields.items() if count.values]
    fitting = [name for name in found if name in FIELDS - _OUTSIDE_THE_MAPPING]
    in_order = sorted(fitting, key=lambda name: (name not in _STANDARD, name == "id", name))
    return {name: (attribute_name(name), standard_type(name)) for name in in_order}


def attribute_name(name: str) -> str:
    """Return a name for the attribute of a field: `totalSpent` becomes TOTAL_SPENT."""
    spelled = _WORD_START.sub("_", camel_case(name)).upper()
    return _STANDARD.get(name) or re.sub(r"[^A-Z0-9_]+", "_", spelled).strip("_") or "FIELD"


def json_names(sample: Sample) -> tuple[str, ...]:
    """Return the names in the first value of a JSON file, wrappers included."""
    first = next((one for one in sample.contents if isinstance(one, Mapping)), {})
    held = first.get("data") if is_event(first) else first
    return tuple(map(str, held)) if isinstance(held, Mapping) else ()
