"""The contract between a file as it was decoded and a platform that understands it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from customer_sync.core.model import Record, Rejection
from customer_sync.core.platforms import Platform

Decoded: TypeAlias = Record | Rejection
"""A decoded JSON value, or a CSV row as a mapping of column to cell, each with its place."""

Understood: TypeAlias = Record | Rejection
"""A record whose content is an event: `{"event": ..., "timestamp": ..., "data": {...}}`.

`data` holds canonical fields in camelCase, nothing else but what the mapping asks for by name. A
field that the source does not have is absent; one that it says is empty is null.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The beginning of a file: enough to tell what it is."""

    name: str
    columns: tuple[str, ...] = ()
    """The header of a CSV file as it is written; empty for JSON."""
    contents: tuple[object, ...] = ()
    """The first decoded values or rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the configuration asks of a reader."""

    fields: frozenset[str] = frozenset()
    """Fields of the mapping that are not canonical: the platform's own names, or paths into the
    record such as `metafields.custom.tier` or `meta_data[newsletter]`. Nothing else of a record's
    own fields may pass."""
    include_guests: bool = False
    consent_field: str | None = None
    """Where a platform without consent of its own keeps it, by name or path."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields of the mapping to further names that custom sources have for them."""
    records: str | None = None
    """The path to the customers within a custom JSON file that holds more than them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One of the forms in which a platform hands out customers."""

    name: str
    """For people: `Shopify customers CSV (2023 on)`."""
    platform: Platform
    recognise: Callable[[Sample], str]
    """Return why the sample is of this format, in words; empty where it is not."""
    understand: Callable[[Iterable[Decoded], Wanted], Iterator[Understood]]
    """Turn decoded records into events. Streams; what cannot be used is a rejection."""
    is_one_by_one: bool = False
    """Each record is understood by itself, whatever stands before it."""
