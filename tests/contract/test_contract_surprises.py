"""What Brevo does otherwise than one expects, and that the client is prepared for it."""

from collections.abc import Callable

import pytest

from customer_sync.brevo.answers import ContactRef, ListChange
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.exchange import RateWait
from customer_sync.brevo.throttle import Family
from customer_sync.core.model import Contact, ContactId, ContactPatch, Email
from customer_sync.core.requests.jobs import ImportRow, ProcessId, ProcessState
from customer_sync.errors import BatchRejected, BrevoRejected
from sandbox_stage import Stage

JANE = Email("jane@example.com")
JOHN = Email("john@example.com")
EMPTY = ContactPatch()
LYON = ContactPatch(attributes={"CITY": "Lyon"})
PHONE = ContactPatch(attributes={"SMS": "+12025550123"})


async def create_both(client: BrevoClient, patch: ContactPatch = EMPTY) -> None:
    """Create Jane as *patch* says, and John."""
    await client.create(JANE, patch)
    await client.create(JOHN, EMPTY)


def test_processes_and_account_draw_on_a_budget_of_their_own(stage: Stage) -> None:
    """Asking after a job in a tight loop holds up nobody who writes contacts."""

    async def poll_and_write(client: BrevoClient) -> float:
        for _ in range(110):
            await client.processes()
        waited = stage.clock.monotonic()
        for number in range(20):
            await client.create(Email(f"c{number}@example.com"), ContactPatch())
        return stage.clock.monotonic() - waited

    assert stage.talk(poll_and_write) < 3
    assert 429 not in stage.statuses()


def test_contacts_are_deleted_one_by_one(stage: Stage) -> None:
    """There is no other route, so that the number of requests is the number of contacts."""

    async def delete_three(client: BrevoClient) -> int:
        for number in range(3):
            email = Email(f"c{number}@example.com")
            await client.create(email, ContactPatch())
            await client.delete(email)
        return client.requests["DELETE /contacts/{identifier}"]

    assert stage.talk(delete_three) == 3


@pytest.mark.parametrize("base", [0, 1])
def test_one_unknown_contact_spoils_a_batch_and_is_named(
    raise_stage: Callable[..., Stage], base: int
) -> None:
    """Nothing is applied; without the named ones the batch goes through.

    Where positions are counted from 1, that shows only when the last one is unknown.
    """
    stage = raise_stage(batch_index_base=base)
    items: list[tuple[ContactRef, ContactPatch]] = [
        (JANE, LYON),
        (Email("nobody@example.com"), LYON),
        (JOHN, LYON),
        (ContactId(99), LYON),
    ]

    async def try_and_mend(client: BrevoClient) -> tuple[tuple[int, ...], list[Contact | None]]:
        await create_both(client)
        with pytest.raises(BatchRejected) as caught:
            await client.update_batch(items)
        untouched = [await client.contact(JANE), await client.contact(JOHN)]
        assert all(contact and not contact.attributes for contact in untouched)
        unknown = caught.value.unknown
        await client.update_batch([item for at, item in enumerate(items) if at not in unknown])
        return unknown, [await client.contact(JANE), await client.contact(JOHN)]

    unknown, contacts = stage.talk(try_and_mend)
    assert unknown == (1, 3)
    assert all(contact and contact.attributes == {"CITY": "Lyon"} for contact in contacts)


@pytest.mark.parametrize("code", ["duplicate_parameter", "invalid_parameter"])
@pytest.mark.parametrize("route", ["create", "update", "batch"])
def test_a_phone_of_somebody_else_is_known_by_its_identifier(
    raise_stage: Callable[..., Stage], code: str, route: str
) -> None:
    """A 400 whatever its code, never a 409; the metadata tells what is taken."""
    stage = raise_stage(update_conflict_code=code)

    async def collide(client: BrevoClient) -> None:
        await create_both(client, PHONE)
        match route:
            case "create":
                await client.create(JOHN, PHONE)
            case "update":
                await client.update(JOHN, PHONE)
            case _:
                await client.update_batch([(JOHN, PHONE)])

    with pytest.raises(BrevoRejected) as caught:
        stage.talk(collide)
    assert caught.value.status == 400
    assert "SMS" in caught.value.duplicate_identifiers


def test_an_address_of_somebody_else_is_known_by_its_identifier(stage: Stage) -> None:
    """A rename to an address that has a contact merges nothing."""

    async def collide(client: BrevoClient) -> None:
        await create_both(client)
        await client.update(JOHN, ContactPatch(rename_to=JANE))

    with pytest.raises(BrevoRejected) as caught:
        stage.talk(collide)
    assert caught.value.duplicate_identifiers == ("email",)


def test_a_conflict_never_costs_a_contact(stage: Stage) -> None:
    """Merging would delete the one that loses."""

    async def collide_every_way(client: BrevoClient) -> int:
        await create_both(client, PHONE)
        for attempt in (
            client.create(JOHN, PHONE),
            client.update(JOHN, ContactPatch(rename_to=JANE)),
            client.update_batch([(JOHN, PHONE)]),
        ):
            with pytest.raises(BrevoRejected):
                await attempt
        return (await client.contacts_page(offset=0)).count

    assert stage.talk(collide_every_way) == 2


def test_an_attribute_that_does_not_exist_vanishes_with_a_success(stage: Stage) -> None:
    """Nobody is told, so that the account's attributes have to be compared first."""

    async def write_it(client: BrevoClient) -> tuple[bool, Contact | None]:
        patch = ContactPatch(attributes={"NOWHERE": "x", "CITY": "Lyon"})
        await client.create(JANE, patch)
        return "NOWHERE" in await client.attributes(), await client.contact(JANE)

    is_known, contact = stage.talk(write_it)
    assert not is_known
    assert contact is not None
    assert contact.attributes == {"CITY": "Lyon"}


def test_a_false_that_an_import_does_not_store_is_stored_by_a_batch(stage: Stage) -> None:
    """The import succeeds all the same; reading back tells, and the other route mends it."""

    async def import_then_batch(client: BrevoClient) -> tuple[Contact | None, Contact | None]:
        await client.create(JANE, ContactPatch(attributes={"IS_VIP": True}))
        row = ImportRow(email=JANE, attributes={"IS_VIP": False})
        job = await client.start_import([row], list_ids=[5])
        while (await client.process(job)).state is ProcessState.RUNNING:
            await stage.clock.sleep(40)
        imported = await client.contact(JANE)
        await client.update_batch([(JANE, ContactPatch(attributes={"IS_VIP": False}))])
        return imported, await client.contact(JANE)

    imported, mended = stage.talk(import_then_batch)
    assert imported is not None
    assert mended is not None
    assert imported.attributes == {"IS_VIP": True}
    assert mended.attributes == {"IS_VIP": False}


@pytest.mark.parametrize("route", ["update", "batch", "create"])
def test_a_rename_with_its_block_keeps_the_block(stage: Stage, route: str) -> None:
    """Both go in one request; the rename alone would make the person mailable again."""
    new = Email("new@example.com")
    patch = ContactPatch(rename_to=new, email_blocked=True)

    async def rename(client: BrevoClient) -> Contact | None:
        await client.create(JANE, ContactPatch(email_blocked=True))
        match route:
            case "update":
                await client.update(JANE, patch)
            case "batch":
                await client.update_batch([(JANE, patch)])
            case _:
                await client.create(JANE, patch)
        assert await client.contact(JANE) is None
        return await client.contact(new)

    contact = stage.talk(rename)
    assert contact is not None
    assert contact.is_email_blocked
    assert stage.sandbox.transitions() == ()


def test_a_rename_without_its_block_lifts_it(stage: Stage) -> None:
    """The danger is real: whoever plans a rename has to send the block along."""

    async def rename(client: BrevoClient) -> Contact | None:
        await client.create(JANE, ContactPatch(email_blocked=True))
        await client.update(JANE, ContactPatch(rename_to=JOHN))
        return await client.contact(JOHN)

    contact = stage.talk(rename)
    assert contact is not None
    assert not contact.is_email_blocked


def test_a_list_that_has_everybody_already_is_as_it_should_be(stage: Stage) -> None:
    """Brevo calls that a bad request."""

    async def add_twice(client: BrevoClient) -> ListChange:
        await create_both(client)
        await client.add_to_list(5, [JANE, JOHN])
        return await client.add_to_list(5, [JANE, JOHN])

    assert stage.talk(add_twice) == ListChange(changed=(), unchanged=(JANE, JOHN))
    assert stage.statuses()[-1] == 400


def test_the_wait_is_read_from_brevos_own_headers(stage: Stage) -> None:
    """There is no Retry-After; whoever looks for it retries blindly.

    Another program has used the hour up. One refusal, and the next request comes when the hour is
    over.
    """

    async def use_it_up(client: BrevoClient) -> None:
        for _ in range(100):
            await client.account()

    async def ask_once_more(client: BrevoClient) -> float:
        before = stage.clock.monotonic()
        with pytest.raises(BrevoRejected):
            await client.process(ProcessId(999))
        return stage.clock.monotonic() - before

    stage.sandbox.change_settings({"plan": "extended"})
    stage.talk(use_it_up, plan=stage.sandbox.settings.plan)
    stage.sandbox.change_settings({"plan": "general"})
    stage.events.clear()
    waited = stage.talk(ask_once_more)
    assert stage.statuses() == [429, 404]
    (told,) = [event for event in stage.events if isinstance(event, RateWait)]
    assert told.family is Family.OTHER
    assert waited >= told.seconds > 60
