"""One micro-batch: the oldest records of the inbox through the pipeline of any run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from customer_sync.core.model import (
    Deferred,
    Failed,
    Limit,
    Outcome,
    Problem,
    Record,
    Rejection,
)
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.core.spread import spread
from customer_sync.core.validate import parse_moment
from customer_sync.errors import BrokenOff, CustomerSyncError, ExitCode
from customer_sync.realtime.inbox import Entry, Since, Waits
from customer_sync.run.edges import RunOptions
from customer_sync.run.heralds import NoHerald
from customer_sync.run.job import Job
from customer_sync.run.report import RunReport
from customer_sync.trouble import Code

LONGEST_S = 300.0
"""What is not done by then is left to the retry queue, and the next batch begins."""

BEHIND = timedelta(minutes=1)
"""Who has waited for so long is helped by few requests, and not by quick ones."""

LISTING_GOOD_FOR = timedelta(minutes=1)
"""Where very many contacts change, they are not listed for each batch: most are our own changes."""

_ACCEPTED = frozenset({ExitCode.OK, ExitCode.PARTIAL, ExitCode.REFUSED})
"""What was given to the pipeline is written, or kept by it: queued, rejected or withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of one job."""

    report: RunReport
    failure: CustomerSyncError | None = None
    """What stopped it, if anything did."""
    late: frozenset[str] = frozenset()
    """The ids and addresses of those whom Brevo does not have yet."""


class Running(Protocol):
    """Carries out one job; how it failed is in what it returns."""

    def __call__(self, job: Job, /) -> Ran:
        """Return what came of it."""
        ...


class Latecomers(NoHerald):
    """Notes whom Brevo does not have yet at the end of a run."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def outcome(self, outcome: Outcome) -> None:
        """Note whoever is queued or dead."""
        if isinstance(outcome, Deferred | Failed):
            customer = outcome.change.customer
            self.names |= {customer.email, *customer.ids}


def job_for(
    entries: Sequence[Entry], command: str, now: datetime, *, is_checked: bool = False
) -> Job:
    """Return the job that carries *entries* out, in their order.

    It goes the quickest way, without imports, which Brevo takes half a minute for; only who is
    behind goes the way of the fewest requests. One bad record among few holds up nobody.
    """
    is_behind = bool(entries) and now - entries[0].received_at > BEHIND
    return Job(
        command=command,
        records=tuple(entry.record for entry in entries),
        options=RunOptions(
            max_rejects=Limit(share=1.0),
            route=RouteChoice.AUTO if is_behind else RouteChoice.BATCH,
            listing_good_for=LISTING_GOOD_FOR,
        ),
        max_duration_s=LONGEST_S,
        is_checked=is_checked,
    )


def failure_of(ran: Ran) -> CustomerSyncError | None:
    """Return why what was given to a job has to be given to another; None: it was accepted."""
    if ran.failure is None and ran.report.exit_code not in _ACCEPTED:
        return BrokenOff("The batch was broken off.", trouble=Code.BROKEN_OFF)
    return ran.failure


def set_aside(entry: Entry, bug: Exception) -> Entry:
    """Return *entry* as a rejection: the program stumbles over it and cannot use it."""
    if isinstance(entry.record, Rejection):
        return entry
    problem = Problem(
        pointer="",
        rule="bug",
        detail=f"The program stumbles over this record ({type(bug).__name__}): a bug, "
        f"{Code.BUG}. The record is kept here, to be fed in again once that is mended.",
    )
    rejection = Rejection(
        place=entry.record.place, problems=(problem,), content=entry.record.content
    )
    return replace(entry, record=rejection)


# ---------------------------------------------------------------- how long it took


def waits(entries: Iterable[Entry], late: frozenset[str], now: datetime) -> Waits:
    """Return how long the events among *entries* took, of all whom Brevo has *now*.

    A shop's clock may be ahead of ours: that counts as at once.
    """
    arrived = [entry for entry in entries if _has_arrived(entry.record, late)]
    return {
        Since.EVENT: spread(_seconds(_occurred_at(entry), now) for entry in arrived),
        Since.RECEIPT: spread(_seconds(entry.received_at, now) for entry in arrived),
    }


def _has_arrived(record: Record | Rejection, late: frozenset[str]) -> bool:
    return isinstance(record, Record) and not (late and late.intersection(_names(record)))


def _names(record: Record) -> Iterator[str]:
    match record.content:
        case {"data": Mapping() as fields}:
            yield from (str(fields[name]).strip() for name in ("id", "email") if name in fields)
            yield str(fields.get("email", "")).strip().lower()
        case _:
            pass


def _occurred_at(entry: Entry) -> datetime:
    match entry.record:
        case Record(content={"timestamp": str(text)}):
            try:
                return parse_moment(text)
            except ValueError:
                return entry.received_at
        case _:
            return entry.received_at


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
