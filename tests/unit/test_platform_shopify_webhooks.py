"""Shopify's webhooks."""

import json

import pytest

from customer_sync.core.model import Rejection
from customer_sync.platforms.shopify import FORMATS
from platform_builders import (
    SAMPLES,
    event,
    fields,
    named,
    read_file,
    recognised_by,
    rule,
    understood,
)

WEBHOOKS = named(FORMATS, "Shopify webhooks")
GID = "gid://shopify/Customer/7"
DELETED = {"id": 7, "tax_exemptions": [], "admin_graphql_api_id": GID}


def test_every_topic_becomes_its_event() -> None:
    """At the time that the body tells, else when the webhook was triggered."""
    name, items = read_file(FORMATS, SAMPLES / "shopify" / "webhooks.jsonl")
    assert name == "Shopify webhooks"
    told = [(event(item)["event"], event(item)["timestamp"], fields(item)["id"]) for item in items]
    assert told == [
        ("customer_created", "2026-06-01T00:00:00Z", "7490010000004"),
        ("customer_updated", "2026-06-02T09:00:00Z", "7490010000004"),
        ("customer_updated", "2026-06-03T10:00:00Z", "7490010000001"),
        ("customer_updated", "2026-06-04T10:00:00Z", "7490010000001"),
        ("customer_deleted", "2026-06-04T10:00:00Z", "7490010000003"),
        ("customer_deleted", "2026-06-05T10:00:00Z", "7490010000004"),
        ("customer_deleted", "2026-06-15T10:00:00Z", "7490010000002"),
    ]


def test_a_customer_update_without_consent_says_nothing_about_it() -> None:
    """Shopify leaves consent and tags out since 2025."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "webhooks.jsonl")
    assert fields(items[1]).keys().isdisjoint({"acceptsMarketing", "marketingState", "tags"})


def test_a_consent_update_says_nothing_else() -> None:
    """Other fields stay as they are."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "webhooks.jsonl")
    assert fields(items[2]) == {
        "source": "shopify",
        "id": "7490010000001",
        "email": "ada.quill@example.com",
        "marketingState": "unsubscribed",
        "acceptsMarketing": False,
        "acceptsMarketingUpdatedAt": "2026-06-03T09:59:59Z",
    }


def test_bare_bodies_are_known_by_their_shape() -> None:
    """A deletion and a consent look like nothing else."""
    name, items = read_file(FORMATS, SAMPLES / "shopify" / "webhook-bodies.jsonl")
    assert name == "Shopify webhooks"
    assert [event(item)["event"] for item in items] == ["customer_updated", "customer_deleted"]


def test_a_deletion_has_an_id_alone() -> None:
    """The address has to be remembered from before."""
    (item,) = understood(WEBHOOKS, DELETED)
    assert fields(item) == {"source": "shopify", "id": "7"}


def test_a_replayed_creation_deletes_nobody() -> None:
    """The signature does not cover the topic, so the body has to look like a deletion."""
    body = {**DELETED, "email": "ada@example.com"}
    (item,) = understood(WEBHOOKS, {"topic": "customers/delete", "body": body})
    assert rule(item) == ("webhook-body", "")


def test_a_whole_customer_with_few_fields_is_no_deletion() -> None:
    """Somebody with a phone is still there."""
    (item,) = understood(WEBHOOKS, {**DELETED, "phone": "+447700900101"})
    assert event(item)["event"] == "customer_listed"


def test_a_redaction_deletes_by_address_where_there_is_no_id() -> None:
    """Some are told without one."""
    body = {"customer": {"email": "ada@example.com"}, "orders_to_redact": []}
    (item,) = understood(WEBHOOKS, body)
    assert event(item)["event"] == "customer_deleted"
    assert fields(item) == {"source": "shopify", "email": "ada@example.com"}


def test_sms_consent_steers_sms_alone() -> None:
    """It is a topic of its own."""
    body = {"customer_id": 7, "sms_marketing_consent": {"state": "unsubscribed"}}
    (item,) = understood(WEBHOOKS, body)
    assert fields(item) == {"source": "shopify", "id": "7", "acceptsSmsMarketing": False}


@pytest.mark.parametrize("status", ["failed", "in_progress"])
def test_an_unfinished_merge_changes_nothing(status: str) -> None:
    """Both customers are still there."""
    body = {
        "admin_graphql_api_id_customer_kept": GID,
        "admin_graphql_api_id_customer_deleted": "gid://shopify/Customer/8",
        "status": status,
    }
    assert understood(WEBHOOKS, body) == []


@pytest.mark.parametrize("topic", ["customers/data_request", "shop/redact", "customer.tags_added"])
def test_topics_that_tell_nothing_about_a_customer_are_passed_over(topic: str) -> None:
    """They are Shopify's all the same."""
    delivery = {"topic": topic, "payload": {"id": 7}}
    assert recognised_by(FORMATS, contents=[delivery]) == ["Shopify webhooks"]
    assert understood(WEBHOOKS, delivery) == []


def test_an_unknown_topic_is_rejected() -> None:
    """Nobody knows what it would mean."""
    (item,) = understood(WEBHOOKS, {"topic": "customers/teleport", "body": {"id": 7}})
    assert rule(item) == ("webhook-topic", "")


def test_a_body_may_be_kept_as_the_text_that_it_was() -> None:
    """Only so its signature can be checked later."""
    delivery = {"topic": "customers/delete", "body": json.dumps(DELETED)}
    assert fields(understood(WEBHOOKS, delivery)[0])["id"] == "7"
    (torn,) = understood(WEBHOOKS, {**delivery, "body": '{"id": 7'})
    assert isinstance(torn, Rejection)


def test_headers_are_found_in_any_case_and_with_lists_of_values() -> None:
    """Servers keep them differently."""
    headers = {"x-shopify-topic": ["customers/delete"], "SHOPIFY-TRIGGERED-AT": "nonsense"}
    (item,) = understood(WEBHOOKS, {"headers": headers, "body": DELETED})
    assert event(item)["timestamp"] == "2026-07-01T12:00:00+00:00"
