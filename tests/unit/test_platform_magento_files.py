"""Magento's export files and tables, one by one and joined."""

from pathlib import Path

import pytest

from customer_sync.core.model import FieldRule, Rejection
from source_reading import SAMPLES, asked, customers, events, read_files, read_text, rules

MAIN = "email,_website,firstname,lastname,dob,gender,group_id,store_id,created_at,updated_at\n"
ADDRESS = (
    "_website,_email,street,city,postcode,country_id,region,telephone,"
    "_address_default_billing_,_address_default_shipping_\n"
)
COMPOSITE = (
    "email,_website,firstname,_address_city,_address_telephone,"
    "_address_default_billing_,_address_default_shipping_\n"
)
SUBSCRIBERS = "ID,Email,Type,Customer First Name,Customer Last Name,Status,Web Site\n"


def main_row(**cells: str) -> str:
    """Build a file of one customer."""
    names = MAIN.strip().split(",")
    known = {"email": "a@example.com", "_website": "base"} | cells
    return MAIN + ",".join(known.get(name, "") for name in names) + "\n"


# ---------------------------------------------------------------- customers


def test_a_customer_of_the_main_file() -> None:
    """Without an id, with its website, listed when it was last changed."""
    found = read_text(
        main_row(
            firstname="Ann",
            lastname=" =Poe",
            dob="1990-05-06",
            gender="Not Specified",
            group_id="4",
            created_at="2025-01-02 9:08:07",
            updated_at="2026-01-02 10:20:30",
        )
    )
    assert customers(found) == [
        {
            "source": "magento",
            "sourceScope": "base",
            "email": "a@example.com",
            "firstName": "Ann",
            "lastName": "=Poe",
            "birthday": "1990-05-06",
            "gender": "unspecified",
            "customerTier": "4",
            "createdAt": "2025-01-02T09:08:07Z",
            "updatedAt": "2026-01-02T10:20:30Z",
        }
    ]
    assert events(found) == [("customer_listed", "2026-01-02T10:20:30Z")]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2010-05-06 00:00:00", "2010-05-06"),
        ("5/6/2010", "2010-05-06"),
        ("5/6/2010 15:53", "2010-05-06"),
        ("0000-00-00", None),
        ("", None),
    ],
)
def test_both_forms_of_dates_are_read(written: str, day: str | None) -> None:
    """Month first, as sample files for imports have it."""
    [customer] = customers(read_text(main_row(dob=written)))
    assert customer["birthday"] == day


@pytest.mark.parametrize("column", ["dob", "gender", "created_at"])
def test_a_value_that_cannot_be_read_is_left_out_with_a_warning(column: str) -> None:
    """The customer stays, and the value is not repeated."""
    [record] = read_text(main_row(**{column: "soon enough"}))
    assert isinstance(record.content, dict)
    assert [warning["field"] for warning in record.content["warnings"]]
    assert "soon enough" not in str(record.content)


def test_an_empty_cell_says_that_there_is_none() -> None:
    """A column that the file does not have says nothing."""
    [customer] = customers(read_text("email,_website,firstname\na@example.com,base,\n"))
    assert customer["firstName"] is None
    assert "lastName" not in customer


def test_shifted_cells_are_rejected() -> None:
    """Where a number has to stand there is none; nothing of the row is kept but its address."""
    [rejection] = read_text(main_row(firstname="Ann", store_id="2026-01-01 10:00:00"))
    assert isinstance(rejection, Rejection)
    assert rejection.problems[0].rule == "shifted"
    assert "Ann" not in str(rejection.content)


SECRET = "email,_website,password_hash,rp_token,note_to_self\n"


def test_secrets_and_strangers_never_pass() -> None:
    """Whatever the mapping asks for; columns that nobody asked for do not pass either."""
    how = asked(
        FieldRule(field="passwordHash", attribute="A"),
        FieldRule(field="rpToken", attribute="B"),
    )
    [record] = read_text(SECRET + "a@example.com,base,hush:1,token,private\n", how)
    for hidden in ("hush", "token", "private"):
        assert hidden not in str(record.content).replace("rp_token", "")


def test_a_torn_row_of_such_a_file_is_not_kept() -> None:
    """Its cells may be secrets; the place tells where to look."""
    found = read_text(SECRET + "a@example.com,base,hush:1\n" + '"b@example.com,hush:2\n')
    assert rules(found) == [(2, "columns"), (3, "quotes")]
    assert [one.content for one in found] == [None, None]


def test_a_column_is_mapped_by_magentos_own_name() -> None:
    """As it is written, or in camelCase."""
    how = asked(FieldRule(field="taxvat", attribute="VAT"), FieldRule(field="store", attribute="S"))
    text = "email,_website,_store,taxvat\na@example.com,base,trade,GB123\n"
    [customer] = customers(read_text(text, how))
    assert (customer["taxvat"], customer["store"]) == ("GB123", "trade")


def test_two_websites_are_two_customers_of_one_address() -> None:
    """No id is made up for either; their websites tell them apart."""
    found = customers(
        read_text("email,_website,firstname\na@example.com,base,Ann\nA@example.com,b2b,Anna\n")
    )
    assert [(c["sourceScope"], c.get("id")) for c in found] == [("base", None), ("b2b", None)]


# ---------------------------------------------------------------- addresses


def test_the_default_billing_address_counts_most() -> None:
    """Then the one for shipping; the last of equals."""
    rows = [
        "base,a@example.com,1 Rd,Rome,1,IT,,, ,1",
        "base,A@example.com,2 Rd,Bath,2,GB,,+44 7700 900101,1,",
        "base,a@example.com,3 Rd,Ulm,3,DE,,,,",
    ]
    [customer] = customers(read_text(ADDRESS + "\n".join(rows) + "\n"))
    assert (customer["city"], customer["countryCode"]) == ("Bath", "GB")
    assert customer["phone"] == "+44 7700 900101"


def test_the_guard_of_a_phone_is_taken_off() -> None:
    """Magento puts a blank before what a spreadsheet might take for a formula."""
    [customer] = customers(read_text(ADDRESS + "base,a@example.com,,,,,, +447700900101,1,\n"))
    assert customer["phone"] == "+447700900101"


def test_an_address_that_is_no_default_says_nothing() -> None:
    """But somebody is there."""
    [customer] = customers(read_text(ADDRESS + "base,a@example.com,3 Rd,Ulm,3,DE,,,,\n"))
    assert customer == {"source": "magento", "sourceScope": "base", "email": "a@example.com"}


def test_an_address_of_nobody_is_rejected() -> None:
    """It cannot be joined."""
    assert rules(read_text(ADDRESS + "base,,3 Rd,Ulm,3,DE,,,1,\n")) == [(2, "identity")]


@pytest.mark.parametrize("street", ['"1 Rd\nFloor 2\nLeft"', '"[""1 Rd"",""Floor 2"",""Left""]"'])
def test_the_lines_of_a_street(street: str) -> None:
    """With line ends within the cell, or as a list."""
    [customer] = customers(read_text(f"{ADDRESS}base,a@example.com,{street},,,,,,1,\n"))
    assert (customer["address1"], customer["address2"]) == ("1 Rd", "Floor 2, Left")


# ---------------------------------------------------------------- one file for both


def test_rows_without_an_address_belong_to_the_customer_above() -> None:
    """The default billing address is taken wherever it stands."""
    text = COMPOSITE + (
        "a@example.com,base,Ann,Ulm,,,1\n,,,Rome,+390612345678,1,\n,,,Bonn,,,\nb@example.com,base,Bo,,,,\n"
    )
    first, second = customers(read_text(text))
    assert (first["firstName"], first["city"], first["phone"]) == ("Ann", "Rome", "+390612345678")
    assert "city" not in second


def test_a_further_address_is_never_given_to_somebody_else() -> None:
    """Where the row above cannot be read, whose it is is not known."""
    text = COMPOSITE + "a@example.com,base,Ann,Ulm,,1,\nb@example.com,base\n,,,Rome,,1,\n"
    found = read_text(text)
    assert rules(found) == [(3, "columns"), (4, "continuation")]
    assert customers(found[:1])[0]["city"] == "Ulm"


# ---------------------------------------------------------------- tables


def test_a_row_of_the_customers_table() -> None:
    """It has the real id; its joined name is not taken apart, of its times only the day is sure."""
    text = (
        "ID,Name,Email,Group,Phone,Country,Customer Since,Web Site,Gender,Street Address\n"
        "7,Ann Poe,a@example.com,Wholesale,+12025550101,Italy,"
        '"Oct 30, 2015 12:49:47 PM",Main,Female,1 Rd\n'
    )
    [customer] = customers(read_text(text))
    assert customer == {
        "source": "magento",
        "id": "7",
        "email": "a@example.com",
        "customerTier": "Wholesale",
        "phone": "+12025550101",
        "country": "Italy",
        "createdAt": "2015-10-30",
        "sourceScope": "Main",
        "gender": "female",
        "address1": "1 Rd",
        "address2": None,
    }


@pytest.mark.parametrize(
    ("status", "accepts", "state"),
    [
        ("Subscribed", True, "subscribed"),
        ("Not Activated", False, "pending"),
        ("Unsubscribed", False, "unsubscribed"),
        ("Unconfirmed", False, "pending"),
        ("1", True, "subscribed"),
        ("", None, None),
        ("Perhaps", None, None),
    ],
)
def test_the_status_of_a_subscriber(status: str, accepts: bool | None, state: str | None) -> None:
    """Waiting for a confirmation is no yes."""
    [customer] = customers(
        read_text(f"{SUBSCRIBERS}1,a@example.com,Customer,Ann,Poe,{status},Main\n")
    )
    assert customer.get("acceptsMarketing") is accepts
    assert customer.get("marketingState") == state


def test_the_number_of_a_subscription_is_no_customers_id() -> None:
    """They are counted apart."""
    [customer] = customers(read_text(f"{SUBSCRIBERS}9,a@example.com,Customer,,,Subscribed,Main\n"))
    assert "id" not in customer


def test_guests_count_where_they_are_wanted() -> None:
    """They are no customers; their names are dashes."""
    text = f"{SUBSCRIBERS}9,a@example.com,Guest,----,----,Subscribed,Main\n"
    assert read_text(text) == []
    [guest] = customers(read_text(text, asked(include_guests=True)))
    assert guest["isGuest"] is True
    assert "firstName" not in guest


# ---------------------------------------------------------------- joined


def joined(tmp_path: Path, **files: str) -> list[dict[str, object]]:
    """Read files together and return their customers."""
    paths = [tmp_path / f"{name}.csv" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return customers(read_files(paths))


def test_customers_addresses_and_subscribers_are_joined(tmp_path: Path) -> None:
    """By website and address in any case; who is no subscriber has not subscribed."""
    found = joined(
        tmp_path,
        a_subscribers=SUBSCRIBERS + "1,A@example.com,Customer,,,Subscribed,Main\n",
        b_customers="email,_website,firstname\na@example.com,base,Ann\nb@example.com,base,Bo\n",
        c_addresses=ADDRESS
        + "base,A@EXAMPLE.com,,Ulm,,DE,,,1,\nb2b,b@example.com,,Bonn,,DE,,,1,\n",
    )
    first, second, other = found
    assert (first["firstName"], first["city"], first["acceptsMarketing"]) == ("Ann", "Ulm", True)
    assert (second["acceptsMarketing"], second["marketingState"]) == (False, "notSubscribed")
    assert "city" not in second
    assert (other["sourceScope"], other["city"]) == ("b2b", "Bonn")


def test_without_a_file_of_subscribers_consent_is_unknown(tmp_path: Path) -> None:
    """Nothing is concluded from what is not there."""
    found = joined(
        tmp_path,
        customers="email,_website\na@example.com,base\n",
        addresses=ADDRESS + "base,a@example.com,,Ulm,,DE,,,1,\n",
    )
    assert [("acceptsMarketing" in c, c["city"]) for c in found] == [(False, "Ulm")]


def test_a_no_counts_where_websites_disagree(tmp_path: Path) -> None:
    """The table calls websites by names that the export does not know."""
    found = joined(
        tmp_path,
        customers="email,_website\na@example.com,base\n",
        subscribers=SUBSCRIBERS
        + "1,a@example.com,Customer,,,Unsubscribed,Main\n"
        + "2,a@example.com,Customer,,,Subscribed,Two\n",
    )
    assert [c["acceptsMarketing"] for c in found] == [False]


def test_the_samples_are_joined_with_the_other_files_beside_them() -> None:
    """Twelve customers' records come out of the folder, none of a guest."""
    found = customers(read_files([SAMPLES / "magento"]))
    assert len(found) == 12
    lena = next(c for c in found if c["email"] == "Lena.Frost@example.com")
    assert (lena["phone"], lena["acceptsMarketing"]) == ("+447700900111", True)
    assert "not-a-real" not in str(found)
