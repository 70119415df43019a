"""POST /contacts/import: what is checked at once, and what the job makes of its rows."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from customer_sync.sandbox import Settings
from customer_sync.sandbox.facts import DateOrder, ImportFalse, NotifyBody
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]
JANE = {"email": "jane@example.com"}


def row(email: str = "jane@example.com", /, **attributes: object) -> dict[str, object]:
    """Return a row of a jsonBody."""
    return {"email": email, "attributes": attributes}


def reports(process: dict[str, object]) -> dict[str, str]:
    """Return the URLs of the reports that have rows."""
    info = process["info"]
    assert isinstance(info, dict)
    return {name: url for name, url in info["import"].items() if url is not None}


def report(brevo: Brevo, process: dict[str, object], name: str) -> str:
    """Return the text of a report, which needs no key."""
    url = reports(process)[name]
    assert url.startswith(brevo.url.removesuffix("/v3"))
    answer = brevo.request(
        "GET", ".." + url.removeprefix(brevo.url.removesuffix("/v3")), headers={"api-key": ""}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    return answer.text


# ---------------------------------------------------------------- at once


def test_an_import_is_answered_with_a_process(brevo: Brevo) -> None:
    """The answer is 202 before anything happened."""
    answer = brevo.post("/contacts/import", {"jsonBody": [row()], "listIds": [5]})
    assert (answer.status_code, answer.json()) == (202, {"processId": 1})
    assert brevo.get("/contacts").json()["count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"jsonBody": [JANE]},
        {"jsonBody": [JANE], "listIds": []},
        {"listIds": [5]},
        {"jsonBody": [JANE], "fileBody": "EMAIL", "listIds": [5]},
        {"jsonBody": [JANE], "listIds": [99]},
        {"jsonBody": [JANE], "newList": {"listName": "New"}},
        {"jsonBody": [JANE], "newList": {"folderId": 1}},
        {"jsonBody": [JANE], "newList": {"listName": "New", "folderId": 9}},
        {"jsonBody": ["jane@example.com"], "listIds": [5]},
        {"jsonBody": {"email": "jane@example.com"}, "listIds": [5]},
        {"jsonBody": [{"email": "jane@example.com", "attributes": 1}], "listIds": [5]},
        {"fileUrl": "https://files.example.com/a.csv", "listIds": [5]},
        {"fileUrl": "http://[", "listIds": [5]},
        {"jsonBody": [JANE], "listIds": [5], "notifyUrl": "https://hooks.example.com/"},
    ],
)
def test_an_import_that_cannot_work_is_refused_at_once(
    brevo: Brevo, body: dict[str, object]
) -> None:
    """There must be a list to go to and exactly one source; the sandbox calls nobody else."""
    assert brevo.post("/contacts/import", body).status_code == 400
    assert brevo.get("/processes").json()["count"] == 0


@pytest.mark.parametrize(
    "source",
    [{"jsonBody": []}, {"jsonBody": [{"NAME": "Jane"}]}, {"fileBody": "NAME\nJane"}],
)
def test_rows_without_any_identifier_are_refused_at_once(
    brevo: Brevo, source: dict[str, object]
) -> None:
    """A body with no usable column is the one problem of rows that is told synchronously."""
    answer = brevo.post("/contacts/import", {**source, "listIds": [5]})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_parameter"
    assert answer.json()["message"].startswith(
        "We could not find any valid email or SMS or Contact ID in the file you uploaded."
    )


def test_a_body_has_a_largest_size(open_brevo: OpenBrevo) -> None:
    """Bytes count as sent."""
    brevo = open_brevo(Settings(import_bytes=200))
    statuses = [
        brevo.post(
            "/contacts/import", {"jsonBody": [row(FIRSTNAME="x" * size)], "listIds": [5]}
        ).status_code
        for size in (50, 200)
    ]
    assert statuses == [202, 400]


def test_ten_megabytes_are_the_most(brevo: Brevo) -> None:
    """By default the documented cap holds."""
    content = json.dumps({"jsonBody": [row(FIRSTNAME="x" * 10_000_000)], "listIds": [5]}).encode()
    assert brevo.request("POST", "/contacts/import", content=content).status_code == 400


def test_a_new_list_is_made_for_the_job(brevo: Brevo) -> None:
    """A job can bring its list along, which exists at once."""
    body = {"jsonBody": [row()], "newList": {"listName": "Imported", "folderId": 1}}
    brevo.post("/contacts/import", body)
    names = [each["name"] for each in brevo.get("/contacts/lists").json()["lists"]]
    brevo.clock.advance(600)
    assert "Imported" in names
    assert brevo.contact()["listIds"] == [6]


# ---------------------------------------------------------------- rows


def test_rows_create_and_update(brevo: Brevo) -> None:
    """New people are created, known ones updated, and all are put on the list."""
    brevo.create(attributes={"LASTNAME": "Doe", "FIRSTNAME": "Old"})
    brevo.do_import(jsonBody=[row(FIRSTNAME="Jane"), row("joan@example.com", TOTAL=5)], listIds=[5])
    jane, joan = brevo.contact(), brevo.contact("joan@example.com")
    assert (jane["attributes"], jane["listIds"]) == ({"LASTNAME": "Doe", "FIRSTNAME": "Jane"}, [5])
    assert (joan["attributes"], joan["listIds"]) == ({"TOTAL": 5}, [5])


def test_what_a_job_wrote_bears_the_time_of_its_end(brevo: Brevo) -> None:
    """Contacts are modified when the job ends, whenever anybody looks."""
    brevo.do_import(jsonBody=[row()])
    assert brevo.contact()["modifiedAt"] == "2026-03-01T13:00:15.500+01:00"


def test_names_may_be_in_any_case(brevo: Brevo) -> None:
    """Unlike single requests an import matches names regardless of case, the address too."""
    brevo.do_import(jsonBody=[{"EMAIL": "jane@example.com", "attributes": {"firstName": "Jane"}}])
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


def test_identifiers_may_stand_among_the_attributes(brevo: Brevo) -> None:
    """A row is as good with its address and phone inside the attributes."""
    attributes = {"EMAIL": "jane@example.com", "SMS": "+12025550123", "EXT_ID": "7"}
    brevo.do_import(jsonBody=[{"attributes": attributes}])
    assert brevo.attributes() == {"SMS": "12025550123", "EXT_ID": "7"}


def test_unknown_attributes_are_dropped(brevo: Brevo) -> None:
    """What the account lacks is ignored in the end."""
    brevo.do_import(jsonBody=[row(NOPE="x", FIRSTNAME="Jane")])
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


@pytest.mark.parametrize(
    ("identifier", "value"),
    [
        ("EXT_ID", "shop-7"),
        ("SMS", "+12025550123"),
        ("WHATSAPP", 12025550124),
        ("LANDLINE_NUMBER", "0012025550125"),
        ("ID", 1),
        ("CONTACT ID", "1"),
    ],
)
def test_any_identifier_finds_a_contact(brevo: Brevo, identifier: str, value: object) -> None:
    """Rows need no address."""
    phones = {
        "SMS": "+12025550123",
        "WHATSAPP": "+12025550124",
        "LANDLINE_NUMBER": "+12025550125",
    }
    brevo.create(ext_id="shop-7", attributes=phones)
    brevo.do_import(jsonBody=[{identifier: value, "attributes": {"FIRSTNAME": "Jane"}}])
    assert brevo.attributes()["FIRSTNAME"] == "Jane"


def test_an_unknown_id_alone_makes_nobody(brevo: Brevo) -> None:
    """A contact cannot be created by Brevo's own id."""
    brevo.do_import(jsonBody=[{"ID": 77, "FIRSTNAME": "Jane"}])
    assert brevo.get("/contacts").json()["count"] == 0


def test_a_phone_alone_makes_a_contact(brevo: Brevo) -> None:
    """An imported phone gets its placeholder address too."""
    brevo.do_import(jsonBody=[{"SMS": "+12025550123"}])
    assert brevo.contact(1)["email"] == "12025550123@mailin-sms.com"


def test_values_are_read_leniently(brevo: Brevo) -> None:
    """Numbers may be texts, dates are ISO, options and labels as anywhere."""
    brevo.do_import(
        jsonBody=[row(TOTAL="12.5", BORN="1990-05-17", VIP=True, GENDER="Men", TAGS=["red"])]
    )
    assert brevo.attributes() == {
        "TOTAL": 12.5,
        "BORN": "1990-05-17",
        "VIP": True,
        "GENDER": "Men",
        "TAGS": ["red"],
    }


@pytest.mark.parametrize(
    ("order", "spelled"),
    [
        (DateOrder.DAY_FIRST, "17/05/1990"),
        (DateOrder.MONTH_FIRST, "05/17/1990"),
        (DateOrder.YEAR_FIRST, "1990/05/17"),
    ],
)
def test_slashed_dates_are_read_in_the_order_of_the_account(
    open_brevo: OpenBrevo, order: DateOrder, spelled: str
) -> None:
    """Which number is the month depends on the account; the account says so."""
    brevo = open_brevo(Settings(import_date_order=order))
    brevo.do_import(jsonBody=[row(BORN=spelled)])
    assert brevo.attributes() == {"BORN": "1990-05-17"}
    assert brevo.get("/account").json()["dateTimePreferences"]["dateFormat"] == order.value


@pytest.mark.parametrize(
    ("name", "value"),
    [("TOTAL", "much"), ("TOTAL", "nan"), ("BORN", "40/40/1990"), ("GENDER", "x"), ("VIP", "true")],
)
def test_values_that_make_no_sense_are_dropped(brevo: Brevo, name: str, value: str) -> None:
    """A bad value costs its attribute, not its row."""
    brevo.do_import(jsonBody=[row(FIRSTNAME="Jane", **{name: value})])
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


def test_a_false_does_not_overwrite_a_true(brevo: Brevo) -> None:
    """A boolean false is lost on an import while other attributes of the row change."""
    brevo.create(attributes={"VIP": True})
    brevo.do_import(jsonBody=[row(VIP=False, FIRSTNAME="Jane")])
    assert brevo.attributes() == {"VIP": True, "FIRSTNAME": "Jane"}


def test_a_false_counts_as_empty(brevo: Brevo) -> None:
    """Where empty fields erase, a false erases."""
    brevo.create(attributes={"VIP": True})
    brevo.do_import(jsonBody=[row(VIP=False)], emptyContactsAttributes=True)
    assert brevo.attributes() == {}


def test_a_false_may_be_stored(open_brevo: OpenBrevo) -> None:
    """What a false does is a switch."""
    brevo = open_brevo(Settings(import_false=ImportFalse.STORED))
    brevo.create(attributes={"VIP": True})
    brevo.do_import(jsonBody=[row(VIP=False)])
    assert brevo.attributes() == {"VIP": False}


@pytest.mark.parametrize("value", ["", None, []])
@pytest.mark.parametrize("name", ["FIRSTNAME", "TOTAL", "TAGS"])
def test_empty_fields_erase_when_the_job_says_so(brevo: Brevo, name: str, value: object) -> None:
    """An empty field does nothing by default, and erases with emptyContactsAttributes."""
    stored = {"FIRSTNAME": "Jane", "TOTAL": 5, "TAGS": ["red"]}
    brevo.create(attributes=stored)
    brevo.do_import(jsonBody=[row(**{name: value})])
    assert brevo.attributes() == stored
    brevo.do_import(jsonBody=[row(**{name: value})], emptyContactsAttributes=True)
    assert brevo.attributes() == {key: stored[key] for key in stored if key != name}


def test_absent_fields_stay_even_when_empty_ones_erase(brevo: Brevo) -> None:
    """What a row does not mention is not empty."""
    brevo.create(attributes={"FIRSTNAME": "Jane"})
    brevo.do_import(jsonBody=[row()], emptyContactsAttributes=True)
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


def test_absent_fields_may_count_as_empty(open_brevo: OpenBrevo) -> None:
    """Whether absence erases too is a switch."""
    brevo = open_brevo(Settings(import_empties_absent=True))
    brevo.create(attributes={"FIRSTNAME": "Jane", "TOTAL": 5})
    brevo.do_import(jsonBody=[row(TOTAL=6)], emptyContactsAttributes=True)
    assert brevo.attributes() == {"TOTAL": 6}


def test_existing_contacts_can_be_left_alone(brevo: Brevo) -> None:
    """With updates off, known contacts keep their attributes and still go on the list."""
    brevo.create(attributes={"FIRSTNAME": "Old"})
    body = [row(FIRSTNAME="New"), row("joan@example.com", FIRSTNAME="New")]
    brevo.do_import(jsonBody=body, updateExistingContacts=False, listIds=[5])
    jane = brevo.contact()
    assert (jane["attributes"], jane["listIds"]) == ({"FIRSTNAME": "Old"}, [5])
    assert brevo.attributes("joan@example.com") == {"FIRSTNAME": "New"}


def test_contacts_left_alone_may_stay_off_the_list(open_brevo: OpenBrevo) -> None:
    """Whether they go on the list is a switch."""
    brevo = open_brevo(Settings(import_lists_unchanged_contacts=False))
    brevo.create()
    brevo.do_import(jsonBody=[row()], updateExistingContacts=False, listIds=[5])
    assert brevo.contact()["listIds"] == []


def test_a_job_blocks_all_of_its_contacts(brevo: Brevo) -> None:
    """The block flags are for the whole job."""
    brevo.create()
    rows = [row(), row("joan@example.com")]
    brevo.do_import(jsonBody=rows, emailBlacklist=True, smsBlacklist=True)
    flags = [
        (contact["emailBlacklisted"], contact["smsBlacklisted"])
        for contact in (brevo.contact(), brevo.contact("joan@example.com"))
    ]
    assert flags == [(True, True), (True, True)]


@pytest.mark.parametrize("body", [{}, {"emailBlacklist": False}])
def test_an_import_lifts_no_block(brevo: Brevo, body: dict[str, bool]) -> None:
    """By default nobody becomes mailable through an import, whatever it says."""
    brevo.create(emailBlacklisted=True)
    brevo.do_import(jsonBody=[row()], **body)
    assert brevo.contact()["emailBlacklisted"] is True


def test_an_import_may_lift_blocks(open_brevo: OpenBrevo) -> None:
    """Whether an explicit false unblocks is a switch, and would be recorded as what it is."""
    brevo = open_brevo(Settings(import_unblocks=True))
    brevo.create(emailBlacklisted=True)
    brevo.do_import(jsonBody=[row()], emailBlacklist=False)
    assert [each.cause for each in brevo.sandbox.transitions()] == ["import"]


def test_a_row_with_a_new_address_makes_a_new_contact(brevo: Brevo) -> None:
    """An import does not rename: the known ext_id makes the row a duplicate."""
    brevo.create(ext_id="7")
    process = brevo.do_import(jsonBody=[row("new@example.com", EXT_ID="7")])
    assert list(reports(process)) == ["duplicate_ext_id"]
    assert brevo.contact(1)["email"] == "jane@example.com"


@pytest.mark.parametrize("key", [{"EXT_ID": "7"}, {"ID": 1}])
def test_an_import_may_rename(open_brevo: OpenBrevo, key: dict[str, object]) -> None:
    """Whether an ext_id or a contact id lets a row rename is a switch."""
    brevo = open_brevo(Settings(import_renames=True))
    brevo.create(ext_id="7")
    brevo.do_import(jsonBody=[row("new@example.com", **key)])
    assert brevo.contact(1)["email"] == "new@example.com"


# ---------------------------------------------------------------- rejected rows


def test_an_import_without_problems_reports_none(brevo: Brevo) -> None:
    """Every report is there, and null."""
    process = brevo.do_import(jsonBody=[row()])
    assert process == {
        "id": 1,
        "name": "IMPORTUSER",
        "status": "completed",
        "info": {
            "import": dict.fromkeys(
                [
                    "invalid_emails",
                    "duplicate_contact_id",
                    "duplicate_ext_id",
                    "duplicate_email_id",
                    "duplicate_phone_id",
                    "duplicate_whatsapp_id",
                    "duplicate_landline_number_id",
                ]
            )
        },
    }


def test_invalid_addresses_are_reported_as_a_file(brevo: Brevo) -> None:
    """The rejected rows are a CSV under a URL, with all their fields; the rest goes through."""
    rows = [row("nobody", FIRSTNAME="No", TAGS=["red", "blue"], VIP=True), row()]
    process = brevo.do_import(jsonBody=rows)
    assert list(reports(process)) == ["invalid_emails"]
    text = report(brevo, process, "invalid_emails")
    assert text == "EMAIL;FIRSTNAME;TAGS;VIP\nnobody;No;red,blue;true\n"
    assert brevo.get("/contacts").json()["count"] == 1


@pytest.mark.parametrize(
    ("identifier", "value", "name"),
    [
        ("EMAIL", "jane@example.com", "duplicate_email_id"),
        ("EXT_ID", "7", "duplicate_ext_id"),
        ("SMS", "+12025550123", "duplicate_phone_id"),
        ("WHATSAPP", "+12025550123", "duplicate_whatsapp_id"),
        ("LANDLINE_NUMBER", "+12025550123", "duplicate_landline_number_id"),
        ("ID", "1", "duplicate_contact_id"),
    ],
)
def test_rows_that_repeat_an_identifier_are_reported(
    brevo: Brevo, identifier: str, value: str, name: str
) -> None:
    """Of two rows about the same contact the first counts."""
    brevo.create("someone@example.com")
    rows = [{identifier: value, "FIRSTNAME": first} for first in ("One", "Two")]
    process = brevo.do_import(jsonBody=rows)
    assert report(brevo, process, name) == f"{identifier};FIRSTNAME\n{value};Two\n"


def test_a_phone_of_somebody_else_is_reported(brevo: Brevo) -> None:
    """A row whose number another contact has is rejected whole."""
    brevo.create(attributes={"SMS": "+12025550123"})
    process = brevo.do_import(jsonBody=[row("joan@example.com", SMS="+12025550123")])
    assert list(reports(process)) == ["duplicate_phone_id"]
    assert brevo.get("/contacts/joan%40example.com").status_code == 404


def test_an_invalid_phone_costs_the_phone_alone(brevo: Brevo) -> None:
    """A row with an address survives a bad number."""
    brevo.do_import(jsonBody=[row(SMS="123")])
    assert brevo.attributes() == {}


# ---------------------------------------------------------------- files


def test_a_csv_is_parted_by_semicolons(brevo: Brevo) -> None:
    """Texts become what the attributes are; booleans from CSV are without effect."""
    text = (
        "\ufeffemail;FirstName;TOTAL;BORN;TAGS;VIP\r\n"
        'jane@example.com;"Jane; really";12.5;17/05/1990;red, blue;true\r\n'
        "\r\n"
        "joan@example.com\r\n"
    )
    brevo.do_import(fileBody=text)
    assert brevo.attributes() == {
        "FIRSTNAME": "Jane; really",
        "TOTAL": 12.5,
        "BORN": "1990-05-17",
        "TAGS": ["red", "blue"],
    }
    assert brevo.get("/contacts").json()["count"] == 2


def test_booleans_from_csv_may_work(open_brevo: OpenBrevo) -> None:
    """Whether texts set a boolean is a switch, as is the form of a multiple choice."""
    brevo = open_brevo(Settings(import_csv_booleans=True, import_csv_choices_by_comma=False))
    brevo.do_import(fileBody="EMAIL;VIP;TAGS\njane@example.com;1;red")
    assert brevo.attributes() == {"VIP": True}


def test_a_csv_that_is_none_is_refused(brevo: Brevo) -> None:
    """What no reader of CSV can read is told at once."""
    body = {"fileBody": "EMAIL\njane@example.com\0\rx", "listIds": [5]}
    assert brevo.post("/contacts/import", body).status_code == 400


class _Neighbour(BaseHTTPRequestHandler):
    """Serves one text and remembers what was posted to it."""

    text = ""
    posted: list[bytes]

    def do_GET(self) -> None:
        """Answer with the text."""
        self.send_response(200 if self.path == "/file" else 404)
        self.end_headers()
        self.wfile.write(self.text.encode("utf-8"))

    def do_POST(self) -> None:
        """Remember the body."""
        self.posted.append(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def neighbour(text: str = "") -> Iterator[tuple[str, list[bytes]]]:
    """Run a server on loopback; yield its URL and what was posted to it."""
    posted: list[bytes] = []
    kind = type("Neighbour", (_Neighbour,), {"text": text, "posted": posted})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", posted
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "text", ["EMAIL;FIRSTNAME\njane@example.com;Jane\n", json.dumps([row(FIRSTNAME="Jane")])]
)
def test_a_file_is_fetched_from_this_machine(brevo: Brevo, text: str) -> None:
    """A file on loopback is read when the job's time has come, as CSV or as JSON."""
    with neighbour(text) as (url, _):
        brevo.do_import(fileUrl=f"{url}/file")
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/nothing", ""),
        ("/file", "NAME\nJane"),
        ("/file", "[1]"),
        ("/file", "[NaN]"),
        ("/file", '["\\ud800"]'),
        ("/file", "[" * 100_000),
    ],
)
def test_a_file_that_is_of_no_use_fails_the_process(brevo: Brevo, path: str, text: str) -> None:
    """A job that cannot read its file ends as failed."""
    with neighbour(text) as (url, _):
        process = brevo.do_import(fileUrl=f"{url}{path}")
    assert process == {"id": 1, "name": "IMPORTUSER", "status": "failed"}


@pytest.mark.parametrize(
    ("body", "posted"),
    [
        (NotifyBody.PROCESS, [b'{"process":1,"status":"completed"}']),
        (NotifyBody.EMPTY, [b""]),
    ],
)
def test_the_end_of_a_job_is_told_to_its_url(
    open_brevo: OpenBrevo, body: NotifyBody, posted: list[bytes]
) -> None:
    """The call comes once; what it carries is a switch, for nobody describes it."""
    brevo = open_brevo(Settings(notify_body=body))
    with neighbour() as (url, seen):
        brevo.do_import(jsonBody=[row()], notifyUrl=url)
        for _ in range(2000):
            brevo.get("/contacts/segments")
            if seen:
                break
        assert seen == posted


def test_nobody_listening_is_no_error(brevo: Brevo) -> None:
    """A notification that reaches nobody changes nothing."""
    with neighbour() as (url, _):
        pass
    assert brevo.do_import(jsonBody=[row()], notifyUrl=url)["status"] == "completed"
