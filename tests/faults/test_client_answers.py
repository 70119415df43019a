"""Odd answers: none of them is a crash, follows anybody elsewhere or gives a secret away."""

import traceback
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from brevo_double import KEY, ScriptedServer, clock_at_noon, refusal, talk
from customer_sync.brevo import exchange
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.throttle import Throttle
from customer_sync.core.model import Contact, ContactId, ContactPatch, Email, RatePlan
from customer_sync.errors import (
    BatchRejected,
    BrevoAuthError,
    BrevoError,
    BrevoRejected,
    BrevoUnavailable,
    ConfigError,
)

JANE = Email("jane@example.com")
PATCH = ContactPatch(attributes={"FIRSTNAME": "Jane"})


async def fetch(client: BrevoClient) -> Contact | None:
    """Fetch a contact."""
    return await client.contact(ContactId(7))


async def update(client: BrevoClient) -> None:
    """Update a contact."""
    await client.update(ContactId(7), PATCH)


async def update_batch(client: BrevoClient) -> None:
    """Update five contacts."""
    await client.update_batch([(ContactId(number), PATCH) for number in range(1, 6)])


def said(answer: httpx.Response) -> BrevoError:
    """Return the error that *answer* becomes."""
    with pytest.raises(BrevoError) as caught:
        talk(ScriptedServer([answer]), update)
    return caught.value


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"<html>welcome to the hotel's network</html>",
        b"\xff\xfe\x00",
        b'{"id": 7',
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"text"',
        b'{"id": "seven"}',
    ],
)
def test_a_success_that_cannot_be_understood_says_so(content: bytes) -> None:
    """It is no contact, but neither a crash nor a missing one."""
    server = ScriptedServer([httpx.Response(200, content=content)])
    with pytest.raises(BrevoUnavailable, match="cannot be understood"):
        talk(server, fetch)


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b"{}", b'{"message": 5, "code": []}'])
def test_a_refusal_without_a_reason_is_still_a_refusal(content: bytes) -> None:
    """Empty bodies and plain texts come from gateways and from Brevo itself."""
    error = said(httpx.Response(400, content=content))
    assert isinstance(error, BrevoRejected)
    assert (error.status, error.code) == (400, "")


def test_an_empty_success_needs_no_body() -> None:
    """204 has none."""
    talk(ScriptedServer([httpx.Response(204)]), update)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded whatever the server sends."""
    monkeypatch.setattr(exchange, "_LARGEST_ANSWER", 1000)
    server = ScriptedServer([httpx.Response(200, content=b"x" * 1001)])
    with pytest.raises(BrevoUnavailable, match="more than 1000 bytes"):
        talk(server, fetch)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """The key would travel to wherever the answer points."""
    server = ScriptedServer([httpx.Response(status, headers={"location": "https://example.org"})])
    with pytest.raises(BrevoUnavailable, match=str(status)):
        talk(server, fetch)
    assert [request.url.host for request in server.received] == ["sandbox.invalid"]


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Sun, 01 Jun 2025 12:00:00 GMT", 0.0),
        ("Sun, 01 Jun 2025 12:01:30 GMT", 90.0),
        ("Sun, 01 Jun 2025 11:59:00 GMT", -60.0),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_service_tells_how_far_its_clock_is_off(date: str, ahead: float | None) -> None:
    """By the date of its answers, where it is one; at noon by ours."""

    async def update_and_compare(client: BrevoClient) -> timedelta | None:
        await update(client)
        return client.clock_ahead

    server = ScriptedServer([httpx.Response(204, headers={"date": date} if date else {})])
    told = talk(server, update_and_compare)
    assert (told is None) == (ahead is None)
    assert abs((told or timedelta()) - timedelta(seconds=ahead or 0)) < timedelta(seconds=1)


# ---------------------------------------------------------------- what refusals tell


@pytest.mark.parametrize("code", ["duplicate_parameter", "invalid_parameter", ""])
def test_a_duplicate_is_known_by_its_identifiers_not_by_its_code(code: str) -> None:
    """Brevo changed the code; the metadata stayed."""
    error = said(refusal(400, "SMS is already associated", code, duplicates=["SMS"]))
    assert isinstance(error, BrevoRejected)
    assert error.duplicate_identifiers == ("SMS",)


@pytest.mark.parametrize("metadata", ["x", [], {"duplicate_identifiers": "SMS"}, None])
def test_misshapen_metadata_names_no_duplicates(metadata: object) -> None:
    """It is as untrusted as everything else."""
    error = said(httpx.Response(400, json={"message": "no", "metadata": metadata}))
    assert isinstance(error, BrevoRejected)
    assert error.duplicate_identifiers == ()


def test_an_unknown_contact_in_a_batch_is_named_by_its_position() -> None:
    """Nothing of the batch was applied; what is left can be sent again without it."""
    answer = refusal(404, "No contact found for indexes 3,4", "document_not_found")
    with pytest.raises(BatchRejected) as caught:
        talk(ScriptedServer([answer]), update_batch)
    assert (caught.value.status, caught.value.unknown) == (404, (3, 4))


def test_many_positions_are_read_to_the_last() -> None:
    """Although the message that people see is cut."""
    positions = ",".join(map(str, range(500)))
    answer = refusal(404, f"No contact found for indexes {positions}")

    async def update_many(client: BrevoClient) -> None:
        await client.update_batch([(ContactId(number), PATCH) for number in range(1, 601)])

    with pytest.raises(BatchRejected) as caught:
        talk(ScriptedServer([answer]), update_many)
    assert caught.value.unknown == tuple(range(500))
    assert len(caught.value.message) < 500


def test_a_batch_that_is_refused_as_a_whole_names_nobody() -> None:
    """A 400 may be any row's fault, also where a number happens to stand in its message."""
    answer = refusal(400, "index 3 is odd", "duplicate_parameter", duplicates=["SMS"])
    with pytest.raises(BatchRejected) as caught:
        talk(ScriptedServer([answer]), update_batch)
    assert (caught.value.status, caught.value.unknown) == (400, ())
    assert caught.value.duplicate_identifiers == ("SMS",)


def test_an_unknown_contact_is_none() -> None:
    """404 is an answer to the question whether there is one."""
    assert talk(ScriptedServer([refusal(404, "Contact does not exist")]), fetch) is None


def test_a_question_that_is_refused_is_no_unknown_contact() -> None:
    """Taking it for one would create the contact anew."""
    with pytest.raises(BrevoRejected):
        talk(ScriptedServer([refusal(400, "Invalid identifier")]), fetch)


def test_messages_are_made_fit_for_a_terminal() -> None:
    """On one line, of sane length, without anything that moves the cursor."""
    error = said(refusal(400, "bad\x1b[2J\n\x00value\u202e " + "x" * 5000))
    assert "bad [2J value x" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 400


# ---------------------------------------------------------------- the key


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "Key not found", "BREVO_API_KEY"),
        (401, "We have detected you are using an unrecognised IP address 192.0.2.7", "authorised"),
        (403, "Permission denied", "may not"),
    ],
)
def test_a_refused_key_comes_with_what_to_do(status: int, message: str, hint: str) -> None:
    """A key that is wrong, one that is not let in from here, and one that may not."""
    error = said(refusal(status, message))
    assert isinstance(error, BrevoAuthError)
    assert message in error.message
    assert hint in (error.hint or "")


def test_the_key_goes_in_its_header_and_nowhere_else() -> None:
    """Not in the address, where logs would have it."""
    server = ScriptedServer([httpx.Response(204)])
    talk(server, update)
    (request,) = server.received
    assert request.headers["api-key"] == KEY
    assert KEY not in str(request.url)
    assert KEY.encode() not in request.content


def test_the_key_is_in_no_message_even_if_brevo_repeats_it() -> None:
    """Nor in anything that a traceback shows."""
    for status in (400, 401, 503):
        error = said(refusal(status, f"the key {KEY} is wrong", KEY))
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        assert KEY not in shown


def test_the_client_shows_no_key() -> None:
    """Whoever logs the client logs its address only."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
    client = BrevoClient("http://sandbox.invalid/v3", KEY, throttle=throttle, clock=clock)
    assert repr(client) == "BrevoClient('http://sandbox.invalid/v3')"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "clé", "tab\t", "\x00"])
def test_a_key_that_cannot_be_one_is_refused_unseen(key: str) -> None:
    """Before any library could put it into a message of its own."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
    with pytest.raises(ConfigError) as caught:
        BrevoClient("http://sandbox.invalid/v3", key, throttle=throttle, clock=clock)
    assert not key or key not in caught.value.message


@pytest.mark.parametrize(
    "address", ["http://api.example.com/v3", "ftp://example.com", "example.com", "", "https://"]
)
def test_an_address_that_would_expose_the_key_is_refused(address: str) -> None:
    """Only this machine is talked to without encryption."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
    with pytest.raises(ConfigError):
        BrevoClient(address, KEY, throttle=throttle, clock=clock)


class Unread(httpx.AsyncByteStream):
    """A body that nobody may touch."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the first piece, of what may be many."""
        pytest.fail("the body was read")
        yield b""


@pytest.mark.parametrize("layers", ["gzip, gzip", "deflate, gzip", "zstd", "br", "x-unknown"])
def test_compression_that_grows_without_bounds_is_not_undone(layers: str) -> None:
    """A few bytes could become more than the memory holds before anybody counts them."""

    class Bomb(ScriptedServer):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, headers={"content-encoding": layers}, stream=Unread())

    with pytest.raises(BrevoUnavailable, match="compression that nobody asked for"):
        talk(Bomb([]), fetch)


def test_only_bounded_compression_is_asked_for() -> None:
    """Whatever libraries happen to be installed."""
    server = ScriptedServer([httpx.Response(204)])
    talk(server, update)
    assert server.received[0].headers["accept-encoding"] == "gzip, deflate"


def test_no_proxy_sees_what_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxies are for the world, Brevo included."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
    proxied = {}
    for url in ("http://127.0.0.1:8025/v3", "http://localhost:1/v3", "https://api.brevo.com/v3"):
        http = BrevoClient(url, KEY, throttle=throttle, clock=clock)._http
        proxied[url] = http._transport_for_url(httpx.URL(url)) is not http._transport
    assert list(proxied.values()) == [False, False, True]


def test_certificates_are_verified() -> None:
    """With the checks that the standard library knows, host name included."""
    import ssl

    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
    client = BrevoClient("https://api.example.com/v3", KEY, throttle=throttle, clock=clock)
    transport = client._http._transport
    assert isinstance(transport, httpx.AsyncHTTPTransport)
    context = transport._pool._ssl_context
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
