"""What is written through the client reads back through it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from customer_sync.brevo.answers import AnyRef, ContactPage, ExtId, ListChange, Phone
from customer_sync.brevo.client import BrevoClient
from customer_sync.core.model import Contact, ContactId, ContactPatch, Email, Value
from customer_sync.errors import BrevoAuthError, BrevoRejected
from sandbox_stage import Stage

JANE = Email("jane@example.com")
JOHN = Email("john+shop@example.com")
EVERYTHING: dict[str, Value] = {
    "FIRSTNAME": "Zoë",
    "CITY": "Lyon; 3e, “Part-Dieu”",
    "TOTAL_SPENT": 12.5,
    "BIRTHDAY": "1990-02-28",
    "IS_VIP": False,
    "TIER": "Gold",
    "TAGS": ("new", "vip"),
    "SMS": "+12025550123",
    "WHATSAPP": "+12025550124",
    "LANDLINE_NUMBER": "+12025550125",
    "EXT_ID": "c/1 é",
}
WHOLE = ContactPatch(attributes=EVERYTHING, add_lists=frozenset({5}))


async def read_back(client: BrevoClient, ref: AnyRef = JANE) -> Contact:
    """Return a contact that must be there."""
    contact = await client.contact(ref)
    assert contact is not None
    return contact


def test_a_contact_reads_back_as_it_was_created(stage: Stage) -> None:
    """Every type of attribute, every phone, the shop's id and the list."""

    async def create_and_read(client: BrevoClient) -> tuple[ContactId | None, Contact]:
        return await client.create(JANE, WHOLE), await read_back(client)

    created, contact = stage.talk(create_and_read)
    assert contact.id == created
    assert contact.email == JANE
    assert contact.attributes == EVERYTHING
    assert contact.list_ids == {5}
    assert not contact.is_email_blocked
    assert contact.modified_at is not None
    assert stage.sandbox.now() - contact.modified_at < timedelta(seconds=1)


def test_a_creation_updates_a_contact_that_exists(stage: Stage) -> None:
    """Without a second contact, and without touching what it does not name."""

    async def create_twice(client: BrevoClient) -> tuple[ContactId | None, Contact, int]:
        await client.create(JANE, WHOLE)
        second = await client.create(JANE, ContactPatch(attributes={"CITY": "Paris"}))
        page = await client.contacts_page(offset=0)
        return second, await read_back(client), page.count

    second, contact, count = stage.talk(create_twice)
    assert second is None
    assert contact.attributes == {**EVERYTHING, "CITY": "Paris"}
    assert count == 1


@pytest.mark.parametrize("by", ["update", "batch", "create"])
def test_none_clears_every_type(stage: Stage, by: str) -> None:
    """By every request that writes at once."""
    nothing = ContactPatch(attributes=dict.fromkeys(EVERYTHING))

    async def write_and_clear(client: BrevoClient) -> Contact:
        await client.create(JANE, WHOLE)
        match by:
            case "update":
                await client.update(JANE, nothing)
            case "batch":
                await client.update_batch([(JANE, nothing)])
            case _:
                await client.create(JANE, nothing)
        return await read_back(client)

    assert stage.talk(write_and_clear).attributes == {}


@pytest.mark.parametrize(
    "ref",
    [
        JANE,
        ContactId(1),
        Phone(number="+12025550123"),
        Phone(number="+12025550124", attribute="WHATSAPP"),
        Phone(number="+12025550125", attribute="LANDLINE_NUMBER"),
        ExtId(value="c/1 é"),
    ],
)
def test_a_contact_is_found_changed_and_deleted_by_every_identifier(
    stage: Stage, ref: AnyRef
) -> None:
    """All six kinds that Brevo knows."""

    async def through_its_life(client: BrevoClient) -> tuple[Value, bool, Contact | None]:
        await client.create(JANE, WHOLE)
        await client.update(ref, ContactPatch(attributes={"CITY": "Nantes"}))
        city = (await read_back(client, ref)).attributes["CITY"]
        return city, await client.delete(ref), await client.contact(ref)

    assert stage.talk(through_its_life) == ("Nantes", True, None)


@pytest.mark.parametrize(
    "address",
    ["a+b@example.com", "50%off@example.com", "o'neil/x@example.com", "a#b?c@example.com"],
)
def test_odd_addresses_stay_what_they_are(stage: Stage, address: str) -> None:
    """In paths too."""

    async def create_and_read(client: BrevoClient) -> Contact:
        await client.create(Email(address), ContactPatch())
        return await read_back(client, Email(address))

    assert stage.talk(create_and_read).email == address


def test_a_deletion_of_nobody_is_done(stage: Stage) -> None:
    """The second time there is nobody left."""

    async def delete_twice(client: BrevoClient) -> tuple[bool, bool]:
        await client.create(JANE, ContactPatch())
        return await client.delete(JANE), await client.delete(JANE)

    assert stage.talk(delete_twice) == (True, False)


def test_an_update_of_nobody_is_a_404(stage: Stage) -> None:
    """So that the change can become a creation."""
    with pytest.raises(BrevoRejected) as caught:
        stage.talk(lambda client: client.update(JANE, ContactPatch(sms_blocked=True)))
    assert caught.value.status == 404


def test_lists_and_flags_change_both_ways(stage: Stage) -> None:
    """Joined and left in one request; blocked and lifted."""

    async def change(client: BrevoClient) -> tuple[Contact, Contact]:
        await client.create(JANE, WHOLE)
        moved = ContactPatch(
            add_lists=frozenset({6}),
            remove_lists=frozenset({5}),
            email_blocked=True,
            sms_blocked=True,
        )
        await client.update(JANE, moved)
        first = await read_back(client)
        await client.update_batch([(first.id, ContactPatch(email_blocked=False))])
        return first, await read_back(client)

    first, second = stage.talk(change)
    assert first.list_ids == {6}
    assert (first.is_email_blocked, first.is_sms_blocked) == (True, True)
    assert (second.is_email_blocked, second.is_sms_blocked) == (False, True)


def test_pages_hold_everybody_in_the_order_of_creation(stage: Stage) -> None:
    """The first page, a later one, and what lies beyond the last."""

    async def create_and_page(client: BrevoClient) -> list[ContactPage]:
        for number in range(5):
            await client.create(Email(f"c{number}@example.com"), ContactPatch())
        return [await client.contacts_page(offset=offset, limit=2) for offset in (0, 4, 6)]

    pages = stage.talk(create_and_page)
    assert [[contact.email for contact in page.contacts] for page in pages] == [
        ["c0@example.com", "c1@example.com"],
        ["c4@example.com"],
        [],
    ]
    assert {page.count for page in pages} == {5}


@pytest.mark.parametrize("zone", ["Europe/Paris", "Asia/Kolkata", "America/St_Johns", "UTC"])
def test_only_what_changed_since_is_listed(raise_stage: Callable[..., Stage], zone: str) -> None:
    """By the moment that a contact tells of itself, whatever the account's time zone."""
    stage = raise_stage(timezone=zone)

    async def change_one(client: BrevoClient) -> tuple[datetime | None, ContactPage, ContactPage]:
        await client.create(JANE, ContactPatch())
        await stage.clock.sleep(60)
        await client.create(JOHN, ContactPatch())
        since = (await read_back(client, JOHN)).modified_at
        assert since is not None
        at_that = await client.contacts_page(offset=0, modified_since=since)
        later = since + timedelta(milliseconds=1)
        return since, at_that, await client.contacts_page(offset=0, modified_since=later)

    since, at_that, after = stage.talk(change_one)
    assert since is not None
    assert stage.sandbox.now() - since < timedelta(seconds=1)
    assert [contact.email for contact in at_that.contacts] == [JOHN]
    assert (after.contacts, after.count) == ((), 0)


def test_a_list_is_joined_and_left_as_often_as_one_likes(stage: Stage) -> None:
    """Brevo refuses when there is nothing to do; for a sync that is success."""

    async def join_and_leave(client: BrevoClient) -> list[ListChange]:
        jane = await client.create(JANE, ContactPatch())
        await client.create(JOHN, ContactPatch())
        assert jane is not None
        return [
            await client.add_to_list(5, [jane]),
            await client.add_to_list(5, [jane]),
            await client.add_to_list(5, [JANE, JOHN]),
            await client.remove_from_list(5, [JANE]),
            await client.remove_from_list(5, [JANE]),
        ]

    jane = ContactId(1)
    assert stage.talk(join_and_leave) == [
        ListChange(changed=(jane,), unchanged=()),
        ListChange(changed=(), unchanged=(jane,)),
        ListChange(changed=(JOHN,), unchanged=(JANE,)),
        ListChange(changed=(JANE,), unchanged=()),
        ListChange(changed=(), unchanged=(JANE,)),
    ]


def test_a_wrong_key_stops_everything(stage: Stage) -> None:
    """With one request and a hint."""
    with pytest.raises(BrevoAuthError, match="Key not found"):
        stage.talk(BrevoClient.account, key="xkeysib-wrong")
    assert stage.statuses() == [401]


@pytest.mark.parametrize(
    "settings",
    [
        {"category_reads": "id"},
        {"category_writes": "id"},
        {"ext_id_at_top": True},
        {"timezone": "Asia/Kolkata"},
        {"limit_headers": "missing"},
        {"limit_headers": "hour"},
    ],
    ids=str,
)
def test_it_reads_back_whatever_brevo_turns_out_to_do(
    raise_stage: Callable[..., Stage], settings: dict[str, object]
) -> None:
    """Switches of the sandbox that stand for what nobody knows and that must not matter."""
    stage = raise_stage(**settings)

    async def create_and_read(client: BrevoClient) -> Contact:
        await client.create(JANE, WHOLE)
        return await read_back(client)

    assert stage.talk(create_and_read).attributes == EVERYTHING


def test_the_accounts_own_contact_cannot_be_deleted(stage: Stage) -> None:
    """Brevo keeps it, so that whoever asks must hear of it."""
    owner = Email(stage.sandbox.settings.account_email)

    async def create_and_delete(client: BrevoClient) -> bool:
        await client.create(owner, ContactPatch())
        return await client.delete(owner)

    with pytest.raises(BrevoRejected) as caught:
        stage.talk(create_and_delete)
    assert caught.value.status == 405


def test_an_unknown_list_is_not_taken_for_one_that_is_right(stage: Stage) -> None:
    """Only the refusal that means *nothing to do* counts as done."""

    async def create_and_add(client: BrevoClient) -> ListChange:
        await client.create(JANE, ContactPatch())
        return await client.add_to_list(999, [JANE])

    with pytest.raises(BrevoRejected) as caught:
        stage.talk(create_and_add)
    assert caught.value.status == 404


def test_whoever_unsubscribes_is_remembered_with_the_time(stage: Stage) -> None:
    """Within the days that are asked for; of a contact that is gone nothing is known."""
    today = stage.sandbox.now().date()

    async def ask(client: BrevoClient) -> tuple[tuple[datetime, ...], ...]:
        created = await client.create(JANE, ContactPatch())
        assert created is not None
        stage.sandbox.unsubscribe(JANE)
        before = today - timedelta(days=1)
        return (
            await client.unsubscriptions(created, before, today),
            await client.unsubscriptions(created, before, before),
            await client.unsubscriptions(ContactId(999), before, today),
        )

    (when,), earlier, of_nobody = stage.talk(ask)
    assert abs(when - stage.sandbox.now()) < timedelta(seconds=5)
    assert earlier == of_nobody == ()
