"""Shopify's REST and GraphQL customers, and the bulk operation's lines."""

import json
from collections.abc import Iterator

import pytest

from customer_sync.core.model import Record, Rejection
from customer_sync.errors import SourceError
from customer_sync.platforms.canonical import ADDRESS_FIELDS
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.shopify import FORMATS
from platform_builders import (
    SAMPLES,
    event,
    fields,
    named,
    read_file,
    recognised_by,
    record,
    rule,
    understood,
    warned,
)

REST = named(FORMATS, "Shopify REST")
GRAPHQL = named(FORMATS, "Shopify GraphQL")
BULK = named(FORMATS, "Shopify bulk")
TIER = Wanted(fields=frozenset({"metafields.custom.tier"}))
ADA = "gid://shopify/Customer/7"


# ---------------------------------------------------------------- REST


def test_a_list_of_customers_is_read() -> None:
    """Times move to UTC, money stays text, the customer's phone goes before the address's."""
    name, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-rest.json")
    assert name == "Shopify REST customers"
    assert event(items[0]) == {
        "event": "customer_listed",
        "timestamp": "2026-05-11T06:30:00Z",
        "data": {
            "source": "shopify",
            "id": "7490010000001",
            "email": "ada.quill@example.com",
            "firstName": "Ada",
            "lastName": "Quill",
            "createdAt": "2025-02-03T09:15:00Z",
            "updatedAt": "2026-05-11T06:30:00Z",
            "totalOrders": 4,
            "totalSpent": "210.00",
            "currency": "GBP",
            "tags": ["VIP", "wholesale"],
            "note": None,
            "taxExempt": False,
            "verifiedEmail": True,
            "marketingState": "subscribed",
            "acceptsMarketing": True,
            "acceptsMarketingUpdatedAt": "2025-02-03T09:15:00Z",
            "acceptsSmsMarketing": False,
            "phone": "+447700900101",
            "company": "Quill & Daughters",
            "address1": "12 Harbour Row",
            "address2": None,
            "city": "Leeds",
            "province": "England",
            "provinceCode": "ENG",
            "zip": "LS1 4AB",
            "countryCode": "GB",
            "country": "United Kingdom",
        },
    }


def test_a_customer_without_addresses_has_an_empty_one() -> None:
    """The list of addresses is there and empty; consent that is null is unknown."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-rest.json")
    bruno = fields(items[1])
    assert all(bruno[name] is None for name in ADDRESS_FIELDS)
    assert bruno["phone"] is None
    assert bruno["marketingState"] == "unsubscribed"
    assert "acceptsSmsMarketing" not in bruno


def test_a_customer_whose_addresses_are_not_told_keeps_them() -> None:
    """Absent is not empty."""
    (item,) = understood(REST, {"id": 7, "verified_email": True, "tax_exempt": False})
    assert fields(item).keys().isdisjoint({*ADDRESS_FIELDS, "phone", "email", "acceptsMarketing"})


def test_the_consent_object_outranks_the_old_flag() -> None:
    """They may disagree; that is a warning."""
    customer = {
        "id": 7,
        "accepts_marketing": True,
        "email_marketing_consent": {"state": "not_subscribed"},
    }
    (item,) = understood(REST, customer)
    assert fields(item)["acceptsMarketing"] is False
    assert warned(item) == {"acceptsMarketing"}


@pytest.mark.parametrize("consent", [None, {}, {"state": None}])
def test_the_old_flag_counts_where_there_is_no_state(consent: object) -> None:
    """Answers of old have nothing else."""
    customer = {"id": 7, "accepts_marketing": True, "email_marketing_consent": consent}
    (item,) = understood(REST, customer)
    assert fields(item)["acceptsMarketing"] is True
    assert warned(item) == set()


def test_a_gid_outranks_the_number_that_was_rounded() -> None:
    """JavaScript cannot hold 18 digits."""
    gid = "gid://shopify/Customer/706405506930370084"
    (item,) = understood(REST, {"id": 706405506930370000, "admin_graphql_api_id": gid})
    assert fields(item)["id"] == "706405506930370084"
    assert warned(item) == {"id"}


def test_a_gid_that_is_none_leaves_the_number() -> None:
    """It is nobody's."""
    gid = "gid://shopify/Customer/x"
    (item,) = understood(REST, {"id": 7, "admin_graphql_api_id": gid})
    assert fields(item)["id"] == "7"


@pytest.mark.parametrize(("state", "flag"), [("perhaps", True), ("subscribed", "perhaps")])
def test_consent_that_cannot_be_read_contradicts_nothing(state: str, flag: object) -> None:
    """An unreadable state is a warning of its own, and unknown."""
    customer = {"id": 7, "accepts_marketing": flag, "email_marketing_consent": {"state": state}}
    (item,) = understood(REST, customer)
    assert fields(item).get("acceptsMarketing") is (True if state == "subscribed" else None)


def test_a_single_customer_is_read() -> None:
    """With its wrapper."""
    single = {"customer": {"id": 7, "email": "ada@example.com", "verified_email": True}}
    (item,) = understood(REST, single)
    assert fields(item)["id"] == "7"


@pytest.mark.parametrize("content", [5, None, [], {}, {"customer": None}, {"customers": [5]}])
def test_what_is_no_customer_is_rejected(content: object) -> None:
    """With its place, without its content."""
    (item,) = understood(REST, content)
    assert isinstance(item, Rejection)
    assert item.content is None


def test_fields_of_the_shops_own_pass_when_named() -> None:
    """Everything else does not, though the record is full of it."""
    customer = {"id": 7, "state": "enabled", "last_order_name": "#1", "verified_email": True}
    (item,) = understood(REST, customer, wanted=Wanted(fields=frozenset({"lastOrderName"})))
    assert fields(item)["lastOrderName"] == "#1"
    assert "state" not in fields(item)


# ---------------------------------------------------------------- GraphQL


def test_a_page_of_customers_is_read() -> None:
    """Counts come as text, states in capitals, metafields in a connection."""
    name, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-graphql.json", TIER)
    assert name == "Shopify GraphQL answers"
    ada = fields(items[0])
    assert ada["id"] == "7490010000001"
    assert ada["totalOrders"] == 4
    assert ada["totalSpent"] == "210.0"
    assert ada["lastOrderDate"] == "2026-05-10T17:45:12Z"
    assert (ada["countryCode"], ada["province"]) == ("GB", "England")
    assert (ada["acceptsMarketing"], ada["acceptsSmsMarketing"]) == (True, False)
    assert ada["metafields.custom.tier"] == "gold"


def test_nulls_are_empty_and_what_was_not_asked_for_is_absent() -> None:
    """A null address empties all its fields; a locale that is no language is left out."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-graphql.json", TIER)
    femi = fields(items[1])
    assert all(femi[name] is None for name in ADDRESS_FIELDS)
    assert (femi["lastName"], femi["lastOrderDate"], femi["phone"]) == (None, None, None)
    assert femi.keys().isdisjoint({"locale", "note", "metafields.custom.tier"})
    assert (femi["marketingState"], femi["acceptsMarketing"]) == ("pending", False)
    assert warned(items[1]) == {"locale"}


def test_customers_are_found_under_any_name() -> None:
    """Queries may use aliases, nodes or edges, and ask for one customer twice."""
    customer = {"id": ADA, "email": "ada@example.com"}
    other = {"id": "gid://shopify/Customer/8", "email": "bo@example.com"}
    answer = {"data": {"one": customer, "again": customer, "page": {"nodes": [other]}}}
    assert recognised_by(FORMATS, contents=[answer]) == ["Shopify GraphQL answers"]
    assert [fields(item)["id"] for item in understood(GRAPHQL, answer)] == ["7", "8"]


def test_customers_without_ids_are_known_by_their_connection() -> None:
    """Not every query asks for ids."""
    answer = {"data": {"customers": {"nodes": [{"email": "ada@example.com"}]}}}
    (item,) = understood(GRAPHQL, answer)
    assert fields(item)["email"] == "ada@example.com"


def test_the_fields_of_today_are_preferred() -> None:
    """The deprecated ones may lag behind; consent that differs is a warning."""
    node = {
        "id": ADA,
        "email": "old@example.com",
        "emailMarketingConsent": {"marketingState": "SUBSCRIBED"},
        "defaultEmailAddress": {
            "emailAddress": "ada@example.com",
            "marketingState": "UNSUBSCRIBED",
        },
        "defaultPhoneNumber": {
            "phoneNumber": "+447700900101",
            "smsMarketingConsent": {"state": "SUBSCRIBED"},
        },
    }
    (item,) = understood(GRAPHQL, {"data": {"customer": node}})
    assert fields(item)["email"] == "ada@example.com"
    assert fields(item)["acceptsMarketing"] is False
    assert fields(item)["acceptsSmsMarketing"] is True
    assert warned(item) == {"acceptsMarketing"}


def test_a_page_without_any_email_stops_the_run() -> None:
    """Shopify gives null to apps that may not see them, and the message says so."""
    nodes = [{"id": f"gid://shopify/Customer/{n}", "email": None} for n in (7, 8)]
    with pytest.raises(SourceError, match="no email address") as caught:
        understood(GRAPHQL, {"data": {"customers": {"nodes": nodes}}})
    assert "protected customer data" in str(caught.value.hint)


def test_one_email_is_enough_to_go_on() -> None:
    """Others are customers by phone alone."""
    nodes = [{"id": ADA, "email": None}, {"id": "gid://shopify/Customer/8", "email": "b@x.org"}]
    assert len(understood(GRAPHQL, {"data": {"customers": {"nodes": nodes}}})) == 2


def test_one_customer_by_phone_alone_is_no_reason_to_stop() -> None:
    """The phone shows that protected data is seen."""
    node = {"id": ADA, "email": None, "phone": "+447700900101"}
    assert len(understood(GRAPHQL, {"data": {"customer": node}})) == 1


def test_an_error_is_rejected_with_its_code() -> None:
    """The message could hold anything, the code is Shopify's word."""
    errors = [{"message": "...", "extensions": {"code": "ACCESS_DENIED"}}]
    (item,) = understood(GRAPHQL, {"errors": errors, "data": None})
    assert isinstance(item, Rejection)
    assert "ACCESS_DENIED" in item.problems[0].detail


# ---------------------------------------------------------------- bulk operations


def test_metafields_are_joined_wherever_they_stand() -> None:
    """Children need not follow their parent; other children are passed over."""
    name, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-bulk.jsonl", TIER)
    assert name == "Shopify bulk operation (JSON lines)"
    tiers = [fields(item)["metafields.custom.tier"] for item in items[:2]]
    assert tiers == ["gold", "silver"]


def test_a_child_without_parent_is_rejected_with_its_line() -> None:
    """The file may be incomplete."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-bulk.jsonl", TIER)
    assert rule(items[-1]) == ("parent", "/__parentId")
    assert items[-1].place.line == 6
    assert len(items) == 3


def test_a_child_may_stand_before_its_parent() -> None:
    """Nothing promises the order."""
    child = {"namespace": "custom", "key": "tier", "value": "gold", "__parentId": ADA}
    (item,) = understood(BULK, child, {"id": ADA, "email": "ada@example.com"}, wanted=TIER)
    assert fields(item)["metafields.custom.tier"] == "gold"
    assert item.place.line == 2


def test_children_of_children_have_a_parent() -> None:
    """Connections nest two deep."""
    order = {"id": "gid://shopify/Order/1", "__parentId": ADA}
    line = {"id": "gid://shopify/LineItem/1", "__parentId": "gid://shopify/Order/1"}
    items = understood(BULK, {"id": ADA, "email": "ada@example.com"}, order, line)
    assert len(items) == 1


def test_other_objects_are_no_customers() -> None:
    """It is said what they are, once for each; their children are passed over."""
    product = "gid://shopify/Product/1"
    items = understood(BULK, {"id": product}, {"id": f"{product}2", "__parentId": product})
    (rejection,) = items
    assert isinstance(rejection, Rejection)
    assert "Product" in rejection.problems[0].detail


def test_customers_pass_at_once_where_no_metafields_are_asked_for() -> None:
    """Then no customer has to wait for the end of the file."""
    seen: list[int] = []

    def watched() -> Iterator[Record]:
        for line in range(1, 4):
            seen.append(line)
            gid = f"gid://shopify/Customer/{line}"
            yield record({"id": gid, "email": f"c{line}@example.com"}, line)

    stream = iter(BULK.understand(watched(), Wanted()))
    next(stream)
    assert seen == [1]


def test_what_waited_comes_out_as_it_went_in() -> None:
    """The temporary file holds nothing but JSON."""
    customer = {"id": ADA, "firstName": 'Zoë "Zo"\nN', "email": "zoe@example.com"}
    (waited,) = understood(BULK, customer, wanted=TIER)
    (passed,) = understood(BULK, customer)
    assert waited == passed
    assert json.dumps(waited.content)


def test_a_bulk_file_without_any_email_stops_the_run() -> None:
    """As with the answers of GraphQL."""
    customers = [{"id": f"gid://shopify/Customer/{n}", "email": None} for n in (7, 8)]
    with pytest.raises(SourceError):
        understood(BULK, *customers)


@pytest.mark.parametrize("content", [5, [], None, {"__parentId": 5}, {"id": "x"}])
def test_lines_that_are_nothing_are_rejected(content: object) -> None:
    """Whatever they are."""
    (item,) = understood(BULK, content, wanted=TIER)
    assert isinstance(item, Rejection)
