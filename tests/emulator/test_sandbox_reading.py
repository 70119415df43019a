"""GET and DELETE /contacts/{identifier}: by any identifier, and what deleting forgets."""

from collections.abc import Callable

import pytest

from customer_sync.sandbox import Settings
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]

IDENTIFIERS = [
    ("email_id", "jane%40example.com"),
    ("contact_id", "1"),
    ("ext_id", "shop-7"),
    ("phone_id", "%2B12025550123"),
    ("whatsapp_id", "12025550124"),
    ("landline_number_id", "0012025550125"),
]


def create_jane(brevo: Brevo) -> None:
    """Create a contact with all identifiers."""
    phones = {
        "SMS": "+12025550123",
        "WHATSAPP": "+12025550124",
        "LANDLINE_NUMBER": "+12025550125",
    }
    brevo.create(ext_id="shop-7", attributes=phones)


@pytest.mark.parametrize(("kind", "identifier"), IDENTIFIERS)
def test_all_six_kinds_of_identifiers_find_a_contact(
    brevo: Brevo, kind: str, identifier: str
) -> None:
    """With its type named, every identifier reads, changes and deletes."""
    create_jane(brevo)
    path = f"/contacts/{identifier}?identifierType={kind}"
    statuses = [
        brevo.request("GET", path).status_code,
        brevo.put(path, {"attributes": {"FIRSTNAME": "Jane"}}).status_code,
        brevo.delete(path).status_code,
        brevo.delete(path).status_code,
    ]
    assert statuses == [200, 204, 204, 404]


@pytest.mark.parametrize("identifier", ["jane%40example.com", "1", "%2B12025550123", "12025550123"])
def test_reading_guesses_address_id_and_phone(brevo: Brevo, identifier: str) -> None:
    """A bare identifier in a read may be an address, an id or an SMS number."""
    create_jane(brevo)
    assert brevo.get(f"/contacts/{identifier}").json()["id"] == 1


def test_writing_does_not_guess_phones(brevo: Brevo) -> None:
    """A bare number in an update or deletion is an id and nothing else."""
    create_jane(brevo)
    statuses = [brevo.put("/contacts/12025550123", {}), brevo.delete("/contacts/12025550123")]
    assert [each.status_code for each in statuses] == [404, 404]


def test_a_bare_ext_id_is_of_no_use(brevo: Brevo) -> None:
    """Other identifiers need their type."""
    create_jane(brevo)
    assert brevo.get("/contacts/shop-7").status_code == 400


@pytest.mark.parametrize("query", ["identifierType=sms", "identifierType=contact_id"])
def test_an_identifier_that_does_not_fit_its_type_is_refused(brevo: Brevo, query: str) -> None:
    """An unknown type, or a text where an id is needed, is 400."""
    assert brevo.request("GET", f"/contacts/jane?{query}").status_code == 400


def test_a_contact_shows_these_fields(brevo: Brevo) -> None:
    """A single contact has everything that a listed one has, and empty statistics."""
    brevo.create(attributes={"FIRSTNAME": "Jane"}, listIds=[5])
    moment = "2026-03-01T13:00:00.500+01:00"
    assert brevo.contact() == {
        "id": 1,
        "email": "jane@example.com",
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "whatsappBlacklisted": False,
        "createdAt": moment,
        "modifiedAt": moment,
        "listIds": [5],
        "listUnsubscribed": [],
        "attributes": {"FIRSTNAME": "Jane"},
        "statistics": {},
    }


def test_campaign_statistics_are_empty(brevo: Brevo) -> None:
    """No campaign was ever sent from a sandbox."""
    brevo.create()
    assert brevo.get("/contacts/1/campaignStats").json() == {}


@pytest.mark.parametrize(
    ("query", "is_seen"),
    [
        ("", True),
        ("?startDate=2026-02-01&endDate=2026-03-01", True),
        ("?startDate=2026-02-01&endDate=2026-02-28", False),
    ],
)
def test_statistics_tell_who_unsubscribed_and_when(
    brevo: Brevo, query: str, *, is_seen: bool
) -> None:
    """A person who follows the link does, blocked or not; the window decides what is shown."""
    brevo.create(emailBlacklisted=True)
    modified = brevo.contact()["modifiedAt"]
    brevo.sandbox.unsubscribe("jane@example.com")
    events = [{"campaignId": 1, "eventTime": "2026-03-01T13:00:01.000+01:00"}]
    seen = {"unsubscriptions": {"userUnsubscription": events, "adminUnsubscription": []}}
    assert brevo.get(f"/contacts/1{query}").json()["statistics"] == (seen if is_seen else {})
    assert brevo.get(f"/contacts/1/campaignStats{query}").json() == (seen if is_seen else {})
    assert brevo.contact()["modifiedAt"] == modified


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("startDate=2026-02-01&endDate=2026-03-01", 200),
        ("startDate=2026-02-01", 400),
        ("endDate=2026-02-01", 400),
        ("startDate=2026-02-02&endDate=2026-02-01", 400),
        ("startDate=2026-02-01&endDate=2026-03-02", 400),
        ("startDate=yesterday&endDate=today", 400),
    ],
)
def test_the_window_of_statistics_needs_both_ends(brevo: Brevo, query: str, status: int) -> None:
    """Start and end go together, in order, and not into the future."""
    brevo.create()
    assert brevo.request("GET", f"/contacts/1?{query}").status_code == status


def test_an_unknown_contact_is_not_found(brevo: Brevo) -> None:
    """Reading somebody who is not there is 404 with Brevo's words."""
    answer = brevo.get("/contacts/jane%40example.com")
    assert answer.status_code == 404
    assert answer.json() == {"code": "document_not_found", "message": "Contact does not exist"}


def test_a_deleted_contact_is_gone_from_its_lists(brevo: Brevo) -> None:
    """Nothing of a contact is left where it was listed."""
    brevo.create(listIds=[5])
    brevo.delete("/contacts/1")
    assert brevo.get("/contacts/lists/5/contacts").json() == {"contacts": [], "count": 0}


def test_the_account_s_own_contact_cannot_be_deleted(brevo: Brevo) -> None:
    """The contact with the registered address is protected by a 405."""
    contact_id = brevo.create("owner@example.com")
    answer = brevo.delete(f"/contacts/{contact_id}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_ids_are_never_used_again(brevo: Brevo) -> None:
    """Whoever comes after a deletion gets an id of their own."""
    brevo.delete(f"/contacts/{brevo.create()}")
    assert brevo.create() == 2


def test_deleting_forgets_the_block(brevo: Brevo) -> None:
    """A person who unsubscribed comes back subscribed; the record does not forget it."""
    brevo.create(emailBlacklisted=True)
    brevo.delete("/contacts/1")
    brevo.create()
    assert brevo.contact()["emailBlacklisted"] is False
    assert [each.cause for each in brevo.sandbox.transitions()] == ["came back after deletion"]


def test_coming_back_blocked_is_no_transition(brevo: Brevo) -> None:
    """A client that remembers the block and sends it again made nobody mailable."""
    brevo.create(emailBlacklisted=True)
    brevo.delete("/contacts/1")
    brevo.create(emailBlacklisted=True)
    assert brevo.sandbox.transitions() == ()


def test_taking_a_forgotten_address_is_a_transition(brevo: Brevo) -> None:
    """A rename to an address that was blocked when it was deleted makes it mailable."""
    brevo.create(emailBlacklisted=True)
    brevo.delete("/contacts/1")
    brevo.create("joan@example.com")
    brevo.put("/contacts/joan%40example.com", {"attributes": {"EMAIL": "jane@example.com"}})
    assert [each.address for each in brevo.sandbox.transitions()] == ["jane@example.com"]


def test_deleting_frees_the_phone(brevo: Brevo) -> None:
    """By default a number can be given to somebody else at once."""
    create_jane(brevo)
    brevo.delete("/contacts/1")
    assert brevo.create("joan@example.com", attributes={"SMS": "+12025550123"}) == 2


def test_a_phone_may_stay_taken_for_a_while(open_brevo: OpenBrevo) -> None:
    """Whether a deletion frees the numbers at once is a switch."""
    brevo = open_brevo(Settings(deletion_frees_phone_after=60))
    create_jane(brevo)
    brevo.delete("/contacts/1")
    body = {"email": "joan@example.com", "attributes": {"SMS": "+12025550123"}}
    refused = brevo.post("/contacts", {**body, "forceMerge": True})
    brevo.clock.advance(60)
    accepted = brevo.post("/contacts", body)
    assert (refused.status_code, accepted.status_code) == (400, 201)
    assert refused.json()["metadata"] == {"duplicate_identifiers": ["SMS"]}
