"""Imports are started, waited for, read back, and looked for after a crash."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from builders import contact, customer
from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Contact, ContactPatch, Create, Email, Update, Write
from customer_sync.core.requests.bill import Route
from customer_sync.core.requests.jobs import (
    ImportRow,
    OpenJob,
    Process,
    ProcessId,
    ProcessState,
    RejectedRow,
)
from customer_sync.core.requests.routes import Batch
from customer_sync.errors import (
    BrevoError,
    BrevoRejected,
    BrevoUnavailable,
    ImportUncertain,
)
from customer_sync.run.importing import NEXT_LOOK_S, PATIENCE, finish_jobs, run_imports
from customer_sync.trouble import Code

T = TypeVar("T")
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Jobs:
    """An account whose jobs end after so many looks."""

    looks_needed: int = 1
    refusal: BrevoError | None = None
    is_arriving: bool = True
    """Whether a job begins although starting it raised something."""
    state: ProcessState = ProcessState.COMPLETED
    rejected: tuple[RejectedRow, ...] = ()
    started: list[dict[str, object]] = field(default_factory=list)
    looks: int = 0
    contacts: dict[Email, Contact] = field(default_factory=dict)

    async def start_import(
        self,
        rows: Sequence[ImportRow],
        *,
        list_ids: Iterable[int],
        email_blocked: bool = False,
        sms_blocked: bool = False,
        update_existing: bool = True,
    ) -> ProcessId:
        """Start a job, or fail."""
        if self.refusal is not None and not self.is_arriving:
            raise self.refusal
        self.started.append(
            {
                "rows": [row.email for row in rows],
                "lists": sorted(list_ids),
                "email_blocked": email_blocked,
                "update_existing": update_existing,
            }
        )
        if self.refusal is not None:
            raise self.refusal
        return ProcessId(len(self.started))

    async def processes(self) -> tuple[Process, ...]:
        """Show all jobs; they run until they were looked at often enough."""
        self.looks += 1
        state = self.state if self.looks >= self.looks_needed else ProcessState.RUNNING
        urls = {"invalid_emails": "url"} if self.rejected else {}
        return tuple(
            Process(id=ProcessId(n + 1), name="IMPORTUSER", state=state, rejected_urls=urls)
            for n in range(len(self.started))
        )

    async def rejected_rows(self, process: Process) -> tuple[RejectedRow, ...]:
        """Return what was left out."""
        return self.rejected

    async def read_back(self, emails: Sequence[Email], since: datetime) -> dict[Email, Contact]:
        """Return what is there now."""
        return {e: self.contacts[e] for e in emails if e in self.contacts}


@dataclass(slots=True)
class JobList:
    """Remembers which jobs are open."""

    names: dict[int, ProcessId | None] = field(default_factory=dict)
    over: set[int] = field(default_factory=set)

    def begin_job(self, rows: int) -> int:
        """Open a job."""
        job = len(self.names) + 1
        self.names[job] = None
        return job

    def name_job(self, job: int, process_id: ProcessId) -> None:
        """Name a job."""
        self.names[job] = process_id

    def end_job(self, job: int) -> None:
        """Close a job."""
        self.over.add(job)

    @property
    def open(self) -> set[int]:
        """The jobs that a next run would look for."""
        return set(self.names) - self.over


def batch(*emails: str, blocked: bool | None = None) -> Batch:
    """Return an import of new contacts."""
    patch = ContactPatch(add_lists=frozenset({5}), email_blocked=blocked)
    changes: Iterator[Write] = (
        Create(customer=customer(e), patch=patch, fields=()) for e in emails
    )
    return Batch(route=Route.IMPORT, changes=tuple(changes))


def simulate(work: Callable[[SimulatedClock], Awaitable[T]]) -> tuple[T, float]:
    """Do *work* in simulated time; return its result and how long it took."""
    clock = SimulatedClock(START)

    async def working() -> T:
        return await work(clock)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        return runner.run(working()), clock.monotonic()


def imported(
    account: Jobs, journal: JobList, *batches: Batch, is_stopped: bool = False
) -> dict[str, tuple[Contact | None, str, BrevoError | None]]:
    """Run imports and return what became of each address."""
    results, _ = simulate(
        lambda clock: run_imports(
            batches,
            account,
            journal,
            clock,
            read_back=account.read_back,
            is_stopped=lambda: is_stopped,
        )
    )
    return {r.change.customer.email: (r.contact, r.reason, r.error) for r in results}


def test_what_is_read_back_is_what_counts() -> None:
    """A completed job proves nothing; each row is looked at."""
    there = contact("a@example.com", lists=[5])
    account = Jobs(contacts={Email("a@example.com"): there})
    journal = JobList()
    found = imported(account, journal, batch("a@example.com", "b@example.com"))
    assert found == {"a@example.com": (there, "", None), "b@example.com": (None, "", None)}
    assert journal.open == set()


def test_rows_that_were_left_out_come_with_their_reason() -> None:
    """Brevo keeps them in files of their own, by whatever spelling of the address."""
    rejected = RejectedRow(reason="invalid_emails", fields={"email": "B@Example.com"})
    account = Jobs(rejected=(rejected,))
    found = imported(account, JobList(), batch("b@example.com"))
    assert found == {"b@example.com": (None, "invalid_emails", None)}


def test_flags_and_lists_are_those_of_the_job() -> None:
    """And whoever turned up meanwhile is not changed unseen."""
    account = Jobs()
    imported(account, JobList(), batch("a@example.com", blocked=True), batch("b@example.com"))
    assert account.started == [
        {
            "rows": ["a@example.com"],
            "lists": [5],
            "email_blocked": True,
            "update_existing": False,
        },
        {
            "rows": ["b@example.com"],
            "lists": [5],
            "email_blocked": False,
            "update_existing": False,
        },
    ]


def test_an_import_of_updates_goes_to_a_list_that_they_are_on() -> None:
    """And updates those who exist, by the address that Brevo knows."""
    before = contact("old@example.com", lists=[8, 6])
    change = Update(
        customer=customer("old@example.com"),
        before=before,
        patch=ContactPatch(attributes={"A": "x"}),
        fields=(),
    )
    account = Jobs()
    imported(account, JobList(), Batch(route=Route.IMPORT, changes=(change,)))
    assert account.started[0]["lists"] == [6]
    assert account.started[0]["update_existing"] is True


def test_all_jobs_are_watched_by_one_look_at_a_time() -> None:
    """The list of processes has a tiny budget of its own."""
    account = Jobs(looks_needed=3)
    many = [batch(f"c{n}@example.com") for n in range(20)]
    _, seconds = simulate(
        lambda clock: run_imports(
            many,
            account,
            JobList(),
            clock,
            read_back=account.read_back,
            is_stopped=lambda: False,
        )
    )
    assert account.looks == 3
    assert seconds > 2 * NEXT_LOOK_S


def test_a_job_that_does_not_end_is_left_to_the_next_run() -> None:
    """Its rows are deferred, and it stays open."""
    account, journal = Jobs(looks_needed=10_000), JobList()
    found = imported(account, journal, batch("a@example.com"))
    assert isinstance(found["a@example.com"][2], BrevoUnavailable)
    assert journal.open == {1}
    assert account.looks < PATIENCE.total_seconds() / NEXT_LOOK_S + 2


def test_a_job_that_brevo_will_not_start_leaves_its_rows_to_other_routes() -> None:
    """They have no contact, which is told without an error."""
    refusal = BrevoRejected("no", trouble=Code.REQUEST_REFUSED, status=400)
    account, journal = Jobs(refusal=refusal, is_arriving=False), JobList()
    assert imported(account, journal, batch("a@example.com")) == {"a@example.com": (None, "", None)}
    assert journal.open == set()


def test_an_outage_defers_the_rows() -> None:
    """Nothing was begun, so nothing is looked for."""
    outage = BrevoUnavailable("down", trouble=Code.BREVO_UNAVAILABLE)
    account, journal = Jobs(refusal=outage, is_arriving=False), JobList()
    assert imported(account, journal, batch("a@example.com")) == {
        "a@example.com": (None, "", outage)
    }
    assert journal.open == set()


@pytest.mark.parametrize("is_arriving", [True, False])
def test_a_lost_answer_is_settled_by_looking(*, is_arriving: bool) -> None:
    """The job is never sent twice; the contacts tell whether it arrived."""
    there = contact("a@example.com", lists=[5])
    contacts = {Email("a@example.com"): there} if is_arriving else {}
    account = Jobs(
        refusal=ImportUncertain("lost", trouble=Code.IMPORT_UNCERTAIN),
        is_arriving=is_arriving,
        looks_needed=2 if is_arriving else 1,
        contacts=contacts,
    )
    journal = JobList()
    found = imported(account, journal, batch("a@example.com"))
    assert found["a@example.com"] == (there if is_arriving else None, "", None)
    assert len(account.started) == is_arriving
    assert journal.open == set()


def test_a_stopped_run_starts_no_job() -> None:
    """Its rows wait."""
    account, journal = Jobs(), JobList()
    found = imported(account, journal, batch("a@example.com"), is_stopped=True)
    assert isinstance(found["a@example.com"][2], BrevoUnavailable)
    assert account.started == []
    assert journal.open == set()


@pytest.mark.parametrize("process_id", [ProcessId(1), None])
def test_the_next_run_waits_for_a_job_that_a_crash_left(process_id: ProcessId | None) -> None:
    """Whether its name is known or not; then it is over."""
    account, journal = Jobs(looks_needed=3, started=[{}]), JobList()
    job = OpenJob(id=journal.begin_job(1), process_id=process_id, started_at=START)
    simulate(lambda clock: finish_jobs([job], account, journal.end_job, clock))
    assert account.looks == 3
    assert journal.open == set()
