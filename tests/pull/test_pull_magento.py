"""Customers pulled from Magento."""

from datetime import UTC, datetime

import pytest

from customer_sync.config import ShopSettings, SourceName
from customer_sync.errors import ShopAuthError, ShopRefused
from pull_looking import Fetch, fields
from shop_emulators import MagentoShop, magento_customer, page

MAGENTO = SourceName.MAGENTO
SMALL = ShopSettings(url="https://shop.example.com", page_size=3)


def test_everybody_is_pulled_page_by_page(fetch: Fetch) -> None:
    """Each customer once, in the order of the ids, in as few questions as it takes."""
    shop = MagentoShop(customers=[magento_customer(n) for n in (9, 4, 7, 1, 12, 3)])
    pulled = fields(fetch(MAGENTO, shop.transport, settings=SMALL))
    assert [one["id"] for one in pulled] == ["1", "3", "4", "7", "9", "12"]
    assert len(shop.requests) == 2


def test_only_changes_are_pulled(fetch: Fetch) -> None:
    """By the time of change in UTC, that time included."""
    shop = MagentoShop(
        customers=[
            magento_customer(1, updated_at="2026-02-03 04:05:05"),
            magento_customer(2, updated_at="2026-02-03 04:05:06"),
        ]
    )
    since = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert [one["id"] for one in fields(fetch(MAGENTO, shop.transport, since=since))] == ["2"]


def test_customers_are_read_as_from_a_file(fetch: Fetch) -> None:
    """By the same reader: no attribute passes unasked."""
    [customer] = fields(fetch(MAGENTO, MagentoShop(customers=[magento_customer(1)]).transport))
    assert customer["acceptsMarketing"] is True
    assert customer["phone"] == "+12025550101"
    assert "never-to-be-seen" not in str(customer)


def test_nobody_is_missed_where_others_are_deleted_meanwhile(fetch: Fetch) -> None:
    """Every question begins after the last id."""
    shop = MagentoShop(customers=[magento_customer(n) for n in range(1, 8)])

    def delete(number: int) -> None:
        if number == 1:
            shop.customers = shop.customers[2:]

    shop.before = delete
    pulled = fields(fetch(MAGENTO, shop.transport, settings=SMALL))
    assert [one["id"] for one in pulled] == [str(n) for n in range(1, 8)]


def test_a_shop_that_repeats_its_page_is_refused(fetch: Fetch) -> None:
    """Instead of being asked for ever."""
    shop = MagentoShop(customers=[magento_customer(n) for n in range(1, 8)], ignores_filters=True)
    with pytest.raises(ShopRefused, match="order of their ids"):
        fetch(MAGENTO, shop.transport, settings=SMALL)


def test_the_store_is_in_the_path(fetch: Fetch) -> None:
    """Where the configuration names one."""
    shop = MagentoShop(customers=[])
    fetch(MAGENTO, shop.transport, settings=ShopSettings(url="https://e.example", store_code="eu"))
    assert shop.requests[0][0] == "/rest/eu/V1/customers/search"


def test_a_refused_token_is_told(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what it is, after one request."""
    shop = MagentoShop(customers=[])
    monkeypatch.setattr("shop_emulators.MAGENTO_TOKEN", "another")
    with pytest.raises(ShopAuthError, match="401"):
        fetch(MAGENTO, shop.transport)
    assert len(shop.requests) == 1


def test_an_answer_without_customers_is_refused(fetch: Fetch) -> None:
    """A page of the shop is none."""
    shop = MagentoShop(customers=[], troubles=[page(200)])
    with pytest.raises(ShopRefused, match="web page"):
        fetch(MAGENTO, shop.transport)
