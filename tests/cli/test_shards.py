"""Plans of single shards: together they are the plan, and by themselves nothing."""

from typing import Any

import pytest

from customer_sync.errors import ExitCode
from customer_sync.trouble import Code
from worlds import World

AT = "2024-03-01T00:00:00Z"


def customer(number: int, **fields: object) -> dict[str, object]:
    """Return an event about one customer."""
    data = {"id": f"c{number}", "email": f"p{number}@example.com", **fields}
    return {"event": "customer_updated", "timestamp": AT, "data": data}


def plan_shards(world: World, source: str, of: int, *options: str) -> list[str]:
    """Plan every shard, and return the files."""
    names = []
    for number in range(1, of + 1):
        names.append(f"plan-{number}.json")
        done = world.call("plan", source, "--shard", f"{number}/{of}", "--out", names[-1], *options)
        assert done.exit_code in {ExitCode.OK, ExitCode.PARTIAL}, done.err
    return names


def counts(document: dict[str, Any]) -> dict[str, int]:
    """Return how many changes of each kind a report tells of."""
    plan: dict[str, int] = document["plan"]
    return plan


@pytest.fixture
def shop(embedded: World) -> World:
    """A shop of twelve, whose contacts are as they should be."""
    embedded.sync(*(customer(number) for number in range(12)))
    return embedded


def test_all_shards_together_are_the_plan(shop: World) -> None:
    """Each customer is in one of them, also who moved, and applied they come to the same."""
    events = [
        *(customer(number, firstName="Ann") for number in range(12)),
        customer(20, email="new@example.com"),
        customer(3, email="q3@example.com", firstName="Bo"),
        customer(31, changes={"email": {"old": "p6@example.com", "new": "q6@example.com"}}),
        {"event": "customer_deleted", "timestamp": "2024-03-02T00:00:00Z", "data": {"id": "c5"}},
        "{",
    ]
    source = shop.write("events.jsonl", events)
    whole = shop.call("plan", source, "--json").document
    files = plan_shards(shop, source, 3)
    parts = [
        shop.call("plan", source, "--shard", f"{number}/3", "--json").document
        for number in (1, 2, 3)
    ]
    kinds = counts(whole)
    assert {kind: sum(counts(part)[kind] for part in parts) for kind in kinds} == kinds
    assert all((part["records_read"], part["rejections"]) == (17, 1) for part in parts)
    applied = shop.call("apply", *files, "--json").document
    assert applied["outcomes"]["applied"] == sum(kinds[k] for k in ("create", "update", "delete"))
    again = counts(shop.call("plan", source, "--json").document)
    assert (again["create"], again["update"], again["delete"]) == (0, 0, 0)


def test_the_limit_of_deletions_is_measured_on_all_shards(shop: World) -> None:
    """No shard withholds any by itself, and none is applied beyond what is allowed together."""
    gone = shop.write(
        "gone.jsonl",
        [
            {
                "event": "customer_deleted",
                "timestamp": "2024-03-02T00:00:00Z",
                "data": {"id": f"c{n}"},
            }
            for n in range(6)
        ],
    )
    files = plan_shards(shop, gone, 2)
    held = shop.call("apply", *files, "--max-deletes", "5", "--json").document
    assert (held["withheld"], held["outcomes"]["applied"]) == (6, 0)
    done = shop.call("apply", *files, "--max-deletes", "6", "--json").document
    assert (done["withheld"], done["outcomes"]["applied"]) == (0, 6)


def test_a_complete_export_that_shrank_is_noticed_by_all_shards_together(shop: World) -> None:
    """Half of the known customers have to be listed by all of them, not by each."""
    rows = [{"id": f"c{n}", "email": f"p{n}@example.com", "updatedAt": AT} for n in range(5)]
    files = plan_shards(shop, shop.write("export.jsonl", rows), 2, "--complete")
    held = shop.call("apply", *files, "--json").document
    assert held["withheld"] == 7
    assert "lists 5 customers where 12 were known" in str(held["errors"])


def test_single_shards_are_not_applied(shop: World) -> None:
    """Which ones are missing is said."""
    source = shop.write("events.jsonl", [customer(1, firstName="Ann")])
    first, second, third = plan_shards(shop, source, 3)
    lacking = shop.call("apply", first, third)
    assert lacking.exit_code == ExitCode.USAGE
    assert "lacks its shards 2/3" in lacking.err
    assert Code.SHARDS in lacking.err
    twice = shop.call("apply", first, second, third, third)
    assert "not the shards of one plan: 1/3, 2/3, 3/3, 3/3" in twice.err


def test_a_whole_plan_is_applied_by_itself(shop: World) -> None:
    """It was measured when it was made."""
    source = shop.write("events.jsonl", [customer(1, firstName="Ann")])
    shop.call("plan", source, "--out", "whole.json")
    (shard,) = plan_shards(shop, source, 1)
    assert "applied by itself" in shop.call("apply", "whole.json", shard).err
    assert "--max-deletes" in shop.call("apply", "whole.json", "--max-deletes", "5").err
    assert shop.call("apply", "whole.json").exit_code == ExitCode.OK


def test_shards_of_different_kinds_do_not_go_together(shop: World) -> None:
    """Absence means deletion in all of them, or in none."""
    rows = [{"id": f"c{n}", "email": f"p{n}@example.com", "updatedAt": AT} for n in range(12)]
    source = shop.write("export.jsonl", rows)
    shop.call("plan", source, "--shard", "1/2", "--complete", "--out", "one.json")
    shop.call("plan", source, "--shard", "2/2", "--out", "two.json")
    assert "Only some of the shards" in shop.call("apply", "one.json", "two.json").err


def test_shards_of_different_sources_do_not_go_together(shop: World) -> None:
    """Whoever moved from one to the other between the two exports would be in both, or in none."""
    for number, name in ((1, "Ann"), (2, "Bob")):
        source = shop.write("events.jsonl", [customer(n, firstName=name) for n in range(3)])
        shop.call("plan", source, "--shard", f"{number}/2", "--out", f"plan-{number}.json")
    refused = shop.call("apply", "plan-1.json", "plan-2.json")
    assert refused.exit_code == ExitCode.USAGE
    assert "not planned from the same source" in refused.err


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_shard_is_refused(shop: World, text: str) -> None:
    """With how one looks."""
    source = shop.write("events.jsonl", [customer(1)])
    refused = shop.call("plan", source, "--shard", text)
    assert refused.exit_code == ExitCode.USAGE
    assert "such as 2/4" in refused.err
