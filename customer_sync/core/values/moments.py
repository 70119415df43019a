"""Times with their zone, as RFC 3339 writes them."""

from datetime import UTC, datetime


def parse_moment(text: str) -> datetime:
    """Return the UTC time that an RFC 3339 text with zone tells.

    Raises:
        ValueError: it is none, lacks its zone, or does not exist in the calendar.
    """
    # Mending ASCII only trims it and makes t and z capitals: what can be read without, means the
    # same with it, and if it is in UTC there is nothing to move.
    if text.isascii():
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return _mended(text)
        if moment.tzinfo is UTC:
            return moment
    return _mended(text)


def _mended(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip().upper())
    if moment.tzinfo is None:
        raise ValueError("the zone is missing")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the year is out of range") from error
