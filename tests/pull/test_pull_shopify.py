"""Customers pulled from Shopify."""

import json
from datetime import UTC, datetime

import pytest
from starlette.responses import PlainTextResponse, Response

from customer_sync.clock import SimulatedClock
from customer_sync.config import ShopSettings, SourceName
from customer_sync.errors import ShopAuthError, ShopRefused, ShopUnavailable, SourceError
from customer_sync.platforms.format import Wanted
from customer_sync.pull.shopify_api import pause_s
from pull_looking import Fetch, fields
from shop_emulators import TOKEN, ShopifyShop, page, shopify_customer

SHOPIFY = SourceName.SHOPIFY
URL = "https://shop.example.com"
SMALL = ShopSettings(url=URL, page_size=3)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
APP = ShopSettings(
    url=URL,
    client_id_variable="SHOPIFY_CLIENT_ID",
    client_secret_variable="SHOPIFY_CLIENT_SECRET",
)


@pytest.fixture
def shop(clock: SimulatedClock) -> ShopifyShop:
    """Return a shop with seven customers."""
    return ShopifyShop(customers=[shopify_customer(n) for n in range(1, 8)], clock=clock)


def error(code: str) -> dict[str, object]:
    """Return an error of GraphQL's, which repeats a secret."""
    path = ["customers", "nodes", 0, "defaultEmailAddress"]
    return {"message": f"no {TOKEN}", "path": path, "extensions": {"code": code}}


# ---------------------------------------------------------------- changes


def test_changes_come_page_by_page(fetch: Fetch, shop: ShopifyShop) -> None:
    """The longest unchanged first, each once."""
    pulled = fields(fetch(SHOPIFY, shop.transport, settings=SMALL, since=LONG_AGO))
    assert [one["id"] for one in pulled] == list("1234567")
    assert len(shop.bodies) == 3


def test_only_changes_are_pulled(fetch: Fetch, shop: ShopifyShop) -> None:
    """The time itself included."""
    since = datetime(2026, 2, 7, 4, 5, 6, tzinfo=UTC)
    assert [one["id"] for one in fields(fetch(SHOPIFY, shop.transport, since=since))] == ["6", "7"]


def test_whoever_changes_meanwhile_comes_again(fetch: Fetch, shop: ShopifyShop) -> None:
    """At the end of the list."""

    def change(number: int) -> None:
        if number == 1:
            shop.customers[6]["updatedAt"] = "2026-02-28T00:00:00Z"

    shop.before = change
    pulled = fields(fetch(SHOPIFY, shop.transport, settings=SMALL, since=LONG_AGO))
    assert {one["id"] for one in pulled} == set("1234567")


def test_customers_are_read_as_from_a_file(fetch: Fetch, shop: ShopifyShop) -> None:
    """By the same reader; what nobody maps is not even asked for."""
    pulled = fields(fetch(SHOPIFY, shop.transport, since=LONG_AGO))
    assert pulled[0]["email"] == "person1@example.com"
    assert pulled[0]["acceptsSmsMarketing"] is True
    assert pulled[0]["totalSpent"] == "118.9"
    assert "note" not in pulled[0]
    assert "lastOrderDate" not in pulled[0]


def test_what_is_mapped_is_asked_for(fetch: Fetch, shop: ShopifyShop) -> None:
    """A note and the last order."""
    mapped = frozenset({"note", "lastOrderDate"})
    pulled = fields(fetch(SHOPIFY, shop.transport, since=LONG_AGO, mapped=mapped))
    assert pulled[0]["note"] == "never to be seen unasked"
    assert pulled[0]["lastOrderDate"]


@pytest.mark.parametrize(
    ("version", "consent"), [("2026-07", "marketingState"), ("2026-10", "smsMarketingConsent")]
)
def test_consent_to_text_messages_is_asked_for_by_version(
    fetch: Fetch, shop: ShopifyShop, version: str, consent: str
) -> None:
    """It moved into an object of its own."""
    settings = ShopSettings(url=URL, api_version=version)
    fetch(SHOPIFY, shop.transport, settings=settings, since=LONG_AGO)
    assert f"phoneNumber {consent}" in shop.bodies[0]["query"]
    assert shop.requests[0][0] == f"/admin/api/{version}/graphql.json"


def test_a_question_that_costs_too_much_becomes_smaller(fetch: Fetch, shop: ShopifyShop) -> None:
    """As often as it takes."""
    shop.most_at_once = 40
    assert len(fields(fetch(SHOPIFY, shop.transport, since=LONG_AGO))) == 7
    assert [body["variables"]["first"] for body in shop.bodies] == [250, 125, 62, 31]


def test_questions_wait_until_they_are_paid_for(
    fetch: Fetch, shop: ShopifyShop, clock: SimulatedClock
) -> None:
    """400 points are missing twice, and 100 come back in a second."""
    shop.available = 100
    fetch(SHOPIFY, shop.transport, settings=SMALL, since=LONG_AGO)
    assert clock.monotonic() == pytest.approx(8.0)


def test_a_throttled_question_is_put_off(
    fetch: Fetch, shop: ShopifyShop, clock: SimulatedClock
) -> None:
    """And answered in the end."""
    shop.errors = [error("THROTTLED")] * 3
    assert len(fields(fetch(SHOPIFY, shop.transport, since=LONG_AGO))) == 7
    assert clock.monotonic() >= 3.0


def test_a_shop_that_throttles_for_ever_is_unavailable(fetch: Fetch, shop: ShopifyShop) -> None:
    """Putting off has an end."""
    shop.errors = [error("THROTTLED")] * 100
    with pytest.raises(ShopUnavailable, match="puts every question off"):
        fetch(SHOPIFY, shop.transport, since=LONG_AGO)


@pytest.mark.parametrize(
    "cost",
    [
        None,
        {"requestedQueryCost": 10, "throttleStatus": None},
        {
            "requestedQueryCost": "many",
            "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 1},
        },
        {"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 0}},
        {"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": -5}},
        {
            "requestedQueryCost": 1e300,
            "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 1},
        },
    ],
)
def test_costs_without_sense_ask_for_no_wait(cost: object) -> None:
    """They are the shop's word, not the law."""
    assert pause_s({"extensions": {"cost": cost}}) == 0.0


def test_an_answer_with_errors_is_not_used(fetch: Fetch, shop: ShopifyShop) -> None:
    """Fields that were refused stand there as null, and would clear what is known."""
    shop.errors = [error("ACCESS_DENIED")]
    with pytest.raises(ShopAuthError, match=r"customers\.nodes\.defaultEmailAddress") as caught:
        fetch(SHOPIFY, shop.transport, since=LONG_AGO)
    assert TOKEN not in str(caught.value)


def test_held_back_addresses_stop_it(fetch: Fetch, shop: ShopifyShop) -> None:
    """An app without approval gets null for every address."""
    for customer in shop.customers:
        customer["defaultEmailAddress"] = None
    with pytest.raises(SourceError, match="no email address"):
        fetch(SHOPIFY, shop.transport, since=LONG_AGO)


def test_changed_customers_without_address_do_not_stop_it(fetch: Fetch, shop: ShopifyShop) -> None:
    """People with only a phone change, too; others show that addresses are given."""
    for customer in shop.customers[5:]:
        customer["defaultEmailAddress"] = None
    since = datetime(2026, 2, 7, tzinfo=UTC)
    assert len(fields(fetch(SHOPIFY, shop.transport, since=since))) == 2


# ---------------------------------------------------------------- everybody


def test_everybody_comes_by_a_bulk_operation(fetch: Fetch, shop: ShopifyShop) -> None:
    """Started, looked at until it is over, and downloaded."""
    pulled = fields(fetch(SHOPIFY, shop.transport))
    assert [one["id"] for one in pulled] == list("1234567")
    assert shop.requests[-1][0] == "/files/1"


def test_the_token_does_not_go_where_the_file_is(fetch: Fetch, shop: ShopifyShop) -> None:
    """The file is kept by somebody else."""
    fetch(SHOPIFY, shop.transport)
    assert TOKEN not in str(dict(shop.requests[-1][2]))


def test_metafields_are_joined(fetch: Fetch, shop: ShopifyShop) -> None:
    """They are lines of their own."""
    shop.metafields = [
        {
            "id": "gid://shopify/Metafield/1",
            "namespace": "custom",
            "key": "loyalty_tier",
            "value": "gold",
            "__parentId": "gid://shopify/Customer/3",
        }
    ]
    names = frozenset({"metafields.custom.loyaltyTier"})
    pulled = fields(fetch(SHOPIFY, shop.transport, mapped=names, wanted=Wanted(fields=names)))
    tiers = {one["id"]: one.get("metafields.custom.loyaltyTier") for one in pulled}
    assert tiers["3"] == "gold"
    assert "metafields" in shop.bodies[0]["variables"]["query"]


def test_an_empty_shop_gives_nobody(fetch: Fetch) -> None:
    """There is no file then."""
    assert fields(fetch(SHOPIFY, ShopifyShop(customers=[]).transport)) == []


def test_another_operation_is_waited_for(fetch: Fetch, shop: ShopifyShop) -> None:
    """Some other program started it, so it is left alone."""
    shop.operations["other"] = {"id": "other", "status": "RUNNING", "query": "{}", "looks": 0}
    assert len(fields(fetch(SHOPIFY, shop.transport))) == 7
    assert shop.operations["other"]["status"] == "COMPLETED"


def test_the_operation_of_an_interrupted_pull_is_ended(fetch: Fetch, shop: ShopifyShop) -> None:
    """It is ours, and what it would give is older than what is asked for now."""
    fetch(SHOPIFY, shop.transport)
    left = next(iter(shop.operations.values()))
    left["status"] = "RUNNING"
    assert len(fields(fetch(SHOPIFY, shop.transport))) == 7
    assert left["status"] == "CANCELED"


@pytest.mark.parametrize("status", ["FAILED", "CANCELED", "EXPIRED"])
def test_an_operation_that_fails_stops_it(fetch: Fetch, shop: ShopifyShop, status: str) -> None:
    """Incomplete customers are never used."""
    shop.ends_with = {"status": status, "errorCode": "ACCESS_DENIED", "url": None}
    with pytest.raises(ShopRefused, match="did not complete"):
        fetch(SHOPIFY, shop.transport)


def test_a_file_that_breaks_off_is_fetched_again(fetch: Fetch, shop: ShopifyShop) -> None:
    """The size tells."""
    shop.downloads = [PlainTextResponse("{}"), page(503)]
    assert len(fields(fetch(SHOPIFY, shop.transport))) == 7


def test_a_damaged_file_stops_it(fetch: Fetch, shop: ShopifyShop) -> None:
    """Whom a broken line is about cannot be known."""
    shop.downloads = [PlainTextResponse("{" * 100_000)]
    with pytest.raises(ShopRefused, match=r"shopify::1: .*damaged"):
        fetch(SHOPIFY, shop.transport)


def test_a_place_that_is_not_encrypted_is_refused(fetch: Fetch, shop: ShopifyShop) -> None:
    """Also where it is on this machine, which the shop has no business with."""
    for place in ("http://shop.example.com", "http://127.0.0.1:9", "file:///etc/passwd#"):
        shop.base = place
        with pytest.raises(ShopRefused, match="not encrypted"):
            fetch(SHOPIFY, shop.transport)


def test_a_lost_operation_stops_it(fetch: Fetch, shop: ShopifyShop) -> None:
    """It is looked for once."""

    def lose(number: int) -> None:
        if number == 1:
            shop.troubles = [Response(json.dumps({"data": {"node": None}}))]

    shop.before = lose
    with pytest.raises(ShopRefused, match="lost"):
        fetch(SHOPIFY, shop.transport)


def test_waiting_for_an_operation_ends_with_the_time_of_the_run(
    fetch: Fetch, shop: ShopifyShop, clock: SimulatedClock
) -> None:
    """`--max-duration` holds here, too."""
    shop.looks_until_done = 10_000
    with pytest.raises(ShopUnavailable, match="time for this run"):
        fetch(SHOPIFY, shop.transport, deadline=clock.monotonic() + 600)
    assert clock.monotonic() <= 600


# ---------------------------------------------------------------- tokens


def test_an_app_fetches_its_token(fetch: Fetch, shop: ShopifyShop) -> None:
    """Once for all questions."""
    assert len(fields(fetch(SHOPIFY, shop.transport, settings=APP))) == 7
    paths = [path for path, _, _ in shop.requests]
    assert paths.count("/admin/oauth/access_token") == 1


def test_an_app_fetches_another_token_when_the_first_expires(
    fetch: Fetch, shop: ShopifyShop
) -> None:
    """Bulk operations may take longer than a day."""

    def expire(number: int) -> None:
        if number == 2:
            shop.tokens = ["shpat_another"]

    shop.before = expire
    assert len(fields(fetch(SHOPIFY, shop.transport, settings=APP))) == 7


def test_a_refused_app_is_told(
    fetch: Fetch, shop: ShopifyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what the shop says, which may repeat the secret."""
    monkeypatch.setattr("shop_emulators.CLIENT_SECRET", "another")
    with pytest.raises(ShopRefused, match="400"):
        fetch(SHOPIFY, shop.transport, settings=APP)


def test_a_refused_token_is_told(fetch: Fetch, shop: ShopifyShop) -> None:
    """After one request."""
    shop.tokens = ["shpat_another"]
    with pytest.raises(ShopAuthError, match="401"):
        fetch(SHOPIFY, shop.transport)
    assert len(shop.requests) == 1
