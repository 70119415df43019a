"""Whether the steps of a mapping fit each other and the attribute that they end in."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from customer_sync.core.model import AttributeType, Step
from customer_sync.core.values.transforms import TRANSFORMS, Argument, Kind, Transform

_FITTING: Mapping[AttributeType, frozenset[Kind]] = MappingProxyType(
    {
        AttributeType.TEXT: frozenset(Kind),
        AttributeType.FLOAT: frozenset({Kind.ANY, Kind.TEXT, Kind.NUMBER}),
        AttributeType.DATE: frozenset({Kind.ANY, Kind.TEXT, Kind.DATE}),
        AttributeType.BOOLEAN: frozenset({Kind.ANY, Kind.TEXT, Kind.BOOLEAN}),
        AttributeType.CATEGORY: frozenset(
            {Kind.ANY, Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE}
        ),
        AttributeType.MULTIPLE_CHOICE: frozenset({Kind.ANY, Kind.TEXT, Kind.LIST}),
    }
)
"""From which kinds of value each type of attribute can be read."""

_READABLE_AS_TEXT = frozenset({Kind.ANY, Kind.TEXT, Kind.LIST, Kind.NUMBER, Kind.DATE})


def problems_of(steps: Iterable[Step], attribute_type: AttributeType | None) -> tuple[str, ...]:
    """Return what is wrong with *steps* as sentences: names, arguments, order, the last kind.

    A type of None (the account decides) fits every last step.
    """
    problems: list[str] = []
    kind = Kind.ANY
    for step in steps:
        transform = TRANSFORMS.get(step.name)
        if transform is None:
            problems.append(
                f"There is no transform named {step.name}; there are {', '.join(TRANSFORMS)}."
            )
            continue
        problems.extend(_argument_problems(transform, step.argument))
        if not _can_take(transform.takes, kind):
            problems.append(f"{step.name} takes {transform.takes}, but is given {kind}.")
        kind = _kind_after(transform, step.argument, kind)
    if attribute_type is not None and kind not in _FITTING[attribute_type]:
        problems.append(f"The last step gives {kind}, which does not fit {attribute_type}.")
    return tuple(problems)


def _argument_problems(transform: Transform, argument: object) -> Iterable[str]:
    match transform.argument, argument:
        case Argument.NONE, None:
            return
        case Argument.NONE, _:
            yield f"{transform.name} takes no argument."
        case Argument.REQUIRED, None:
            yield f"{transform.name} needs an argument: {transform.argument_doc}"
        case _, None:
            return
        case _:
            if complaint := transform.check_argument(argument):
                yield f"The argument of {transform.name} {complaint}."


def _can_take(wanted: Kind, given: Kind) -> bool:
    """A list can be made of any text, and a text transform works on each item of a list."""
    match wanted:
        case Kind.ANY:
            return True
        case Kind.LIST | Kind.TEXT:
            return given in _READABLE_AS_TEXT
        case _:
            return given in {Kind.ANY, wanted}


def _kind_after(transform: Transform, argument: object, before: Kind) -> Kind:
    """Tell what comes out; a text transform leaves a list a list."""
    if transform.name == "constant":
        return _kind_of(argument)
    if transform.name == "default":
        return before if before in {Kind.ANY, _kind_of(argument)} else Kind.ANY
    if transform.gives is Kind.TEXT and transform.takes is Kind.TEXT and before is Kind.LIST:
        return Kind.LIST
    return transform.gives


def _kind_of(value: object) -> Kind:
    match value:
        case bool():
            return Kind.BOOLEAN
        case int() | float():
            return Kind.NUMBER
        case list() | tuple():
            return Kind.LIST
        case str():
            return Kind.TEXT
        case _:
            return Kind.ANY
