"""Many tasks at once, limits and troubles: nothing is lost, nothing is counted wrongly."""

import asyncio
from collections.abc import Callable

import pytest

from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.exchange import Attempt, RateWait, Retry
from customer_sync.brevo.retry import RetryPolicy
from customer_sync.core.model import ContactId, ContactPatch, Email, RatePlan
from customer_sync.core.requests.jobs import ProcessId
from customer_sync.errors import BrevoRejected, BrevoUnavailable
from sandbox_stage import Stage, Way

TOUGH = RetryPolicy(attempts=40, give_up_after_s=1e6)


async def create_many(client: BrevoClient, number: int) -> list[ContactId | None]:
    """Create contacts, all at once."""
    return await asyncio.gather(
        *(
            client.create(Email(f"c{each}@example.com"), ContactPatch(attributes={"CITY": "Lyon"}))
            for each in range(number)
        )
    )


@pytest.mark.parametrize("way", [Way.IN_PROCESS], indirect=True)
@pytest.mark.parametrize("plan", RatePlan)
def test_work_at_full_speed_is_never_refused(
    raise_stage: Callable[..., Stage], plan: RatePlan
) -> None:
    """Although a hundred and fifty tasks push at once; and hardly any of the rate is left unused.

    In process only, where a departure and its arrival are the same moment of simulated time.
    """
    stage = raise_stage(plan=plan)
    stage.talk(lambda client: create_many(client, 150), plan=plan)
    assert set(stage.statuses()) == {200, 201}
    allowed = {RatePlan.GENERAL: 10, RatePlan.ADVANCED: 20, RatePlan.EXTENDED: 60}[plan]
    assert 150 / stage.clock.monotonic() >= 0.95 * allowed


def test_polling_is_never_refused(stage: Stage) -> None:
    """A hundred an hour is little, and it is kept to."""

    async def poll(client: BrevoClient) -> None:
        for _ in range(220):
            with pytest.raises(BrevoRejected):
                await client.process(ProcessId(999))

    stage.talk(poll)
    assert set(stage.statuses()) == {404}


def test_a_second_run_heeds_what_the_first_one_used(stage: Stage) -> None:
    """It learns from the first answer how little is left of the hour."""

    async def ask(client: BrevoClient) -> None:
        for _ in range(60):
            await client.account()

    stage.talk(ask)
    stage.talk(ask)
    assert set(stage.statuses()) == {200}


@pytest.mark.parametrize("body", ["code", "message", "text", "empty"])
@pytest.mark.parametrize("headers", ["second", "hour", "missing"])
def test_a_storm_of_refusals_loses_nothing(
    raise_stage: Callable[..., Stage], body: str, headers: str
) -> None:
    """A third of all requests is told to wait, in every form that a 429 may have."""
    stage = raise_stage(fail={429: 0.33}, too_many_body=body, limit_headers=headers)
    created = stage.talk(lambda client: create_many(client, 30), retry=TOUGH)
    assert sorted(filter(None, created)) == [*range(1, 31)]
    assert 429 in stage.statuses()
    assert any(isinstance(event, RateWait) for event in stage.events)


def test_every_kind_of_trouble_at_once_loses_nothing(raise_stage: Callable[..., Stage]) -> None:
    """Dropped connections, half of them after the contact was created, and errors of gateways."""
    stage = raise_stage(drop=0.2, fail={500: 0.05, 503: 0.05, 524: 0.05, 425: 0.05, 429: 0.05})

    async def create_and_count(client: BrevoClient) -> int:
        await create_many(client, 40)
        return (await client.contacts_page(offset=0)).count

    assert stage.talk(create_and_count, retry=TOUGH) == 40
    assert {500, 503, None} <= {*stage.statuses()}


def test_the_client_counts_what_the_sandbox_counts(raise_stage: Callable[..., Stage]) -> None:
    """Route by route, repetitions included: the bill that is shown is the bill."""
    stage = raise_stage(drop=0.1, fail={503: 0.1})

    async def all_sorts(client: BrevoClient) -> dict[str, int]:
        await create_many(client, 20)
        await client.lists()
        await client.account()
        await client.contact(Email("nobody@example.com"))
        await client.update(Email("c1@example.com"), ContactPatch(sms_blocked=True))
        await client.update_batch([(ContactId(1), ContactPatch(sms_blocked=True))])
        await client.add_to_list(5, [ContactId(1)])
        await client.delete(ContactId(2))
        await client.processes()
        return dict(client.requests)

    counted = stage.talk(all_sorts, retry=TOUGH)
    assert counted == stage.sandbox.request_counts()
    assert sum(counted.values()) == len(stage.statuses()) > 30
    repeated = [event for event in stage.events if isinstance(event, Attempt) and event.number > 1]
    assert len(repeated) == sum(isinstance(event, Retry) for event in stage.events)


def test_a_service_that_stays_down_is_given_up(raise_stage: Callable[..., Stage]) -> None:
    """After the attempts that the policy grants, with the reason."""
    stage = raise_stage(fail={503: 1.0})
    with pytest.raises(BrevoUnavailable, match="503"):
        stage.talk(BrevoClient.lists, retry=RetryPolicy(attempts=3))
    assert stage.statuses() == [503, 503, 503]
