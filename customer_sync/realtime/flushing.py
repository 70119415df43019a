"""From the inbox to Brevo in micro-batches, by time or by size, through the pipeline of any run."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from customer_sync.clock import Clock
from customer_sync.core.model import Limit
from customer_sync.errors import BrokenOff, CustomerSyncError, ExitCode, StoreBusy
from customer_sync.realtime.inbox import Entry, Inbox
from customer_sync.run.pipeline import RunOptions
from customer_sync.run.report import RunReport
from customer_sync.run.session import Job
from customer_sync.trouble import Code

LONGEST_BATCH_S = 300.0
"""What is not done by then is left to the retry queue, and the next batch begins."""

_RETRY_EVERY_S = 60.0
"""How often it is seen to what waits in the retry queue while nothing arrives."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0

_ACCEPTED = frozenset({ExitCode.OK, ExitCode.PARTIAL, ExitCode.REFUSED})
"""What was given to the pipeline is written, or kept by it: queued, rejected or withheld."""


class Running(Protocol):
    """Carries out one job; how it failed is in what it returns."""

    def __call__(self, job: Job, /) -> tuple[RunReport, CustomerSyncError | None]:
        """Return the report, and what stopped the job if anything did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When a batch is due."""

    max_delay_s: float = 2.0
    """The longest that an event waits for others to come along."""
    max_batch: int = 2000
    """So many events are a batch at once."""


@dataclass(slots=True)
class Standing:
    """How it goes, for whoever asks."""

    failure: CustomerSyncError | None = None
    """What stopped the last batch, if anything did."""
    batches: int = 0
    accepted: int = 0


@dataclass(slots=True)
class Alarm:
    """Wakes the one who writes: when something arrived, when enough did, when it is to end."""

    enough: int
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _count: int = 0
    _is_over: bool = False

    @property
    def is_over(self) -> bool:
        """Tell whether it is to end."""
        return self._is_over

    def ring(self, count: int) -> None:
        """So many records arrived."""
        with self._changed:
            self._count += count
            self._changed.notify_all()

    def end(self) -> None:
        """Let it end."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def wait_for_any(self, seconds: float) -> None:
        """Return when something arrived, it is to end, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._count > 0 or self._is_over, seconds)

    def wait_for_enough(self, seconds: float) -> None:
        """Return when a batch is full, it is to end, or the time is over; count anew."""
        with self._changed:
            self._changed.wait_for(lambda: self._count >= self.enough or self._is_over, seconds)
            self._count = 0

    def pause(self, seconds: float) -> None:
        """Return when it is to end, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, seconds)


def flush(
    inbox: Inbox,
    run: Running,
    *,
    most: int,
    command: str,
    is_retry_due: Callable[[], bool] = lambda: False,
) -> CustomerSyncError | int:
    """Carry the oldest records through the pipeline, and return how many were accepted.

    They leave the inbox only then: whatever stops the batch is returned, and they are there for the
    next one, in the same order. Records of one customer are folded into one change by their times.
    Where there is none, what is due in the retry queue is tried.
    """
    entries = inbox.oldest(most)
    if not entries and not is_retry_due():
        return 0
    failure = _failure(*run(_job(entries, command)))
    if failure is not None:
        return failure
    inbox.remove(entries)
    return len(entries)


def _job(entries: Sequence[Entry], command: str) -> Job:
    # One bad record among few must not hold up all that follow.
    options = RunOptions(max_rejects=Limit(share=1.0))
    return Job(
        command=command,
        records=tuple(entry.record for entry in entries),
        options=options,
        max_duration_s=LONGEST_BATCH_S,
    )


def _failure(report: RunReport, failure: CustomerSyncError | None) -> CustomerSyncError | None:
    if failure is None and report.exit_code not in _ACCEPTED:
        return BrokenOff("The batch was broken off.", trouble=Code.BROKEN_OFF)
    return failure


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
        on_failure: Callable[[CustomerSyncError, float], None],
        is_retry_due: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = folder
        self._run = run
        self._alarm = alarm
        self._pace = pace
        self._clock = clock
        self._command = command
        self._on_failure = on_failure
        self._is_retry_due = is_retry_due
        self._pause_s = _FIRST_PAUSE_S
        self.standing = Standing()

    def __call__(self) -> None:
        """Go on until the alarm says that it is over; what is left stays in the inbox."""
        with Inbox(self._folder) as inbox:
            inbox.forget_deliveries(self._clock.now())
            while not self._alarm.is_over:
                self.turn(inbox)

    def turn(self, inbox: Inbox) -> None:
        """Write one batch, or wait until there is one."""
        came_of_it = self._flush(inbox)
        if isinstance(came_of_it, CustomerSyncError):
            self.standing.failure = came_of_it
            self._on_failure(came_of_it, self._pause_s)
            self._alarm.pause(self._pause_s)
            if not isinstance(came_of_it, StoreBusy):
                self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
            return
        self.standing.failure = None
        self._pause_s = _FIRST_PAUSE_S
        if came_of_it:
            self.standing.batches += 1
            self.standing.accepted += came_of_it
        if came_of_it < self._pace.max_batch:
            self._rest()

    def _flush(self, inbox: Inbox) -> CustomerSyncError | int:
        try:
            return flush(
                inbox,
                self._run,
                most=self._pace.max_batch,
                command=self._command,
                is_retry_due=self._is_retry_due,
            )
        except CustomerSyncError as error:
            return error

    def _rest(self) -> None:
        self._alarm.wait_for_any(_RETRY_EVERY_S)
        self._alarm.wait_for_enough(self._pace.max_delay_s)
