"""How fast requests may leave: one pace per family of Brevo's limits, shared by all tasks."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from customer_sync.brevo.pauses import Sleep
from customer_sync.clock import Clock
from customer_sync.core.model import RatePlan
from customer_sync.errors import BrokenOff
from customer_sync.trouble import Code


class Family(StrEnum):
    """Which of the account's budgets a request draws on."""

    CONTACTS = "contacts"
    """Everything below `/contacts`."""
    OTHER = "other"
    """All the rest, `/account` and `/processes` above all: a small budget per hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most *limit* requests in any stretch of *seconds*."""

    limit: int
    seconds: float

    def stretched(self, headroom: float) -> "Window":
        """Return the window made longer so that *headroom*, a share, of its rate stays unused."""
        return Window(limit=self.limit, seconds=self.seconds / (1 - headroom))

    @property
    def spacing(self) -> float:
        """Return the even distance between requests that uses the window up."""
        return self.seconds / self.limit


SECOND: Final = 1.0
HOUR: Final = 3600.0

_PER_SECOND = {RatePlan.GENERAL: 10, RatePlan.ADVANCED: 20, RatePlan.EXTENDED: 60}
_OTHER_PER_HOUR = {RatePlan.GENERAL: 100, RatePlan.ADVANCED: 200, RatePlan.EXTENDED: 600}

_MOST_PER_SECOND = max(_PER_SECOND.values())
"""A limit up to this speaks of seconds, a larger one of an hour; answers do not say which."""

_MARGIN = 0.01
"""Always left unused: requests overtake one another on the way."""

_AT_ONCE = {Family.CONTACTS: 1, Family.OTHER: 10}
"""How many may leave together after a rest; a short run needs a handful of the hourly budget."""

_SAME_WINDOW_S = 5.0
"""Two answers that put the end of an hour this close to each other speak of the same one."""


def windows(plan: RatePlan, family: Family) -> tuple[Window, ...]:
    """Return what *plan* grants a family, the shortest window first.

    For contacts an hour's limit is 3,600 times the second's (on `extended` by arithmetic only).
    """
    match family:
        case Family.CONTACTS:
            rate = _PER_SECOND[plan]
            return (
                Window(limit=rate, seconds=SECOND),
                Window(limit=rate * 3600, seconds=HOUR),
            )
        case Family.OTHER:
            return (Window(limit=_OTHER_PER_HOUR[plan], seconds=HOUR),)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateNote:
    """What an answer says about the budget; every part may be missing, none is to be believed."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> "RateNote":
        """Read `x-sib-ratelimit-*`; what is no number, or negative, counts as missing."""
        limit = _number(headers.get("x-sib-ratelimit-limit"))
        remaining = _number(headers.get("x-sib-ratelimit-remaining"))
        return cls(
            limit=int(limit) if limit else None,
            remaining=None if remaining is None else int(remaining),
            reset_s=_number(headers.get("x-sib-ratelimit-reset")),
        )

    def window_s(self, granted: tuple[Window, ...]) -> float:
        """Return which of the granted windows the note speaks of; unknown means the shortest."""
        if self.limit is None or self.limit <= _MOST_PER_SECOND:
            return granted[0].seconds
        return granted[-1].seconds

    def wait_s(self, window_s: float) -> float | None:
        """Return how long the window still lasts: never longer than it is.

        A number that is too large for seconds is read as milliseconds, which some services write.
        """
        if self.reset_s is None or self.reset_s <= window_s:
            return self.reset_s
        return min(self.reset_s / 1000, window_s)


def _number(written: str | None) -> float | None:
    try:
        number = float(written or "")
    except ValueError:
        return None
    return number if 0 <= number < 1e15 else None


class Pace:
    """When the next request of one family may leave: decides only, waits for nobody.

    Times are seconds of any clock that does not run backwards. Three bounds hold together: an even
    distance between requests (*at_once* may leave together after a rest), never more than the
    limit in any window, and whatever the answers forbid.
    """

    def __init__(self, granted: tuple[Window, ...], *, headroom: float, at_once: int) -> None:
        self._granted = granted
        self._unused = 1 - (1 - headroom) * (1 - _MARGIN)
        self._at_once = at_once
        self._bounds = tuple(window.stretched(self._unused) for window in granted)
        self._left: deque[float] = deque(maxlen=max(w.limit for w in _binding(self._bounds)))
        self._even = float("-inf")
        self._closed_until = float("-inf")
        self._shortest_limit = granted[0].limit
        self._budget: _Budget | None = None

    def due(self, now: float) -> float:
        """Return when the next request may leave; *now* or earlier means at once."""
        earliest = [self._closed_until, self._even - (self._at_once - 1) * self._spacing(now)]
        for window in _binding(self._bounds):
            limit = min(window.limit, self._shortest_limit)
            if len(self._left) >= limit:
                earliest.append(self._left[-limit] + window.seconds)
        if self._budget and self._budget.is_spent(now):
            earliest.append(self._budget.until)
        return max(earliest)

    def take(self, now: float) -> None:
        """Count a request that leaves now.

        One that leaves a little late, as a task that woke up late does, does not put off the next.
        """
        due, spacing = self.due(now), self._spacing(now)
        is_late = now - due <= spacing
        self._even = max(self._even, due if is_late else now) + spacing
        self._left.append(now)
        if self._budget:
            self._budget.remaining -= 1

    def learn(self, note: RateNote, *, was_refused: bool, now: float) -> float:
        """Follow what an answer said; return for how many seconds the family now has to pause.

        A refusal (429) closes the family until the window that it names is over. An hour that is
        used up closes it likewise. What a second has left changes nothing: it is over before the
        answer is read, and the distance between requests sees to it.
        """
        window_s = note.window_s(self._granted)
        left_s = note.wait_s(window_s)
        if note.limit is not None and window_s == self._granted[0].seconds:
            self._shortest_limit = max(1, min(note.limit, self._granted[0].limit))
        if window_s == HOUR and note.remaining is not None and left_s is not None:
            self._budget = _Budget.merged(self._budget, note.remaining, now + left_s, now)
        before = max(self._closed_until, now)
        if was_refused:
            pause = self._bounds[0].spacing if left_s is None else left_s
            self._closed_until = max(self._closed_until, now + pause)
        elif self._budget and self._budget.is_spent(now):
            self._closed_until = max(self._closed_until, self._budget.until)
        return max(0.0, self._closed_until - before)

    def _spacing(self, now: float) -> float:
        shortest = self._bounds[0]
        even = max(window.spacing for window in self._bounds)
        learnt = shortest.seconds / self._shortest_limit
        spread = self._budget.spacing(now, self._unused) if self._budget else 0.0
        return max(even, learnt, spread)


@dataclass(slots=True, kw_only=True)
class _Budget:
    """What the service says is left of an hour."""

    remaining: int
    until: float

    @classmethod
    def merged(cls, known: "_Budget | None", remaining: int, until: float, now: float) -> "_Budget":
        """Return the budget after one more answer; answers may come in any order.

        Within one hour the smaller count holds, because requests that are under way are not in it.
        """
        if known and now < known.until and until <= known.until + _SAME_WINDOW_S:
            return cls(remaining=min(known.remaining, remaining), until=known.until)
        return cls(remaining=remaining, until=until)

    def is_spent(self, now: float) -> bool:
        return self.remaining <= 0 and now < self.until

    def spacing(self, now: float, unused: float) -> float:
        """Return the distance that makes the rest last, 0 once the hour is over."""
        usable = max(1.0, self.remaining * (1 - unused))
        return max(0.0, self.until - now) / usable


def _binding(bounds: tuple[Window, ...]) -> tuple[Window, ...]:
    """Leave out windows that hold by themselves where the shortest one does."""
    first, *longer = bounds
    return (first, *(window for window in longer if window.spacing > first.spacing * 1.000001))


class Throttle:
    """Lets requests leave one after the other, family by family, in the order they asked.

    Belongs to one event loop. *headroom* is the share of every limit that is left to whatever else
    uses the account; 0.03 or less keeps at least 95 % of the rate in use while there is work.
    """

    def __init__(self, plan: RatePlan, clock: Clock, *, headroom: float) -> None:
        if not 0 <= headroom < 1:
            raise ValueError("headroom is a share: at least 0, less than 1")
        self._clock = clock
        self._paces = {
            family: Pace(windows(plan, family), headroom=headroom, at_once=_AT_ONCE[family])
            for family in Family
        }
        self._turns = {family: asyncio.Lock() for family in Family}
        self._notes: dict[Family, RateNote] = {}

    async def slot(
        self, family: Family, *, deadline: float = float("inf"), sleep: Sleep | None = None
    ) -> float:
        """Wait until a request of *family* may leave, and count it; return the seconds waited.

        *sleep* waits instead of the clock.

        Raises:
            BrokenOff: that would be later than *deadline*, by the clock's `monotonic`.
        """
        sleep = sleep or self._clock.sleep
        asked_at = self._clock.monotonic()
        pace = self._paces[family]
        async with self._turns[family]:
            # The pace may have been slowed while this task slept: ask again until it agrees.
            while (due := pace.due(self._clock.monotonic())) > self._clock.monotonic():
                if due > deadline:
                    raise _too_late(family, due - self._clock.monotonic())
                await sleep(due - self._clock.monotonic())
            now = self._clock.monotonic()
            pace.take(now)
        return now - asked_at

    def learn(self, family: Family, note: RateNote, *, was_refused: bool) -> float:
        """Follow what an answer said; return for how many seconds the family now has to pause."""
        if note != RateNote():
            self._notes[family] = note
        return self._paces[family].learn(note, was_refused=was_refused, now=self._clock.monotonic())

    def latest(self, family: Family) -> RateNote | None:
        """Return what the last answer that spoke of the limits said."""
        return self._notes.get(family)


def _too_late(family: Family, wait_s: float) -> BrokenOff:
    return BrokenOff(
        f"Brevo's rate limit ({family}) has no room for another {wait_s:.0f} s, "
        "which is longer than this run may take",
        trouble=Code.RATE_LIMIT,
        hint="Run again later; nothing is lost.",
    )
