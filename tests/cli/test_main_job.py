"""The main job from the command line, embedded and over HTTP."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from worlds import World

CREATED = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {
        "id": "cust_12345",
        "email": "jane@example.com",
        "firstName": "Jane",
        "lastName": "Roe",
        "totalSpent": 10,
        "acceptsMarketing": True,
    },
}
UPDATED = {
    "event": "customer_updated",
    "timestamp": "2024-01-16T08:00:00Z",
    "data": {
        "id": "cust_12345",
        "email": "jane@example.com",
        "changes": {
            "phone": {"old": None, "new": "+12025550123"},
            "totalSpent": {"old": 10, "new": 35.5},
        },
    },
}
DELETED = {
    "event": "customer_deleted",
    "timestamp": "2024-01-17T09:00:00Z",
    "data": {
        "id": "cust_12345",
        "email": "jane@example.com",
        "deletedAt": "2024-01-17T09:00:00Z",
    },
}
COMPLETE = {"FIRSTNAME": "Jane", "LASTNAME": "Roe", "SMS": "+12025550123", "TOTAL_SPENT": 35.5}


def assert_settled(world: World, *events: object) -> None:
    """The same events again: nothing is left to do."""
    report = world.sync(*events)
    plan = report["plan"]
    assert (plan["create"], plan["update"], plan["delete"]) == (0, 0, 0)


def test_the_three_triggers_one_after_the_other(world: World) -> None:
    """A creation, an update and a deletion give the right contact each time."""
    world.sync(CREATED)
    jane = world.contacts()["jane@example.com"]
    assert jane["attributes"] == {"FIRSTNAME": "Jane", "LASTNAME": "Roe", "TOTAL_SPENT": 10}
    assert jane["list_ids"] == [5]
    assert not jane["is_email_blocked"]

    world.sync(UPDATED)
    assert world.contacts()["jane@example.com"]["attributes"] == COMPLETE

    world.sync(DELETED)
    gone = world.contacts()["jane@example.com"]
    assert (gone["is_email_blocked"], gone["list_ids"]) == (True, [])
    assert gone["attributes"] == COMPLETE
    assert_settled(world, DELETED)


@pytest.mark.parametrize("order", list(itertools.permutations([CREATED, UPDATED])))
@pytest.mark.parametrize("is_apart", [False, True], ids=["together", "apart"])
def test_order_and_duplicates_make_no_difference(
    embedded: World, order: Sequence[object], *, is_apart: bool
) -> None:
    """A late creation adds what the update did not say, in one run or in several."""
    batches = [[event, event] for event in order] if is_apart else [[*order, *order]]
    for batch in batches:
        embedded.sync(*batch)
    assert embedded.contacts()["jane@example.com"]["attributes"] == COMPLETE
    assert_settled(embedded, *order)


@pytest.mark.parametrize("order", list(itertools.permutations([CREATED, UPDATED, DELETED])))
@pytest.mark.parametrize("is_apart", [False, True], ids=["together", "apart"])
def test_a_deletion_wins_in_whatever_order_it_arrives(
    embedded: World, order: Sequence[object], *, is_apart: bool
) -> None:
    """Nobody who was deleted is left mailable, nor created by events that came late."""
    for batch in [[event] for event in order] if is_apart else [order]:
        embedded.sync(*batch)
    jane = embedded.contacts().get("jane@example.com")
    assert jane is None or (jane["is_email_blocked"] and not jane["list_ids"])
    assert_settled(embedded, *order)


def test_a_hard_deletion_removes_the_contact(world: World) -> None:
    """`delete_behavior: hard` leaves no contact behind."""
    world.configure("delete_behavior: hard")
    world.sync(CREATED)
    report = world.sync(DELETED)
    assert report["outcomes"]["applied"] == 1
    assert world.contacts() == {}
    assert_settled(world, DELETED)


def test_a_soft_deletion_sets_the_attribute_that_was_asked_for(world: World) -> None:
    """`deleted_attribute` marks the contact, and a new creation unmarks it."""
    world.configure("deleted_attribute: DELETED")
    world.sync(CREATED)
    world.sync(DELETED)
    assert world.contacts()["jane@example.com"]["attributes"]["DELETED"] is True
    world.sync({**CREATED, "timestamp": "2024-02-03T00:00:00Z"})
    jane = world.contacts()["jane@example.com"]
    assert jane["attributes"]["DELETED"] is False
    assert jane["list_ids"] == [5]
    assert jane["is_email_blocked"]  # A block is not lifted by itself.


def test_a_changed_address_renames_the_contact(world: World) -> None:
    """The contact keeps its id, and there is no second one."""
    world.sync(CREATED)
    before = world.contacts()["jane@example.com"]["id"]
    moved = {
        "event": "customer_updated",
        "timestamp": "2024-01-18T00:00:00Z",
        "data": {"id": "cust_12345", "email": "jane.roe@example.org"},
    }
    world.sync(moved)
    contacts = world.contacts()
    assert list(contacts) == ["jane.roe@example.org"]
    assert contacts["jane.roe@example.org"]["id"] == before
    assert_settled(world, moved)


def test_a_blocked_contact_stays_blocked_through_a_rename(world: World) -> None:
    """Brevo lifts the block at a rename; the block is sent along and looked at."""
    world.sync({**CREATED, "data": {**CREATED["data"], "acceptsMarketing": False}})  # type: ignore[dict-item] # a mapping, as above
    world.sync(
        {
            "event": "customer_updated",
            "timestamp": "2024-01-18T00:00:00Z",
            "data": {"id": "cust_12345", "email": "jane.roe@example.org"},
        }
    )
    assert world.contacts()["jane.roe@example.org"]["is_email_blocked"]


def test_a_deletion_that_only_knows_the_id(world: World) -> None:
    """The state remembers the address; an id that nobody knows is skipped and said so."""
    world.sync(CREATED)
    anonymous: dict[str, Any] = {**DELETED, "data": {"id": "cust_12345"}}
    stranger: dict[str, Any] = {**DELETED, "data": {"id": "cust_99"}}
    report = world.sync(anonymous, stranger)
    assert report["plan"]["delete"] == 1
    assert list(report["skipped"]) == [
        "unknown customer: no address, and no contact known by its id"
    ]
    assert world.contacts()["jane@example.com"]["is_email_blocked"]


def test_a_phone_of_another_contact_is_left_out(world: World) -> None:
    """The rest is written, the field is reported, and the next plan is empty."""
    first = {**CREATED, "data": {"email": "a@example.com", "phone": "+12025550123"}}
    second = {
        **CREATED,
        "data": {"email": "b@example.com", "phone": "+12025550123", "firstName": "Bo"},
    }
    world.sync(first)
    report = world.sync(second)
    assert report["outcomes"] == {"applied": 1, "deferred": 0, "failed": 0}
    assert [e["code"] for e in report["errors"]] == ["duplicate_identifier"]
    assert world.contacts()["b@example.com"]["attributes"] == {"FIRSTNAME": "Bo"}
    assert_settled(world, second)


def test_rejects_are_mended_and_fed_in_again(world: World) -> None:
    """A rejected record waits in rejects.jsonl, and is a record again once it is mended."""
    broken = {**CREATED, "data": {"email": "jane at example.com", "firstName": "Jane"}}
    report = world.sync(broken, '{"event": "customer_cre')
    assert report["exit_code"] == 7
    assert report["rejections"] == 2
    rejects = world.folder / ".customer-sync" / "rejects.jsonl"
    text = rejects.read_text(encoding="utf-8")
    assert '"events.jsonl", "line": 1' in text
    assert '"trouble": "CS211"' in text
    rejects.write_text(
        text.replace("jane at example.com", "jane@example.com").replace(
            json.dumps('{"event": "customer_cre'), json.dumps(json.dumps(UPDATED))
        ),
        encoding="utf-8",
    )
    result = world.call("run", ".customer-sync/rejects.jsonl", "--json")
    assert result.document["rejections"] == 0
    assert result.exit_code == 0
    assert not rejects.exists()
    assert world.contacts()["jane@example.com"]["attributes"]["SMS"] == "+12025550123"


def test_a_kept_plan_leaves_out_contacts_that_moved(world: World) -> None:
    """`apply FILE` writes what the file says, except where Brevo changed since."""
    bob = {**CREATED, "data": {"id": "2", "email": "bob@example.com", "firstName": "Bob"}}
    world.sync(CREATED, bob)
    later = {"event": "customer_updated", "timestamp": "2024-02-01T00:00:00Z"}
    world.write(
        "later.jsonl",
        [
            {**later, "data": {"id": "cust_12345", "lastName": "Poe"}},
            {**later, "data": {"id": "2", "lastName": "Poe"}},
        ],
    )
    planned = world.call("plan", "later.jsonl", "--out", "plan.json", "--json")
    assert planned.document["plan"]["update"] == 2
    shown = world.call("show", "plan.json")
    assert "LASTNAME" in shown.out
    world.sync({**later, "data": {"id": "2", "firstName": "Robert"}})
    applied = world.call("apply", "plan.json", "--json").document
    assert applied["plan"] == {"create": 0, "update": 1, "delete": 0, "keep": 0, "skip": 1}
    contacts = world.contacts()
    assert contacts["jane@example.com"]["attributes"]["LASTNAME"] == "Poe"
    assert "LASTNAME" not in contacts["bob@example.com"]["attributes"]
