"""Whoever bears upon each other is planned together, in however many partitions the rest lies."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from customer_sync.core.model import Create, Customer, Dated, Email, Note, Update, Write
from customer_sync.core.plan import Plan
from customer_sync.run.edges import RunOptions
from customer_sync.run.report import RunReport
from customer_sync.run.scale import Scale
from customer_sync.store import QueueItem
from session_stage import Shop, event

FEBRUARY, MARCH, APRIL = (f"2024-0{month}-01T10:00:00Z" for month in (2, 3, 4))
WHOLE = Scale(least_bytes=2**60)
APART = Scale(least_bytes=1, part_bytes=1)
"""As many partitions as the input has bytes: nobody is with anybody by chance."""

WITH_IDS = """\
max_deletes: 5}
    field_mapping: {id: EXT_ID, email: email, firstName: FIRSTNAME"""
"""What is added to the options, which keeps the shop's ids at Brevo."""

PLAIN = RunOptions()

Told: TypeAlias = list[dict[str, object]]


def planned(
    shop: Shop, told: Told, scale: Scale, options: RunOptions = PLAIN
) -> tuple[Plan, RunReport]:
    """Look at what a run would do."""
    plans: list[Plan] = []
    report = shop.run(
        *told,
        dry_run=True,
        options=replace(options, scale=scale),
        on_planned=lambda made: plans.append(made.plan),
    )
    return plans[0], report


def both_ways(shop: Shop, told: Told, options: RunOptions = PLAIN) -> Plan:
    """Return the plan that is made in partitions, which is the one that is made at once."""
    whole, at_once = planned(shop, told, WHOLE, options)
    parts, apart = planned(shop, told, APART, options)
    assert list(map(shown, parts.writes)) == list(map(shown, whole.writes))
    assert (parts.totals, parts.notes) == (whole.totals, whole.notes)
    assert options.is_complete or parts.digest == whole.digest
    assert (apart.retried, apart.folded) == (at_once.retried, at_once.folded)
    return parts


def shown(change: Write) -> tuple[object, ...]:
    """Return a change without the time of the run, which is that of who is deleted by absence."""
    return type(change).__name__, change.customer.email, change.patch, change.notes


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop of four customers, whose contacts are as they should be."""
    shop = Shop(tmp_path)
    shop.run(*(event("created", number) for number in range(4)))
    return shop


def test_whoever_takes_over_an_address_waits_for_who_leaves_it(shop: Shop) -> None:
    """The state alone knows who had it; the one is renamed, the other made."""
    plan = both_ways(
        shop,
        [
            event("created", 9, email="p1@example.com", at=MARCH),
            event("updated", 1, email="q1@example.com", at=FEBRUARY),
        ],
    )
    renamed, made = plan.writes
    assert isinstance(renamed, Update)
    assert renamed.patch.rename_to == "q1@example.com"
    assert isinstance(made, Create)


def test_two_addresses_of_one_id_are_one_customer(shop: Shop) -> None:
    """Also where the state knows neither of them, and whatever stands between."""
    plan = both_ways(
        shop,
        [
            event("created", 9, email="a9@example.com", firstName="Ann"),
            event("updated", 2, firstName="Bob", at=FEBRUARY),
            event("updated", 9, email="b9@example.com", at=FEBRUARY),
        ],
    )
    assert [change.customer.email for change in plan.writes if isinstance(change, Create)] == [
        "b9@example.com"
    ]


def test_an_address_that_was_left_goes_along_with_who_left_it(shop: Shop) -> None:
    """What was said of it without an id is about whoever says to have had it."""
    plan = both_ways(
        shop,
        [
            {
                "event": "customer_updated",
                "timestamp": FEBRUARY,
                "data": {"email": "old9@example.com", "firstName": "Ann"},
            },
            {
                "event": "customer_updated",
                "timestamp": MARCH,
                "data": {
                    "id": "9",
                    "changes": {"email": {"old": "old9@example.com", "new": "new9@example.com"}},
                },
            },
        ],
    )
    (made,) = plan.writes
    assert isinstance(made, Create)
    assert made.patch.attributes["FIRSTNAME"] == "Ann"


def test_a_deletion_by_the_id_alone_finds_its_customer(shop: Shop) -> None:
    """By the state, or by what else is said in the input; who is known nowhere is skipped."""
    gone: Told = [
        {"event": "customer_deleted", "timestamp": APRIL, "data": {"id": number}}
        for number in ("2", "9", "77")
    ]
    plan = both_ways(shop, [*gone, event("created", 9, email="a9@example.com", at=MARCH)])
    assert (plan.totals.delete, plan.totals.skip) == (1, 1)


def test_whoever_waits_is_planned_with_what_is_said_of_them(shop: Shop) -> None:
    """By the id, as their address is another one by now."""
    waiting = Customer(
        email=Email("w9@example.com"),
        email_at=shop.clock.now(),
        ids=frozenset({"9"}),
        attributes={"FIRSTNAME": Dated(value="Ann", at=shop.clock.now())},
        last_at=shop.clock.now(),
        statements=0,
    )
    with shop.memory() as store:
        at = shop.clock.now()
        later = at + timedelta(days=1)
        store.accept(
            [QueueItem(customer=waiting, error="busy", attempts=1, queued_at=at, next_at=later)]
        )
    told = [event("updated", 9, email="v9@example.com", at=shop.clock.now().isoformat())]
    plan = both_ways(shop, told)
    (made,) = plan.writes
    assert isinstance(made, Create)
    assert (made.customer.email, made.patch.attributes["FIRSTNAME"]) == ("v9@example.com", "Ann")


def test_whose_contact_stands_elsewhere_at_brevo_is_known_there_too(shop: Shop) -> None:
    """A block that this tool set when its owner went means nothing for who had that address."""
    shop.run(event("created", 7, email="q7@example.com"), event("deleted", 1, at=FEBRUARY))
    with shop.sandbox() as sandbox:
        sandbox.edit("p1@example.com", {"attributes": {"EMAIL": "z1@example.com"}})
        sandbox.edit("z1@example.com", {"emailBlacklisted": True})
    left = {"email": {"old": "z1@example.com", "new": "q7@example.com"}}
    moved: dict[str, object] = {
        "event": "customer_updated",
        "timestamp": MARCH,
        "data": {"id": "7", "changes": left},
    }
    plan = both_ways(shop, [moved, event("deleted", 1, at=APRIL)])
    assert Note.NO_WENT_ALONG not in plan.notes


def test_whoever_is_absent_is_deleted_but_not_who_moved(shop: Shop) -> None:
    """One of the listed goes by another address than before."""
    rows: Told = [
        {"id": "0", "email": "p0@example.com", "updatedAt": FEBRUARY},
        {"id": "1", "email": "q1@example.com", "updatedAt": FEBRUARY},
        {"id": "2", "email": "p2@example.com", "updatedAt": FEBRUARY},
    ]
    plan = both_ways(shop, rows, RunOptions(is_complete=True))
    assert (plan.totals.update, plan.totals.delete) == (1, 1)


def test_of_whom_nobody_knows_what_arrived_brevo_is_asked(shop: Shop) -> None:
    """A listing may be behind what a run that was cut off had written."""
    tried, _ = planned(shop, [event("updated", 1, firstName="Ann", at=FEBRUARY)], WHOLE)
    with shop.memory() as store:
        store.begin_run("cut-off", "run", shop.clock.now())
        store.intend("cut-off", tried.writes, "single", shop.clock.now())
    told = [event("updated", n, firstName="Bob", at=MARCH) for n in range(4)]
    both_ways(shop, told)
    _, apart = planned(shop, told, APART)
    assert apart.requests["GET /contacts/{identifier}"] == 1


def test_a_customer_that_only_brevo_can_name_is_found_there(tmp_path: Path) -> None:
    """By the shop's id that its contact carries; the state was lost."""
    shop = Shop(tmp_path, options=WITH_IDS)
    shop.run(*(event("created", number) for number in range(4)))
    for path in shop.state.glob("state-*"):
        path.unlink()
    gone: dict[str, object] = {
        "event": "customer_deleted",
        "timestamp": APRIL,
        "data": {"id": "2"},
    }
    plan = both_ways(shop, [gone, event("updated", 2, email="p2@example.com", at=MARCH)])
    assert plan.totals.delete == 1
    plan = both_ways(shop, [gone, {**gone, "data": {"email": "p2@example.com"}}])
    assert plan.totals.delete == 1
