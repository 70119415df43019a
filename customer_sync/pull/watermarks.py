"""How far a shop's changes were taken in, remembered from run to run."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from customer_sync.core.model import SourceName
from customer_sync.core.validate import parse_moment
from customer_sync.pull.order import Order

_PLATFORMS = (SourceName.SHOPIFY, SourceName.MAGENTO)
"""Those that can be asked for changes."""


class Facts(Protocol):
    """Whoever remembers single facts."""

    def fact(self, name: str) -> str | None:
        """Return a remembered fact."""
        ...

    def remember(self, facts: Mapping[str, str]) -> None:
        """Remember facts, all or none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """From when on changes are asked for."""

    at: datetime | None
    """None: from where the last run that ended well had got to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which changes of a shop were pulled."""

    shop: str
    """Its address: another shop's times mean nothing."""
    since: datetime | None
    """None: everything."""
    until: datetime


def beginning(
    since: Since | None,
    facts: Facts,
    platform: SourceName,
    shop: str,
    overlap: timedelta,
    *,
    now: datetime,
) -> datetime | None:
    """Return from when on to ask for changes; None: for everybody.

    What is asked for by time begins exactly then, what goes on from a watermark *overlap* earlier,
    since a shop's search may lag behind its database.
    """
    if since is None:
        return None
    if since.at is not None:
        return since.at
    mark = watermark(facts, platform, shop, now=now)
    return mark and mark - overlap


def watermark(facts: Facts, platform: SourceName, shop: str, *, now: datetime) -> datetime | None:
    """Return until when all changes of *shop* are known; None: nothing is known of it.

    One that lies ahead was set by a clock that has been put back since, and tells nothing.
    """
    if facts.fact(f"pull.{platform}.shop") != shop:
        return None
    mark = _moment(facts.fact(f"pull.{platform}.watermark"))
    return mark if mark is not None and mark <= now else None


def advance(facts: Facts, platform: SourceName, reach: Reach, *, now: datetime) -> None:
    """Note that all changes within *reach* are taken in.

    The watermark never goes back unless it lies ahead of *now*, and does not jump over a time that
    nobody asked for.
    """
    before = watermark(facts, platform, reach.shop, now=now)
    has_gap = reach.since is not None and (before is None or before < reach.since)
    if platform not in _PLATFORMS or has_gap or (before and before >= reach.until):
        return
    facts.remember(
        {
            f"pull.{platform}.shop": reach.shop,
            f"pull.{platform}.watermark": reach.until.isoformat(),
        }
    )


# ---------------------------------------------------------------- files that wait for their run


def promise(facts: Facts, order: Order, reach: Reach, file: Path) -> None:
    """Note that *file* holds what is within *reach*, so that the run that uses it can advance."""
    kept = {
        "file": str(file.resolve()),
        "digest": _digest(file),
        "shop": reach.shop,
        "since": reach.since.isoformat() if reach.since else None,
        "until": reach.until.isoformat(),
    }
    facts.remember({f"pull.{order.platform}.file": json.dumps(kept)})


def kept_in(facts: Facts, sources: Collection[str]) -> dict[SourceName, Reach]:
    """Return what the files among *sources* hold as pulled and unchanged."""
    files = {str(Path(source).resolve()) for source in sources if Path(source).is_file()}
    found = {}
    for platform in _PLATFORMS:
        match json.loads(facts.fact(f"pull.{platform}.file") or "null"):
            case {
                "file": str(file),
                "digest": str(digest),
                "shop": str(shop),
                "since": since,
                "until": str(until),
            } if file in files and _digest(Path(file)) == digest:
                begun, ended = _moment(since), _moment(until)
                if ended is not None:
                    found[platform] = Reach(shop=shop, since=begun, until=ended)
    return found


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _moment(text: object) -> datetime | None:
    try:
        return parse_moment(text) if isinstance(text, str) else None
    except ValueError:
        return None
