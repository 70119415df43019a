"""The sandbox's own time, in milliseconds since 1970, and how it is written and read."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from customer_sync.clock import Clock
from customer_sync.sandbox.errors import invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>[01]\d|2[0-3]):(?P<minutes>[0-5]\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Timeline:
    """A clock that never shows a time before one that the sandbox's file has seen.

    A sandbox outlives the process that opened it, and a simulated clock may have run ahead of the
    real one; so an offset is added to the clock: raised on opening, and when asked to advance.
    """

    def __init__(self, clock: Clock, *, not_before: int) -> None:
        self._clock = clock
        self._offset = max(0, not_before - _milliseconds(clock.now()))

    def now(self) -> int:
        """Return the time in whole milliseconds."""
        return _milliseconds(self._clock.now()) + self._offset

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass for this sandbox alone."""
        self._offset += round(seconds * 1000)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    """Return the moment in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


@lru_cache(maxsize=32)
def zone(name: str) -> tzinfo:
    """Return the zone of an offset such as `+05:30`, or of an IANA name.

    Raises:
        ValueError: It is neither, or the machine has no such zone on file.
    """
    if (offset := _OFFSET.fullmatch(name)) is not None:
        span = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(-span if offset["sign"] == "-" else span)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name}") from None


def timestamp(milliseconds: int, zone_name: str) -> str:
    """Return RFC 3339 with milliseconds and the offset of the zone."""
    return moment(milliseconds).astimezone(zone(zone_name)).isoformat(timespec="milliseconds")


def http_date(milliseconds: int) -> str:
    """Return the time as the `Date` header spells it."""
    return moment(milliseconds).strftime("%a, %d %b %Y %H:%M:%S GMT")


def parse_since(name: str, text: str) -> int:
    """Return the milliseconds of a date-time in a query.

    Raises:
        BrevoFault: It is no date-time with a zone; a `+` that was not percent-encoded arrives as a
            space and is none either.
    """
    complaint = f"{name} must be a date-time as YYYY-MM-DDTHH:mm:ss.SSSZ"
    if not _DATE_TIME.fullmatch(text):
        raise invalid(complaint)
    try:
        return _milliseconds(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        raise invalid(complaint) from None


def parse_date(text: str) -> date | None:
    """Return the day that *text* names as `YYYY-MM-DD`, None if it names none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
