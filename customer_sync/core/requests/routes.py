"""Which requests carry a plan's changes: the cheapest that are correct, and what they add up to."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from customer_sync.core.model import ContactPatch, Create, Delete, Update, Write
from customer_sync.core.plan import Plan
from customer_sync.core.requests.bill import (
    LIST_CHANGE,
    Demand,
    ImportGroup,
    Mix,
    Route,
    cheapest,
    import_cost,
)

Cutter: TypeAlias = Callable[[Sequence[Create | Update]], Iterator[int]]
"""Yields how many of the changes, in their order, fit into each import job by their bytes."""


_NEVER = 2**62
"""More changes than there ever are."""


class RouteChoice(StrEnum):
    """What the operator may force."""

    AUTO = "auto"
    SINGLE = "single"
    BATCH = "batch"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Changes that go the same way, in one request or in one each."""

    route: Route
    changes: tuple[Write, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Batches that may run side by side, once the phase before is done."""

    name: str
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A plan's way to Brevo."""

    phases: tuple[Phase, ...]
    bill: Counter[str]
    """The requests that it takes when all goes well, by route."""
    alternatives: Mapping["RouteChoice", Counter[str]] = field(default_factory=dict)
    """What every way that can be forced would take instead."""


def route_plan(plan: Plan, *, choice: RouteChoice, batch_size: int, cut: Cutter) -> Routing:
    """Return the way of *plan*: renames that others wait for, creations, updates, deletions.

    Every change of the plan is in exactly one batch, and each batch keeps the plan's order. What a
    route cannot do never goes that way: an import takes nobody who is blocked, no flag for a single
    row, no clearing, no change of address, no leaving of a list; and whether a false boolean
    arrived is looked at.
    """
    sorted_out = _sort_out(plan, cut)

    def phases(way: RouteChoice) -> tuple[Phase, ...]:
        return tuple(p for p in _phases(sorted_out, way, batch_size) if p.batches)

    return Routing(
        phases=phases(choice),
        bill=bill(phases(choice), batch_size),
        alternatives={way: bill(phases(way), batch_size) for way in RouteChoice},
    )


def bill(phases: Iterable[Phase], batch_size: int) -> Counter[str]:
    """Return the requests that *phases* take when all goes well, by route."""
    total: Counter[str] = Counter()
    imports: list[ImportGroup] = []
    for batch in (b for phase in phases for b in phase.batches):
        match batch.route:
            case Route.IMPORT:
                imports.append(_group(batch.changes, 1))
            case Route.BATCH | Route.LIST_ADD | Route.LIST_REMOVE:
                total[batch.route] += 1
            case _:
                total[batch.route] += len(batch.changes)
                total[Route.READ_ONE] += sum(map(needs_a_look, batch.changes))
    return +(total + import_cost(imports, batch_size))


def _phases(sorted_out: "_SortedOut", choice: RouteChoice, batch_size: int) -> Iterator[Phase]:
    least = {RouteChoice.SINGLE: _NEVER, RouteChoice.BATCH: 1}.get(choice, 2)
    cargo = sorted_out.cargo
    mix = _mix(cargo, choice, batch_size)
    for turn in _in_takeover_order(sorted_out.awaited):
        yield Phase(name="rename", batches=tuple(_round(turn, batch_size, least)))
    yield Phase(name="create", batches=tuple(_creations(cargo, mix)))
    alone = _each(Route.UPDATE, sorted_out.guarded)
    yield Phase(name="update", batches=(*alone, *_updates(cargo, mix, batch_size, least)))
    yield Phase(name="delete", batches=tuple(_each(Route.DELETE, sorted_out.hard)))


# ---------------------------------------------------------------- sorting out


@dataclass(frozen=True, slots=True, kw_only=True)
class _SortedOut:
    """A plan's writes by what has to happen to them, whatever the route."""

    awaited: tuple[Update, ...]
    """Renames that free an address for others, or wait for one."""
    guarded: tuple[Write, ...]
    """Renames that a block goes with, to be looked at."""
    cargo: "_Cargo"
    hard: tuple[Delete, ...]


def _sort_out(plan: Plan, cut: Cutter) -> _SortedOut:
    writes = plan.writes
    creates = [c for c in writes if isinstance(c, Create)]
    renames = [c for c in writes if isinstance(c, Update) and c.patch.rename_to is not None]
    awaited = _awaited(renames, creates)
    went_first = {id(c) for c in awaited}
    softly = [
        c
        for c in writes
        if id(c) not in went_first
        and (isinstance(c, Update) or (isinstance(c, Delete) and c.patch is not None))
    ]
    return _SortedOut(
        awaited=tuple(awaited),
        guarded=tuple(c for c in softly if needs_a_look(c)),
        cargo=_load(creates, [c for c in softly if not needs_a_look(c)], cut),
        hard=tuple(c for c in writes if isinstance(c, Delete) and c.patch is None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cargo:
    """A plan's creations and updates, sorted by what may carry them."""

    groups: tuple[tuple[Create, ...], ...]
    """Creations that may share import jobs: same lists, same flags."""
    group_jobs: tuple[tuple[int, ...], ...]
    """How many creations of each group go into each job."""
    single_creates: tuple[Create, ...]
    updates: tuple[Update | Delete, ...]
    """All updates and soft deletions, in the plan's order."""
    importable: tuple[tuple[Update, ...], ...]
    """Those among them that an import can do, by a list that all of them are on already."""
    importable_jobs: tuple[tuple[int, ...], ...]
    for_lists: Mapping[tuple[Route, int], tuple[Update | Delete, ...]]
    """Updates of nothing but one list to join, or to leave."""

    @property
    def demand(self) -> Demand:
        """The same as numbers."""
        elsewhere = (*self.importable, *self.for_lists.values())
        return Demand(
            creations=tuple(map(_group, self.groups, map(len, self.group_jobs))),
            single_creations=len(self.single_creates),
            updates=len(self.updates) - sum(map(len, elsewhere)),
            importable_updates=tuple(map(_group, self.importable, map(len, self.importable_jobs))),
            joining=self._list_sizes(Route.LIST_ADD),
            leaving=self._list_sizes(Route.LIST_REMOVE),
        )

    def _list_sizes(self, wanted: Route) -> tuple[int, ...]:
        return tuple(len(c) for (route, _), c in self.for_lists.items() if route is wanted)


def _load(creates: Sequence[Create], updates: Sequence[Update | Delete], cut: Cutter) -> _Cargo:
    groups: dict[tuple[object, ...], list[Create]] = defaultdict(list)
    for create in creates:
        patch = create.patch
        if patch.add_lists:
            groups[patch.add_lists, patch.email_blocked, patch.sms_blocked].append(create)
    importable: dict[int, list[Update]] = defaultdict(list)
    for_lists: dict[tuple[Route, int], list[Update | Delete]] = defaultdict(list)
    for update in updates:
        if isinstance(update, Update) and _may_be_imported(update):
            importable[min(update.before.list_ids)].append(update)
        elif (move := _list_move(update.patch)) is not None:
            for_lists[move].append(update)
    ordered = tuple(tuple(groups[key]) for key in sorted(groups, key=str))
    listed = tuple(tuple(importable[list_id]) for list_id in sorted(importable))
    return _Cargo(
        groups=ordered,
        group_jobs=tuple(tuple(cut(group)) for group in ordered),
        single_creates=tuple(c for c in creates if not c.patch.add_lists),
        updates=tuple(updates),
        importable=listed,
        importable_jobs=tuple(tuple(cut(group)) for group in listed),
        for_lists={move: tuple(for_lists[move]) for move in sorted(for_lists)},
    )


def _list_move(patch: ContactPatch | None) -> tuple[Route, int] | None:
    """Return the one list that *patch* joins or leaves, if that is all that it does."""
    if patch is None:
        return None
    if len(patch.add_lists) == 1 and patch == ContactPatch(add_lists=patch.add_lists):
        return Route.LIST_ADD, min(patch.add_lists)
    if len(patch.remove_lists) == 1 and patch == ContactPatch(remove_lists=patch.remove_lists):
        return Route.LIST_REMOVE, min(patch.remove_lists)
    return None


def _may_be_imported(change: Update) -> bool:
    """Tell whether an import can do all of an update.

    An import puts everybody on a list, so it must be about somebody who is on one. Whether it
    unblocks those who are blocked is not known.
    """
    patch, before = change.patch, change.before
    return (
        bool(patch.attributes)
        and patch == ContactPatch(attributes=patch.attributes)
        and not any(v is None or v is False for v in patch.attributes.values())
        and bool(before.list_ids)
        and not before.is_email_blocked
        and not before.is_sms_blocked
    )


def _group(changes: Sequence[Write], jobs: int) -> ImportGroup:
    follow_ups = sum(
        change.patch is not None and False in change.patch.attributes.values() for change in changes
    )
    return ImportGroup(size=len(changes), jobs=jobs, follow_ups=follow_ups)


def _mix(cargo: _Cargo, choice: RouteChoice, batch_size: int) -> Mix:
    match choice:
        case RouteChoice.AUTO:
            return cheapest(cargo.demand, batch_size)
        case RouteChoice.SINGLE:
            return Mix(is_batching=False)
        case RouteChoice.BATCH:
            return Mix()
        case RouteChoice.IMPORT:
            return Mix(imported=frozenset(range(len(cargo.groups))))


# ---------------------------------------------------------------- batches


def _creations(cargo: _Cargo, mix: Mix) -> Iterator[Batch]:
    for position, (group, jobs) in enumerate(zip(cargo.groups, cargo.group_jobs, strict=True)):
        if position in mix.imported:
            yield from _jobs(group, jobs)
        else:
            yield from _each(Route.CREATE, group)
    yield from _each(Route.CREATE, cargo.single_creates)


def _updates(cargo: _Cargo, mix: Mix, batch_size: int, least: int) -> Iterator[Batch]:
    elsewhere: set[int] = set()
    if mix.is_importing_updates:
        for group, jobs in zip(cargo.importable, cargo.importable_jobs, strict=True):
            elsewhere |= {id(c) for c in group}
            yield from _jobs(group, jobs)
    if mix.is_using_lists:
        for (route, _), changes in cargo.for_lists.items():
            elsewhere |= {id(c) for c in changes}
            yield from _chunks(route, changes, LIST_CHANGE)
    yield from _together([c for c in cargo.updates if id(c) not in elsewhere], batch_size, least)


def _jobs(changes: Sequence[Write], sizes: Iterable[int]) -> Iterator[Batch]:
    start = 0
    for size in sizes:
        yield Batch(route=Route.IMPORT, changes=tuple(changes[start : start + size]))
        start += size


def _together(changes: Sequence[Write], batch_size: int, least: int) -> Iterator[Batch]:
    if len(changes) < least:
        yield from _each(Route.UPDATE, changes)
    else:
        yield from _chunks(Route.BATCH, changes, batch_size)


def _chunks(route: Route, changes: Sequence[Write], size: int) -> Iterator[Batch]:
    for start in range(0, len(changes), size):
        yield Batch(route=route, changes=tuple(changes[start : start + size]))


def _each(route: Route, changes: Sequence[Write]) -> Iterator[Batch]:
    if changes:
        yield Batch(route=route, changes=tuple(changes))


# ---------------------------------------------------------------- renames


def _awaited(renames: Sequence[Update], creates: Sequence[Create]) -> list[Update]:
    """Return the renames that free an address for others, and those that wait for one."""
    wanted = {c.customer.email for c in creates} | {c.patch.rename_to for c in renames}
    freed = {c.before.email for c in renames}
    return [c for c in renames if c.before.email in wanted or c.patch.rename_to in freed]


def _in_takeover_order(renames: Sequence[Update]) -> Iterator[list[Update]]:
    """Yield the renames in rounds: whoever takes an address over goes after its holder left."""
    waiting = list(renames)
    while waiting:
        held = {c.before.email for c in waiting}
        ready = [c for c in waiting if c.patch.rename_to not in held]
        yield ready or waiting
        waiting = [c for c in waiting if c.patch.rename_to in held] if ready else []


def _round(renames: Sequence[Update], batch_size: int, least: int) -> Iterator[Batch]:
    yield from _each(Route.UPDATE, [c for c in renames if needs_a_look(c)])
    yield from _together([c for c in renames if not needs_a_look(c)], batch_size, least)


def needs_a_look(change: Write) -> bool:
    """Tell whether a block goes with a change of address, by which Brevo lifts blocks by itself.

    It may stand already, or be sent along for the first time; Brevo may lift either.
    """
    if not isinstance(change, Update) or change.patch.rename_to is None:
        return False
    is_blocked = change.patch.email_blocked
    return change.before.is_email_blocked if is_blocked is None else is_blocked
