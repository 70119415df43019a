"""The two families of rate limits, their headers, and the 429."""

from collections.abc import Callable

import pytest

from customer_sync.core.model import RatePlan
from customer_sync.sandbox import Settings
from customer_sync.sandbox.facts import LimitHeaders, LimitPool, TooManyBody
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]


def burst(brevo: Brevo, path: str, number: int) -> list[int]:
    """Ask *number* times within one moment."""
    brevo.tick = 0
    return [brevo.get(path).status_code for _ in range(number)]


@pytest.mark.parametrize(
    ("plan", "most"), [(RatePlan.GENERAL, 10), (RatePlan.ADVANCED, 20), (RatePlan.EXTENDED, 60)]
)
def test_contacts_allow_so_many_requests_a_second(
    open_brevo: OpenBrevo, plan: RatePlan, most: int
) -> None:
    """The request after the last allowed one gets 429, and the next second starts anew."""
    brevo = open_brevo(Settings(plan=plan))
    assert burst(brevo, "/contacts/lists", most + 1) == [200] * most + [429]
    brevo.clock.advance(1)
    assert burst(brevo, "/contacts/lists", 1) == [200]


@pytest.mark.parametrize(
    ("plan", "most"), [(RatePlan.GENERAL, 100), (RatePlan.ADVANCED, 200), (RatePlan.EXTENDED, 600)]
)
def test_everything_else_allows_so_many_requests_an_hour(
    open_brevo: OpenBrevo, plan: RatePlan, most: int
) -> None:
    """Processes and account share a bucket that is tiny next to that of contacts."""
    brevo = open_brevo(Settings(plan=plan))
    half = most // 2
    statuses = burst(brevo, "/processes", half) + burst(brevo, "/account", half + 1)
    assert statuses == [200] * most + [429]
    brevo.clock.advance(3600)
    assert burst(brevo, "/account", 1) == [200]


def test_contacts_are_limited_by_the_hour_too(open_brevo: OpenBrevo) -> None:
    """Where both windows hold, the hour can be full while the second is not."""
    brevo = open_brevo(Settings(plan=RatePlan.EXTENDED, extended_requests_per_hour=3))
    assert burst(brevo, "/contacts", 4) == [200, 200, 200, 429]
    brevo.clock.advance(1)
    assert burst(brevo, "/contacts", 1) == [429]


def test_a_refused_request_is_not_counted_against_the_limit(open_brevo: OpenBrevo) -> None:
    """Asking too often does not make the hour shorter."""
    brevo = open_brevo(Settings(plan=RatePlan.EXTENDED, extended_requests_per_hour=62))
    burst(brevo, "/contacts", 100)
    brevo.clock.advance(1)
    assert burst(brevo, "/contacts", 3) == [200, 200, 429]


def test_the_families_do_not_touch_each_other(brevo: Brevo) -> None:
    """A full bucket of processes leaves contacts alone."""
    burst(brevo, "/processes", 101)
    assert burst(brevo, "/contacts", 1) == [200]


def test_an_unknown_key_uses_up_nothing(brevo: Brevo) -> None:
    """Requests that belong to no account are counted against no limit."""
    brevo.tick = 0
    for _ in range(20):
        brevo.request("GET", "/contacts", headers={"api-key": ""})
    assert brevo.get("/contacts").headers["x-sib-ratelimit-remaining"] == "9"


def test_every_answer_tells_what_is_left(brevo: Brevo) -> None:
    """Limit, remaining and the seconds until reset are on errors as well as on successes."""
    brevo.clock.advance(0.25)
    brevo.tick = 0
    found, missing = brevo.get("/contacts"), brevo.get("/contacts/1")
    names = ("limit", "remaining", "reset")
    shown = [
        [each.headers[f"x-sib-ratelimit-{name}"] for name in names] for each in (found, missing)
    ]
    assert shown == [["10", "9", "1"], ["10", "8", "1"]]


def test_reset_is_a_number_of_seconds_from_now(brevo: Brevo) -> None:
    """The hour's window ends with the hour, and reset counts down to it."""
    brevo.tick = 0
    brevo.clock.advance(600)
    assert brevo.get("/account").headers["x-sib-ratelimit-reset"] == "3000"


def test_too_many_requests_come_without_retry_after(brevo: Brevo) -> None:
    """Brevo sends its own headers alone, with nothing remaining."""
    burst(brevo, "/contacts", 10)
    answer = brevo.get("/contacts")
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    assert answer.headers["x-sib-ratelimit-remaining"] == "0"


def test_a_full_hour_is_described_by_its_own_window(open_brevo: OpenBrevo) -> None:
    """A refusal describes the window that was exceeded, though answers describe the second."""
    brevo = open_brevo(Settings(plan=RatePlan.EXTENDED, extended_requests_per_hour=1))
    burst(brevo, "/contacts", 1)
    assert brevo.get("/contacts").headers["x-sib-ratelimit-reset"] == "3600"


def test_headers_may_describe_the_hour(open_brevo: OpenBrevo) -> None:
    """Which of two windows the headers mean is a switch."""
    brevo = open_brevo(Settings(limit_headers=LimitHeaders.HOUR))
    assert brevo.get("/contacts").headers["x-sib-ratelimit-limit"] == "36000"


def test_headers_may_be_missing(open_brevo: OpenBrevo) -> None:
    """No client may depend on the headers."""
    brevo = open_brevo(Settings(limit_headers=LimitHeaders.MISSING))
    assert "x-sib-ratelimit-limit" not in brevo.get("/contacts").headers


def test_headers_may_be_missing_now_and_then(open_brevo: OpenBrevo) -> None:
    """A share of answers can come without them."""
    brevo = open_brevo(Settings(limit_headers_gap=0.5))
    shown = ["x-sib-ratelimit-limit" in brevo.get("/contacts").headers for _ in range(40)]
    assert 5 <= sum(shown) <= 35


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (TooManyBody.CODE, b'{"code":"too_many_requests","message":"Too many requests"}'),
        (TooManyBody.MESSAGE, b'{"message":"Too many requests"}'),
        (TooManyBody.TEXT, b"Too many requests"),
        (TooManyBody.EMPTY, b""),
    ],
)
def test_the_body_of_a_429_is_a_switch(
    open_brevo: OpenBrevo, body: TooManyBody, content: bytes
) -> None:
    """Nobody documents the body, so a client must cope with any."""
    brevo = open_brevo(Settings(too_many_body=body))
    burst(brevo, "/contacts", 10)
    assert brevo.get("/contacts").content == content


def test_an_injected_429_has_nothing_remaining(brevo: Brevo) -> None:
    """A 429 by fault looks like one by limit."""
    brevo.sandbox.inject("*", status=429)
    answer = brevo.get("/contacts")
    assert (answer.status_code, answer.headers["x-sib-ratelimit-remaining"]) == (429, "0")


def test_routes_may_have_pools_of_their_own(open_brevo: OpenBrevo) -> None:
    """Whether all routes of contacts share one second is a switch."""
    brevo = open_brevo(Settings(limit_pool=LimitPool.PER_ROUTE))
    assert burst(brevo, "/contacts", 10) + burst(brevo, "/contacts/lists", 1) == [200] * 11


def test_the_bare_path_may_be_limited_like_everything_else(open_brevo: OpenBrevo) -> None:
    """Whether listing contacts is in the family of contacts is a switch."""
    brevo = open_brevo(Settings(bare_contacts_is_limited_alike=False))
    assert brevo.get("/contacts").headers["x-sib-ratelimit-limit"] == "100"


def test_limits_can_be_switched_off(open_brevo: OpenBrevo) -> None:
    """A test that is not about limits need not keep them."""
    assert burst(open_brevo(Settings(rate_limits=False)), "/contacts", 50) == [200] * 50
