"""The corrections of Brevo's description are needed, and what breaks it is noticed."""

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate
from starlette.types import Receive, Scope, Send

from brevo_description import (
    CORRECTIONS,
    PATH,
    PREFIX,
    Document,
    closed,
    corrected,
    load,
    operations,
    with_troubles,
)
from brevo_watch import CLIENT, WATCH, Answer, Request, Rules, Violation, Watch, Watched, fail_for
from customer_sync.clock import SystemClock
from customer_sync.sandbox import Sandbox
from customer_sync.sandbox.errors import ConnectionDropped
from customer_sync.sandbox.routes import ROUTES

pytestmark = pytest.mark.skipif(load() is None, reason=f"there is no {PATH.name}")

ERROR = {"code": "invalid_parameter", "message": "No"}


@pytest.fixture(scope="module")
def published() -> Document:
    """Return the description as published."""
    document = load()
    assert document is not None
    return document


@pytest.fixture
def watch(published: Document) -> Watch:
    """Return a watch of the test's own."""
    return Watch(published)


# ---------------------------------------------------------------- the description


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_each_correction_is_still_needed(
    published: Document, correct: Callable[[Document], None]
) -> None:
    """A newer description may have it already, and then it goes."""
    document = copy.deepcopy(published)
    for earlier in CORRECTIONS[: CORRECTIONS.index(correct)]:
        earlier(document)
    before = copy.deepcopy(document)
    correct(document)
    assert document != before


@pytest.mark.parametrize("correct", CORRECTIONS)
def test_each_correction_says_why(correct: Callable[[Document], None]) -> None:
    """By its docstring."""
    assert correct.__doc__


def test_the_corrected_description_is_a_valid_one(published: Document) -> None:
    """In every form that is used."""
    document = corrected(published)
    validate(document)
    validate(closed(document))
    validate(with_troubles(document))


def test_the_sandbox_has_every_described_operation(published: Document) -> None:
    """Under the very same path."""
    known = {(path, method.lower()) for path, verbs in ROUTES.items() for method in verbs}
    described = {(path, method) for path, method, _ in operations(corrected(published))}
    assert described == known


# ---------------------------------------------------------------- requests


def test_a_fine_request_is_let_pass(watch: Watch) -> None:
    """Every field of it is described."""
    watch.see_request(asked("POST", "/contacts", {"email": "jane@example.com"}))
    assert watch.drain() == ()
    assert watch.seen["requests"] == 1


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (("POST", "/contacts", {"extId": "7"}), "'extId' was unexpected"),
        (("POST", "/contacts", {"listIds": ["5"]}), "'5' is not of type 'integer'"),
        (("PUT", "/contacts/7", {"attributes": {"TOTAL": None}}), "None is not valid"),
        (("POST", "/contacts/lists/5/contacts/add", {"emails": []}), "is not valid under"),
        (("POST", "/contacts/lists/5/contacts/add", {"ids": [1], "emails": ["a@b"]}), "valid"),
        (("GET", "/contacts?limit=1001", None), "1001 is greater than the maximum of 1000"),
        (("DELETE", "/contacts/7?identifierType=id", None), "'id' is not one of"),
        (("PATCH", "/contacts/7", {}), "Operation patch not found"),
        (("POST", "/contact", {}), "Path not found"),
    ],
)
def test_a_request_that_is_not_described_is_a_violation(
    watch: Watch, request_: tuple[str, str, object], problem: str
) -> None:
    """It names route, direction, and what is wrong."""
    watch.see_request(asked(*request_))
    found = watch.drain()
    assert any(problem in str(each) for each in found)
    assert {each.direction for each in found} == {"request"}
    assert str(found[0]).startswith(f"{request_[0]} {PREFIX}{request_[1]}: request: ")


def test_a_request_without_a_key_is_a_violation(watch: Watch) -> None:
    """The client must always send it."""
    watch.see_request(asked("GET", "/account", headers={"user-agent": CLIENT}))
    assert len(watch.drain()) == 1


def test_what_tests_send_is_not_judged(watch: Watch) -> None:
    """They may be wrong on purpose."""
    watch.see_request(asked("GET", "/nonsense", headers={"user-agent": "python-httpx"}))
    assert watch.drain() == ()


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"contacts": [], "count": 0}),
        (400, ERROR),
        (401, {"code": "unauthorized", "message": "Key not found"}),
        (429, {"message": "Too many"}),
        (429, None),
    ],
)
def test_a_described_answer_is_let_pass(watch: Watch, status: int, body: object) -> None:
    """Whether it is a success or an error."""
    watch.see_answer(asked("GET", "/contacts"), answered(status, body), is_troubled=False)
    assert watch.drain() == ()


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, {"contacts": []}, "'count' is a required property"),
        (200, {"contacts": [], "count": 0, "total": 0}, "'total' was unexpected"),
        (200, {"contacts": [{"id": 1}], "count": 1}, "$.contacts[0]"),
        (200, "fine", "Content for the following mimetype not found"),
        (400, {"message": "No"}, "'code' is a required property"),
        (404, ERROR, "Unknown response http status: 404"),
        (429, {"code": 1, "message": "No"}, "1 is not of type 'string'"),
        (500, {"error": "Oops"}, "'message' is a required property"),
        (524, "A Timeout Occurred", "nobody had ordered that"),
    ],
)
def test_an_answer_that_is_not_described_is_a_violation(
    watch: Watch, status: int, body: object, problem: str
) -> None:
    """Errors are held to the error object like everything else to its own."""
    watch.see_answer(asked("GET", "/contacts"), answered(status, body), is_troubled=False)
    found = watch.drain()
    assert any(problem in str(each) for each in found)
    assert {each.direction for each in found} == {f"answer {status}"}


def test_no_content_is_no_content(watch: Watch) -> None:
    """A 204 has no body, and no type of one."""
    request = asked("PUT", "/contacts/7", {})
    watch.see_answer(request, answered(204, {}), is_troubled=False)
    watch.see_answer(
        request,
        Answer(status=204, headers={"content-type": "application/json"}, body=b""),
        is_troubled=False,
    )
    assert [each.problem for each in watch.drain()] == [
        "there is content where there should be none",
        "there is a content type but no content",
    ]


def test_ordered_trouble_may_be_any_error_but_not_any_body(watch: Watch) -> None:
    """Where a test asks for a 404 that the route cannot answer, it is an error object still."""
    request = asked("GET", "/contacts")
    watch.see_answer(request, answered(404, ERROR), is_troubled=True)
    watch.see_answer(request, answered(524, "A Timeout Occurred"), is_troubled=True)
    assert watch.drain() == ()
    watch.see_answer(request, answered(404, {"code": "x"}), is_troubled=True)
    assert len(watch.drain()) == 1


@pytest.mark.parametrize("route", [("GET", "/nonsense"), ("PATCH", "/contacts")])
def test_what_does_not_exist_is_refused_with_an_error_object(
    watch: Watch, route: tuple[str, str]
) -> None:
    """Neither paths nor verbs beyond the description succeed."""
    watch.see_answer(asked(*route), answered(405, ERROR), is_troubled=False)
    assert watch.drain() == ()
    watch.see_answer(asked(*route), answered(200, {}), is_troubled=False)
    watch.see_answer(asked(*route), answered(404, {}), is_troubled=False)
    assert len(watch.drain()) == 2


def test_a_violation_is_found_again_when_it_comes_again(published: Document) -> None:
    """Only what was good is not judged twice."""
    rules, request = Rules(published), asked("POST", "/contacts", {"extId": "7"})
    assert rules.judge_request(request) == rules.judge_request(request) != ()


# ---------------------------------------------------------------- the hook


def test_every_sandbox_of_every_test_is_watched(tmp_path: Path) -> None:
    """Whoever opens one, and whoever asks it."""
    before = WATCH.seen["answers"]
    with Sandbox(tmp_path / "brevo.db", clock=SystemClock()) as sandbox:
        asyncio.run(ask(sandbox))
    assert WATCH.seen["answers"] == before + 1


@pytest.mark.parametrize(
    ("failure", "noticed"), [(ZeroDivisionError("oops"), 1), (ConnectionDropped("on order"), 0)]
)
def test_a_sandbox_that_breaks_is_noticed(
    tmp_path: Path, watch: Watch, failure: Exception, noticed: int
) -> None:
    """Unless breaking the connection was the order."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise failure

    with Sandbox(tmp_path / "brevo.db", clock=SystemClock()) as sandbox:
        sandbox.app = Watched(broken, sandbox, watch)
        with pytest.raises(type(failure)):
            asyncio.run(ask(sandbox))
    assert [each.direction for each in watch.drain()] == ["no answer"] * noticed


def test_violations_fail_the_test_with_their_text() -> None:
    """And nothing happens without any."""
    fail_for(())
    violation = Violation(route="GET /v3/contacts", direction="answer 200", problem="wrong")
    with pytest.raises(pytest.fail.Exception, match="GET /v3/contacts: answer 200: wrong"):
        fail_for([violation])


async def ask(sandbox: Sandbox) -> None:
    """Ask a sandbox for its account."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        await client.get("http://brevo.invalid/v3/account")


def asked(
    method: str, target: str, body: object = None, headers: dict[str, str] | None = None
) -> Request:
    """Return a request as the client would send it."""
    path, _, query = target.partition("?")
    own = {"user-agent": CLIENT, "api-key": "key", "content-type": "application/json"}
    return Request(
        method=method,
        path=PREFIX + path,
        query=query,
        headers=own if headers is None else headers,
        body=b"" if body is None else json.dumps(body).encode(),
    )


def answered(status: int, body: object) -> Answer:
    """Return an answer with a JSON object, a text, or nothing."""
    if body is None:
        return Answer(status=status, headers={}, body=b"")
    if isinstance(body, str):
        return Answer(status=status, headers={"content-type": "text/plain"}, body=body.encode())
    content = json.dumps(body).encode()
    return Answer(status=status, headers={"content-type": "application/json"}, body=content)
