"""Import jobs made trustworthy: started, waited for, read back, and never believed unseen.

Brevo's answer to an import says only that a job began. What became of each row is found out
afterwards: by the files of rejected rows, and by reading the contacts back.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from customer_sync.clock import Clock
from customer_sync.core.model import Contact, Create, Email, Update
from customer_sync.core.requests.jobs import (
    ImportRow,
    OpenJob,
    Process,
    ProcessId,
    ProcessState,
    RejectedRow,
)
from customer_sync.core.requests.routes import Batch
from customer_sync.errors import BrevoError, BrevoRejected, BrevoUnavailable, ImportUncertain
from customer_sync.trouble import Code

IMPORT_NAME = "IMPORTUSER"
"""What Brevo calls a job that imports contacts."""

FIRST_LOOK_S = 15.0
ROWS_PER_SECOND = 1000
"""How fast an import is expected to be, to look at it for the first time when it may be done."""

NEXT_LOOK_S = 36.0
"""A hundred looks an hour is all that Brevo allows."""

PATIENCE = timedelta(minutes=45)
"""A job that runs longer is left to the next run."""


class JobAccount(Protocol):
    """Whatever runs import jobs. Every method may raise BrevoError."""

    async def start_import(
        self,
        rows: Sequence[ImportRow],
        *,
        list_ids: Iterable[int],
        email_blocked: bool = False,
        sms_blocked: bool = False,
        update_existing: bool = True,
    ) -> ProcessId:
        """Start a job."""
        ...

    async def processes(self) -> tuple[Process, ...]:
        """Fetch the latest jobs."""
        ...

    async def rejected_rows(self, process: Process) -> tuple[RejectedRow, ...]:
        """Fetch the rows that a job left out."""
        ...


class JobJournal(Protocol):
    """Whatever remembers jobs over a crash."""

    def begin_job(self, rows: int) -> int:
        """Note that a job of so many rows is about to be started; return its number."""
        ...

    def name_job(self, job: int, process_id: ProcessId) -> None:
        """Note what Brevo calls a job."""
        ...

    def end_job(self, job: int) -> None:
        """Note that a job is over, or never was."""
        ...


ReadBack = Callable[[Sequence[Email], datetime], Awaitable[dict[Email, Contact]]]
"""Fetches contacts that were modified since a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What reading back showed of one change."""

    change: Create | Update
    contact: Contact | None = None
    reason: str = ""
    """Why Brevo left the row out, in its own word."""
    error: BrevoError | None = None
    """Why nothing is known of it."""


async def run_imports(
    batches: Sequence[Batch],
    account: JobAccount,
    journal: JobJournal,
    clock: Clock,
    *,
    read_back: ReadBack,
    is_stopped: Callable[[], bool],
) -> list[Imported]:
    """Start a job for each of *batches*, wait for all, and say what became of each row.

    A job that Brevo refuses to start leaves its rows without a contact; one that is not over in
    time leaves them with an error and is looked for by the next run.
    """
    began_at = clock.now()
    started: list[tuple[OpenJob, Batch]] = []
    results: list[Imported] = []
    for batch in batches:
        if is_stopped():
            error = BrevoUnavailable(
                "the run was stopped before the import", trouble=Code.BROKEN_OFF
            )
            results += [Imported(change=c, error=error) for c in _rows_of(batch)]
            continue
        job = OpenJob(
            id=journal.begin_job(len(batch.changes)), process_id=None, started_at=began_at
        )
        try:
            process_id = await _start(batch, account)
        except ImportUncertain:
            started.append((job, batch))
        except BrevoRejected:
            journal.end_job(job.id)
            results += [Imported(change=c) for c in _rows_of(batch)]
        except BrevoError as error:
            journal.end_job(job.id)
            results += [Imported(change=c, error=error) for c in _rows_of(batch)]
        else:
            journal.name_job(job.id, process_id)
            named = OpenJob(id=job.id, process_id=process_id, started_at=began_at)
            started.append((named, batch))
    if started:
        results += await _settle(
            started, account, journal, clock, read_back=read_back, is_stopped=is_stopped
        )
    return results


async def finish_jobs(
    jobs: Sequence[OpenJob], account: JobAccount, end_job: Callable[[int], None], clock: Clock
) -> None:
    """Wait for jobs that an earlier run began, so that nothing is sent while they still write.

    What they did is then seen like everything else at Brevo.

    Raises:
        BrevoUnavailable: one of them still runs.
    """
    await _wait(jobs, account, clock, is_stopped=lambda: False, first_look_s=0.0)
    for job in jobs:
        end_job(job.id)


async def _start(batch: Batch, account: JobAccount) -> ProcessId:
    first = _rows_of(batch)[0]
    patch = first.patch
    is_creating = isinstance(first, Create)
    lists = patch.add_lists if isinstance(first, Create) else {min(first.before.list_ids)}
    return await account.start_import(
        list(map(import_row, _rows_of(batch))),
        list_ids=lists,
        email_blocked=bool(patch.email_blocked),
        sms_blocked=bool(patch.sms_blocked),
        # Whoever turned up at Brevo meanwhile is looked at before anything of it is changed.
        update_existing=not is_creating,
    )


def import_row(change: Create | Update) -> ImportRow:
    """Return *change* as a row of an import; flags and lists are the job's."""
    return ImportRow(email=_email(change), attributes=change.patch.attributes)


def _email(change: Create | Update) -> Email:
    known_as = change.before.email if isinstance(change, Update) else None
    return known_as or change.customer.email


def _rows_of(batch: Batch) -> list[Create | Update]:
    return [c for c in batch.changes if isinstance(c, Create | Update)]


async def _settle(
    started: Sequence[tuple[OpenJob, Batch]],
    account: JobAccount,
    journal: JobJournal,
    clock: Clock,
    *,
    read_back: ReadBack,
    is_stopped: Callable[[], bool],
) -> list[Imported]:
    changes = [c for _, batch in started for c in _rows_of(batch)]
    jobs = [job for job, _ in started]
    largest = max(len(batch.changes) for _, batch in started)
    try:
        ended = await _wait(
            jobs,
            account,
            clock,
            is_stopped=is_stopped,
            first_look_s=FIRST_LOOK_S + largest / ROWS_PER_SECOND,
        )
        reasons = await _reasons(ended, account)
        contacts = await read_back([_email(c) for c in changes], jobs[0].started_at)
    except BrevoError as error:
        return [Imported(change=c, error=error) for c in changes]
    for job in jobs:
        journal.end_job(job.id)
    return [
        Imported(change=c, contact=contacts.get(_email(c)), reason=reasons.get(_email(c), ""))
        for c in changes
    ]


async def _wait(
    jobs: Sequence[OpenJob],
    account: JobAccount,
    clock: Clock,
    *,
    is_stopped: Callable[[], bool],
    first_look_s: float,
) -> list[Process]:
    """Return the processes of *jobs* once all have ended.

    A job whose answer was lost is taken to be among the account's running imports, as long as
    there are any.
    """
    names = {job.process_id for job in jobs if job.process_id is not None}
    is_uncertain = any(job.process_id is None for job in jobs)
    until = clock.monotonic() + PATIENCE.total_seconds()
    pause = first_look_s
    while True:
        await _sleep(pause, clock, is_stopped)
        pause = NEXT_LOOK_S
        latest = await account.processes()
        running = [
            p
            for p in latest
            if p.state is ProcessState.RUNNING
            and (p.id in names or (is_uncertain and p.name == IMPORT_NAME))
        ]
        if not running:
            return [p for p in latest if p.id in names]
        if is_stopped() or clock.monotonic() > until:
            raise BrevoUnavailable(
                f"{len(running)} import jobs still run; the next run looks at what they did",
                trouble=Code.IMPORT_RUNNING,
            )


async def _sleep(seconds: float, clock: Clock, is_stopped: Callable[[], bool]) -> None:
    """Wait, but not longer than a second once the run is to stop."""
    until = clock.monotonic() + seconds
    while not is_stopped() and (left := until - clock.monotonic()) > 0:
        await clock.sleep(min(left, 1.0))


async def _reasons(processes: Iterable[Process], account: JobAccount) -> dict[Email, str]:
    """Return why rows were left out, by their address."""
    reasons = {}
    for process in processes:
        if not process.rejected_urls:
            continue
        for row in await account.rejected_rows(process):
            fields = {name.strip().upper(): value for name, value in row.fields.items()}
            reasons[Email(fields.get("EMAIL", "").strip().lower())] = row.reason
    return reasons
