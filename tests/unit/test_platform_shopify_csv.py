"""Shopify's customer CSV, from 2021 to 2026."""

import pytest

from customer_sync.core.model import Rejection
from customer_sync.platforms.format import Wanted
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
    warned,
)

NEW = "Shopify customers CSV (2023 on)"
OLD = "Shopify customers CSV (to 2023, or import template)"
EXPORT = named(FORMATS, NEW)


@pytest.mark.parametrize(
    ("name", "expected", "count"),
    [
        ("customers-export-2021.csv", OLD, 3),
        ("customers-export-2022.csv", OLD, 2),
        ("customers-export-2023-early.csv", OLD, 2),
        ("customers-export.csv", NEW, 4),
        ("customers-export-2026.csv", NEW, 2),
        ("import-template.csv", OLD, 1),
    ],
)
def test_every_age_of_the_export_is_read(name: str, expected: str, count: int) -> None:
    """The header tells the age, and every row is a customer or a rejection."""
    recognised, items = read_file(FORMATS, SAMPLES / "shopify" / name)
    assert (recognised, len(items)) == (expected, count)


def test_a_row_becomes_a_customer() -> None:
    """Apostrophes go, tags are split, the country is a code, and the time is the file's."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-export.csv")
    assert event(items[0]) == {
        "event": "customer_listed",
        "timestamp": "2026-07-01T12:00:00+00:00",
        "data": {
            "source": "shopify",
            "id": "7490010000001",
            "email": "Ada.Quill@example.com",
            "firstName": "Ada",
            "lastName": "Quill",
            "totalOrders": 4,
            "totalSpent": "210.00",
            "tags": ["VIP", "wholesale"],
            "note": None,
            "taxExempt": False,
            "phone": "+447700900101",
            "company": "Quill & Daughters",
            "address1": "12 Harbour Row",
            "address2": None,
            "city": "Leeds",
            "provinceCode": "ENG",
            "countryCode": "GB",
            "zip": "LS1 4AB",
            "marketingState": "subscribed",
            "acceptsMarketing": True,
            "acceptsSmsMarketing": False,
        },
    }


def test_the_address_has_a_phone_too() -> None:
    """It is used where the customer has none, as written, and a zip keeps its zero."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-export.csv")
    assert fields(items[1])["phone"] == "(202) 555-0141"
    assert fields(items[1])["zip"] == "08608"


def test_a_name_keeps_its_apostrophe() -> None:
    """Only numbers are guarded; a missing address of a person by phone alone is empty."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-export.csv")
    assert fields(items[2])["lastName"] == "'t Veld"
    assert fields(items[2])["email"] is None


def test_an_id_that_a_spreadsheet_destroyed_is_rejected() -> None:
    """It is said where, and nobody is mistaken for somebody else."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-export.csv")
    assert rule(items[3]) == ("exact-id", "/Customer ID")


def test_empty_consent_is_unknown_and_other_empty_cells_are_empty() -> None:
    """A file made for Shopify's import leaves most cells out."""
    _, items = read_file(FORMATS, SAMPLES / "shopify" / "customers-export-2022.csv")
    cleo = fields(items[1])
    assert cleo.keys().isdisjoint(
        {"acceptsMarketing", "marketingState", "acceptsSmsMarketing", "id"}
    )
    assert (cleo["totalSpent"], cleo["taxExempt"], cleo["city"]) == (None, None, None)


def test_metafields_come_by_their_paths_and_only_when_asked_for() -> None:
    """The label in front of the path does not matter, nor does the mapping's spelling."""
    path = SAMPLES / "shopify" / "customers-export-2026.csv"
    wanted = Wanted(fields=frozenset({"metafields.custom.tier", "metafields.facts.birthDate"}))
    _, items = read_file(FORMATS, path, wanted)
    assert fields(items[0])["metafields.custom.tier"] == "gold"
    assert fields(items[0])["metafields.facts.birthDate"] == "1988-03-14"
    assert fields(items[1])["metafields.custom.tier"] is None
    _, plain = read_file(FORMATS, path)
    assert not any("metafields" in name for name in fields(plain[0]))


def test_columns_may_be_missing_more_or_in_another_order() -> None:
    """They are found by their names."""
    (item,) = understood(
        EXPORT, {"Tags": "a", "Secret": "x", "Email": "ada@example.com", "Tax Exempt": "yes"}
    )
    assert fields(item) == {
        "source": "shopify",
        "email": "ada@example.com",
        "tags": ["a"],
        "taxExempt": True,
    }


def test_the_shops_own_column_passes_when_named() -> None:
    """Without its apostrophe, in whatever spelling the mapping uses."""
    row = {"Email": "ada@example.com", "Loyalty Card": "'0042"}
    (item,) = understood(EXPORT, row, wanted=Wanted(fields=frozenset({"loyaltyCard"})))
    assert fields(item)["loyaltyCard"] == "0042"


def test_a_phone_that_a_spreadsheet_destroyed_is_left_out() -> None:
    """The customer stays, with a warning."""
    (item,) = understood(EXPORT, {"Email": "ada@example.com", "Phone": "4.47701E+11"})
    assert "phone" not in fields(item)
    assert warned(item) == {"phone"}


def test_other_programs_files_are_not_taken_for_shopifys() -> None:
    """Names alike are not enough, and Matrixify's have several rows to a customer."""
    own = ["email", "first_name", "accepts_marketing", "total_spent"]
    matrixify = ["ID", "Email", "Command", "Accepts Marketing", "Total Spent"]
    assert recognised_by(FORMATS, own) == []
    assert recognised_by(FORMATS, matrixify) == []


def test_a_warehouses_table_is_read_with_times_in_utc() -> None:
    """Words are upper case there, and a blank stands between date and time."""
    row = {
        "id": "1001",
        "email": "ada@example.com",
        "email_marketing_consent_state": "UNSUBSCRIBED",
        "email_marketing_consent_updated_at": "2025-07-10 08:30:00",
        "orders_count": "3",
        "tax_exempt": "FALSE",
        "updated_at": "2025-07-18 11:00:00",
        "_fivetran_synced": "2025-07-18 11:00:00",
    }
    assert len(recognised_by(FORMATS, list(row))) == 1
    (item,) = understood(named(FORMATS, "Shopify customers in a warehouse"), row)
    assert event(item)["timestamp"] == "2025-07-18T11:00:00Z"
    assert fields(item)["acceptsMarketing"] is False
    assert fields(item)["acceptsMarketingUpdatedAt"] == "2025-07-10T08:30:00Z"
    assert fields(item)["taxExempt"] is False


def test_what_is_no_row_is_rejected() -> None:
    """And what the decoder rejected stays so."""
    (broken,) = understood(EXPORT, ["a", "b"])
    assert isinstance(broken, Rejection)
    assert list(EXPORT.understand([broken], Wanted())) == [broken]
