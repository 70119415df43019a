"""What a way of writing costs: requests by route, and their price in the account's budget."""

import math
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

READ_BACK_PAGE = 1000
"""Contacts that one request reads back after an import; Brevo's maximum."""

LIST_CHANGE = 150
"""Contacts that one request puts on a list or takes off it; Brevo's maximum."""

JOBS_WATCHED = 50
"""Jobs that one look at the list of processes shows; Brevo's maximum."""

LOOKS = 2
"""How often a group of jobs is looked at before it is done, as a rule."""

PROCESS_PRICE = 18
"""What a request to /processes counts for: its budget is 100 an hour where contacts have 36,000.

At this price imports pay from about 40 contacts on, which is also where they begin to be faster: a
job takes tens of seconds however small it is.
"""


SECONDS_BETWEEN_LOOKS = 25.0
"""How long a job keeps one waiting for each look that it takes, as a rule."""


class Route(StrEnum):
    """A request, named as Brevo's routes are."""

    CREATE = "POST /contacts"
    UPDATE = "PUT /contacts/{identifier}"
    BATCH = "POST /contacts/batch"
    DELETE = "DELETE /contacts/{identifier}"
    IMPORT = "POST /contacts/import"
    LIST_ADD = "POST /contacts/lists/{listId}/contacts/add"
    LIST_REMOVE = "POST /contacts/lists/{listId}/contacts/remove"
    READ_PAGE = "GET /contacts"
    READ_ONE = "GET /contacts/{identifier}"
    PROCESSES = "GET /processes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportGroup:
    """Contacts that may share import jobs, as numbers."""

    size: int
    jobs: int
    """How many jobs their bytes make."""
    follow_ups: int = 0
    """How many of them an import cannot finish, such as those with a boolean that is false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is to be written, as numbers: all that the choice of routes depends on."""

    creations: tuple[ImportGroup, ...] = ()
    single_creations: int = 0
    """Creations that no import can take: they join no list."""
    updates: int = 0
    """Updates that only a batch or single requests can do."""
    importable_updates: tuple[ImportGroup, ...] = ()
    joining: tuple[int, ...] = ()
    """Updates of nothing but one list to join, by list."""
    leaving: tuple[int, ...] = ()
    """The same for a list to leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A choice of routes."""

    imported: frozenset[int] = frozenset()
    """Which groups of creations are imported, by their position."""
    is_importing_updates: bool = False
    is_using_lists: bool = False
    is_batching: bool = True
    """False: updates go one by one."""


def cost(demand: Demand, mix: Mix, batch_size: int) -> Counter[str]:
    """Return the requests that *mix* takes when all goes well, by route."""
    imports = [g for i, g in enumerate(demand.creations) if i in mix.imported]
    singles = demand.single_creations + sum(
        g.size for i, g in enumerate(demand.creations) if i not in mix.imported
    )
    updates = demand.updates
    if mix.is_importing_updates:
        imports += demand.importable_updates
    else:
        updates += sum(g.size for g in demand.importable_updates)
    if not mix.is_using_lists:
        updates += sum(demand.joining) + sum(demand.leaving)

    total: Counter[str] = Counter()
    total[Route.CREATE] = singles
    total += import_cost(imports, batch_size)
    if updates == 1 or not mix.is_batching:
        total[Route.UPDATE] += updates
    else:
        total[Route.BATCH] += math.ceil(updates / batch_size)
    if mix.is_using_lists:
        total[Route.LIST_ADD] = sum(math.ceil(n / LIST_CHANGE) for n in demand.joining)
        total[Route.LIST_REMOVE] = sum(math.ceil(n / LIST_CHANGE) for n in demand.leaving)
    return +total


def import_cost(imports: list[ImportGroup], batch_size: int) -> Counter[str]:
    """Return what imports take: the jobs, looking at them, reading back, and finishing."""
    jobs = sum(g.jobs for g in imports)
    follow_ups = sum(g.follow_ups for g in imports)
    total: Counter[str] = Counter()
    total[Route.IMPORT] = jobs
    total[Route.PROCESSES] = LOOKS * math.ceil(jobs / JOBS_WATCHED)
    total[Route.READ_PAGE] = math.ceil(sum(g.size for g in imports) / READ_BACK_PAGE)
    if follow_ups == 1:
        total[Route.UPDATE] = 1
    else:
        total[Route.BATCH] = math.ceil(follow_ups / batch_size)
    return +total


def price(requests: Counter[str]) -> int:
    """Return what *requests* cost the account's budget, in requests to contacts."""
    return requests.total() + (PROCESS_PRICE - 1) * requests[Route.PROCESSES]


def seconds_of(requests: Counter[str], rate_per_s: float) -> float:
    """Return how long *requests* take inside the limits, jobs waited for."""
    looks = requests[Route.PROCESSES]
    return (requests.total() - looks) / rate_per_s + looks * SECONDS_BETWEEN_LOOKS


def cheapest(demand: Demand, batch_size: int) -> Mix:
    """Return the mix with the lowest price; among equals the one that leaves least to jobs.

    What is answered at once is known at once. The mix is never dearer than any single strategy,
    since each of those is among the candidates.
    """
    groups = range(len(demand.creations))
    subsets = [
        frozenset(i for i, is_in in zip(groups, chosen, strict=True) if is_in)
        for chosen in product((False, True), repeat=len(demand.creations))
    ]
    candidates = [
        Mix(imported=imported, is_importing_updates=updates, is_using_lists=lists)
        for imported in subsets
        for updates in ((False, True) if demand.importable_updates else (False,))
        for lists in ((False, True) if demand.joining or demand.leaving else (False,))
    ]

    def by_price(mix: Mix) -> tuple[int, int, bool]:
        jobs = len(mix.imported) + mix.is_importing_updates
        return price(cost(demand, mix, batch_size)), jobs, mix.is_using_lists

    return min(candidates, key=by_price)
