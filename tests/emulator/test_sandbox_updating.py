"""PUT /contacts/{identifier}: partial changes, values and what they do, renames, blocks."""

from collections.abc import Callable

import pytest

from customer_sync.sandbox import Settings
from customer_sync.sandbox.facts import (
    CategoryReads,
    CategoryWrites,
    DateTimes,
    DuplicateCode,
    Effect,
    Oddity,
)
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]
JANE = "/contacts/jane%40example.com"
FULL = {
    "FIRSTNAME": "Jane",
    "TOTAL": 9.5,
    "BORN": "1990-05-17",
    "VIP": True,
    "GENDER": "Women",
    "TAGS": ["red", "blue"],
}


def test_every_type_reads_back_as_it_was_written(brevo: Brevo) -> None:
    """Text, number, date, boolean, category and multiple choice keep their values."""
    brevo.create(attributes=FULL)
    assert brevo.attributes() == FULL


def test_what_is_not_mentioned_stays(brevo: Brevo) -> None:
    """An update is partial: other attributes, lists and flags are left alone."""
    brevo.create(attributes=FULL, listIds=[5], emailBlacklisted=True, ext_id="7")
    brevo.put(JANE, {"attributes": {"FIRSTNAME": "Joan"}, "smsBlacklisted": True})
    contact = brevo.contact()
    assert contact["attributes"] == {**FULL, "FIRSTNAME": "Joan", "EXT_ID": "7"}
    assert contact["listIds"] == [5]
    assert (contact["emailBlacklisted"], contact["smsBlacklisted"]) == (True, True)


def test_an_update_moves_the_time_of_modification_alone(brevo: Brevo) -> None:
    """Creation keeps its time; modification shows when, with milliseconds and an offset."""
    brevo.create()
    before = brevo.contact()
    brevo.clock.advance(3600.125)
    brevo.put(JANE, {})
    after = brevo.contact()
    assert before["createdAt"] == before["modifiedAt"] == "2026-03-01T13:00:00.500+01:00"
    assert after["createdAt"] == before["createdAt"]
    assert after["modifiedAt"] == "2026-03-01T14:00:01.625+01:00"


def test_timestamps_are_in_the_zone_of_the_account(open_brevo: OpenBrevo) -> None:
    """The zone of an account shows in its timestamps."""
    brevo = open_brevo(Settings(timezone="+05:30"))
    brevo.create()
    assert brevo.contact()["createdAt"] == "2026-03-01T17:30:00.500+05:30"


@pytest.mark.parametrize("name", list(FULL))
def test_an_empty_text_clears(brevo: Brevo, name: str) -> None:
    """Sending an empty text empties the attribute, by default whatever its type."""
    brevo.create(attributes=FULL)
    brevo.put(JANE, {"attributes": {name: ""}})
    assert name not in brevo.attributes()


@pytest.mark.parametrize("name", ["TOTAL", "BORN", "VIP", "GENDER", "TAGS"])
def test_an_empty_text_may_be_ignored_where_it_is_no_text(open_brevo: OpenBrevo, name: str) -> None:
    """Whether an empty text clears anything but text is a switch."""
    brevo = open_brevo(Settings(empty_string_elsewhere=Effect.IGNORE))
    brevo.create(attributes=FULL)
    brevo.put(JANE, {"attributes": {name: "", "FIRSTNAME": ""}})
    assert brevo.attributes() == {key: FULL[key] for key in FULL if key != "FIRSTNAME"}


@pytest.mark.parametrize(("effect", "is_left"), [(Effect.IGNORE, True), (Effect.CLEAR, False)])
def test_null_is_a_switch(open_brevo: OpenBrevo, effect: Effect, *, is_left: bool) -> None:
    """Null is accepted; whether it clears or does nothing is unknown."""
    brevo = open_brevo(Settings(null_value=effect))
    brevo.create(attributes={**FULL, "SMS": "+12025550123"})
    answer = brevo.put(JANE, {"attributes": dict.fromkeys(["TOTAL", "FIRSTNAME", "SMS"])})
    left = brevo.attributes()
    assert answer.status_code == 204
    assert [name in left for name in ("TOTAL", "FIRSTNAME", "SMS")] == [is_left] * 3


@pytest.mark.parametrize(("effect", "is_left"), [(Effect.IGNORE, True), (Effect.CLEAR, False)])
def test_an_empty_choice_is_a_switch(
    open_brevo: OpenBrevo, effect: Effect, *, is_left: bool
) -> None:
    """Whether an empty array empties a multiple choice is unknown."""
    brevo = open_brevo(Settings(empty_choice=effect))
    brevo.create(attributes=FULL)
    brevo.put(JANE, {"attributes": {"TAGS": []}})
    assert ("TAGS" in brevo.attributes()) is is_left


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIRSTNAME", 5),
        ("FIRSTNAME", ["a"]),
        ("TOTAL", "9.5"),
        ("TOTAL", True),
        ("BORN", 19900517),
        ("BORN", "17/05/1990"),
        ("BORN", "1990-02-30"),
        ("VIP", "false"),
        ("VIP", 0),
        ("GENDER", "Other"),
        ("GENDER", 3),
        ("GENDER", ["Men"]),
        ("TAGS", "green"),
        ("TAGS", [1]),
        ("TAGS", {"a": 1}),
    ],
)
def test_a_value_of_the_wrong_type_vanishes(brevo: Brevo, name: str, value: object) -> None:
    """A mismatch is dropped with a success status, booleans as text included."""
    brevo.create(attributes=FULL)
    assert brevo.put(JANE, {"attributes": {name: value}}).status_code == 204
    assert brevo.attributes() == FULL


def test_a_number_too_large_to_be_one_vanishes(brevo: Brevo) -> None:
    """What overflows to infinity is not stored."""
    brevo.create()
    content = b'{"attributes": {"TOTAL": 1e999}}'
    assert brevo.request("PUT", JANE, content=content).status_code == 204
    assert brevo.attributes() == {}


def test_a_bad_date_may_be_refused(open_brevo: OpenBrevo) -> None:
    """In 2023 a date of another form was answered with 400; that is a switch."""
    brevo = open_brevo(Settings(bad_date=Oddity.REJECT))
    brevo.create()
    answer = brevo.put(JANE, {"attributes": {"BORN": "17.05.1990"}})
    assert answer.status_code == 400
    assert "invalid date format" in answer.json()["message"]


@pytest.mark.parametrize(
    ("made_of", "stored"), [(DateTimes.DROP, None), (DateTimes.TRUNCATE, "1990-05-17")]
)
def test_a_date_with_a_time_is_a_switch(
    open_brevo: OpenBrevo, made_of: DateTimes, stored: str | None
) -> None:
    """A time of day has nowhere to go."""
    brevo = open_brevo(Settings(date_times=made_of))
    brevo.create(attributes={"BORN": "1990-05-17T10:00:00Z"})
    assert brevo.attributes().get("BORN") == stored


def test_a_text_may_have_a_longest_length(open_brevo: OpenBrevo) -> None:
    """A cap on texts is a switch."""
    brevo = open_brevo(Settings(text_length_cap=3))
    brevo.create(attributes={"FIRSTNAME": "Ann"})
    assert brevo.put(JANE, {"attributes": {"FIRSTNAME": "Anna"}}).status_code == 400


@pytest.mark.parametrize("value", ["2", 2, "Men"])
def test_a_category_takes_number_or_label(brevo: Brevo, value: object) -> None:
    """Either spelling of an option is understood."""
    brevo.create(attributes={"GENDER": value})
    assert brevo.attributes()["GENDER"] == "Men"


@pytest.mark.parametrize(
    ("writes", "value"), [(CategoryWrites.LABEL, 2), (CategoryWrites.ID, "Men")]
)
def test_a_category_may_take_one_spelling_alone(
    open_brevo: OpenBrevo, writes: CategoryWrites, value: object
) -> None:
    """Which spellings an option can be written by is a switch."""
    brevo = open_brevo(Settings(category_writes=writes))
    brevo.create(attributes={"GENDER": value})
    assert brevo.attributes() == {}


def test_a_category_may_read_back_as_its_number(open_brevo: OpenBrevo) -> None:
    """Whether a category shows its label or its number is a switch."""
    brevo = open_brevo(Settings(category_reads=CategoryReads.ID))
    brevo.create(attributes={"GENDER": "Men"})
    assert brevo.attributes()["GENDER"] == "2"


def test_unknown_options_are_dropped_from_a_choice(brevo: Brevo) -> None:
    """Of several options those that exist are kept."""
    brevo.create(attributes={"TAGS": ["red", "pink", "red"]})
    assert brevo.attributes()["TAGS"] == ["red"]


def test_unknown_options_may_be_refused(open_brevo: OpenBrevo) -> None:
    """What an unknown option does is a switch."""
    brevo = open_brevo(Settings(unknown_option=Oddity.REJECT))
    body = {"email": "jane@example.com", "attributes": {"TAGS": ["red", "pink"]}}
    assert brevo.post("/contacts", body).status_code == 400


def test_lists_are_added_and_unlinked(brevo: Brevo) -> None:
    """Lists are never replaced: some are added, some removed, others stay."""
    brevo.create(listIds=[2])
    brevo.put(JANE, {"listIds": [5]})
    assert brevo.contact()["listIds"] == [2, 5]
    brevo.put(JANE, {"unlinkListIds": [2]})
    assert brevo.contact()["listIds"] == [5]


def test_identifiers_are_changed_like_attributes(brevo: Brevo) -> None:
    """The shop's id and the numbers are set, replaced and cleared."""
    brevo.create(attributes={"SMS": "+12025550123"})
    brevo.put(JANE, {"ext_id": "7", "attributes": {"SMS": "", "WHATSAPP": 447700900123}})
    assert brevo.attributes() == {"EXT_ID": "7", "WHATSAPP": "447700900123"}


def test_misnamed_fields_are_ignored(brevo: Brevo) -> None:
    """A field that Brevo does not know is no error."""
    brevo.create()
    assert brevo.put(JANE, {"extId": "7"}).status_code == 204
    assert brevo.attributes() == {}


def test_an_address_is_renamed(brevo: Brevo) -> None:
    """The new address goes among the attributes; the contact stays the same."""
    contact_id = brevo.create()
    brevo.put(JANE, {"attributes": {"EMAIL": "Joan@example.com"}})
    assert brevo.contact(contact_id)["email"] == "joan@example.com"
    assert brevo.get(JANE).status_code == 404


def test_an_address_cannot_be_cleared(brevo: Brevo) -> None:
    """An empty address changes nothing."""
    brevo.create()
    assert brevo.put(JANE, {"attributes": {"EMAIL": ""}}).status_code == 204
    assert brevo.contact()["email"] == "jane@example.com"


def test_a_rename_lifts_a_block(brevo: Brevo) -> None:
    """Whoever unsubscribed is mailable again after a rename, and the record shows it."""
    contact_id = brevo.create(emailBlacklisted=True)
    brevo.put(JANE, {"attributes": {"EMAIL": "joan@example.com"}})
    assert brevo.contact(contact_id)["emailBlacklisted"] is False
    (transition,) = brevo.sandbox.transitions()
    assert (transition.cause, transition.contact_id) == ("rename", contact_id)
    assert transition.route == "PUT /contacts/{identifier}"


def test_a_rename_that_blocks_again_keeps_the_block(brevo: Brevo) -> None:
    """By default the flag in the call that renames wins."""
    contact_id = brevo.create(emailBlacklisted=True)
    brevo.put(JANE, {"attributes": {"EMAIL": "joan@example.com"}, "emailBlacklisted": True})
    assert brevo.contact(contact_id)["emailBlacklisted"] is True
    assert brevo.sandbox.transitions() == ()


def test_the_rename_may_win_over_the_flag(open_brevo: OpenBrevo) -> None:
    """Whether the flag wins is a switch, so clients have to read back."""
    brevo = open_brevo(Settings(rename_flag_wins=False))
    contact_id = brevo.create(emailBlacklisted=True)
    brevo.put(JANE, {"attributes": {"EMAIL": "joan@example.com"}, "emailBlacklisted": True})
    assert brevo.contact(contact_id)["emailBlacklisted"] is False


def test_lifting_a_block_by_flag_is_recorded(brevo: Brevo) -> None:
    """Every step from blocked to mailable leaves a trace, on both channels."""
    brevo.create(emailBlacklisted=True, smsBlacklisted=True, attributes={"SMS": "+12025550123"})
    brevo.put(JANE, {"emailBlacklisted": False, "smsBlacklisted": False})
    found = [(each.channel, each.address, each.cause) for each in brevo.sandbox.transitions()]
    assert found == [("email", "jane@example.com", "flag"), ("sms", "12025550123", "flag")]


def test_a_rename_lifts_no_block_of_sms(brevo: Brevo) -> None:
    """The flag that comes with it does, and is recorded as the cause."""
    brevo.create(smsBlacklisted=True)
    brevo.put(JANE, {"attributes": {"EMAIL": "joan@example.com"}})
    assert brevo.sandbox.transitions() == ()
    brevo.put(
        "/contacts/joan%40example.com",
        {"attributes": {"EMAIL": "jo@example.com"}, "smsBlacklisted": False},
    )
    (transition,) = brevo.sandbox.transitions()
    assert (transition.channel, transition.cause) == ("sms", "flag")


def test_blocking_leaves_no_transition(brevo: Brevo) -> None:
    """The record is of people who became mailable, not of those who stopped being."""
    brevo.create()
    brevo.put(JANE, {"emailBlacklisted": True})
    assert brevo.sandbox.transitions() == ()


@pytest.mark.parametrize("code", list(DuplicateCode))
def test_an_identifier_of_somebody_else_is_refused(
    open_brevo: OpenBrevo, code: DuplicateCode
) -> None:
    """The conflict names its identifiers; its code has been seen in two spellings."""
    brevo = open_brevo(Settings(update_conflict_code=code))
    brevo.create()
    brevo.create("joan@example.com", attributes={"SMS": "+12025550123"})
    answer = brevo.put(JANE, {"attributes": {"SMS": "+12025550123"}})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": code.value,
        "message": "Unable to update contact, SMS is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["SMS"]},
    }


def test_one_s_own_identifiers_are_no_conflict(brevo: Brevo) -> None:
    """Writing again what the contact has already is fine."""
    brevo.create(ext_id="7", attributes={"SMS": "+12025550123"})
    body = {"ext_id": "7", "attributes": {"SMS": "+12025550123", "EMAIL": "jane@example.com"}}
    assert brevo.put(JANE, body).status_code == 204


def test_a_forced_merge_deletes_the_older_contact(brevo: Brevo) -> None:
    """With forceMerge a conflict costs the contact that was modified earlier its existence."""
    brevo.create(attributes={"SMS": "+12025550123"})
    survivor = brevo.create("joan@example.com")
    body = {"attributes": {"SMS": "+12025550123"}, "forceMerge": True}
    assert brevo.put("/contacts/joan%40example.com", body).status_code == 204
    assert brevo.attributes(survivor) == {"SMS": "12025550123"}
    assert brevo.get(JANE).status_code == 404


def test_an_unknown_contact_is_not_found(brevo: Brevo) -> None:
    """An update never creates."""
    answer = brevo.put(JANE, {})
    assert answer.status_code == 404
    assert answer.json() == {"code": "document_not_found", "message": "Contact does not exist"}


def test_an_unknown_contact_may_be_another_status(open_brevo: OpenBrevo) -> None:
    """Only reading is known to answer 404, so the status of writes is a switch."""
    brevo = open_brevo(Settings(unknown_contact_write_status=400))
    assert (brevo.put(JANE, {}).status_code, brevo.delete(JANE).status_code) == (400, 400)
