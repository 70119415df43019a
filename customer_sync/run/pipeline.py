"""One run, stage by stage: read, validate, map, fold, observe, diff, plan, apply, report."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from customer_sync.brevo.jobs import cut_rows
from customer_sync.config import Config
from customer_sync.config.addresses import stays_here
from customer_sync.core.customers.fold import Folded
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import (
    Attribute,
    Change,
    Confirmed,
    Create,
    Email,
    Limit,
    Skip,
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
from customer_sync.core.requests.routes import Cutter, Routing, route_plan
from customer_sync.core.validate import CLOCKS_APART, EventValidator
from customer_sync.errors import ConfigError
from customer_sync.partitions.keeping import KeptParts
from customer_sync.partitions.planning import Partitioned
from customer_sync.run.apply import StopSign, apply
from customer_sync.run.comparing import at_risk, compare, desired, lately_written
from customer_sync.run.edges import Edges, RunOptions
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
from customer_sync.run.own_writes import OwnWrites
from customer_sync.run.planfile import PartOf, still_true
from customer_sync.run.shards import Parts
from customer_sync.run.taking_in import Accept, Input, accepted, take_in
from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what is needed to show and to apply it."""

    plan: Plan
    routing: Routing
    input: Input
    confirmed: Mapping[Email, Confirmed] = field(default_factory=dict)
    context: bytes = b""
    """What decides the meaning of the records that were read; see `context_of`."""
    kept: KeptParts | None = None
    """The contacts that are right as they are, where they are not among the plan's changes."""
    part: PartOf | None = None
    """Given where only a shard was planned."""


async def make_ready(
    config: Config,
    intake: Intake,
    validator: EventValidator,
    edges: Edges,
    options: RunOptions,
    *,
    is_dry: bool = False,
) -> Planned:
    """Read the source, look at Brevo and plan; nothing is written to either.

    What stands in the source as it stood there when it was last found right is not read again,
    unless *options* ask for a refresh. A large source is planned in partitions; where the plan is
    only to be shown (*is_dry*), nothing is kept of those whose contacts are right.

    Raises:
        SourceError: more records were rejected than allowed.
        PlanRefused: Brevo lacks an attribute or the list, or consent would be broken.
    """
    attributes = await _check_account(config, edges)
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
    if edges.room is not None and options.scale.is_large(intake.size):
        partitioned = Partitioned(
            config,
            intake,
            edges,
            options,
            attributes=attributes,
            folder=edges.room.folder,
            is_dry=is_dry,
        )
        found = await _in_partitions(partitioned, edges, freshness, is_fresh=is_fresh)
    else:
        mapper = Mapper(config.rules, attributes, default_region=config.default_region)
        found = await _as_a_whole(
            config,
            intake,
            edges,
            options,
            freshness,
            accept=lambda record: accepted(record, validator, mapper),
            is_fresh=is_fresh,
        )
    shard = options.scale.shard
    guard = Guard(
        known_contacts=edges.store.count_known(),
        max_deletes=_NO_LIMIT if shard else options.max_deletes or config.max_deletes,
        listed=found.listed if options.is_complete else None,
        confirmed={c.before.id: contact_digest(c.before) for c in options.confirmed_deletes},
    )
    plan = replace(make_plan(found.changes, guard), unchanged=found.input.unchanged)
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
        input=found.input,
        confirmed=found.confirmed,
        context=context,
        kept=found.kept,
        part=None
        if shard is None
        else PartOf(shard=shard, listed=guard.listed, source=found.source),
    )


_NO_LIMIT = Limit(share=1.0)
"""For the deletions of a shard: the limit is for all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What comparing the source with Brevo came to, one way or the other."""

    changes: Sequence[Change]
    confirmed: Mapping[Email, Confirmed]
    input: Input
    listed: int
    """How many living customers the source mentions."""
    source: int = 0
    """A checksum of the source, where only a shard of it was planned."""
    kept: KeptParts | None = None


async def _as_a_whole(
    config: Config,
    intake: Intake,
    edges: Edges,
    options: RunOptions,
    freshness: Freshness,
    *,
    accept: Accept,
    is_fresh: bool,
) -> _Found:
    """Compare all customers at once."""
    taken_in = await take_in(config, intake, edges, options, accept=accept)
    store = edges.store
    wanted = desired(
        taken_in.folded,
        taken_in.listing,
        store.living(beside=taken_in.left_out) if options.is_complete else (),
        store.queue() if options.is_complete else (),
        edges.clock.now(),
    )
    if not is_fresh:
        await finish_earlier_jobs(edges)
    edges.display.stage("observe")
    names = wanted.names
    look = look_up if is_fresh else observe
    observed = await look(
        edges.account,
        store,
        names,
        replace(freshness, closely=frozenset(at_risk(wanted.customers.values()))),
        written_lately(edges, names),
    )
    edges.display.stage("plan")
    compared = compare(wanted, observed, store, config.policy, is_refresh=options.is_refresh)
    return _Found(
        changes=compared.changes,
        confirmed=compared.confirmed,
        input=taken_in,
        listed=wanted.listed + taken_in.unchanged.customers,
    )


async def _in_partitions(
    partitioned: Partitioned, edges: Edges, freshness: Freshness, *, is_fresh: bool
) -> _Found:
    """Compare the customers partition by partition."""
    with partitioned.crew() as crew:
        await partitioned.read(crew)
        if not is_fresh:
            await finish_earlier_jobs(edges)
            edges.display.stage("observe")
            await bring_up_to_date(edges.account, edges.store, freshness)
        whole = await partitioned.plan(crew)
    return _Found(
        changes=whole.changes,
        confirmed=whole.confirmed,
        input=Input(
            folded=Folded(customers={}, skipped=()),
            records_read=whole.records,
            rejections=whole.rejections,
            warnings=whole.warnings,
            retried=whole.retried,
            listing=whole.listing,
            unchanged=whole.kept,
        ),
        listed=whole.listed,
        source=whole.source,
        kept=whole.kept_parts,
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
    options: RunOptions,
    *,
    made_at: datetime | None = None,
    parts: Parts | None = None,
) -> Planned:
    """Check a plan that was kept in a file since *made_at* against Brevo as it is now.

    Where it was put together from *parts*, its deletions are measured now.

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
    if parts is not None:
        guard = Guard(
            known_contacts=edges.store.count_known(),
            max_deletes=options.max_deletes or config.max_deletes,
            listed=parts.listed,
        )
        kept = make_plan(kept.changes, guard)
    plan = still_true(kept, observed, waiting, edges.store.suppressed(names, ids))
    check_consent(plan, config.policy)
    return Planned(
        plan=plan,
        routing=route_plan(
            plan,
            choice=options.route,
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
    ahead = edges.account.clock_ahead or timedelta()
    return lately_written(edges.store, names, edges.clock.now(), ahead=ahead)


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
    if planned.kept is None:
        settled = tuple(planned.input.settling.settled(steady))
    else:
        settled = tuple(planned.kept.settle(journal, {w.customer.email for w in writes}))
    if settled:
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
