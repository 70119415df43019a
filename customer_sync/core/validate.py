"""From a raw record to an Event, or to a Rejection that names everything wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from email_validator import EmailNotValidError, validate_email
from jsonschema import Draft202012Validator, ValidationError

from customer_sync.core.model import Email, Event, Problem, Record, Rejection, Trigger
from customer_sync.core.names import camel_case
from customer_sync.core.readings import is_empty

_WITHOUT_ZONE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
)
_ROUNDED_ID = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")


class EmailInvalid(ValueError):
    """The text is no address; the message says why, without repeating it."""


def email_address(text: str) -> Email:
    """Return *text* as the address that contacts are compared by: trimmed, lower case.

    Only the form is checked, the network is not asked. Domains that never receive mail
    (`.test`, `.invalid`, `localhost`) are refused; those kept for examples are fine.

    Raises:
        EmailInvalid: the form is wrong.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise EmailInvalid(str(error)) from error
    return Email(checked.normalized.lower())


def parse_moment(text: str) -> datetime:
    """Return the UTC time that an RFC 3339 text with zone tells.

    Raises:
        ValueError: it is none, lacks its zone, or does not exist in the calendar.
    """
    moment = datetime.fromisoformat(text.strip().upper())
    if moment.tzinfo is None:
        raise ValueError("the zone is missing")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the year is out of range") from error


@dataclass(frozen=True, slots=True)
class _Mention:
    """A field's value and its path in the respelled record."""

    path: tuple[str, ...]
    value: object


class EventValidator:
    """Checks records against the event schema, then for what a schema cannot say."""

    def __init__(self, schema: Mapping[str, object]) -> None:
        self._schema = Draft202012Validator(_without_references(schema, schema))

    def validate(self, record: Record) -> Event | Rejection:
        """Return the event that *record* tells, or all that is wrong with it.

        - Field names count in any spelling (`firstName`, `first_name`, `First Name`); a field that
          stands there in two spellings must say the same twice.
        - `changes[...].new` wins over a plain field.
        - null, blank texts and empty lists are *empty*; the event's fields hold None for them.
        - Either an id or an address is needed. Of a deletion nothing else is looked at.

        Problems come in the order of their pointers. No sentence repeats a value of the record.
        """
        spelling = _Spelling(record.content)
        problems = [*spelling.problems, *self._schema_problems(spelling)]
        if problems:
            return _rejection(record, problems)
        return _event(record, spelling)

    def _schema_problems(self, spelling: "_Spelling") -> Iterator[Problem]:
        for error in self._schema.iter_errors(spelling.content):
            yield Problem(
                pointer=spelling.pointer(error.absolute_path),
                rule=str(error.validator),
                detail=_sentence(error),
            )


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


def _rejection(record: Record, problems: Iterable[Problem]) -> Rejection:
    distinct = dict.fromkeys(problems)
    ordered = sorted(distinct, key=lambda problem: (problem.pointer, problem.rule, problem.detail))
    return Rejection(place=record.place, problems=tuple(ordered), content=record.content)


# ---------------------------------------------------------------- spelling


class _Spelling:
    """A record with its fields in camelCase, which remembers how they were written."""

    def __init__(self, content: object) -> None:
        self.problems: list[Problem] = []
        self.content = content
        self._written: dict[tuple[str, ...], str] = {}
        if not isinstance(content, Mapping) or not isinstance(content.get("data"), Mapping):
            return
        fields = self._respell(content["data"], ("data",))
        changes = fields.get("changes")
        if isinstance(changes, Mapping) and content.get("event") != Trigger.DELETED:
            fields["changes"] = self._respell(changes, ("data", "changes"))
        self.content = {**content, "data": fields}

    def _respell(self, fields: Mapping[object, object], path: tuple[str, ...]) -> dict[str, object]:
        respelled: dict[str, object] = {}
        for written, value in fields.items():
            name = camel_case(str(written))
            if name in respelled and respelled[name] != value:
                self.problems.append(
                    Problem(
                        pointer=_pointer((*self._written_path(path), str(written))),
                        rule="spelling",
                        detail="The field stands here in two spellings that say different things; "
                        "keep one of them.",
                    )
                )
            respelled[name] = value
            self._written[*path, name] = str(written)
        return respelled

    def _written_path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            self._written.get(path[: position + 1], name) for position, name in enumerate(path)
        )

    def pointer(self, path: Iterable[str | int]) -> str:
        """Return the pointer into the record as it was written."""
        return _pointer(self._written_path(tuple(str(step) for step in path)))

    def mentions(self) -> dict[str, _Mention]:
        """Return every field that the record speaks about, what `changes` says winning."""
        if not isinstance(self.content, Mapping):
            return {}
        fields = dict(self.content["data"])
        changes = fields.pop("changes", {}) if self._has_changes() else {}
        plain = {name: _Mention(("data", name), value) for name, value in fields.items()}
        changed = {
            name: _Mention(("data", "changes", name, "new"), change["new"])
            for name, change in changes.items()
        }
        return plain | changed

    def _has_changes(self) -> bool:
        return isinstance(self.content, Mapping) and self.content["event"] != Trigger.DELETED

    def previous(self, name: str) -> object:
        """Return the value that *name* had before, where `changes` tells it."""
        if not self._has_changes() or not isinstance(self.content, Mapping):
            return None
        return self.content["data"].get("changes", {}).get(name, {}).get("old")


def _pointer(path: Iterable[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


# ---------------------------------------------------------------- sentences


def _sentence(error: ValidationError) -> str:
    name = _field_name(error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, Mapping):
        required = cast("list[str]", error.validator_value)
        missing = [field for field in required if field not in error.instance]
        return f"{name} lacks {' and '.join(missing)}; it must be {_wanted(error)}."
    if error.validator == "pattern" and _WITHOUT_ZONE.fullmatch(str(error.instance)):
        return (
            f"{name} lacks its seconds or its zone; "
            "write 2024-01-15T10:30:00Z for UTC, or 2024-01-15T10:30:00+01:00."
        )
    return f"{name} must be {_wanted(error)}."


def _wanted(error: ValidationError) -> object:
    """Every part of the schema that can be broken describes what it wants."""
    return cast("Mapping[str, object]", error.schema)["description"]


def _field_name(path: Iterable[str | int]) -> str:
    names = [step for step in path if isinstance(step, str) and step != "new"]
    return names[-1] if names else "The record"


# ---------------------------------------------------------------- meaning


def _event(record: Record, spelling: _Spelling) -> Event | Rejection:
    content = spelling.content
    if not isinstance(content, Mapping):  # pragma: no cover - the schema has refused it
        return _rejection(record, ())
    mentions = spelling.mentions()
    problems: list[Problem] = []
    occurred_at = _occurred_at(content["timestamp"], problems)
    customer_id = _customer_id(mentions.get("id"), spelling, problems)
    email = _email(mentions.get("email"), spelling, problems)
    if not problems and customer_id is None and email is None:
        problems.append(
            Problem(
                pointer="/data",
                rule="identity",
                detail="The customer has neither id nor email; at least one of them is needed.",
            )
        )
    if problems or occurred_at is None:
        return _rejection(record, problems)
    known = {"id": customer_id, "email": email}
    return Event(
        trigger=Trigger(content["event"]),
        occurred_at=occurred_at,
        place=record.place,
        customer_id=customer_id,
        email=email,
        previous_email=_previous_email(spelling.previous("email")),
        fields={
            name: known[name] if name in known else _emptied(mention.value)
            for name, mention in mentions.items()
        },
    )


def _emptied(value: object) -> object:
    return None if is_empty(value) else value


def _occurred_at(text: str, problems: list[Problem]) -> datetime | None:
    try:
        return parse_moment(text)
    except ValueError:
        problems.append(
            Problem(
                pointer="/timestamp",
                rule="timestamp",
                detail="timestamp is a date or a time of day that does not exist.",
            )
        )
        return None


def _customer_id(
    mention: _Mention | None, spelling: _Spelling, problems: list[Problem]
) -> str | None:
    if mention is None or is_empty(mention.value):
        return None
    text = str(mention.value).strip()
    if isinstance(mention.value, float) or _ROUNDED_ID.fullmatch(text):
        problems.append(
            Problem(
                pointer=spelling.pointer(mention.path),
                rule="exact-id",
                detail="id was rounded, perhaps by a spreadsheet, so that different customers may "
                "look alike; export it again as text.",
            )
        )
        return None
    return text


def _email(mention: _Mention | None, spelling: _Spelling, problems: list[Problem]) -> Email | None:
    if mention is None or is_empty(mention.value):
        return None
    try:
        return email_address(str(mention.value))
    except EmailInvalid as error:
        problems.append(
            Problem(
                pointer=spelling.pointer(mention.path),
                rule="email",
                detail=f"email is not an address: {error}",
            )
        )
        return None


def _previous_email(old: object) -> Email | None:
    """What was there before may be wrong; that is no reason to refuse what is there now."""
    if not isinstance(old, str) or is_empty(old):
        return None
    try:
        return email_address(old)
    except EmailInvalid:
        return None
