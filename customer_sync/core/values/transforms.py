"""The transforms that a mapping can name, as one table: name, meaning, argument, kinds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType

from customer_sync.core.model import Step
from customer_sync.core.values import dates, phones
from customer_sync.core.values.casing import title_name
from customer_sync.core.values.readings import (
    as_boolean,
    as_date,
    as_list,
    as_number,
    as_phone,
    as_text,
    is_empty,
)


class Kind(StrEnum):
    """What a value is, as far as transforms care."""

    ANY = "anything"
    TEXT = "text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    DATE = "a date"
    LIST = "a list"


class Argument(Enum):
    """Whether a transform is told more than its value."""

    NONE = auto()
    OPTIONAL = auto()
    REQUIRED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a transform may know besides its value and argument."""

    default_region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """One line of the table."""

    name: str
    doc: str
    """A sentence for the documentation and for `--help`."""
    takes: Kind
    gives: Kind
    apply: Callable[[object, object, Context], object]
    """(value, argument, context) to the new value; raises TransformError."""
    argument: Argument = Argument.NONE
    argument_doc: str = ""
    check_argument: Callable[[object], str | None] = lambda _argument: None
    """What is wrong with an argument, as the end of a sentence; None when it is fine."""
    meets_empty: bool = False
    """Whether it is applied to a field that the shop calls empty; all others pass it on."""
    meets_absent: bool = False
    """Whether it is applied even where the event does not mention the field."""


# ---------------------------------------------------------------- what they do


def _on_texts(change: Callable[[str], str]) -> Callable[[object, object, Context], object]:
    """Let *change* work on a text, or on every item of a list."""

    def apply(value: object, _argument: object, _context: Context) -> object:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, list | tuple):
            return tuple(change(as_text(item)) for item in value if item is not None)
        return change(as_text(value))

    return apply


# ---------------------------------------------------------------- their arguments


def _check_text(argument: object) -> str | None:
    return None if isinstance(argument, str) and argument else "must be a text"


def _check_region(argument: object) -> str | None:
    if argument in phones.SUPPORTED_REGIONS:
        return None
    return "must be a country's two capital letters (ISO 3166), such as US or DE"


def _check_decimal_mark(argument: object) -> str | None:
    return None if argument in {".", ","} else "must be . or ,"


def _check_date_form(argument: object) -> str | None:
    return dates.check_form(argument)


def _check_value(argument: object) -> str | None:
    if isinstance(argument, str | int | float | bool):
        return None
    if isinstance(argument, list | tuple) and all(isinstance(item, str) for item in argument):
        return None
    return "must be a text, a number, true, false or a list of texts"


def _text_or(argument: object, otherwise: str | None) -> str | None:
    return argument if isinstance(argument, str) else otherwise


# ---------------------------------------------------------------- the table

_TABLE = (
    Transform(
        name="strip",
        doc="Removes blanks at both ends.",
        takes=Kind.TEXT,
        gives=Kind.TEXT,
        apply=_on_texts(str.strip),
    ),
    Transform(
        name="lower",
        doc="Makes all letters small.",
        takes=Kind.TEXT,
        gives=Kind.TEXT,
        apply=_on_texts(str.lower),
    ),
    Transform(
        name="upper",
        doc="Makes all letters capitals.",
        takes=Kind.TEXT,
        gives=Kind.TEXT,
        apply=_on_texts(str.upper),
    ),
    Transform(
        name="title",
        doc="Gives people's names their capitals: o'neill becomes O'Neill, VAN DER BERG becomes "
        "van der Berg; words in mixed case stay.",
        takes=Kind.TEXT,
        gives=Kind.TEXT,
        apply=_on_texts(title_name),
    ),
    Transform(
        name="e164",
        doc="Brings a phone number to + and digits; one that is not certain is left out.",
        argument=Argument.OPTIONAL,
        argument_doc="The country of national numbers, such as US; else default_region.",
        check_argument=_check_region,
        takes=Kind.TEXT,
        gives=Kind.TEXT,
        apply=lambda value, argument, context: as_phone(
            value, _text_or(argument, None) or context.default_region
        ),
    ),
    Transform(
        name="date",
        doc="Reads a date, or the date of a time, as YYYY-MM-DD.",
        argument=Argument.OPTIONAL,
        argument_doc="How dates are written, such as %d/%m/%Y, or epoch for seconds since 1970; "
        "else ISO 8601.",
        check_argument=_check_date_form,
        takes=Kind.TEXT,
        gives=Kind.DATE,
        apply=lambda value, argument, _context: as_date(value, _text_or(argument, None)),
    ),
    Transform(
        name="number",
        doc="Reads a number.",
        argument=Argument.OPTIONAL,
        argument_doc="The decimal mark, . or ,; the other one, blanks and apostrophes may then "
        "separate thousands.",
        check_argument=_check_decimal_mark,
        takes=Kind.TEXT,
        gives=Kind.NUMBER,
        apply=lambda value, argument, _context: as_number(value, _text_or(argument, None)),
    ),
    Transform(
        name="boolean",
        doc="Reads true, false, yes, no, 1 and 0, in any case.",
        takes=Kind.TEXT,
        gives=Kind.BOOLEAN,
        apply=lambda value, _argument, _context: as_boolean(value),
    ),
    Transform(
        name="join",
        doc="Makes one text of a list.",
        argument=Argument.OPTIONAL,
        argument_doc="What stands between the items; else a comma and a blank.",
        check_argument=_check_text,
        takes=Kind.LIST,
        gives=Kind.TEXT,
        apply=lambda value, argument, _context: (_text_or(argument, None) or ", ").join(
            as_list(value)
        ),
    ),
    Transform(
        name="split",
        doc="Makes a list of a text; blanks around the parts and empty parts are dropped.",
        argument=Argument.OPTIONAL,
        argument_doc="What separates the parts; else a comma.",
        check_argument=_check_text,
        takes=Kind.TEXT,
        gives=Kind.LIST,
        apply=lambda value, argument, _context: as_list(value, _text_or(argument, None) or ","),
    ),
    Transform(
        name="default",
        doc="Stands in where the shop says that there is none; not where it says nothing.",
        argument=Argument.REQUIRED,
        argument_doc="The value.",
        check_argument=_check_value,
        takes=Kind.ANY,
        gives=Kind.ANY,
        apply=lambda value, argument, _context: argument if is_empty(value) else value,
        meets_empty=True,
    ),
    Transform(
        name="constant",
        doc="Is the value, whatever the shop says; with every created and updated customer.",
        argument=Argument.REQUIRED,
        argument_doc="The value.",
        check_argument=_check_value,
        takes=Kind.ANY,
        gives=Kind.ANY,
        apply=lambda _value, argument, _context: argument,
        meets_empty=True,
        meets_absent=True,
    ),
)

_by_name = {line.name: line for line in _TABLE}

TRANSFORMS: Mapping[str, Transform] = MappingProxyType(_by_name)
"""Every transform by its name, in the order of the documentation, then what was added."""


def add_transform(transform: Transform) -> None:
    """Let mappings name one more; to be called before the first configuration is read.

    Raises:
        ValueError: the name is taken.
    """
    if transform.name in _by_name:
        raise ValueError(transform.name)
    _by_name[transform.name] = transform


_FIXED = frozenset(line.name for line in _TABLE) - {"e164"}


def are_fixed(steps: Iterable[Step]) -> bool:
    """Tell whether *steps* always make the same of the same value.

    Phone numbers depend on the region, and what other packages add promises nothing.
    """
    return all(step.name in _FIXED for step in steps)


def compile_steps(steps: Iterable[Step]) -> Callable[[object, Context], object]:
    """Return what makes of a value what *steps* do one after the other; None if nothing is left.

    Empty values pass a transform by that cannot do anything with them. What is returned raises
    TransformError where a step cannot use what it was given.
    """
    told = [(TRANSFORMS[step.name], step.argument) for step in steps]
    changes = [(one.apply, argument, one.meets_empty) for one, argument in told]

    def change(value: object, context: Context) -> object:
        for apply, argument, meets_empty in changes:
            if meets_empty or not is_empty(value):
                value = apply(value, argument, context)
        return None if is_empty(value) else value

    return change


def apply_steps(value: object, steps: Iterable[Step], context: Context) -> object:
    """Return what *steps* make of one *value*, as `compile_steps` tells.

    Raises:
        TransformError: a step cannot use what it was given.
    """
    return compile_steps(steps)(value, context)
