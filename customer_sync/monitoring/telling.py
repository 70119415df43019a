"""What is told of a run in its log: its stages, its requests, what came of each change."""

import logging
from datetime import datetime
from traceback import FrameSummary, extract_tb
from typing import TYPE_CHECKING

from customer_sync import __version__
from customer_sync.brevo.exchange import Attempt, RateWait, RequestEvent, Retry
from customer_sync.console import Watch
from customer_sync.core.model import (
    Applied,
    Change,
    Deferred,
    Failed,
    FieldWarning,
    Keep,
    Outcome,
    Rejection,
    Skip,
)
from customer_sync.core.plan import Plan
from customer_sync.errors import CustomerSyncError, ExitCode
from customer_sync.monitoring.log_lines import VERBOSE
from customer_sync.monitoring.logs import RunLog
from customer_sync.pull.client import ShopRequest
from customer_sync.run.measures import Trace, has_failed
from customer_sync.run.report import ReportedError, RunReport
from customer_sync.trouble import Code

if TYPE_CHECKING:
    from rich.console import Console

_TOLD_ALREADY = frozenset({"rejection", "warning", "failed", "deferred"})
"""Kinds of reported errors that have their lines when they happen."""


class LoggedTrace:
    """A trace that writes the log of a run, and lets another one follow too."""

    def __init__(self, log: RunLog, other: Trace, *, target: str, dry_run: bool) -> None:
        self._log = log
        self._other = other
        self._target = target
        self._dry_run = dry_run
        self._stage: tuple[str, datetime] | None = None

    def begin(self, run_id: str, command: str, now: datetime) -> None:
        """A run begins."""
        self._log.tell(
            logging.INFO,
            "run_begins",
            command=command,
            target=self._target,
            dry_run=self._dry_run,
            version=__version__,
        )
        self._other.begin(run_id, command, now)

    def stage(self, name: str, now: datetime) -> None:
        """Tell how long the stage before took."""
        self._end_stage(now)
        self._stage = name, now
        self._log.tell(logging.DEBUG, "stage_begins", stage=name)
        self._other.stage(name, now)

    def _end_stage(self, now: datetime) -> None:
        if self._stage is not None:
            name, since = self._stage
            seconds = round((now - since).total_seconds(), 3)
            self._log.tell(logging.INFO, "stage_ended", stage=name, seconds=seconds)
            self._stage = None

    def request(self, attempt: Attempt, now: datetime) -> None:
        """Tell of a request: its route as a template, never an address nor what it carried."""
        tell_request(self._log, attempt)
        self._other.request(attempt, now)

    def arrived(self, latency_s: float) -> None:
        """Let it pass: the outcome is told."""
        self._other.arrived(latency_s)

    def end(self, report: RunReport, now: datetime) -> None:
        """Tell what went wrong, and how it ended, in numbers."""
        self._end_stage(now)
        for error in report.errors:
            if error.kind not in _TOLD_ALREADY:
                _tell_error(self._log, error)
        outcomes = report.outcomes
        self._log.tell(
            _level_of(report.exit_code),
            "run_ended",
            exit_code=int(report.exit_code),
            exit=ExitCode(report.exit_code).name,
            seconds=report.duration_s,
            records=report.records_read,
            rejections=report.rejections,
            warnings=report.warnings,
            kept=report.plan.keep,
            skipped=report.plan.skip,
            withheld=report.withheld,
            applied=outcomes.applied,
            deferred=outcomes.deferred,
            failed=outcomes.failed,
            requests=sum(report.requests.values()),
            queue_depth=report.queue_depth,
            dead_letters=report.dead_letters,
            stages=report.stages,
        )
        self._other.end(report, now)


class LoggedWatch(Watch):
    """A display that also writes what it is shown to the log of the run."""

    def __init__(
        self, console: "Console", log: RunLog, *, is_quiet: bool, is_verbose: bool
    ) -> None:
        super().__init__(console, is_quiet=is_quiet, is_verbose=is_verbose)
        self._log = log

    def rejection(self, rejection: Rejection) -> None:
        """Tell of a record that cannot be used, by every rule that it breaks."""
        for problem in rejection.problems:
            self._log.tell(
                VERBOSE,
                "record_rejected",
                where=str(rejection.place),
                code=problem.trouble,
                rule=problem.rule,
                pointer=problem.pointer,
                detail=problem.detail,
            )
        super().rejection(rejection)

    def note(self, line: str) -> None:
        """Tell something that the operator should hear."""
        self._log.tell(logging.INFO, "note", detail=line)
        super().note(line)

    def warning(self, warning: FieldWarning) -> None:
        """Tell of a field that cannot be used."""
        self._log.tell(
            VERBOSE,
            "field_left_out",
            where=str(warning.place),
            code=Code.FIELD,
            field=warning.field,
            detail=warning.detail,
        )
        super().warning(warning)

    def outcome(self, outcome: Outcome) -> None:
        """Tell what came of a change."""
        _tell_outcome(self._log, outcome)
        super().outcome(outcome)

    def request(self, event: RequestEvent) -> None:
        """Tell of retries and waits; requests themselves are told by the trace."""
        match event:
            case Attempt():
                pass
            case Retry():
                self._log.tell(
                    VERBOSE,
                    "retry",
                    route=event.route,
                    attempt=event.number,
                    reason=event.reason,
                    wait_ms=_ms(event.seconds),
                )
            case RateWait():
                self._log.tell(
                    logging.INFO, "rate_limit", family=event.family, wait_ms=_ms(event.seconds)
                )
        super().request(event)

    def shop_request(self, request: ShopRequest) -> None:
        """Tell of a request to the shop: its path, never what was asked for nor a secret."""
        method, _, route = request.route.partition(" ")
        self._log.tell(
            VERBOSE,
            "shop_request",
            method=method,
            route=route,
            status=request.status,
            error=request.error or None,
            ms=_ms(request.seconds),
            attempt=request.attempt,
            wait_ms=_ms(request.waited_s),
        )
        super().shop_request(request)


def tell_request(log: RunLog, attempt: Attempt) -> None:
    """Tell of one request in one line."""
    method, _, route = attempt.route.partition(" ")
    log.tell(
        VERBOSE,
        "request",
        method=method,
        route=route,
        status=attempt.status,
        error=attempt.error or None,
        ms=_ms(attempt.seconds),
        attempt=attempt.number,
        wait_ms=_ms(attempt.waited_s),
        failed=has_failed(attempt),
    )


def tell_plan(log: RunLog, plan: Plan) -> None:
    """Tell what is going to be done: in numbers, and where asked for change by change."""
    totals = plan.totals
    log.tell(
        logging.INFO,
        "planned",
        create=totals.create,
        update=totals.update,
        delete=totals.delete,
        keep=totals.keep,
        skip=totals.skip,
        withheld=len(plan.withheld),
        digest=plan.digest,
    )
    if log.wants(logging.DEBUG):
        for change in plan.changes:
            _tell_change(log, change)


def _tell_change(log: RunLog, change: Change) -> None:
    kind = type(change).__name__.lower()
    match change:
        case Keep():
            log.tell(logging.DEBUG, "change", kind=kind, contact=change.customer.email)
        case Skip():
            who = change.email or ", ".join(sorted(change.ids))
            log.tell(logging.DEBUG, "change", kind=kind, contact=who, reason=change.reason.value)
        case _:
            names = ",".join(dict.fromkeys(field.name for field in change.fields))
            log.tell(
                logging.DEBUG, "change", kind=kind, contact=change.customer.email, fields=names
            )


def _tell_outcome(log: RunLog, outcome: Outcome) -> None:
    change = type(outcome.change).__name__.lower()
    contact = outcome.change.customer.email
    match outcome:
        case Applied():
            log.tell(
                VERBOSE,
                "applied",
                change=change,
                contact=contact,
                refused=",".join(outcome.refused) or None,
            )
        case Deferred():
            log.tell(
                logging.WARNING,
                "deferred",
                change=change,
                contact=contact,
                code=outcome.trouble,
                detail=outcome.error,
            )
        case Failed():
            log.tell(
                logging.WARNING,
                "failed",
                change=change,
                contact=contact,
                code=outcome.trouble,
                brevo_code=outcome.code or None,
                detail=outcome.detail,
            )


def _tell_error(log: RunLog, error: ReportedError) -> None:
    is_small = error.kind in {"note", "withheld"}
    log.tell(
        logging.WARNING if is_small else logging.ERROR,
        "note" if error.kind == "note" else error.kind if is_small else "error",
        code=error.trouble or None,
        kind=error.kind,
        where=error.where or None,
        detail=error.message,
        hint=error.hint or None,
    )


def tell_failure(log: RunLog, error: CustomerSyncError) -> None:
    """Tell what stopped a command."""
    _tell_error(log, ReportedError.of(error))


def tell_bug(log: RunLog, error: Exception) -> None:
    """Tell where the program broke; not what the exception says, which may be a customer."""
    frames = extract_tb(error.__traceback__)
    log.tell(
        logging.ERROR,
        "bug",
        kind=type(error).__name__,
        where=_place(frames[-1]) if frames else None,
        frames=" < ".join(map(_place, reversed(frames))),
    )


def _place(frame: FrameSummary) -> str:
    return f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"


def _level_of(exit_code: int) -> int:
    if exit_code in {ExitCode.OK, ExitCode.PENDING}:
        return logging.INFO
    mild = {ExitCode.PARTIAL, ExitCode.REFUSED, ExitCode.INTERRUPTED}
    return logging.WARNING if exit_code in mild else logging.ERROR


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
