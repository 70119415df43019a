"""POST /contacts: creating, and updating what is there already."""

from collections.abc import Callable

import pytest

from customer_sync.sandbox import Settings
from customer_sync.sandbox.facts import Oddity, UnknownList
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]
PHONE = "+12025550123"
OTHER_PHONE = "+12025550124"


def test_a_created_contact_is_answered_with_its_id(brevo: Brevo) -> None:
    """A new contact gets 201 with an id, and can be read back by it."""
    answer = brevo.post("/contacts", {"email": "jane@example.com"})
    assert answer.status_code == 201
    assert brevo.contact(answer.json()["id"])["email"] == "jane@example.com"


def test_a_new_contact_is_subscribed(brevo: Brevo) -> None:
    """Nobody is blocked who was not said to be."""
    brevo.create()
    contact = brevo.contact()
    assert (contact["emailBlacklisted"], contact["smsBlacklisted"]) == (False, False)


def test_addresses_are_kept_in_lower_case(brevo: Brevo) -> None:
    """Two spellings of an address are one contact."""
    brevo.create("Jane@Example.com")
    assert brevo.contact("JANE@example.com")["email"] == "jane@example.com"


def test_addresses_may_keep_their_case(open_brevo: OpenBrevo) -> None:
    """Whether the service folds the case is a switch."""
    brevo = open_brevo(Settings(lower_cases_email=False))
    brevo.create("Jane@example.com")
    assert brevo.contact("Jane@example.com")["email"] == "Jane@example.com"


@pytest.mark.parametrize("email", ["jane", "jane@", "@example.com", "jane@localhost", "a b@c.de"])
def test_an_address_that_is_none_is_refused(brevo: Brevo, email: str) -> None:
    """A contact is not made of a text that cannot be mailed to."""
    answer = brevo.post("/contacts", {"email": email})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_a_contact_needs_an_identifier(brevo: Brevo) -> None:
    """Without anything to be known by there is no contact."""
    answer = brevo.post("/contacts", {"attributes": {"FIRSTNAME": "Jane"}})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "missing_parameter",
        "message": "Please provide Email or SMS attribute value to create user",
    }


def test_a_phone_alone_makes_a_contact_with_a_placeholder_address(brevo: Brevo) -> None:
    """A contact without address is shown with one made of its digits."""
    answer = brevo.post("/contacts", {"attributes": {"SMS": PHONE}})
    assert brevo.contact(answer.json()["id"])["email"] == "12025550123@mailin-sms.com"


def test_an_ext_id_alone_makes_a_contact_without_address(brevo: Brevo) -> None:
    """The address is the one field that a contact may lack."""
    brevo.post("/contacts", {"ext_id": "7"})
    contact = brevo.get("/contacts/7", identifierType="ext_id").json()
    assert "email" not in contact
    assert contact["attributes"] == {"EXT_ID": "7"}


def test_an_ext_id_may_show_at_the_top(open_brevo: OpenBrevo) -> None:
    """Where the id of the shop is read is a switch."""
    brevo = open_brevo(Settings(ext_id_at_top=True))
    brevo.create(ext_id="7")
    assert brevo.contact()["ext_id"] == "7"


@pytest.mark.parametrize("name", ["WHATSAPP", "LANDLINE_NUMBER"])
def test_any_phone_may_do_for_a_contact(brevo: Brevo, name: str) -> None:
    """A number of another kind identifies a contact as well."""
    assert brevo.post("/contacts", {"attributes": {name: PHONE}}).status_code == 201


def test_other_phones_may_not_do(open_brevo: OpenBrevo) -> None:
    """Whether the other numbers suffice is a switch."""
    brevo = open_brevo(Settings(phone_identifiers_suffice=False))
    assert brevo.post("/contacts", {"attributes": {"WHATSAPP": PHONE}}).status_code == 400


@pytest.mark.parametrize(
    "spelled", ["+12025550123", "0012025550123", "12025550123", "+1 (202) 555-0123"]
)
def test_phones_are_kept_as_digits(brevo: Brevo, spelled: str) -> None:
    """However a number was written, it reads back without plus and zeros."""
    brevo.create(attributes={"SMS": spelled})
    assert brevo.attributes()["SMS"] == "12025550123"


@pytest.mark.parametrize("spelled", ["020 7946 0000", "abc", "+1"])
def test_a_phone_without_country_code_is_refused(brevo: Brevo, spelled: str) -> None:
    """A national number cannot be told apart from nonsense."""
    answer = brevo.post("/contacts", {"email": "jane@example.com", "attributes": {"SMS": spelled}})
    assert answer.status_code == 400
    assert answer.json() == {"code": "invalid_parameter", "message": "Invalid phone number"}


def test_a_known_address_is_a_duplicate(brevo: Brevo) -> None:
    """Creating somebody who exists is 400, never 409, and names the identifier."""
    brevo.create()
    answer = brevo.post("/contacts", {"email": "jane@example.com"})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "duplicate_parameter",
        "message": "Unable to create contact, email is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["email"]},
    }


def test_a_known_ext_id_is_a_duplicate(brevo: Brevo) -> None:
    """An id of the shop belongs to one contact."""
    brevo.create(ext_id="7")
    answer = brevo.post("/contacts", {"email": "joan@example.com", "ext_id": "7"})
    assert answer.json()["metadata"] == {"duplicate_identifiers": ["ext_id"]}


@pytest.mark.parametrize("update_enabled", [False, True])
def test_a_phone_of_somebody_else_is_a_duplicate(brevo: Brevo, *, update_enabled: bool) -> None:
    """A number that another contact has is refused, even where updating is allowed."""
    brevo.create(attributes={"SMS": PHONE})
    body = {
        "email": "joan@example.com",
        "attributes": {"SMS": PHONE},
        "updateEnabled": update_enabled,
    }
    answer = brevo.post("/contacts", body)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "duplicate_parameter",
        "message": "Unable to create contact, SMS is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["SMS"]},
    }


def test_all_duplicates_are_named(brevo: Brevo) -> None:
    """Where several identifiers are taken, the metadata lists each."""
    brevo.create(attributes={"SMS": PHONE, "WHATSAPP": PHONE})
    body = {"email": "jane@example.com", "attributes": {"SMS": PHONE, "WHATSAPP": PHONE}}
    duplicates = brevo.post("/contacts", body).json()["metadata"]["duplicate_identifiers"]
    assert duplicates == ["email", "SMS", "WHATSAPP"]


def test_the_kinds_of_phones_do_not_collide(brevo: Brevo) -> None:
    """One number may be the SMS of one contact and the landline of another."""
    brevo.create(attributes={"SMS": PHONE})
    body = {"email": "joan@example.com", "attributes": {"LANDLINE_NUMBER": PHONE}}
    assert brevo.post("/contacts", body).status_code == 201


def test_an_upsert_that_updates_answers_without_an_id(brevo: Brevo) -> None:
    """Updating through POST is 204, so no id comes back."""
    brevo.create(attributes={"FIRSTNAME": "Jane", "LASTNAME": "Doe"})
    body = {
        "email": "jane@example.com",
        "attributes": {"FIRSTNAME": "Joan"},
        "updateEnabled": True,
    }
    answer = brevo.post("/contacts", body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert brevo.attributes() == {"FIRSTNAME": "Joan", "LASTNAME": "Doe"}


def test_an_upsert_that_creates_answers_with_the_id(brevo: Brevo) -> None:
    """An upsert of somebody new is a creation."""
    answer = brevo.post("/contacts", {"email": "jane@example.com", "updateEnabled": True})
    assert (answer.status_code, answer.json()) == (201, {"id": 1})


def test_an_upsert_leaves_flags_that_it_does_not_mention(brevo: Brevo) -> None:
    """A blocked contact is updated without any error and stays blocked."""
    brevo.create(emailBlacklisted=True)
    brevo.post("/contacts", {"email": "jane@example.com", "updateEnabled": True})
    assert brevo.contact()["emailBlacklisted"] is True


def test_an_upsert_may_reset_flags(open_brevo: OpenBrevo) -> None:
    """Whether absent flags are left alone is a switch, and what it does is recorded."""
    brevo = open_brevo(Settings(upsert_keeps_absent_flags=False))
    brevo.create(emailBlacklisted=True)
    brevo.post("/contacts", {"email": "jane@example.com", "updateEnabled": True})
    assert [each.cause for each in brevo.sandbox.transitions()] == ["flag"]


def test_an_upsert_may_repeat_the_address_among_the_attributes(brevo: Brevo) -> None:
    """The same address in both places is no rename and no error."""
    brevo.create(emailBlacklisted=True)
    body = {
        "email": "jane@example.com",
        "attributes": {"EMAIL": "jane@example.com"},
        "updateEnabled": True,
    }
    assert brevo.post("/contacts", body).status_code == 204
    assert brevo.contact()["emailBlacklisted"] is True


def test_an_upsert_renames_through_the_attribute(brevo: Brevo) -> None:
    """An address among the attributes that differs is the new one."""
    contact_id = brevo.create()
    body = {
        "email": "jane@example.com",
        "attributes": {"EMAIL": "joan@example.com"},
        "updateEnabled": True,
    }
    assert brevo.post("/contacts", body).status_code == 204
    assert brevo.contact(contact_id)["email"] == "joan@example.com"


def test_an_upsert_cannot_rename_to_an_address_of_somebody_else(brevo: Brevo) -> None:
    """The error of such a rename speaks of an update."""
    brevo.create()
    brevo.create("joan@example.com")
    body = {
        "email": "jane@example.com",
        "attributes": {"EMAIL": "joan@example.com"},
        "updateEnabled": True,
    }
    message = brevo.post("/contacts", body).json()["message"]
    assert message.startswith("Unable to update contact, email is already associated")


def test_a_creation_puts_the_contact_on_lists(brevo: Brevo) -> None:
    """The lists named are those the contact is on."""
    brevo.create(listIds=[5, 2, 5])
    assert brevo.contact()["listIds"] == [2, 5]


def test_an_unknown_list_is_refused(brevo: Brevo) -> None:
    """Nothing is created when a list does not exist."""
    answer = brevo.post("/contacts", {"email": "jane@example.com", "listIds": [5, 99]})
    assert answer.status_code == 400
    assert answer.json() == {"code": "document_not_found", "message": "List ID does not exist"}
    assert brevo.get("/contacts").json()["count"] == 0


def test_an_unknown_list_may_be_ignored(open_brevo: OpenBrevo) -> None:
    """What an unknown list does is a switch."""
    brevo = open_brevo(Settings(unknown_list_write=UnknownList.IGNORE))
    brevo.create(listIds=[5, 99])
    assert brevo.contact()["listIds"] == [5]


def test_unknown_attributes_vanish(brevo: Brevo) -> None:
    """Success does not mean stored: what the account lacks is dropped, lower case included."""
    brevo.create(attributes={"NOPE": "x", "firstname": "Jane", "LASTNAME": "Doe"})
    assert brevo.attributes() == {"LASTNAME": "Doe"}


def test_unknown_attributes_may_be_refused(open_brevo: OpenBrevo) -> None:
    """A strict sandbox tells of every attribute that does not exist."""
    brevo = open_brevo(Settings(unknown_attribute=Oddity.REJECT))
    answer = brevo.post("/contacts", {"email": "jane@example.com", "attributes": {"NOPE": "x"}})
    assert answer.status_code == 400


def test_a_transactional_attribute_without_its_id_is_refused(brevo: Brevo) -> None:
    """Values of orders cannot be written as if they were a contact's own."""
    brevo.post("/contacts/attributes/transactional/PRICE", {"type": "float"})
    answer = brevo.post("/contacts", {"email": "jane@example.com", "attributes": {"PRICE": 1}})
    message = "Transactional attribute as primary Key is missing"
    assert answer.json() == {"code": "invalid_parameter", "message": message}


def test_calculated_attributes_cannot_be_written(brevo: Brevo) -> None:
    """A value that the account computes is dropped."""
    brevo.post("/contacts/attributes/calculated/SUMMED", {"value": "SUM[TOTAL]"})
    brevo.create(attributes={"SUMMED": 1})
    assert brevo.attributes() == {}


@pytest.mark.parametrize(
    "body",
    [
        {"email": 5},
        {"email": "jane@example.com", "attributes": []},
        {"email": "jane@example.com", "listIds": "5"},
        {"email": "jane@example.com", "listIds": ["5"]},
        {"email": "jane@example.com", "listIds": [0]},
        {"email": "jane@example.com", "listIds": [2**63]},
        {"email": "jane@example.com", "listIds": [True]},
        {"email": "jane@example.com", "emailBlacklisted": "true"},
        {"email": "jane@example.com", "smtpBlacklistSender": ["nobody"]},
        {"email": "jane@example.com", "smtpBlacklistSender": [1]},
    ],
)
def test_fields_of_the_wrong_shape_are_refused(brevo: Brevo, body: dict[str, object]) -> None:
    """A field that has the wrong type is 400."""
    assert brevo.post("/contacts", body).status_code == 400


def test_a_merge_keeps_whoever_was_modified_last(brevo: Brevo) -> None:
    """With forceMerge the older contact is deleted, and getId tells who is left."""
    older = brevo.create(attributes={"SMS": PHONE})
    newer = brevo.create("joan@example.com", attributes={"FIRSTNAME": "Joan"})
    body = {
        "email": "joan@example.com",
        "attributes": {"SMS": PHONE},
        "updateEnabled": True,
        "forceMerge": True,
        "getId": True,
    }
    answer = brevo.post("/contacts", body)
    assert answer.json() == {"id": newer}
    assert brevo.attributes(newer) == {"FIRSTNAME": "Joan", "SMS": "12025550123"}
    assert brevo.get(f"/contacts/{older}").status_code == 404


def test_a_merge_can_delete_the_contact_that_was_named(brevo: Brevo) -> None:
    """The survivor may be the other one, which then takes the address."""
    brevo.create()
    survivor = brevo.create("joan@example.com", attributes={"SMS": PHONE})
    body = {
        "email": "jane@example.com",
        "attributes": {"SMS": PHONE},
        "updateEnabled": True,
        "forceMerge": True,
    }
    assert brevo.post("/contacts", body).status_code == 204
    assert brevo.attributes(survivor)["SMS"] == "12025550123"
    assert brevo.get("/contacts").json()["count"] == 1


CONFIRMATION = {
    "email": "jane@example.com",
    "includeListIds": [5],
    "templateId": 1,
    "redirectionUrl": "https://shop.example.com/welcome",
    "attributes": {"FIRSTNAME": "Jane"},
}


def test_a_double_opt_in_makes_nobody_until_it_is_confirmed(brevo: Brevo) -> None:
    """New people get 201, known ones 204, and nothing is stored: nobody confirms here."""
    new = brevo.post("/contacts/doubleOptinConfirmation", CONFIRMATION)
    assert (new.status_code, new.content) == (201, b"")
    assert brevo.get("/contacts").json()["count"] == 0
    brevo.create()
    known = brevo.post("/contacts/doubleOptinConfirmation", CONFIRMATION)
    assert (known.status_code, brevo.contact()["listIds"]) == (204, [])


@pytest.mark.parametrize("name", ["email", "includeListIds", "templateId", "redirectionUrl"])
def test_a_double_opt_in_needs_these_fields(brevo: Brevo, name: str) -> None:
    """Whatever is missing is 400."""
    body = {key: value for key, value in CONFIRMATION.items() if key != name}
    assert brevo.post("/contacts/doubleOptinConfirmation", body).status_code == 400
