"""One command from beginning to end: the lock, the state, the connection, signals, the report."""

import asyncio
import itertools
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType

from customer_sync.brevo.exchange import RequestEvent
from customer_sync.config import Config
from customer_sync.core.model import (
    FieldWarning,
    Note,
    Outcome,
    Record,
    Rejection,
    Skip,
)
from customer_sync.core.plan import Plan
from customer_sync.core.platforms import Platform
from customer_sync.core.validate import EventValidator
from customer_sync.errors import (
    CustomerSyncError,
    ExitCode,
    StoreDamaged,
    most_severe,
)
from customer_sync.event_schema import event_schema
from customer_sync.past.undo_journal import UndoJournal
from customer_sync.past.undoing import PlannedUndo, Undoing, make_ready_to_undo, remarks
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.reading import Asked, Taken, read
from customer_sync.platforms.wanting import wanted
from customer_sync.privacy import mask_text
from customer_sync.proof.selftest import refuse_failing
from customer_sync.pull.order import platform_of
from customer_sync.pull.taking import Taking
from customer_sync.pull.watermarks import Since
from customer_sync.run.apply import StopSign
from customer_sync.run.heralds import Herald, NoHerald
from customer_sync.run.journal import RunJournal
from customer_sync.run.listening import Listener
from customer_sync.run.measures import Measures, NoTrace, Trace
from customer_sync.run.pipeline import (
    Edges,
    Planned,
    RunOptions,
    carry_out,
    make_ready,
    make_ready_again,
)
from customer_sync.run.rejects import RejectSpool
from customer_sync.run.report import MOST_ERRORS, ReportedError, RunReport, count_notes
from customer_sync.run.withholding import WITHHELD_FILE, keep_withheld
from customer_sync.store import RunLock, Store, begins_anew, setting_aside
from customer_sync.target import Connection, state_file
from customer_sync.trouble import Code

IN_FLIGHT = 32
"""Requests under way at a time: enough for 60 a second at half a second each."""

_ENDED_WELL = frozenset({ExitCode.OK, ExitCode.PARTIAL, ExitCode.REFUSED})
"""What was taken in is written, or kept: rejected, queued or withheld."""

REJECTS_FILE = "rejects.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a command is to do."""

    command: str
    sources: tuple[str, ...] = ()
    kept_plan: Plan | None = None
    """A plan from a file, instead of sources."""
    made_at: datetime | None = None
    """When that plan was made."""
    dry_run: bool = False
    options: RunOptions = field(default_factory=RunOptions)
    max_duration_s: float | None = None
    is_detailed: bool = False
    """Let the exit code tell whether a dry run found changes."""
    encoding: str | None = None
    source: Platform | None = None
    """The platform, where it was named for this run; else the configuration says it."""
    since: Since | None = None
    """Of what is pulled, only what changed since then; None: everything."""
    undoing: Undoing | None = None
    """A run to be undone, instead of sources."""
    records: tuple[Record | Rejection, ...] = ()
    """What was received already, before what the sources hold."""


@dataclass(slots=True)
class _Progressed:
    """What is known of the run so far; a report can be made of it at any moment."""

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


class Session:
    """Runs one job against one state folder."""

    def __init__(
        self,
        config: Config,
        state: Path,
        job: Job,
        watch: Listener,
        *,
        run_id: str,
        trace: Trace | None = None,
        herald: Herald | None = None,
    ) -> None:
        self._config = config
        self._state = state
        self._job = job
        self._watch = watch
        self._run_id = run_id
        self._connection = Connection(config=config, state=state, environ=os.environ)
        self._clock = self._connection.clock()
        self._stop = StopSign()
        self._so_far = _Progressed()
        self._trace = trace or NoTrace()
        self._herald = NoHerald() if herald is None or job.dry_run else herald
        self._measures = Measures(self._clock, self._trace)
        self._spool = RejectSpool()
        self._cancel: Callable[[], object] | None = None
        """Breaks off whatever is in flight."""
        self._hurry: Callable[[], object] | None = None
        """Breaks off whatever waits to be in flight."""
        self._files = tuple(one for one in job.sources if platform_of(one) is None)
        self._taking = Taking(config, job.sources, job.since, watch, on_request=watch.shop_request)

    @property
    def planned(self) -> Planned | None:
        """The plan, once it is made."""
        return self._so_far.planned

    def run(self, on_planned: Callable[[Planned], None]) -> RunReport:
        """Do the job and return what came of it; a failure is in the report, not raised.

        *on_planned* is called with the plan before anything is written.
        """
        self._measures = Measures(self._clock, self._trace)
        self._trace.begin(self._run_id, self._job.command, self._clock.now())
        try:
            report = self._run(on_planned)
        except Exception:
            self._herald.end(replace(self._report(0.0), exit_code=ExitCode.BUG), None)
            raise
        self._measures.end(report)
        return report

    def _run(self, on_planned: Callable[[Planned], None]) -> RunReport:
        started = self._clock.monotonic()
        try:
            if self._job.undoing is None:
                # The way back follows the journal and not the configuration.
                refuse_failing(self._config)
            with (
                self._spool,
                RunLock(self._state / "lock", now=self._clock.now()) as lock,
                setting_aside(self._state_file, self._clock.now()),
                self._open_store() as store,
                self._taking,
            ):
                self._note_takeover(lock)
                if not self._job.dry_run:
                    store.begin_run(self._run_id, self._job.command, self._clock.now())
                    self._herald.begin(store)
                self._run_in(store, on_planned)
                self._so_far.queue_depth, self._so_far.dead_letters = store.queue_counts()
                report = self._report(self._clock.monotonic() - started)
                if not self._job.dry_run:
                    if self.failure is None and report.exit_code in _ENDED_WELL:
                        self._taking.note_taken(store)
                    store.finish_run(
                        self._run_id, self._clock.now(), report.exit_code, report.to_json()
                    )
                    self._herald.end(report, store)
                return report
        except CustomerSyncError as error:
            # A disk that is full stops the run, and then also the note of how it ended.
            if self.failure is None:
                self._note_failure(error)
            report = self._report(self._clock.monotonic() - started)
            self._herald.end(report, None)
            return report

    @property
    def _state_file(self) -> Path:
        return self._state / state_file(self._config.brevo.target)

    def _open_store(self) -> Store:
        is_anew = begins_anew(self._state_file)
        store = Store(self._state_file, may_begin_anew=self._job.options.is_refresh)
        if is_anew:
            self._note_beginning(store)
        return store

    def _note_beginning(self, store: Store) -> None:
        waiting, dead = store.queue_counts()
        self._so_far.errors.append(
            ReportedError(
                kind="note",
                message="The state was begun anew. Of the damaged one, "
                f"{store.count_suppressed():,} entries about people who said no and "
                f"{waiting + dead:,} changes that waited could be read and were taken over.",
            )
        )

    def _run_in(self, store: Store, on_planned: Callable[[Planned], None]) -> None:
        try:
            with _signals(self._interrupt):
                self._taking.take(store, self._wanted(), max_duration_s=self._job.max_duration_s)
                with asyncio.Runner(loop_factory=self._clock.new_event_loop) as runner:
                    runner.run(self._work(store, on_planned))
        except StoreDamaged:
            # Not a word more goes into that file.
            raise
        except CustomerSyncError as error:
            self._note_failure(error)
        except (KeyboardInterrupt, asyncio.CancelledError):
            self._so_far.codes.append(ExitCode.INTERRUPTED)
        if not self._job.dry_run and self._so_far.is_read:
            read_whole = (*self._files, *self._taking.whole)
            self._spool.commit(self._state / REJECTS_FILE, read_whole)

    async def _work(self, store: Store, on_planned: Callable[[Planned], None]) -> None:
        loop, work = asyncio.get_running_loop(), asyncio.current_task()
        if work is not None:
            self._cancel = lambda: loop.call_soon_threadsafe(work.cancel)
        deadline = float("inf")
        if self._job.max_duration_s is not None:
            left_s = max(self._job.max_duration_s - self._taking.seconds, 0.0)
            deadline = self._clock.monotonic() + left_s
            asyncio.get_running_loop().call_later(
                left_s, self._stop.raise_for, "--max-duration is over"
            )
        self._measures.stage("prepare")
        async with self._connection.open(
            self._clock, on_request=self._on_request, deadline=deadline
        ) as account:
            self._so_far.requests = account.requests
            self._hurry = lambda: loop.call_soon_threadsafe(account.hurry)
            edges = Edges(account=account, store=store, clock=self._clock, display=self)
            planned = await self._plan(edges)
            self._so_far.planned = planned
            on_planned(planned)
            if not self._job.dry_run:
                await self._write(planned, edges)

    async def _plan(self, edges: Edges) -> Planned:
        if self._job.undoing is not None:
            planned = await make_ready_to_undo(
                self._job.undoing, self._config, edges, self._job.options
            )
            self._so_far.errors.extend(remarks(planned))
            return planned
        if self._job.kept_plan is not None:
            return await make_ready_again(
                self._job.kept_plan,
                self._config,
                edges,
                self._job.options.route,
                made_at=self._job.made_at,
            )
        records = read(
            self._files,
            stdin=sys.stdin.buffer,
            now=self._clock.now(),
            asked=self._asked(),
            on_file=self._on_file,
        )
        validator = EventValidator(event_schema(), now=self._clock.now())
        return await make_ready(
            self._config,
            self._to_the_end(itertools.chain(self._job.records, self._taking.records(), records)),
            validator,
            edges,
            self._job.options,
        )

    def _asked(self) -> Asked:
        return Asked(
            source=self._job.source or self._config.source,
            is_forced=self._job.source is not None,
            wanted=self._wanted(),
            encoding=self._job.encoding,
        )

    def _wanted(self) -> Wanted:
        config = self._config
        return wanted(
            config.rules,
            include_guests=config.include_guests,
            consent_field=config.consent_field,
            records=config.records,
        )

    def _on_request(self, event: RequestEvent) -> None:
        self._measures.request(event)
        self._watch.request(event)

    def _on_outcome(self, outcome: Outcome) -> None:
        self._measures.outcome(outcome, is_news=self._job.undoing is None)
        self._herald.outcome(outcome)
        self._watch.outcome(outcome)

    def _on_file(self, taken: Taken) -> None:
        if not taken.is_plain:
            self._watch.note(str(taken))

    def _to_the_end(self, records: Iterator[Record | Rejection]) -> Iterator[Record | Rejection]:
        yield from records
        self._so_far.is_read = True

    async def _write(self, planned: Planned, edges: Edges) -> None:
        if planned.plan.withheld:
            self._withhold(planned.plan, edges.store)
        journal = self._journal(planned, edges.store)
        self._so_far.journal = journal
        self._herald.expect(len(planned.plan.writes))
        await carry_out(planned, edges, journal=journal, stop=self._stop, in_flight=IN_FLIGHT)

    def _journal(self, planned: Planned, store: Store) -> RunJournal:
        begin: Callable[..., RunJournal] = partial(RunJournal, confirmed=planned.confirmed)
        if isinstance(planned, PlannedUndo):
            begin = partial(UndoJournal, ways=planned.ways)
        return begin(
            self._run_id,
            store,
            self._clock,
            policy=self._config.policy,
            retry=self._config.retry,
            on_outcome=self._on_outcome,
        )

    def _withhold(self, plan: Plan, store: Store) -> None:
        if self._job.undoing is not None:
            self._so_far.errors.append(
                ReportedError(
                    kind="withheld",
                    message=f"{len(plan.withheld)} deletions were withheld: "
                    f"{plan.withheld_because}.",
                    hint="Undo the run once more with --max-deletes.",
                    trouble=Code.DELETIONS_WITHHELD,
                )
            )
            return
        path, target = self._state / WITHHELD_FILE, self._config.brevo.target
        changed = keep_withheld(path, plan, store, target=target, now=self._clock.now())
        self._so_far.errors.append(
            ReportedError(
                kind="withheld",
                message=f"{len(plan.withheld)} deletions were withheld: {plan.withheld_because}.",
                hint=f"Look at {path}; `customer-sync run --confirm-deletes {path}` applies them.",
                trouble=Code.DELETIONS_WITHHELD,
            )
        )
        if changed is not None:
            self._so_far.errors.append(
                ReportedError(
                    kind="note",
                    message=f"{path} had been changed since it was written and was put aside as "
                    f"{changed.name}; the deletions in it are withheld no more, nor applied.",
                    hint="Whatever the shop still says about them has to come once more.",
                )
            )

    # ------------------------------------------------------------ what the pipeline shows

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins."""
        self._measures.stage(name)
        self._watch.stage(name, total)

    def step(self, count: int = 1) -> None:
        """So many records were read."""
        self._so_far.records += count
        self._watch.step(count)

    def rejection(self, rejection: Rejection) -> None:
        """Keep a record that cannot be used."""
        self._so_far.rejections += 1
        self._measures.rejection(rejection)
        self._spool.add(rejection)
        self._watch.rejection(rejection)
        for problem in rejection.problems:
            self._list_error(
                ReportedError(
                    kind="rejection",
                    message=mask_text(f"{problem.pointer or '/'}: {problem.detail}"),
                    where=str(rejection.place),
                    code=problem.rule,
                    trouble=problem.trouble,
                )
            )

    def warning(self, warning: FieldWarning) -> None:
        """Report a field that cannot be used."""
        self._so_far.warnings += 1
        self._watch.warning(warning)
        self._list_error(
            ReportedError(
                kind="warning",
                message=mask_text(f"{warning.field}: {warning.detail}"),
                where=str(warning.place),
                trouble=Code.FIELD,
            )
        )

    def _list_error(self, error: ReportedError) -> None:
        if len(self._so_far.errors) < MOST_ERRORS:
            self._so_far.errors.append(error)

    # ------------------------------------------------------------ how it ended

    def _interrupt(self, times: int) -> None:
        """Let the first interruption finish what is in flight, and the second stop at once.

        Before anything is written, the first one stops at once.
        """
        self._so_far.codes.append(ExitCode.INTERRUPTED)
        self._stop.raise_for("interrupted")
        if times == 1 and self._taking.brake.apply():
            return
        if times == 1 and self._so_far.journal is not None and self._hurry is not None:
            self._hurry()
            return
        if times == 2 and self._so_far.journal is not None and self._cancel is not None:
            # An exception raised here would end whichever request happens to be at work.
            self._cancel()
        elif times > 1 or self._so_far.journal is None:
            raise KeyboardInterrupt

    def stop(self) -> None:
        """End soon, asked from any thread: what is in flight is finished, the rest is queued.

        Before anything is written it ends at once, and keeps nothing.
        """
        self._so_far.codes.append(ExitCode.INTERRUPTED)
        self._stop.raise_for("interrupted")
        if self._taking.brake.apply():
            return
        end = self._cancel if self._so_far.journal is None else self._hurry
        # The event loop may have ended meanwhile, and the work with it.
        with suppress(RuntimeError):
            if end is not None:
                end()

    def _note_takeover(self, lock: RunLock) -> None:
        if lock.taken_over:
            self._so_far.errors.append(
                ReportedError(
                    kind="note",
                    message=f"The run before was cut off ({lock.taken_over}); "
                    "what it left undone is in the retry queue.",
                )
            )

    def _note_failure(self, error: CustomerSyncError) -> None:
        self._so_far.errors.insert(0, ReportedError.of(error))
        self._so_far.codes.append(error.exit_code)
        self.failure = error

    failure: CustomerSyncError | None = None
    """What stopped the job, if anything did."""

    def _exit_codes(self) -> Iterator[ExitCode]:
        yield from self._so_far.codes
        planned, journal = self._so_far.planned, self._so_far.journal
        if self._so_far.rejections:
            yield ExitCode.PARTIAL
        if planned is not None and planned.plan.withheld:
            yield ExitCode.REFUSED
        if self._job.dry_run and self._job.is_detailed and planned and planned.plan.writes:
            yield ExitCode.PENDING
        if journal is not None and (journal.counts.deferred or journal.counts.failed):
            yield ExitCode.PARTIAL
        if self._stop.reason.startswith("Brevo cannot be reached"):
            yield ExitCode.UNAVAILABLE

    def _stages(self) -> dict[str, float]:
        has_pulled = len(self._files) < len(self._job.sources)
        pulling = {"pull": round(self._taking.seconds, 3)} if has_pulled else {}
        return {**pulling, **self._measures.stages()}

    def _report(self, duration_s: float) -> RunReport:
        so_far, planned, journal = self._so_far, self._so_far.planned, self._so_far.journal
        errors = (*so_far.errors, *(journal.errors if journal else ()))
        report = RunReport(
            run_id=self._run_id,
            target=str(self._config.brevo.target),
            dry_run=self._job.dry_run,
            source=self._job.sources,
            records_read=so_far.records,
            rejections=so_far.rejections,
            warnings=so_far.warnings,
            requests=dict(sorted(so_far.requests.items())),
            failed_requests=dict(sorted((+self._measures.failed_requests).items())),
            broken_rules=dict(self._measures.broken_rules.most_common()),
            consent=dict(self._measures.consent.most_common()),
            stages=self._stages(),
            queue_depth=so_far.queue_depth,
            dead_letters=so_far.dead_letters,
            duration_s=round(duration_s, 3),
            exit_code=most_severe(self._exit_codes()),
            errors=tuple(errors[:MOST_ERRORS]),
        )
        if planned is None:
            return report
        skips = (c.reason.value for c in planned.plan.changes if isinstance(c, Skip))
        return replace(
            report,
            folded=0 if self._job.kept_plan is not None else _count_statements(planned.plan),
            retried=planned.input.retried,
            plan=planned.plan.totals,
            digest=planned.plan.digest,
            withheld=len(planned.plan.withheld),
            outcomes=journal.counts if journal else report.outcomes,
            drift=planned.plan.notes[Note.DRIFT_OVERWRITTEN] + planned.plan.notes[Note.DRIFT_KEPT],
            skipped=dict(Counter(skips).most_common()),
            notes=count_notes(planned.plan.notes),
            bill=dict(sorted(planned.routing.bill.items())),
        )


def _count_statements(plan: Plan) -> int:
    """Return how many records went into the changes of *plan* and into what it withholds."""
    return sum(
        change.statements if isinstance(change, Skip) else change.customer.statements
        for change in (*plan.changes, *plan.withheld)
    )


@contextmanager
def _signals(on_interrupt: Callable[[int], None]) -> Iterator[None]:
    """Call *on_interrupt* at each Ctrl-C or SIGTERM, with how many there have been.

    Only the main thread hears signals; in any other one, whoever began the thread stops it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    times = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        on_interrupt(times)

    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in watched]
    try:
        yield
    finally:
        for number, handler in zip(watched, before, strict=True):
            signal.signal(number, handler)
