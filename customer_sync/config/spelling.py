"""The two spellings of a key, and limits, durations and sizes as people write them."""

import re
from datetime import timedelta

from customer_sync.config.problems import listed, nearest, quoted
from customer_sync.core.model import Limit
from customer_sync.core.platforms import Platform, platform_named, platforms

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"([0-9]{1,6}) ?([smhdw])")
_COUNT = re.compile(r"[0-9]{1,18}")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%")


_BYTES = {"kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_SIZE = re.compile(r"([0-9]{1,6}) ?([kMG]B)")


def snake_case(key: str) -> str:
    """Return the first spelling of *key*: `listId` and `list_id` are `list_id`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).replace("-", "_").lower()


def parse_limit(text: str) -> Limit:
    """Return the limit that *text* means: a whole number, or a share such as `10%`.

    Raises:
        ValueError: it means none; the message says what would.
    """
    written = text.strip()
    if _COUNT.fullmatch(written):
        return Limit(count=int(written))
    share = _SHARE.fullmatch(written)
    if share is None or float(share[1]) > 100:
        raise ValueError("A limit is a whole number, or a share from 0% to 100%.")
    return Limit(share=float(share[1]) / 100)


def parse_duration(text: str) -> timedelta:
    """Return the time that *text* means: a whole number and its unit, as in `12h` or `7d`.

    Raises:
        ValueError: it means none; the message says what would.
    """
    written = _DURATION.fullmatch(text.strip())
    if written is None:
        raise ValueError("A duration is a whole number and its unit: s, m, h, d or w.")
    return int(written[1]) * _UNITS[written[2]]


def parse_platform(text: str) -> Platform:
    """Return the platform of that name.

    Raises:
        ValueError: there is none; the message says which there are.
    """
    found = platform_named(text)
    if found is not None:
        return found
    names = [str(one) for one in platforms()]
    near = nearest(text, names)
    hint = f"Did you mean `{near}`?" if near else f"There are {listed(names, last='and')}."
    raise ValueError(f"There is no platform {quoted(text)}. {hint}")


def parse_size(text: str) -> int:
    """Return the bytes that *text* means: a whole number and its unit, as in `10MB`.

    Raises:
        ValueError: it means none; the message says what would.
    """
    written = _SIZE.fullmatch(text.strip())
    if written is None:
        raise ValueError("A size is a whole number and its unit: kB, MB or GB.")
    return int(written[1]) * _BYTES[written[2]]
