"""WooCommerce's customers: REST, the legacy of it, the customers report, webhooks."""

import pytest

from customer_sync.core.model import Rejection
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.woocommerce import FORMATS
from platform_builders import (
    SAMPLES,
    event,
    fields,
    named,
    read_file,
    recognised_by,
    rule,
    understood,
    warned,
)

REST = named(FORMATS, "WooCommerce REST")
REPORT = named(FORMATS, "WooCommerce customers report (JSON)")
CSV = named(FORMATS, "WooCommerce customers report (CSV)")
WEBHOOKS = named(FORMATS, "WooCommerce webhooks")
GUESTS = Wanted(include_guests=True)
FOLDER = SAMPLES / "woocommerce"
CUSTOMER = {"id": 7, "email": "ada@example.com", "date_created_gmt": None, "billing": {}}


@pytest.mark.parametrize(
    ("name", "expected", "count"),
    [
        ("customers.json", "WooCommerce REST customers (v3)", 2),
        ("customers-legacy.json", "WooCommerce legacy customers (wc-api v3)", 1),
        ("customers-report.json", "WooCommerce customers report (JSON)", 2),
        ("customers-report-server.csv", "WooCommerce customers report (CSV)", 2),
        ("customers-report-browser.csv", "WooCommerce customers report (CSV)", 2),
        ("webhooks.jsonl", "WooCommerce webhooks", 2),
        ("webhook-bodies.jsonl", "WooCommerce webhooks", 1),
    ],
)
def test_every_format_is_recognised_and_read(name: str, expected: str, count: int) -> None:
    """By one format each, guests included."""
    recognised, items = read_file(FORMATS, FOLDER / name, GUESTS)
    assert (recognised, len(items)) == (expected, count)


# ---------------------------------------------------------------- REST


def test_a_list_of_customers_is_read() -> None:
    """Times are UTC without saying so; the account's address counts, not the bill's."""
    _, items = read_file(FORMATS, FOLDER / "customers.json")
    assert event(items[0]) == {
        "event": "customer_listed",
        "timestamp": "2026-05-11T06:30:00Z",
        "data": {
            "source": "woocommerce",
            "id": "31",
            "email": "ada.quill@example.com",
            "createdAt": "2025-02-03T09:15:00Z",
            "updatedAt": "2026-05-11T06:30:00Z",
            "customerTier": "customer",
            "isGuest": False,
            "firstName": "Ada",
            "lastName": "Quill",
            "phone": "07700 900101",
            "company": "Quill & Daughters",
            "address1": "12 Harbour Row",
            "address2": None,
            "city": "Leeds",
            "zip": "LS1 4AB",
            "countryCode": "GB",
            "province": "West Yorkshire",
        },
    }


def test_what_the_account_lacks_comes_from_the_bill() -> None:
    """Empty text is never null at WooCommerce; a phone may be with the shipping address."""
    _, items = read_file(FORMATS, FOLDER / "customers.json")
    bruno = fields(items[1])
    assert (bruno["firstName"], bruno["lastName"]) == ("Bruno", "Marsh")
    assert bruno["phone"] == "(202) 555-0141"
    assert bruno["provinceCode"] == "NJ"


def test_a_customer_never_modified_is_as_old_as_the_file() -> None:
    """`date_modified_gmt` may be null."""
    _, items = read_file(FORMATS, FOLDER / "customers.json")
    assert event(items[1])["timestamp"] == "2026-07-01T12:00:00+00:00"
    assert fields(items[1])["updatedAt"] is None


@pytest.mark.parametrize("path", ["newsletter", "meta_data[newsletter]", "metaData[newsletter]"])
def test_consent_stands_where_the_configuration_says(path: str) -> None:
    """As text or as a number; without configuration nothing is known."""
    _, items = read_file(FORMATS, FOLDER / "customers.json", Wanted(consent_field=path))
    assert [fields(item)["acceptsMarketing"] for item in items] == [True, False]
    _, plain = read_file(FORMATS, FOLDER / "customers.json")
    assert not any("acceptsMarketing" in fields(item) for item in plain)


@pytest.mark.parametrize(
    ("value", "is_warned"), [("", False), (None, False), ("perhaps", True), ({"a": 1}, True)]
)
def test_consent_that_says_nothing_is_unknown(value: object, *, is_warned: bool) -> None:
    """Empty is silent, a word that nobody knows is not."""
    customer = {**CUSTOMER, "meta_data": [{"id": 1, "key": "newsletter", "value": value}]}
    (item,) = understood(REST, customer, wanted=Wanted(consent_field="newsletter"))
    assert "acceptsMarketing" not in fields(item)
    assert bool(warned(item)) is is_warned


def test_meta_data_passes_by_its_path_and_no_further() -> None:
    """Nothing else of it does."""
    wanted = Wanted(fields=frozenset({"meta_data[favourite_shop]"}))
    _, items = read_file(FORMATS, FOLDER / "customers.json", wanted)
    assert fields(items[0])["meta_data[favourite_shop]"] == "Leeds"
    assert "meta_data[favourite_shop]" not in fields(items[1])


def test_legacy_customers_have_totals() -> None:
    """And a date of the last order."""
    _, items = read_file(FORMATS, FOLDER / "customers-legacy.json")
    ada = fields(items[0])
    assert (ada["totalOrders"], ada["totalSpent"]) == (4, "210.00")
    assert ada["lastOrderDate"] == "2026-05-10T17:45:12Z"
    assert ada["address1"] == "12 Harbour Row"


@pytest.mark.parametrize("content", [5, None, [], {}, {"customers": [5]}])
def test_what_is_no_customer_is_rejected(content: object) -> None:
    """Without its content."""
    (item,) = understood(REST, content)
    assert isinstance(item, Rejection)
    assert item.content is None


def test_a_rounded_id_is_rejected() -> None:
    """It may be somebody else's."""
    assert rule(understood(REST, {**CUSTOMER, "id": "7.1E+12"})[0]) == ("exact-id", "/id")


# ---------------------------------------------------------------- the customers report


def test_the_reports_own_ids_are_not_the_customers() -> None:
    """`user_id` is; the time of the last order has no zone, so only its day counts."""
    _, items = read_file(FORMATS, FOLDER / "customers-report.json")
    (ada,) = map(fields, items)
    assert (ada["id"], ada["isGuest"]) == ("31", False)
    assert (ada["totalSpent"], ada["totalOrders"]) == ("210.1", 4)
    assert ada["lastOrderDate"] == "2026-05-10"
    assert ada["createdAt"] == "2025-02-03T09:15:00Z"
    assert ada["phone"] == "07700 900101"


def test_guests_come_when_asked_for() -> None:
    """They have no id, and their joined name is not split."""
    _, items = read_file(FORMATS, FOLDER / "customers-report.json", GUESTS)
    guest = fields(items[1])
    assert guest["isGuest"] is True
    assert guest.keys().isdisjoint({"id", "firstName", "lastName"})


@pytest.mark.parametrize("user_id", [0, "0", None, ""])
def test_a_guest_is_one_without_user(user_id: object) -> None:
    """Versions differ in how they say so."""
    row = {"user_id": user_id, "avg_order_value": 1, "email": "gus@example.net"}
    assert understood(REPORT, row) == []
    assert len(understood(REPORT, row, wanted=GUESTS)) == 1


def test_the_servers_csv_is_read() -> None:
    """The apostrophe guards a phone; the registration's day is known, its hour is not."""
    _, items = read_file(FORMATS, FOLDER / "customers-report-server.csv")
    (ada,) = map(fields, items)
    assert ada == {
        "source": "woocommerce",
        "isGuest": False,
        "email": "ada.quill@example.com",
        "phone": "+447700900101",
        "createdAt": "2025-02-03",
        "totalOrders": 4,
        "totalSpent": "210.1",
        "customerTier": "customer",
        "city": "Leeds",
        "zip": "LS1 4AB",
        "countryCode": "GB",
        "provinceCode": None,
    }


def test_the_browsers_csv_is_read() -> None:
    """A tab guards there, and countries and regions have names."""
    _, items = read_file(FORMATS, FOLDER / "customers-report-browser.csv", GUESTS)
    ada, guest = map(fields, items)
    assert ada["city"] == "-on-Sea"
    assert ada["country"] == "United Kingdom (UK)"
    assert "countryCode" not in ada
    assert guest["email"] == "+gus@example.net"
    assert (guest["province"], guest["isGuest"]) == ("New Jersey", True)


def test_guests_of_the_csv_have_no_username() -> None:
    """They are left out unless asked for."""
    row = {"Username": "", "AOV": "1", "Email": "gus@example.net"}
    assert understood(CSV, row) == []
    assert isinstance(understood(CSV, [row])[0], Rejection)
    assert isinstance(understood(REPORT, [row])[0], Rejection)


# ---------------------------------------------------------------- webhooks


def test_topics_become_events() -> None:
    """The ping and orders say nothing about customers."""
    _, items = read_file(FORMATS, FOLDER / "webhooks.jsonl", Wanted(consent_field="newsletter"))
    updated, deleted = items
    assert event(updated)["event"] == "customer_updated"
    assert event(updated)["timestamp"] == "2026-06-02T09:00:00Z"
    assert fields(updated)["acceptsMarketing"] is False
    assert event(deleted)["event"] == "customer_deleted"
    assert fields(deleted) == {"source": "woocommerce", "id": "31"}


def test_an_id_alone_is_a_deletion_only_by_itself() -> None:
    """A list that was asked for nothing but ids deletes nobody."""
    assert event(understood(WEBHOOKS, {"id": 7})[0])["event"] == "customer_deleted"
    (listed,) = understood(WEBHOOKS, {"customers": [{"id": 7}]})
    assert event(listed)["event"] == "customer_listed"


def test_ids_among_other_things_are_no_sign_of_woocommerce() -> None:
    """Any list may have them."""
    assert recognised_by(FORMATS, contents=[{"id": 7}, {"id": 8, "name": "x"}]) == []
    assert recognised_by(FORMATS, contents=[]) == []


def test_a_replayed_creation_deletes_nobody() -> None:
    """The signature does not cover the topic."""
    (item,) = understood(WEBHOOKS, {"topic": "customer.deleted", "body": CUSTOMER})
    assert rule(item) == ("webhook-body", "")


@pytest.mark.parametrize("body", ["webhook_id=5", {"webhook_id": 5}])
def test_a_ping_is_ignored(body: object) -> None:
    """It is sent when a webhook is set up."""
    assert understood(WEBHOOKS, {"topic": "customer.created", "body": body}) == []


def test_an_unknown_topic_or_body_is_rejected() -> None:
    """Nobody knows what it would mean."""
    odd = {"topic": "customer.teleported", "body": CUSTOMER}
    torn = {"topic": "customer.updated", "body": "{"}
    rules = [rule(item)[0] for item in understood(WEBHOOKS, odd, torn)]
    assert rules == ["webhook-topic", "json"]


def test_orders_are_no_customers() -> None:
    """They have a billing address and times, too."""
    order = {"id": 9, "date_created_gmt": "x", "billing": {}, "line_items": []}
    assert recognised_by(FORMATS, contents=[order]) == []
