"""POST /contacts/batch: all or nothing, by positions."""

from collections.abc import Callable, Mapping

import pytest

from customer_sync.sandbox import Settings
from customer_sync.sandbox.facts import BatchConflict
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]


@pytest.fixture(autouse=True)
def three(request: pytest.FixtureRequest) -> None:
    """Three contacts, the first with a phone, unless the test opens its own sandbox."""
    if "brevo" in request.fixturenames:
        create_three(request.getfixturevalue("brevo"))


def create_three(brevo: Brevo) -> None:
    """Create contacts with the ids 1 to 3."""
    brevo.create("c1@example.com", attributes={"SMS": "+12025550123", "FIRSTNAME": "Old"})
    brevo.create("c2@example.com", attributes={"FIRSTNAME": "Old"}, listIds=[2])
    brevo.create("c3@example.com", attributes={"FIRSTNAME": "Old"}, emailBlacklisted=True)


def first_names(brevo: Brevo) -> list[object]:
    """Return the first names of the three."""
    return [brevo.attributes(each).get("FIRSTNAME") for each in (1, 2, 3)]


def rename(*keys: Mapping[str, object], name: str = "New") -> dict[str, object]:
    """Return a batch that sets the first name of the contacts with these keys."""
    return {"contacts": [{**key, "attributes": {"FIRSTNAME": name}} for key in keys]}


def test_kinds_of_identifiers_can_be_mixed(brevo: Brevo) -> None:
    """Address, id and phone each find a contact, and the answer is empty."""
    body = rename({"sms": "+12025550123"}, {"id": 2}, {"email": "C3@example.com"})
    answer = brevo.post("/contacts/batch", body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert first_names(brevo) == ["New", "New", "New"]


def test_each_item_changes_its_own_things(brevo: Brevo) -> None:
    """Flags, lists, the shop's id, clears and renames go through a batch."""
    items = [
        {"id": 1, "ext_id": "7", "attributes": {"EMAIL": "new@example.com", "SMS": ""}},
        {"id": 2, "listIds": [5], "unlinkListIds": [2], "emailBlacklisted": True},
        {"id": 3, "attributes": {"FIRSTNAME": "", "VIP": False}},
    ]
    assert brevo.post("/contacts/batch", {"contacts": items}).status_code == 204
    one, two = brevo.contact(1), brevo.contact(2)
    assert (one["email"], one["attributes"]) == (
        "new@example.com",
        {"FIRSTNAME": "Old", "EXT_ID": "7"},
    )
    assert (two["listIds"], two["emailBlacklisted"]) == ([5], True)
    assert brevo.attributes(3) == {"VIP": False}


def test_one_unknown_contact_fails_the_whole_batch(brevo: Brevo) -> None:
    """The answer is 404 with the positions of the unknown, and nobody was updated."""
    body = rename({"id": 1}, {"email": "no@example.com"}, {"id": 2}, {"sms": "+447700900123"})
    answer = brevo.post("/contacts/batch", body)
    assert answer.status_code == 404
    assert answer.json() == {
        "code": "document_not_found",
        "message": "No contact found for indexes 1,3",
    }
    assert first_names(brevo) == ["Old", "Old", "Old"]


def test_positions_may_start_at_one(open_brevo: OpenBrevo) -> None:
    """What the first position is called is a switch."""
    brevo = open_brevo(Settings(batch_index_base=1))
    answer = brevo.post("/contacts/batch", rename({"id": 9}))
    assert answer.json()["message"] == "No contact found for indexes 1"


def test_an_identifier_of_somebody_else_fails_the_whole_batch(brevo: Brevo) -> None:
    """One conflict takes back what earlier items wrote."""
    items = [
        {"id": 2, "attributes": {"FIRSTNAME": "New"}},
        {"id": 3, "attributes": {"SMS": "+12025550123"}},
    ]
    answer = brevo.post("/contacts/batch", {"contacts": items})
    assert answer.status_code == 400
    assert answer.json()["metadata"] == {"duplicate_identifiers": ["SMS"]}
    assert first_names(brevo) == ["Old", "Old", "Old"]


def test_a_conflict_may_cost_its_own_item_alone(open_brevo: OpenBrevo) -> None:
    """Whether a conflict fails the batch is a switch."""
    brevo = open_brevo(Settings(batch_conflict=BatchConflict.SKIP_ROW))
    create_three(brevo)
    items = [
        {"id": 2, "attributes": {"FIRSTNAME": "New", "SMS": "+12025550123"}},
        {"id": 3, "attributes": {"FIRSTNAME": "New"}},
    ]
    assert brevo.post("/contacts/batch", {"contacts": items}).status_code == 204
    assert first_names(brevo) == ["Old", "Old", "New"]


def test_two_items_for_one_contact_are_applied_in_order(brevo: Brevo) -> None:
    """The later item wins."""
    items = [{"id": 1, "attributes": {"FIRSTNAME": name}} for name in ("One", "Two")]
    assert brevo.post("/contacts/batch", {"contacts": items}).status_code == 204
    assert brevo.attributes(1)["FIRSTNAME"] == "Two"


def test_a_batch_renames_and_so_lifts_blocks(brevo: Brevo) -> None:
    """A rename in a batch resubscribes like any other."""
    items = [{"id": 3, "attributes": {"EMAIL": "new@example.com"}}]
    brevo.post("/contacts/batch", {"contacts": items})
    assert [each.cause for each in brevo.sandbox.transitions()] == ["rename"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contacts": []},
        {"contacts": {}},
        {"contacts": ["c1@example.com"]},
        {"contacts": [{"attributes": {}}]},
        {"contacts": [{"id": 1, "email": "c1@example.com"}]},
        {"contacts": [{"ext_id": "7"}]},
        {"contacts": [{"id": "1"}]},
        {"contacts": [{"email": "nobody"}]},
        {"contacts": [{"sms": "1"}]},
        {"contacts": [{"email": 1}]},
    ],
)
def test_items_need_exactly_one_identifier(brevo: Brevo, body: dict[str, object]) -> None:
    """None, two, or one that is none is 400; the shop's id does not address a contact."""
    assert brevo.post("/contacts/batch", body).status_code == 400


def test_a_batch_has_a_largest_size(open_brevo: OpenBrevo) -> None:
    """A cap that nobody documents is a switch."""
    brevo = open_brevo(Settings(batch_cap=2))
    create_three(brevo)
    statuses = [
        brevo.post("/contacts/batch", rename(*({"id": each} for each in chosen))).status_code
        for chosen in ((1, 2), (1, 2, 3))
    ]
    assert statuses == [204, 400]


def test_a_batch_may_have_any_size(open_brevo: OpenBrevo) -> None:
    """Without a cap five thousand items are one request."""
    brevo = open_brevo(Settings(batch_cap=None))
    create_three(brevo)
    body = rename(*({"id": 1} for _ in range(5000)))
    assert brevo.post("/contacts/batch", body).status_code == 204
