"""When something is run: every so often, or at a time of the day."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from customer_sync.config import parse_duration

_HOUR = 60
_DAY = 24 * _HOUR
_CLOCK_TIME = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Over and over, from midnight on."""

    minutes: int
    """Divides an hour, or is whole hours and divides a day: cron knows no other even pace."""

    @property
    def pause(self) -> timedelta:
        """The time from one start to the next."""
        return timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Once a day."""

    hour: int
    minute: int

    @property
    def pause(self) -> timedelta:
        """The time from one start to the next."""
        return timedelta(days=1)


Timing: TypeAlias = Every | At


def read_every(text: str) -> Timing:
    """Return the timing that `--every` names: `15m`, `2h`, `1d`.

    Raises:
        ValueError: it is none that every scheduler keeps evenly; the message says what would be.
    """
    span = parse_duration(text)
    minutes, odd_seconds = divmod(span, timedelta(minutes=1))
    if minutes == _DAY and not odd_seconds:
        return At(hour=0, minute=0)
    divides_hour = 0 < minutes <= _HOUR and _HOUR % minutes == 0
    divides_day = 0 < minutes < _DAY and minutes % _HOUR == 0 and _DAY % minutes == 0
    if odd_seconds or not (divides_hour or divides_day):
        raise ValueError(
            "Choose a pace that fits into an hour or a day evenly, such as 5m, 15m, 1h, 6h or 1d."
        )
    return Every(minutes=minutes)


def read_at(text: str) -> Timing:
    """Return the timing that `--at` names: a time of the day such as `02:30`.

    Raises:
        ValueError: it is none.
    """
    found = _CLOCK_TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError("Write a time of the day from 00:00 to 23:59, such as 02:30.")
    return At(hour=int(found[1]), minute=int(found[2]))


def cron_fields(timing: Timing) -> str:
    """Return the five fields of crontab(5)."""
    match timing:
        case At(hour=hour, minute=minute):
            return f"{minute} {hour} * * *"
        case Every(minutes=1):
            return "* * * * *"
        case Every(minutes=minutes) if minutes < _HOUR:
            return f"*/{minutes} * * * *"
        case Every(minutes=minutes):
            hours = minutes // _HOUR
            return "0 * * * *" if hours == 1 else f"0 */{hours} * * *"


def calendar_event(timing: Timing) -> str:
    """Return the calendar event of systemd.time(7)."""
    match timing:
        case At(hour=hour, minute=minute):
            return f"*-*-* {hour:02}:{minute:02}:00"
        case Every(minutes=minutes) if minutes < _HOUR:
            return f"*-*-* *:00/{minutes}:00"
        case Every(minutes=minutes):
            return f"*-*-* 00/{minutes // _HOUR}:00:00"
