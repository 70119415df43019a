"""Files from the world outside, read where they lie; nobody here wrote them."""

import pytest

from customer_sync.core.model import Record, Rejection
from customer_sync.platforms import shopify, woocommerce
from customer_sync.platforms.format import Wanted
from platform_builders import SHARED, event, fields, read_file, warned

FORMATS = (*shopify.FORMATS, *woocommerce.FORMATS)
GUESTS = Wanted(include_guests=True)

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the platform samples are not beside the repository"
)


@pytest.mark.parametrize(
    ("path", "expected", "customers"),
    [
        ("shopify/csv/v1_simple-sample-data_2020.csv", "Shopify customers CSV (to", 17),
        ("shopify/csv/v2_leads-to-shopify_2023.csv", "Shopify customers CSV (to", 2),
        ("shopify/rest/customer_2015.json", "Shopify REST", 1),
        ("shopify/rest/customer_2017_with-consent-objects.json", "Shopify REST", 1),
        ("shopify/rest/customers_saved-search_2013.json", "Shopify REST", 1),
        ("shopify/rest/customers_list_2026-07.json", "Shopify REST", 2),
        ("shopify/graphql/customers_page_2025-01.json", "Shopify GraphQL", 3),
        ("shopify/graphql/customers_page_sample-store_2025-01.json", "Shopify GraphQL", 3),
        ("shopify/graphql/customer_detail_2025-01.json", "Shopify GraphQL", 1),
        ("shopify/graphql/customer_subresources_2025-01.json", "Shopify GraphQL", 1),
        ("shopify/graphql/customer_created_with-consent_2026-07.json", "Shopify GraphQL", 1),
        ("shopify/graphql/customer_email-consent-read_2026-04.json", "Shopify GraphQL", 1),
        ("shopify/bulk/nested-children_product-root_2026-04.jsonl", "Shopify bulk", 0),
        ("shopify/bulk/customers_flat_fixture.jsonl", "Shopify bulk", 2),
        ("shopify/warehouse/fivetran_gql_customer.csv", "Shopify customers in a ware", 10),
        ("shopify/webhooks/customers_create_2021.json", "Shopify REST", 1),
        ("shopify/webhooks/customers_delete_2026.json", "Shopify webhooks", 1),
        ("shopify/webhooks/customers_redact.json", "Shopify webhooks", 1),
        (
            "shopify/webhooks/customers_email_marketing_consent_update_2026-07.json",
            "Shopify webhooks",
            1,
        ),
        ("woocommerce/rest/customers_v3_list.json", "WooCommerce REST", 2),
        ("woocommerce/rest/customers_legacy_wc-api_v3_list.json", "WooCommerce legacy", 2),
        ("woocommerce/rest/customer_v3_single.json", "WooCommerce REST", 1),
        ("woocommerce/analytics/customers_report_2022.json", "WooCommerce customers re", 2),
    ],
)
def test_a_file_is_recognised_and_counted(path: str, expected: str, customers: int) -> None:
    """By one format of all, with as many customers as its index says."""
    name, items = read_file(FORMATS, SHARED / path, GUESTS)
    assert name.startswith(expected)
    assert sum(isinstance(item, Record) for item in items) == customers


@pytest.mark.parametrize("platform", ["custom", "magento"])
def test_other_platforms_files_are_not_claimed(platform: str) -> None:
    """Not one of them."""
    paths = [path for path in (SHARED / platform).rglob("*") if path.is_file()]
    claimed = []
    for path in paths:
        try:
            claimed.append((path.name, read_file(FORMATS, path)[0]))
        except ValueError:
            continue
    assert paths
    assert claimed == []


def test_a_zip_keeps_its_zero_and_a_company_its_comma() -> None:
    """As the file of 2020 has them."""
    _, items = read_file(FORMATS, SHARED / "shopify/csv/v1_simple-sample-data_2020.csv")
    assert fields(items[1])["zip"] == "07175"
    assert fields(items[1])["company"] == "Mejia, Garza and Brooks"
    assert fields(items[7])["tags"] == ["egnition-sample-data", "referral"]


def test_the_fixture_that_contradicts_itself_is_warned_about() -> None:
    """Its consent object is believed."""
    path = SHARED / "shopify/rest/customer_2017_with-consent-objects.json"
    _, (item,) = read_file(FORMATS, path)
    assert fields(item)["acceptsMarketing"] is False
    assert warned(item) == {"acceptsMarketing"}


def test_an_id_of_18_digits_is_exact() -> None:
    """Beyond what a float can hold."""
    _, (item,) = read_file(FORMATS, SHARED / "shopify/webhooks/customers_delete_2026.json")
    assert event(item)["event"] == "customer_deleted"
    assert fields(item)["id"] == "706405506930370084"


def test_a_products_file_holds_no_customers() -> None:
    """One rejection for the product; what belongs to it is passed over."""
    path = SHARED / "shopify/bulk/nested-children_product-root_2026-04.jsonl"
    _, (item,) = read_file(FORMATS, path)
    assert isinstance(item, Rejection)
