"""A shop, people at Brevo and the program between them: every run is looked at when it has ended.

Runs are real ones, from a file of events to requests, against the embedded sandbox in a time of its
own. What should be is told by `shop_truth` and `sync_laws`, which know nothing of the program.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from customer_sync.clock import SimulatedClock
from customer_sync.config import Config
from customer_sync.core.model import (
    AttributeType,
    Contact,
    DeleteBehavior,
    Limit,
    OnDrift,
    Policy,
    Reason,
    Resubscribe,
)
from customer_sync.errors import ExitCode
from customer_sync.past.undoing import Undoing
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.pipeline import Planned
from customer_sync.run.report import RunReport
from customer_sync.sandbox import Sandbox
from customer_sync.store import QueueItem, Store
from deaths import Death, MortalWatch, is_death
from session_stage import Shop
from shop_truth import Content, Letter, ShopTruth
from sync_laws import (
    MARK,
    OTHER_LIST,
    UNMAPPED,
    Contacts,
    People,
    Verdict,
    check_consent,
    check_kept,
    check_undone,
    check_untouched,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FEW_RUNS = 3
"""Within so many, two days apart, everything that waits for its retry gets through."""

EVENTS = RunOptions(max_deletes=Limit(count=100))
EXPORT = replace(EVENTS, is_complete=True)
ENDINGS = frozenset({ExitCode.OK, ExitCode.PARTIAL, ExitCode.UNAVAILABLE, ExitCode.AUTH})
"""How a run may end whatever befalls its requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What befalls the next requests of a route."""

    route: str
    status: int | None
    """None: the connection breaks."""
    times: int
    after_effect: bool
    """Whether what was asked for is done all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run went."""

    report: RunReport | None
    """None: it was killed."""
    planned: Planned | None

    @property
    def is_taken_in(self) -> bool:
        """Tell whether what it read is written, or waits in its queue."""
        return self.report is not None and self.planned is not None


class ShopOnPaper(Shop):
    """A shop whose configuration is read once: it stays the same, and there are many runs."""

    @cached_property
    def config(self) -> Config:
        """The configuration."""
        return super().config


def open_shop(
    folder: Path, delete_behavior: DeleteBehavior, resubscribe: Resubscribe, on_drift: OnDrift
) -> Shop:
    """Return a shop, with an account that holds what the mapping needs, and a little more."""
    shop = ShopOnPaper(
        folder,
        options=f"delete_behavior: {delete_behavior}, deleted_attribute: {MARK}, "
        f"resubscribe: {resubscribe}, on_drift: {on_drift}, retry: {{max_attempts: 1000}}",
        clock=SimulatedClock(START),
    )
    with shop.sandbox() as sandbox:
        sandbox.ensure(lists={OTHER_LIST: "Others"}, attributes={UNMAPPED: AttributeType.TEXT})
    return shop


@dataclass(slots=True)
class Stage:
    """Where it all takes place."""

    shop: Shop
    truth: ShopTruth = field(default_factory=ShopTruth)
    people: People = field(default_factory=People)
    is_left_to_a_person: bool = False
    """Customers wait for each other's addresses: only a person can help them."""
    _transitions: int = 0

    @property
    def policy(self) -> Policy:
        """What the operator decided."""
        return self.shop.config.policy

    def later(self) -> datetime:
        """Let a minute pass, and tell the time."""
        self.shop.clock.advance(60)
        return self.shop.clock.now()

    # ------------------------------------------------------------ what people do

    def act(self, work: Callable[[Sandbox], None]) -> None:
        """Let people do something beside the API; whatever others made is as they leave it."""
        self.later()
        with self.shop.sandbox() as sandbox:
            work(sandbox)
            self._transitions = len(sandbox.transitions())
        before = {c.id: c for c in self.people.seen.values()}
        self.people.look(self.shop.contacts())
        for contact in self.people.seen.values():
            if contact.id in self.people.made and contact != before.get(contact.id):
                self.people.made[contact.id] = contact

    def edit(self, contact: Contact, body: Content) -> None:
        """Let somebody change a contact in Brevo's pages."""
        if contact.email is not None:
            email = contact.email
            self.act(lambda sandbox: sandbox.edit(email, body))

    def known_blocks(self, contact: Contact) -> frozenset[str]:
        """Return the channels that the program ever had reason to take for blocked."""
        if contact.email is None:
            return frozenset()
        with self.shop.memory() as store:
            mirrored = store.mirrored([contact.email]).get(contact.email)
            confirmed = store.confirmed([contact.email]).get(contact.email)
        known = {
            "email": (mirrored and mirrored.is_email_blocked)
            or (confirmed and confirmed.email_blocked_at),
            "sms": (mirrored and mirrored.is_sms_blocked)
            or (confirmed and confirmed.sms_blocked_at),
        }
        return frozenset(channel for channel, is_known in known.items() if is_known)

    def is_reopened_unseen(self, contact: Contact) -> bool:
        """Tell whether people lifted a block of the program's, and it has not looked since.

        A block that they set again before it does is to it the one that it had set.
        """
        if contact.email is None:
            return False
        if contact.id not in self.people.unblocked | self.people.sms_unblocked:
            return False
        with self.shop.memory() as store:
            known = store.confirmed([contact.email]).get(contact.email)
        return known is not None and (known.email_blocked_at or known.sms_blocked_at) is not None

    # ------------------------------------------------------------ runs

    def run(
        self,
        mail: Sequence[Content],
        letters: Sequence[Letter] = (),
        options: RunOptions = EVENTS,
        *,
        death: int = 0,
        trouble: Trouble | None = None,
    ) -> Ending:
        """Run *mail*, which is what *letters* tell and more, and look at what it did."""
        self.truth.are_arriving(letters)
        sources = (self.shop.write("events.jsonl", mail),) if mail else ()
        job = Job(command="run", sources=sources, options=options)
        ending = self._do(job, Death(at=death), trouble)
        if ending.is_taken_in:
            self.truth.have_arrived(letters)
        self._look_at(ending)
        if ending.is_taken_in and self.policy.on_drift is OnDrift.SOURCE:
            self.people.were_answered(letters, self.truth)
        return ending

    def run_and_undo(
        self, mail: Sequence[Content], letters: Sequence[Letter], between: Callable[[], None]
    ) -> None:
        """Run *mail*, let *between* happen, and undo the run: its events are still to be told."""
        self.truth.are_arriving(letters)
        before, as_made = self.people.seen, self.people.as_made()
        sources = (self.shop.write("events.jsonl", mail),)
        ending = self._do(Job(command="run", sources=sources, options=EVENTS), Death(at=0), None)
        self._look_at(ending)
        written = self.people.seen
        between()
        touched = self.people.seen
        undoing = Undoing(run_id=f"r{self.shop.runs:03}")
        job = Job(command="undo", sources=(undoing.run_id,), options=EVENTS, undoing=undoing)
        made = {c.id for c in written.values()} - {c.id for c in before.values()}
        self._look_at(self._do(job, Death(at=0), None), removable=made)
        check_undone(before, written, touched, self.people.seen)
        self.people.was_undone(before, touched, as_made)

    def settle(
        self,
        mail: Sequence[Content],
        letters: Sequence[Letter] = (),
        options: RunOptions = EVENTS,
    ) -> None:
        """Run until nothing waits any more, which takes few runs, and nothing is left to do."""
        ending = self.run(mail, letters, options)
        assert ending.report is not None
        assert ending.report.exit_code == ExitCode.OK, ending.report.errors
        for _ in range(FEW_RUNS):
            if not self.waiting():
                break
            self.shop.clock.advance(48 * 3600)
            self.run([])
        assert self.waiting() == []
        assert self.plan([]).plan.writes == ()

    def plan(self, mail: Sequence[Content], options: RunOptions = EVENTS) -> Planned:
        """Return what a run would do."""
        found: list[Planned] = []
        sources = (self.shop.write("events.jsonl", mail),) if mail else ()
        job = Job(command="plan", sources=sources, dry_run=True, options=options)
        self.shop.do(job, on_planned=found.append)
        return found[0]

    def waiting(self) -> list[QueueItem]:
        """Return what waits for its retry."""
        with self.shop.memory() as store:
            return store.queue()

    def heal(self) -> None:
        """Let everything arrive, first by itself, then again with all that is: the laws hold."""
        letters = self.truth.post(self.truth.pending)
        self.settle([letter.event for letter in letters], letters)
        self._judge(is_told_anew=False)
        history = [self.truth.told[n].event for n in sorted(self.truth.told)]
        # Only a listing of all contacts shows who was deleted in Brevo, and what was written lately
        # counts for a while even if a listing does not show it.
        self.shop.clock.advance(24 * 3600)
        self.settle(history, options=replace(EVENTS, is_refresh=True))
        export = self.truth.export(self.later())
        self.settle(export, options=EXPORT)
        self._judge(is_told_anew=True)
        if not self.is_left_to_a_person:
            assert self.plan(history).plan.writes == ()
            assert self.plan(export, EXPORT).plan.writes == ()

    # ------------------------------------------------------------ how a run is done

    def _do(self, job: Job, death: Death, trouble: Trouble | None) -> Ending:
        self.later()
        found: list[Planned] = []
        if trouble is not None:
            self.shop.break_requests(
                trouble.route,
                status=trouble.status,
                times=trouble.times,
                after_effect=trouble.after_effect,
            )
        self.shop.state_type = death.open_state
        report = None
        try:
            report = self.shop.do(job, watch=MortalWatch(death), on_planned=found.append)
        except BaseException as error:
            if not is_death(error):
                raise
        finally:
            self.shop.state_type = Store
            self._end_troubles()
        return Ending(report=report, planned=found[0] if found else None)

    def _end_troubles(self) -> None:
        """Let looking at the account succeed, whatever trouble the run has not met."""
        with self.shop.sandbox() as sandbox, sandbox.writing("control") as account:
            account.db.execute("UPDATE faults SET times = 0")

    # ------------------------------------------------------------ how it is looked at

    def _look_at(self, ending: Ending, removable: Collection[int] = ()) -> None:
        if ending.report is not None:
            self._check_report(ending.report)
        after: Contacts = dict(self.shop.contacts())
        check_untouched(self.people, after)
        check_kept(self.people, after, self.truth, self.policy, removable)
        self.people.look_after_run(after)
        with self.shop.sandbox() as sandbox:
            found = sandbox.transitions()[self._transitions :]
        self._transitions += len(found)
        check_consent(found, self.people, self.truth, self.policy)

    def _check_report(self, report: RunReport) -> None:
        """Every record and every change has its end; the program never breaks."""
        assert report.exit_code in ENDINGS, report.errors
        if report.digest:
            assert report.adds_up
        if Reason.SWAPPED_ADDRESSES in report.skipped:
            self.is_left_to_a_person = True

    def _judge(self, *, is_told_anew: bool) -> None:
        if not self.is_left_to_a_person:
            verdict = Verdict(
                truth=self.truth, people=self.people, policy=self.policy, is_told_anew=is_told_anew
            )
            verdict.check()
