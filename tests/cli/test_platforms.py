"""Exports of each platform from the command line: listed, changed, deleted."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from worlds import World

SHOPIFY_COLUMNS = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Country Code,"
    "Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags\n"
)


def shopify(first_name: str, phone: str) -> str:
    """Export two customers of Shopify's."""
    return SHOPIFY_COLUMNS + (
        f"'7490010000001,{first_name},Quill,ada@example.com,yes,GB,{phone},no,21.50,1,,no,\n"
        "'7490010000002,Bo,Marsh,bo@example.com,no,US,,no,0.00,0,,no,\n"
    )


def woocommerce(first_name: str, phone: str) -> str:
    """Return WooCommerce's answer with two customers."""
    return json.dumps([_woo(1, "ada", first_name, phone), _woo(2, "bo", "Bo", "")])


def _woo(number: int, name: str, first_name: str, phone: str) -> dict[str, Any]:
    return {
        "id": number,
        "date_created_gmt": "2025-01-01T10:00:00",
        "date_modified_gmt": "2025-01-02T10:00:00",
        "email": f"{name}@example.com",
        "first_name": first_name,
        "last_name": "Quill",
        "role": "customer",
        "username": name,
        "billing": {"first_name": first_name, "phone": phone, "country": "GB"},
        "shipping": {},
        "meta_data": [{"id": 1, "key": "newsletter", "value": "no" if number == 2 else "yes"}],
    }


def magento(first_name: str, phone: str) -> str:
    """Export two customers of Magento's with their addresses."""
    columns = "email,_website,firstname,lastname,_address_telephone,_address_country_id"
    return (
        f"{columns},_address_default_billing_\n"
        f"ada@example.com,base,{first_name},Quill, {phone},GB,1\n"
        "bo@example.com,base,Bo,Marsh,,,1\n"
    )


def custom(first_name: str, phone: str) -> str:
    """Export two customers of some other system's."""
    return (
        "Kundennummer;E-Mail;Vorname;Telefon;Newsletter;Passwort\n"
        f"1;ada@example.com;{first_name};{phone};yes;hush\n"
        "2;bo@example.com;Bo;;no;hush\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A platform's export before and after a change, and how it tells that Ada is gone."""

    source: str
    first: str
    second: str
    deletion: str
    complete: bool = False
    """The deletion is an export that lacks her."""
    lines: tuple[str, ...] = ()
    """Options that the source needs."""
    mapping: str = ""


PHONES = ("+44 7700 900101", "+44 7700 900102")
SHOPS = [
    Shop(
        source="shopify",
        first=shopify("Ada", f"'{PHONES[0]}"),
        second=shopify("Adele", f"'{PHONES[1]}"),
        deletion='{"id":7490010000001,"tax_exemptions":[],'
        '"admin_graphql_api_id":"gid://shopify/Customer/7490010000001"}',
    ),
    Shop(
        source="woocommerce",
        first=woocommerce("Ada", PHONES[0]),
        second=woocommerce("Adele", PHONES[1]),
        deletion='{"id": 1}',
        lines=("consent_field: meta_data[newsletter]",),
    ),
    Shop(
        source="magento",
        first=magento("Ada", PHONES[0]),
        second=magento("Adele", PHONES[1]),
        deletion="\n".join(
            line for line in magento("", "").splitlines() if not line.startswith("ada")
        ),
        complete=True,
    ),
    Shop(
        source="custom",
        first=custom("Ada", PHONES[0]),
        second=custom("Adele", PHONES[1]),
        deletion="event;Kundennummer\ncustomer_deleted;1\n",
        lines=("consent_field: Newsletter",),
        mapping="""\
      Vorname: FIRSTNAME
      phone: {attribute: SMS, aliases: [Telefon]}
      id: {attribute: EXT_ID, aliases: [Kundennummer]}
""",
    ),
]


def configure(world: World, shop: Shop) -> None:
    """Set the source, its options and its mapping."""
    world.configure(*shop.lines)
    path = world.folder / "config.yaml"
    text = path.read_text("utf-8").replace("source: custom", f"source: {shop.source}")
    if shop.mapping:
        before, _, rest = text.partition("      firstName: FIRSTNAME\n")
        after = rest.partition("    options:")[2]
        text = f"{before}{shop.mapping}    options:{after}"
    path.write_text(text, encoding="utf-8")


def run(world: World, name: str, text: str, *options: str) -> dict[str, Any]:
    """Run a file twice; the second plan is empty."""
    (world.folder / name).write_text(text, encoding="utf-8")
    first = world.call("run", name, "--json", *options)
    assert first.exit_code == 0, first.err + first.out
    second = world.call("run", name, "--json", *options).document
    assert second["bill"] == {}
    assert [second["plan"][kind] for kind in ("create", "update", "delete")] == [0, 0, 0]
    return first.document


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.source)
def test_a_customer_is_listed_changed_and_deleted(embedded: World, shop: Shop) -> None:
    """The right contacts each time, and nothing left to do after each."""
    configure(embedded, shop)
    report = run(embedded, "first", shop.first)
    assert report["plan"]["create"] == 2
    ada, bo = (embedded.contacts()[f"{name}@example.com"] for name in ("ada", "bo"))
    assert (ada["attributes"]["FIRSTNAME"], ada["attributes"]["SMS"]) == ("Ada", "+447700900101")
    assert ada["list_ids"] == bo["list_ids"] == [5]
    assert not ada["is_email_blocked"]
    # Magento's file of customers knows nothing of consent, the others say no.
    assert bo["is_email_blocked"] is (shop.source != "magento")

    report = run(embedded, "second", shop.second)
    assert report["plan"] == {"create": 0, "update": 1, "delete": 0, "keep": 1, "skip": 0}
    ada = embedded.contacts()["ada@example.com"]
    assert (ada["attributes"]["FIRSTNAME"], ada["attributes"]["SMS"]) == ("Adele", "+447700900102")

    options = ("--complete",) if shop.complete else ()
    report = run(embedded, "third", shop.deletion, *options)
    assert report["plan"]["delete"] == 1
    contacts = embedded.contacts()
    assert contacts["ada@example.com"]["is_email_blocked"]
    assert contacts["ada@example.com"]["list_ids"] == []
    assert contacts["bo@example.com"]["list_ids"] == [5]


def test_what_a_file_was_taken_for_is_told(embedded: World) -> None:
    """On standard error, with the reason."""
    configure(embedded, SHOPS[0])
    (embedded.folder / "export.csv").write_text(SHOPS[0].first)
    result = embedded.call("run", "export.csv", "--dry-run")
    assert "export.csv: Shopify customers CSV (2023 on) (" in result.err
    assert "Shopify" not in result.out


def test_a_file_of_another_platform_stops_the_run(embedded: World) -> None:
    """With its code, what it looks like, and the way out, which works."""
    embedded.configure()
    (embedded.folder / "export.csv").write_text(SHOPS[0].first)
    result = embedded.call("run", "export.csv")
    assert result.exit_code == 4
    assert "looks like Shopify customers CSV" in result.err
    assert "--source shopify" in result.err
    assert embedded.contacts() == {}
    assert embedded.call("run", "export.csv", "--source", "shopify").exit_code == 0
    assert len(embedded.contacts()) == 2


def test_a_field_of_the_platforms_own_is_mapped_by_its_path(embedded: World) -> None:
    """A metafield's column, a key of the meta data, a custom attribute."""
    shop = Shop(
        source="woocommerce",
        first=woocommerce("Ada", ""),
        second="",
        deletion="",
        mapping="      meta_data[newsletter]: LASTNAME\n",
    )
    configure(embedded, shop)
    run(embedded, "first", shop.first)
    assert embedded.contacts()["ada@example.com"]["attributes"]["LASTNAME"] == "yes"


def test_a_warning_of_the_reader_is_in_the_report(embedded: World) -> None:
    """The customer is written without the field."""
    configure(embedded, SHOPS[2])
    text = "email,_website,firstname,dob\nada@example.com,base,Ada,soon\n"
    report = run(embedded, "first", text)
    assert report["warnings"] == 1
    [error] = report["errors"]
    assert (error["kind"], error["where"]) == ("warning", "first:2")
    assert error["message"].startswith("birthday: The field was left out")


def test_no_secret_of_an_export_is_left_anywhere(embedded: World) -> None:
    """Not in the state, the rejects, the output, nor at Brevo."""
    configure(embedded, SHOPS[2])
    text = (
        "email,_website,firstname,password_hash\n"
        "ada@example.com,base,Ada,hush-hash\n"
        "broken,base,Ada,hush-hash\n"
        "torn@example.com,base,hush-hash\n"
    )
    (embedded.folder / "first").write_text(text)
    result = embedded.call("run", "first", "--verbose", "--show-pii")
    assert result.exit_code == 7
    left = [p for p in (embedded.folder / ".customer-sync").rglob("*") if p.is_file()]
    assert any(p.name == "rejects.jsonl" for p in left)
    assert not [p for p in left if b"hush-hash" in p.read_bytes()]
    assert "hush-hash" not in result.out + result.err
