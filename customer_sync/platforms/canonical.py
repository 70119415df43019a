"""The customer that all platforms' records become, and the way to one of them.

Conversions of values and the words of consent are reached from here, too.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from customer_sync.core.model import Problem, Record, Rejection, Trigger
from customer_sync.core.platforms import Platform
from customer_sync.core.values.names import camel_case
from customer_sync.core.values.readings import is_empty
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms.conversions import (
    boolean,
    calendar_date,
    country_code,
    decimal_text,
    identifier,
    instant,
    language,
    phone,
    tag_list,
    text,
    unguarded,
    utc,
    whole_number,
)
from customer_sync.platforms.format import Understood
from customer_sync.platforms.marketing import MarketingState, accepts, marketing_state
from customer_sync.platforms.paths import ABSENT

__all__ = (
    "ABSENT",
    "ADDRESS_FIELDS",
    "FIELDS",
    "SECRETS",
    "Draft",
    "MarketingState",
    "accepts",
    "boolean",
    "calendar_date",
    "country_code",
    "decimal_text",
    "identifier",
    "instant",
    "is_secret",
    "language",
    "marketing_state",
    "phone",
    "refused",
    "tag_list",
    "text",
    "unguarded",
    "utc",
    "whole_number",
)

FIELDS: Final = frozenset(
    {
        "id",
        "source",
        "sourceScope",
        "email",
        "firstName",
        "lastName",
        "phone",
        "acceptsMarketing",
        "marketingState",
        "acceptsMarketingUpdatedAt",
        "acceptsSmsMarketing",
        "createdAt",
        "updatedAt",
        "deletedAt",
        "totalOrders",
        "totalSpent",
        "currency",
        "lastOrderDate",
        "customerTier",
        "tags",
        "company",
        "address1",
        "address2",
        "city",
        "province",
        "provinceCode",
        "zip",
        "country",
        "countryCode",
        "locale",
        "birthday",
        "gender",
        "note",
        "isGuest",
        "verifiedEmail",
        "taxExempt",
    }
)
"""What a reader may pass on without being asked; the phone as written, beside the countryCode."""

ADDRESS_FIELDS: Final = (
    "company",
    "address1",
    "address2",
    "city",
    "province",
    "provinceCode",
    "zip",
    "country",
    "countryCode",
)
"""Those of the default address; they come and go together."""

SECRETS: Final = frozenset(
    {"password", "passwordHash", "rpToken", "rpTokenCreatedAt", "multipassIdentifier", "userPass"}
)
"""Names in camelCase that do not pass even where a mapping asks for them."""

_RESERVED = frozenset({"changes", "event", "timestamp"})
"""Words that mean something else within an event."""


class Draft:
    """One customer as far as its record was understood; becomes an event, or a rejection.

    Warnings stand in the event beside `event`, `timestamp` and `data`, as `warnings`: a list of
    objects with `field` and `detail`. Nothing of a value is repeated in them.
    """

    def __init__(self, record: Record, source: Platform) -> None:
        self._record = record
        self._problems: list[Problem] = []
        self._warnings: list[dict[str, str]] = []
        self.fields: dict[str, object] = {"source": str(source)}

    def put(self, field: str, value: object, convert: Callable[[object], object] = text) -> None:
        """Set *field* to what *convert* makes of *value*.

        ABSENT leaves the field out; so does a value that cannot be read, with a warning.
        """
        if value is ABSENT:
            return
        try:
            self.fields[field] = convert(value)
        except TransformError as error:
            self.warn(field, f"The field was left out: {error}.")

    def identify(self, value: object, pointer: str) -> None:
        """Set the id; one that cannot be trusted makes a rejection, and *pointer* says where."""
        if value is ABSENT:
            return
        try:
            self.fields["id"] = identifier(value)
        except TransformError as error:
            self.fields["id"] = value if isinstance(value, str | int | float) else None
            self.refuse("exact-id", f"id is of no use: {error}.", pointer)

    def put_email_consent(self, value: object) -> None:
        """Set `marketingState` and `acceptsMarketing` by a state; unknown sets neither.

        The rule of `accepts` holds.
        """
        state = self._state("acceptsMarketing", value)
        if state is None:
            return
        self.fields["marketingState"] = state.value
        self.fields["acceptsMarketing"] = accepts(state)

    def put_sms_consent(self, value: object) -> None:
        """Set `acceptsSmsMarketing` by a state; unknown leaves it out."""
        state = self._state("acceptsSmsMarketing", value)
        if state is not None:
            self.fields["acceptsSmsMarketing"] = accepts(state)

    def _state(self, field: str, value: object) -> MarketingState | None:
        if value is ABSENT:
            return None
        try:
            return marketing_state(value)
        except TransformError as error:
            self.warn(field, f"Consent counts as unknown: {error}.")
            return None

    def put_wanted(self, names: Iterable[str], find: Callable[[str], object]) -> None:
        """Set the fields that the mapping asks for by the platform's own names or by paths.

        *find* returns what a name means in the record, ABSENT where it means nothing. Objects do
        not pass, as nobody knows what else is in them; nor do the names in SECRETS.
        """
        for name in sorted(names):
            if camel_case(name) not in FIELDS | _RESERVED and not is_secret(name):
                self.put(name, find(name), _passable)

    def warn(self, field: str, detail: str) -> None:
        """Say that *field* could not be used, or not as it stands."""
        self._warnings.append({"field": field, "detail": detail})

    def refuse(self, rule: str, detail: str, pointer: str = "") -> None:
        """Make this a rejection."""
        self._problems.append(Problem(pointer=pointer, rule=rule, detail=detail))

    def finish(self, trigger: Trigger, *, at: object = None) -> Understood:
        """Return the event, or the rejection whose content is the event as far as it got.

        The time is *at* where given, else `updatedAt`, else when the source was written.
        """
        at = at or self.fields.get("updatedAt") or self._record.written_at.isoformat()
        content: dict[str, object] = {"event": trigger.value, "timestamp": at, "data": self.fields}
        if self._warnings:
            content["warnings"] = self._warnings
        if self._problems:
            # Rejections are kept in a file of their own, where nobody looks for free text.
            self.fields.pop("note", None)
            place, problems = self._record.place, tuple(self._problems)
            return Rejection(place=place, problems=problems, content=content)
        return Record(place=self._record.place, content=content, written_at=self._record.written_at)


def is_secret(name: str) -> bool:
    """Tell whether any step of a path names what must not pass."""
    steps = camel_case(re.sub(r"[\[\]]+", ".", name)).split(".")
    return not SECRETS.isdisjoint(steps)


def _passable(value: object) -> object:
    if is_empty(value):
        return None
    if isinstance(value, str | int | float):
        return value.strip() if isinstance(value, str) else value
    if isinstance(value, list | tuple) and all(
        isinstance(part, str | int | float) for part in value
    ):
        return list(value)
    raise TransformError("it is an object; name the field within it")


def refused(record: Record, rule: str, detail: str, *, pointer: str = "") -> Rejection:
    """Return *record* as refused without its content, of which nothing is known to be harmless.

    Its place says where it can be found.
    """
    problem = Problem(pointer=pointer, rule=rule, detail=detail)
    return Rejection(place=record.place, problems=(problem,), content=None)
