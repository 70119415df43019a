"""A JSON Schema that says yes quickly, and no with every reason."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, TypeChecker, ValidationError, validators


class Schema:
    r"""A schema, read by two validators: one accepts, the other one decides and explains.

    They read some things differently (`\s` and `\d` beyond ASCII, `$` before the end of a line,
    formats, multiples of fractions). A schema that is checked here does without them, so that the
    deciding one allows whatever the quick one accepts.
    """

    def __init__(self, schema: Mapping[str, object]) -> None:
        whole = _without_references(schema, schema)
        self._quick = jsonschema_rs.Draft202012Validator(whole)
        self._deciding = _DecidingValidator(whole)

    def accepts(self, content: object) -> bool:
        """Tell whether *content* is allowed beyond doubt; where not, `errors` decides."""
        try:
            return self._quick.is_valid(content)
        except ValueError:
            # It holds what cannot stand in JSON.
            return False

    def errors(self, content: object) -> Iterator[ValidationError]:
        """Yield all that the schema has against *content*; where it is allowed, nothing."""
        yield from self._deciding.iter_errors(content)


def _is_list(_types: TypeChecker, value: object) -> bool:
    return isinstance(value, (list, tuple))


def _is_whole(_types: TypeChecker, value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return bool(Draft202012Validator.TYPE_CHECKER.is_type(value, "integer"))


_DecidingValidator = validators.extend(  # type: ignore[no-untyped-call]  # its stubs say nothing of it
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"array": _is_list, "integer": _is_whole}
    ),
)
"""Programs hand over tuples and decimals where JSON has lists and numbers."""


def _without_references(part: object, schema: Mapping[str, object]) -> Any:
    """Return *part* with every `$ref` replaced by what it names; checking is twice as fast then.

    Only references within the schema, to its `$defs`, are known, and none may lead in a circle.
    """
    match part:
        case {"$ref": str(reference), **others}:
            definitions = schema["$defs"]
            assert isinstance(definitions, Mapping)  # noqa: S101 - the schema ships with the package
            named = _without_references(definitions[reference.removeprefix("#/$defs/")], schema)
            return {**named, **_without_references(others, schema)}
        case Mapping():
            return {
                key: _without_references(value, schema)
                for key, value in part.items()
                if key != "$defs"
            }
        case list():
            return [_without_references(item, schema) for item in part]
        case _:
            return part
