"""From an event's fields to Brevo's attributes, as the mapping says."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from customer_sync.core.model import (
    Attribute,
    Email,
    Event,
    FieldRule,
    FieldWarning,
    Statement,
    Trigger,
    Value,
)
from customer_sync.core.rules import (
    EMAIL_ATTRIBUTE,
    CompiledRule,
    PartlyRead,
    compile_rule,
    path_of,
)
from customer_sync.core.values.moments import parse_moment
from customer_sync.core.values.names import camel_case
from customer_sync.core.values.phones import SUPPORTED_REGIONS
from customer_sync.core.values.readings import as_boolean, is_empty
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import Context


class _Absent:
    """The event does not speak about the field."""


_ABSENT: Final = _Absent()


class Mapper:
    """A mapping, prepared for one account."""

    def __init__(
        self,
        rules: Sequence[FieldRule],
        attributes: Mapping[str, Attribute],
        *,
        default_region: str | None,
    ) -> None:
        self._default_region = default_region
        self._contexts: dict[str | None, Context] = {}
        compiled = [compile_rule(rule, attributes) for rule in rules]
        self._address_rules = [one for one in compiled if one.attribute == EMAIL_ATTRIBUTE]
        self._attribute_rules = [one for one in compiled if one.attribute != EMAIL_ATTRIBUTE]

    def map(self, event: Event) -> Statement:
        """Return what *event* says in Brevo's terms.

        - A field that the event does not mention is left out; one that is empty clears (None).
        - A value that cannot become what its attribute holds is left out with a warning that
          names the field and never the value; the customer stays.
        - Of a deletion only who it is about is kept.
        - Consent that is missing, empty or unreadable is unknown.
        - A national phone number is completed with the customer's own country, where the event
          names a known one as `countryCode`, else with the default region.
        """
        if event.trigger is Trigger.DELETED:
            return _deletion(event)
        warnings = list(event.warnings)
        return Statement(
            trigger=event.trigger,
            occurred_at=event.occurred_at,
            place=event.place,
            customer_id=event.customer_id,
            previous_email=event.previous_email,
            email=self._address(event, warnings),
            attributes=self._values(self._attribute_rules, event, warnings),
            email_consent=_consent(event, "acceptsMarketing", warnings),
            sms_consent=_consent(event, "acceptsSmsMarketing", warnings),
            consent_at=_consent_at(event, warnings),
            warnings=tuple(warnings),
        )

    def _values(
        self, rules: Iterable[CompiledRule], event: Event, warnings: list[FieldWarning]
    ) -> dict[str, Value]:
        """Return what *rules* make of *event*, by attribute; a million times, so in one place."""
        values: dict[str, Value] = {}
        fields, context = event.fields, self._context(event)
        for rule in rules:
            value = fields.get(rule.name, _ABSENT) if rule.name else _find(fields, rule.path)
            if value is None and rule.keeps_empty:
                values[rule.attribute] = None
            elif value is not _ABSENT or rule.is_always:
                try:
                    values[rule.attribute] = (
                        rule.known[value]
                        if rule.known is not None and isinstance(value, str)
                        else rule.value_of(None if value is _ABSENT else value, context)
                    )
                except PartlyRead as part:
                    values[rule.attribute] = part.value
                    warnings.append(_warning(event, rule.field, part.detail))
                except TransformError as error:
                    detail = f"The field was left out: {error}."
                    warnings.append(_warning(event, rule.field, detail))
        return values

    def _address(self, event: Event, warnings: list[FieldWarning]) -> Email | None:
        for rule in self._address_rules:
            if rule.name == "email":
                return event.email
            value = self._values([rule], event, warnings).get(EMAIL_ATTRIBUTE)
            if isinstance(value, str):
                return Email(value)
        return event.email

    def _context(self, event: Event) -> Context:
        """Return what transforms may know; one for each of the few regions."""
        region = region_of(event, self._default_region)
        known = self._contexts.get(region)
        if known is None:
            known = self._contexts[region] = Context(default_region=region)
        return known


def _deletion(event: Event) -> Statement:
    return Statement(
        trigger=event.trigger,
        occurred_at=event.occurred_at,
        place=event.place,
        customer_id=event.customer_id,
        previous_email=event.previous_email,
        email=event.email,
        attributes=MappingProxyType({}),
    )


def _warning(event: Event, field: str, detail: str) -> FieldWarning:
    return FieldWarning(place=event.place, field=field, detail=detail)


def region_of(event: Event, default_region: str | None) -> str | None:
    """Return the country that national phone numbers of *event* are completed with."""
    told = event.fields.get("countryCode")
    if not isinstance(told, str):
        return default_region
    country = told if told in SUPPORTED_REGIONS else told.strip().upper()
    return country if country in SUPPORTED_REGIONS else default_region


# ---------------------------------------------------------------- finding a field


def mentioned(event: Event, field: str) -> tuple[bool, object]:
    """Return whether *event* mentions a field of the mapping, and what it says of it."""
    value = _find(event.fields, path_of(field))
    return (False, None) if isinstance(value, _Absent) else (True, value)


def _find(fields: Mapping[str, object], path: tuple[str, ...]) -> object:
    """Return the value that *path* leads to, None where it ends early in emptiness.

    A field whose own name has dots counts as well as a nested one.
    """
    for end in range(len(path), 0, -1):
        name = ".".join(path[:end])
        if name in fields:
            return _descend(fields[name], path[end:])
    return _ABSENT


def _descend(value: object, path: tuple[str, ...]) -> object:
    for name in path:
        if is_empty(value):
            return None
        if not isinstance(value, Mapping):
            return _ABSENT
        value = _member(value, name)
        if isinstance(value, _Absent):
            return _ABSENT
    return value


def _member(nested: Mapping[object, object], name: str) -> object:
    if name in nested:
        return nested[name]
    spellings = (written for written in nested if camel_case(str(written)) == name)
    written = next(iter(spellings), None)
    return _ABSENT if written is None else nested[written]


# ---------------------------------------------------------------- consent


def _consent(event: Event, field: str, warnings: list[FieldWarning]) -> bool | None:
    value = event.fields.get(field)
    if value is None or is_empty(value):
        return None
    try:
        return as_boolean(value)
    except TransformError as error:
        warnings.append(_warning(event, field, f"Consent counts as unknown: {error}."))
        return None


def _consent_at(event: Event, warnings: list[FieldWarning]) -> datetime | None:
    field = "acceptsMarketingUpdatedAt"
    value = event.fields.get(field)
    if value is None or is_empty(value):
        return None
    try:
        return parse_moment(str(value))
    except ValueError:
        detail = "The time of consent counts as unknown: it is no time with a zone (RFC 3339)."
        warnings.append(_warning(event, field, detail))
        return None
