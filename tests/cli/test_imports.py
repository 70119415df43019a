"""Many creations go by import, and arrive whatever an import makes of them."""

from typing import Any

import pytest

from customer_sync.clock import SystemClock
from customer_sync.store import Store
from customer_sync.target import open_sandbox
from worlds import World

MANY = 60


def people(count: int = MANY, **fields: object) -> list[dict[str, Any]]:
    """Return creations, each with *fields*."""
    return [
        {
            "event": "customer_created",
            "timestamp": "2024-01-15T10:30:00Z",
            "data": {
                "id": str(n),
                "email": f"p{n}@example.com",
                "firstName": f"First {n}",
                **fields,
            },
        }
        for n in range(count)
    ]


def test_many_creations_take_one_job_and_are_read_back(embedded: World) -> None:
    """The requests are those that the plan named, and the second plan is empty."""
    events = people(acceptsMarketing=True)
    report = embedded.sync(*events)
    assert report["outcomes"] == {"applied": MANY, "deferred": 0, "failed": 0}
    assert report["requests"]["POST /contacts/import"] == 1
    assert "POST /contacts" not in report["requests"]
    contacts = embedded.contacts()
    assert len(contacts) == MANY
    assert all(c["list_ids"] == [5] for c in contacts.values())
    assert embedded.sync(*events)["bill"] == {}


def test_few_creations_go_one_by_one(embedded: World) -> None:
    """A job takes tens of seconds and looks at a tiny budget."""
    report = embedded.sync(*people(20))
    assert report["requests"]["POST /contacts"] == 20


def test_false_arrives_although_imports_lose_it(embedded: World) -> None:
    """Reading back shows what is missing, and a batch brings it."""
    events = people(verifiedEmail=False)
    report = embedded.sync(*events)
    assert report["outcomes"]["applied"] == MANY
    contacts = embedded.contacts().values()
    assert all(c["attributes"]["VERIFIED"] is False for c in contacts)
    assert embedded.sync(*events)["bill"] == {}


def test_those_who_said_no_come_blocked(embedded: World) -> None:
    """They share a job of their own; nobody else is blocked by it."""
    events = people(acceptsMarketing=True)
    for event in events[::2]:
        event["data"]["acceptsMarketing"] = False
    report = embedded.sync(*events)
    assert report["requests"]["POST /contacts/import"] == 2
    blocked = {e for e, c in embedded.contacts().items() if c["is_email_blocked"]}
    assert blocked == {event["data"]["email"] for event in events[::2]}


def test_a_phone_that_two_share_costs_only_the_phone(embedded: World) -> None:
    """The row that the import left out is written by itself, without the number."""
    events = people()
    for event in events[:2]:
        event["data"]["phone"] = "+12025550123"
    report = embedded.sync(*events)
    assert report["outcomes"] == {"applied": MANY, "deferred": 0, "failed": 0}
    contacts = embedded.contacts()
    assert len(contacts) == MANY
    assert sum("SMS" in c["attributes"] for c in contacts.values()) == 1
    assert [e["code"] for e in report["errors"]] == ["duplicate_identifier"]
    assert embedded.sync(*events)["bill"] == {}


def test_contacts_without_a_list_cannot_be_imported(embedded: World) -> None:
    """Brevo demands a list for an import; without one they go one by one."""
    config = embedded.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("      list_id: 5\n", "")
    config.write_text(text, encoding="utf-8")
    assert embedded.sync(*people())["requests"]["POST /contacts"] == MANY


@pytest.mark.parametrize(
    ("route", "sent"),
    [
        ("single", {"POST /contacts"}),
        ("batch", {"POST /contacts"}),
        ("import", {"POST /contacts/import"}),
    ],
)
def test_a_route_can_be_forced(embedded: World, route: str, sent: set[str]) -> None:
    """Whatever it costs."""
    report = embedded.sync(*people(5), options=["--route", route])
    assert {r for r in report["requests"] if r.startswith("POST")} == sent
    assert len(embedded.contacts()) == 5


def test_a_lost_answer_to_an_import_sends_nobody_twice(embedded: World) -> None:
    """Whether the job arrived is found out by looking."""
    embedded.sync(*people(1))
    with open_sandbox(embedded.folder / ".customer-sync", SystemClock()) as sandbox:
        sandbox.inject("POST /contacts/import", status=None, after_effect=True)
    report = embedded.sync(*people())
    assert report["outcomes"] == {"applied": MANY - 1, "deferred": 0, "failed": 0}
    assert report["requests"]["POST /contacts/import"] == 1
    assert len(embedded.contacts()) == MANY


def test_a_job_of_a_run_that_was_killed_is_waited_for(embedded: World) -> None:
    """Nothing is planned while it may still write."""
    embedded.sync(*people(1))
    state = embedded.folder / ".customer-sync" / "state-sandbox.db"
    with Store(state) as store:
        (first,) = store.runs()
        store.begin_job(first.id, 1, first.started_at)
    report = embedded.sync(*people(1))
    assert report["requests"]["GET /processes"] == 1
    with Store(state) as store:
        assert store.open_jobs() == []
