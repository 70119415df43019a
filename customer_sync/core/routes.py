"""Which requests carry a plan's changes: the fewest that are correct, and what they add up to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from customer_sync.core.model import Create, Delete, Update, Write
from customer_sync.core.plan import Plan


class Route(StrEnum):
    """A way to write, named as Brevo's routes are."""

    CREATE = "POST /contacts"
    UPDATE = "PUT /contacts/{identifier}"
    BATCH = "POST /contacts/batch"
    DELETE = "DELETE /contacts/{identifier}"


class RouteChoice(StrEnum):
    """What the operator may force."""

    AUTO = "auto"
    SINGLE = "single"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Changes that go the same way, in one request or in one each."""

    route: Route
    changes: tuple[Write, ...]

    @property
    def requests(self) -> int:
        """How many requests it takes when all goes well."""
        return 1 if self.route is Route.BATCH else len(self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Batches that may run side by side, once the phase before is done."""

    name: str
    batches: tuple[Batch, ...]


def route_plan(plan: Plan, *, choice: RouteChoice, batch_size: int) -> tuple[Phase, ...]:
    """Return the phases of *plan*: renames, creations, updates, deletions.

    Every change of the plan is in exactly one batch, and batches keep the plan's order.
    """
    writes = plan.writes
    renames = [c for c in writes if isinstance(c, Update) and c.patch.rename_to is not None]
    updates = [c for c in writes if isinstance(c, Update) and c.patch.rename_to is None]
    soft = [c for c in writes if isinstance(c, Delete) and c.patch is not None]
    hard = [c for c in writes if isinstance(c, Delete) and c.patch is None]
    creates = [c for c in writes if isinstance(c, Create)]
    phases = [
        *(
            Phase(name="rename", batches=tuple(_renames(r, choice, batch_size)))
            for r in _in_takeover_order(renames)
        ),
        Phase(name="create", batches=tuple(_each(Route.CREATE, creates))),
        Phase(name="update", batches=tuple(_together(updates, choice, batch_size))),
        Phase(name="delete", batches=tuple(_together(soft, choice, batch_size))),
        Phase(name="delete", batches=tuple(_each(Route.DELETE, hard))),
    ]
    return tuple(p for p in phases if p.batches)


def bill(phases: Iterable[Phase]) -> Counter[str]:
    """Return how many requests each route takes when all goes well."""
    total: Counter[str] = Counter()
    for phase in phases:
        for batch in phase.batches:
            total[batch.route.value] += batch.requests
    return total


def _in_takeover_order(renames: Sequence[Update]) -> Iterator[list[Update]]:
    """Yield the renames in rounds: whoever takes an address over goes after its holder left."""
    waiting = list(renames)
    while waiting:
        held = {c.before.email for c in waiting}
        ready = [c for c in waiting if c.patch.rename_to not in held]
        yield ready or waiting
        waiting = [c for c in waiting if c.patch.rename_to in held] if ready else []


def _renames(renames: Sequence[Update], choice: RouteChoice, batch_size: int) -> Iterator[Batch]:
    """Send blocked contacts one by one: whether the block survived has to be looked at."""
    yield from _each(Route.UPDATE, [c for c in renames if c.before.is_email_blocked])
    rest = [c for c in renames if not c.before.is_email_blocked]
    yield from _together(rest, choice, batch_size)


def _together(
    changes: Sequence[Update | Delete], choice: RouteChoice, batch_size: int
) -> Iterator[Batch]:
    if choice is RouteChoice.SINGLE or (choice is RouteChoice.AUTO and len(changes) == 1):
        yield from _each(Route.UPDATE, changes)
        return
    for start in range(0, len(changes), batch_size):
        yield Batch(route=Route.BATCH, changes=tuple(changes[start : start + batch_size]))


def _each(route: Route, changes: Sequence[Write]) -> Iterator[Batch]:
    if changes:
        yield Batch(route=route, changes=tuple(changes))
