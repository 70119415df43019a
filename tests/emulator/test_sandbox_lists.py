"""The routes of lists, folders and segments, and the account's own."""

from collections.abc import Callable

import pytest

from customer_sync.core.model import RatePlan
from customer_sync.sandbox import Settings
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]
LISTS = "/contacts/lists"
FOLDERS = "/contacts/folders"


def test_a_list_shows_its_size(brevo: Brevo) -> None:
    """Only one of the three counts is alive; the others read zero."""
    brevo.create(listIds=[5])
    brevo.create("joan@example.com", listIds=[5], emailBlacklisted=True)
    shown = {
        "id": 5,
        "name": "Customers",
        "folderId": 1,
        "uniqueSubscribers": 2,
        "totalSubscribers": 0,
        "totalBlacklisted": 0,
    }
    assert brevo.get(LISTS).json()["lists"][0] == shown
    assert brevo.get(f"{LISTS}/5").json() == {
        **shown,
        "createdAt": "2026-03-01T13:00:00.000+01:00",
        "dynamicList": False,
        "campaignStats": [],
    }


def test_a_list_is_made_in_a_folder(brevo: Brevo) -> None:
    """Name and folder are both needed; a folder's lists do not repeat where they are."""
    folder = brevo.post(FOLDERS, {"name": "Shop"})
    assert (folder.status_code, folder.json()) == (201, {"id": 2})
    made = brevo.post(LISTS, {"name": "New", "folderId": 2})
    assert (made.status_code, made.json()) == (201, {"id": 6})
    within = brevo.get(f"{FOLDERS}/2/lists").json()
    assert within["count"] == 1
    assert within["lists"][0]["name"] == "New"
    assert "folderId" not in within["lists"][0]


@pytest.mark.parametrize(
    "body", [{}, {"name": "New"}, {"folderId": 1}, {"name": "New", "folderId": 9}, {"name": 1}]
)
def test_a_list_needs_name_and_folder(brevo: Brevo, body: dict[str, object]) -> None:
    """Whatever is missing or unknown is 400."""
    assert brevo.post(LISTS, body).status_code == 400


def test_lists_are_paged(brevo: Brevo) -> None:
    """A page has ten lists by default and fifty at most, so larger accounts must be paged."""
    for number in range(52):
        brevo.post(LISTS, {"name": f"L{number}", "folderId": 1})
    first = brevo.get(LISTS).json()
    rest = brevo.get(LISTS, limit=50, offset=50, sort="asc").json()
    assert (len(first["lists"]), first["count"], len(rest["lists"])) == (10, 54, 4)
    assert brevo.get(LISTS, limit=51).status_code == 400


def test_a_list_is_renamed_and_moved(brevo: Brevo) -> None:
    """Name and folder change one by one; the rest stays."""
    brevo.post(FOLDERS, {"name": "Shop"})
    statuses = [
        brevo.put(f"{LISTS}/5", body).status_code
        for body in ({"name": "Buyers"}, {"folderId": 2}, {}, {"folderId": 9})
    ]
    moved = brevo.get(f"{LISTS}/5").json()
    assert statuses == [204, 204, 400, 400]
    assert (moved["name"], moved["folderId"]) == ("Buyers", 2)


def test_deleting_a_list_keeps_its_contacts(brevo: Brevo) -> None:
    """The contacts stay, without the list."""
    brevo.create(listIds=[2, 5])
    assert brevo.delete(f"{LISTS}/5").status_code == 204
    assert brevo.contact()["listIds"] == [2]


def test_deleting_a_folder_deletes_its_lists(brevo: Brevo) -> None:
    """Everything in a folder goes with it, except the people."""
    brevo.create(listIds=[2, 5])
    assert brevo.delete(f"{FOLDERS}/1").status_code == 204
    assert brevo.get(LISTS).json() == {"lists": [], "count": 0}
    assert brevo.contact()["listIds"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{LISTS}/9"),
        ("PUT", f"{LISTS}/9"),
        ("DELETE", f"{LISTS}/9"),
        ("GET", f"{LISTS}/9/contacts"),
        ("POST", f"{LISTS}/9/contacts/add"),
        ("POST", f"{LISTS}/9/contacts/remove"),
        ("GET", f"{FOLDERS}/9"),
        ("PUT", f"{FOLDERS}/9"),
        ("DELETE", f"{FOLDERS}/9"),
        ("GET", f"{FOLDERS}/9/lists"),
    ],
)
def test_what_does_not_exist_is_not_found(brevo: Brevo, method: str, path: str) -> None:
    """An unknown list or folder in a path is 404."""
    answer = brevo.request(method, path, json={"name": "x", "ids": [1]})
    assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")


def test_an_unknown_list_in_a_path_may_be_another_status(open_brevo: OpenBrevo) -> None:
    """The status is a switch."""
    brevo = open_brevo(Settings(unknown_list_path_status=400))
    assert brevo.get(f"{LISTS}/9").status_code == 400


def test_folders_are_listed_and_renamed(brevo: Brevo) -> None:
    """A folder shows the size of all its lists together, everybody counted once."""
    brevo.create(listIds=[2, 5])
    assert brevo.put(f"{FOLDERS}/1", {"name": "Shop"}).status_code == 204
    shown = {
        "id": 1,
        "name": "Shop",
        "uniqueSubscribers": 1,
        "totalSubscribers": 0,
        "totalBlacklisted": 0,
    }
    assert brevo.get(FOLDERS).json() == {"folders": [shown], "count": 1}
    assert brevo.get(f"{FOLDERS}/1").json() == shown


def test_a_folder_needs_a_name(brevo: Brevo) -> None:
    """Without one it is 400."""
    assert [brevo.post(FOLDERS, {}).status_code, brevo.put(f"{FOLDERS}/1", {}).status_code] == [
        400,
        400,
    ]


# ---------------------------------------------------------------- who is on a list


def test_contacts_of_a_list_are_paged(brevo: Brevo) -> None:
    """A page of a list has fifty contacts by default and five hundred at most."""
    brevo.do_import(jsonBody=[{"email": f"c{each}@example.com"} for each in range(501)])
    path = f"{LISTS}/2/contacts"
    sizes = [
        len(brevo.get(path).json()["contacts"]),
        len(brevo.get(path, limit=500).json()["contacts"]),
        len(brevo.get(path, limit=500, offset=500, sort="asc").json()["contacts"]),
    ]
    assert (sizes, brevo.get(path).json()["count"]) == ([50, 500, 1], 501)
    assert brevo.get(path, limit=501).status_code == 400


def test_contacts_of_a_list_can_be_those_modified_since(brevo: Brevo) -> None:
    """The watermark works on a list too."""
    brevo.create(listIds=[5])
    path = f"{LISTS}/5/contacts"
    counts = [
        brevo.get(path, modifiedSince=f"2026-03-01T12:{minute}:00Z").json()["count"]
        for minute in ("00", "30")
    ]
    assert counts == [1, 0]


@pytest.mark.parametrize(
    ("kind", "known", "unknown"),
    [
        ("emails", "Jane@example.com", "no@example.com"),
        ("ids", 1, 9),
        ("extIds", "7", "9"),
    ],
)
def test_contacts_are_added_and_removed(
    brevo: Brevo, kind: str, known: object, unknown: object
) -> None:
    """The answer tells which items worked and which did not, without a reason."""
    brevo.create(ext_id="7")
    for verb, expected in (("add", [5]), ("remove", [])):
        answer = brevo.post(f"{LISTS}/5/contacts/{verb}", {kind: [known, unknown]})
        assert answer.status_code == 201
        assert answer.json() == {"contacts": {"success": [known], "failure": [unknown]}}
        assert brevo.contact()["listIds"] == expected


def test_adding_again_is_refused(brevo: Brevo) -> None:
    """Where nothing could be added the answer is 400: adding is not idempotent."""
    brevo.create(listIds=[5])
    answer = brevo.post(f"{LISTS}/5/contacts/add", {"ids": [1, 9]})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "invalid_parameter",
        "message": "Contact already in list and/or does not exist",
    }


def test_removing_again_is_refused(brevo: Brevo) -> None:
    """Removing is as odd as adding."""
    brevo.create()
    answer = brevo.post(f"{LISTS}/5/contacts/remove", {"ids": [1]})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Contact already removed from list and/or does not exist"


def test_removing_again_may_be_reported(open_brevo: OpenBrevo) -> None:
    """Whether a removal of nobody is refused is a switch."""
    brevo = open_brevo(Settings(all_failed_removal_is_refused=False))
    brevo.create()
    answer = brevo.post(f"{LISTS}/5/contacts/remove", {"ids": [1]})
    assert answer.json() == {"contacts": {"success": [], "failure": [1]}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": [1], "emails": ["jane@example.com"]},
        {"ids": list(range(1, 152))},
        {"emails": [f"c{each}@example.com" for each in range(151)]},
        {"ids": ["1"]},
        {"emails": [1]},
    ],
)
@pytest.mark.parametrize("verb", ["add", "remove"])
def test_moves_take_one_kind_and_150_items_at_most(
    brevo: Brevo, verb: str, body: dict[str, object]
) -> None:
    """None, several kinds, or too many items are 400."""
    assert brevo.post(f"{LISTS}/5/contacts/{verb}", body).status_code == 400


def test_150_items_can_be_moved(brevo: Brevo) -> None:
    """The most is allowed."""
    brevo.create()
    answer = brevo.post(f"{LISTS}/5/contacts/add", {"ids": list(range(1, 151))})
    assert (answer.status_code, len(answer.json()["contacts"]["failure"])) == (201, 149)


def test_a_whole_list_is_emptied_as_a_process(brevo: Brevo) -> None:
    """Removing all is asynchronous and tells how many there are."""
    brevo.create(listIds=[5])
    answer = brevo.post(f"{LISTS}/5/contacts/remove", {"all": True})
    before = brevo.contact()["listIds"]
    brevo.clock.advance(600)
    assert (answer.status_code, answer.json()) == (201, {"contacts": {"processId": 1, "total": 1}})
    assert (before, brevo.contact()["listIds"]) == ([5], [])
    assert brevo.get("/processes/1").json()["status"] == "completed"


@pytest.mark.parametrize("modifies", [True, False])
def test_moves_may_modify_contacts(open_brevo: OpenBrevo, *, modifies: bool) -> None:
    """Whether the list routes move the time of modification is a switch."""
    brevo = open_brevo(Settings(list_moves_modify=modifies))
    brevo.create()
    before = brevo.contact()["modifiedAt"]
    brevo.post(f"{LISTS}/5/contacts/add", {"ids": [1]})
    assert (brevo.contact()["modifiedAt"] != before) is modifies


# ---------------------------------------------------------------- segments and the account


def test_segments_are_listed(brevo: Brevo) -> None:
    """Segments are made elsewhere and only shown here."""
    brevo.sandbox.make_segment(4, "Janes", 'equals(FIRSTNAME,"Jane")')
    assert brevo.get("/contacts/segments").json() == {
        "segments": [
            {
                "id": 4,
                "segmentName": "Janes",
                "categoryName": "",
                "updatedAt": "2026-03-01T13:00:00.000+01:00",
            }
        ],
        "count": 1,
    }


def test_the_account_tells_who_it_is(open_brevo: OpenBrevo) -> None:
    """The key check of every client: whose account, in which zone, on which plan."""
    brevo = open_brevo(Settings(plan=RatePlan.EXTENDED, account_email="shop@example.com"))
    account = brevo.get("/account").json()
    assert (account["email"], account["enterprise"]) == ("shop@example.com", True)
    assert account["dateTimePreferences"] == {
        "timezone": "+01:00",
        "timeFormat": "24",
        "dateFormat": "dd-mm-yyyy",
    }
    assert account["plan"] == [{"type": "free", "credits": 300, "creditsType": "sendLimit"}]
