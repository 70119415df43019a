"""A run undone, stage by stage: recall, observe, plan the way back; then apply it like any plan."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeGuard

from customer_sync.config import Config
from customer_sync.core.customers.fold import Folded
from customer_sync.core.model import (
    Attribute,
    Change,
    Contact,
    ContactId,
    Create,
    Delete,
    Email,
    Resubscribe,
    Skip,
    Update,
)
from customer_sync.core.plan import Guard, Plan, check_consent, make_plan
from customer_sync.core.requests.routes import Routing, route_plan
from customer_sync.core.undoing.past import Tried
from customer_sync.core.undoing.undo import names_of, undo
from customer_sync.core.undoing.wayback import Present, WayBack
from customer_sync.privacy import mask_email
from customer_sync.run.edges import Edges, RunOptions
from customer_sync.run.observe import Freshness, observe
from customer_sync.run.pipeline import Planned, finish_earlier_jobs, jobs_by_bytes, written_lately
from customer_sync.run.report import ReportedError
from customer_sync.run.taking_in import Input

ASKED_AT_A_TIME = 32
CLOCKS_AGREE = timedelta(days=1)
"""By how much our clock and Brevo's may differ, at the most: a no too many is taken for one."""

MOST_LOOKED_FOR = 100
"""Of the contacts that are not where the run left them, how many are asked for by their number, a
request each; the others count as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """Which run is to be undone."""

    run_id: str
    may_unblock: bool = False
    """Leave to lift the blocks that the run set for deletions alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUndo(Planned):
    """The way back from a run, ready to be shown and applied."""

    ways: tuple[WayBack, ...]
    waiting: int = 0
    """How many changes of the run did not get through and still wait in the retry queue."""


async def make_ready_to_undo(
    undoing: Undoing, config: Config, edges: Edges, options: RunOptions
) -> PlannedUndo:
    """Recall what a run did, look at Brevo and plan the way back; nothing is written to either.

    Raises:
        PlanRefused: consent would be broken.
    """
    await finish_earlier_jobs(edges)
    edges.display.stage("recall")
    tried = tuple(edges.store.tried(undoing.run_id))
    waiting = {
        name
        for item in edges.store.queue()
        for name in (item.customer.email, *item.customer.former_emails)
    }
    attributes = await edges.account.attributes()
    now = await _look(undoing, tried, config, edges, attributes=attributes, waiting=waiting)

    edges.display.stage("plan")
    ways = undo(tried, now)
    lifted = [way.change for way in ways if _lifts_a_block(way.change)]
    if lifted:
        unsubscribed = await _unsubscribed(lifted, tried, edges)
        ways = undo(tried, replace(now, unsubscribed=unsubscribed))
    guard = Guard(
        known_contacts=edges.store.count_known(),
        max_deletes=options.max_deletes or config.max_deletes,
    )
    plan = make_plan((way.change for way in ways), guard)
    leave = Resubscribe.NEWER if undoing.may_unblock else config.policy.resubscribe
    check_consent(plan, replace(config.policy, resubscribe=leave))
    return PlannedUndo(
        plan=plan,
        routing=_route(plan, config, options, attributes),
        input=Input(
            folded=Folded(customers={}, skipped=()), records_read=0, rejections=0, warnings=0
        ),
        ways=ways,
        waiting=sum(
            one.outcome == "failed" and one.change.customer.email in waiting for one in tried
        ),
    )


def remarks(planned: PlannedUndo) -> Iterator[ReportedError]:
    """Yield what the operator has to hear: all that does not come back, and why."""
    for way in planned.ways:
        for stay in way.stays:
            yield ReportedError(
                kind="stays", message=f"{stay.name}: {stay.because}", where=_who(way.change)
            )
    if planned.waiting:
        yield ReportedError(
            kind="note",
            message=f"{planned.waiting} changes of that run never got through and wait in the "
            "retry queue; the next run writes them.",
            hint="`customer-sync queue list` shows them, `customer-sync queue drop` takes them "
            "off the queue.",
        )


def _who(change: Change) -> str:
    email = change.email if isinstance(change, Skip) else change.customer.email
    return mask_email(email or "")


async def _look(
    undoing: Undoing,
    tried: Collection[Tried],
    config: Config,
    edges: Edges,
    *,
    attributes: Mapping[str, Attribute],
    waiting: Collection[Email],
) -> Present:
    """Return how things are now for all whom the run wrote to."""
    edges.display.stage("observe")
    names = {name for one in tried for name in names_of(one.change)}
    freshness = Freshness(now=edges.clock.now(), full_refresh_every=config.full_refresh_every)
    observed = await observe(
        edges.account, edges.store, names, freshness, written_lately(edges, names)
    )
    observed |= await _found_elsewhere(tried, observed, edges)
    return Present(
        observed=observed,
        confirmed=edges.store.confirmed(names),
        suppressed=edges.store.suppressed(
            names, {i for one in tried for i in one.change.customer.ids}
        ),
        waiting=waiting,
        attributes={name for name, one in attributes.items() if one.type is not None},
        list_ids=await _lists(tried, edges),
        may_unblock=undoing.may_unblock,
        clock_ahead=edges.account.clock_ahead or timedelta(0),
    )


async def _found_elsewhere(
    tried: Collection[Tried], observed: Mapping[Email, Contact], edges: Edges
) -> dict[Email, Contact]:
    """Return the contacts that somebody gave an address that the run knew nothing of."""
    here = {contact.id for contact in observed.values()}
    missing = {
        one.change.before.id
        for one in tried
        if not isinstance(one.change, Create) and one.change.patch is not None
    } - here
    found = {}
    for contact_id in sorted(missing)[:MOST_LOOKED_FOR]:
        contact = await edges.account.contact(contact_id)
        if contact is not None and contact.email is not None:
            found[contact.email] = contact
    return found


def _lifts_a_block(change: Change) -> TypeGuard[Update]:
    return isinstance(change, Update) and change.patch.email_blocked is False


async def _unsubscribed(
    lifted: Sequence[Update], tried: Collection[Tried], edges: Edges
) -> frozenset[ContactId]:
    """Return those among *lifted* who unsubscribed since the run, a request for each.

    Whether a click on a link in an old mail modifies a contact that is blocked already is not
    known; but Brevo keeps a record of the click.
    """
    account = edges.account
    began = min(one.intended_at for one in tried)
    today = (edges.clock.now() + (account.clock_ahead or timedelta(0))).date()
    since = min(began.date() - timedelta(days=1), today)
    ids = [change.before.id for change in lifted]
    said_no = set()
    for start in range(0, len(ids), ASKED_AT_A_TIME):
        chunk = ids[start : start + ASKED_AT_A_TIME]
        answers = await asyncio.gather(
            *(account.unsubscriptions(one, since, today) for one in chunk)
        )
        said_no |= {
            one
            for one, times in zip(chunk, answers, strict=True)
            if any(time > began - CLOCKS_AGREE for time in times)
        }
    return frozenset(said_no)


async def _lists(tried: Collection[Tried], edges: Edges) -> frozenset[int]:
    """Return the lists that there are, if anybody may have to be put back on one."""
    is_needed = any(
        not isinstance(one.change, Create)
        and one.change.before.list_ids
        and (one.change.patch is None or one.change.patch.remove_lists)
        for one in tried
    )
    return frozenset(one.id for one in await edges.account.lists()) if is_needed else frozenset()


def _route(
    plan: Plan, config: Config, options: RunOptions, attributes: Mapping[str, Attribute]
) -> Routing:
    """Return the way of *plan*, in which contacts go first whose address others return to."""
    wanted = {c.patch.rename_to for c in plan.writes if isinstance(c, Update)} - {None}
    first = tuple(c for c in plan.writes if isinstance(c, Delete) and c.before.email in wanted)
    going_first = {id(c) for c in first}
    rest = tuple(c for c in plan.changes if id(c) not in going_first)
    freeing, others = (
        route_plan(
            replace(plan, changes=changes),
            choice=options.route,
            batch_size=config.brevo.batch_size,
            cut=jobs_by_bytes(attributes),
        )
        for changes in (first, rest)
    )
    return Routing(
        phases=(*freeing.phases, *others.phases),
        bill=freeing.bill + others.bill,
        alternatives={
            way: freeing.alternatives[way] + bill for way, bill in others.alternatives.items()
        },
    )
