"""Taking values out of decoded JSON that nobody vouches for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NoReturn

from customer_sync.errors import BrevoUnavailable
from customer_sync.trouble import Code

_KINDS = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    Mapping: "an object",
    list: "an array",
}


def unexpected(where: str, found: object, wanted: str) -> NoReturn:
    """Refuse an answer of the wrong shape, naming its place and kind but never its content.

    Raises:
        BrevoUnavailable: always.
    """
    kind = next((word for kind, word in _KINDS.items() if isinstance(found, kind)), "missing")
    raise BrevoUnavailable(
        f"Brevo sent an answer that cannot be understood: {where} is {kind}, not {wanted}",
        trouble=Code.STRANGE_ANSWER,
        hint="A proxy may have answered in Brevo's place, or Brevo changed its API.",
    )


def mapping(value: object, where: str) -> Mapping[str, object]:
    """Return *value* as a JSON object; an empty array counts as an empty object (PHP writes it)."""
    if value == [] or isinstance(value, Mapping):
        return dict(value)
    unexpected(where, value, "an object")


def sequence(value: object, where: str) -> Sequence[object]:
    """Return *value* as a JSON array; null counts as an empty one."""
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    unexpected(where, value, "an array")


def whole(value: object, where: str) -> int:
    """Return *value* as a whole number that is not negative."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    unexpected(where, value, "a whole number")


def text(value: object, where: str) -> str:
    """Return *value* as a string."""
    if isinstance(value, str):
        return value
    unexpected(where, value, "a text")


def optional_text(value: object) -> str:
    """Return *value* where it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def flag(value: object, where: str) -> bool:
    """Return *value* as a boolean; absent counts as false."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    unexpected(where, value, "true or false")


def moment(value: object, where: str) -> datetime | None:
    """Return an RFC 3339 time of any zone in UTC; without a zone it is UTC already."""
    if value is None or value == "":
        return None
    try:
        parsed = datetime.fromisoformat(text(value, where).strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        unexpected(where, value, "a time as RFC 3339 has it")
