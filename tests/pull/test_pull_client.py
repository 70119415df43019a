"""What holds for requests to all shops: retries, bounds, secrets."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from starlette.responses import RedirectResponse, Response

from customer_sync.clock import SimulatedClock
from customer_sync.config import ShopSettings, SourceName
from customer_sync.errors import (
    ConfigError,
    CustomerSyncError,
    ShopAuthError,
    ShopRefused,
    ShopUnavailable,
)
from customer_sync.pull import client
from customer_sync.pull.shops import Door
from pull_looking import Fetch, fields
from shop_emulators import SECRETS, Breaking, WooShop, page, woo_customer

WOO = SourceName.WOOCOMMERCE


@pytest.fixture
def shop(clock: SimulatedClock) -> WooShop:
    """Return a shop with one customer."""
    return WooShop(customers=[woo_customer(1)], clock=clock)


def plain(status: int, **headers: str) -> Response:
    """Return an answer without a page."""
    return Response("", status, headers)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 521])
def test_what_may_pass_is_tried_again(fetch: Fetch, shop: WooShop, status: int) -> None:
    """As a page or not, until there are customers."""
    shop.troubles = [plain(status), page(status)]
    assert len(fields(fetch(WOO, shop.transport))) == 1
    assert len(shop.requests) == 3


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout]
)
def test_broken_connections_are_tried_again(
    fetch: Fetch, shop: WooShop, error: type[httpx.TransportError]
) -> None:
    """Whichever way they break."""
    transport = Breaking(inner=shop.transport, times=3, error=error)
    assert len(fields(fetch(WOO, transport))) == 1


def test_every_attempt_is_told(fetch: Fetch, shop: WooShop) -> None:
    """By its path alone, with what became of it and the pauses since the first."""
    shop.troubles = [plain(503, **{"retry-after": "40"})]
    told: list[client.ShopRequest] = []
    transport = Breaking(inner=shop.transport, times=1, error=httpx.ReadError)
    fetch(WOO, transport, on_request=told.append)
    assert [(one.status, one.error, one.attempt) for one in told] == [
        (None, "ReadError", 1),
        (503, "", 2),
        (200, "", 3),
    ]
    assert {one.route for one in told} == {"GET /wp-json/wc/v3/customers"}
    assert told[0].waited_s == 0
    assert told[2].waited_s >= 40


def test_trying_has_an_end(fetch: Fetch, shop: WooShop) -> None:
    """Then the shop is unavailable, and the last reason is told."""
    shop.troubles = [page(503) for _ in range(100)]
    with pytest.raises(ShopUnavailable, match=r"8 attempts: it answers with a web page and .* 503"):
        fetch(WOO, shop.transport)


def test_trying_ends_with_the_time_of_the_run(
    fetch: Fetch, shop: WooShop, clock: SimulatedClock
) -> None:
    """No pause goes past it."""
    shop.troubles = [plain(429, **{"retry-after": "60"}) for _ in range(100)]
    with pytest.raises(ShopUnavailable):
        fetch(WOO, shop.transport, deadline=100.0)
    assert clock.monotonic() <= 100.0


def test_the_shop_is_waited_for_as_it_asks(
    fetch: Fetch, shop: WooShop, clock: SimulatedClock
) -> None:
    """In seconds, or until a time."""
    until = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    shop.troubles = [plain(429, **{"retry-after": "40"}), plain(503, **{"retry-after": until})]
    fetch(WOO, shop.transport)
    assert 90.0 <= clock.monotonic() < 130.0


@pytest.mark.parametrize("after", ["1e9", "-5", "999999999999", "soon", "٣", "Wed, 99 Foo"])
def test_what_a_shop_asks_for_is_not_trusted(
    fetch: Fetch, shop: WooShop, clock: SimulatedClock, after: str
) -> None:
    """Nobody waits for years."""
    shop.troubles = [Response("", 429)]
    shop.troubles[0].raw_headers.append((b"retry-after", after.encode()))
    fetch(WOO, shop.transport)
    assert clock.monotonic() <= client.LONGEST_PAUSE_S


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(fetch: Fetch, shop: WooShop, status: int) -> None:
    """Whoever they lead to would get the key."""
    shop.troubles = [RedirectResponse("https://elsewhere.example.com/", status)]
    with pytest.raises(ShopRefused, match="leads to another address"):
        fetch(WOO, shop.transport)
    assert len(shop.requests) == 1


def test_a_firewall_is_told_from_a_refused_key(fetch: Fetch, shop: WooShop) -> None:
    """The one answers with a page, the other with a word."""
    shop.troubles = [page(403)]
    with pytest.raises(ShopRefused, match="firewall") as caught:
        fetch(WOO, shop.transport)
    assert not isinstance(caught.value, ShopAuthError)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (plain(404), "404"),
        (page(200), "web page"),
        (Response("no JSON"), "no JSON"),
        (Response("[" * 1000 + "]" * 1000), "no JSON"),
        (Response(b"\xff\xfe["), "no JSON"),
        (Response("{}"), "list of customers"),
        (Response('[{"id": "1"}]'), "order"),
        (Response('{"code": "rest_no_route"}', 404), "rest_no_route"),
    ],
)
def test_other_answers_are_told(fetch: Fetch, shop: WooShop, answer: Response, told: str) -> None:
    """At once, with what to do."""
    shop.troubles = [answer]
    with pytest.raises(ShopRefused, match=told) as caught:
        fetch(WOO, shop.transport)
    assert caught.value.hint


def test_a_byte_order_mark_does_no_harm(fetch: Fetch, shop: WooShop) -> None:
    """Plugins print them."""
    shop.troubles = [Response(b"\xef\xbb\xbf[]")]
    assert fields(fetch(WOO, shop.transport)) == []


def test_answers_are_bounded(fetch: Fetch, shop: WooShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers with more than any page is no shop."""
    monkeypatch.setattr(client, "LARGEST_ANSWER", 100)
    with pytest.raises(ShopRefused, match="more than 100 bytes"):
        fetch(WOO, shop.transport)


@pytest.mark.parametrize("layers", ["gzip, gzip", "zstd", "br"])
def test_compression_that_grows_without_bounds_is_not_undone(
    fetch: Fetch, shop: WooShop, layers: str
) -> None:
    """A few bytes could become more than the memory holds before anybody counts them."""
    shop.troubles = [Response(b"[]", headers={"content-encoding": layers})]
    with pytest.raises(ShopRefused, match="compression that nobody asked for"):
        fetch(WOO, shop.transport)


def test_no_proxy_sees_what_stays_on_this_machine(
    clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxies are for the world."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    proxied = []
    for url in ("http://127.0.0.1:8080", "https://shop.example.com"):
        http = client.ShopClient(url, clock=clock)._http
        proxied.append(http._transport_for_url(httpx.URL(url)) is not http._transport)
    assert proxied == [False, True]


@pytest.mark.parametrize(
    "trouble",
    [
        page(400),
        page(401),
        page(403),
        page(404),
        page(503),
        *(Response(f'{{"code": "{secret}", "message": "{secret}"}}', 403) for secret in SECRETS),
    ],
)
def test_no_error_shows_a_secret(fetch: Fetch, shop: WooShop, trouble: Response) -> None:
    """Nor a customer's address, though the answer repeats them."""
    shop.troubles = [trouble] * 20
    with pytest.raises(CustomerSyncError) as caught:
        fetch(WOO, shop.transport)
    told = f"{caught.value} {caught.value.hint} {caught.value!r} {caught.value.__cause__!r}"
    assert not any(secret in told for secret in (*SECRETS, "zoe@example.com"))


def test_a_broken_connection_shows_no_secret(fetch: Fetch, shop: WooShop) -> None:
    """Though its own words do."""
    with pytest.raises(ShopUnavailable) as caught:
        fetch(WOO, Breaking(inner=shop.transport, times=100))
    assert not any(secret in str(caught.value) for secret in SECRETS)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("environ", [{}, {"WOOCOMMERCE_CONSUMER_KEY": "two words"}])
def test_a_missing_or_broken_secret_names_its_variable(
    environ: dict[str, str], clock: SimulatedClock
) -> None:
    """Before any request."""
    door = Door(platform=WOO, shop=ShopSettings(url="https://shop.example.com"), environ=environ)

    async def opening() -> None:
        async with door.open(clock):
            pytest.fail("it opened")

    with (
        asyncio.Runner(loop_factory=clock.new_event_loop) as runner,
        pytest.raises(ConfigError, match="CONSUMER_KEY") as caught,
    ):
        runner.run(opening())
    assert "two words" not in str(caught.value)
