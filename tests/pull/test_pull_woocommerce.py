"""Customers pulled from WooCommerce."""

import json
from datetime import timedelta

import pytest
from starlette.responses import Response

from customer_sync.config import ShopSettings, SourceName
from customer_sync.errors import ShopAuthError, ShopRefused, ShopUnavailable, UsageError
from customer_sync.platforms.format import Wanted
from customer_sync.pull.pulled import Pulled
from pull_looking import Fetch, fields
from shop_emulators import WooShop, woo_customer

WOO = SourceName.WOOCOMMERCE
SMALL = ShopSettings(url="https://shop.example.com", page_size=3)


def ids(pulled: Pulled) -> list[str]:
    """Return the ids of what was pulled."""
    return [str(one["id"]) for one in fields(pulled)]


def test_everybody_is_pulled_page_by_page(fetch: Fetch) -> None:
    """Each customer once, in the order of the ids."""
    shop = WooShop(customers=[woo_customer(n) for n in (9, 4, 7, 1, 12, 3, 30)])
    assert ids(fetch(WOO, shop.transport, settings=SMALL)) == ["1", "3", "4", "7", "9", "12", "30"]


def test_all_roles_count(fetch: Fetch) -> None:
    """Shop managers and subscribers buy, too."""
    shop = WooShop(customers=[woo_customer(1), woo_customer(2, role="subscriber")])
    assert ids(fetch(WOO, shop.transport)) == ["1", "2"]


def test_as_many_as_allowed_are_asked_for(fetch: Fetch) -> None:
    """A hundred at a time."""
    shop = WooShop(customers=[woo_customer(n) for n in range(1, 102)])
    assert len(ids(fetch(WOO, shop.transport))) == 101
    assert [query["per_page"] for _, query, _ in shop.requests] == ["100", "100"]


def test_customers_are_read_as_from_a_file(fetch: Fetch) -> None:
    """By the same reader, which knows the address, the phone, and consent where it is kept."""
    shop = WooShop(customers=[woo_customer(1)])
    pulled = fetch(WOO, shop.transport, wanted=Wanted(consent_field="meta_data[newsletter]"))
    [customer] = fields(pulled)
    assert customer["email"] == "person1@example.com"
    assert customer["phone"] == "+12025550101"
    assert customer["acceptsMarketing"] is True
    assert "avatar_url" not in customer


def test_nobody_is_missed_where_others_are_deleted_meanwhile(fetch: Fetch) -> None:
    """The rest of the list moves up under the reader's hands."""
    shop = WooShop(customers=[woo_customer(n) for n in range(1, 13)])

    def delete(number: int) -> None:
        if number == 2:
            shop.customers = shop.customers[4:]

    shop.before = delete
    pulled = ids(fetch(WOO, shop.transport, settings=SMALL))
    assert {str(n) for n in range(5, 13)} <= set(pulled)
    assert len(pulled) == len(set(pulled))


def test_nobody_is_missed_where_one_goes_and_one_comes(fetch: Fetch) -> None:
    """Though the number of customers stays the same."""
    shop = WooShop(customers=[woo_customer(n) for n in range(1, 8)])

    def change(number: int) -> None:
        if number == 1:
            shop.customers = [*shop.customers[1:], woo_customer(8)]

    shop.before = change
    pulled = ids(fetch(WOO, shop.transport, settings=SMALL))
    assert sorted(map(int, pulled)) == list(range(1, 9))


def test_everybody_deleted_meanwhile_ends_it(fetch: Fetch) -> None:
    """An emptied shop is no endless list."""
    shop = WooShop(customers=[woo_customer(n) for n in range(1, 8)])

    def empty(number: int) -> None:
        if number == 1:
            shop.customers = []

    shop.before = empty
    assert ids(fetch(WOO, shop.transport, settings=SMALL)) == ["1", "2", "3"]


def test_a_shop_that_does_not_count_is_read_to_the_end(fetch: Fetch) -> None:
    """Some hosts strip the headers with the count."""
    shop = WooShop(customers=[woo_customer(n) for n in range(1, 8)], has_counts=False)
    assert len(ids(fetch(WOO, shop.transport, settings=SMALL))) == 7


def test_an_empty_shop_gives_nobody(fetch: Fetch) -> None:
    """Without an error."""
    assert ids(fetch(WOO, WooShop(customers=[]).transport)) == []


def test_another_order_is_refused(fetch: Fetch) -> None:
    """Without the order nobody could tell whether the list is whole."""
    rows = [woo_customer(2), woo_customer(1)]
    shop = WooShop(customers=[], troubles=[Response(json.dumps(rows))])
    with pytest.raises(ShopRefused, match="order of their ids"):
        fetch(WOO, shop.transport)


def test_changes_alone_are_refused_with_the_reason(fetch: Fetch) -> None:
    """The shop would answer with everybody."""
    shop = WooShop(customers=[woo_customer(1)])
    with pytest.raises(UsageError, match="ignores"):
        fetch(WOO, shop.transport, since=shop.clock.now() - timedelta(days=1))
    assert shop.requests == []


def test_a_wrong_key_is_told(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shop's word for it."""
    shop = WooShop(customers=[])
    monkeypatch.setattr("shop_emulators.CONSUMER_KEY", "ck_another")
    with pytest.raises(ShopAuthError, match="woocommerce_rest_cannot_view"):
        fetch(WOO, shop.transport)


def test_a_shop_that_deletes_without_end_is_unavailable(fetch: Fetch) -> None:
    """Going back has an end."""
    shop = WooShop(customers=[woo_customer(n) for n in range(1, 2000)])

    def delete(number: int) -> None:
        shop.customers = shop.customers[6:] if number else shop.customers

    shop.before = delete
    with pytest.raises(ShopUnavailable, match="faster"):
        fetch(WOO, shop.transport, settings=SMALL)
