"""What is to be pulled, whatever the platform."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from customer_sync.core.model import Place, Record, SourceName
from customer_sync.platforms.format import Understood, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Which customers are asked for, and which of their fields."""

    platform: SourceName
    since: datetime | None = None
    """Only those changed at or after this time; None: everybody."""
    mapped: frozenset[str] = frozenset()
    """The fields of the mapping; what costs more to ask for is asked for only if it is here."""
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def name(self) -> str:
        """The source's name, as it stands on the command line."""
        return source_name(self.platform)


class Puller(Protocol):
    """Whoever can fetch the customers of a platform."""

    def customers(self, order: Order, now: datetime) -> AsyncIterator[Understood]:
        """Yield the customers that are asked for, in the shop's order, some perhaps twice.

        It ends without an error only if these are all of them.

        Raises:
            SourceError: the shop does not give them.
        """
        ...


def source_name(platform: SourceName) -> str:
    """Return what stands on the command line for pulling from *platform*: `shopify:`."""
    return f"{platform}:"


def platform_of(source: str) -> SourceName | None:
    """Return which platform a source of the command line is pulled from; None for a file."""
    pulled = {source_name(one): one for one in SourceName if one is not SourceName.CUSTOM}
    return pulled.get(source)


def record(order: Order, number: int, content: object, now: datetime) -> Record:
    """Return what was fetched as the *number*-th, counted from 1, as a record."""
    return Record(place=Place(file=order.name, line=number), content=content, written_at=now)
