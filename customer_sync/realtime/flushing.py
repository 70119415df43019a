"""From the inbox to Brevo in micro-batches, by time or by size, until it is told to end."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from customer_sync.clock import Clock
from customer_sync.errors import CustomerSyncError, StoreBusy
from customer_sync.realtime.alarm import Alarm
from customer_sync.realtime.batches import Running, failure_of, job_for, set_aside, waits
from customer_sync.realtime.inbox import Entry, Inbox
from customer_sync.store import RunLock

LOCK_FILE = "inbox.lock"
"""Held by whoever writes what is received, for as long as it lives."""

_LOOK_S = 2.0
"""How often the inbox is looked into though nobody rang: another process may receive too."""

_HOUSEKEEPING_S = 60.0
"""How often it is seen to what waits in the retry queue, and to what can be forgotten."""

_CHECK_EVERY_S = 3600.0
"""How often the state is looked through for damage, which takes the longer the larger it is."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0

MOST_SET_ASIDE = 3
"""After so many in a row it is not the records that are to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When a batch is due."""

    max_delay_s: float = 2.0
    """The longest that an event waits for others to come along."""
    max_batch: int = 2000
    """So many events are a batch at once, and no batch has more."""


@dataclass(slots=True)
class Standing:
    """How it goes, for whoever asks."""

    failure: CustomerSyncError | None = None
    """What stopped the last batch, if anything did."""
    bug: Exception | None = None
    """What the program stumbled over, until a batch went well again."""
    is_second: bool = False
    """Another process writes what is received."""
    batches: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who hears of it."""

    on_failure: Callable[[CustomerSyncError, float], None]
    """A batch was stopped; the next one is tried after so many seconds."""
    on_bug: Callable[[Exception, int], None]
    """The program stumbled over a batch of so many records."""
    on_second: Callable[[], None] = lambda: None
    """Another process writes, and this one takes over when that ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chores:
    """What there is to do beside the inbox."""

    is_retry_due: Callable[[], bool] = lambda: False
    """Tells whether something in the retry queue is due."""
    tidy: Callable[[], None] = lambda: None
    """Keeps the history small."""


@dataclass(slots=True)
class _Sizes:
    """How large the next batch may be, and how it went lately."""

    most: int
    next: int
    set_aside: int = 0

    def narrow(self, tried: int) -> None:
        """Try half as many, to find out which record it is."""
        self.next = max(1, tried // 2)

    def widen(self) -> None:
        """Dare more again."""
        self.next = min(self.most, self.next * 2)
        self.set_aside = 0


class Flusher:
    """Empties the inbox again and again, until it is told to end."""

    def __init__(
        self,
        folder: Path,
        run: Running,
        alarm: Alarm,
        *,
        pace: Pace,
        clock: Clock,
        command: str,
        told: Told,
        chores: Chores | None = None,
    ) -> None:
        self._folder = folder
        self._run = run
        self._alarm = alarm
        self._pace = pace
        self._clock = clock
        self._command = command
        self._told = told
        self._chores = chores or Chores()
        self._chores_at = self._check_at = clock.monotonic()
        self._pause_s = _FIRST_PAUSE_S
        self._sizes = _Sizes(most=pace.max_batch, next=pace.max_batch)
        self.standing = Standing()

    def __call__(self) -> None:
        """Go on until the alarm says that it is over; what is left stays in the inbox.

        Only one process does this for a state; any other waits until that has ended.

        Raises:
            Exception: a bug that is not about single records; nothing of the inbox is lost.
        """
        with ExitStack() as stack:
            if not self._take_turn(stack):
                return
            inbox = stack.enter_context(Inbox(self._folder))
            while not self._alarm.is_over:
                self.turn(inbox)

    def _take_turn(self, stack: ExitStack) -> bool:
        """Wait until nobody else writes; tell whether it came to that."""
        while not self._alarm.is_over:
            try:
                stack.enter_context(RunLock(self._folder / LOCK_FILE, now=self._clock.now()))
            except StoreBusy:
                if not self.standing.is_second:
                    self._told.on_second()
                self.standing.is_second = True
                self._alarm.pause(_LOOK_S)
            else:
                self.standing.is_second = False
                return True
        return False

    def drain(self, inbox: Inbox) -> CustomerSyncError | None:
        """Empty the inbox once; return what stopped that, if anything did.

        Where another process does so already, it is left to that one.
        """
        try:
            with RunLock(self._folder / LOCK_FILE, now=self._clock.now()):
                while inbox.size() and self.standing.failure is None:
                    self.turn(inbox, is_patient=False)
        except StoreBusy:
            self._told.on_second()
        return self.standing.failure

    def turn(self, inbox: Inbox, *, is_patient: bool = True) -> None:
        """Write one batch; then, if *patient*, wait until the next one is due."""
        self._alarm.hush()
        entries: list[Entry] = []
        try:
            entries = inbox.oldest(self._sizes.next)
            failure = self._flush(inbox, entries)
        except CustomerSyncError as error:
            failure = error
        except Exception as bug:  # noqa: BLE001 - raised again unless one record is to blame
            self._stumble(inbox, entries, bug)
            return
        if failure is not None:
            self._fail(failure, is_patient=is_patient)
            return
        self._succeed(len(entries))
        if is_patient and len(entries) < self._sizes.next:
            self._alarm.wait(max(_LOOK_S, self._pace.max_delay_s), self._pace.max_delay_s)

    def _flush(self, inbox: Inbox, entries: list[Entry]) -> CustomerSyncError | None:
        """Carry *entries* through the pipeline; return what stopped that.

        They leave the inbox only when they were accepted, so that whatever stops a batch, they are
        there for the next one, in the same order. Records of one customer are folded into one
        change by their times. Where there are none, what is due in the retry queue is tried.
        """
        if not entries and not self._has_chores(inbox):
            return None
        is_checked = self._clock.monotonic() < self._check_at
        job = job_for(entries, self._command, self._clock.now(), is_checked=is_checked)
        ran = self._run(job)
        if (failure := failure_of(ran)) is not None:
            self._check_at = self._clock.monotonic()
            return failure
        if not is_checked:
            self._check_at = self._clock.monotonic() + _CHECK_EVERY_S
        if entries:
            now = self._clock.now()
            inbox.remove(entries, waits(entries, ran.late, now), now=now)
        return None

    def _has_chores(self, inbox: Inbox) -> bool:
        """See to what is to be done now and then; tell whether a run is among it."""
        now = self._clock.monotonic()
        if now < self._chores_at:
            return False
        self._chores_at = now + _HOUSEKEEPING_S
        inbox.forget(self._clock.now())
        self._chores.tidy()
        return self._chores.is_retry_due()

    def _succeed(self, count: int) -> None:
        self.standing.failure = self.standing.bug = None
        self._pause_s = _FIRST_PAUSE_S
        if count:
            self._sizes.widen()
            self.standing.batches += 1
            self.standing.accepted += count

    def _fail(self, failure: CustomerSyncError, *, is_patient: bool) -> None:
        self.standing.failure = failure
        self._told.on_failure(failure, self._pause_s)
        if not is_patient:
            return
        self._alarm.pause(self._pause_s)
        if not isinstance(failure, StoreBusy):
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _stumble(self, inbox: Inbox, entries: list[Entry], bug: Exception) -> None:
        """Find the record that a bug is about, and set it aside among the rejects.

        Raises:
            Exception: the bug is about no record.
        """
        self.standing.bug = bug
        self._told.on_bug(bug, len(entries))
        if len(entries) > 1:
            self._sizes.narrow(len(entries))
            return
        if not entries or self._sizes.set_aside >= MOST_SET_ASIDE:
            raise bug
        self._sizes.set_aside += 1
        failure = self._flush(inbox, [set_aside(entries[0], bug)])
        if failure is not None:
            self._fail(failure, is_patient=True)
