"""Processes and exports: how work waits, runs, ends, and is looked at."""

from collections.abc import Callable

import pytest

from customer_sync.sandbox import Settings
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]


def start(brevo: Brevo, rows: int = 1) -> int:
    """Start an import and return its process."""
    body = [{"email": f"c{each}@example.com"} for each in range(rows)]
    answer = brevo.post("/contacts/import", {"jsonBody": body, "listIds": [2]})
    return int(answer.json()["processId"])


def status(brevo: Brevo, process_id: int) -> str:
    """Return the status of a process."""
    return str(brevo.get(f"/processes/{process_id}").json()["status"])


def test_work_is_queued_then_in_process_then_completed(brevo: Brevo) -> None:
    """A job goes through its states by the clock."""
    brevo.tick = 0
    process_id = start(brevo)
    seen = [status(brevo, process_id)]
    for seconds in (4.999, 0.001, 9.999, 0.001):
        brevo.clock.advance(seconds)
        seen.append(status(brevo, process_id))
    assert seen == ["queued", "queued", "in_process", "in_process", "completed"]


def test_larger_jobs_take_longer(brevo: Brevo) -> None:
    """Every further thousand rows add a second."""
    brevo.tick = 0
    small, large = start(brevo, 1000), start(brevo, 1001)
    brevo.clock.advance(15)
    assert (status(brevo, small), status(brevo, large)) == ("completed", "in_process")


def test_delays_are_settings(open_brevo: OpenBrevo) -> None:
    """A sandbox can be told to do its work at once."""
    brevo = open_brevo(Settings(import_queue_s=0, import_run_s=0))
    assert status(brevo, start(brevo)) == "completed"


@pytest.mark.parametrize(("share", "ended"), [(0.0, {"completed"}), (1.0, {"failed"})])
def test_imports_fail_by_a_share(open_brevo: OpenBrevo, share: float, ended: set[str]) -> None:
    """One that failed has imported nobody."""
    brevo = open_brevo(Settings(import_fail=share, import_queue_s=0, import_run_s=0))
    assert {status(brevo, start(brevo)) for _ in range(5)} == ended
    assert brevo.get("/contacts").json()["count"] == (1 if share == 0 else 0)


def test_jobs_run_side_by_side_unless_told_otherwise(open_brevo: OpenBrevo) -> None:
    """How many imports run at a time is a switch."""
    brevo = open_brevo(Settings(parallel_imports=1))
    brevo.tick = 0
    one, two = start(brevo), start(brevo)
    brevo.clock.advance(15)
    assert (status(brevo, one), status(brevo, two)) == ("completed", "in_process")
    brevo.clock.advance(10)
    assert status(brevo, two) == "completed"


def test_an_unknown_process_is_not_found_with_an_odd_code(brevo: Brevo) -> None:
    """The 404 speaks of an invalid parameter."""
    answer = brevo.get("/processes/9")
    assert answer.status_code == 404
    assert answer.json() == {"code": "invalid_parameter", "message": "processId is invalid"}


def test_a_process_needs_a_number(brevo: Brevo) -> None:
    """A path that holds no number is 400."""
    assert brevo.get("/processes/first").status_code == 400


def test_processes_are_listed_newest_first(brevo: Brevo) -> None:
    """Pages are of ten, in either order, with the count of all."""
    for _ in range(12):
        start(brevo)
    page = brevo.get("/processes").json()
    last = brevo.get("/processes", sort="asc", limit=5, offset=10).json()["processes"]
    assert [each["id"] for each in page["processes"]] == list(range(12, 2, -1))
    assert (page["count"], [each["id"] for each in last]) == (12, [11, 12])


def test_a_page_of_processes_has_fifty_at_most(brevo: Brevo) -> None:
    """One more is out of range."""
    assert brevo.get("/processes", limit=50).status_code == 200
    assert brevo.get("/processes", limit=51).json()["code"] == "out_of_range"


# ---------------------------------------------------------------- exports


def export(brevo: Brevo, **body: object) -> str:
    """Export, wait, and return the file."""
    answer = brevo.post("/contacts/export", body)
    assert answer.status_code == 202, answer.text
    brevo.clock.advance(600)
    process = brevo.get(f"/processes/{answer.json()['processId']}").json()
    assert (process["name"], process["status"]) == ("CONTACT_EXPORT", "completed")
    path = process["export_url"].removeprefix(brevo.url.removesuffix("/v3"))
    return brevo.request("GET", f"..{path}").text


def create_two(brevo: Brevo) -> None:
    """Create a subscribed and a blocked contact on list 5."""
    brevo.create(attributes={"FIRSTNAME": "Jane", "TAGS": ["red", "blue"]}, listIds=[5, 2])
    brevo.create("joan@example.com", emailBlacklisted=True, listIds=[5])
    brevo.create("june@example.com")


@pytest.mark.parametrize(
    ("action", "addresses"),
    [
        ("allContacts", ["jane@example.com", "joan@example.com"]),
        ("subscribed", ["jane@example.com"]),
        ("unsubscribed", ["joan@example.com"]),
        ("unsubscribedPerList", []),
    ],
)
def test_an_export_is_of_a_list(brevo: Brevo, action: str, addresses: list[str]) -> None:
    """The action chooses among the contacts of the list."""
    create_two(brevo)
    chosen = {"actionForContacts": action, "listId": 5}
    text = export(brevo, customContactFilter=chosen)
    assert [line.split(";")[0] for line in text.splitlines()] == ["EMAIL", *addresses]


def test_an_export_has_the_columns_asked_for(brevo: Brevo) -> None:
    """Mandatory columns come first, then attributes, lists and subscriptions."""
    create_two(brevo)
    text = export(
        brevo,
        customContactFilter={"actionForContacts": "subscribed", "listId": 5},
        exportAttributes=["firstname", "TAGS", "NOPE"],
        exportMetadata=["_listIds"],
        exportSubscriptionStatus=["email_marketing", "sms_marketing"],
        exportDateInUTC=True,
    )
    moment = "2026-03-01T12:00:00.500+00:00"
    assert text.splitlines() == [
        "EMAIL;ADDED_TIME;MODIFIED_TIME;FIRSTNAME;TAGS;NOPE;_listIds;email_marketing;sms_marketing",
        f"jane@example.com;{moment};{moment};Jane;red,blue;;2,5;subscribed;subscribed",
    ]


def test_an_export_may_leave_out_the_mandatory_columns(brevo: Brevo) -> None:
    """Without them at least one attribute has to be named."""
    create_two(brevo)
    chosen = {"actionForContacts": "subscribed", "listId": 5}
    text = export(
        brevo,
        customContactFilter=chosen,
        exportMandatoryAttributes=False,
        exportAttributes=["FIRSTNAME"],
    )
    assert text == "FIRSTNAME\nJane\n"


def test_an_export_can_be_of_a_segment(brevo: Brevo) -> None:
    """A segment serves as well as a list."""
    create_two(brevo)
    brevo.sandbox.make_segment(3, "Janes", 'equals(FIRSTNAME,"Jane")')
    chosen = {"actionForContacts": "allContacts", "segmentId": 3}
    text = export(brevo, customContactFilter=chosen)
    assert [line.split(";")[0] for line in text.splitlines()] == ["EMAIL", "jane@example.com"]


@pytest.mark.parametrize(
    "chosen",
    [
        {"actionForEmailCampaigns": "openers", "emailCampaignId": 1},
        {"actionForEmailCampaigns": "hardBounces"},
        {"actionForSmsCampaigns": "unsubscribed"},
    ],
)
def test_an_export_by_campaigns_is_empty(brevo: Brevo, chosen: dict[str, object]) -> None:
    """A sandbox sends no campaigns that anybody could react to."""
    create_two(brevo)
    assert export(brevo, customContactFilter=chosen) == "EMAIL;ADDED_TIME;MODIFIED_TIME\n"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customContactFilter": {}},
        {"customContactFilter": {"listId": 5}},
        {"customContactFilter": {"actionForContacts": "allContacts"}},
        {"customContactFilter": {"actionForContacts": "everybody", "listId": 5}},
        {"customContactFilter": {"actionForContacts": "allContacts", "listId": 99}},
        {"customContactFilter": {"actionForContacts": "allContacts", "segmentId": 99}},
        {"customContactFilter": {"actionForEmailCampaigns": "openers"}},
        {
            "customContactFilter": {"actionForContacts": "allContacts", "listId": 5},
            "exportMandatoryAttributes": False,
        },
    ],
)
def test_there_is_no_export_of_everybody(brevo: Brevo, body: dict[str, object]) -> None:
    """An export needs one action, and for contacts a list or a segment that exists."""
    assert brevo.post("/contacts/export", body).status_code == 400
