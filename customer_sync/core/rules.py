"""A line of the mapping, compiled: what it makes of a field's value for an attribute."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, assert_never

from customer_sync.core.model import Attribute, AttributeType, FieldRule, Step, Value
from customer_sync.core.values.addresses import EmailInvalid, email_address
from customer_sync.core.values.names import camel_case
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
from customer_sync.core.values.transforms import TRANSFORMS, Context, are_fixed, compile_steps

EMAIL_ATTRIBUTE = "EMAIL"
PHONE_ATTRIBUTES = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER"})
"""They identify a contact at Brevo, which refuses what is not a phone number with country code."""


_MOST_KNOWN = 4096
"""How many texts a rule remembers before it begins anew."""


class PartlyRead(TransformError):
    """A part of a value had to be left out; what is left fits its attribute."""

    def __init__(self, value: Value, detail: str) -> None:
        super().__init__(detail)
        self.value = value


_Reader: TypeAlias = Callable[[object, Context], Value]
"""Reads a value that is not empty; raises TransformError."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that is ready for a million values."""

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
    known: "_Known | None"
    """What came of texts before, where that is worth remembering."""


class _Known(dict[str, Value]):
    """What a rule made of the latest texts, as names, towns and dates come again and again."""

    def __init__(self, value_of: _Reader) -> None:
        super().__init__()
        self._value_of = value_of

    def __missing__(self, text: str) -> Value:
        value = self._value_of(text, Context())
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[text] = value
        return value


def path_of(field: str) -> tuple[str, ...]:
    """Return the steps to a field of the mapping, in camelCase."""
    return tuple(camel_case(field).split("."))


def compile_rule(rule: FieldRule, attributes: Mapping[str, Attribute]) -> CompiledRule:
    """Return *rule* prepared for an account that has *attributes*."""
    transforms = [TRANSFORMS[step.name] for step in rule.steps]
    path = path_of(rule.field)
    attribute = attributes.get(rule.attribute)
    wanted = _wanted_type(rule, attribute)
    value_of = _value_of(_needed(rule.steps, wanted), _reader(rule, wanted, attribute))
    is_plain = wanted is AttributeType.TEXT and not rule.steps
    is_fixed = wanted is not None and are_fixed(rule.steps)
    return CompiledRule(
        field=rule.field,
        attribute=rule.attribute,
        path=path,
        name=path[0] if len(path) == 1 else None,
        value_of=value_of,
        is_always=any(one.meets_absent for one in transforms),
        keeps_empty=not any(one.meets_empty for one in transforms),
        known=_Known(value_of) if is_fixed and not is_plain else None,
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
        return None if is_empty(label) else label


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
            raise PartlyRead(known, left_out)
        return known or None
