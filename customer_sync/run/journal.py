"""What a run tried and what came of it: written to the state at once, counted for the report."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from msgspec.structs import replace

from customer_sync.clock import Clock
from customer_sync.config import RetrySettings
from customer_sync.core.changes.confirm import confirm
from customer_sync.core.changes.diff import recreate
from customer_sync.core.customers.homes import Identities
from customer_sync.core.customers.news import confirmed_before
from customer_sync.core.model import (
    Applied,
    Change,
    Confirmed,
    ContactId,
    Create,
    Customer,
    Dated,
    Deferred,
    Delete,
    Email,
    Failed,
    Keep,
    Outcome,
    Policy,
    Reason,
    Skip,
    Update,
    Write,
)
from customer_sync.core.requests.bill import Route
from customer_sync.core.requests.jobs import ProcessId
from customer_sync.core.undoing.past import GONE_ALREADY
from customer_sync.privacy import mask_email, mask_text
from customer_sync.run.report import MOST_ERRORS, OutcomeCounts, ReportedError
from customer_sync.store import QueueItem, Store
from customer_sync.trouble import Code


class RunJournal:
    """The journal of one run; `counts` and `errors` are what the report needs of it."""

    def __init__(
        self,
        run_id: str,
        store: Store,
        clock: Clock,
        *,
        policy: Policy,
        retry: RetrySettings,
        confirmed: Mapping[Email, Confirmed],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._run_id = run_id
        self._store = store
        self._clock = clock
        self._policy = policy
        self._retry = retry
        self._confirmed = dict(confirmed)
        self._on_outcome = on_outcome
        self._accepted = self._applied = self._failed = 0
        self.errors: list[ReportedError] = []
        """The first of them; all are counted."""

    @property
    def counts(self) -> OutcomeCounts:
        """The outcomes so far; what was accepted and has none is in the retry queue: deferred."""
        return OutcomeCounts(
            applied=self._applied,
            deferred=self._accepted - self._applied - self._failed,
            failed=self._failed,
        )

    def accept(self, writes: Sequence[Write]) -> None:
        """Queue every change before the first request, so that no crash can lose one.

        Each leaves the queue with its success.
        """
        now = self._clock.now()
        self._store.accept(
            [
                QueueItem(
                    customer=_as_it_waits(write),
                    error="accepted; the run ended before it was written",
                    trouble=Code.BROKEN_OFF,
                    attempts=self._attempts(write.customer),
                    queued_at=now,
                    next_at=now,
                )
                for write in writes
            ]
        )
        self._accepted = len(writes)

    def settle(self, changes: Sequence[Change]) -> tuple[Keep, ...]:
        """Confirm the contacts that are right as they are, and end the wait of all left alone.

        Returns those of whom nothing was new: said again, the same would come of it.
        """
        steady = self._confirm_kept([c for c in changes if isinstance(c, Keep)], self._confirmed)
        for change in changes:
            if isinstance(change, Skip) and change.email and change.deleted_at:
                self._store.note_deleted(change.ids, change.email, change.deleted_at)
        self._end_waits(changes, {c.customer.email for c in changes if isinstance(c, Write)})
        return steady

    def settle_kept(
        self,
        keeps: Sequence[Keep],
        known: Mapping[Email, Confirmed],
        written: Collection[Email],
    ) -> tuple[Keep, ...]:
        """Confirm contacts that are right as they are, of whom *known* was confirmed before.

        What waits for an address that is *written* goes on waiting.
        """
        steady = self._confirm_kept(keeps, known)
        self._end_waits(keeps, written)
        return steady

    def _confirm_kept(
        self, keeps: Iterable[Keep], known: Mapping[Email, Confirmed]
    ) -> tuple[Keep, ...]:
        confirmations: list[tuple[Keep, Confirmed]] = []
        unchanged: list[tuple[Keep, Confirmed]] = []
        superseded = []
        for change in keeps:
            before = confirmed_before(change.customer, change.before, known)
            confirmed = confirm(change, before, list_id=self._policy.list_id)
            (unchanged if confirmed == before else confirmations).append((change, confirmed))
            if before is not None and _was_renamed(change, before):
                superseded.append(before)
        homes = self._store.identities((i for c, _ in unchanged for i in c.customer.ids), ())
        moved = [one for one in unchanged if _lives_elsewhere(one[0].customer, homes)]
        steady = (change for change, _ in unchanged if not _lives_elsewhere(change.customer, homes))
        self._store.record_kept(confirmations + moved, superseded)
        return tuple(steady)

    def _end_waits(self, changes: Iterable[Change], written: Collection[Email]) -> None:
        over = {email for change in changes for email in _wait_is_over(change)}
        self._store.dequeue(over.difference(written))

    def intend(self, changes: Sequence[Write], route: Route) -> None:
        """Note what the next request will try, and the contacts as they are."""
        self._store.intend(self._run_id, changes, route.value, self._clock.now())

    def together(self) -> AbstractContextManager[None]:
        """Return within what outcomes are noted that became known together."""
        return self._store.together()

    def record(self, outcome: Outcome) -> None:
        """Note what came of one change."""
        match outcome:
            case Applied():
                self._record_applied(outcome)
                self._applied += 1
            case Deferred():
                self._record_unapplied(outcome)
            case Failed():
                self._record_unapplied(outcome)
                self._failed += 1
        self._on_outcome(outcome)

    def begin_job(self, rows: int) -> int:
        """Note that an import job is about to be started; return its number."""
        return self._store.begin_job(self._run_id, rows, self._clock.now())

    def name_job(self, job: int, process_id: ProcessId) -> None:
        """Note what Brevo calls a job."""
        self._store.name_job(job, process_id)

    def end_job(self, job: int) -> None:
        """Note that a job is over, or never was."""
        self._store.end_job(job)

    def recreate(self, change: Update) -> Create:
        """Return the creation for a contact that vanished meanwhile.

        It does not join again the lists that the person had left.
        """
        self._store.unmirror(change.before.id)
        customer = change.customer
        suppressed = self._store.suppressed((customer.email, *customer.former_emails))
        create = recreate(change, self._before(change), self._policy, suppressed)
        lists = create.patch.add_lists - change.before.unsubscribed_list_ids
        return replace(create, patch=replace(create.patch, add_lists=lists))

    def _record_applied(self, outcome: Applied) -> None:
        change, before = outcome.change, self._before(outcome.change)
        confirmed = confirm(
            change,
            before,
            list_id=self._policy.list_id,
            contact_id=outcome.contact_id,
            refused=outcome.refused,
        )
        self._store.record_applied(
            self._run_id,
            change,
            confirmed,
            self._clock.now(),
            superseded=None if before is None or before.is_deleted else before,
            gone=_gone(outcome),
            detail=GONE_ALREADY if _was_gone(outcome) else "",
        )
        self._follow(change, confirmed)
        self._report_refused(outcome)

    def _report_refused(self, outcome: Applied) -> None:
        for name in outcome.refused:
            self._report(
                ReportedError(
                    kind="warning",
                    message=f"{name} was left out: another contact at Brevo has that number.",
                    hint="Correct the number at the shop, or merge the two contacts in Brevo.",
                    where=mask_email(outcome.change.customer.email),
                    code="duplicate_identifier",
                    trouble=Code.PHONE_TAKEN,
                )
            )

    def _record_unapplied(self, outcome: Deferred | Failed) -> None:
        now = self._clock.now()
        customer = outcome.change.customer
        was_attempted = isinstance(outcome, Failed) or outcome.was_attempted
        attempts = self._attempts(customer) + was_attempted
        error = mask_text(outcome.detail if isinstance(outcome, Failed) else outcome.error)
        item = QueueItem(
            customer=_as_it_waits(outcome.change),
            error=error,
            attempts=attempts,
            queued_at=now,
            next_at=self._next_at(now, attempts) if was_attempted else now,
            is_dead=attempts >= self._retry.max_attempts,
            trouble=outcome.trouble,
        )
        kind = type(outcome).__name__.lower()
        self._store.record_unapplied(self._run_id, outcome.change, kind, item, now)
        if was_attempted:
            self._report(
                ReportedError(
                    kind=kind,
                    message=error,
                    where=mask_email(customer.email),
                    code=outcome.code if isinstance(outcome, Failed) else "",
                    trouble=outcome.trouble,
                )
            )

    def _report(self, error: ReportedError) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(error)

    def _attempts(self, customer: Customer) -> int:
        """Return the failures so far; whoever is heard of anew starts afresh."""
        if customer.statements:
            return 0
        return max(map(self._store.attempts, (customer.email, *customer.former_emails)))

    def _next_at(self, now: datetime, attempts: int) -> datetime:
        doubled = self._retry.base_delay * 2.0 ** min(attempts - 1, 16)
        return now + min(doubled, self._retry.max_delay, timedelta(days=365))

    def _before(self, change: Write) -> Confirmed | None:
        contact = None if isinstance(change, Create) else change.before
        return confirmed_before(change.customer, contact, self._confirmed)

    def _follow(self, change: Write, confirmed: Confirmed) -> None:
        """Keep what is confirmed current: an address that was left is nobody's now."""
        if isinstance(change, Update) and change.before.email is not None:
            self._confirmed.pop(change.before.email, None)
        self._confirmed[confirmed.email] = confirmed


def _gone(applied: Applied) -> ContactId | None:
    """Return the contact that exists no more."""
    change = applied.change
    if isinstance(change, Delete) and (change.patch is None or applied.contact_id is None):
        return change.before.id
    return None


def _was_gone(applied: Applied) -> bool:
    """Tell whether somebody else must have deleted the contact.

    What waited for its retry may have been done by the attempt before.
    """
    change = applied.change
    is_news = isinstance(change, Delete) and change.customer.statements > 0
    return is_news and applied.contact_id is None


def _as_it_waits(change: Write) -> Customer:
    """Return the customer of *change* as the retry queue keeps it.

    Brevo lifts a block when it renames a contact. Whoever is renamed while blocked waits as
    somebody who said no, for nothing else would tell of the block once the address has changed.
    """
    customer = change.customer
    if isinstance(change, Update) and change.patch.rename_to and change.patch.email_blocked:
        return replace(customer, email_consent=Dated(value=False, at=customer.last_at))
    return customer


def _wait_is_over(change: Change) -> Sequence[Email]:
    """Return the addresses whose entry in the retry queue *change* settles without a request."""
    match change:
        case Keep():
            return (change.customer.email, *change.customer.former_emails)
        case Skip(email=email, reason=reason) if email is not None:
            # A plan that was overtaken says nothing about what waits.
            return () if reason in {Reason.MOVED, Reason.OVERTAKEN} else (email,)
        case _:
            return ()


def _lives_elsewhere(customer: Customer, known: Identities) -> bool:
    """Tell whether one of the ids is not known to be at the customer's address, dead or alive."""
    return any(
        i not in known.addresses
        or known.addresses[i].value != customer.email
        or (i in known.deleted) is not customer.is_deleted
        for i in customer.ids
    )


def _was_renamed(change: Keep, before: Confirmed) -> bool:
    """Tell whether the very contact was confirmed under another address, and lives at a new one."""
    return (
        change.before is not None
        and change.before.id == before.contact_id
        and change.customer.email != before.email
    )
