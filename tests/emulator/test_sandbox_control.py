"""The sandbox's own routes, and its page."""

from collections.abc import Callable

import pytest

from customer_sync.sandbox import Settings
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]


def control(brevo: Brevo, path: str, **body: object) -> int:
    """Post to a control route and return the status."""
    return brevo.request("POST", f"../sandbox/{path}", json=body).status_code


def test_counts_are_read_without_being_counted(brevo: Brevo) -> None:
    """Looking changes nothing: control routes are neither counted nor limited, and need no key."""
    brevo.create()
    seen = [
        brevo.request("GET", "../sandbox/counts", headers={"api-key": ""}).json() for _ in range(20)
    ]
    assert seen == [{"counts": {"POST /contacts": 1}}] * 20


def test_the_last_requests_are_remembered(brevo: Brevo) -> None:
    """Newest first, with what became of them, and two hundred at most."""
    brevo.sandbox.change_settings({"rate_limits": False})
    for number in range(205):
        brevo.get(f"/contacts/{number + 1}")
    brevo.sandbox.inject("*", status=503)
    brevo.get("/account")
    seen = brevo.request("GET", "../sandbox/requests").json()["requests"]
    assert len(seen) == 200
    assert (seen[0]["method"], seen[0]["path"], seen[0]["status"]) == ("GET", "/account", 503)
    assert (seen[1]["path"], seen[1]["status"]) == ("/contacts/205", 404)


def test_transitions_are_read(brevo: Brevo) -> None:
    """Whoever became mailable is told with time, cause and route."""
    brevo.create(emailBlacklisted=True)
    brevo.put("/contacts/1", {"emailBlacklisted": False})
    (transition,) = brevo.request("GET", "../sandbox/transitions").json()["transitions"]
    assert transition == {
        "at": "2026-03-01T12:00:01+00:00",
        "contact_id": 1,
        "address": "jane@example.com",
        "channel": "email",
        "cause": "flag",
        "route": "PUT /contacts/{identifier}",
    }


def test_time_is_advanced(brevo: Brevo) -> None:
    """The sandbox's clock goes forward alone, and what is due is done."""
    brevo.tick = 0
    body = {"jsonBody": [{"email": "jane@example.com"}], "listIds": [5]}
    brevo.post("/contacts/import", body)
    assert control(brevo, "clock/advance", seconds=3600.5) == 200
    now = brevo.request("GET", "../sandbox/clock").json()["now"]
    assert now == "2026-03-01T13:00:00.500000+00:00"
    assert brevo.get("/contacts").json()["count"] == 1


@pytest.mark.parametrize("seconds", [-1, "1", True, None, 1e30])
def test_time_goes_forward_by_a_number(brevo: Brevo, seconds: object) -> None:
    """Anything else is 400."""
    assert control(brevo, "clock/advance", seconds=seconds) == 400


def test_faults_are_injected(brevo: Brevo) -> None:
    """The next requests of a route fail as told."""
    assert control(brevo, "faults", route="GET /account", status=500, times=2) == 200
    assert [brevo.get("/account").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_can_come_after_the_effect(brevo: Brevo) -> None:
    """What was asked for is done although the answer is an error."""
    control(brevo, "faults", route="POST /contacts", status=504, after_effect=True)
    brevo.post("/contacts", {"email": "jane@example.com"})
    assert brevo.contact()["id"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": 200},
        {"status": "500"},
        {"status": 500, "drop": True},
        {"drop": "yes"},
        {"status": 500, "times": 0},
        {"status": 500, "times": True},
        {"status": 500, "route": 1},
    ],
)
def test_a_fault_is_a_status_or_a_drop(brevo: Brevo, body: dict[str, object]) -> None:
    """Anything else is 400."""
    assert control(brevo, "faults", **body) == 400


def test_settings_are_read_and_changed(brevo: Brevo) -> None:
    """Switches can be thrown while the sandbox is open."""
    assert control(brevo, "settings", ext_id_at_top=True, fail={"500": 1}) == 200
    settings = brevo.request("GET", "../sandbox/settings").json()["settings"]
    assert (settings["ext_id_at_top"], settings["fail"]) == (True, {"500": 1.0})
    assert (settings["plan"], settings["null_value"]) == ("general", "ignore")
    assert brevo.get("/account").status_code == 500


def test_the_key_is_never_shown(open_brevo: OpenBrevo) -> None:
    """Settings tell that there is a key, not which."""
    brevo = open_brevo(Settings(api_key="secret"))
    assert brevo.request("GET", "../sandbox/settings").json()["settings"]["api_key"] == "set"


@pytest.mark.parametrize(
    "body",
    [{"nope": 1}, {"plan": "huge"}, {"drop": 2}, {"fail": []}, {"lag": "1"}, {"timezone": "Mars"}],
)
def test_settings_that_make_no_sense_are_refused(brevo: Brevo, body: dict[str, object]) -> None:
    """A wrong name or value is 400 and changes nothing."""
    before = brevo.sandbox.settings
    assert control(brevo, "settings", **body) == 400
    assert brevo.sandbox.settings == before


def test_a_reset_forgets_everything(brevo: Brevo) -> None:
    """Contacts, counts, faults and changed settings are gone; a fresh account is left."""
    brevo.create()
    control(brevo, "settings", ext_id_at_top=True)
    control(brevo, "faults", status=500)
    assert control(brevo, "reset") == 200
    assert brevo.get("/contacts").json() == {"contacts": [], "count": 0}
    assert brevo.sandbox.settings == Settings()
    assert brevo.sandbox.request_counts() == {"GET /contacts": 1}
    assert [each["id"] for each in brevo.get("/contacts/lists").json()["lists"]] == [2]


def test_an_account_is_prepared(brevo: Brevo) -> None:
    """Lists and attributes are made to exist, with options where they have some."""
    status = control(
        brevo,
        "ensure",
        lists={"7": "Buyers"},
        attributes={
            "POINTS": "float",
            "SIZE": {"type": "category", "options": {"1": "S"}},
            "COLOUR": {"type": "multiple-choice", "options": ["red"]},
        },
    )
    assert status == 200
    brevo.create(listIds=[7], attributes={"POINTS": 1, "SIZE": "S", "COLOUR": ["red", "blue"]})
    assert brevo.attributes() == {"POINTS": 1, "SIZE": "S", "COLOUR": ["red"]}


@pytest.mark.parametrize(
    "body",
    [
        {"lists": []},
        {"lists": {"x": "Buyers"}},
        {"lists": {"0": "Buyers"}},
        {"attributes": {"POINTS": "number"}},
        {"attributes": {"POINTS": None}},
        {"attributes": {"TOTAL": "text"}},
        {"attributes": {"A B": "text"}},
    ],
)
def test_an_account_is_not_prepared_by_nonsense(brevo: Brevo, body: dict[str, object]) -> None:
    """Unknown types, names that are none, and other types than there are get 400."""
    assert control(brevo, "ensure", **body) == 400


def test_segments_are_made(brevo: Brevo) -> None:
    """A segment has an id, a name and a filter."""
    text = 'equals(FIRSTNAME,"Jane")'
    assert control(brevo, "segments", id=4, name="Janes", filter=text) == 200
    brevo.create(attributes={"FIRSTNAME": "Jane"})
    assert brevo.get("/contacts", segmentId=4).json()["count"] == 1


@pytest.mark.parametrize("body", [{}, {"id": 0}, {"id": "4"}, {"id": 4, "filter": "x"}])
def test_a_segment_needs_id_and_filter(brevo: Brevo, body: dict[str, object]) -> None:
    """Anything less is 400."""
    assert control(brevo, "segments", **body) == 400


@pytest.mark.parametrize("content", [b"{", b"[]", b"[" * 100_000])
def test_control_routes_take_json_objects(brevo: Brevo, content: bytes) -> None:
    """Anything else is 400."""
    headers = {"content-type": "application/json"}
    answer = brevo.request("POST", "../sandbox/faults", content=content, headers=headers)
    assert answer.status_code == 400


def test_no_web_page_can_send_them(brevo: Brevo) -> None:
    """A browser sends plain text unasked, but not JSON."""
    headers = {"content-type": "text/plain"}
    answer = brevo.request("POST", "../sandbox/reset", content=b"{}", headers=headers)
    assert answer.status_code == 415


def test_an_unknown_file_is_not_found(brevo: Brevo) -> None:
    """Only what a process left behind is there."""
    assert brevo.request("GET", "../files/1-nothing.csv").status_code == 404


# ---------------------------------------------------------------- the page


def test_the_page_shows_what_is_there(brevo: Brevo) -> None:
    """Contacts, lists, jobs and the last requests are on one page."""
    brevo.create(attributes={"FIRSTNAME": "Jane"}, listIds=[5], emailBlacklisted=True)
    brevo.do_import(jsonBody=[{"email": "joan@example.com"}])
    page = brevo.request("GET", "../").text
    for text in (
        "Contacts (2)",
        "jane@example.com",
        "FIRSTNAME: Jane",
        "Customers",
        "IMPORTUSER",
        "completed",
        "/contacts/import",
    ):
        assert text in page


def test_the_page_of_an_empty_account_says_so(brevo: Brevo) -> None:
    """Empty tables are not shown."""
    assert "Contacts (0)</h2><p" in brevo.request("GET", "../").text


def test_the_page_escapes_values_and_asks_for_nothing(brevo: Brevo) -> None:
    """A value cannot become markup, and the browser is told to fetch nothing."""
    evil = "<script>alert(1)</script>"
    brevo.create(attributes={"FIRSTNAME": evil})
    brevo.get("/contacts/%3Cscript%3E", identifierType="ext_id")
    answer = brevo.request("GET", "../")
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "http://" not in answer.text
    assert "src=" not in answer.text
