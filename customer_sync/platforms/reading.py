"""From the sources that a user names to events, whatever platform each of them is from."""

import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from customer_sync.core.model import Record, Rejection
from customer_sync.core.platforms import Platform
from customer_sync.core.values.names import camel_case
from customer_sync.errors import SourceError
from customer_sync.platforms import events, magento
from customer_sync.platforms.canonical import FIELDS
from customer_sync.platforms.custom import ALIASES, CUSTOM
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.platforms.recognise import recognise
from customer_sync.platforms.recognised import Recognised
from customer_sync.platforms.wanting import identity
from customer_sync.readers.files import OpenSource, open_source
from customer_sync.readers.sources import called, find

SAMPLE_SIZE = 20
"""How many records are looked at to recognise a file."""

_NEVER = datetime.max.replace(tzinfo=UTC)
"""The time of files where there are none."""

_OWN_COLUMNS = frozenset({"event", "timestamp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How the sources are to be read."""

    source: Platform | None = None
    """None: whatever each file looks like."""
    is_forced: bool = False
    """The source was named for this run, and not only in the configuration."""
    wanted: Wanted = field(default_factory=Wanted)
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a file was taken for."""

    name: str
    recognised: Recognised

    def __str__(self) -> str:
        return f"{called(self.name)}: {self.recognised}"

    @property
    def is_plain(self) -> bool:
        """Tell whether it is of our own form, of which there is nothing to say."""
        return self.recognised.format is events.EVENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file whose beginning was looked at, which is read again afterwards."""

    source: OpenSource
    sample: Sample
    recognised: Recognised


def read(
    sources: Sequence[str],
    *,
    stdin: BinaryIO,
    now: datetime,
    asked: Asked | None = None,
    on_file: Callable[[Taken], None] = lambda _taken: None,
) -> Iterator[Understood]:
    """Return the events in *sources*, file by file, in the order of the files.

    Magento's files of customers, addresses and subscribers are joined where they come together.
    *on_file* is told what each file is taken for, when its turn comes.

    Raises:
        SourceError: a source does not exist (at once), cannot be read or is not what was asked for
            (at once where it can be looked at twice, else while reading).
    """
    reader = _Reader(stdin, now, asked or Asked(), on_file)
    names = find(sources).names
    parts = reader.parts(names)
    whole = (reader.events_of(name) for name in names if name not in parts)
    return itertools.chain(reader.joined(parts), itertools.chain.from_iterable(whole))


@contextmanager
def open_seen(
    name: str, *, stdin: BinaryIO, now: datetime, asked: Asked
) -> Iterator[tuple[Seen, Iterator[Understood]]]:
    """Open one file, and return what it was taken for beside its events.

    Raises:
        SourceError: it cannot be read or is not what was asked for.
    """
    reader = _Reader(stdin, now, asked, lambda _taken: None)
    with reader.open(name) as seen:
        yield seen, reader.understood(seen)


def understood(seen: Seen, asked: Asked) -> Iterator[Understood]:
    """Return the events among the records of a file that was looked at."""
    return _Reader(io.BytesIO(), _NEVER, asked, lambda _taken: None).understood(seen)


def understand_each(records: Iterator[Decoded], asked: Asked) -> Iterator[Understood]:
    """Yield *records* that come from no file: events as they are, others by what they look like."""
    reader = _Reader(io.BytesIO(), _NEVER, asked, lambda _taken: None)
    return reader.one_by_one(records)


class _Reader:
    """Reads files one after the other."""

    def __init__(
        self, stdin: BinaryIO, now: datetime, asked: Asked, on_file: Callable[[Taken], None]
    ) -> None:
        self._stdin = stdin
        self._now = now
        self._asked = asked
        self._on_file = on_file

    def parts(self, names: Sequence[str]) -> dict[str, Recognised]:
        """Look at all files, and return those that only together make customers."""
        if len(names) == 1:
            return {}
        # A pipe can be read only once; it is looked at when its turn comes.
        return magento.parts({n: self._look_at(n) for n in names if Path(n).is_file()})

    def _look_at(self, name: str) -> Recognised:
        with self.open(name) as seen:
            return seen.recognised

    def joined(self, parts: dict[str, Recognised]) -> Iterator[Understood]:
        """Yield the customers that *parts* make together."""
        if not parts:
            return
        with ExitStack() as stack:
            opened: list[tuple[Format, Iterator[Decoded]]] = []
            for name in parts:
                seen = stack.enter_context(self.open(name))
                self._on_file(Taken(name=name, recognised=seen.recognised))
                opened.append((seen.recognised.format, self._harmless(seen)))
            yield from magento.join(opened, self._asked.wanted)

    def events_of(self, name: str) -> Iterator[Understood]:
        """Yield the events of one file."""
        with self.open(name) as seen:
            self._on_file(Taken(name=name, recognised=seen.recognised))
            yield from self.understood(seen)

    def understood(self, seen: Seen) -> Iterator[Understood]:
        """Return the events of a file that was looked at."""
        records = self._harmless(seen)
        if seen.recognised.format is events.EVENTS:
            return self.one_by_one(records)
        return seen.recognised.format.understand(records, self._asked.wanted)

    @contextmanager
    def open(self, name: str) -> Iterator[Seen]:
        """Open a file and look at its beginning."""
        asked = self._asked
        with open_source(
            name,
            stdin=self._stdin,
            now=self._now,
            encoding=asked.encoding,
            identity=identity(asked.wanted),
        ) as source:
            head = list(itertools.islice(source.records, SAMPLE_SIZE))
            contents = tuple(one.content for one in head if isinstance(one, Record))
            sample = Sample(name=name, columns=source.columns, contents=contents)
            recognised = recognise(sample, source=asked.source, is_forced=asked.is_forced)
            whole = replace(source, records=itertools.chain(head, source.records))
            yield Seen(source=whole, sample=sample, recognised=recognised)

    def _harmless(self, seen: Seen) -> Iterator[Decoded]:
        """Return the records; of what cannot be decoded, only what may be kept.

        A row that does not fit its header, or a torn line, may hold what nobody asked for, so that
        only its place is kept. Rows stay where every column may pass, and events of our own do.
        """
        if seen.recognised.format is events.EVENTS or self._is_harmless(seen.source.columns):
            return seen.source.records
        return (
            replace(one, content=None) if isinstance(one, Rejection) else one
            for one in seen.source.records
        )

    def _is_harmless(self, columns: Sequence[str]) -> bool:
        wanted = self._asked.wanted
        asked = itertools.chain(FIELDS, wanted.fields, *ALIASES.values(), *wanted.aliases.values())
        known = {camel_case(name) for name in asked} | _OWN_COLUMNS
        return bool(columns) and all(camel_case(column) in known for column in columns if column)

    def one_by_one(self, records: Iterator[Decoded]) -> Iterator[Understood]:
        """Yield events as they are, and what else stands among them by what it looks like itself.

        A rejects file holds rows of other files, and people append listings to event files.
        """
        for record in records:
            content = record.content
            is_listing = not events.is_event(content) and isinstance(content, Mapping)
            if isinstance(record, Rejection) or not is_listing:
                yield record
            else:
                form = self._alone(record, cast("Mapping[str, object]", content))
                yield from form.understand([record], self._asked.wanted)

    def _alone(self, record: Record, content: Mapping[str, object]) -> Format:
        is_row = all(isinstance(cell, str) for cell in content.values())
        columns = tuple(content) if is_row else ()
        sample = Sample(name=record.place.file, columns=columns, contents=(content,))
        try:
            return recognise(
                sample, source=self._asked.source, is_forced=self._asked.is_forced
            ).format
        except SourceError:
            return CUSTOM
