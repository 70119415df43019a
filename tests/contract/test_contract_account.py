"""The account around the contacts: attributes, lists, folders, import jobs."""

import pytest

from customer_sync.brevo.answers import ContactList, ListChange
from customer_sync.brevo.client import BrevoClient
from customer_sync.core.model import Attribute, AttributeType, Contact, ContactPatch, Email, Value
from customer_sync.core.requests.jobs import (
    ImportRow,
    Process,
    ProcessId,
    ProcessState,
    RejectedRow,
)
from customer_sync.errors import BrevoRejected, ImportUncertain
from sandbox_stage import Stage

JANE = Email("jane@example.com")


def test_the_account_is_known(stage: Stage) -> None:
    """By the key alone."""
    account = stage.talk(BrevoClient.account)
    assert account.email == stage.sandbox.settings.account_email
    assert account.plans
    assert account.time_zone
    assert account.date_format == stage.sandbox.settings.import_date_order


@pytest.mark.parametrize("kind", AttributeType)
def test_an_attribute_of_every_type_is_created_and_written(
    stage: Stage, kind: AttributeType
) -> None:
    """And creating it again changes nothing."""
    values: dict[AttributeType, Value] = {
        AttributeType.TEXT: "x",
        AttributeType.FLOAT: 1.5,
        AttributeType.DATE: "2025-01-02",
        AttributeType.BOOLEAN: True,
        AttributeType.CATEGORY: "b",
        AttributeType.MULTIPLE_CHOICE: ("b", "a"),
    }

    async def create_and_write(client: BrevoClient) -> tuple[Attribute, Contact | None]:
        await client.create_attribute("FRESH", kind, ["a", "b"])
        await client.create_attribute("FRESH", kind, ["a", "b"])
        await client.create(JANE, ContactPatch(attributes={"FRESH": values[kind]}))
        return (await client.attributes())["FRESH"], await client.contact(JANE)

    attribute, contact = stage.talk(create_and_write)
    assert attribute.type is kind
    assert contact is not None
    assert contact.attributes == {"FRESH": values[kind]}


def test_an_attribute_does_not_change_its_type(stage: Stage) -> None:
    """Brevo cannot, so that whoever asks must hear of it."""
    with pytest.raises(BrevoRejected):
        stage.talk(lambda client: client.create_attribute("TOTAL_SPENT", AttributeType.DATE))


def test_all_lists_are_seen(stage: Stage) -> None:
    """Also those beyond the first page."""

    async def create_many(client: BrevoClient) -> tuple[ContactList, ...]:
        folder = await client.create_folder("Shop")
        for number in range(55):
            await client.create_list(f"List {number}", folder)
        assert folder in {each.id for each in await client.folders()}
        return await client.lists()

    names = [each.name for each in stage.talk(create_many)]
    assert {"Customers", "Friends", "List 0", "List 54"} <= {*names}
    assert len(names) == len(set(names))


# ---------------------------------------------------------------- import jobs


async def finished(stage: Stage, client: BrevoClient, job: ProcessId) -> Process:
    """Return a job when it has ended, asking after it as seldom as a run would."""
    while (process := await client.process(job)).state is ProcessState.RUNNING:
        await stage.clock.sleep(40)
    return process


def test_an_import_creates_and_updates(stage: Stage) -> None:
    """Rows with every kind of value, a clear among them, read back after the job."""
    rows = [
        ImportRow(email=JANE, attributes={"CITY": None, "TOTAL_SPENT": 3.0, "TIER": "Gold"}),
        ImportRow(
            email=Email("john@example.com"),
            attributes={"SMS": "+12025550123", "EXT_ID": "c2", "BIRTHDAY": "1990-02-28"},
        ),
    ]

    async def import_both(client: BrevoClient) -> tuple[Process, list[Contact | None]]:
        await client.create(JANE, ContactPatch(attributes={"CITY": "Lyon"}))
        job = await client.start_import(rows, list_ids=[5, 6])
        process = await finished(stage, client, job)
        return process, [await client.contact(row.email) for row in rows]

    process, (jane, john) = stage.talk(import_both)
    assert process.state is ProcessState.COMPLETED
    assert process.rejected_urls == {}
    assert jane is not None
    assert john is not None
    assert jane.attributes == {"TOTAL_SPENT": 3.0, "TIER": "Gold"}
    assert john.attributes == rows[1].attributes
    assert jane.list_ids == john.list_ids == {5, 6}
    assert not jane.is_email_blocked


def test_an_import_can_block_everybody_in_it(stage: Stage) -> None:
    """For customers who said no before they ever came to Brevo."""

    async def import_blocked(client: BrevoClient) -> Contact | None:
        row = ImportRow(email=JANE)
        job = await client.start_import([row], list_ids=[5], email_blocked=True)
        await finished(stage, client, job)
        return await client.contact(JANE)

    contact = stage.talk(import_blocked)
    assert contact is not None
    assert contact.is_email_blocked


def test_an_import_leaves_blocks_as_they_are(stage: Stage) -> None:
    """Whoever unsubscribed stays unsubscribed."""

    async def import_over(client: BrevoClient) -> Contact | None:
        await client.create(JANE, ContactPatch(email_blocked=True))
        job = await client.start_import([ImportRow(email=JANE)], list_ids=[5])
        await finished(stage, client, job)
        return await client.contact(JANE)

    contact = stage.talk(import_over)
    assert contact is not None
    assert contact.is_email_blocked
    assert stage.sandbox.transitions() == ()


def test_rejected_rows_come_with_their_reason(stage: Stage) -> None:
    """From the files that the job names."""
    rows = [
        ImportRow(email=Email("no address"), attributes={"CITY": "Lyon; 3e"}),
        ImportRow(email=JANE),
    ]

    async def import_and_ask(client: BrevoClient) -> tuple[RejectedRow, ...]:
        job = await client.start_import(rows, list_ids=[5])
        return await client.rejected_rows(await finished(stage, client, job))

    (rejected,) = stage.talk(import_and_ask)
    assert rejected.reason == "invalid_emails"
    assert "no address" in rejected.fields.values()
    assert "Lyon; 3e" in rejected.fields.values()


def test_an_import_without_a_list_is_refused(stage: Stage) -> None:
    """Brevo wants to know where the contacts go."""
    with pytest.raises(BrevoRejected):
        stage.talk(lambda client: client.start_import([ImportRow(email=JANE)], list_ids=[]))


@pytest.mark.parametrize("arrives", [True, False])
def test_a_lost_import_is_found_among_the_processes_if_it_arrived(
    stage: Stage, arrives: bool
) -> None:
    """That is how the caller learns whether to send it again."""
    stage.sandbox.inject("POST /contacts/import", status=None, times=1, after_effect=arrives)

    async def lose_and_look(client: BrevoClient) -> tuple[Process, ...]:
        with pytest.raises(ImportUncertain):
            await client.start_import([ImportRow(email=JANE)], list_ids=[5])
        return await client.processes()

    found = stage.talk(lose_and_look)
    assert [process.name for process in found] == ["IMPORTUSER"] * arrives


def test_an_unknown_job_is_a_404(stage: Stage) -> None:
    """With a code of Brevo's own logic."""
    with pytest.raises(BrevoRejected) as caught:
        stage.talk(lambda client: client.process(ProcessId(999)))
    assert caught.value.status == 404


def test_a_list_takes_150_contacts_in_one_request(stage: Stage) -> None:
    """Its maximum is accepted as such."""

    async def fill(client: BrevoClient) -> ListChange:
        rows = [ImportRow(email=Email(f"c{number}@example.com")) for number in range(150)]
        job = await client.start_import(rows, list_ids=[5])
        await finished(stage, client, job)
        return await client.add_to_list(6, [row.email for row in rows])

    assert len(stage.talk(fill).changed) == 150
