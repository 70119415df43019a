"""From a raw record to an Event, or to a Rejection that names everything wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from jsonschema import ValidationError

from customer_sync.core.model import (
    Email,
    Event,
    FieldWarning,
    Problem,
    Record,
    Rejection,
    Trigger,
)
from customer_sync.core.schema import Schema
from customer_sync.core.values.addresses import EmailInvalid, email_address
from customer_sync.core.values.moments import parse_moment
from customer_sync.core.values.readings import emptied, is_empty
from customer_sync.core.values.spelling import SpelledRecord

__all__ = (
    "CLOCKS_APART",
    "EmailInvalid",
    "EventValidator",
    "email_address",
    "parse_moment",
)

CLOCKS_APART = timedelta(days=1)
"""How far ahead a time may lie: zones are mixed up and clocks are wrong, but not by more."""

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_CONSENT_TIME = "acceptsMarketingUpdatedAt"

_WITHOUT_ZONE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
)
_ROUNDED_ID = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")


class EventValidator:
    """Checks records against the event schema, then for what a schema cannot say."""

    def __init__(self, schema: Mapping[str, object], *, now: datetime | None = None) -> None:
        """Prepare to check by *schema*; without *now*, no time lies too far ahead."""
        self._schema = Schema(schema)
        self._latest = _LAST_MOMENT if now is None else now + CLOCKS_APART

    def validate(self, record: Record) -> Event | Rejection:
        """Return the event that *record* tells, or all that is wrong with it.

        - Field names count in any spelling (`firstName`, `first_name`, `First Name`); a field that
          stands there in two spellings must say the same twice.
        - `changes[...].new` wins over a plain field.
        - null, blank texts and empty lists are *empty*; the event's fields hold None for them.
        - Either an id or an address is needed. Of a deletion nothing else is looked at.
        - What lies more than `CLOCKS_APART` ahead comes from a wrong clock: the newest word counts,
          so nothing that the shop says in years would count against it. An event is refused, a
          time of consent left out.

        Problems come in the order of their pointers. No sentence repeats a value of the record.
        """
        spelled = SpelledRecord(record.content)
        problems = spelled.problems
        if not self._schema.accepts(spelled.content):
            problems = [*problems, *self._schema_problems(spelled)]
        if problems:
            return _rejection(record, problems)
        return _event(record, spelled, self._latest)

    def _schema_problems(self, spelled: SpelledRecord) -> Iterator[Problem]:
        for error in self._schema.errors(spelled.content):
            yield Problem(
                pointer=spelled.pointer(error.absolute_path),
                rule=str(error.validator),
                detail=_sentence(error),
            )


def _rejection(record: Record, problems: Iterable[Problem]) -> Rejection:
    distinct = dict.fromkeys(problems)
    ordered = sorted(distinct, key=lambda problem: (problem.pointer, problem.rule, problem.detail))
    return Rejection(place=record.place, problems=tuple(ordered), content=record.content)


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


def _event(record: Record, spelled: SpelledRecord, latest: datetime) -> Event | Rejection:
    told = spelled.told()
    problems: list[Problem] = []
    occurred_at = _occurred_at(str(spelled.envelope["timestamp"]), latest, problems)
    customer_id = _customer_id(told.get("id"), spelled, problems)
    email = _email(told.get("email"), spelled, problems)
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
    fields = emptied(told)
    if "id" in fields:
        fields["id"] = customer_id
    if "email" in fields:
        fields["email"] = email
    left_out = spelled.envelope.get("warnings")
    warnings = tuple(_warnings(record, left_out)) if left_out else ()
    if _is_ahead(fields.get(_CONSENT_TIME), latest):
        del fields[_CONSENT_TIME]
        warnings = (*warnings, _ahead_warning(record))
    return Event(
        trigger=_TRIGGERS[str(spelled.envelope["event"])],
        occurred_at=occurred_at,
        place=record.place,
        customer_id=customer_id,
        email=email,
        previous_email=_previous_email(spelled.previous("email")),
        fields=fields,
        warnings=warnings,
    )


_TRIGGERS = {trigger.value: trigger for trigger in Trigger}


def _is_ahead(value: object, latest: datetime) -> bool:
    """Tell whether a field holds a time that is too far ahead; one that is none is no matter."""
    if not isinstance(value, str):
        return False
    try:
        return parse_moment(value) > latest
    except ValueError:
        return False


def _ahead_warning(record: Record) -> FieldWarning:
    detail = "The time of consent counts as unknown: it lies more than a day ahead."
    return FieldWarning(place=record.place, field=_CONSENT_TIME, detail=detail)


def _warnings(record: Record, left_out: object) -> Iterator[FieldWarning]:
    """Yield what a platform's reader had to leave out, as its event tells beside the data."""
    for warning in left_out if isinstance(left_out, list) else ():
        match warning:
            case {"field": str(field), "detail": str(detail)}:
                yield FieldWarning(place=record.place, field=field, detail=detail)
            case _:
                pass


def _occurred_at(text: str, latest: datetime, problems: list[Problem]) -> datetime | None:
    try:
        moment = parse_moment(text)
    except ValueError:
        rule, detail = "timestamp", "timestamp is a date or a time of day that does not exist."
    else:
        if moment <= latest:
            return moment
        rule = "future"
        detail = "timestamp lies more than a day ahead; whoever wrote it has a wrong clock."
    problems.append(Problem(pointer="/timestamp", rule=rule, detail=detail))
    return None


def _customer_id(value: object, spelled: SpelledRecord, problems: list[Problem]) -> str | None:
    if isinstance(value, str) and value.isdecimal():
        return value
    if is_empty(value):
        return None
    text = str(value).strip()
    if isinstance(value, float) or _ROUNDED_ID.fullmatch(text):
        problems.append(
            Problem(
                pointer=spelled.pointer_to("id"),
                rule="exact-id",
                detail="id was rounded, perhaps by a spreadsheet, so that different customers may "
                "look alike; export it again as text.",
            )
        )
        return None
    return text


def _email(value: object, spelled: SpelledRecord, problems: list[Problem]) -> Email | None:
    if not value:
        return None
    try:
        return email_address(str(value))
    except EmailInvalid as error:
        if is_empty(value):
            return None
        problems.append(
            Problem(
                pointer=spelled.pointer_to("email"),
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
