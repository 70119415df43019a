"""What a notification says: numbers and codes of a run, and nobody's data."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files

import msgspec

from customer_sync.config import RunEvent
from customer_sync.core.model import Applied, Failed, Outcome
from customer_sync.errors import ExitCode
from customer_sync.run.report import OutcomeCounts, RunReport

_ENDED_WELL = frozenset({ExitCode.OK, ExitCode.PARTIAL})
"""The run did what it could; `status` calls the same healthy."""

SENTENCES: Mapping[ExitCode, str] = {
    ExitCode.OK: "Brevo holds what the shop says.",
    ExitCode.BUG: "The run broke off with a bug of customer-sync; its log tells where.",
    ExitCode.USAGE: "The command line could not be understood.",
    ExitCode.CONFIG: "The configuration, the environment or the state cannot be used.",
    ExitCode.INPUT: "The source is missing or unreadable, or too much of it was rejected.",
    ExitCode.AUTH: "A key was refused.",
    ExitCode.UNAVAILABLE: "Brevo or the shop could not be reached; nothing is lost, run again.",
    ExitCode.PARTIAL: "Finished, but something was rejected, or waits for its next try.",
    ExitCode.REFUSED: "Deletions were withheld, or the plan was refused; somebody has to look.",
    ExitCode.BUSY: "Another run was at work.",
    ExitCode.PENDING: "There are changes to be made.",
    ExitCode.INTERRUPTED: "The run was interrupted; what it left undone waits for the next one.",
}
"""How a run ended, in words that come from no input."""

TRIAL_RUN = "trial"
"""The run that a notification for trial speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some of a run's changes, by what became of them."""

    number: int
    """Counted from 1."""
    changes: int
    outcomes: OutcomeCounts
    so_far: OutcomeCounts
    """Of this batch and those before it."""
    planned: int
    """How many changes the run has in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification, whoever gets it."""

    id: str
    event: RunEvent
    body: bytes
    """JSON of the form that notification.schema.json describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The notification as JSON has it: the three keys that Standard Webhooks recommends."""

    type: RunEvent
    timestamp: datetime
    data: Mapping[str, object] = field(default_factory=dict)

    def message(self, id_: str) -> Message:
        """Return it as it is sent."""
        return Message(
            id=id_, event=self.type, body=msgspec.json.encode(self, order="deterministic")
        )


def event_of(report: RunReport) -> RunEvent:
    """Return what the end of a run counts as: completed where it ended with 0 or 7."""
    is_well = report.exit_code in _ENDED_WELL
    return RunEvent.SYNC_COMPLETED if is_well else RunEvent.SYNC_FAILED


def of_run(report: RunReport, *, command: str, at: datetime) -> Told:
    """Return what is told at the end of a run."""
    code = ExitCode(report.exit_code)
    said: dict[str, object] = {
        "run_id": report.run_id,
        "command": command,
        "target": report.target,
        "exit_code": int(code),
        "ended": code.name.lower(),
        "summary": SENTENCES[code],
        "duration_s": report.duration_s,
        "records_read": report.records_read,
        "rejections": report.rejections,
        "warnings": report.warnings,
        "plan": _counts(report.plan),
        "outcomes": _counts(report.outcomes),
        "withheld": report.withheld,
        "drift": report.drift,
        "requests": sum(report.requests.values()),
        "failed_requests": sum(report.failed_requests.values()),
        "queue_depth": report.queue_depth,
        "dead_letters": report.dead_letters,
        "troubles": _troubles(report),
    }
    return Told(type=event_of(report), timestamp=at, data=said)


def of_batch(batch: Batch, *, run_id: str, command: str, target: str, at: datetime) -> Told:
    """Return what is told of some of a run's changes."""
    said: dict[str, object] = {
        "run_id": run_id,
        "command": command,
        "target": target,
        "batch": batch.number,
        "changes": batch.changes,
        "planned": batch.planned,
        "outcomes": _counts(batch.outcomes),
        "so_far": _counts(batch.so_far),
    }
    return Told(type=RunEvent.BATCH_COMPLETED, timestamp=at, data=said)


def for_trial(event: RunEvent, *, target: str, at: datetime) -> Told:
    """Return a notification of no run, marked as one, to see whether it arrives."""
    if event is RunEvent.BATCH_COMPLETED:
        none = OutcomeCounts()
        batch = Batch(number=1, changes=0, outcomes=none, so_far=none, planned=0)
        told = of_batch(batch, run_id=TRIAL_RUN, command="notify test", target=target, at=at)
    else:
        code = ExitCode.OK if event is RunEvent.SYNC_COMPLETED else ExitCode.UNAVAILABLE
        report = RunReport(
            run_id=TRIAL_RUN, target=target, dry_run=False, source=(), exit_code=code
        )
        told = of_run(report, command="notify test", at=at)
    return Told(type=told.type, timestamp=at, data={**told.data, "is_test": True})


def notification_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of what is posted."""
    loaded: dict[str, object] = json.loads(_schema_text())
    return loaded


@cache
def _schema_text() -> str:
    return (files("customer_sync") / "schemas" / "notification.schema.json").read_text("utf-8")


def _troubles(report: RunReport) -> dict[str, int]:
    """Return the codes of what went wrong, among the errors that the report lists."""
    codes = Counter(error.trouble for error in report.errors if error.trouble)
    return dict(sorted(codes.items()))


def _counts(numbers: object) -> dict[str, int]:
    plain: dict[str, int] = msgspec.to_builtins(numbers)
    return plain


class Tally:
    """Gathers outcomes into batches, at most about a hundred in a run."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._planned = 0
        self._number = 0
        self._before = OutcomeCounts()
        self._applied = self._deferred = self._failed = 0

    def expect(self, planned: int) -> None:
        """Learn how many changes there will be; of very many, the batches are larger."""
        self._planned = planned
        self._size = max(self._size, -(-planned // MOST_BATCHES))

    def add(self, outcome: Outcome) -> Batch | None:
        """Count *outcome*; return the batch that it completes."""
        match outcome:
            case Applied():
                self._applied += 1
            case Failed():
                self._failed += 1
            case _:
                self._deferred += 1
        is_full = self._changes >= self._size
        return self.rest() if is_full else None

    def rest(self) -> Batch | None:
        """Return what is counted and in no batch yet, as the next one; None where nothing is."""
        if not self._changes:
            return None
        self._number += 1
        so_far = OutcomeCounts(applied=self._applied, deferred=self._deferred, failed=self._failed)
        batch = Batch(
            number=self._number,
            changes=self._changes,
            outcomes=OutcomeCounts(
                applied=so_far.applied - self._before.applied,
                deferred=so_far.deferred - self._before.deferred,
                failed=so_far.failed - self._before.failed,
            ),
            so_far=so_far,
            planned=self._planned,
        )
        self._before = so_far
        return batch

    @property
    def _changes(self) -> int:
        before = self._before
        counted = self._applied + self._deferred + self._failed
        return counted - before.applied - before.deferred - before.failed


MOST_BATCHES = 100
"""A run tells of no more, so that who is told is not flooded."""
