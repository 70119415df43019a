"""Dates as shops write them."""

import re
from datetime import UTC, date, datetime

from customer_sync.core.values.transform_error import TransformError

EPOCH = "epoch"
"""The form of dates that are written as seconds since 1970 (UTC)."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+")
_DIRECTIVE = re.compile(r"%([a-zA-Z%])")
_KNOWN = frozenset("aAwdbBmyYHIMSfpzZjGuVcxX%")
_WHOLE_DATES = ({"d", "m"}, {"d", "b"}, {"d", "B"}, {"j"})


def parse(text: str, *, form: str | None = None) -> str:
    """Return the date in *text* as `YYYY-MM-DD`.

    Without *form* it has to be an ISO date or date-time. Of a time the date is taken as it stands
    there; it is not moved to another zone. With *form* (as for `strptime`, or `epoch`) the whole
    text has to be written so.

    Raises:
        TransformError: it is written otherwise, or does not exist in the calendar.
    """
    written = text.strip()
    try:
        if form is None:
            return _iso_date(written)
        if form == EPOCH:
            return datetime.fromtimestamp(float(written), UTC).date().isoformat()
        # Only the date is taken, as it was written; a zone would not change it.
        return datetime.strptime(written, form).date().isoformat()  # noqa: DTZ007
    except (ValueError, OverflowError, OSError) as error:
        wanted = "YYYY-MM-DD" if form is None else form
        raise TransformError(f"it is not a date written as {wanted}") from error


def _iso_date(written: str) -> str:
    if _DATE.fullmatch(written):
        date.fromisoformat(written)
        return written
    if not _TIME.fullmatch(written):
        raise ValueError("not in ISO form")
    return datetime.fromisoformat(written.upper()).date().isoformat()


def check_form(form: object) -> str | None:
    """Return what is wrong with *form* as the end of a sentence; None when dates can be read so."""
    if form == EPOCH:
        return None
    if not isinstance(form, str):
        return "must be a text such as %d/%m/%Y"
    directives = set(_DIRECTIVE.findall(form))
    if unknown := directives - _KNOWN:
        return f"has %{min(unknown)}, which strptime does not know"
    has_day = any(whole <= directives for whole in _WHOLE_DATES)
    if not (has_day and directives & {"Y", "y"}):
        return "must name day, month and year, such as %d/%m/%Y"
    return None
