"""What the client tries again, how long it waits, and when it gives up."""

import asyncio
import itertools

import httpx
import pytest

from brevo_double import ScriptedServer, clock_at_noon, refusal, talk
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.exchange import Attempt, RateWait, RequestEvent, Retry
from customer_sync.brevo.retry import RetryPolicy
from customer_sync.brevo.throttle import Family
from customer_sync.core.model import AttributeType, ContactId, ContactPatch, Email
from customer_sync.core.requests.jobs import ImportRow, ProcessId
from customer_sync.errors import (
    BrevoAuthError,
    BrevoRejected,
    BrevoUnavailable,
    ImportUncertain,
)

JANE = Email("jane@example.com")
PATCH = ContactPatch(attributes={"FIRSTNAME": "Jane"})
CREATED = httpx.Response(201, json={"id": 7})
DONE = httpx.Response(204)
BROKEN = httpx.ReadError("connection reset")
TRANSIENT = (
    *(refusal(status) for status in (408, 425, 429, 500, 502, 503, 504, 524)),
    *(httpx.Response(429), httpx.Response(503, text="<html>Bad gateway</html>")),
    *(BROKEN, httpx.ConnectError("refused"), httpx.RemoteProtocolError("cut off")),
    *(httpx.ReadTimeout("slow"), httpx.ConnectTimeout("slow"), httpx.DecodingError("torn gzip")),
)


async def create(client: BrevoClient) -> ContactId | None:
    """Create Jane."""
    return await client.create(JANE, PATCH)


async def start_import(client: BrevoClient) -> ProcessId:
    """Import Jane."""
    return await client.start_import([ImportRow(email=JANE)], list_ids=[5])


# ---------------------------------------------------------------- trying again


@pytest.mark.parametrize("trouble", TRANSIENT)
def test_transient_trouble_is_tried_again(trouble: httpx.Response | Exception) -> None:
    """Two failures and a success are a success; the body is sent whole each time."""
    server = ScriptedServer([trouble, trouble, CREATED])
    assert talk(server, create) == 7
    first, *others = server.bodies()
    assert others == [first, first]


@pytest.mark.parametrize("status", [400, 402, 404, 405, 406, 409, 413, 422])
def test_refusals_are_not_tried_again(status: int) -> None:
    """What was wrong once stays wrong."""
    server = ScriptedServer([refusal(status, "no", "invalid_parameter")])
    with pytest.raises(BrevoRejected) as caught:
        talk(server, create)
    assert (caught.value.status, caught.value.code) == (status, "invalid_parameter")
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_tried_again(status: int) -> None:
    """The run has to stop; more requests with that key only lock it out."""
    server = ScriptedServer([refusal(status, "Key not found", "unauthorized")])
    with pytest.raises(BrevoAuthError):
        talk(server, create)
    assert len(server.received) == 1


def test_pauses_grow_with_full_jitter() -> None:
    """A share, drawn anew each time, of a ceiling that doubles and is bounded."""
    events: list[RequestEvent] = []
    draws = itertools.cycle([0.5, 0.25])
    policy = RetryPolicy(attempts=6, first_wait_s=1.0, longest_wait_s=6.0)
    with pytest.raises(BrevoUnavailable):
        talk(
            ScriptedServer([refusal(503)]),
            create,
            events=events,
            retry=policy,
            dice=lambda: next(draws),
        )
    pauses = [event.seconds for event in events if isinstance(event, Retry)]
    assert pauses == [0.5, 0.5, 2.0, 1.5, 3.0]


def test_attempts_are_bounded() -> None:
    """The message tells how often, how long and why, without a word of the body."""
    server = ScriptedServer([refusal(503, "maintenance")])
    with pytest.raises(BrevoUnavailable, match="4 attempts") as caught:
        talk(server, create, retry=RetryPolicy(attempts=4))
    assert len(server.received) == 4
    assert "maintenance" in caught.value.message
    assert "POST /contacts" in caught.value.message


def test_patience_is_bounded() -> None:
    """Whatever the number of attempts, five minutes of failing are enough."""
    clock = clock_at_noon()
    policy = RetryPolicy(attempts=1000, give_up_after_s=300.0)
    with pytest.raises(BrevoUnavailable):
        talk(ScriptedServer([BROKEN]), create, clock=clock, retry=policy)
    assert 250 < clock.monotonic() <= 301


def test_being_told_to_wait_is_not_counted_as_failing() -> None:
    """A storm of 429 costs time; the change is not lost."""
    told = httpx.Response(
        429,
        headers={
            "x-sib-ratelimit-limit": "10",
            "x-sib-ratelimit-remaining": "0",
            "x-sib-ratelimit-reset": "1",
        },
    )
    server = ScriptedServer([*[told] * 12, CREATED])
    assert talk(server, create, retry=RetryPolicy(attempts=2)) == 7


def test_a_long_wait_for_the_hourly_budget_is_no_failure() -> None:
    """Forty minutes that Brevo asks for are not part of the patience with failures."""
    clock = clock_at_noon()
    told = httpx.Response(
        429,
        headers={
            "x-sib-ratelimit-limit": "100",
            "x-sib-ratelimit-remaining": "0",
            "x-sib-ratelimit-reset": "2400",
        },
    )
    server = ScriptedServer([told, httpx.Response(503), httpx.Response(200, json={})])
    talk(server, BrevoClient.account, clock=clock)
    assert 2400 < clock.monotonic() < 2500


def test_nothing_waits_beyond_the_deadline() -> None:
    """A run that may last a minute ends within it."""
    clock = clock_at_noon()
    with pytest.raises(BrevoUnavailable):
        talk(
            ScriptedServer([BROKEN]),
            create,
            clock=clock,
            retry=RetryPolicy(attempts=1000, give_up_after_s=1e9),
            deadline=60.0,
        )
    assert clock.monotonic() <= 60.0


def test_a_pause_for_the_rate_limit_beyond_the_deadline_ends_the_run() -> None:
    """Nor does it wait for a budget that comes too late."""
    clock = clock_at_noon()
    told = httpx.Response(
        429, headers={"x-sib-ratelimit-limit": "100", "x-sib-ratelimit-reset": "2400"}
    )
    with pytest.raises(BrevoUnavailable, match="longer than this run may take"):
        talk(ScriptedServer([told]), BrevoClient.account, clock=clock, deadline=60.0)
    assert clock.monotonic() <= 60.0


def test_a_server_that_says_nothing_is_a_timeout() -> None:
    """An answer that trickles, or never comes, does not hold the run up for ever."""
    clock = clock_at_noon()

    class Silent(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                self.received.append(request)
                await clock.sleep(10_000)
            return await super().__call__(request)

    server = Silent([CREATED])
    with pytest.raises(BrevoUnavailable, match="no answer within 60 s"):
        talk(server, create, clock=clock, retry=RetryPolicy(attempts=2))
    assert len(server.received) == 2


def test_slow_failures_use_up_the_patience_sooner() -> None:
    """Two timeouts of a minute are more than a hundred seconds, however short the pauses."""
    clock = clock_at_noon()

    class Silent(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                self.received.append(request)
                await clock.sleep(10_000)
            return await super().__call__(request)

    server = Silent([CREATED])
    with pytest.raises(BrevoUnavailable, match="2 attempts"):
        talk(server, create, clock=clock, retry=RetryPolicy(attempts=99, give_up_after_s=100.0))


def test_a_slow_service_is_not_swamped() -> None:
    """Only so many requests are under way at once; more wait before they take their slot."""
    clock = clock_at_noon()
    under_way = [0]

    class Slow(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            under_way.append(under_way[-1] + 1)
            await clock.sleep(30)
            under_way.append(under_way[-1] - 1)
            return await super().__call__(request)

    async def create_many(client: BrevoClient) -> None:
        await asyncio.gather(*(create(client) for _ in range(200)))

    talk(Slow([CREATED]), create_many, clock=clock)
    assert max(under_way) == 64


def test_a_certificate_that_cannot_be_verified_is_not_tried_again() -> None:
    """It does not mend itself, and the key must not go to whoever answers."""
    import ssl

    unverified = httpx.ConnectError("certificate verify failed")
    unverified.__cause__ = ssl.SSLCertVerificationError("self-signed")
    server = ScriptedServer([unverified])
    with pytest.raises(BrevoUnavailable, match="certificate"):
        talk(server, create)
    assert len(server.received) == 1


# ---------------------------------------------------------------- what must not be done twice


def test_a_repeated_creation_is_still_one_contact() -> None:
    """The first attempt may have created it unseen; the second then says that it exists."""
    assert talk(ScriptedServer([BROKEN, DONE]), create) is None


def test_a_repeated_deletion_that_finds_nothing_is_done() -> None:
    """The attempt before has probably done it; where there was none, somebody else has."""
    gone = refusal(404, "Contact does not exist", "document_not_found")
    assert talk(ScriptedServer([BROKEN, gone]), lambda one: one.delete(ContactId(7))) is True
    assert talk(ScriptedServer([gone]), lambda one: one.delete(ContactId(7))) is False


@pytest.mark.parametrize("trouble", [BROKEN, httpx.ReadTimeout("slow"), refusal(500), refusal(524)])
def test_an_import_whose_answer_is_lost_is_not_sent_again(
    trouble: httpx.Response | Exception,
) -> None:
    """Each call is a job of its own; the account's processes tell whether it runs."""
    server = ScriptedServer([trouble, httpx.Response(202, json={"processId": 3})])
    with pytest.raises(ImportUncertain) as caught:
        talk(server, start_import)
    assert len(server.received) == 1
    assert "processes" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "answer", [httpx.Response(202), httpx.Response(202, json={}), httpx.Response(202, text="ok")]
)
def test_an_import_whose_number_is_lost_is_uncertain(answer: httpx.Response) -> None:
    """It was accepted, but there is nothing to ask after."""
    with pytest.raises(ImportUncertain):
        talk(ScriptedServer([answer]), start_import)


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(429),
        refusal(425),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
    ],
)
def test_an_import_that_never_arrived_is_sent_again(trouble: httpx.Response | Exception) -> None:
    """Nothing was sent, or Brevo said that it did nothing."""
    server = ScriptedServer([trouble, httpx.Response(202, json={"processId": 3})])
    assert talk(server, start_import) == 3


def test_an_import_that_never_arrives_is_not_uncertain() -> None:
    """Then it can be sent by the next run without a look at the processes."""
    server = ScriptedServer([httpx.ConnectError("refused")])
    with pytest.raises(BrevoUnavailable) as caught:
        talk(server, start_import)
    assert not isinstance(caught.value, ImportUncertain)


def test_a_list_is_not_created_twice() -> None:
    """Lists may share a name, so that a repetition would make a second one."""
    server = ScriptedServer([BROKEN, httpx.Response(201, json={"id": 5})])
    with pytest.raises(BrevoUnavailable, match="not known"):
        talk(server, lambda client: client.create_list("Customers", 1))
    assert len(server.received) == 1


def test_an_attribute_that_exists_already_is_created() -> None:
    """Its first attempt may have created it although the answer was lost."""
    server = ScriptedServer([BROKEN, refusal(400, "Attribute name must be unique")])
    talk(server, lambda client: client.create_attribute("TOTAL_SPENT", AttributeType.FLOAT))
    assert len(server.received) == 2


def test_an_attribute_that_exists_with_another_type_is_refused() -> None:
    """A number cannot become a date."""
    server = ScriptedServer([refusal(400, "Attribute name must be unique")])
    with pytest.raises(BrevoRejected, match="unique"):
        talk(server, lambda client: client.create_attribute("TOTAL_SPENT", AttributeType.DATE))


# ---------------------------------------------------------------- what is counted and told


def test_every_attempt_is_counted_and_told() -> None:
    """By its route, never by what identifies a contact."""
    events: list[RequestEvent] = []
    server = ScriptedServer([refusal(503), BROKEN, DONE])

    async def update_and_count(client: BrevoClient) -> dict[str, int]:
        await client.update(JANE, PATCH)
        return dict(client.requests)

    counted = talk(server, update_and_count, events=events)
    assert counted == {"GET /contacts/attributes": 1, "PUT /contacts/{identifier}": 3}
    attempts = [
        (event.number, event.status, event.error)
        for event in events
        if isinstance(event, Attempt) and event.route == "PUT /contacts/{identifier}"
    ]
    assert attempts == [(1, 503, ""), (2, None, "ReadError"), (3, 204, "")]
    assert "jane" not in repr(events)
    assert "Jane" not in repr(events)


def test_time_is_told_apart_from_waiting() -> None:
    """What Brevo took, and what the rate limit took."""
    clock = clock_at_noon()
    events: list[RequestEvent] = []

    class Slow(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            await clock.sleep(2)
            return await super().__call__(request)

    async def two_at_once(client: BrevoClient) -> None:
        await client.attributes()
        await clock.sleep(10)
        await asyncio.gather(create(client), create(client))

    talk(Slow([CREATED]), two_at_once, clock=clock, events=events)
    *_, first, second = [event for event in events if isinstance(event, Attempt)]
    assert [first.seconds, second.seconds] == pytest.approx([2, 2])
    assert [first.waited_s, second.waited_s] == pytest.approx([0, 0.104], abs=0.001)


def test_a_pause_that_brevo_asks_for_is_told() -> None:
    """With the family that has to wait and for how long."""
    events: list[RequestEvent] = []
    told = httpx.Response(
        429, headers={"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-reset": "1"}
    )
    talk(ScriptedServer([told, CREATED]), create, events=events)
    waits = [event for event in events if isinstance(event, RateWait)]
    assert waits == [RateWait(family=Family.CONTACTS, seconds=1.0)]
