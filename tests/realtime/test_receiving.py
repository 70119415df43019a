"""Requests are believed, refused or understood."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from customer_sync.config import Secret
from customer_sync.core.model import Rejection
from customer_sync.errors import ConfigError
from customer_sync.realtime.receiving import Receiving, Request, RequestRefused
from customer_sync.realtime.signatures import StandardVerifier, is_bearer, read_secrets
from realtime_stage import NOW, OLD_SECRET, RECEIVING, from_shopify, from_woocommerce, sign
from webhook_receiver import KEY

JANE = {"id": 7, "email": "jane@example.com", "updated_at": "2026-11-24T11:59:00Z"}
JO = {"id": 8, "email": "jo@example.com", "date_modified_gmt": "2026-11-24T11:59:00", "billing": {}}


def events_of(content: object, kind: str = "application/json") -> Request:
    """Return a request of plain events."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Request(body=body, headers={"content-type": kind}, at=NOW)


def event(email: str) -> dict[str, object]:
    """Return a plain event without a time."""
    return {"event": "customer_updated", "data": {"email": email}}


# ---------------------------------------------------------------- Shopify


@pytest.mark.parametrize("secret", ["hush", OLD_SECRET])
def test_a_webhook_signed_with_any_secret_is_believed(secret: str) -> None:
    """So that one can be changed for another without a gap."""
    (record,) = RECEIVING.shopify(from_shopify(JANE, secret=secret)).records
    assert isinstance(record.content, dict)
    assert record.content["event"] == "customer_updated"
    assert record.content["data"]["email"] == "jane@example.com"


def test_header_names_count_without_x_too() -> None:
    """Shopify's own library takes both."""
    request = from_shopify(JANE)
    headers = {name.removeprefix("x-"): value for name, value in request.headers.items()}
    assert RECEIVING.shopify(replace(request, headers=headers)) == RECEIVING.shopify(request)


@pytest.mark.parametrize("at", [0, 10, -1])
def test_one_bit_makes_the_signature_wrong(at: int) -> None:
    """Wherever it is."""
    request = from_shopify(JANE)
    changed = bytearray(request.body)
    changed[at] ^= 1
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.shopify(replace(request, body=bytes(changed)))
    assert caught.value.status == 401


def test_nobody_is_believed_without_a_secret() -> None:
    """An empty secret would be anybody's."""
    with pytest.raises(RequestRefused, match="No secret") as caught:
        Receiving().shopify(from_shopify(JANE, secret=""))
    assert caught.value.status == 401


@pytest.mark.parametrize("ago", [timedelta(hours=51), -timedelta(minutes=6)])
def test_what_was_triggered_long_ago_or_in_the_future_is_refused(ago: timedelta) -> None:
    """No platform repeats it for so long."""
    with pytest.raises(RequestRefused, match="too long ago") as caught:
        RECEIVING.shopify(from_shopify(JANE, ago=ago))
    assert caught.value.status == 400


def test_a_time_that_is_none_is_refused() -> None:
    """Rather than taken for now."""
    request = from_shopify(JANE)
    headers = {**request.headers, "x-shopify-triggered-at": "yesterday"}
    with pytest.raises(RequestRefused, match="is none"):
        RECEIVING.shopify(replace(request, headers=headers))


def test_a_customer_replayed_as_a_deletion_is_refused() -> None:
    """The topic is not covered by the signature; the body of a deletion looks otherwise."""
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.shopify(from_shopify(JANE, topic="customers/delete"))
    assert caught.value.status == 422
    assert [p.rule for p in caught.value.problems] == ["webhook-body"]


def test_a_deletion_that_looks_like_one_is_taken() -> None:
    """It is dated by when it was triggered."""
    body = {"id": 7, "tax_exemptions": [], "admin_graphql_api_id": "gid://shopify/Customer/7"}
    (record,) = RECEIVING.shopify(from_shopify(body, topic="customers/delete")).records
    assert isinstance(record.content, dict)
    assert record.content["event"] == "customer_deleted"


def test_a_topic_that_is_not_about_customers_is_refused() -> None:
    """Somebody subscribed to too much."""
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.shopify(from_shopify(JANE, topic="orders/create"))
    assert [p.rule for p in caught.value.problems] == ["webhook-topic"]


def test_a_customer_that_cannot_be_used_is_kept_as_rejected() -> None:
    """Refused again and again, the platform would end the subscription."""
    (record,) = RECEIVING.shopify(from_shopify([])).records
    assert isinstance(record, Rejection)


def test_a_webhook_is_known_by_its_id_and_by_what_it_says() -> None:
    """The id is not covered by the signature either."""
    first = RECEIVING.shopify(from_shopify(JANE, id_="d1"))
    replayed = RECEIVING.shopify(from_shopify(JANE, id_="d2"))
    other = RECEIVING.shopify(from_shopify({**JANE, "note": "x"}, id_="d3"))
    assert {*first.names} & {*replayed.names}
    assert not {*first.names} & {*other.names}


def test_a_signed_body_that_is_no_json_is_refused() -> None:
    """With 400."""
    request = from_shopify(JANE)
    for body in (b"{", b"\xff"):
        headers = {**request.headers, "x-shopify-hmac-sha256": sign(body)}
        with pytest.raises(RequestRefused) as caught:
            RECEIVING.shopify(replace(request, body=body, headers=headers))
        assert caught.value.status == 400


# ---------------------------------------------------------------- WooCommerce


def test_a_customer_of_woocommerce_is_taken() -> None:
    """By the topic in its header."""
    (record,) = RECEIVING.woocommerce(from_woocommerce(JO)).records
    assert isinstance(record.content, dict)
    assert record.content["event"] == "customer_updated"


def test_the_ping_is_answered_and_says_nothing() -> None:
    """It comes unsigned, when a webhook is made."""
    ping = Request(body=b"webhook_id=12", headers={}, at=NOW)
    assert RECEIVING.woocommerce(ping).records == ()


def test_what_only_begins_like_a_ping_is_none() -> None:
    """It needs a signature like anything else."""
    with pytest.raises(RequestRefused):
        RECEIVING.woocommerce(Request(body=b"webhook_id=1&email=x", headers={}, at=NOW))


def test_a_deletion_of_woocommerce_holds_an_id_and_no_more() -> None:
    """Else a recorded customer could be replayed as one."""
    (record,) = RECEIVING.woocommerce(from_woocommerce({"id": 8}, topic="customer.deleted")).records
    assert isinstance(record.content, dict)
    assert record.content["event"] == "customer_deleted"
    with pytest.raises(RequestRefused):
        RECEIVING.woocommerce(from_woocommerce(JO, topic="customer.deleted"))


# ---------------------------------------------------------------- Magento


def from_magento(content: object, *, ago: timedelta = timedelta()) -> Request:
    """Return what an extension sends, signed as Standard Webhooks has it."""
    body, now = json.dumps(content), datetime.now(UTC) - ago
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(KEY).sign("m1", now, body),
    }
    return Request(body=body.encode(), headers=headers, at=NOW)


def test_magento_may_send_events_or_customers() -> None:
    """As they are, or as REST has them."""
    (plain,) = RECEIVING.magento(from_magento(event("jane@example.com"))).records
    assert plain.content == event("jane@example.com")
    customer = {"id": 3, "email": "jo@example.com", "website_id": 1, "group_id": 1}
    (listed,) = RECEIVING.magento(from_magento(customer)).records
    assert isinstance(listed.content, dict)
    assert listed.content["data"]["email"] == "jo@example.com"


def test_magento_without_a_key_or_a_signature_is_not_believed() -> None:
    """Nor after five minutes, nor with nonsense in its place."""
    good = from_magento(event("jane@example.com"))
    nonsense = replace(good, headers={**good.headers, "webhook-signature": "nonsense"})
    for receiving, request in (
        (Receiving(), good),
        (RECEIVING, from_magento(event("jane@example.com"), ago=timedelta(minutes=6))),
        (RECEIVING, nonsense),
        (RECEIVING, replace(good, body=good.body + b" ")),
    ):
        with pytest.raises(RequestRefused) as caught:
            receiving.magento(request)
        assert caught.value.status == 401


def test_a_key_that_is_none_is_told_without_it() -> None:
    """By the variable's name."""
    with pytest.raises(ConfigError, match="THE_KEY") as caught:
        StandardVerifier([Secret("whsec_é")], variable="THE_KEY")
    assert "é" not in str(caught.value)


# ---------------------------------------------------------------- plain events


@pytest.mark.parametrize(
    "request_",
    [
        events_of([event("jane@example.com"), event("jo@example.com")]),
        events_of(
            b"".join(
                json.dumps(event(who)).encode() + b"\n\n"
                for who in ("jane@example.com", "jo@example.com")
            ),
            "application/x-ndjson",
        ),
    ],
    ids=["list", "lines"],
)
def test_events_come_as_a_list_or_as_lines(request_: Request) -> None:
    """Without a time of their own they are of now."""
    records = RECEIVING.plain(request_).records
    assert [r.content for r in records] == [
        {**event(who), "timestamp": NOW.isoformat()}
        for who in ("jane@example.com", "jo@example.com")
    ]


def test_a_broken_record_refuses_the_whole_request() -> None:
    """Its number leads the pointer."""
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.plain(events_of([event("jane@example.com"), event("nobody")]))
    assert caught.value.status == 422
    assert [(p.pointer, p.rule) for p in caught.value.problems] == [("/1/data/email", "email")]


def test_a_single_record_has_no_number() -> None:
    """There is none that it could be mistaken for."""
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.plain(events_of(event("nobody")))
    assert [p.pointer for p in caught.value.problems] == ["/data/email"]


def test_of_many_broken_records_a_hundred_problems_are_told() -> None:
    """More helps nobody."""
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.plain(events_of([event("nobody")] * 150))
    assert len(caught.value.problems) == 100


def test_an_empty_request_is_refused() -> None:
    """Whoever sent it meant something else."""
    with pytest.raises(RequestRefused) as caught:
        RECEIVING.plain(events_of([]))
    assert caught.value.status == 400


# ---------------------------------------------------------------- tokens


def test_secrets_stand_with_blanks_between() -> None:
    """And none where the variable is not set."""
    assert read_secrets("S", {"S": " one  two\n"}) == (Secret("one"), Secret("two"))
    assert read_secrets("S", {}) == ()


@pytest.mark.parametrize(
    ("header", "is_right"),
    [("Bearer two", True), ("bearer two", True), ("Basic two", False), ("Bearer t", False)],
)
def test_any_token_opens(header: str, is_right: bool) -> None:
    """As a bearer token only."""
    assert is_bearer(header, [Secret("one"), Secret("two")]) is is_right
