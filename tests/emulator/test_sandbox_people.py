"""What people do beside the API, and what the record says about it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.sandbox import Sandbox, Settings
from sandboxes import START, Brevo

OpenBrevo = Callable[[Settings], Brevo]


def control(brevo: Brevo, path: str, **body: object) -> int:
    """Post to a control route and return the status."""
    return brevo.request("POST", f"../sandbox/{path}", json=body).status_code


def recorded(brevo: Brevo) -> list[tuple[str, str, str]]:
    """Return channel, cause and route of every transition."""
    return [(each.channel, each.cause, each.route) for each in brevo.sandbox.transitions()]


def test_a_contact_is_made(brevo: Brevo) -> None:
    """A form does what a POST does, and is no request."""
    assert control(brevo, "make", email="Jane@example.com", listIds=[5]) == 200
    found = brevo.contact()
    assert (found["email"], found["listIds"]) == ("jane@example.com", [5])
    assert "POST /contacts" not in brevo.sandbox.request_counts()


def test_a_form_makes_no_contact_twice(brevo: Brevo) -> None:
    """Whoever is there already stays as it is."""
    brevo.create(attributes={"FIRSTNAME": "Jane"})
    edit = {"attributes": {"FIRSTNAME": "Janet"}}
    assert control(brevo, "make", email="jane@example.com", **edit) == 400
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


def test_a_contact_is_edited(brevo: Brevo) -> None:
    """An edit does what a PUT does, and is no request: it is neither counted nor limited."""
    brevo.create(attributes={"FIRSTNAME": "Jane", "LASTNAME": "Roe"})
    edit = {"attributes": {"FIRSTNAME": "Janet"}, "listIds": [5]}
    assert control(brevo, "edit", email="Jane@example.com", **edit) == 200
    assert brevo.attributes() == {"FIRSTNAME": "Janet", "LASTNAME": "Roe"}
    assert brevo.contact()["listIds"] == [5]
    assert "PUT /contacts/{identifier}" not in brevo.sandbox.request_counts()


def test_an_edit_moves_the_modification(brevo: Brevo) -> None:
    """Whoever asks for what was modified since sees it."""
    brevo.create()
    before = brevo.contact()["modifiedAt"]
    control(brevo, "edit", email="jane@example.com", attributes={"FIRSTNAME": "Janet"})
    assert brevo.contact()["modifiedAt"] != before


def test_an_edit_that_lifts_a_block_is_recorded_as_theirs(brevo: Brevo) -> None:
    """The record tells people from requests."""
    brevo.create(emailBlacklisted=True)
    control(brevo, "edit", email="jane@example.com", emailBlacklisted=False)
    assert recorded(brevo) == [("email", "flag", "people")]


def test_a_rename_by_hand_lifts_the_block_too(brevo: Brevo) -> None:
    """Brevo's own pages are no kinder than its API."""
    brevo.create(emailBlacklisted=True)
    control(brevo, "edit", email="jane@example.com", attributes={"EMAIL": "joan@example.com"})
    assert recorded(brevo) == [("email", "rename", "people")]


def test_an_edit_cannot_take_what_is_somebody_else_s(brevo: Brevo) -> None:
    """An address and a phone belong to one contact; nothing of the edit is done."""
    brevo.create(attributes={"SMS": "+12025550123"})
    brevo.create("joan@example.com")
    edit = {"attributes": {"SMS": "+12025550123", "FIRSTNAME": "Joan"}}
    assert control(brevo, "edit", email="joan@example.com", **edit) == 400
    assert brevo.attributes("joan@example.com") == {}


def test_people_unsubscribe_from_everything(brevo: Brevo) -> None:
    """The link in a mail blocks the contact, and leaves its lists alone."""
    brevo.create(listIds=[5])
    assert control(brevo, "unsubscribe", email="jane@example.com") == 200
    found = brevo.contact()
    assert (found["emailBlacklisted"], found["listIds"], recorded(brevo)) == (True, [5], [])


def test_people_leave_one_list(brevo: Brevo) -> None:
    """The list is shown as one that the person left, by itself and in listings."""
    brevo.create(listIds=[2, 5])
    assert control(brevo, "unsubscribe", email="jane@example.com", list=5) == 200
    found = brevo.contact()
    assert (found["listIds"], found["listUnsubscribed"]) == ([2], [5])
    assert found["emailBlacklisted"] is False
    assert brevo.get("/contacts").json()["contacts"][0]["listUnsubscribed"] == [5]


def test_a_list_is_left_by_those_who_are_on_it(brevo: Brevo) -> None:
    """Nobody leaves a list that they were never on."""
    brevo.create()
    assert control(brevo, "unsubscribe", email="jane@example.com", list=5) == 400
    assert brevo.contact()["listUnsubscribed"] == []


@pytest.mark.parametrize("route", ["update", "add", "import"])
def test_putting_people_back_on_a_list_is_recorded(brevo: Brevo, route: str) -> None:
    """Whichever way they come back to a list that they left, the record knows the list."""
    brevo.create(listIds=[5])
    control(brevo, "unsubscribe", email="jane@example.com", list=5)
    match route:
        case "update":
            brevo.put("/contacts/1", {"listIds": [5]})
        case "add":
            brevo.post("/contacts/lists/5/contacts/add", {"ids": [1]})
        case _:
            brevo.do_import(jsonBody=[{"email": "jane@example.com"}], listIds=[5])
    assert [each[:2] for each in recorded(brevo)] == [("list 5", "list")]
    assert (brevo.contact()["listIds"], brevo.contact()["listUnsubscribed"]) == ([5], [])


def test_leaving_a_list_may_be_for_good(open_brevo: OpenBrevo) -> None:
    """Whether joining undoes it is a switch: here the request succeeds and changes nothing."""
    brevo = open_brevo(Settings(joining_undoes_leaving=False))
    brevo.create(listIds=[5])
    control(brevo, "unsubscribe", email="jane@example.com", list=5)
    assert brevo.put("/contacts/1", {"listIds": [2, 5]}).status_code == 204
    assert (brevo.contact()["listIds"], brevo.contact()["listUnsubscribed"]) == ([2], [5])
    assert recorded(brevo) == []


def test_taking_somebody_off_a_list_is_not_leaving_it(brevo: Brevo) -> None:
    """What the API takes off may be put back without a trace."""
    brevo.create(listIds=[5])
    brevo.put("/contacts/1", {"unlinkListIds": [5]})
    brevo.put("/contacts/1", {"listIds": [5]})
    assert recorded(brevo) == []


def test_a_contact_is_deleted_by_hand(brevo: Brevo) -> None:
    """What was known of it goes with it, except that it was blocked."""
    brevo.create(emailBlacklisted=True, listIds=[5])
    assert control(brevo, "remove", email="jane@example.com") == 200
    assert brevo.get("/contacts").json()["count"] == 0
    brevo.create()
    assert recorded(brevo) == [("email", "came back after deletion", "POST /contacts")]
    assert brevo.contact()["listUnsubscribed"] == []


@pytest.mark.parametrize("path", ["edit", "unsubscribe", "remove"])
@pytest.mark.parametrize(
    "body", [{}, {"email": 7}, {"email": "nobody"}, {"email": "nobody@example.com"}]
)
def test_people_act_on_contacts_that_exist(
    brevo: Brevo, path: str, body: dict[str, object]
) -> None:
    """Anything else is 400."""
    assert control(brevo, path, **body) == 400


def test_a_file_from_before_lists_could_be_left_is_brought_up(tmp_path: Path) -> None:
    """It keeps its contacts, and learns the rest."""
    path = tmp_path / "brevo.db"
    with Sandbox(path, clock=SimulatedClock(START)) as sandbox:
        sandbox.ensure(lists={5: "Customers"})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE left_lists")
        connection.execute("DROP TABLE unsubscriptions")
        connection.execute("PRAGMA user_version = 1")
    with Sandbox(path, clock=SimulatedClock(START)) as sandbox:
        sandbox.reset()
        assert sandbox.transitions() == ()
    with Sandbox(path, clock=SimulatedClock(START)) as sandbox:
        assert sandbox.transitions() == ()
