"""Between Brevo's JSON and the program's values, in both directions."""

import contextlib
import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customer_sync.brevo import inventory, jobs, refusals, wire
from customer_sync.brevo.answers import ExtId, ListChange, Phone
from customer_sync.brevo.values import Json, value_from, value_to
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    ContactId,
    ContactPatch,
    Email,
    Value,
)
from customer_sync.core.requests.jobs import ImportRow, ProcessId, ProcessState, RejectedRow
from customer_sync.errors import BrevoUnavailable

JANE = Email("jane@example.com")


def attribute(
    name: str, kind: AttributeType | None, options: Mapping[str, str] | None = None
) -> Attribute:
    """Return an attribute's definition."""
    return Attribute(name=name, type=kind, options=options or {})


TEXT = attribute("CITY", AttributeType.TEXT)
NUMBER = attribute("TOTAL_SPENT", AttributeType.FLOAT)
DATE = attribute("BIRTHDAY", AttributeType.DATE)
BOOLEAN = attribute("IS_VIP", AttributeType.BOOLEAN)
CATEGORY = attribute("TIER", AttributeType.CATEGORY, {"1": "Bronze", "2": "Gold"})
CHOICES = attribute("TAGS", AttributeType.MULTIPLE_CHOICE, {"new": "new", "vip": "vip"})

ACCOUNT = {each.name: each for each in (TEXT, NUMBER, DATE, BOOLEAN, CATEGORY, CHOICES)}


def answered(**changes: object) -> dict[str, object]:
    """Return a contact as Brevo describes it."""
    return {
        "id": 7,
        "email": JANE,
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "createdAt": "2025-01-01T00:00:00Z",
        "modifiedAt": "2025-01-02T03:04:05.678Z",
        "listIds": [5],
        "attributes": {},
    } | changes


# ---------------------------------------------------------------- values that come


@pytest.mark.parametrize(
    ("definition", "raw", "value"),
    [
        (TEXT, "Lyon", "Lyon"),
        (TEXT, 69001, "69001"),
        (TEXT, 1.0, "1"),
        (TEXT, True, "true"),
        (NUMBER, 3, 3.0),
        (NUMBER, 3.5, 3.5),
        (NUMBER, "3.5", 3.5),
        (NUMBER, "much", "much"),
        (NUMBER, True, "true"),
        (NUMBER, float("inf"), "inf"),
        (NUMBER, 10**400, "1" + "0" * 400),
        (DATE, "1990-02-28", "1990-02-28"),
        (DATE, "1990-02-28T00:00:00.000Z", "1990-02-28"),
        (DATE, "28/02/1990", "28/02/1990"),
        (BOOLEAN, False, False),
        (BOOLEAN, "yes", "yes"),
        (CATEGORY, "Gold", "Gold"),
        (CATEGORY, "2", "Gold"),
        (CATEGORY, 2, "Gold"),
        (CATEGORY, 2.0, "Gold"),
        (CATEGORY, "9", "9"),
        (CHOICES, ["vip", "new"], ("vip", "new")),
        (CHOICES, "vip", ("vip",)),
    ],
)
def test_a_value_comes_in_its_attributes_type(
    definition: Attribute, raw: object, value: Value
) -> None:
    """Whatever spelling Brevo uses, one value is one value."""
    found = value_from(definition.name, raw, definition)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("raw", "value"),
    [(1, 1.0), (True, True), ("x", "x"), (["a"], ("a",)), ({"odd": 1}, "{'odd': 1}")],
)
@pytest.mark.parametrize("definition", [None, attribute("X", None)])
def test_a_value_without_a_known_type_comes_in_its_own(
    definition: Attribute | None, raw: object, value: Value
) -> None:
    """Attributes that the account does not list, or that no sync can write, come as they are."""
    assert value_from("X", raw, definition) == value


@pytest.mark.parametrize("raw", [None, "", []])
@pytest.mark.parametrize("definition", ACCOUNT.values())
def test_an_empty_value_is_none(definition: Attribute, raw: object) -> None:
    """Empty and absent are the same thing."""
    assert value_from(definition.name, raw, definition) is None


@pytest.mark.parametrize("name", ["SMS", "WHATSAPP", "LANDLINE_NUMBER"])
@pytest.mark.parametrize("raw", ["12025550123", "+12025550123", "0012025550123", 12025550123])
def test_a_phone_comes_as_e164(name: str, raw: object) -> None:
    """Brevo stores digits only; comparing those with E.164 would show a change every time."""
    assert value_from(name, raw, attribute(name, AttributeType.TEXT)) == "+12025550123"


def test_a_phone_that_is_none_comes_as_it_is() -> None:
    """Then it differs from what is desired and is written anew."""
    assert value_from("SMS", "call me", None) == "call me"


def test_digits_elsewhere_are_no_phone() -> None:
    """Only Brevo's own phone attributes have their normal form."""
    assert value_from("CITY", "12025550123", TEXT) == "12025550123"


# ---------------------------------------------------------------- values that go


@pytest.mark.parametrize(
    ("definition", "value", "sent"),
    [
        (TEXT, "Lyon", "Lyon"),
        (NUMBER, 3.0, 3),
        (NUMBER, 3.25, 3.25),
        (NUMBER, -0.0, 0),
        (NUMBER, 1e300, int(1e300)),
        (DATE, "1990-02-28", "1990-02-28"),
        (BOOLEAN, False, False),
        (CATEGORY, "Gold", 2),
        (CATEGORY, "Platinum", "Platinum"),
        (CHOICES, ("vip", "new"), ["vip", "new"]),
    ],
)
def test_a_value_goes_as_brevo_takes_it(definition: Attribute, value: Value, sent: Json) -> None:
    """Numbers without needless fractions, booleans as booleans, categories by their number."""
    found = value_to(definition.name, value, definition)
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize("definition", [TEXT, NUMBER, DATE, BOOLEAN, CATEGORY, None])
def test_none_clears_by_an_empty_text(definition: Attribute | None) -> None:
    """The published description admits no null."""
    assert value_to("X", None, definition) == ""


def test_none_clears_choices_by_an_empty_array() -> None:
    """The one type that has an empty value of its own."""
    assert value_to("TAGS", None, CHOICES) == []


@pytest.mark.parametrize("name", ["SMS", "WHATSAPP", "LANDLINE_NUMBER"])
def test_a_phone_goes_as_digits(name: str) -> None:
    """As Brevo shows it, so that both sides can be compared by eye."""
    assert value_to(name, "+12025550123", None) == "12025550123"


SENDABLE = {
    "CITY": st.text(min_size=1),
    "TOTAL_SPENT": st.floats(allow_nan=False, allow_infinity=False),
    "BIRTHDAY": st.dates().map(str),
    "IS_VIP": st.booleans(),
    "TIER": st.sampled_from(["Bronze", "Gold"]),
    "TAGS": st.lists(st.sampled_from(["new", "vip"]), min_size=1, unique=True).map(tuple),
    "SMS": st.integers(10**6, 10**14).map(lambda digits: f"+{digits}"),
}


@given(values=st.fixed_dictionaries({}, optional=SENDABLE))
def test_what_was_written_reads_back_equal(values: dict[str, Value]) -> None:
    """Otherwise the second run would write again."""
    body = wire.patch_to_json(ContactPatch(attributes=values), ACCOUNT)
    stored = json.loads(json.dumps(body)).get("attributes", {})
    assert wire.contact_from(answered(attributes=stored), ACCOUNT).attributes == values


# ---------------------------------------------------------------- contacts


def test_a_contact_comes_with_all_that_a_sync_looks_at() -> None:
    """Id, address, values, lists and flags."""
    contact = wire.contact_from(
        answered(
            attributes={"EMAIL": JANE, "CITY": "Lyon", "TIER": "", "SMS": "12025550123"},
            listIds=[5, 6],
            listUnsubscribed=[9],
            emailBlacklisted=True,
        ),
        ACCOUNT,
    )
    assert (contact.id, contact.email) == (7, JANE)
    assert contact.attributes == {"CITY": "Lyon", "SMS": "+12025550123"}
    assert contact.list_ids == {5, 6}
    assert contact.unsubscribed_list_ids == {9}
    assert (contact.is_email_blocked, contact.is_sms_blocked) == (True, False)
    assert contact.modified_at == datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def test_an_address_comes_in_lower_case() -> None:
    """Addresses are compared that way everywhere."""
    assert wire.contact_from(answered(email=" Jane@Example.COM"), {}).email == JANE


@pytest.mark.parametrize("email", [None, "", "12025550123@mailin-sms.com"])
def test_a_contact_of_a_phone_only_has_no_address(email: str | None) -> None:
    """Brevo shows a placeholder for it, which nobody can be mailed at."""
    assert wire.contact_from(answered(email=email), {}).email is None


@pytest.mark.parametrize("shape", [{"ext_id": "c1"}, {"attributes": {"EXT_ID": "c1"}}])
def test_the_shops_id_is_an_attribute(shape: dict[str, object]) -> None:
    """Wherever the answer has it."""
    assert wire.contact_from(answered(**shape), {}).attributes == {"EXT_ID": "c1"}


def test_an_empty_array_of_attributes_is_none_at_all() -> None:
    """So PHP writes an object without members."""
    assert wire.contact_from(answered(attributes=[]), ACCOUNT).attributes == {}


@pytest.mark.parametrize(
    "written",
    [
        "2025-01-02T03:04:05Z",
        "2025-01-02T08:34:05.000+05:30",
        "2025-01-01T22:04:05-05:00",
        "2025-01-02T03:04:05",
    ],
)
def test_times_of_any_zone_are_understood(written: str) -> None:
    """The account's zone shows in them, whatever the documentation says."""
    contact = wire.contact_from(answered(modifiedAt=written), {})
    assert contact.modified_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert contact.modified_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": None}, "id is missing"),
        ({"id": "7"}, "id is a text"),
        ({"id": True}, "id is true or false"),
        ({"id": -7}, "id is a number"),
        ({"attributes": "none"}, "attributes is a text"),
        ({"attributes": ["CITY"]}, "attributes is an array"),
        ({"listIds": 5}, "listIds is a number"),
        ({"listIds": ["5"]}, "listIds is a text"),
        ({"emailBlacklisted": "no"}, "emailBlacklisted is a text"),
        ({"modifiedAt": "yesterday"}, "modifiedAt is a text"),
        ({"modifiedAt": 5}, "modifiedAt is a number"),
    ],
)
def test_a_misshapen_contact_is_refused_with_its_place(
    change: dict[str, object], named: str
) -> None:
    """The sentence names what is wrong, and never what stood there."""
    with pytest.raises(BrevoUnavailable, match=named):
        wire.contact_from(answered(**change), {})


@pytest.mark.parametrize("answer", [None, "<html>", 5, ["x"], {"contacts": None}, {"contacts": []}])
def test_a_misshapen_page_is_refused(answer: object) -> None:
    """A page without its count could be taken for the last one."""
    with pytest.raises(BrevoUnavailable, match="cannot be understood"):
        wire.page_from(answer, {})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
FIELDS = (
    *("id", "email", "attributes", "listIds", "modifiedAt", "count", "contacts", "ext_id"),
    *("name", "success", "failure", "info", "import", "category", "enumeration", "plan", "type"),
    *ACCOUNT,
)
ANSWERS = st.recursive(
    JSON_VALUES,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=8,
)


@given(answer=ANSWERS)
@example(answer={"contacts": {"success": [[]]}})
@example(answer=answered(attributes={"TOTAL_SPENT": 10**400, "ODD": float("nan")}))
@example(answer=answered(id=[], listIds=[None], modifiedAt="9999-12-31T23:59:59-23:59"))
@example(answer={"attributes": [{"name": "TIER", "category": "category", "enumeration": [1]}]})
def test_no_answer_is_a_crash(answer: object) -> None:
    """Whatever comes is a value or the one exception that says so."""
    readers = (
        lambda: wire.contact_from(answer, ACCOUNT),
        lambda: wire.page_from(answer, ACCOUNT),
        lambda: wire.attributes_from(answer),
        lambda: inventory.list_from(answer),
        lambda: inventory.account_from(answer),
        lambda: jobs.process_from(answer),
        lambda: inventory.list_change_from(answer, [JANE]),
    )
    for reader in readers:
        with contextlib.suppress(BrevoUnavailable):
            reader()


# ---------------------------------------------------------------- patches


def test_a_patch_names_nothing_that_it_does_not_write() -> None:
    """Whatever is absent from the body stays as it is at Brevo."""
    assert wire.patch_to_json(ContactPatch(), ACCOUNT) == {}


def test_a_patch_goes_in_brevos_spelling() -> None:
    """Flags, lists on both sides, and the shop's id outside of the attributes."""
    patch = ContactPatch(
        attributes={"CITY": None, "EXT_ID": "c1", "TOTAL_SPENT": 2.0},
        add_lists=frozenset({9, 5}),
        remove_lists=frozenset({7}),
        email_blocked=True,
        sms_blocked=False,
    )
    assert wire.patch_to_json(patch, ACCOUNT) == {
        "attributes": {"CITY": "", "TOTAL_SPENT": 2},
        "ext_id": "c1",
        "emailBlacklisted": True,
        "smsBlacklisted": False,
        "listIds": [5, 9],
        "unlinkListIds": [7],
    }


def test_a_cleared_shop_id_is_an_empty_attribute() -> None:
    """An empty identifier beside the attributes might count as absent."""
    patch = ContactPatch(attributes={"EXT_ID": None})
    assert wire.patch_to_json(patch, {}) == {"attributes": {"EXT_ID": ""}}


def test_a_rename_and_a_block_travel_together() -> None:
    """A rename alone lifts the block at Brevo."""
    patch = ContactPatch(rename_to=Email("new@example.com"), email_blocked=True)
    assert wire.patch_to_json(patch, {}) == {
        "attributes": {"EMAIL": "new@example.com"},
        "emailBlacklisted": True,
    }


def test_a_creation_serves_where_the_contact_exists() -> None:
    """So it can be repeated; a conflict never merges contacts, which would delete one of them."""
    body = wire.create_to_json(JANE, ContactPatch(add_lists=frozenset({5})), {})
    assert body == {"email": JANE, "updateEnabled": True, "listIds": [5]}


def test_a_creation_cannot_remove_lists() -> None:
    """Brevo would ignore it silently."""
    with pytest.raises(ValueError, match="off a list"):
        wire.create_to_json(JANE, ContactPatch(remove_lists=frozenset({5})), {})


def test_a_batch_addresses_each_contact_by_one_identifier() -> None:
    """By address or id, mixed as they come."""
    patch = ContactPatch(attributes={"CITY": "Lyon"})
    assert wire.batch_to_json([(JANE, patch), (ContactId(7), patch)], ACCOUNT) == {
        "contacts": [
            {"email": JANE, "attributes": {"CITY": "Lyon"}},
            {"id": 7, "attributes": {"CITY": "Lyon"}},
        ]
    }


@pytest.mark.parametrize(
    ("ref", "segment", "kind"),
    [
        (Email("a+b/c@example.com"), "a%2Bb%2Fc%40example.com", "email_id"),
        (Email("50%off?#@example.com"), "50%25off%3F%23%40example.com", "email_id"),
        (ContactId(7), "7", "contact_id"),
        (Phone(number="+12025550123"), "12025550123", "phone_id"),
        (Phone(number="+12025550123", attribute="WHATSAPP"), "12025550123", "whatsapp_id"),
        (
            Phone(number="+12025550123", attribute="LANDLINE_NUMBER"),
            "12025550123",
            "landline_number_id",
        ),
        (ExtId(value="é 1"), "%C3%A9%201", "ext_id"),
    ],
)
def test_identifiers_are_encoded_and_their_kind_is_told(
    ref: Email | ContactId | Phone | ExtId, segment: str, kind: str
) -> None:
    """A plus sign or a slash must not change the meaning, nor a number be taken for a phone."""
    assert wire.path_of(ref) == (segment, {"identifierType": kind})


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_identifiers_that_mean_another_path_are_refused(value: str) -> None:
    """Deleting `/contacts/..` is not what anybody asked for."""
    with pytest.raises(ValueError, match="cannot address"):
        wire.path_of(ExtId(value=value))


def test_times_go_in_utc_with_milliseconds_cut_off() -> None:
    """Rounding up could skip what changed within that millisecond."""
    moment = datetime(2025, 1, 2, 5, 4, 5, 678999, tzinfo=timezone(timedelta(hours=2)))
    assert wire.time_to(moment) == "2025-01-02T03:04:05.678Z"


# ---------------------------------------------------------------- attributes


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"name": "CITY", "category": "normal", "type": "text"}, TEXT),
        ({"name": "TOTAL_SPENT", "category": "normal", "type": "float"}, NUMBER),
        ({"name": "BIRTHDAY", "category": "normal", "type": "date"}, DATE),
        ({"name": "IS_VIP", "category": "normal", "type": "boolean"}, BOOLEAN),
        (
            {
                "name": "TIER",
                "category": "category",
                "enumeration": [
                    {"value": 1, "label": "Bronze", "valueStr": "1"},
                    {"value": 2, "label": "Gold"},
                ],
            },
            CATEGORY,
        ),
        (
            {
                "name": "TAGS",
                "category": "normal",
                "type": "multiple-choice",
                "multiCategoryOptions": ["new", "vip"],
            },
            CHOICES,
        ),
        ({"name": "OWNER", "category": "normal", "type": "user"}, attribute("OWNER", None)),
        ({"name": "X", "category": "normal", "type": "hologram"}, attribute("X", None)),
        ({"name": "X", "category": "normal"}, attribute("X", None)),
        ({"name": "ORDER", "category": "transactional", "type": "text"}, attribute("ORDER", None)),
        ({"name": "SUM", "category": "calculated", "type": "float"}, attribute("SUM", None)),
        ({"name": "ALL", "category": "global"}, attribute("ALL", None)),
    ],
)
def test_an_attribute_comes_with_its_type(answer: dict[str, object], expected: Attribute) -> None:
    """Live answers leave the type of categories out; what no sync can write has none."""
    assert wire.attribute_from(answer) == expected


@pytest.mark.parametrize(
    ("kind", "category", "body"),
    [
        (AttributeType.TEXT, "normal", {"type": "text"}),
        (AttributeType.FLOAT, "normal", {"type": "float"}),
        (
            AttributeType.MULTIPLE_CHOICE,
            "normal",
            {"type": "multiple-choice", "multiCategoryOptions": ["a", "b"]},
        ),
        (
            AttributeType.CATEGORY,
            "category",
            {"enumeration": [{"value": 1, "label": "a"}, {"value": 2, "label": "b"}]},
        ),
    ],
)
def test_an_attribute_goes_under_its_category(
    kind: AttributeType, category: str, body: Json
) -> None:
    """Categories are numbered from one."""
    assert wire.attribute_to_json(kind, ["a", "b"]) == (category, body)


# ---------------------------------------------------------------- lists and refusals


def test_a_list_change_tells_who_moved() -> None:
    """Brevo's failures lack a reason: on the list already, or unknown."""
    answer = {"contacts": {"success": [7], "failure": [8]}}
    refs = [ContactId(7), ContactId(8)]
    assert inventory.list_change_from(answer, refs) == ListChange(
        changed=(refs[0],), unchanged=(refs[1],)
    )


@pytest.mark.parametrize("refs", [[JANE, ContactId(7)], [ContactId(7), JANE]])
def test_a_list_takes_one_kind_of_identifier(refs: list[Email | ContactId]) -> None:
    """Mixing them up is the caller's mistake."""
    with pytest.raises(ValueError, match="not both"):
        wire.refs_to_json(refs)


@pytest.mark.parametrize(
    ("message", "positions"),
    [
        ("No contact found for indexes 3,4", (3, 4)),
        ("No contact found for indexes 4, 3, 3", (3, 4)),
        ("No contact found for index 0", (0,)),
        ("No contact found for indexes 1,5", (0, 4)),
        ("No contact found for indexes 3,17", ()),
        ("No contact found for indexes 0,5", ()),
        ("List ID does not exist: 3", ()),
        ("", ()),
    ],
)
def test_the_positions_of_unknown_contacts_are_read(
    message: str, positions: tuple[int, ...]
) -> None:
    """In a batch of five; positions that cannot be are not believed."""
    assert refusals.unknown_positions(message, 5) == positions


# ---------------------------------------------------------------- import jobs


def test_an_import_never_names_a_block_that_is_not_set() -> None:
    """`emailBlacklist: false` might lift the blocks of everybody in the job."""
    body = jobs.import_to_json(
        [ImportRow(email=JANE)],
        {},
        list_ids=[5],
        email_blocked=False,
        sms_blocked=False,
        update_existing=True,
    )
    assert body == {
        "jsonBody": [{"email": JANE, "attributes": {}}],
        "listIds": [5],
        "updateExistingContacts": True,
        "disableNotification": True,
    }


def test_an_import_says_that_empty_fields_erase_only_where_there_are_any() -> None:
    """The switch holds for the whole job."""
    rows = [ImportRow(email=JANE, attributes={"TAGS": None, "SMS": "+12025550123", "TIER": "Gold"})]
    body = jobs.import_to_json(
        rows, ACCOUNT, list_ids=[6, 5], email_blocked=True, sms_blocked=True, update_existing=True
    )
    assert body["jsonBody"] == [
        {"email": JANE, "attributes": {"TAGS": "", "SMS": "12025550123", "TIER": 2}}
    ]
    assert body["emptyContactsAttributes"] is True
    assert (body["emailBlacklist"], body["smsBlacklist"]) == (True, True)
    assert body["listIds"] == [5, 6]


@given(
    lengths=st.lists(st.integers(0, 400), max_size=60),
    most=st.integers(4500, 6000),
)
def test_rows_are_cut_by_the_bytes_that_are_sent(lengths: list[int], most: int) -> None:
    """No job is too large, none is lost, and the order stays."""
    rows = [ImportRow(email=JANE, attributes={"CITY": "é" * length}) for length in lengths]
    cut = [*jobs.cut_rows(rows, ACCOUNT, most_bytes=most)]
    assert [row for job in cut for row in job] == rows
    for job in cut:
        body = jobs.import_to_json(
            job,
            ACCOUNT,
            list_ids=range(1, 100),
            email_blocked=True,
            sms_blocked=True,
            update_existing=True,
        )
        assert len(jobs.to_bytes(body)) <= most


def test_a_row_too_large_for_any_job_goes_alone() -> None:
    """Brevo says what it thinks of it; the others are not held up."""
    rows = [ImportRow(email=JANE, attributes={"CITY": "x" * n}) for n in (1, 9000, 1)]
    assert [len(job) for job in jobs.cut_rows(rows, {}, most_bytes=5000)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", ProcessState.RUNNING),
        ("in_process", ProcessState.RUNNING),
        ("processing", ProcessState.RUNNING),
        ("simmering", ProcessState.RUNNING),
        (None, ProcessState.RUNNING),
        ("completed", ProcessState.COMPLETED),
        ("failed", ProcessState.FAILED),
        ("cancelled", ProcessState.CANCELLED),
    ],
)
def test_only_three_words_end_a_job(word: str | None, state: ProcessState) -> None:
    """Brevo adds words now and then."""
    assert jobs.process_from({"id": 3, "name": "IMPORTUSER", "status": word}).state is state


def test_a_job_names_the_files_of_its_rejected_rows() -> None:
    """Older descriptions have counts in their place, which name nothing."""
    reports = {"invalid_emails": "https://example.com/a.csv", "duplicate_ext_id": None, "old": 3}
    process = jobs.process_from({"id": 3, "status": "completed", "info": {"import": reports}})
    assert process.id == ProcessId(3)
    assert process.rejected_urls == {"invalid_emails": "https://example.com/a.csv"}


@pytest.mark.parametrize(
    "document",
    [
        "EMAIL;CITY\r\nnobody@;Lyon, 3e\r\n",
        '\ufeffEMAIL,CITY\nnobody@,"Lyon, 3e"\n\n',
        'EMAIL; CITY\n"nobody@";"Lyon, 3e"',
    ],
)
def test_rejected_rows_are_read_by_their_header(document: str) -> None:
    """Separated by semicolons or commas, with a byte order mark or without."""
    assert jobs.rejected_rows_from("invalid_emails", document.encode()) == (
        RejectedRow(reason="invalid_emails", fields={"EMAIL": "nobody@", "CITY": "Lyon, 3e"}),
    )


def test_an_empty_file_is_no_list_of_rows() -> None:
    """It lacks the header that tells what its columns are."""
    with pytest.raises(BrevoUnavailable, match="invalid_emails"):
        jobs.rejected_rows_from("invalid_emails", b"")


def test_a_file_that_is_no_csv_is_refused() -> None:
    """As one with a field that never ends."""
    usual = csv.field_size_limit(1000)
    try:
        with pytest.raises(BrevoUnavailable, match="no CSV file"):
            jobs.rejected_rows_from("invalid_emails", b'EMAIL\n"' + b"x" * 2000)
    finally:
        csv.field_size_limit(usual)


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        ({"statistics": {}}, ()),
        ({}, ()),
        ({"statistics": {"unsubscriptions": {"adminUnsubscription": []}}}, ()),
        (
            {
                "statistics": {
                    "unsubscriptions": {
                        "userUnsubscription": [
                            {"campaignId": 3, "eventTime": "2026-03-01T12:00:00Z"},
                            {"campaignId": 4},
                        ]
                    }
                }
            },
            (datetime(2026, 3, 1, 12, tzinfo=UTC),),
        ),
    ],
)
def test_unsubscriptions_are_found_in_the_statistics(
    answer: object, times: tuple[datetime, ...]
) -> None:
    """Where there are any; those of an administrator are none of the person's."""
    assert wire.unsubscriptions_from(answer) == times
