"""What a run did, as numbers that add up, and as the document that `--json` prints."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from customer_sync.core.model import Note, Reason
from customer_sync.core.plan import Totals
from customer_sync.errors import CustomerSyncError, ExitCode

MOST_ERRORS = 100
"""How many errors a report lists one by one; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedError:
    """One thing that went wrong, in words; addresses in it are masked."""

    kind: str
    """`rejection`, `warning`, `failed`, `deferred`, `withheld`, or the class of what stopped it."""
    message: str
    hint: str = ""
    where: str = ""
    """Place of the record, or the masked address of the contact."""
    code: str = ""
    """The broken rule, or Brevo's word."""
    trouble: str = ""
    """The code that `customer-sync explain` tells more of; empty for what is no trouble."""

    @classmethod
    def of(cls, error: CustomerSyncError) -> "ReportedError":
        """Return what stopped a command."""
        return cls(
            kind=type(error).__name__,
            message=error.message,
            hint=error.hint or "",
            trouble=error.trouble,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """The plan's writes by what became of them."""

    applied: int = 0
    deferred: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run, in numbers."""

    run_id: str
    target: str
    dry_run: bool
    source: tuple[str, ...]
    records_read: int = 0
    rejections: int = 0
    folded: int = 0
    """Records that the plan's changes are made of, withheld ones included."""
    retried: int = 0
    """Customers that came from the retry queue rather than from the source."""
    warnings: int = 0
    """Fields that could not be used while their customer was."""
    plan: Totals = field(default_factory=Totals)
    digest: str = ""
    withheld: int = 0
    outcomes: OutcomeCounts = field(default_factory=OutcomeCounts)
    drift: int = 0
    """Contacts that were edited in Brevo since they were last written."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Customers left alone, by reason."""
    notes: Mapping[str, int] = field(default_factory=dict)
    bill: Mapping[str, int] = field(default_factory=dict)
    """The requests that the plan was expected to take, by route."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """The requests that were sent, by route, reading included."""
    failed_requests: Mapping[str, int] = field(default_factory=dict)
    """Those of them that did not succeed, by route; whoever was not there when asked for is none.
    """
    broken_rules: Mapping[str, int] = field(default_factory=dict)
    """How many of the rejected records break each rule; one may break several."""
    consent: Mapping[str, int] = field(default_factory=dict)
    """How many contacts were blocked, or may be written to again."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """The seconds that each stage took, in their order."""
    queue_depth: int | None = None
    """How many customers wait in the retry queue at the end; None where nobody could look."""
    dead_letters: int | None = None
    duration_s: float = 0.0
    exit_code: int = ExitCode.OK
    errors: tuple[ReportedError, ...] = ()
    """The first of them; their numbers are in the counts."""

    @property
    def unaccounted(self) -> int:
        """Records that are neither rejected nor part of a change; none, once there is a plan."""
        return self.records_read - self.rejections - self.folded

    @property
    def adds_up(self) -> bool:
        """Tell whether every record of a finished plan, and every change of it, has its end.

        A plan that was only shown, or cut off before the first change was queued, has no outcomes.
        """
        outcomes = self.outcomes.applied + self.outcomes.deferred + self.outcomes.failed
        writes = self.plan.create + self.plan.update + self.plan.delete
        was_shown_only = self.dry_run or self.exit_code == ExitCode.INTERRUPTED
        return self.unaccounted == 0 and outcomes in ({0, writes} if was_shown_only else {writes})

    def to_json(self) -> bytes:
        """Return the report as one JSON document."""
        return msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=2)

    def to_builtins(self) -> Any:
        """Return the report as plain dictionaries and lists."""
        return msgspec.to_builtins(self)


def count_reasons(reasons: Counter[Reason]) -> dict[str, int]:
    """Return *reasons* by their words, the most frequent first."""
    return {reason.value: n for reason, n in reasons.most_common()}


def count_notes(notes: Counter[Note]) -> dict[str, int]:
    """Return *notes* by their words, the most frequent first."""
    return {note.value: n for note, n in notes.most_common()}
