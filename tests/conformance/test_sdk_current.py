"""Brevo's current Python client (`brevo-python`) talks to the sandbox over HTTP.

That client builds its models without looking at the values, so that every one is validated here.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import httpx
import pydantic
import pytest
from brevo import Brevo, PostContactInfoContacts
from brevo.contacts import (
    AddContactToListRequestBodyEmails,
    AddContactToListRequestBodyExtIds,
    AddContactToListRequestBodyIds,
    ImportContactsRequestJsonBodyItem,
    ImportContactsRequestNewList,
    RemoveContactFromListRequestBodyAll,
    RemoveContactFromListRequestBodyEmails,
    RequestContactExportRequestCustomContactFilter,
    UpdateBatchContactsRequestContactsItem,
)
from brevo.core.api_error import ApiError

Model = TypeVar("Model", bound=pydantic.BaseModel)


class Server(Protocol):
    """Where the sandbox is reached."""

    @property
    def url(self) -> str:
        """The base URL of the API."""

    def advance(self, seconds: float, /) -> None:
        """Let so many seconds pass there."""


@pytest.fixture
def brevo(server: Server) -> Iterator[Brevo]:
    """Yield the client."""
    with httpx.Client(trust_env=False) as http:
        yield Brevo(base_url=server.url, api_key="key", max_retries=0, httpx_client=http)


def valid(model: Model) -> Model:
    """Return *model* after its values were held against its types."""
    return type(model).model_validate(model.model_dump(by_alias=True, warnings="error"))


def new(brevo: Brevo, email: str = "jane@example.com", **fields: Any) -> int:
    """Create a contact and return its id."""
    made = brevo.contacts.create_contact(email=email, **fields)
    assert made is not None
    return int(str(made.id))


def test_a_contact_lives_and_dies(brevo: Brevo) -> None:
    """Created, read, updated by other identifiers, upserted, deleted."""
    contact_id = new(brevo, ext_id="c-1", attributes={"FIRSTNAME": "Jane", "SMS": "+12025550101"})
    brevo.contacts.update_contact(
        "c-1", identifier_type="ext_id", attributes={"TOTAL": 9.5, "VIP": True, "TAGS": ["red"]}
    )
    upserted = brevo.contacts.create_contact(
        email="jane@example.com", update_enabled=True, attributes={"BORN": "1990-02-28"}
    )
    assert upserted is None
    found = valid(brevo.contacts.get_contact_info(contact_id, identifier_type="contact_id"))
    assert found.email == "jane@example.com"
    assert found.attributes.model_dump() == {
        "FIRSTNAME": "Jane",
        "SMS": "12025550101",
        "EXT_ID": "c-1",
        "TOTAL": 9.5,
        "VIP": True,
        "TAGS": ["red"],
        "BORN": "1990-02-28",
    }
    valid(brevo.contacts.get_contact_stats("jane@example.com"))
    brevo.contacts.delete_contact("12025550101", identifier_type="phone_id")
    with pytest.raises(ApiError) as gone:
        brevo.contacts.get_contact_info("jane@example.com")
    assert (gone.value.status_code, _code(gone.value)) == (404, "document_not_found")


def test_a_duplicate_is_a_400_that_names_the_identifier(brevo: Brevo) -> None:
    """The client raises it as a refused request, with everything that was said."""
    new(brevo)
    with pytest.raises(ApiError) as refused:
        new(brevo)
    assert refused.value.status_code == 400
    assert _code(refused.value) == "duplicate_parameter"
    assert refused.value.body["metadata"] == {"duplicate_identifiers": ["email"]}


def test_a_wrong_key_is_a_401(server: Server) -> None:
    """No key at all is refused; the client raises it as such."""
    with httpx.Client(trust_env=False) as http:
        stranger = Brevo(base_url=server.url, api_key="", max_retries=0, httpx_client=http)
        with pytest.raises(ApiError) as refused:
            stranger.account.get_account()
    assert refused.value.status_code == 401


def test_all_contacts_are_paged_through(brevo: Brevo) -> None:
    """Pages follow one another, the oldest first."""
    for n in range(5):
        new(brevo, f"p{n}@example.com")
    pages = [valid(brevo.contacts.get_contacts(limit=2, offset=n, sort="asc")) for n in (0, 2, 4)]
    assert [page.count for page in pages] == [5, 5, 5]
    seen = [contact.email for page in pages for contact in page.contacts]
    assert seen == [f"p{n}@example.com" for n in range(5)]


def test_arrays_in_queries_are_repeated_names(brevo: Brevo) -> None:
    """That is how this client spells `ids` and `listIds`."""
    first = new(brevo, "p0@example.com", list_ids=[5])
    second = new(brevo, "p1@example.com", list_ids=[2])
    new(brevo, "p2@example.com")
    assert brevo.contacts.get_contacts(ids=[first, second]).count == 2
    assert brevo.contacts.get_contacts(list_ids=[2, 5]).count == 2
    assert brevo.contacts.get_contacts(list_ids=5).count == 1


def test_a_batch_updates_many(brevo: Brevo) -> None:
    """By address and by id, all of them or none."""
    contact_id = new(brevo)
    new(brevo, "bob@example.org")
    items = [
        UpdateBatchContactsRequestContactsItem(id=contact_id, attributes={"TOTAL": 1}),
        UpdateBatchContactsRequestContactsItem(email="bob@example.org", email_blacklisted=True),
    ]
    brevo.contacts.update_batch_contacts(contacts=items)
    assert brevo.contacts.get_contact_info("bob@example.org").email_blacklisted
    stranger = UpdateBatchContactsRequestContactsItem(email="nobody@example.net")
    with pytest.raises(ApiError) as refused:
        brevo.contacts.update_batch_contacts(contacts=[*items, stranger])
    assert refused.value.status_code == 404
    assert "indexes 2" in str(refused.value.body)


def test_lists_and_folders_are_made_shown_changed_and_deleted(brevo: Brevo) -> None:
    """With a model for every answer."""
    folder = valid(brevo.contacts.create_folder(name="Shop"))
    made = valid(brevo.contacts.create_list(name="VIPs", folder_id=folder.id))
    brevo.contacts.update_list(made.id, name="Very important")
    assert valid(brevo.contacts.get_list(made.id)).name == "Very important"
    assert valid(brevo.contacts.get_lists(limit=50)).count == 3
    assert valid(brevo.contacts.get_folder(folder.id)).name == "Shop"
    assert valid(brevo.contacts.get_folders(limit=10, offset=0)).count == 2
    assert valid(brevo.contacts.get_folder_lists(folder.id)).count == 1
    brevo.contacts.delete_list(made.id)
    brevo.contacts.update_folder(folder.id, name="Shops")
    brevo.contacts.delete_folder(folder.id)
    assert brevo.contacts.get_lists().count == 2
    assert valid(brevo.contacts.get_segments()).count == 0


def test_contacts_are_put_on_a_list_and_taken_off(brevo: Brevo) -> None:
    """Named by address, id or external id; what was moved and what not is told apart."""
    contact_id = new(brevo)
    new(brevo, "bob@example.org", ext_id="b")
    emails = AddContactToListRequestBodyEmails(emails=["jane@example.com", "x@example.net"])
    added = valid(brevo.contacts.add_contact_to_list(5, request=emails)).contacts
    assert _moved(added) == (["jane@example.com"], ["x@example.net"])
    by_ext_id = AddContactToListRequestBodyExtIds(ext_ids=["b"])
    assert _moved(brevo.contacts.add_contact_to_list(5, request=by_ext_id).contacts) == (["b"], [])
    again = AddContactToListRequestBodyIds(ids=[contact_id])
    with pytest.raises(ApiError, match="already in list"):
        brevo.contacts.add_contact_to_list(5, request=again)
    assert valid(brevo.contacts.get_contacts_from_list(5)).count == 2
    gone = RemoveContactFromListRequestBodyEmails(emails=["jane@example.com"])
    removed = valid(brevo.contacts.remove_contact_from_list(5, request=gone)).contacts
    assert _moved(removed) == (["jane@example.com"], [])


def test_a_list_is_emptied_by_a_process(brevo: Brevo, server: Server) -> None:
    """The answer names the process and how many it takes off."""
    new(brevo, list_ids=[5])
    everybody = RemoveContactFromListRequestBodyAll(all_=True)
    started = valid(brevo.contacts.remove_contact_from_list(5, request=everybody)).contacts
    assert started.total == 1
    server.advance(60)
    assert started.process_id is not None
    assert valid(brevo.process.get_process(started.process_id)).status == "completed"
    assert brevo.contacts.get_contacts_from_list(5).count == 0


def test_attributes_are_made_shown_changed_and_deleted(brevo: Brevo) -> None:
    """Of every category that can be made."""
    brevo.contacts.create_attribute("normal", "CITY", type="text")
    brevo.contacts.create_attribute(
        "normal", "SIZES", type="multiple-choice", multi_category_options=["s", "m"]
    )
    brevo.contacts.create_attribute("category", "TIER", enumeration=[{"value": 1, "label": "Gold"}])
    brevo.contacts.create_attribute("calculated", "SUM", value="SUM[TOTAL]")
    brevo.contacts.create_attribute("transactional", "ORDER_ID", type="id")
    brevo.contacts.update_attribute("category", "TIER", enumeration=[{"value": 1, "label": "Au"}])
    brevo.contacts.delete_multi_attribute_options("SIZES", "m")
    brevo.contacts.delete_attribute("normal", "CITY")
    shown = {each.name: each for each in valid(brevo.contacts.get_attributes()).attributes}
    assert "CITY" not in shown
    assert shown["SIZES"].multi_category_options == ["s"]
    assert [each.label for each in shown["TIER"].enumeration or []] == ["Au"]
    assert (shown["SUM"].category, shown["ORDER_ID"].type) == ("calculated", "id")


def test_an_import_runs_and_leaves_its_rejected_rows(brevo: Brevo, server: Server) -> None:
    """It is queued, runs, ends; its contacts are there and the bad row has a file."""
    rows = [
        ImportContactsRequestJsonBodyItem(email="jane@example.com", attributes={"TOTAL": 3}),
        ImportContactsRequestJsonBodyItem(email="no address"),
    ]
    new_list = ImportContactsRequestNewList(list_name="Fresh", folder_id=1)
    started = brevo.contacts.import_contacts(json_body=rows, new_list=new_list)
    process_id = valid(started).process_id
    states = []
    for seconds in (0, 6, 60):
        server.advance(seconds)
        states.append(valid(brevo.process.get_process(process_id)).status)
    assert states == ["queued", "in_process", "completed"]
    assert valid(brevo.contacts.get_contact_info("jane@example.com")).list_ids == [6]
    ended = valid(brevo.process.get_processes(limit=10)).processes
    assert ended is not None
    assert [each.name for each in ended] == ["IMPORTUSER"]
    assert ended[0].info is not None
    assert ended[0].info.import_ is not None
    url = ended[0].info.import_.invalid_emails
    assert "no address" in httpx.get(str(url), trust_env=False).text


def test_an_export_ends_with_a_file(brevo: Brevo, server: Server) -> None:
    """Its process names where the CSV is."""
    new(brevo, list_ids=[5])
    chosen = RequestContactExportRequestCustomContactFilter(
        action_for_contacts="allContacts", list_id=5
    )
    started = valid(brevo.contacts.request_contact_export(custom_contact_filter=chosen))
    server.advance(60)
    process = valid(brevo.process.get_process(started.process_id))
    exported = httpx.get(str(process.export_url), trust_env=False).text
    rows = [*csv.DictReader(io.StringIO(exported), delimiter=exported[len("EMAIL")])]
    assert [row["EMAIL"] for row in rows] == ["jane@example.com"]


def test_the_account_is_shown(brevo: Brevo) -> None:
    """Everything that the model asks for is there."""
    assert valid(brevo.account.get_account()).email == "owner@example.com"


def _moved(told: PostContactInfoContacts) -> tuple[object, object]:
    return told.success, told.failure


def _code(error: ApiError) -> object:
    code: object = error.body["code"]
    return code
