"""What a file is taken for, why, and what happens when the configuration says otherwise."""

from pathlib import Path

import pytest

from customer_sync.core.model import SourceName
from customer_sync.errors import SourceError
from customer_sync.platforms.format import Sample
from customer_sync.platforms.recognise import PLATFORM_FORMATS, recognise
from platform_builders import SHARED
from source_reading import SAMPLES, asked, read_files, read_text, rules, taken_for

EVENT = '{"event":"customer_deleted","timestamp":"2026-01-01T00:00:00Z","data":{"id":"1"}}\n'
SHOPIFY = (
    "First Name,Last Name,Email,Accepts Email Marketing,Address1,Phone,Total Spent,Total Orders,"
    "Tags,Note,Tax Exempt\nAnn,Poe,a@example.com,yes,,,0.00,0,,,no\n"
)
MAGENTO = "email,_website,firstname\na@example.com,base,Ann\n"
CUSTOM = "id,email\n1,a@example.com\n"


@pytest.mark.parametrize("source", [None, *SourceName])
def test_events_of_our_own_form_are_welcome_from_everywhere(source: SourceName | None) -> None:
    """Deletions come as such whatever the platform gives out."""
    assert taken_for(EVENT, asked(source=source)) == (
        "Standard input: customer events (its records have event and data)"
    )


@pytest.mark.parametrize("source", [None, *SourceName])
def test_so_are_rows_that_name_an_event(source: SourceName | None) -> None:
    """CSV of our own form."""
    found = taken_for("event,id\ncustomer_deleted,1\n", asked(source=source))
    assert "its header names a column event" in found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SHOPIFY, "Shopify customers CSV"),
        (MAGENTO, "Magento customers file"),
        (CUSTOM, "customers by the names of their fields"),
        ('{"items": [], "total_count": 0}', "Magento REST answer"),
    ],
)
def test_without_a_source_the_content_decides(text: str, name: str) -> None:
    """And the reason is told."""
    assert taken_for(text).startswith(f"Standard input: {name}")


@pytest.mark.parametrize(
    ("text", "source", "looks_like"),
    [
        (MAGENTO, SourceName.SHOPIFY, "Magento customers file"),
        (SHOPIFY, SourceName.MAGENTO, "Shopify customers CSV"),
        (SHOPIFY, SourceName.CUSTOM, "Shopify customers CSV"),
    ],
)
def test_a_file_of_another_platform_is_an_error(
    text: str, source: SourceName, looks_like: str
) -> None:
    """It says what the file looks like, and how to have it read all the same."""
    with pytest.raises(SourceError, match=looks_like) as caught:
        read_text(text, asked(source=source))
    assert f"the source is {source}" in caught.value.message
    assert "--source" in str(caught.value.hint)


def test_a_file_of_no_platform_is_an_error_where_one_is_named() -> None:
    """Its columns would be guessed at."""
    with pytest.raises(SourceError, match="not recognised as anything that shopify"):
        read_text(CUSTOM, asked(source=SourceName.SHOPIFY))


def test_custom_reads_anything_where_it_is_named_for_the_run() -> None:
    """By the names of the fields."""
    how = asked(source=SourceName.CUSTOM, is_forced=True)
    assert "by the names of their fields" in taken_for(SHOPIFY, how)


def test_a_file_that_looks_like_two_platforms_is_an_error() -> None:
    """Somebody has to say which it is."""
    both = Sample(name="x.csv", columns=("email", "_website", "Email", "AOV", "Username"))
    names = {one.platform for one in PLATFORM_FORMATS if one.recognise(both)}
    assert len(names) == 2
    with pytest.raises(SourceError, match="more than one thing"):
        recognise(both)
    chosen = recognise(both, source=SourceName.MAGENTO)
    assert chosen.format.platform is SourceName.MAGENTO


def test_nothing_is_read_where_one_file_of_several_is_another_platforms(tmp_path: Path) -> None:
    """All files are looked at first."""
    good, bad = tmp_path / "a.csv", tmp_path / "b.csv"
    good.write_text(SHOPIFY)
    bad.write_text(MAGENTO)
    with pytest.raises(SourceError, match=r"b\.csv looks like Magento"):
        read_files([good, bad], asked(source=SourceName.SHOPIFY))


def test_a_file_that_is_missing_is_known_before_anything_is_read(tmp_path: Path) -> None:
    """Nothing is half read."""
    with pytest.raises(SourceError, match="There is no"):
        read_files([tmp_path / "no.csv"])


# ---------------------------------------------------------------- samples


@pytest.mark.parametrize("platform", [*SourceName])
def test_our_samples_are_of_their_platforms(platform: SourceName) -> None:
    """Each is recognised, and by one platform only."""
    files = sorted((SAMPLES / platform.value).iterdir())
    assert files
    for file in files:
        is_forced = platform is SourceName.CUSTOM
        assert read_files([file], asked(source=platform, is_forced=is_forced))
        read_files([file])


COUNTS = {
    "custom/customers_bagisto.csv": (3, 0),
    "custom/customers_dbbasic.csv": (3, 0),
    "custom/customers_spree_20rows.csv": (20, 0),
    "custom/customers_spree_sparse.csv": (3, 0),
    "custom/customers_wave_ragged.csv": (5, 1),
    # Four addresses of one customer.
    "magento/csv/address_import_update.csv": (1, 0),
    "magento/csv/customer_address_default-sample.csv": (1, 0),
    "magento/csv/customer_composite_default-sample.csv": (1, 0),
    "magento/csv/customer_composite_delete.csv": (1, 0),
    "magento/csv/customer_main_3rows_crlf.csv": (3, 0),
    "magento/csv/customer_main_default-sample.csv": (1, 0),
    "magento/csv/customer_profile_sample-data.csv": (1, 0),
    "magento/csv/customer_to_import_with_one_additional_column.csv": (1, 0),
    "magento/csv/customers_to_delete.csv": (3, 0),
    "magento/csv/customers_to_import.csv": (6, 0),
    "magento/csv/customers_to_update.csv": (3, 0),
    "magento/events/newsletter_confirmation_success.json": (1, 0),
    "magento/events/newsletter_unsubscription_guest.json": (1, 0),
    "magento/json/customer_addresses.json": (3, 0),
    "magento/json/customers_main.json": (3, 0),
    "magento/rest/customer_created_docs.json": (1, 0),
    "magento/rest/customer_is-subscribed_b2b_docs.json": (1, 0),
    "magento/rest/customers_search_docs.json": (1, 0),
    "shopify/bulk/customers_flat_fixture.jsonl": (2, 0),
    # Products, which the file is about, are nobody.
    "shopify/bulk/nested-children_product-root_2026-04.jsonl": (1, 1),
    "shopify/csv/v1_simple-sample-data_2020.csv": (17, 0),
    "shopify/csv/v2_leads-to-shopify_2023.csv": (2, 0),
    "shopify/graphql/customer_created_with-consent_2026-07.json": (1, 0),
    "shopify/graphql/customer_detail_2025-01.json": (1, 0),
    "shopify/graphql/customer_email-consent-read_2026-04.json": (1, 0),
    "shopify/graphql/customer_subresources_2025-01.json": (1, 0),
    "shopify/graphql/customers_page_2025-01.json": (3, 0),
    "shopify/graphql/customers_page_sample-store_2025-01.json": (3, 0),
    "shopify/rest/customer_2015.json": (1, 0),
    "shopify/rest/customer_2017_with-consent-objects.json": (1, 0),
    "shopify/rest/customers_list_2026-07.json": (2, 0),
    "shopify/rest/customers_saved-search_2013.json": (1, 0),
    "shopify/warehouse/fivetran_gql_customer.csv": (10, 0),
    "shopify/webhooks/customers_create_2021.json": (1, 0),
    "shopify/webhooks/customers_delete_2026.json": (1, 0),
    "shopify/webhooks/customers_email_marketing_consent_update_2026-07.json": (1, 0),
    "shopify/webhooks/customers_redact.json": (1, 0),
    # The first row is a guest.
    "woocommerce/analytics/customers_report_2022.json": (1, 0),
    "woocommerce/rest/customer_v3_single.json": (1, 0),
    "woocommerce/rest/customers_legacy_wc-api_v3_list.json": (2, 0),
    "woocommerce/rest/customers_v3_list.json": (2, 0),
}
"""File to the number of records that come out of it, and how many of them are rejections."""


@pytest.mark.skipif(not SHARED.is_dir(), reason="the files of other people are not here")
def test_every_file_of_other_people_is_counted() -> None:
    """None is left out of the table."""
    names = (p.relative_to(SHARED).as_posix() for p in SHARED.rglob("*") if p.is_file())
    assert {name for name in names if not name.endswith(".md")} == COUNTS.keys()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the files of other people are not here")
@pytest.mark.parametrize("name", COUNTS)
def test_a_file_of_other_people_is_read(name: str) -> None:
    """It is recognised as its platform's, every record is accounted for, and no secret passes."""
    found = read_files([SHARED / name])
    platform = SourceName(name.split("/", 1)[0])
    assert read_files([SHARED / name], asked(source=platform)) == found
    assert (len(found), len(rules(found))) == COUNTS[name]
    for secret in ("password_hash", "rp_token", "09ae7838f74dc", "ef55cebdb2034", "8930e740ae8ba"):
        assert secret not in str(found)
