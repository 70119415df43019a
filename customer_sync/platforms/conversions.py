"""Values as platforms write them, read into the canonical customer's kinds of value.

A conversion returns None for what the shop says is empty (null, a blank text) and raises
TransformError, whose message is the end of a sentence and repeats no value, for what it cannot
read. A field that the record does not have never reaches a conversion.
"""

import math
import re
from datetime import UTC, datetime

from customer_sync.core.values.readings import as_boolean, as_list, as_text, is_empty
from customer_sync.core.values.transform_error import TransformError

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
