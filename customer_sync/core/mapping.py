"""From an event's fields to Brevo's attributes, as the mapping says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    Step,
    Trigger,
    Value,
)
from customer_sync.core.values.addresses import EmailInvalid, email_address
from customer_sync.core.values.moments import parse_moment
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
from customer_sync.core.values.transforms import TRANSFORMS, Context, compile_steps

EMAIL_ATTRIBUTE = "EMAIL"
PHONE_ATTRIBUTES = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER"})
"""They identify a contact at Brevo, which refuses what is not a phone number with country code."""


class _Absent:
    """The event does not speak about the field."""


_ABSENT: Final = _Absent()


class _PartlyRead(TransformError):
    """A part of a value had to be left out; what is left fits its attribute."""

    def __init__(self, value: Value, detail: str) -> None:
        super().__init__(detail)
        self.value = value


_Reader: TypeAlias = Callable[[object, Context], Value]
"""Reads a value that is not empty; raises TransformError."""


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    field: str
    attribute: str
    path: tuple[str, ...]
    name: str | None
    """The path where it has but one step, as nearly all have."""
    value_of: _Reader
    """What the rule makes of a field's value, empty or not; raises TransformError."""
    is_always: bool
    """Whether the rule has a value even for an event that does not mention the field."""
    keeps_empty: bool
    """Whether an empty field clears the attribute, whatever the steps."""


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
        compiled = [_compile(rule, attributes) for rule in rules]
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
        self, rules: Iterable[_CompiledRule], event: Event, warnings: list[FieldWarning]
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
                    values[rule.attribute] = rule.value_of(
                        None if value is _ABSENT else value, context
                    )
                except _PartlyRead as part:
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


def _compile(rule: FieldRule, attributes: Mapping[str, Attribute]) -> _CompiledRule:
    transforms = [TRANSFORMS[step.name] for step in rule.steps]
    path = _path(rule.field)
    attribute = attributes.get(rule.attribute)
    wanted = _wanted_type(rule, attribute)
    return _CompiledRule(
        field=rule.field,
        attribute=rule.attribute,
        path=path,
        name=path[0] if len(path) == 1 else None,
        value_of=_value_of(_needed(rule.steps, wanted), _reader(rule, wanted, attribute)),
        is_always=any(one.meets_absent for one in transforms),
        keeps_empty=not any(one.meets_empty for one in transforms),
    )


_READ_ANYWAY = MappingProxyType(
    {
        AttributeType.FLOAT: "number",
        AttributeType.DATE: "date",
        AttributeType.BOOLEAN: "boolean",
    }
)
"""What each type reads its values by: done twice, it changes nothing more."""


def _needed(steps: Sequence[Step], wanted: AttributeType | None) -> Sequence[Step]:
    """Return *steps* without a last one that reading does anyway."""
    match steps:
        case [*before, Step(name=name, argument=None)] if wanted and name == _READ_ANYWAY.get(
            wanted
        ):
            return before
        case _:
            return steps


def _value_of(steps: Sequence[Step], read: _Reader) -> _Reader:
    if not steps:
        return lambda value, context: None if is_empty(value) else read(value, context)
    change = compile_steps(steps)

    def value_of(value: object, context: Context) -> Value:
        changed = change(value, context)
        return None if changed is None else read(changed, context)

    return value_of


def _wanted_type(rule: FieldRule, attribute: Attribute | None) -> AttributeType | None:
    """Return the type that values are read as; None for what identifies a contact."""
    if rule.attribute == EMAIL_ATTRIBUTE or rule.attribute in PHONE_ATTRIBUTES:
        return None
    known_type = attribute.type if attribute is not None else None
    return rule.type or known_type or AttributeType.TEXT


def _reader(rule: FieldRule, wanted: AttributeType | None, attribute: Attribute | None) -> _Reader:
    if wanted is not None:
        return _typed_reader(wanted, attribute.options if attribute is not None else {})
    if rule.attribute == EMAIL_ATTRIBUTE:
        return _read_address
    return lambda value, context: as_phone(value, context.default_region)


def _typed_reader(wanted: AttributeType, options: Mapping[str, str]) -> _Reader:
    match wanted:
        case AttributeType.TEXT:
            return _read_text
        case AttributeType.FLOAT:
            return lambda value, _context: as_number(value)
        case AttributeType.DATE:
            return lambda value, _context: as_date(value)
        case AttributeType.BOOLEAN:
            return lambda value, _context: as_boolean(value)
        case AttributeType.CATEGORY:
            return _Category(options).read
        case AttributeType.MULTIPLE_CHOICE:
            return _MultipleChoice(options).read
        case _:
            assert_never(wanted)


def _read_text(value: object, _context: Context) -> Value:
    if isinstance(value, str):
        return value
    text = as_text(value)
    # A list of nothing but nulls is a blank text by now.
    return None if is_empty(text) else text


def _read_address(value: object, _context: Context) -> Value:
    try:
        return email_address(as_text(value))
    except EmailInvalid as error:
        raise TransformError("it is not an address") from error


class _Category:
    """Finds the one option that a value names; without known options any text is taken."""

    def __init__(self, options: Mapping[str, str]) -> None:
        by_value = {value.casefold(): label for value, label in options.items()}
        by_label = {label.casefold(): label for label in options.values()}
        # Where one option's label is another's value, people meant the label.
        self._labels = by_value | by_label

    def read(self, value: object, _context: Context) -> Value:
        """Return the label of the option."""
        text = as_text(value).strip()
        if not self._labels:
            return text or None
        label = self._labels.get(text.casefold())
        if label is None:
            raise TransformError("the category has no such option")
        return label or None


class _MultipleChoice:
    """Finds the options that a list names; without known options all are taken."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = {option.casefold(): option for option in options}

    def read(self, value: object, _context: Context) -> Value:
        """Return the options that are known."""
        texts = as_list(value)
        chosen = [self._options.get(text.casefold()) for text in texts] if self._options else texts
        known = tuple(dict.fromkeys(option for option in chosen if option is not None))
        unknown = sum(option is None for option in chosen)
        if unknown and not known:
            raise TransformError("the attribute has none of these options")
        if unknown:
            left_out = f"{unknown} of {len(texts)} options are unknown and were left out."
            raise _PartlyRead(known, left_out)
        return known or None


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
