"""WooCommerce's customers report, the only place where guests are: as JSON, and as CSV."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from customer_sync.core.model import Record, SourceName, Trigger
from customer_sync.core.values.names import camel_case
from customer_sync.core.values.readings import is_empty
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft, refused, unguarded
from customer_sync.platforms.format import Understood, Wanted
from customer_sync.platforms.paths import ABSENT, first_told, lookup
from customer_sync.platforms.woocommerce.rest import put_consent, put_region

_COLUMNS = frozenset({"aov", "username"})
_GUARDS = (("'", "=+-@\t\r"), ("\t", "=+-@"))
"""The server guards with an apostrophe, the browser with a tab."""
_NO_USER = (0, "0")
_COUNTRY_CODE = re.compile(r"[A-Z]{2}")

_FIELDS: tuple[tuple[str, tuple[str, ...], Callable[[object], object]], ...] = (
    ("email", ("email",), canonical.text),
    ("firstName", ("first_name",), canonical.text),
    ("lastName", ("last_name",), canonical.text),
    ("phone", ("billing_phone", "shipping_phone"), canonical.phone),
    ("createdAt", ("date_registered_gmt",), canonical.utc),
    ("totalOrders", ("orders_count",), canonical.whole_number),
    ("totalSpent", ("total_spend",), canonical.decimal_text),
    # The only time of the report without a counterpart in UTC.
    ("lastOrderDate", ("date_last_order",), canonical.calendar_date),
    ("customerTier", ("role",), canonical.text),
    ("city", ("city",), canonical.text),
    ("zip", ("postcode",), canonical.text),
    ("countryCode", ("country",), canonical.country_code),
)
_CELLS: tuple[tuple[str, tuple[str, ...], Callable[[object], object]], ...] = (
    ("email", ("email",), canonical.text),
    ("phone", ("billingPhone", "shippingPhone"), canonical.phone),
    ("createdAt", ("signUp", "dateRegistered"), canonical.calendar_date),
    ("totalOrders", ("orders",), canonical.whole_number),
    ("totalSpent", ("totalSpend",), canonical.decimal_text),
    ("customerTier", ("role",), canonical.text),
    ("city", ("city",), canonical.text),
    ("zip", ("postalCode",), canonical.text),
)


# ---------------------------------------------------------------- JSON


def is_row(content: object) -> bool:
    """Tell whether *content* is a row of the report."""
    return isinstance(content, Mapping) and {"avg_order_value", "user_id"} <= content.keys()


def understand_report(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return the customer in a row of the report, as listed.

    - `user_id` is the customer's id; `id` numbers the rows of the report. Without a `user_id` it
      is a guest, who has no id and gives nothing unless the configuration includes guests.
    - The name that older versions give is not split, for nobody can tell where.
    """
    row = record.content
    if not isinstance(row, Mapping) or not row:
        yield refused(record, "row", "It is no row of the customers report.")
        return
    draft = Draft(record, SourceName.WOOCOMMERCE)
    user_id = row.get("user_id", ABSENT)
    is_guest = user_id is not ABSENT and (is_empty(user_id) or user_id in _NO_USER)
    if is_guest and not wanted.include_guests:
        return
    draft.fields["isGuest"] = is_guest
    draft.identify(ABSENT if is_guest else user_id, "/user_id")
    for field, names, convert in _FIELDS:
        draft.put(field, first_told(*(row.get(name, ABSENT) for name in names)), convert)
    put_region(draft, row.get("state", ABSENT))
    put_consent(draft, row, wanted.consent_field)
    draft.put_wanted(wanted.fields, lambda name: lookup(row, name))
    yield draft.finish(Trigger.LISTED)


# ---------------------------------------------------------------- CSV


def is_export(columns: Sequence[str]) -> bool:
    """Tell whether *columns* are those of the report's CSV, written by the server or the browser.

    A shop in another language has other words, which are not known here.
    """
    return {column.strip().lower() for column in columns} >= _COLUMNS


def understand_export(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return the customer in a row of the report's CSV, as listed.

    - There are no ids; the address alone says who it is. A row without username is a guest, who
      gives nothing unless the configuration includes guests.
    - The day of the registration is taken; the zone of its time is told nowhere.
    - A country may be a name or a code, and so may a region.
    """
    if not isinstance(record.content, Mapping):
        yield refused(record, "row", "It is no row of a table.")
        return
    row = {camel_case(str(name)): _bare(cell) for name, cell in record.content.items()}
    is_guest = "username" in row and is_empty(row["username"])
    if is_guest and not wanted.include_guests:
        return
    draft = Draft(record, SourceName.WOOCOMMERCE)
    draft.fields["isGuest"] = is_guest
    for field, columns, convert in _CELLS:
        draft.put(field, first_told(*(row.get(column, ABSENT) for column in columns)), convert)
    _put_country(draft, row.get("country/Region", ABSENT))
    put_region(draft, row.get("region", ABSENT))
    put_consent(draft, row, wanted.consent_field)
    draft.put_wanted(wanted.fields, lambda name: row.get(camel_case(name), ABSENT))
    yield draft.finish(Trigger.LISTED)


def _put_country(draft: Draft, country: object) -> None:
    is_code = isinstance(country, str) and _COUNTRY_CODE.fullmatch(country.strip())
    draft.put("countryCode" if is_code else "country", country)


def _bare(cell: object) -> object:
    for guard, before in _GUARDS:
        cell = unguarded(cell, guard=guard, before=before)
    return cell
