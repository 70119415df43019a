"""From an event's fields to Brevo's attributes, as the mapping says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Email,
    Event,
    FieldRule,
    FieldWarning,
    Statement,
    Trigger,
    Value,
)
from customer_sync.core.validate import EmailInvalid, email_address, parse_moment
from customer_sync.core.values.names import camel_case
from customer_sync.core.values.phones import SUPPORTED_REGIONS
from customer_sync.core.values.readings import (
    as_boolean,
    as_date,
    as_list,
    as_number,
    as_phone,
    as_text,
    is_empty,
)
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import TRANSFORMS, Context, apply_steps

EMAIL_ATTRIBUTE = "EMAIL"
PHONE_ATTRIBUTES = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER"})
"""They identify a contact at Brevo, which refuses what is not a phone number with country code."""


class _Absent:
    """The event does not speak about the field."""


_ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class _Reading:
    """A value that fits its attribute, and what had to be left out of it."""

    value: Value
    notes: tuple[str, ...] = ()


_Reader: TypeAlias = Callable[[object, str | None], _Reading]
"""Reads a value; the region completes national phone numbers."""


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    rule: FieldRule
    path: tuple[str, ...]
    read: _Reader
    is_always: bool
    """Whether the rule has a value even for an event that does not mention the field."""


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
        compiled = [_compile(rule, attributes) for rule in rules]
        self._address_rules = [line for line in compiled if _is_address(line.rule)]
        self._attribute_rules = [line for line in compiled if not _is_address(line.rule)]

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
            return _statement(event, event.email)
        warnings = list(event.warnings)
        return _statement(
            event,
            self._address(event, warnings),
            attributes=self._attributes(event, warnings),
            email_consent=_consent(event, "acceptsMarketing", warnings),
            sms_consent=_consent(event, "acceptsSmsMarketing", warnings),
            consent_at=_consent_at(event, warnings),
            warnings=warnings,
        )

    def _attributes(self, event: Event, warnings: list[FieldWarning]) -> dict[str, Value]:
        attributes: dict[str, Value] = {}
        for line in self._attribute_rules:
            reading = self._read(line, event, warnings)
            if reading is not None:
                attributes[line.rule.attribute] = reading.value
        return attributes

    def _address(self, event: Event, warnings: list[FieldWarning]) -> Email | None:
        for line in self._address_rules:
            if line.path == ("email",):
                return event.email
            reading = self._read(line, event, warnings)
            if reading is not None and isinstance(reading.value, str):
                return Email(reading.value)
        return event.email

    def _read(
        self, line: _CompiledRule, event: Event, warnings: list[FieldWarning]
    ) -> _Reading | None:
        value = _find(event.fields, line.path)
        if isinstance(value, _Absent):
            if not line.is_always:
                return None
            value = None
        try:
            region = self._region(event)
            changed = apply_steps(value, line.rule.steps, Context(default_region=region))
            reading = _Reading(None) if changed is None else line.read(changed, region)
        except TransformError as error:
            warnings.append(_warning(event, line.rule.field, f"The field was left out: {error}."))
            return None
        warnings.extend(_warning(event, line.rule.field, note) for note in reading.notes)
        # A list of nothing but nulls is a blank text by now.
        return _Reading(None) if is_empty(reading.value) else reading

    def _region(self, event: Event) -> str | None:
        return region_of(event, self._default_region)


def _statement(
    event: Event,
    email: Email | None,
    *,
    attributes: Mapping[str, Value] = MappingProxyType({}),
    email_consent: bool | None = None,
    sms_consent: bool | None = None,
    consent_at: datetime | None = None,
    warnings: Sequence[FieldWarning] = (),
) -> Statement:
    return Statement(
        trigger=event.trigger,
        occurred_at=event.occurred_at,
        place=event.place,
        customer_id=event.customer_id,
        email=email,
        previous_email=event.previous_email,
        attributes=attributes,
        email_consent=email_consent,
        sms_consent=sms_consent,
        consent_at=consent_at,
        warnings=tuple(warnings),
    )


def _warning(event: Event, field: str, detail: str) -> FieldWarning:
    return FieldWarning(place=event.place, field=field, detail=detail)


def region_of(event: Event, default_region: str | None) -> str | None:
    """Return the country that national phone numbers of *event* are completed with."""
    country = event.fields.get("countryCode")
    is_known = isinstance(country, str) and country.strip().upper() in SUPPORTED_REGIONS
    return str(country).strip().upper() if is_known else default_region


# ---------------------------------------------------------------- finding a field


def mentioned(event: Event, field: str) -> tuple[bool, object]:
    """Return whether *event* mentions a field of the mapping, and what it says of it."""
    value = _find(event.fields, _path(field))
    return (False, None) if isinstance(value, _Absent) else (True, value)


def _path(field: str) -> tuple[str, ...]:
    return tuple(camel_case(field).split("."))


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


# ---------------------------------------------------------------- fitting an attribute


def _is_address(rule: FieldRule) -> bool:
    return rule.attribute == EMAIL_ATTRIBUTE


def _compile(rule: FieldRule, attributes: Mapping[str, Attribute]) -> _CompiledRule:
    return _CompiledRule(
        rule=rule,
        path=_path(rule.field),
        read=_reader(rule, attributes.get(rule.attribute)),
        is_always=any(TRANSFORMS[step.name].meets_absent for step in rule.steps),
    )


def _reader(rule: FieldRule, attribute: Attribute | None) -> _Reader:
    if _is_address(rule):
        return _read_address
    if rule.attribute in PHONE_ATTRIBUTES:
        return lambda value, region: _Reading(as_phone(value, region))
    known_type = attribute.type if attribute is not None else None
    options = attribute.options if attribute is not None else {}
    return _typed_reader(rule.type or known_type or AttributeType.TEXT, options)


def _typed_reader(wanted: AttributeType, options: Mapping[str, str]) -> _Reader:
    match wanted:
        case AttributeType.TEXT:
            return lambda value, _region: _Reading(as_text(value))
        case AttributeType.FLOAT:
            return lambda value, _region: _Reading(as_number(value))
        case AttributeType.DATE:
            return lambda value, _region: _Reading(as_date(value))
        case AttributeType.BOOLEAN:
            return lambda value, _region: _Reading(as_boolean(value))
        case AttributeType.CATEGORY:
            return _Category(options).read
        case AttributeType.MULTIPLE_CHOICE:
            return _MultipleChoice(options).read
        case _:
            assert_never(wanted)


def _read_address(value: object, _region: str | None) -> _Reading:
    try:
        return _Reading(email_address(as_text(value)))
    except EmailInvalid as error:
        raise TransformError("it is not an address") from error


class _Category:
    """Finds the one option that a value names; without known options any text is taken."""

    def __init__(self, options: Mapping[str, str]) -> None:
        by_value = {value.casefold(): label for value, label in options.items()}
        by_label = {label.casefold(): label for label in options.values()}
        # Where one option's label is another's value, people meant the label.
        self._labels = by_value | by_label

    def read(self, value: object, _region: str | None = None) -> _Reading:
        text = as_text(value).strip()
        if not self._labels:
            return _Reading(text)
        label = self._labels.get(text.casefold())
        if label is None:
            raise TransformError("the category has no such option")
        return _Reading(label)


class _MultipleChoice:
    """Finds the options that a list names; without known options all are taken."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = {option.casefold(): option for option in options}

    def read(self, value: object, _region: str | None = None) -> _Reading:
        texts = as_list(value)
        chosen = [self._options.get(text.casefold()) for text in texts] if self._options else texts
        known = tuple(dict.fromkeys(option for option in chosen if option is not None))
        unknown = sum(option is None for option in chosen)
        if unknown and not known:
            raise TransformError("the attribute has none of these options")
        notes = (f"{unknown} of {len(texts)} options are unknown and were left out.",)
        return _Reading(known or None, notes if unknown else ())


# ---------------------------------------------------------------- consent


def _consent(event: Event, field: str, warnings: list[FieldWarning]) -> bool | None:
    value = event.fields.get(field)
    if is_empty(value):
        return None
    try:
        return as_boolean(value)
    except TransformError as error:
        warnings.append(_warning(event, field, f"Consent counts as unknown: {error}."))
        return None


def _consent_at(event: Event, warnings: list[FieldWarning]) -> datetime | None:
    field = "acceptsMarketingUpdatedAt"
    value = event.fields.get(field)
    if is_empty(value):
        return None
    try:
        return parse_moment(str(value))
    except ValueError:
        detail = "The time of consent counts as unknown: it is no time with a zone (RFC 3339)."
        warnings.append(_warning(event, field, detail))
        return None
