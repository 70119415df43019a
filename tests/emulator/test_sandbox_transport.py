"""Getting in, getting refused, and requests that are no requests."""

from collections.abc import Callable

import httpx
import pytest

from customer_sync.sandbox import Settings
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]


def test_a_missing_key_is_unauthorized(brevo: Brevo) -> None:
    """Without a key the answer is 401 with Brevo's words."""
    answer = brevo.request("GET", "/account", headers={"api-key": ""})
    assert answer.status_code == 401
    assert answer.json() == {"code": "unauthorized", "message": "Key not found"}


def test_only_the_configured_key_is_let_in(open_brevo: OpenBrevo) -> None:
    """Where the sandbox has a key, every other is refused."""
    brevo = open_brevo(Settings(api_key="right"))
    answers = [
        brevo.request("GET", "/account", headers={"api-key": key}) for key in ("wrong", "right")
    ]
    assert [answer.status_code for answer in answers] == [401, 200]


def test_a_bearer_token_is_a_key(open_brevo: OpenBrevo) -> None:
    """Newer clients send the key as a bearer token."""
    brevo = open_brevo(Settings(api_key="right"))
    headers = {"api-key": "", "authorization": "Bearer right"}
    assert brevo.request("GET", "/account", headers=headers).status_code == 200


def test_an_address_that_is_not_allow_listed_is_unauthorized(open_brevo: OpenBrevo) -> None:
    """A strange IP address gets a 401 that names the reason, even with the right key."""
    answer = open_brevo(Settings(knows_ip=False)).get("/account")
    assert answer.status_code == 401
    assert "unrecognised IP address" in answer.json()["message"]


def test_a_verb_that_a_path_lacks_is_not_allowed(brevo: Brevo) -> None:
    """The wrong verb gets 405 and is told which verbs there are."""
    answer = brevo.request("PATCH", "/contacts/lists")
    assert answer.status_code == 405
    assert answer.json() == {
        "code": "method_not_allowed",
        "message": "PATCH Method is not allowed on this path",
    }
    assert answer.headers["allow"] == "GET, POST"


def test_an_unknown_route_is_not_found(brevo: Brevo) -> None:
    """A path that Brevo does not have gets 404 with an error object."""
    answer = brevo.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.json()["code"] == "document_not_found"


def test_consent_groups_are_forbidden(brevo: Brevo) -> None:
    """A feature that is opened per account answers 403."""
    answer = brevo.get("/contacts/consent-groups")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"email": NaN}',
        b'{"ext_id": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(brevo: Brevo, content: bytes) -> None:
    """Whatever cannot be read as a JSON object gets 400, never 500."""
    answer = brevo.request("POST", "/contacts", content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_success_without_content_has_an_empty_body(brevo: Brevo) -> None:
    """A 204 has nothing in it that could be parsed."""
    brevo.create()
    answer = brevo.put("/contacts/jane%40example.com", {})
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_encoded_slash_stays_within_its_segment(brevo: Brevo) -> None:
    """An identifier with a slash in it is found when it is percent-encoded."""
    brevo.create(ext_id="shop/7")
    answer = brevo.get("/contacts/shop%2F7", identifierType="ext_id")
    assert answer.json()["email"] == "jane@example.com"


def test_an_address_with_a_plus_is_found(brevo: Brevo) -> None:
    """A plus sign, percent-encoded, reaches the account as one."""
    brevo.create("jane+shop@example.com")
    assert brevo.get("/contacts/jane%2Bshop%40example.com").status_code == 200


def test_the_date_of_answers_is_the_sandbox_s_own(brevo: Brevo) -> None:
    """A client can compare clocks by the Date header."""
    assert brevo.get("/account").headers["date"] == "Sun, 01 Mar 2026 12:00:00 GMT"


def test_an_injected_failure_happens_as_often_as_asked(brevo: Brevo) -> None:
    """The next requests of a route fail, others do not, and then all is well again."""
    brevo.sandbox.inject("POST /contacts", status=503, times=2)
    read = brevo.get("/contacts").status_code
    statuses = [
        brevo.post("/contacts", {"email": "jane@example.com"}).status_code for _ in range(3)
    ]
    assert (read, statuses) == (200, [503, 503, 201])


def test_a_gateway_answers_in_text_and_without_limits(brevo: Brevo) -> None:
    """An error from before Brevo is no JSON and knows nothing of its limits."""
    brevo.sandbox.inject("*", status=524)
    answer = brevo.get("/contacts")
    assert answer.status_code == 524
    assert answer.headers["content-type"].startswith("text/plain")
    assert "x-sib-ratelimit-limit" not in answer.headers


def test_too_early_says_that_the_account_is_in_process(brevo: Brevo) -> None:
    """A 425 is an error object of its own."""
    brevo.sandbox.inject("POST /contacts", status=425)
    answer = brevo.post("/contacts", {"email": "jane@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (425, "account_in_process")


@pytest.mark.parametrize(
    ("status", "code"),
    [(402, "not_enough_credits"), (403, "permission_denied"), (422, "bad_request")],
)
def test_injected_refusals_carry_brevo_s_codes(brevo: Brevo, status: int, code: str) -> None:
    """A refusal that no request can provoke here can be injected."""
    brevo.sandbox.inject("*", status=status)
    answer = brevo.get("/contacts")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(("after_effect", "total"), [(False, 0), (True, 1)])
def test_a_dropped_connection_is_an_error_of_the_protocol(
    brevo: Brevo, *, after_effect: bool, total: int
) -> None:
    """A drop is what httpx raises for one, whether or not the request was done before it."""
    brevo.sandbox.inject("POST /contacts", after_effect=after_effect)
    with pytest.raises(httpx.RemoteProtocolError):
        brevo.post("/contacts", {"email": "jane@example.com"})
    assert brevo.get("/contacts").json()["count"] == total


def test_an_answer_can_be_lost_although_the_request_was_done(brevo: Brevo) -> None:
    """An error status does not prove that nothing happened."""
    brevo.sandbox.inject("POST /contacts", status=500, after_effect=True)
    assert brevo.post("/contacts", {"email": "jane@example.com"}).status_code == 500
    assert brevo.get("/contacts").json()["count"] == 1


def test_failures_by_share_come_about_as_often(open_brevo: OpenBrevo) -> None:
    """Shares of failures are drawn for every request on its own."""
    brevo = open_brevo(Settings(fail={500: 0.3, 429: 0.2}, rate_limits=False))
    statuses = [brevo.get("/contacts/segments").status_code for _ in range(200)]
    assert 30 <= statuses.count(500) <= 90
    assert 15 <= statuses.count(429) <= 65
    assert statuses.count(200) >= 60


def test_drops_by_share_hit_before_and_after(open_brevo: OpenBrevo) -> None:
    """Of connections that break by chance, some break after the request was done."""
    brevo = open_brevo(Settings(drop=1.0, rate_limits=False))
    for number in range(30):
        with pytest.raises(httpx.RemoteProtocolError):
            brevo.post("/contacts", {"email": f"c{number}@example.com"})
    brevo.sandbox.change_settings({"drop": 0.0})
    assert 5 <= brevo.get("/contacts").json()["count"] <= 25


def test_every_request_is_counted_by_its_route(brevo: Brevo) -> None:
    """Refused, dropped and failed requests count like all others."""
    brevo.create()
    brevo.contact()
    brevo.get("/contacts/nobody%40example.com")
    brevo.sandbox.inject("GET /contacts")
    with pytest.raises(httpx.RemoteProtocolError):
        brevo.get("/contacts")
    assert brevo.sandbox.request_counts() == {
        "GET /contacts": 1,
        "GET /contacts/{identifier}": 2,
        "POST /contacts": 1,
    }
