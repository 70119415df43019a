"""A first look at somebody's file: whose it is, and the rules that suit it."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from customer_sync.config import STANDARD_RULES
from customer_sync.core.model import AttributeType, FieldRule
from customer_sync.core.platforms import Platform
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema
from customer_sync.platforms.reading import Asked, open_seen
from customer_sync.proof.inspection import mapping, tally


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What was seen."""

    platform: Platform
    taken_for: str
    """In words."""
    records: int
    rejected: int
    rules: tuple[FieldRule, ...]
    """The standard ones where the file shows no field."""


def look_at(file: str, source: Platform | None) -> FirstLook:
    """Read *file* to its end, as one of *source* if that is said.

    Raises:
        SourceError: it cannot be read, or is not of that source.
    """
    asked = Asked(source=source, is_forced=source is not None)
    with open_seen(file, stdin=sys.stdin.buffer, now=datetime.now(UTC), asked=asked) as (
        seen,
        records,
    ):
        counted = tally(records, EventValidator(event_schema()))
    found = [
        FieldRule(field=name, attribute=attribute, type=_named(kind))
        for name, (attribute, kind) in mapping(counted).items()
    ]
    return FirstLook(
        platform=source or seen.recognised.format.platform,
        taken_for=str(seen.recognised),
        records=counted.records,
        rejected=sum(counted.rejections.values()),
        rules=(STANDARD_RULES[0], *found) if found else STANDARD_RULES,
    )


def _named(kind: AttributeType) -> AttributeType | None:
    """Return the type as a configuration names it: text is what nobody needs to name."""
    return None if kind is AttributeType.TEXT else kind
