"""Magento's REST answers and the events of marketing extensions."""

import json
from typing import Any

import pytest

from customer_sync.core.model import FieldRule, Rejection
from source_reading import asked, customers, events, read_text, rules

CUSTOMER: dict[str, Any] = {
    "id": 13,
    "group_id": 1,
    "email": "a@example.com",
    "firstname": "Ann",
    "lastname": "Poe",
    "gender": 2,
    "dob": "1990-05-06",
    "website_id": 1,
    "created_at": "2025-01-02 03:04:05",
    "updated_at": "2026-01-02 03:04:05",
}


def answer(*items: object) -> str:
    """Build the answer to a search."""
    return json.dumps({"items": items, "search_criteria": {}, "total_count": len(items)}, indent=1)


def address(number: int, city: str, **flags: object) -> dict[str, object]:
    """Build an address."""
    return {"id": number, "city": city, "country_id": "GB", "street": ["1 Rd", "Left"], **flags}


def only(text: str, **wishes: Any) -> dict[str, Any]:
    """Return the one customer in *text*."""
    [customer] = customers(read_text(text, asked(**wishes)))
    return customer


@pytest.mark.parametrize(
    "text",
    [
        answer(CUSTOMER),
        json.dumps(CUSTOMER),
        json.dumps(CUSTOMER, indent=2),
        json.dumps([CUSTOMER]),
    ],
)
def test_a_customer_in_every_wrapping(text: str) -> None:
    """The answer to a search, to a single read, a list."""
    assert only(text) == {
        "source": "magento",
        "id": "13",
        "sourceScope": "1",
        "email": "a@example.com",
        "firstName": "Ann",
        "lastName": "Poe",
        "gender": "female",
        "birthday": "1990-05-06",
        "customerTier": "1",
        "createdAt": "2025-01-02T03:04:05Z",
        "updatedAt": "2026-01-02T03:04:05Z",
    }


def test_what_is_left_out_says_nothing() -> None:
    """Lists leave out what single answers hold."""
    short = {k: v for k, v in CUSTOMER.items() if k not in {"dob", "gender", "lastname"}}
    assert {"birthday", "gender", "lastName", "phone", "acceptsMarketing"}.isdisjoint(
        only(answer(short))
    )


@pytest.mark.parametrize(
    ("addresses", "city"),
    [
        ([address(1, "Ulm"), address(2, "Bath", default_billing=True)], "Bath"),
        ([address(1, "Ulm", default_shipping=True), address(2, "Bath")], "Ulm"),
        ([address(1, "Ulm"), address(2, "Bath")], None),
        ([], None),
    ],
)
def test_the_default_address(addresses: list[object], city: str | None) -> None:
    """Of billing, then of shipping; without one its fields are empty."""
    customer = only(answer(CUSTOMER | {"addresses": addresses}))
    assert customer["city"] == city
    assert customer["address2"] == ("Left" if city else None)


def test_the_customer_may_name_its_default_address() -> None:
    """By the address's id, as text."""
    addresses = [address(1, "Ulm"), address(2, "Bath")]
    customer = only(answer(CUSTOMER | {"addresses": addresses, "default_billing": "2"}))
    assert customer["city"] == "Bath"


def test_the_region_of_an_address_is_an_object() -> None:
    """With name and code."""
    region = {"region_code": "NJ", "region": "New Jersey", "region_id": 41}
    found = address(1, "Trenton", default_billing=True, region=region)
    customer = only(answer(CUSTOMER | {"addresses": [found]}))
    assert (customer["province"], customer["provinceCode"]) == ("New Jersey", "NJ")


@pytest.mark.parametrize(("is_subscribed", "accepts"), [(True, True), (False, False), (None, None)])
def test_consent_stands_among_the_extension_attributes(
    is_subscribed: bool | None, accepts: bool | None
) -> None:
    """Where it is missing it is unknown."""
    extension = {} if is_subscribed is None else {"is_subscribed": is_subscribed}
    customer = only(answer(CUSTOMER | {"extension_attributes": extension}))
    assert customer.get("acceptsMarketing") is accepts


def test_own_attributes_go_by_their_codes() -> None:
    """Custom ones and those of extensions, alone or as a path."""
    how = asked(
        FieldRule(field="loyaltyLevel", attribute="A"),
        FieldRule(field="customAttributes[loyalty_level]", attribute="B"),
        FieldRule(field="extensionAttributes.erp.number", attribute="C"),
    )
    content = CUSTOMER | {
        "custom_attributes": [{"attribute_code": "loyalty_level", "value": "gold"}],
        "extension_attributes": {"erp": {"number": "E-1"}},
    }
    [customer] = customers(read_text(answer(content), how))
    assert customer["loyaltyLevel"] == "gold"
    assert customer["customAttributes[loyalty_level]"] == "gold"
    assert customer["extensionAttributes.erp.number"] == "E-1"


def test_a_rounded_id_is_rejected() -> None:
    """Two customers might look like one."""
    assert rules(read_text(answer(CUSTOMER | {"id": 1.5e3}))) == [(1, "exact-id")]


def test_what_is_no_customer_is_rejected() -> None:
    """And its content is not kept."""
    [rejection] = read_text(answer("oops"))
    assert isinstance(rejection, Rejection)
    assert rejection.content is None


# ---------------------------------------------------------------- marketing events


def subscription(**fields: object) -> dict[str, object]:
    """Build what an event says about a subscription."""
    return {
        "subscriber_id": "7",
        "subscriber_email": "a@example.com",
        "customer_id": "8",
        "subscriber_status": 3,
        "change_status_at": "2026-02-03 04:05:06",
        "subscriber_confirm_code": "hush",
        **fields,
    }


def test_a_change_of_a_subscription_has_its_own_time() -> None:
    """An update, dated by when the person decided."""
    found = read_text(json.dumps({"subscriber": subscription()}))
    assert events(found) == [("customer_updated", "2026-02-03T04:05:06Z")]
    assert customers(found) == [
        {
            "source": "magento",
            "id": "8",
            "email": "a@example.com",
            "acceptsMarketing": False,
            "marketingState": "unsubscribed",
            "acceptsMarketingUpdatedAt": "2026-02-03T04:05:06Z",
        }
    ]


def test_the_customer_may_come_along() -> None:
    """Without password and tokens, whatever the mapping asks for."""
    customer = {"entity_id": "8", "website_id": "1", "email": "a@example.com", "firstname": "Ann"}
    secret = {"password_hash": "hush:1", "rp_token": "hush"}
    text = json.dumps({"subscriber": subscription(), "customer": customer | secret})
    [found] = customers(read_text(text, asked(FieldRule(field="passwordHash", attribute="A"))))
    assert (found["firstName"], found["sourceScope"]) == ("Ann", "1")
    assert "hush" not in str(found)


@pytest.mark.parametrize("number", ["0", 0, None])
def test_a_guests_subscription_counts_where_guests_are_wanted(number: object) -> None:
    """It has no customer's id."""
    text = json.dumps({"subscriber": subscription(customer_id=number)})
    assert read_text(text) == []
    assert "id" not in only(text, include_guests=True)
