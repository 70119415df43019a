"""Sources opened as a run opens them, for commands that only look."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import BinaryIO, Self

from customer_sync.config import Config
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import Attribute, Event, Record, Rejection, Statement
from customer_sync.core.platforms import Platform
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema
from customer_sync.platforms.asking import wanted_by
from customer_sync.platforms.format import Understood
from customer_sync.platforms.reading import Asked, Taken, read
from customer_sync.pull.order import platform_of
from customer_sync.pull.taking import Follower, Taking
from customer_sync.pull.watermarks import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is read, and how."""

    names: tuple[str, ...] = ()
    """As on the command line: files, folders, globs, `-`, and shops such as `shopify:`."""
    platform: Platform | None = None
    """The platform, where it was named for this once; else the configuration says it."""
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A record that can be used: what it says, and what that is in Brevo's terms."""

    event: Event
    statement: Statement


class Ear:
    """Carries records through validation and mapping, as a run does."""

    def __init__(self, config: Config, attributes: dict[str, Attribute]) -> None:
        self._validator = EventValidator(event_schema())
        self.mapper = Mapper(config.rules, attributes, default_region=config.default_region)

    def hear(self, record: Understood) -> Accepted | Rejection:
        """Return what one record says, or why it cannot be used."""
        event = self._validator.validate(record) if isinstance(record, Record) else record
        if isinstance(event, Rejection):
            return event
        return Accepted(event=event, statement=self.mapper.map(event))


class Hearing:
    """The sources of one command; to be used in a `with`, at whose end what was pulled is gone."""

    def __init__(
        self,
        config: Config,
        sources: Sources,
        follower: Follower,
        *,
        stdin: BinaryIO,
        now: datetime,
    ) -> None:
        self._sources = sources
        self._follower = follower
        self._stdin = stdin
        self._now = now
        self._wanted = wanted_by(config)
        self._asked = Asked(
            source=sources.platform or config.source,
            is_forced=sources.platform is not None,
            wanted=self._wanted,
            encoding=sources.encoding,
        )
        self._taking = Taking(config, sources.names, None, follower)
        self._is_first = True

    def __enter__(self) -> Self:
        self._taking.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._taking.__exit__(kind, error, traceback)

    def take(self, facts: Facts) -> None:
        """Pull from the shops among the sources.

        Raises:
            SourceError: a shop does not give its customers.
            ConfigError: the configuration does not say where a shop is, or a secret is missing.
        """
        self._taking.take(facts, self._wanted)

    def records(self) -> Iterator[Understood]:
        """Yield everything, pulled customers first; again from the beginning at each call.

        Standing input must be one that can be sought where this is called more than once.

        Raises:
            SourceError: a source does not exist, cannot be read or is not what was asked for.
        """
        files = [name for name in self._sources.names if platform_of(name) is None]
        if not self._is_first and self._stdin.seekable():
            self._stdin.seek(0)
        yield from self._taking.records()
        if files:
            yield from read(
                files, stdin=self._stdin, now=self._now, asked=self._asked, on_file=self._on_file
            )
        self._is_first = False

    def _on_file(self, taken: Taken) -> None:
        if self._is_first and not taken.is_plain:
            self._follower.note(str(taken))
