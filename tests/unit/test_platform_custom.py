"""Files of other systems: fields by their names, aliases and paths, and nothing else."""

import json
from typing import Any

import pytest

from customer_sync.core.model import FieldRule, Rejection
from source_reading import NOW, asked, customers, events, read_text, rules


def rule(field: str, attribute: str = "A", *aliases: str) -> FieldRule:
    """Build a line of the mapping."""
    return FieldRule(field=field, attribute=attribute, aliases=aliases)


def only(text: str, *lines: FieldRule, **wishes: Any) -> dict[str, object]:
    """Return the one customer in *text*, without its source."""
    [customer] = customers(read_text(text, asked(*lines, **wishes)))
    assert customer.pop("source") == "custom"
    return customer


# ---------------------------------------------------------------- events and times


def test_a_row_lists_a_customer() -> None:
    """Cells stay text, an empty one says that there is none; the time is the file's."""
    found = read_text("id,zip,city\n007,01234,\n")
    assert events(found) == [("customer_listed", NOW.isoformat())]
    assert customers(found) == [
        {"source": "custom", "id": "007", "zip": "01234", "city": None},
    ]


def test_columns_may_tell_event_and_time() -> None:
    """An empty cell means the same as no column."""
    text = "Event,Timestamp,id\ncustomer_deleted,2024-02-01T00:00:00Z,1\n,,2\n"
    assert events(read_text(text)) == [
        ("customer_deleted", "2024-02-01T00:00:00Z"),
        ("customer_listed", NOW.isoformat()),
    ]


def test_an_unknown_event_is_rejected() -> None:
    """It might have meant a deletion."""
    assert rules(read_text("event,id\ncustomer_gone,1\n")) == [(2, "enum")]


@pytest.mark.parametrize(
    ("updated", "time"),
    [
        ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
        ("2026-01-02 03:04:05.123456", NOW.isoformat()),
        ("yesterday", NOW.isoformat()),
        ("", NOW.isoformat()),
    ],
)
def test_the_time_of_a_listing(updated: str, time: str) -> None:
    """When it was last changed, where the zone is told; else nobody knows how late that was."""
    assert events(read_text(f"id,updated_at\n1,{updated}\n")) == [("customer_listed", time)]


def test_a_flat_object_is_a_listing_too() -> None:
    """With typed values."""
    assert only('{"id": 7, "email": "a@example.com", "first_name": null, "tags": ["x", "y"]}') == {
        "id": 7,
        "email": "a@example.com",
        "firstName": None,
        "tags": ["x", "y"],
    }


def test_events_and_listings_may_be_mixed() -> None:
    """Each line is what it is."""
    event = {"event": "customer_deleted", "timestamp": "2026-01-01T00:00:00Z", "data": {"id": "1"}}
    text = f'{json.dumps(event)}\n{{"id": "2", "email": "a@example.com"}}\n'
    found = read_text(text)
    assert [name for name, _ in events(found)] == ["customer_deleted", "customer_listed"]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("E-Mail", "email"),
        ("email_address", "email"),
        ("customerEmail", "email"),
        ("mail", "email"),
        ("Customer ID", "id"),
        ("surname", "lastName"),
        ("telephone", "phone"),
        ("dob", "birthday"),
        ("date_of_birth", "birthday"),
        ("zipcode", "zip"),
        ("customer_group_code", "customerTier"),
    ],
)
def test_usual_names_are_understood(column: str, field: str) -> None:
    """In any spelling."""
    text = f"{column};id\n1234;x\n" if field != "id" else f"{column};city\n1234;x\n"
    assert only(text)[field] == "1234"


def test_a_joined_name_and_a_status_are_neither_first_name_nor_consent() -> None:
    """What is not certain is not concluded."""
    assert only("id,name,status\n1,Ann Poe,active\n") == {"id": "1"}


def test_the_mapping_names_columns_as_they_are() -> None:
    """What it does not name does not pass."""
    text = "E-Mail;Vorname;Kundengruppe;Passwort\na@example.com;Ann;VIP;hush\n"
    assert only(text, rule("vorname"), rule("kundengruppe")) == {
        "email": "a@example.com",
        "vorname": "Ann",
        "kundengruppe": "VIP",
    }


def test_the_address_may_go_by_any_name() -> None:
    """What is mapped to EMAIL is the address; the header is recognised by it."""
    text = "Kontakt;Ort\na@example.com;Ulm\n"
    assert only(text, rule("kontakt", "EMAIL"))["email"] == "a@example.com"


def test_aliases_name_a_field_further() -> None:
    """The first that is there counts, before the usual names."""
    text = "Kundennummer,email,Handy,phone\n7,a@example.com,+12025550101,+12025550102\n"
    found = only(text, rule("id", "EXT_ID", "kundennummer"), rule("phone", "SMS", "handy"))
    assert (found["id"], found["phone"]) == ("7", "+12025550101")


def test_paths_lead_into_objects() -> None:
    """Also for the address, and into lists of keys and values."""
    content = {
        "contact": {"mail": "a@example.com"},
        "meta": [{"key": "tier", "value": "gold"}],
    }
    lines = (rule("contact.mail", "EMAIL"), rule("meta[tier]", "TIER"))
    assert only(json.dumps(content), *lines) == {
        "email": "a@example.com",
        "contact.mail": "a@example.com",
        "meta[tier]": "gold",
    }


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("cell", "accepts"),
    [("yes", True), ("NO", False), ("TRUE", True), ("0", False), ("", None), ("maybe", None)],
)
def test_consent_has_three_values(cell: str, accepts: bool | None) -> None:
    """An empty cell and an unreadable word are unknown, which is no reason to reject anybody."""
    assert only(f"id,accepts_email_marketing\n1,{cell}\n").get("acceptsMarketing") is accepts


def test_consent_may_stand_under_any_name() -> None:
    """As the configuration says."""
    text = "id,Newsletter\n1,no\n"
    assert "acceptsMarketing" not in only(text)
    assert only(text, consent_field="Newsletter")["acceptsMarketing"] is False


def test_a_country_of_two_letters_is_its_code() -> None:
    """Phone numbers need it."""
    assert only("id,country\n1,GB\n")["countryCode"] == "GB"
    assert "countryCode" not in only("id,country\n1,Italy\n")


def test_an_apostrophe_that_guards_digits_is_taken_off() -> None:
    """Spreadsheets are told by it that something is text; names keep theirs."""
    found = only("id,phone,zip,last_name\n'12,'+12025550101,'01234,'t Veld\n")
    assert found == {"id": "12", "phone": "+12025550101", "zip": "01234", "lastName": "'t Veld"}


@pytest.mark.parametrize("value", ["12.5 and more", "none"])
def test_an_odd_number_costs_the_field_only(value: str) -> None:
    """The customer stays."""
    [record] = read_text(f"id,total_spent\n1,{value}\n")
    assert "totalSpent" not in customers([record])[0]
    assert isinstance(record.content, dict)
    assert record.content["warnings"][0]["field"] == "totalSpent"


def test_objects_do_not_pass() -> None:
    """Nobody knows what else is in them."""
    found = only('{"id": "1", "company": {"iban": "hush"}, "city": ["Ulm"]}')
    assert found == {"id": "1", "city": "Ulm"}


# ---------------------------------------------------------------- wrappings


@pytest.mark.parametrize(
    "path", ["customers", "items", "data", "records", "data.customers", "results"]
)
def test_customers_are_found_in_the_usual_places(path: str) -> None:
    """Without being told where."""
    content: object = [{"id": "1"}, {"id": "2", "email": "b@example.com"}]
    for name in reversed(path.split(".")):
        content = {name: content}
    found = customers(read_text(json.dumps(content)))
    assert [customer["id"] for customer in found] == ["1", "2"]


def test_a_path_leads_to_the_customers() -> None:
    """Where they are elsewhere."""
    text = json.dumps({"reply": {"list": [{"id": "1"}, {"id": "2"}]}}, indent=1)
    found = customers(read_text(text, asked(records="reply.list")))
    assert [customer["id"] for customer in found] == ["1", "2"]
    assert rules(read_text(text, asked(records="reply.people"))) == [(1, "records")]


@pytest.mark.parametrize("content", ["[1]", '["a"]', '{"customers": [null]}'])
def test_what_is_no_object_is_rejected(content: str) -> None:
    """There is nothing to find fields in."""
    found = read_text(content)
    assert all(isinstance(one, Rejection) or not isinstance(one.content, dict) for one in found)


# ---------------------------------------------------------------- privacy


def test_a_torn_row_is_kept_where_every_column_may_pass() -> None:
    """So that it can be mended; elsewhere only its place is."""
    [kept] = read_text("id,email\n1\n")
    assert kept.content == {
        "columns": ["id", "email"],
        "cells": ["1"],
        "timestamp": NOW.isoformat(),
    }
    [dropped] = read_text("id,email,card\n1,a@example.com\n")
    assert dropped.content is None


def test_a_mended_row_of_the_rejects_file_is_a_listing() -> None:
    """At its old place and of its old time."""
    row = {
        "columns": ["id", "E-Mail"],
        "cells": ["1", "a@example.com"],
        "timestamp": "2024-01-01T00:00:00Z",
    }
    entry = {"rejected": {"file": "old.csv", "line": 12, "problems": []}, "record": row}
    found = read_text(json.dumps(entry) + "\n")
    assert events(found) == [("customer_listed", "2024-01-01T00:00:00+00:00")]
    assert (str(found[0].place), customers(found)[0]["email"]) == ("old.csv:12", "a@example.com")
