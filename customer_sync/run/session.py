"""One command from beginning to end: the lock, the state, the connection, the work, the report."""

import asyncio
import itertools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from customer_sync.clock import Clock
from customer_sync.config import Config
from customer_sync.core.plan import Plan
from customer_sync.core.validate import EventValidator
from customer_sync.errors import CustomerSyncError, ExitCode, StoreDamaged
from customer_sync.event_schema import event_schema
from customer_sync.partitions.spill import SpillRoom
from customer_sync.past.undo_journal import UndoJournal
from customer_sync.past.undoing import PlannedUndo, make_ready_to_undo, remarks
from customer_sync.platforms.asking import wanted_by
from customer_sync.platforms.blockwise import open_each
from customer_sync.platforms.reading import Asked, read
from customer_sync.proof.selftest import refuse_failing
from customer_sync.pull.order import platform_of
from customer_sync.pull.taking import Taking
from customer_sync.run.apply import StopSign
from customer_sync.run.audience import Audience
from customer_sync.run.chronicle import Chronicle
from customer_sync.run.edges import Edges
from customer_sync.run.heralds import Herald, NoHerald
from customer_sync.run.intake import BlockIntake, Intake, WholeIntake
from customer_sync.run.job import Job
from customer_sync.run.journal import RunJournal
from customer_sync.run.listening import Listener
from customer_sync.run.measures import Measures, NoTrace, Trace
from customer_sync.run.pipeline import Planned, carry_out, make_ready, make_ready_again
from customer_sync.run.rejects import REJECTS_FILE, RejectSpool
from customer_sync.run.report import RunReport
from customer_sync.run.stopping import Stopping, hearing_signals
from customer_sync.run.withholding import WITHHELD_FILE, withheld_again, withhold
from customer_sync.store import RunLock, Store, begins_anew, setting_aside
from customer_sync.target import Connection, state_file

IN_FLIGHT = 32
"""Requests under way at a time: enough for 60 a second at half a second each."""

_ENDED_WELL = frozenset({ExitCode.OK, ExitCode.PARTIAL, ExitCode.REFUSED})
"""What was taken in is written, or kept: rejected, queued or withheld."""


class Session:
    """Runs one job against one state folder, once."""

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
        clock: Clock | None = None,
    ) -> None:
        """Prepare the run; without *clock* it lives by that of its target."""
        self._config = config
        self._state = state
        self._job = job
        self._connection = Connection(config=config, state=state, environ=os.environ)
        self._clock = clock or self._connection.clock()
        self._trace = trace or NoTrace()
        self._herald = NoHerald() if herald is None or job.dry_run else herald
        self._stop = StopSign()
        self._spool = RejectSpool()
        self._files = tuple(one for one in job.sources if platform_of(one) is None)
        self._taking = Taking(config, job.sources, job.since, watch, on_request=watch.shop_request)
        self._so_far = Chronicle(
            run_id=run_id,
            target=str(config.brevo.target),
            job=job,
            measures=Measures(self._clock, self._trace),
            stop=self._stop,
        )
        self._audience = Audience(self._so_far, self._spool, watch, self._herald)
        self._stopping = Stopping(self._so_far, self._stop, self._taking.brake)

    @property
    def planned(self) -> Planned | None:
        """The plan, once it is made."""
        return self._so_far.planned

    @property
    def failure(self) -> CustomerSyncError | None:
        """What stopped the job, if anything did."""
        return self._so_far.failure

    def stop(self) -> None:
        """End soon, asked from any thread: what is in flight is finished, the rest is queued.

        Before anything is written it ends at once, and keeps nothing.
        """
        self._stopping.from_outside()

    def run(self, on_planned: Callable[[Planned], None]) -> RunReport:
        """Do the job and return what came of it; a failure is in the report, not raised.

        *on_planned* is called with the plan before anything is written.
        """
        started = self._clock.monotonic()
        self._trace.begin(self._so_far.run_id, self._job.command, self._clock.now())
        try:
            report = self._run(on_planned, started)
        except Exception:
            self._herald.end(replace(self._report(started), exit_code=ExitCode.BUG), None)
            raise
        self._so_far.measures.end(report)
        return report

    # ------------------------------------------------------------ around the work

    def _run(self, on_planned: Callable[[Planned], None], started: float) -> RunReport:
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
                SpillRoom(self._state) as room,
            ):
                self._note_takeover(lock)
                self._begin(store)
                self._run_in(store, room, on_planned)
                return self._end(store, started)
        except CustomerSyncError as error:
            # A disk that is full stops the run, and then also the note of how it ended.
            if self.failure is None:
                self._so_far.fail(error)
            report = self._report(started)
            self._herald.end(report, None)
            return report

    @property
    def _state_file(self) -> Path:
        return self._state / state_file(self._config.brevo.target)

    def _open_store(self) -> Store:
        is_anew = begins_anew(self._state_file)
        store = Store(
            self._state_file,
            may_begin_anew=self._job.options.is_refresh,
            is_checked=self._job.is_checked,
        )
        if is_anew:
            waiting, dead = store.queue_counts()
            self._so_far.note(
                "The state was begun anew. Of the damaged one, "
                f"{store.count_suppressed():,} entries about people who said no and "
                f"{waiting + dead:,} changes that waited could be read and were taken over."
            )
        return store

    def _note_takeover(self, lock: RunLock) -> None:
        if lock.taken_over:
            self._so_far.note(
                f"The run before was cut off ({lock.taken_over}); "
                "what it left undone is in the retry queue."
            )

    def _begin(self, store: Store) -> None:
        if not self._job.dry_run:
            store.begin_run(self._so_far.run_id, self._job.command, self._clock.now())
            self._herald.begin(store)

    def _end(self, store: Store, started: float) -> RunReport:
        self._so_far.queue_depth, self._so_far.dead_letters = store.queue_counts()
        report = self._report(started)
        if not self._job.dry_run:
            if self.failure is None and report.exit_code in _ENDED_WELL:
                self._taking.note_taken(store)
            store.finish_run(
                report.run_id, self._clock.now(), ExitCode(report.exit_code), report.to_json()
            )
            self._herald.end(report, store)
        return report

    def _report(self, started: float) -> RunReport:
        has_pulled = len(self._files) < len(self._job.sources)
        pulling = {"pull": round(self._taking.seconds, 3)} if has_pulled else {}
        return self._so_far.report(self._clock.monotonic() - started, pulling=pulling)

    # ------------------------------------------------------------ the work

    def _run_in(self, store: Store, room: SpillRoom, on_planned: Callable[[Planned], None]) -> None:
        try:
            with hearing_signals(self._stopping.interrupt):
                asked = wanted_by(self._config)
                self._taking.take(store, asked, max_duration_s=self._job.max_duration_s)
                with asyncio.Runner(loop_factory=self._clock.new_event_loop) as runner:
                    runner.run(self._work(store, room, on_planned))
        except StoreDamaged:
            # Not a word more goes into that file.
            raise
        except CustomerSyncError as error:
            self._so_far.fail(error)
        except (KeyboardInterrupt, asyncio.CancelledError):
            self._so_far.interrupted()
        if not self._job.dry_run and self._so_far.is_read:
            read_whole = (*self._files, *self._taking.whole)
            self._spool.commit(self._state / REJECTS_FILE, read_whole)

    async def _work(
        self, store: Store, room: SpillRoom, on_planned: Callable[[Planned], None]
    ) -> None:
        loop, work = asyncio.get_running_loop(), asyncio.current_task()
        if work is not None:
            self._stopping.cancel = lambda: loop.call_soon_threadsafe(work.cancel)
        deadline = self._deadline(loop)
        self._so_far.measures.stage("prepare")
        async with self._connection.open(
            self._clock, on_request=self._audience.request, deadline=deadline
        ) as account:
            self._so_far.requests = account.requests
            self._stopping.hurry = lambda: loop.call_soon_threadsafe(account.hurry)
            edges = Edges(
                account=account,
                store=store,
                clock=self._clock,
                display=self._audience,
                room=room,
            )
            planned = await self._plan(edges)
            self._so_far.planned = planned
            on_planned(planned)
            if not self._job.dry_run:
                await self._write(planned, edges)

    def _deadline(self, loop: asyncio.AbstractEventLoop) -> float:
        """Return when the time of the run is over, and stop it then."""
        if self._job.max_duration_s is None:
            return float("inf")
        left_s = max(self._job.max_duration_s - self._taking.seconds, 0.0)
        loop.call_later(left_s, self._stop.raise_for, "--max-duration is over")
        return self._clock.monotonic() + left_s

    async def _plan(self, edges: Edges) -> Planned:
        job = self._job
        if job.undoing is not None:
            planned = await make_ready_to_undo(job.undoing, self._config, edges, job.options)
            self._so_far.errors.extend(remarks(planned))
            return planned
        if job.kept_plan is not None:
            return await make_ready_again(
                job.kept_plan,
                self._config,
                edges,
                job.options,
                made_at=job.made_at,
                parts=job.parts,
            )
        validator = EventValidator(event_schema(), now=self._clock.now())
        return await make_ready(
            self._config, self._intake(), validator, edges, job.options, is_dry=job.dry_run
        )

    def _intake(self) -> Intake:
        """Return what is to be read, in blocks where there is nothing but files that have some.

        What was received comes first, then what was pulled, then what is in files.
        """
        asked = Asked(
            source=self._job.source or self._config.source,
            is_forced=self._job.source is not None,
            wanted=wanted_by(self._config),
            encoding=self._job.encoding,
        )
        now, on_file = self._clock.now(), self._audience.file
        has_others = self._job.records or len(self._files) < len(self._job.sources)
        blocks = None if has_others else open_each(self._files, now=now, asked=asked)
        if blocks is not None:
            return BlockIntake(blocks, on_file, self._note_end)
        files = read(self._files, stdin=sys.stdin.buffer, now=now, asked=asked, on_file=on_file)
        others = itertools.chain(self._job.records, self._taking.records())
        size = sum(Path(one).stat().st_size for one in self._files if Path(one).is_file())
        return WholeIntake(itertools.chain(others, files), self._note_end, size=size)

    def _note_end(self) -> None:
        self._so_far.is_read = True

    async def _write(self, planned: Planned, edges: Edges) -> None:
        if planned.plan.withheld:
            self._withhold(planned.plan, edges.store)
        journal = self._journal(planned, edges.store)
        self._so_far.journal = journal
        self._herald.expect(len(planned.plan.writes))
        await carry_out(planned, edges, journal=journal, stop=self._stop, in_flight=IN_FLIGHT)

    def _withhold(self, plan: Plan, store: Store) -> None:
        if self._job.undoing is not None:
            self._so_far.errors.append(withheld_again(plan))
            return
        path, target = self._state / WITHHELD_FILE, self._config.brevo.target
        self._so_far.errors.extend(
            withhold(path, plan, store, target=target, now=self._clock.now())
        )

    def _journal(self, planned: Planned, store: Store) -> RunJournal:
        begin: Callable[..., RunJournal] = partial(RunJournal, confirmed=planned.confirmed)
        if isinstance(planned, PlannedUndo):
            begin = partial(UndoJournal, ways=planned.ways)
        return begin(
            self._so_far.run_id,
            store,
            self._clock,
            policy=self._config.policy,
            retry=self._config.retry,
            on_outcome=self._audience.outcome,
        )
