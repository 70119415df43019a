"""The customer that all platforms' records become: its fields, and how values are read into them.

A conversion returns None for what the shop says is empty (null, a blank text) and raises
TransformError, whose message is the end of a sentence and repeats no value, for what it cannot
read. A field that the record does not have never reaches a conversion: it is ABSENT.
"""

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from customer_sync.core.model import Problem, Record, Rejection, SourceName, Trigger
from customer_sync.core.names import camel_case
from customer_sync.core.readings import as_boolean, as_list, as_text, is_empty
from customer_sync.core.transform_error import TransformError
from customer_sync.platforms.format import Understood
from customer_sync.platforms.paths import ABSENT

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

_GID = re.compile(r"gid://[A-Za-z0-9_-]+/[A-Za-z0-9_]+/([0-9]+)(\?.*)?")
_DIGITS = re.compile(r"[0-9]{1,19}")
_ROUNDED = re.compile(r"[+-]?[0-9]+([.,][0-9]*([eE]\+?[0-9]+)?|[eE]\+?[0-9]+)")
_PLAIN_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)")
_EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r" ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ].*)?", re.IGNORECASE)
_NO_DATE = "0000-00-00"
_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*")
_MOST_DIGITS = 40


# ---------------------------------------------------------------- conversions


def text(value: object) -> str | None:
    """Return *value* without outer blanks, numbers as they are written by hand."""
    if is_empty(value):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TransformError("it is not a text")
    return as_text(value).strip()


def identifier(value: object) -> str | None:
    """Return an id as decimal text; of a `gid://.../7` the last part.

    Ids have up to 64 bits. A number with a fraction or an exponent was rounded on its way, and two
    customers may have become one; it is refused, as is everything else but digits.
    """
    written = None if isinstance(value, float) else text(value)
    if written is None and not isinstance(value, float):
        return None
    gid = _GID.fullmatch(written or "")
    digits = gid.group(1) if gid else written or ""
    if _DIGITS.fullmatch(digits) and int(digits) < 2**63:
        return str(int(digits))
    if isinstance(value, float) or _ROUNDED.fullmatch(digits):
        raise TransformError(
            "it was rounded, perhaps by a spreadsheet, so that different customers may look alike; "
            "export it again as text"
        )
    if digits.isdecimal():
        raise TransformError("it has more digits than a number of 64 bits")
    raise TransformError("it is not a number")


def decimal_text(value: object) -> str | None:
    """Return a plain decimal number as text, digit by digit as it is written.

    A JSON number with a fraction comes as the shortest text that means it. Nothing may separate
    thousands.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise TransformError("it is not a number")
    written = text(value)
    if written is None:
        return None
    if not _PLAIN_DECIMAL.fullmatch(written) or len(written) > _MOST_DIGITS:
        raise TransformError("it is not a plain decimal number")
    return written.removeprefix("+")


def whole_number(value: object) -> int | None:
    """Return a count, given as a number or as text."""
    written = decimal_text(value)
    if written is None:
        return None
    if "." in written:
        raise TransformError("it is not a whole number")
    return int(written)


def boolean(value: object) -> bool | None:
    """Return what yes, no, true, false, 1 or 0 say."""
    return None if is_empty(value) else as_boolean(value)


def tag_list(value: object) -> list[str] | None:
    """Return the tags in their order, each once; a text has commas between them."""
    if is_empty(value):
        return None
    if not isinstance(value, str | list | tuple):
        raise TransformError("it is not a list of tags")
    return list(dict.fromkeys(as_list(value))) or None


def instant(value: object, *, zoneless_is_utc: bool = False) -> str | None:
    """Return a time as `2024-01-15T10:30:00Z`, moved to UTC.

    WordPress's `0000-00-00 00:00:00` is empty. A time without zone is refused, unless the platform
    promises that those are UTC.
    """
    if is_empty(value):
        return None
    written = value.strip() if isinstance(value, str) else ""
    if written.startswith(_NO_DATE):
        return None
    if not _INSTANT.fullmatch(written):
        raise TransformError("it is no date with a time")
    try:
        moment = datetime.fromisoformat(written.upper().replace(",", ".").replace("UTC", "Z"))
        if moment.tzinfo is None:
            if not zoneless_is_utc:
                raise TransformError("it lacks its zone")
            moment = moment.replace(tzinfo=UTC)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, TransformError):
            raise
        raise TransformError("it is a time that does not exist") from error
    return in_utc.isoformat().replace("+00:00", "Z")


def utc(value: object) -> str | None:
    """Return a time that is UTC where it names no zone."""
    return instant(value, zoneless_is_utc=True)


def calendar_date(value: object) -> str | None:
    """Return the date of `YYYY-MM-DD`, with or without a time, as it stands there.

    For times whose zone nobody tells: the day is right, or wrong by one; the hour would be a guess.
    """
    written = text(value)
    if written is None or written.startswith(_NO_DATE):
        return None
    found = _DATE.fullmatch(written)
    try:
        if found is not None:
            return datetime.strptime(found.group(1), "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - only the date is taken
    except ValueError as error:
        raise TransformError("it is a date that does not exist") from error
    raise TransformError("it is not a date written as YYYY-MM-DD")


def phone(value: object) -> str | None:
    """Return a phone number as written; the mapping brings it to E.164 by the customer's country.

    A spreadsheet's `1.20256E+10` has lost its digits and is refused.
    """
    if isinstance(value, float):
        raise TransformError("it was rounded, perhaps by a spreadsheet")
    written = text(value)
    if written is not None and _EXPONENT.fullmatch(written):
        raise TransformError("it was rounded, perhaps by a spreadsheet")
    return written


def country_code(value: object) -> str | None:
    """Return an ISO 3166 code of two letters, in capitals."""
    written = text(value)
    if written is not None and not (len(written) == 2 and written.isascii() and written.isalpha()):
        raise TransformError("it is not a country's code of two letters")
    return written.upper() if written is not None else None


def language(value: object) -> str | None:
    """Return a locale as BCP 47 writes it: `en`, `pt-BR`.

    The language has to be in lower case: Shopify was seen to give `UK`, which is no language.
    """
    written = text(value)
    if written is not None and not _LANGUAGE.fullmatch(written):
        raise TransformError("it is not a language")
    return written.replace("_", "-") if written is not None else None


def unguarded(value: object, *, guard: str, before: str) -> object:
    """Return a cell without the sign that keeps spreadsheets from running it as a formula.

    Only a *guard* that stands in front of one of the characters in *before* is one: the apostrophe
    of `'t Hooft` belongs to the name.
    """
    if isinstance(value, str) and value[:1] == guard and value[1:2] and value[1] in before:
        return value[1:]
    return value


# ---------------------------------------------------------------- consent


class MarketingState(StrEnum):
    """What a platform says about mailing a customer, as finely as any of them tells it."""

    SUBSCRIBED = "subscribed"
    NOT_SUBSCRIBED = "notSubscribed"
    UNSUBSCRIBED = "unsubscribed"
    PENDING = "pending"
    INVALID = "invalid"
    REDACTED = "redacted"


_STATE_WORDS = {
    **{state.value.casefold(): state for state in MarketingState},
    # What the checkboxes of WordPress's plugins keep.
    "on": MarketingState.SUBSCRIBED,
    "off": MarketingState.NOT_SUBSCRIBED,
}


def marketing_state(value: object) -> MarketingState | None:
    """Return the state that a platform's word means, in any spelling; yes and no count too.

    A mere *no* is *not subscribed*: files that know only yes and no write it for both of them.
    """
    if isinstance(value, str):
        word = value.strip().replace("_", "").replace(" ", "").replace("-", "").casefold()
        if word in _STATE_WORDS:
            return _STATE_WORDS[word]
    try:
        answer = boolean(value)
    except TransformError as error:
        raise TransformError("it is no state of consent that is known") from error
    if answer is None:
        return None
    return MarketingState.SUBSCRIBED if answer else MarketingState.NOT_SUBSCRIBED


def accepts(state: MarketingState) -> bool | None:
    """Return whether a customer in *state* may be mailed; None: the state decides nothing.

    - Subscribed is yes.
    - Not subscribed, unsubscribed and redacted are no, which blocks the contact.
    - Pending and invalid are unknown: who was asked to confirm has not said no, and an address that
      does not work says nothing about what its owner wants. Neither may block, or lift a block.
    """
    match state:
        case MarketingState.SUBSCRIBED:
            return True
        case MarketingState.NOT_SUBSCRIBED | MarketingState.UNSUBSCRIBED | MarketingState.REDACTED:
            return False
        case MarketingState.PENDING | MarketingState.INVALID:
            return None


# ---------------------------------------------------------------- the customer


class Draft:
    """One customer as far as its record was understood; becomes an event, or a rejection.

    Warnings stand in the event beside `event`, `timestamp` and `data`, as `warnings`: a list of
    objects with `field` and `detail`. Nothing of a value is repeated in them.
    """

    def __init__(self, record: Record, source: SourceName) -> None:
        self._record = record
        self._problems: list[Problem] = []
        self._warnings: list[dict[str, str]] = []
        self.fields: dict[str, object] = {"source": source.value}

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
        accepted = accepts(state)
        if accepted is not None:
            self.fields["acceptsMarketing"] = accepted

    def put_sms_consent(self, value: object) -> None:
        """Set `acceptsSmsMarketing` by a state; unknown leaves it out."""
        state = self._state("acceptsSmsMarketing", value)
        accepted = accepts(state) if state is not None else None
        if accepted is not None:
            self.fields["acceptsSmsMarketing"] = accepted

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
