"""What is known of a run so far; its report can be made of it at any moment."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from customer_sync.core.model import FieldWarning, Note, Rejection, Skip
from customer_sync.core.plan import Plan
from customer_sync.errors import CustomerSyncError, ExitCode, most_severe
from customer_sync.privacy import mask_text
from customer_sync.run.apply import StopSign
from customer_sync.run.job import Job
from customer_sync.run.journal import RunJournal
from customer_sync.run.measures import Measures
from customer_sync.run.pipeline import Planned
from customer_sync.run.report import MOST_ERRORS, ReportedError, RunReport, count_notes
from customer_sync.trouble import Code


@dataclass(slots=True, kw_only=True)
class Chronicle:
    """One run, as far as it got."""

    run_id: str
    target: str
    job: Job
    measures: Measures
    stop: StopSign
    is_read: bool = False
    """Every source was read to its end."""
    planned: Planned | None = None
    journal: RunJournal | None = None
    requests: Counter[str] = field(default_factory=Counter)
    records: int = 0
    rejections: int = 0
    warnings: int = 0
    queue_depth: int | None = None
    dead_letters: int | None = None
    errors: list[ReportedError] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)
    failure: CustomerSyncError | None = None
    """What stopped the run, if anything did."""

    @property
    def is_writing(self) -> bool:
        """Tell whether something may have been written already."""
        return self.journal is not None

    def note(self, message: str, *, hint: str = "") -> None:
        """Keep something that the operator should know, and that is no trouble."""
        self.errors.append(ReportedError(kind="note", message=message, hint=hint))

    def fail(self, error: CustomerSyncError) -> None:
        """Keep what stopped the run, before everything else that went wrong."""
        self.errors.insert(0, ReportedError.of(error))
        self.codes.append(error.exit_code)
        self.failure = error

    def interrupted(self) -> None:
        """Keep that somebody asked the run to stop."""
        self.codes.append(ExitCode.INTERRUPTED)

    def rejection(self, rejection: Rejection) -> None:
        """Count a record that cannot be used, and list why."""
        self.rejections += 1
        self.measures.rejection(rejection)
        for problem in rejection.problems:
            self._list(
                ReportedError(
                    kind="rejection",
                    message=mask_text(f"{problem.pointer or '/'}: {problem.detail}"),
                    where=str(rejection.place),
                    code=problem.rule,
                    trouble=problem.trouble,
                )
            )

    def warning(self, warning: FieldWarning) -> None:
        """Count a field that cannot be used, and list it."""
        self.warnings += 1
        self._list(
            ReportedError(
                kind="warning",
                message=mask_text(f"{warning.field}: {warning.detail}"),
                where=str(warning.place),
                trouble=Code.FIELD,
            )
        )

    def _list(self, error: ReportedError) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(error)

    def report(self, duration_s: float, *, pulling: Mapping[str, float]) -> RunReport:
        """Return the run in numbers; *pulling* is the stage before all others, if there was one."""
        errors = (*self.errors, *(self.journal.errors if self.journal else ()))
        report = RunReport(
            run_id=self.run_id,
            target=self.target,
            dry_run=self.job.dry_run,
            source=self.job.sources,
            records_read=self.records,
            rejections=self.rejections,
            warnings=self.warnings,
            requests=dict(sorted(self.requests.items())),
            failed_requests=dict(sorted((+self.measures.failed_requests).items())),
            broken_rules=dict(self.measures.broken_rules.most_common()),
            consent=dict(self.measures.consent.most_common()),
            stages={**pulling, **self.measures.stages()},
            queue_depth=self.queue_depth,
            dead_letters=self.dead_letters,
            duration_s=round(duration_s, 3),
            exit_code=most_severe(self._exit_codes()),
            errors=tuple(errors[:MOST_ERRORS]),
        )
        return report if self.planned is None else self._with_plan(report, self.planned)

    def _with_plan(self, report: RunReport, planned: Planned) -> RunReport:
        plan, journal = planned.plan, self.journal
        skips = (c.reason.value for c in plan.changes if isinstance(c, Skip))
        return replace(
            report,
            folded=0 if self.job.kept_plan is not None else _count_statements(plan),
            retried=planned.input.retried,
            plan=plan.totals,
            digest=plan.digest,
            withheld=len(plan.withheld),
            outcomes=journal.counts if journal else report.outcomes,
            drift=plan.notes[Note.DRIFT_OVERWRITTEN] + plan.notes[Note.DRIFT_KEPT],
            skipped=dict(Counter(skips).most_common()),
            notes=count_notes(plan.notes),
            bill=dict(sorted(planned.routing.bill.items())),
        )

    def _exit_codes(self) -> Iterator[ExitCode]:
        yield from self.codes
        planned, journal = self.planned, self.journal
        if self.rejections:
            yield ExitCode.PARTIAL
        if planned is not None and planned.plan.withheld:
            yield ExitCode.REFUSED
        if self.job.dry_run and self.job.is_detailed and planned and planned.plan.writes:
            yield ExitCode.PENDING
        if journal is not None and (journal.counts.deferred or journal.counts.failed):
            yield ExitCode.PARTIAL
        if self.stop.reason.startswith("Brevo cannot be reached"):
            yield ExitCode.UNAVAILABLE


def _count_statements(plan: Plan) -> int:
    """Return how many records went into the changes of *plan* and into what it withholds."""
    return plan.unchanged.records + sum(
        change.statements if isinstance(change, Skip) else change.customer.statements
        for change in (*plan.changes, *plan.withheld)
    )
