"""What undoing a run tried and what came of it; the retry queue is none of its business."""

from collections.abc import Callable, Iterable, Sequence

from customer_sync.clock import Clock
from customer_sync.config import RetrySettings
from customer_sync.core.model import (
    Applied,
    Change,
    Create,
    Deferred,
    Delete,
    Failed,
    Keep,
    Outcome,
    Policy,
    Skip,
    Update,
    Write,
)
from customer_sync.core.undoing.memory import Memory
from customer_sync.core.undoing.wayback import WayBack
from customer_sync.errors import BrevoRejected
from customer_sync.privacy import mask_email, mask_text
from customer_sync.run.journal import RunJournal
from customer_sync.run.report import ReportedError
from customer_sync.store import Store
from customer_sync.trouble import Code


class UndoJournal(RunJournal):
    """The journal of a run that undoes another.

    What is undone is no news from the shop: it is never queued, where it would one day be written
    over newer news. What did not get through is undone by undoing the run once more.
    """

    def __init__(
        self,
        run_id: str,
        store: Store,
        clock: Clock,
        *,
        policy: Policy,
        retry: RetrySettings,
        ways: Iterable[WayBack],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        super().__init__(
            run_id,
            store,
            clock,
            policy=policy,
            retry=retry,
            confirmed={},
            on_outcome=on_outcome,
        )
        self._memories = {
            _key(way.change): way.memory for way in ways if not isinstance(way.change, Skip)
        }

    def accept(self, writes: Sequence[Write]) -> None:
        """Count what is to be written."""
        self._accepted = len(writes)

    def settle(self, changes: Sequence[Change]) -> tuple[Keep, ...]:
        """Know again what was known of all whose contacts are as they were already.

        What a source says of them is another matter, so that none is returned.
        """
        self._store.recall(self._memory(c) for c in changes if isinstance(c, Keep))
        return ()

    def recreate(self, change: Update) -> Create:
        """Refuse: a contact that vanished meanwhile is not made anew with what it held once.

        Raises:
            BrevoRejected: always.
        """
        email = mask_email(change.customer.email)
        raise BrevoRejected(
            f"the contact of {email} is gone",
            trouble=Code.CONTACT_GONE,
            status=404,
            code="document_not_found",
        )

    def _record_applied(self, outcome: Applied) -> None:
        change, memory = outcome.change, self._memory(outcome.change)
        if isinstance(change, Create):
            memory = memory.about(outcome.contact_id)
        self._store.record_undone(
            self._run_id, change, memory, self._clock.now(), contact_id=outcome.contact_id
        )
        self._report_refused(outcome)

    def _record_unapplied(self, outcome: Deferred | Failed) -> None:
        is_failure = isinstance(outcome, Failed)
        kind = "failed" if is_failure else "deferred"
        error = mask_text(outcome.detail if isinstance(outcome, Failed) else outcome.error)
        self._store.record_not_undone(self._run_id, outcome.change, kind, error, self._clock.now())
        if is_failure or (isinstance(outcome, Deferred) and outcome.was_attempted):
            self._report(
                ReportedError(
                    kind=kind,
                    message=error,
                    hint="Undo the run once more.",
                    where=mask_email(outcome.change.customer.email),
                    code=outcome.code if isinstance(outcome, Failed) else "",
                    trouble=outcome.trouble,
                )
            )

    def _memory(self, change: Write | Keep) -> Memory:
        return self._memories.get(_key(change), Memory())


def _key(change: Write | Keep) -> tuple[str, str]:
    """Return what tells the changes of a plan apart: an address may be left and taken in one."""
    kind = "delete" if isinstance(change, Delete) else "back"
    return kind, change.customer.email
