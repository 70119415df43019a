"""Files that grow: what is new in them goes into the inbox, with how far they were read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from customer_sync.clock import Clock
from customer_sync.core.model import Record, Rejection
from customer_sync.platforms import events
from customer_sync.platforms.format import Decoded, Understood
from customer_sync.platforms.reading import Asked, understand_each
from customer_sync.readers.records import RecordMaker
from customer_sync.realtime.followed import Standing, covers, is_reachable, put_aside, standing
from customer_sync.realtime.growing import GrowingFile, News, Place
from customer_sync.realtime.inbox import Delivery, Inbox

LINGERS_S = 60.0
"""How long a file that was put aside is followed after it last grew: its writer may be late."""

OPEN_S = 600.0
"""How long a file that does not grow is kept open, to be read to its end whatever becomes of it."""

MOST_LINES = 5_000
"""After so many, what was found is kept before more is read."""

_FULL = "The inbox is full; the files wait until Brevo has taken what is in it."


@dataclass(slots=True)
class _Open:
    """A file that is open."""

    file: GrowingFile
    grown_at: float
    """When it last grew, by the monotonic clock."""
    is_away: bool = False
    """It stands at no name that is followed."""

    @property
    def rank(self) -> tuple[bool, str]:
        """What was put aside holds what is older, and comes first."""
        return not self.is_away, self.file.place.path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is new in one file."""

    one: _Open
    records: tuple[Understood, ...]


class Following:
    """Follows what *sources* name: again and again, `look` takes in what is new."""

    def __init__(
        self,
        sources: Sequence[str],
        inbox: Inbox,
        asked: Asked,
        clock: Clock,
        *,
        limit: int,
        on_note: Callable[[str], None],
    ) -> None:
        """Go on where the inbox says that reading had got to, until *limit* records wait there."""
        self._sources = sources
        self._inbox = inbox
        self._asked = asked
        self._clock = clock
        self._limit = limit
        self._on_note = on_note
        self._told: set[str] = set()
        self._open: dict[str, _Open] = {}
        self._at_rest: dict[str, Standing] = {}
        """Files that were read, and closed since they did not grow."""
        self._places = {
            place.file: place
            for place in map(Place.decoded, inbox.places().values())
            if covers(sources, place.path)
        }
        """How far each file was read, as it was written down."""

    def close(self) -> None:
        """Close all files."""
        for one in self._open.values():
            one.file.close()
        self._open.clear()

    def look(self) -> int | None:
        """Take in what is new, and return how many records that was; None: nothing is new.

        What it finds and how far it has read are kept in one commit, so that whatever happens
        nothing is read twice, and nothing is left out.

        Raises:
            StoreError: it was not kept; the next look finds the same.
        """
        if self._inbox.size() >= self._limit:
            self._say_once(_FULL)
            return None
        self._told.discard(_FULL)
        now = self._standing()
        if now is None:
            return None
        self._find_again(now)
        found: list[_Found] = []
        gone: list[str] = []
        for name in self._in_order(now):
            if (one := self._opened(name, now)) is None:
                continue
            is_over = self._is_over(one)
            news = self._news(one, is_over=is_over)
            if news is not None:
                found.append(_Found(one=one, records=tuple(self._records(one, news))))
            elif is_over:
                gone.append(name)
            else:
                self._rest(name, now)
            if sum(len(each.records) for each in found) >= MOST_LINES:
                break
        self._keep(found, gone)
        return sum(len(each.records) for each in found) if found else None

    def _keep(self, found: Sequence[_Found], gone: Sequence[str]) -> None:
        if not found and not gone:
            return
        places = {each.one.file.place.file: each.one.file.place for each in found}
        try:
            self._inbox.keep(
                [Delivery(records=each.records) for each in found],
                now=self._clock.now(),
                places={name: place.encoded() for name, place in places.items()},
                left=gone,
            )
        except BaseException:
            # Opened anew, they are read from where it was written down.
            self.close()
            raise
        self._places |= places
        for name in gone:
            self._open.pop(name).file.close()
            self._places.pop(name, None)

    # ------------------------------------------------------------ which files

    def _standing(self) -> dict[str, Standing] | None:
        try:
            return standing(self._sources)
        except OSError as error:
            self._say_once(f"{error.filename} cannot be looked into: {error.strerror}.")
            return None

    def _find_again(self, now: Mapping[str, Standing]) -> None:
        """Look for what stands at no followed name any more."""
        for name, one in self._open.items():
            one.is_away = name not in now
        for name, place in [*self._places.items()]:
            if name in now or name in self._open:
                continue
            found = put_aside(place.path, name)
            if found is not None and not self._is_read(found, place):
                self._open_file(found, is_away=True)
            elif is_reachable(place.path):
                self._give_up(place)

    def _is_read(self, found: Standing, place: Place) -> bool:
        return self._at_rest.get(place.file) == replace(found, path=place.path)

    def _give_up(self, place: Place) -> None:
        if self._at_rest.pop(place.file, None) is None:
            self._on_note(
                f"{place.path} was taken away; whether anything was added to it after line "
                f"{place.lines} is not known."
            )
        self._inbox.keep([], now=self._clock.now(), left=[place.file])
        del self._places[place.file]

    def _in_order(self, now: Mapping[str, Standing]) -> list[str]:
        aside = sorted((n for n in self._open if n not in now), key=lambda n: self._open[n].rank)
        return [*aside, *now]

    def _opened(self, name: str, now: Mapping[str, Standing]) -> _Open | None:
        """Return a file, opened if it has to be; None: it is at rest, or cannot be."""
        if name in self._open:
            if name in now:
                self._open[name].file.move_to(now[name].path)
            return self._open[name]
        if self._at_rest.get(name) == now[name]:
            return None
        return self._open_file(now[name])

    def _open_file(self, one: Standing, *, is_away: bool = False) -> _Open | None:
        try:
            file = GrowingFile(one.path, self._places.get(one.file))
        except OSError as error:
            self._say_once(f"{one.path} cannot be read: {error.strerror}.")
            return None
        if file.place.file != one.file:
            # Another file took that name just now; its turn comes with the next look.
            file.close()
            return None
        file.move_to(one.path)
        opened = _Open(file=file, grown_at=self._clock.monotonic(), is_away=is_away)
        self._open[one.file] = opened
        return opened

    def _is_over(self, one: _Open) -> bool:
        has_lingered = self._clock.monotonic() - one.grown_at >= LINGERS_S
        return one.is_away and has_lingered and is_reachable(one.file.place.path)

    def _rest(self, name: str, now: Mapping[str, Standing]) -> None:
        """Close a file that has not grown for long; it is opened again when it does."""
        if name in now and self._clock.now().timestamp() - now[name].written_at >= OPEN_S:
            self._at_rest[name] = now[name]
            self._open.pop(name).file.close()

    # ------------------------------------------------------------ what is new

    def _news(self, one: _Open, *, is_over: bool) -> News | None:
        path = one.file.place.path
        try:
            news = one.file.look(is_over=is_over)
        except OSError as error:
            self._say_once(f"{path} cannot be read: {error.strerror}.")
            return None
        if news is not None:
            one.grown_at = self._clock.monotonic()
            if news.is_rewritten:
                self._on_note(f"{path} was written anew, and is read from its start.")
        return news

    def _records(self, one: _Open, news: News) -> Iterator[Understood]:
        maker = RecordMaker(news.place.path, self._clock.now())
        decoded = [maker.from_line(line) for line in news.lines]
        if news.place.is_own is None:
            first = next((record for record in decoded if isinstance(record, Record)), None)
            if first is not None:
                one.file.place = replace(news.place, is_own=events.is_event(first.content))
        is_own = one.file.place.is_own is True
        harmless = (_harmless(record, is_own=is_own) for record in decoded)
        return understand_each(harmless, self._asked)

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._on_note(text)


def _harmless(record: Decoded, *, is_own: bool) -> Decoded:
    """Return *record*; of what cannot be decoded, its place only where it may hold anything.

    A torn line of a platform's own may hold what nobody asked for; events of our own do not.
    """
    if isinstance(record, Rejection) and not is_own:
        return replace(record, content=None)
    return record
