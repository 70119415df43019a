"""Answers over HTTP: 2xx only for what is kept."""

import json
from pathlib import Path

import openapi_core
import pytest
from openapi_core.testing import MockRequest, MockResponse

from customer_sync.config import Secret
from customer_sync.realtime.app import MOST_BYTES
from customer_sync.realtime.inbox import Inbox
from customer_sync.realtime.intake import Limits
from customer_sync.realtime.openapi import description
from realtime_stage import Entrance, from_shopify

EVENT = {
    "event": "customer_created",
    "timestamp": "2026-11-24T10:00:00Z",
    "data": {"id": "c1", "email": "jane@example.com"},
}


def test_an_accepted_event_is_in_the_inbox(tmp_path: Path) -> None:
    """As it came."""
    entrance = Entrance(tmp_path)
    with entrance.client() as client:
        answer = client.post("/events", json=EVENT)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicate": False})
    assert entrance.kept() == [EVENT]


def test_a_refused_request_leaves_nothing(tmp_path: Path) -> None:
    """Not even its good records; the answer says where and why."""
    entrance = Entrance(tmp_path)
    with entrance.client() as client:
        answer = client.post("/events", json=[EVENT, {"event": "customer_created"}])
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["pointer"].startswith("/1")
    assert entrance.kept() == []


def test_a_replay_is_answered_well_and_not_kept_twice(tmp_path: Path) -> None:
    """The platform shall not repeat it."""
    entrance = Entrance(tmp_path)
    request = from_shopify({"id": 7, "email": "jane@example.com"})
    with entrance.client() as client:
        answers = [
            client.post("/webhooks/shopify", content=request.body, headers=dict(request.headers))
            for _ in range(2)
        ]
    assert [(a.status_code, a.json()["accepted"]) for a in answers] == [(200, 1), (200, 0)]
    assert len(entrance.kept()) == 1


def test_a_request_with_a_known_key_is_not_kept_again(tmp_path: Path) -> None:
    """Whoever is unsure sends it once more."""
    entrance = Entrance(tmp_path)
    with entrance.client() as client:
        for _ in range(2):
            client.post("/events", json=EVENT, headers={"Idempotency-Key": "k1"})
    assert entrance.kept() == [EVENT]


def test_a_forged_webhook_leaves_nothing(tmp_path: Path) -> None:
    """And the answer is 401."""
    entrance = Entrance(tmp_path)
    request = from_shopify({"id": 7}, secret="guessed")
    with entrance.client() as client:
        answer = client.post(
            "/webhooks/shopify", content=request.body, headers=dict(request.headers)
        )
    assert answer.status_code == 401
    assert entrance.kept() == []


@pytest.mark.parametrize("path", ["/events", "/metrics", "/dashboard"])
def test_the_token_is_asked_for(tmp_path: Path, path: str) -> None:
    """Where one is set."""
    method = "POST" if path == "/events" else "GET"
    with Entrance(tmp_path, tokens=(Secret("t0ken"),)).client() as client:
        content = json.dumps(EVENT)
        headers = {"Content-Type": "application/json"}
        without = client.request(method, path, content=content, headers=headers)
        headers["Authorization"] = "Bearer t0ken"
        with_it = client.request(method, path, content=content, headers=headers)
    assert (without.status_code, with_it.status_code // 100) == (401, 2)


def test_what_any_page_could_send_is_refused(tmp_path: Path) -> None:
    """A form of another site reaches this machine, but may not say that it is JSON."""
    entrance = Entrance(tmp_path)
    with entrance.client() as client:
        answer = client.post(
            "/events", content=json.dumps(EVENT), headers={"Content-Type": "text/plain"}
        )
    assert answer.status_code == 415
    assert entrance.kept() == []


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    """Before it is looked at."""
    with Entrance(tmp_path).client() as client:
        answer = client.post(
            "/events",
            content=b" " * (MOST_BYTES + 1),
            headers={"Content-Type": "application/json"},
        )
    assert answer.status_code == 413


def test_where_nothing_can_be_kept_the_sender_shall_come_again(tmp_path: Path) -> None:
    """503, and when."""
    (tmp_path / "inbox.db").mkdir()
    with Entrance(tmp_path).client() as client:
        answer = client.post("/events", json=EVENT)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_beyond_the_limit_of_the_inbox_the_sender_shall_come_again(tmp_path: Path) -> None:
    """What was accepted is safe; once there is room, more is taken."""
    entrance = Entrance(tmp_path, limits=Limits(records=2))
    with entrance.client() as client:
        statuses = [client.post("/events", json=[EVENT, EVENT]).status_code for _ in range(2)]
        refused = client.post("/events", json=EVENT)
        with Inbox(tmp_path) as inbox:
            inbox.remove(inbox.oldest(10))
        after = client.post("/events", json=EVENT)
    assert statuses == [202, 503]
    assert int(refused.headers["Retry-After"]) > 0
    assert "2" in refused.json()["error"]
    assert after.status_code == 202
    assert entrance.kept() == [EVENT]


def test_beyond_the_limit_of_requests_the_sender_shall_come_again(tmp_path: Path) -> None:
    """Those who wait for the disk must not become ever more."""
    entrance = Entrance(tmp_path, limits=Limits(requests=0))
    with entrance.client() as client:
        assert client.post("/events", json=EVENT).status_code == 503
    assert entrance.kept() == []


def test_the_pages_answer(tmp_path: Path) -> None:
    """Without a token where none is set."""
    with Entrance(tmp_path).client() as client:
        for path in ("/healthz", "/readyz", "/metrics", "/dashboard", "/openapi.json"):
            assert client.get(path).status_code == 200


def test_requests_and_answers_are_as_described(tmp_path: Path) -> None:
    """The description is valid, and so is what really happens, by it."""
    openapi = openapi_core.OpenAPI.from_dict(description())
    with Entrance(tmp_path).client() as client:
        for content in (EVENT, [EVENT], {"event": "customer_created"}):
            answer = client.post("/events", json=content)
            asked = MockRequest(
                "http://127.0.0.1",
                "post",
                "/events",
                data=json.dumps(content).encode(),
                content_type="application/json",
            )
            answered = MockResponse(
                answer.content, status_code=answer.status_code, content_type="application/json"
            )
            if answer.status_code == 202:
                openapi.validate_request(asked)
            openapi.validate_response(asked, answered)
