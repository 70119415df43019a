"""The sync for other programs: values in, values out, and nothing said unasked."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import msgspec

from customer_sync.config import Config, load, parse_platform
from customer_sync.config.mappings import from_mapping
from customer_sync.core.model import Place, Problem, Record, Rejection
from customer_sync.core.plan import Plan
from customer_sync.core.platforms import Platform
from customer_sync.errors import ConfigError
from customer_sync.hushing import OUR_THREADS, hush_our_threads
from customer_sync.monitoring.looking import Looking
from customer_sync.monitoring.watching import Status
from customer_sync.notify.appointing import herald_for
from customer_sync.platforms.asking import wanted_by
from customer_sync.platforms.format import Decoded
from customer_sync.platforms.reading import Asked, understand_each
from customer_sync.plugins import load_plugins
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.listening import Listener, Progress
from customer_sync.run.pipeline import Planned
from customer_sync.run.report import RunReport
from customer_sync.run.run_id import new_run_id
from customer_sync.run.session import Session
from customer_sync.target import Connection
from customer_sync.trouble import Code

Settings: TypeAlias = Config | Mapping[str, object] | str | Path
"""A configuration: its file, what would stand in one, or one that was read already."""

Records: TypeAlias = Iterable[object] | Mapping[str, object]
"""Records of your own, or one; whatever JSON can express, also in dataclasses."""

STATE = ".customer-sync"
"""The folder of the state where none is named: beside the configuration, or in the current folder
where that stands in no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a run would do."""

    report: RunReport
    plan: Plan
    bill: Mapping[str, int]
    """The requests it would take, by route."""


class CustomerSync:
    """Keeps the contacts of one Brevo account identical to a shop's customers.

    Every call works in a thread of its own, with or without an event loop around it; it prints
    nothing, logs nothing and leaves signals alone. Only one at a time may hold the state: another
    raises StoreBusy. What stops a call is raised, as the package's own errors; what went wrong with
    single records or contacts is in the report.
    """

    def __init__(
        self,
        config: Settings,
        *,
        state: str | Path | None = None,
        progress: Listener | None = None,
    ) -> None:
        """Read *config*; *progress* is told how each call gets on.

        Raises:
            ConfigError: it, or an installed extension, cannot be used.
        """
        load_plugins()
        self.config = _config(config)
        self.state = Path(state) if state is not None else self.config.path.parent / STATE
        self._progress: Listener = progress or Progress()

    def __repr__(self) -> str:
        config = self.config
        return f"CustomerSync({config.source} to {config.brevo.target}, state in {self.state})"

    # ------------------------------------------------------------ at once

    def run(
        self,
        *sources: str | Path,
        records: Records = (),
        options: RunOptions | None = None,
        source: Platform | str | None = None,
        max_duration_s: float | None = None,
    ) -> RunReport:
        """Bring Brevo in line with *sources* and *records*.

        Sources are what the command line takes: files, folders, globs, `shopify:`. Records are
        events, or customers as a platform lists them. *source* says which platform they are from,
        where that is not what the configuration says. Without sources and records, what is due in
        the retry queue is tried.

        Raises:
            CustomerSyncError: whatever stopped it; the state knows what was done until then.
        """
        job = self._job(
            "run", sources, records, options=options, source=source, max_duration_s=max_duration_s
        )
        return _wait(self._begin(job))[0]

    def plan(
        self,
        *sources: str | Path,
        records: Records = (),
        options: RunOptions | None = None,
        source: Platform | str | None = None,
    ) -> Preview:
        """Return what `run` would do; nothing is written.

        Raises:
            CustomerSyncError: whatever stopped it.
        """
        job = self._job("plan", sources, records, options=options, source=source)
        return _preview(*_wait(self._begin(job)))

    def trigger(self, event: Mapping[str, object]) -> RunReport:
        """Carry one event through: `event`, `data`, and a `timestamp`, which is now if missing.

        Raises:
            CustomerSyncError: whatever stopped it.
        """
        return self.run(records=[self._timed(event)])

    def status(self, since: timedelta = timedelta(days=1)) -> Status:
        """Tell whether the sync works, and its figures since so long ago; waits for no run.

        Raises:
            StoreError: the state cannot be read.
        """
        return Looking(config=self.config, folder=self.state, span=since).status()

    # ------------------------------------------------------------ in an event loop

    async def arun(
        self,
        *sources: str | Path,
        records: Records = (),
        options: RunOptions | None = None,
        source: Platform | str | None = None,
        max_duration_s: float | None = None,
    ) -> RunReport:
        """Do as `run` does, while the event loop goes on.

        Cancelled, it finishes what is in flight, leaves the rest to the retry queue, and only then
        ends.
        """
        job = self._job(
            "run", sources, records, options=options, source=source, max_duration_s=max_duration_s
        )
        return (await _await(self._begin(job)))[0]

    async def aplan(
        self,
        *sources: str | Path,
        records: Records = (),
        options: RunOptions | None = None,
        source: Platform | str | None = None,
    ) -> Preview:
        """Do as `plan` does, while the event loop goes on."""
        job = self._job("plan", sources, records, options=options, source=source)
        return _preview(*await _await(self._begin(job)))

    async def atrigger(self, event: Mapping[str, object]) -> RunReport:
        """Do as `trigger` does, while the event loop goes on."""
        return await self.arun(records=[self._timed(event)])

    async def astatus(self, since: timedelta = timedelta(days=1)) -> Status:
        """Do as `status` does, while the event loop goes on."""
        return await asyncio.to_thread(self.status, since)

    # ------------------------------------------------------------ how

    def _job(
        self,
        command: str,
        sources: Iterable[str | Path],
        records: Records,
        *,
        options: RunOptions | None,
        source: Platform | str | None,
        max_duration_s: float | None = None,
    ) -> Job:
        platform = _platform(source)
        return Job(
            command=command,
            sources=tuple(str(one) for one in sources),
            records=tuple(self._understood(records, platform)),
            dry_run=command == "plan",
            options=options or RunOptions(),
            source=platform,
            max_duration_s=max_duration_s,
        )

    def _begin(self, job: Job) -> "_Work":
        if not self.config.enabled and not job.dry_run:
            raise ConfigError(
                f"customer-sync is disabled in {self.config.path}.",
                trouble=Code.CONFIGURATION,
                hint="Set `enabled: true` there.",
            )
        run_id = new_run_id()
        herald = herald_for(
            self.config, self.state, command=job.command, run_id=run_id, is_dry=job.dry_run
        )
        session = Session(
            self.config, self.state, job, self._progress, run_id=run_id, herald=herald
        )
        return _Work(session)

    def _understood(self, records: Records, source: Platform | None) -> Iterator[Decoded]:
        config = self.config
        asked = Asked(
            source=source or config.source,
            is_forced=source is not None,
            wanted=wanted_by(config),
        )
        now = self._now()
        several = [records] if isinstance(records, Mapping) else records
        given = (_record(content, line, now) for line, content in enumerate(several, start=1))
        return understand_each(given, asked)

    def _timed(self, event: object) -> object:
        if not isinstance(event, Mapping) or event.get("timestamp") is not None:
            # What is no event is rejected as any other record.
            return event
        return {**event, "timestamp": self._now().isoformat()}

    def _now(self) -> datetime:
        """Return the time that runs live by; the sandbox's may be ahead of ours."""
        return Connection(config=self.config, state=self.state, environ={}).clock().now()


class _Work:
    """A session in a thread of its own, where it neither meets an event loop nor hears signals."""

    def __init__(self, session: Session) -> None:
        self.session = session
        hush_our_threads()
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=OUR_THREADS)
        self.future: Future[RunReport] = executor.submit(session.run, _pass)
        executor.shutdown(wait=False)

    def result(self) -> tuple[RunReport, Planned | None]:
        """Return the report and the plan of a session that has ended, or raise what stopped it."""
        report = self.future.result()
        if self.session.failure is not None:
            raise self.session.failure
        return report, self.session.planned


def _wait(work: _Work) -> tuple[RunReport, Planned | None]:
    try:
        return work.result()
    except KeyboardInterrupt:
        work.session.stop()
        work.future.result()
        raise


async def _await(work: _Work) -> tuple[RunReport, Planned | None]:
    ending = asyncio.wrap_future(work.future)
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        work.session.stop()
        await asyncio.wait([ending])
        raise
    return work.result()


def _pass(_planned: Planned) -> None:
    """Let the plan pass unseen."""


def _preview(report: RunReport, planned: Planned | None) -> Preview:
    if planned is None:
        raise ConfigError("The planning was broken off.", trouble=Code.BROKEN_OFF)
    return Preview(report=report, plan=planned.plan, bill=planned.routing.bill)


def _config(settings: Settings) -> Config:
    match settings:
        case Config():
            return settings
        case Mapping():
            return from_mapping(settings, Path("the configuration"))
        case _:
            return load(Path(settings))


def _platform(name: str | None) -> Platform | None:
    """Return the platform of that name.

    Raises:
        ConfigError: there is none.
    """
    if name is None:
        return None
    try:
        return parse_platform(name)
    except ValueError as error:
        raise ConfigError(str(error), trouble=Code.COMMAND_LINE) from error


def _record(content: object, number: int, now: datetime) -> Decoded:
    """Return one given record; times, decimals and the like become what they are in JSON."""
    place = Place(file="records", line=number)
    plain = dict(content) if isinstance(content, Mapping) else content
    try:
        return Record(
            place=place, content=msgspec.to_builtins(plain, str_keys=True), written_at=now
        )
    except (TypeError, ValueError, RecursionError):
        problem = Problem(pointer="", rule="json", detail="This holds what JSON cannot express.")
        return Rejection(place=place, problems=(problem,), content=None)
