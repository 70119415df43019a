"""One run, stage by stage: read, validate, map, fold, observe, diff, plan, apply, report."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import structs

from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.jobs import cut_rows
from customer_sync.clock import Clock
from customer_sync.config import Config
from customer_sync.config.addresses import stays_here
from customer_sync.core.changes.diff import diff
from customer_sync.core.customers.fold import Folded
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Attribute,
    Change,
    Confirmed,
    Create,
    Customer,
    Delete,
    Email,
    FieldWarning,
    Limit,
    Record,
    Rejection,
    Skip,
    Statement,
    Update,
)
from customer_sync.core.plan import (
    Guard,
    Plan,
    check_account,
    check_consent,
    contact_digest,
    make_plan,
)
from customer_sync.core.requests.routes import Cutter, RouteChoice, Routing, route_plan
from customer_sync.core.validate import CLOCKS_APART, EventValidator
from customer_sync.errors import ConfigError
from customer_sync.run.apply import StopSign, apply
from customer_sync.run.importing import finish_jobs, import_row, run_imports
from customer_sync.run.intake import Intake, context_of
from customer_sync.run.journal import RunJournal
from customer_sync.run.observe import (
    Freshness,
    bring_up_to_date,
    look_up,
    observe,
    read_back,
)
from customer_sync.run.own_writes import LATELY, OwnWrites, own_writes
from customer_sync.run.planfile import still_true
from customer_sync.run.taking_in import Input, take_in
from customer_sync.store import Store
from customer_sync.trouble import Code


class Display(Protocol):
    """Whoever watches a run."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins, with so many steps if that is known."""
        ...

    def step(self, count: int = 1) -> None:
        """So many steps of the stage are done."""
        ...

    def rejection(self, rejection: Rejection) -> None:
        """A record cannot be used."""
        ...

    def warning(self, warning: FieldWarning) -> None:
        """A field cannot be used, its customer can."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the operator asks of one run; None leaves it to the configuration."""

    route: RouteChoice = RouteChoice.AUTO
    max_deletes: Limit | None = None
    max_rejects: Limit | None = None
    is_complete: bool = False
    """The source lists every customer there is, so that absence means deletion."""
    is_refresh: bool = False
    """List all of Brevo's contacts, and try again what Brevo refused before."""
    confirmed_deletes: tuple[Delete, ...] = ()
    """Deletions that the guard withheld before and that a person confirmed."""
    listing_good_for: timedelta = timedelta(0)
    """How long a listing of very many contacts will do, where runs follow each other closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what is needed to show and to apply it."""

    plan: Plan
    routing: Routing
    input: Input
    confirmed: Mapping[Email, Confirmed] = field(default_factory=dict)
    context: bytes = b""
    """What decides the meaning of the records that were read; see `context_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Everything a run touches that is not its input."""

    account: BrevoClient
    store: Store
    clock: Clock
    display: Display


async def make_ready(
    config: Config,
    intake: Intake,
    validator: EventValidator,
    edges: Edges,
    options: RunOptions,
) -> Planned:
    """Read the source, look at Brevo and plan; nothing is written to either.

    What stands in the source as it stood there when it was last found right is not read again,
    unless *options* ask for a refresh.

    Raises:
        SourceError: more records were rejected than allowed.
        PlanRefused: Brevo lacks an attribute or the list, or consent would be broken.
    """
    attributes = await _check_account(config, edges)
    mapper = Mapper(config.rules, attributes, default_region=config.default_region)

    context = context_of(config, attributes)
    now, ahead = edges.clock.now(), edges.account.clock_ahead
    freshness = Freshness(
        now=now,
        brevo_now=None if ahead is None else now + ahead,
        full_refresh_every=config.full_refresh_every,
        is_forced=options.is_refresh,
        good_for=options.listing_good_for,
    )
    is_fresh = await _leave_out(intake, context, edges, freshness)
    taken_in = await take_in(
        config, intake, edges, options, accept=lambda r: _accept(r, validator, mapper)
    )
    customers = dict(taken_in.folded.customers)
    if taken_in.listing is not None:
        listed = {email: c for email, c in customers.items() if _is_listed(c)}
        living = edges.store.living(beside=taken_in.left_out)
        absent = taken_in.listing.absent(living, listed, edges.clock.now())
        # A contact that was left behind, and still is to be retired, is no deletion for good.
        left = {i.customer.email: i.customer for i in edges.store.queue() if i.customer.is_left}
        customers |= {customer.email: left.get(customer.email, customer) for customer in absent}

    if not is_fresh:
        await finish_earlier_jobs(edges)
    edges.display.stage("observe")
    names = {e for c in customers.values() for e in (c.email, *c.former_emails, *c.shared_emails)}
    look = look_up if is_fresh else observe
    observed = await look(
        edges.account,
        edges.store,
        names,
        replace(freshness, closely=frozenset(_at_risk(customers.values()))),
        written_lately(edges, names),
    )
    confirmed = edges.store.confirmed(names)
    if options.is_refresh:
        confirmed = {e: structs.replace(c, refused={}) for e, c in confirmed.items()}

    edges.display.stage("plan")
    changes: list[Change] = [*taken_in.folded.skipped]
    ids = {i for c in customers.values() for i in c.ids}
    suppressed = edges.store.suppressed(names, ids)
    changes.extend(diff(customers, observed, confirmed, config.policy, suppressed))
    plan = make_plan(changes, _guard(config, edges.store, options, taken_in))
    plan = replace(plan, unchanged=taken_in.unchanged)
    check_consent(plan, config.policy)
    routing = route_plan(
        plan,
        choice=options.route,
        batch_size=config.brevo.batch_size,
        cut=jobs_by_bytes(attributes),
    )
    return Planned(
        plan=plan,
        routing=routing,
        input=taken_in,
        confirmed=confirmed,
        context=context,
    )


async def _leave_out(intake: Intake, context: bytes, edges: Edges, freshness: Freshness) -> bool:
    """Leave out what need not be read; tell whether the mirror was brought up to date for it.

    What changed at Brevo has to be known before, as it takes a block's customers out of it.
    """
    if freshness.is_forced or not intake.digests:
        return False
    if intake.digests.isdisjoint(edges.store.settled_blocks(context)):
        return False
    await finish_earlier_jobs(edges)
    edges.display.stage("observe")
    await bring_up_to_date(edges.account, edges.store, freshness)
    intake.leave_out(edges.store.settled_blocks(context))
    return True


async def make_ready_again(
    kept: Plan,
    config: Config,
    edges: Edges,
    route: RouteChoice,
    *,
    made_at: datetime | None = None,
) -> Planned:
    """Check a plan that was kept in a file since *made_at* against Brevo as it is now.

    Raises:
        PlanRefused: Brevo lacks an attribute or the list, or consent would be broken.
    """
    attributes = await _check_account(config, edges)
    await finish_earlier_jobs(edges)
    edges.display.stage("observe")
    names = {name for change in kept.changes for name in _names(change)}
    freshness = Freshness(now=edges.clock.now(), full_refresh_every=config.full_refresh_every)
    observed = await observe(
        edges.account, edges.store, names, freshness, written_lately(edges, names)
    )
    waiting = {
        item.customer.email
        for item in edges.store.queue()
        if made_at is not None and (item.queued_at > made_at or made_at > edges.clock.now())
    }
    ids = {i for c in kept.changes if not isinstance(c, Skip) for i in c.customer.ids}
    plan = still_true(kept, observed, waiting, edges.store.suppressed(names, ids))
    check_consent(plan, config.policy)
    return Planned(
        plan=plan,
        routing=route_plan(
            plan,
            choice=route,
            batch_size=config.brevo.batch_size,
            cut=jobs_by_bytes(attributes),
        ),
        input=Input(
            folded=Folded(customers={}, skipped=()), records_read=0, rejections=0, warnings=0
        ),
        confirmed=edges.store.confirmed(names),
    )


def written_lately(edges: Edges, names: Collection[Email]) -> OwnWrites:
    """Return what this tool lately wrote to contacts at *names*, which listings may not show."""
    return own_writes(
        edges.store.tried_lately(names, edges.clock.now() - LATELY),
        edges.store.confirmed(names),
        ahead=edges.account.clock_ahead or timedelta(),
    )


def _at_risk(customers: Iterable[Customer]) -> Iterator[Email]:
    """Yield the addresses of whoever is deleted or renamed: Brevo forgets a block with that."""
    for customer in customers:
        if customer.is_deleted or customer.former_emails:
            yield from (customer.email, *customer.former_emails)


def _names(change: Change) -> Iterator[Email]:
    """Yield the addresses that a change is about."""
    if isinstance(change, Skip):
        return
    yield change.customer.email
    yield from change.customer.former_emails
    if not isinstance(change, Create) and change.before and change.before.email:
        yield change.before.email


async def finish_earlier_jobs(edges: Edges) -> None:
    """Wait for the import jobs of a run that was killed: what they did is observed then."""
    jobs = edges.store.open_jobs()
    if jobs:
        edges.display.stage("wait for earlier imports", len(jobs))
        await finish_jobs(jobs, edges.account, edges.store.end_job, edges.clock)


def jobs_by_bytes(attributes: Mapping[str, Attribute]) -> Cutter:
    """Return what cuts changes into import jobs, by their bytes as they are sent."""

    def cut(changes: Sequence[Create | Update]) -> Iterator[int]:
        return map(len, cut_rows(map(import_row, changes), attributes))

    return cut


async def _check_account(config: Config, edges: Edges) -> dict[str, Attribute]:
    """Make sure that the account has what the configuration writes to."""
    attributes = await edges.account.attributes()
    if not stays_here(config.brevo):
        check_clock(edges.account.clock_ahead)
    lists = await edges.account.lists() if config.policy.list_id is not None else ()
    check_account(config.rules, config.policy, attributes, (one.id for one in lists))
    return attributes


def check_clock(ahead: timedelta | None) -> None:
    """Refuse to write down anything by a clock that is days away from Brevo's.

    The newest word counts: what a wrong clock dates would outdo everything that is said later.

    Raises:
        ConfigError: with how far it is away.
    """
    if ahead is not None and abs(ahead) > CLOCKS_APART:
        which = "behind" if ahead > timedelta(0) else "ahead of"
        raise ConfigError(
            f"The clock of this machine is {abs(ahead).days:,} days {which} Brevo's, and what is "
            "written down is dated by it; nothing was done.",
            trouble=Code.CLOCK,
            hint="Set the clock, for example with chrony, then run again.",
        )


async def carry_out(
    planned: Planned, edges: Edges, *, journal: RunJournal, stop: StopSign, in_flight: int
) -> None:
    """Apply a plan; every change gets its outcome, in the journal and in the state.

    Raises:
        BrevoAuthError: Brevo refuses the key.
    """
    writes = planned.plan.writes
    # Once all is accepted the source may go, so that this is the last word on what it said.
    steady = journal.settle(planned.plan.changes)
    if settled := tuple(planned.input.settling.settled(steady)):
        edges.store.settle_blocks(settled, planned.context)
    journal.accept(writes)
    edges.display.stage("apply", len(writes))
    await apply(
        planned.routing.phases,
        edges.account,
        journal,
        stop,
        in_flight=in_flight,
        importer=lambda batches: run_imports(
            batches,
            edges.account,
            journal,
            edges.clock,
            read_back=lambda emails, since: read_back(
                edges.account,
                edges.store,
                emails,
                since,
                ahead=edges.account.clock_ahead,
                own=written_lately(edges, emails),
            ),
            is_stopped=lambda: bool(stop.reason),
        ),
    )


# ---------------------------------------------------------------- reading


def _accept(
    record: Record | Rejection, validator: EventValidator, mapper: Mapper
) -> Statement | Rejection:
    """Carry one record through validation and mapping."""
    event = validator.validate(record) if isinstance(record, Record) else record
    return event if isinstance(event, Rejection) else mapper.map(event)


# ---------------------------------------------------------------- planning


def _guard(config: Config, store: Store, options: RunOptions, taken_in: Input) -> Guard:
    return Guard(
        known_contacts=store.count_known(),
        max_deletes=options.max_deletes or config.max_deletes,
        listed=_count_listed(taken_in.folded.customers.values()) + taken_in.unchanged.customers
        if taken_in.listing is not None
        else None,
        confirmed={c.before.id: contact_digest(c.before) for c in options.confirmed_deletes},
    )


def _count_listed(customers: Iterable[Customer]) -> int:
    return sum(_is_listed(c) and not c.is_deleted for c in customers)


def _is_listed(customer: Customer) -> bool:
    """Tell whether the source mentions a customer, who may also come from the queue alone."""
    return customer.statements > 0
