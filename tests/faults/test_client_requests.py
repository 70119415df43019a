"""What each method of the client sends, and what it makes of a good answer."""

import asyncio
import gzip
import json
from datetime import UTC, datetime

import httpx
import pytest

from brevo_double import KEY, ScriptedServer, clock_at_noon, refusal, talk
from customer_sync.brevo.answers import Account, ContactList, ExtId, Folder, ListChange, Phone
from customer_sync.brevo.client import BrevoClient
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    ContactId,
    ContactPatch,
    Email,
)
from customer_sync.core.requests.jobs import (
    ImportRow,
    Process,
    ProcessId,
    ProcessState,
    RejectedRow,
)
from customer_sync.errors import BrevoUnavailable

JANE = Email("jane@example.com")
CONTACT = {"id": 7, "email": JANE, "attributes": {"SMS": "12025550123"}, "listIds": [5]}


def sent(server: ScriptedServer) -> tuple[str, str, object]:
    """Return method, path with query, and body of the one request that *server* received."""
    (request,) = server.received
    body = json.loads(request.content) if request.content else None
    return request.method, request.url.raw_path.decode(), body


# ---------------------------------------------------------------- the account


def test_the_account_is_read() -> None:
    """Who the key belongs to."""
    answer = {
        "companyName": "Shop",
        "email": "owner@example.com",
        "plan": [{"type": "free", "credits": 300}],
        "dateTimePreferences": {"timezone": "Europe/Paris", "dateFormat": "dd-mm-yyyy"},
    }
    server = ScriptedServer([httpx.Response(200, json=answer)])
    assert talk(server, BrevoClient.account) == Account(
        company="Shop",
        email="owner@example.com",
        plans=("free",),
        time_zone="Europe/Paris",
        date_format="dd-mm-yyyy",
    )
    assert sent(server) == ("GET", "/v3/account", None)


def test_attributes_are_fetched_once_however_many_ask() -> None:
    """Tasks that start together share the one request, also while it is under way."""
    clock = clock_at_noon()

    class Slow(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            await clock.sleep(1)
            return await super().__call__(request)

    async def many_readers(client: BrevoClient) -> int:
        await asyncio.gather(*(client.contact(JANE) for _ in range(5)), client.attributes())
        return client.requests["GET /contacts/attributes"]

    server = Slow([httpx.Response(200, json=CONTACT)])
    assert talk(server, many_readers, clock=clock) == 1


def test_attributes_that_could_not_be_fetched_are_asked_for_again() -> None:
    """A failure is not remembered."""

    async def twice(client: BrevoClient) -> dict[str, Attribute]:
        with pytest.raises(BrevoUnavailable):
            await client.attributes()
        server.attributes = {"attributes": []}
        return await client.attributes()

    server = ScriptedServer([httpx.Response(204)], attributes={"attributes": 5})
    assert talk(server, twice) == {}


def test_an_attribute_is_created_under_its_category() -> None:
    """And seen by whoever asks next."""

    async def create_and_look(client: BrevoClient) -> int:
        await client.attributes()
        await client.create_attribute("TAGS", AttributeType.MULTIPLE_CHOICE, ["new", "vip"])
        await client.attributes()
        return client.requests["GET /contacts/attributes"]

    server = ScriptedServer([httpx.Response(201)])
    assert talk(server, create_and_look) == 2
    assert sent(server) == (
        "POST",
        "/v3/contacts/attributes/normal/TAGS",
        {"type": "multiple-choice", "multiCategoryOptions": ["new", "vip"]},
    )


def test_lists_are_read_to_the_last_page() -> None:
    """Fifty at a time is all that Brevo gives."""
    pages = [
        {"lists": [{"id": n, "name": f"List {n}", "folderId": 1} for n in numbers], "count": 60}
        for numbers in (range(1, 51), range(51, 61))
    ]
    server = ScriptedServer([httpx.Response(200, json=page) for page in pages])
    lists = talk(server, BrevoClient.lists)
    assert [each.id for each in lists] == [*range(1, 61)]
    assert lists[0] == ContactList(id=1, name="List 1", folder_id=1)
    assert [dict(request.url.params) for request in server.received] == [
        {"limit": "50", "offset": "0", "sort": "asc"},
        {"limit": "50", "offset": "50", "sort": "asc"},
    ]


def test_paging_ends_even_if_the_count_is_wrong() -> None:
    """An empty page is the last one."""
    pages = [{"folders": [{"id": 1, "name": "Shop"}], "count": 9}, {"folders": [], "count": 9}]
    server = ScriptedServer([httpx.Response(200, json=page) for page in pages])
    assert talk(server, BrevoClient.folders) == (Folder(id=1, name="Shop"),)


@pytest.mark.parametrize("answer", [{}, {"count": 0}, {"lists": []}, {"lists": None, "count": 0}])
def test_an_account_without_lists_has_none(answer: dict[str, object]) -> None:
    """Whichever way Brevo says so."""
    assert talk(ScriptedServer([httpx.Response(200, json=answer)]), BrevoClient.lists) == ()


def test_a_list_is_created_in_a_folder() -> None:
    """Both are needed."""
    server = ScriptedServer([httpx.Response(201, json={"id": 5})])
    assert talk(server, lambda client: client.create_list("Customers", 1)) == 5
    assert sent(server) == ("POST", "/v3/contacts/lists", {"name": "Customers", "folderId": 1})


def test_a_folder_is_created() -> None:
    """For an account that has none yet."""
    server = ScriptedServer([httpx.Response(201, json={"id": 1})])
    assert talk(server, lambda client: client.create_folder("Shop")) == 1
    assert sent(server) == ("POST", "/v3/contacts/folders", {"name": "Shop"})


# ---------------------------------------------------------------- contacts


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (Email("a+b/c%d@example.com"), "a%2Bb%2Fc%25d%40example.com?identifierType=email_id"),
        (ContactId(7), "7?identifierType=contact_id"),
        (Phone(number="+12025550123"), "12025550123?identifierType=phone_id"),
        (ExtId(value="../7"), "..%2F7?identifierType=ext_id"),
    ],
)
def test_identifiers_arrive_as_they_were_meant(
    ref: Email | ContactId | Phone | ExtId, path: str
) -> None:
    """Encoded once, on the wire too."""
    server = ScriptedServer([httpx.Response(200, json=CONTACT)])
    contact = talk(server, lambda client: client.contact(ref))
    assert sent(server) == ("GET", f"/v3/contacts/{path}", None)
    assert contact is not None
    assert contact.attributes == {"SMS": "+12025550123"}


def test_a_page_is_asked_for_from_the_oldest_on() -> None:
    """So that contacts created meanwhile append instead of shifting the pages."""
    since = datetime(2025, 5, 1, 10, tzinfo=UTC)
    server = ScriptedServer([httpx.Response(200, json={"contacts": [CONTACT], "count": 2001})])
    page = talk(server, lambda client: client.contacts_page(offset=2000, modified_since=since))
    assert (len(page.contacts), page.count) == (1, 2001)
    (request,) = server.received
    assert dict(request.url.params) == {
        "limit": "1000",
        "offset": "2000",
        "sort": "asc",
        "modifiedSince": "2025-05-01T10:00:00.000Z",
    }


def test_a_compressed_page_is_read() -> None:
    """Brevo compresses what is long."""
    content = gzip.compress(json.dumps({"contacts": [], "count": 0}).encode())

    class Compressing(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v3/contacts":
                headers = {"content-encoding": "gzip"}
                return httpx.Response(200, content=content, headers=headers)
            return await super().__call__(request)

    assert talk(Compressing([]), lambda client: client.contacts_page(offset=0)).count == 0


def test_a_creation_tells_whether_it_was_one() -> None:
    """The new id, or none where the contact existed and was updated."""
    patch = ContactPatch(attributes={"FIRSTNAME": "Zoë"}, add_lists=frozenset({5}))
    server = ScriptedServer([httpx.Response(201, json={"id": 7})])
    assert talk(server, lambda client: client.create(JANE, patch)) == 7
    assert sent(server) == (
        "POST",
        "/v3/contacts",
        {
            "email": JANE,
            "updateEnabled": True,
            "attributes": {"FIRSTNAME": "Zoë"},
            "listIds": [5],
        },
    )
    existing = ScriptedServer([httpx.Response(204)])
    assert talk(existing, lambda client: client.create(JANE, patch)) is None


def test_conflicts_are_never_merged() -> None:
    """`forceMerge` would delete the other contact."""
    patch = ContactPatch(attributes={"SMS": "+12025550123"}, rename_to=Email("new@example.com"))
    server = ScriptedServer([httpx.Response(204)])

    async def write_every_way(client: BrevoClient) -> None:
        await client.create(JANE, patch)
        await client.update(JANE, patch)
        await client.update_batch([(JANE, patch)])

    talk(server, write_every_way)
    assert all(b"forceMerge" not in request.content for request in server.received)


def test_an_update_goes_by_put() -> None:
    """With a rename and its block in one request, because the rename alone lifts the block."""
    patch = ContactPatch(rename_to=Email("new@example.com"), email_blocked=True)
    server = ScriptedServer([httpx.Response(204)])
    talk(server, lambda client: client.update(JANE, patch))
    assert sent(server) == (
        "PUT",
        "/v3/contacts/jane%40example.com?identifierType=email_id",
        {"attributes": {"EMAIL": "new@example.com"}, "emailBlacklisted": True},
    )


def test_a_batch_goes_in_one_request() -> None:
    """However many contacts it holds."""
    patch = ContactPatch(attributes={"TOTAL_SPENT": 12.0})
    server = ScriptedServer([httpx.Response(204)])
    talk(server, lambda client: client.update_batch([(JANE, patch), (ContactId(8), patch)]))
    assert sent(server) == (
        "POST",
        "/v3/contacts/batch",
        {
            "contacts": [
                {"email": JANE, "attributes": {"TOTAL_SPENT": 12}},
                {"id": 8, "attributes": {"TOTAL_SPENT": 12}},
            ]
        },
    )


def test_a_deletion_is_one_request_per_contact() -> None:
    """There is no other way."""
    server = ScriptedServer([httpx.Response(204)])
    assert talk(server, lambda client: client.delete(ContactId(7))) is True
    assert sent(server) == ("DELETE", "/v3/contacts/7?identifierType=contact_id", None)


# ---------------------------------------------------------------- lists


def test_joining_a_list_tells_who_joined() -> None:
    """Whoever was on it already, or is unknown, is left unchanged."""
    refs = [ContactId(7), ContactId(8)]
    answer = {"contacts": {"success": [7], "failure": [8]}}
    server = ScriptedServer([httpx.Response(201, json=answer)])
    change = talk(server, lambda client: client.add_to_list(5, refs))
    assert change == ListChange(changed=(refs[0],), unchanged=(refs[1],))
    assert sent(server) == ("POST", "/v3/contacts/lists/5/contacts/add", {"ids": [7, 8]})


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("add_to_list", "add", "Contact already in list and/or does not exist"),
        ("remove_from_list", "remove", "Contact already removed from list and/or does not exist"),
    ],
)
def test_a_list_that_is_right_already_is_no_failure(method: str, path: str, message: str) -> None:
    """Brevo answers 400 where there is nothing to do, as after a repetition."""
    server = ScriptedServer([refusal(400, message, "invalid_parameter")])
    change = talk(server, lambda client: getattr(client, method)(5, [JANE]))
    assert change == ListChange(changed=(), unchanged=(JANE,))
    assert sent(server) == ("POST", f"/v3/contacts/lists/5/contacts/{path}", {"emails": [JANE]})


@pytest.mark.parametrize("size", [0, 151])
def test_a_list_change_has_a_size(size: int) -> None:
    """More than 150 at once is the caller's mistake, and nothing is sent."""
    server = ScriptedServer([httpx.Response(201)])
    refs = [ContactId(number) for number in range(1, size + 1)]
    with pytest.raises(ValueError, match="1 to 150"):
        talk(server, lambda client: client.add_to_list(5, refs))
    assert server.received == []


# ---------------------------------------------------------------- jobs


def test_an_import_is_one_request() -> None:
    """Its answer is the number of a job."""
    rows = [ImportRow(email=JANE, attributes={"TOTAL_SPENT": 12.0})]
    server = ScriptedServer([httpx.Response(202, json={"processId": 3})])
    assert talk(server, lambda client: client.start_import(rows, list_ids=[5])) == 3
    assert sent(server) == (
        "POST",
        "/v3/contacts/import",
        {
            "jsonBody": [{"email": JANE, "attributes": {"TOTAL_SPENT": 12}}],
            "listIds": [5],
            "updateExistingContacts": True,
            "disableNotification": True,
        },
    )


def test_jobs_are_asked_after_on_another_budget() -> None:
    """A hundred an hour: the contacts are not held up by it, nor it by them."""
    answers = [
        httpx.Response(200, json={"id": 3, "name": "IMPORTUSER", "status": "completed"}),
        httpx.Response(200, json={"processes": [{"id": 3, "status": "queued"}], "count": 1}),
    ]
    server = ScriptedServer([*answers])

    async def both(client: BrevoClient) -> tuple[Process, tuple[Process, ...]]:
        return await client.process(ProcessId(3)), await client.processes()

    one, every = talk(server, both)
    assert one == Process(id=ProcessId(3), name="IMPORTUSER", state=ProcessState.COMPLETED)
    assert [each.state for each in every] == [ProcessState.RUNNING]
    paths = [request.url.raw_path.decode() for request in server.received]
    assert paths == ["/v3/processes/3", "/v3/processes?limit=50&offset=0&sort=desc"]


def test_polling_keeps_to_a_hundred_an_hour() -> None:
    """However eagerly the caller asks."""
    clock = clock_at_noon()
    times: list[float] = []

    async def poll(client: BrevoClient) -> None:
        for _ in range(250):
            await client.process(ProcessId(3))
            times.append(clock.monotonic())

    server = ScriptedServer([httpx.Response(200, json={"id": 3, "status": "queued"})])
    talk(server, poll, clock=clock)
    assert all(later - earlier >= 3600 for earlier, later in zip(times, times[100:], strict=False))


def test_rejected_rows_are_fetched_without_the_key() -> None:
    """They lie on servers that are not Brevo's API, and draw on none of its budgets."""
    process = Process(
        id=ProcessId(3),
        name="IMPORTUSER",
        state=ProcessState.COMPLETED,
        rejected_urls={
            "invalid_emails": "https://files.example.com/a.csv?signature=x",
            "duplicate_ext_id": "http://sandbox.invalid/files/b.csv",
        },
    )
    server = ScriptedServer(
        [httpx.Response(200, text="EXT_ID\nc1\n"), httpx.Response(200, text="EMAIL\nnobody@\n")]
    )

    async def fetch_and_count(client: BrevoClient) -> tuple[tuple[RejectedRow, ...], int]:
        return await client.rejected_rows(process), client.requests.total()

    rows, counted = talk(server, fetch_and_count)
    assert rows == (
        RejectedRow(reason="duplicate_ext_id", fields={"EXT_ID": "c1"}),
        RejectedRow(reason="invalid_emails", fields={"EMAIL": "nobody@"}),
    )
    assert counted == 0
    assert all("api-key" not in request.headers for request in server.received)
    assert all(KEY not in str(request.headers) for request in server.received)


@pytest.mark.parametrize("url", ["http://files.example.com/a.csv", "file:///etc/passwd", "a.csv"])
def test_rejected_rows_are_fetched_by_https_only(url: str) -> None:
    """They hold people's addresses."""
    process = Process(
        id=ProcessId(3),
        name="IMPORTUSER",
        state=ProcessState.COMPLETED,
        rejected_urls={"invalid_emails": url},
    )
    server = ScriptedServer([httpx.Response(200)])
    with pytest.raises(BrevoUnavailable, match="https"):
        talk(server, lambda client: client.rejected_rows(process))
    assert server.received == []
