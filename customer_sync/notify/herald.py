"""Tells of one run: each notification is kept first, then delivered beside the run."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from customer_sync.config import Config, RunEvent
from customer_sync.core.model import Outcome
from customer_sync.errors import ExitCode, StoreError
from customer_sync.notify.courier import Courier
from customer_sync.notify.delivery import Answer, Pause
from customer_sync.notify.messages import Batch, Message, Tally, Told, of_batch, of_run
from customer_sync.notify.recipients import Recipients, names_of
from customer_sync.run.report import RunReport
from customer_sync.store import Letter, Outbox

LONGEST_WAIT_S = 10.0
"""How much longer a run may take for what it still has to tell."""


class RunHerald:
    """Tells whoever is to be told; what does not arrive in time stays in the state.

    A notification is written down before it is sent and struck out after it arrived, so that it
    arrives at least once, under one id.
    """

    def __init__(
        self,
        config: Config,
        recipients: Recipients,
        *,
        run_id: str,
        command: str,
        reopen: Callable[[], AbstractContextManager[Outbox]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Pause | None = None,
        within_s: float = LONGEST_WAIT_S,
    ) -> None:
        """Prepare to tell of the run *run_id*; *reopen* opens the state where the run could not."""
        self._config = config
        self._run_id = run_id
        self._command = command
        self._reopen = reopen
        self._now = now
        self._within_s = within_s
        self._couriers = [Courier(one, pause=pause) for one in recipients.ready]
        self._tally = Tally(config.brevo.batch_size)
        self._outbox: Outbox | None = None
        self._is_over = False
        self.complaints: list[str] = list(recipients.complaints)
        """Sentences for the operator; none where all went well."""

    def begin(self, outbox: Outbox) -> None:
        """Send meanwhile what earlier runs could not."""
        self._outbox = outbox
        with self._forgiven():
            dropped = outbox.clear_outbox(self._now())
            if dropped:
                self.complaints.append(f"Notifications that were too old or too many: {dropped:,}.")
            old = outbox.letters()
            for courier in self._couriers:
                courier.take([one for one in old if one.recipient == courier.name], is_old=True)

    def expect(self, writes: int) -> None:
        """Make the batches of a size that suits so many changes."""
        self._tally.expect(writes)

    def outcome(self, outcome: Outcome) -> None:
        """Tell of a batch that *outcome* completes."""
        self._tell_batch(self._tally.add(outcome))

    def end(self, report: RunReport, outbox: Outbox | None) -> None:
        """Tell how the run ended, and wait a little for what is on its way.

        A run that did not begin because another is at work is none, and is not told.
        """
        if self._is_over:
            return
        self._is_over = True
        if report.exit_code == ExitCode.BUSY:
            self._finish()
            return
        self._outbox = outbox
        with contextlib.ExitStack() as stack:
            if outbox is None:
                # Another run may hold it, or it may be what broke: then what does not arrive now
                # is lost, and said to be.
                with contextlib.suppress(StoreError):
                    self._outbox = stack.enter_context(self._reopen())
            self._tell_batch(self._tally.rest())
            self._tell(of_run(report, command=self._command, at=self._now()))
            self._settle()

    def _tell_batch(self, batch: Batch | None) -> None:
        if batch is None or not names_of(self._config.notifications, RunEvent.BATCH_COMPLETED):
            return
        self._tell(
            of_batch(
                batch,
                run_id=self._run_id,
                command=self._command,
                target=str(self._config.brevo.target),
                at=self._now(),
            )
        )

    def _tell(self, told: Told) -> None:
        message = told.message(new_id())
        letters = letters_of(message, names_of(self._config.notifications, told.type), self._now())
        with self._forgiven():
            if self._outbox is not None and letters:
                self._outbox.post(letters)
        for courier in self._couriers:
            courier.take(one for one in letters if one.recipient == courier.name)

    def _finish(self) -> list[tuple[Letter, Answer]]:
        ends_at = time.monotonic() + self._within_s
        for courier in self._couriers:
            courier.finish(within_s=ends_at - time.monotonic())
        return [answer for courier in self._couriers for answer in courier.answers()]

    def _settle(self) -> None:
        answers = self._finish()
        left = None
        with self._forgiven():
            if self._outbox is not None:
                note(self._outbox, answers)
                left = len(self._outbox.letters())
        self._complain(answers, left)

    def _complain(self, answers: Iterable[tuple[Letter, Answer]], left: int | None) -> None:
        failed = {one.recipient: answer.told for one, answer in answers if not answer.is_delivered}
        reasons = "; ".join(f"{name}: {told}" for name, told in failed.items())
        if left:
            because = f" ({reasons})" if reasons else ""
            self.complaints.append(
                "Notifications that wait for the next run, or for `customer-sync notify flush`: "
                f"{left:,}{because}."
            )
        elif left is None and failed:
            self.complaints.append(f"The notifications of this run did not arrive ({reasons}).")

    @contextlib.contextmanager
    def _forgiven(self) -> Iterator[None]:
        """Let a state that cannot be used be the run's trouble, and not one more."""
        try:
            yield
        except StoreError as error:
            self.complaints.append(f"Notifications could not be kept: {error.message}")


def new_id() -> str:
    """Return an id that nobody draws again."""
    return f"msg_{secrets.token_hex(16)}"


def letters_of(message: Message, names: Iterable[str], now: datetime) -> list[Letter]:
    """Return *message* for each of *names*."""
    return [
        Letter(
            id=message.id, recipient=name, event=message.event, body=message.body, written_at=now
        )
        for name in names
    ]


def note(outbox: Outbox, answers: Iterable[tuple[Letter, Answer]]) -> None:
    """Note in *outbox* what came of letters."""
    told = list(answers)
    outbox.note_delivered(letter for letter, answer in told if answer.is_delivered)
    outbox.note_undelivered(
        (letter, answer.told) for letter, answer in told if not answer.is_delivered
    )
