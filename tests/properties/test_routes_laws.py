"""Laws of the choice of routes: never dearer than any single strategy, never incorrect."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from builders import contact, customer
from customer_sync.core.model import (
    ContactPatch,
    Create,
    Delete,
    Email,
    Update,
    Write,
)
from customer_sync.core.plan import Guard, make_plan
from customer_sync.core.requests.bill import Demand, ImportGroup, Mix, Route, cheapest, cost, price
from customer_sync.core.requests.routes import RouteChoice, bill, needs_a_look, route_plan

ROWS_PER_JOB = 7
BATCH_SIZES = st.sampled_from([1, 2, 3, 10, 149, 150, 1000])

groups = st.builds(
    lambda size, jobs, share: ImportGroup(
        size=size, jobs=min(jobs, size), follow_ups=int(size * share)
    ),
    size=st.integers(1, 5000),
    jobs=st.integers(1, 4),
    share=st.floats(0, 1),
)
demands = st.builds(
    Demand,
    creations=st.lists(groups, max_size=4).map(tuple),
    single_creations=st.integers(0, 200),
    updates=st.integers(0, 5000),
    importable_updates=st.lists(groups, max_size=2).map(tuple),
    joining=st.lists(st.integers(1, 500), max_size=2).map(tuple),
    leaving=st.lists(st.integers(1, 500), max_size=2).map(tuple),
)


def cut(changes: Sequence[Create | Update]) -> Iterator[int]:
    """Let every job hold the same few rows."""
    return (
        min(ROWS_PER_JOB, len(changes) - start) for start in range(0, len(changes), ROWS_PER_JOB)
    )


@given(demands, BATCH_SIZES)
def test_the_mix_is_never_dearer_than_any_single_strategy(demand: Demand, size: int) -> None:
    """Nor than any other combination of them."""
    best = price(cost(demand, cheapest(demand, size), size))
    everything = frozenset(range(len(demand.creations)))
    for imported, updates, lists, batching in product(
        (frozenset[int](), everything), (False, True), (False, True), (False, True)
    ):
        mix = Mix(
            imported=imported,
            is_importing_updates=updates,
            is_using_lists=lists,
            is_batching=batching,
        )
        assert best <= price(cost(demand, mix, size))


values = st.one_of(
    st.none(), st.booleans(), st.text("abc", min_size=1, max_size=3), st.floats(1, 9)
)
attributes = st.dictionaries(st.sampled_from(["A", "B", "C"]), values, max_size=3)
flags = st.sampled_from([None, None, None, True, False])
lists = st.frozensets(st.sampled_from([5, 6]), max_size=2)


soft_patches = st.sampled_from(
    [
        ContactPatch(email_blocked=True),
        ContactPatch(email_blocked=True, remove_lists=frozenset({5})),
        ContactPatch(remove_lists=frozenset({5})),
    ]
)


@st.composite
def writes(draw: st.DrawFn) -> list[Write]:
    """Draw changes of every kind, each about somebody else."""
    found: list[Write] = []
    for number in range(draw(st.integers(0, 40))):
        email = f"c{number}@example.com"
        who = customer(email)
        before = contact(
            email,
            number=number + 1,
            lists=draw(lists),
            email_blocked=draw(st.booleans()),
        )
        patch = ContactPatch(
            attributes=draw(attributes),
            add_lists=draw(lists),
            email_blocked=draw(flags),
            sms_blocked=draw(flags),
        )
        match draw(st.sampled_from(["create", "create", "update", "rename", "soft", "hard"])):
            case "create":
                given_values = {n: v for n, v in patch.attributes.items() if v is not None}
                made = ContactPatch(
                    attributes=given_values,
                    add_lists=patch.add_lists,
                    email_blocked=patch.email_blocked or None,
                )
                found.append(Create(customer=who, patch=made, fields=()))
            case "update":
                found.append(Update(customer=who, before=before, patch=patch, fields=()))
            case "rename":
                new = Email(f"n{number}@example.org")
                moved = ContactPatch(
                    attributes=patch.attributes, rename_to=new, email_blocked=patch.email_blocked
                )
                found.append(Update(customer=customer(new), before=before, patch=moved, fields=()))
            case "soft":
                found.append(
                    Delete(
                        customer=customer(email, is_deleted=True, deleted=2),
                        before=before,
                        patch=draw(soft_patches),
                        fields=(),
                    )
                )
            case _:
                gone = customer(email, is_deleted=True, deleted=2)
                found.append(Delete(customer=gone, before=before, patch=None, fields=()))
    return found


@given(writes(), BATCH_SIZES, st.sampled_from(RouteChoice))
def test_every_change_goes_exactly_one_way_that_can_carry_it(
    changes: list[Write], size: int, choice: RouteChoice
) -> None:
    """No route gets what it cannot do, no batch is too large, and the bill is what they take."""
    plan = make_plan(changes, Guard(known_contacts=10_000))
    routing = route_plan(plan, choice=choice, batch_size=size, cut=cut)
    batches = [batch for phase in routing.phases for batch in phase.batches]
    carried = [change for batch in batches for change in batch.changes]
    assert Counter(map(id, carried)) == Counter(map(id, plan.writes))
    assert routing.bill == bill(routing.phases, size)
    for batch in batches:
        match batch.route:
            case Route.IMPORT:
                assert len(batch.changes) <= ROWS_PER_JOB
                assert all(_can_be_imported(change) for change in batch.changes)
                assert len({_job_of(change) for change in batch.changes}) == 1
            case Route.BATCH:
                assert len(batch.changes) <= size
                assert not any(isinstance(c, Create) or c.patch is None for c in batch.changes)
                assert not any(map(needs_a_look, batch.changes))
            case Route.CREATE:
                assert all(isinstance(c, Create) for c in batch.changes)
            case Route.DELETE:
                assert all(isinstance(c, Delete) and c.patch is None for c in batch.changes)
            case Route.LIST_ADD:
                assert len(batch.changes) <= 150
                (joined,) = {c.patch.add_lists for c in batch.changes if c.patch is not None}
                assert all(c.patch == ContactPatch(add_lists=joined) for c in batch.changes)
            case Route.LIST_REMOVE:
                assert len(batch.changes) <= 150
                (left,) = {c.patch.remove_lists for c in batch.changes if c.patch is not None}
                assert all(c.patch == ContactPatch(remove_lists=left) for c in batch.changes)
            case _:
                assert batch.route is Route.UPDATE
                assert not any(isinstance(c, Create) for c in batch.changes)


def _can_be_imported(change: Write) -> bool:
    patch = change.patch
    if patch is None or patch.rename_to or patch.remove_lists:
        return False
    if isinstance(change, Create):
        return bool(patch.add_lists)
    is_plain = patch == ContactPatch(attributes=patch.attributes)
    harmless = not any(v is None or v is False for v in patch.attributes.values())
    return is_plain and harmless and not change.before.is_email_blocked


def _job_of(change: Write) -> object:
    """Return what all rows of a job have in common."""
    if isinstance(change, Create):
        return change.patch.add_lists, change.patch.email_blocked, change.patch.sms_blocked
    return min(change.before.list_ids)


@given(writes(), BATCH_SIZES)
def test_the_choice_is_never_dearer_than_what_can_be_forced(
    changes: list[Write], size: int
) -> None:
    """`--route` never saves anything."""
    plan = make_plan(changes, Guard(known_contacts=10_000))
    best = route_plan(plan, choice=RouteChoice.AUTO, batch_size=size, cut=cut)
    for choice in RouteChoice:
        forced = route_plan(plan, choice=choice, batch_size=size, cut=cut)
        assert price(best.bill) <= price(forced.bill)
