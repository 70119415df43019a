"""Brevo's former Python client (`sib-api-v3-sdk`) talks to the sandbox over HTTP.

Its models refuse missing and unknown values by themselves while they are built.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
import sib_api_v3_sdk as sib  # type: ignore[import-untyped] # it was made before types
from sib_api_v3_sdk.rest import ApiException  # type: ignore[import-untyped] # likewise


class Server(Protocol):
    """Where the sandbox is reached."""

    @property
    def url(self) -> str:
        """The base URL of the API."""

    def advance(self, seconds: float, /) -> None:
        """Let so many seconds pass there."""


@pytest.fixture
def connection(server: Server) -> Iterator[Any]:
    """Yield what all parts of the client send through."""
    configuration = sib.Configuration()
    configuration.host = server.url
    configuration.api_key["api-key"] = "key"
    client = sib.ApiClient(configuration)
    yield client
    client.rest_client.pool_manager.clear()


@pytest.fixture
def contacts(connection: Any) -> Any:
    """Return the part for contacts, lists, folders and attributes."""
    return sib.ContactsApi(connection)


def new(contacts: Any, email: str = "jane@example.com", **fields: object) -> int:
    """Create a contact and return its id."""
    return int(contacts.create_contact(sib.CreateContact(email=email, **fields)).id)


def test_a_contact_lives_and_dies(contacts: Any) -> None:
    """Created, read, updated, upserted, deleted."""
    contact_id = new(contacts, attributes={"FIRSTNAME": "Jane", "SMS": "+12025550101"})
    contacts.update_contact(contact_id, sib.UpdateContact(attributes={"TOTAL": 9.5}))
    upsert = sib.CreateContact(
        email="jane@example.com", update_enabled=True, attributes={"LASTNAME": "Doe"}
    )
    assert contacts.create_contact(upsert).id is None
    found = contacts.get_contact_info("jane@example.com")
    assert found.attributes == {
        "FIRSTNAME": "Jane",
        "LASTNAME": "Doe",
        "SMS": "12025550101",
        "TOTAL": 9.5,
    }
    contacts.get_contact_stats("jane@example.com")
    contacts.delete_contact(contact_id)
    with pytest.raises(ApiException) as gone:
        contacts.get_contact_info("jane@example.com")
    assert gone.value.status == 404


def test_a_duplicate_is_a_400(contacts: Any) -> None:
    """The client raises it with the words of the answer."""
    new(contacts)
    with pytest.raises(ApiException, match="email is already associated") as refused:
        new(contacts)
    assert refused.value.status == 400


def test_all_contacts_are_paged_through(contacts: Any) -> None:
    """Pages follow one another, the oldest first."""
    for n in range(5):
        new(contacts, f"p{n}@example.com")
    pages = [contacts.get_contacts(limit=2, offset=n, sort="asc") for n in (0, 2, 4)]
    assert [page.count for page in pages] == [5, 5, 5]
    seen = [contact["email"] for page in pages for contact in page.contacts]
    assert seen == [f"p{n}@example.com" for n in range(5)]


@pytest.mark.parametrize("spelling", ["csv", "multi"])
def test_arrays_in_queries_are_spelled_either_way(
    connection: Any, contacts: Any, spelling: str
) -> None:
    """Parted by commas, as the former clients do, or as a repeated name."""
    new(contacts, "p0@example.com", list_ids=[5])
    new(contacts, "p1@example.com", list_ids=[2])
    new(contacts, "p2@example.com")
    page = connection.call_api(
        "/contacts",
        "GET",
        query_params=[("listIds", [2, 5])],
        header_params={},
        auth_settings=["api-key"],
        response_type="GetContacts",
        collection_formats={"listIds": spelling},
        _return_http_data_only=True,
    )
    assert page.count == 2


def test_a_batch_updates_many(contacts: Any) -> None:
    """By address and by id."""
    contact_id = new(contacts)
    new(contacts, "bob@example.org")
    items = [
        sib.UpdateBatchContactsContacts(id=contact_id, attributes={"TOTAL": 1}),
        sib.UpdateBatchContactsContacts(email="bob@example.org", list_ids=[5]),
    ]
    contacts.update_batch_contacts(sib.UpdateBatchContacts(contacts=items))
    assert contacts.get_contact_info("bob@example.org").list_ids == [5]


def test_lists_and_folders_are_made_shown_and_deleted(contacts: Any) -> None:
    """With a model for every answer."""
    folder = contacts.create_folder(sib.CreateUpdateFolder(name="Shop"))
    made = contacts.create_list(sib.CreateList(name="VIPs", folder_id=folder.id))
    contacts.update_list(made.id, sib.UpdateList(name="Very important"))
    assert contacts.get_list(made.id).name == "Very important"
    assert contacts.get_lists(limit=50).count == 3
    assert contacts.get_folder(folder.id).name == "Shop"
    assert contacts.get_folders(10, 0).count == 2
    assert contacts.get_folder_lists(folder.id).count == 1
    contacts.delete_list(made.id)
    contacts.update_folder(folder.id, sib.CreateUpdateFolder(name="Shops"))
    contacts.delete_folder(folder.id)
    assert contacts.get_lists().count == 2


def test_contacts_are_put_on_a_list_and_taken_off(contacts: Any) -> None:
    """What was moved and what not is told apart."""
    new(contacts)
    emails = ["jane@example.com", "x@example.net"]
    added = contacts.add_contact_to_list(5, sib.AddContactToList(emails=emails)).contacts
    assert (added.success, added.failure) == (["jane@example.com"], ["x@example.net"])
    assert contacts.get_contacts_from_list(5).count == 1
    gone = sib.RemoveContactFromList(emails=["jane@example.com"])
    assert contacts.remove_contact_from_list(5, gone).contacts.success == ["jane@example.com"]


def test_attributes_are_made_shown_and_deleted(contacts: Any) -> None:
    """Its models are older than multiple choices: an account must not have any."""
    contacts.delete_attribute("normal", "TAGS")
    contacts.create_attribute("normal", "CITY", sib.CreateAttribute(type="text"))
    tier = [sib.CreateAttributeEnumeration(value=1, label="Gold")]
    contacts.create_attribute("category", "TIER", sib.CreateAttribute(enumeration=tier))
    contacts.create_attribute("calculated", "SUM", sib.CreateAttribute(value="SUM[TOTAL]"))
    renamed = [sib.UpdateAttributeEnumeration(value=1, label="Au")]
    contacts.update_attribute("category", "TIER", sib.UpdateAttribute(enumeration=renamed))
    shown = {each.name: each for each in contacts.get_attributes().attributes}
    assert shown["CITY"].type == "text"
    assert [each.label for each in shown["TIER"].enumeration] == ["Au"]
    assert shown["SUM"].calculated_value == "SUM[TOTAL]"


def test_an_import_runs(connection: Any, contacts: Any, server: Server) -> None:
    """It is queued, runs, ends, and its contacts are there."""
    rows = [{"email": "jane@example.com", "attributes": {"TOTAL": 3}}]
    wanted = sib.RequestContactImport(json_body=rows, list_ids=[5])
    process_id = contacts.import_contacts(wanted).process_id
    processes, states = sib.ProcessApi(connection), []
    for seconds in (0, 6, 60):
        server.advance(seconds)
        states.append(processes.get_process(process_id).status)
    assert states == ["queued", "in_process", "completed"]
    assert contacts.get_contact_info("jane@example.com").list_ids == [5]
    assert processes.get_processes(limit=10, offset=0).count == 1


def test_the_account_is_shown(connection: Any) -> None:
    """Everything that the model asks for is there."""
    assert sib.AccountApi(connection).get_account().email == "owner@example.com"
