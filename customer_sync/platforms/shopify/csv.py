"""Shopify's customer CSV in all its ages, and as a warehouse connector flattens the API."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from customer_sync.core.model import Record, SourceName, Trigger
from customer_sync.core.values.names import camel_case
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft, refused, unguarded
from customer_sync.platforms.format import Understood, Wanted
from customer_sync.platforms.paths import ABSENT, first_told
from customer_sync.platforms.shopify import metafields

_CONSENT_COLUMNS = frozenset({"Accepts Email Marketing", "Accepts Marketing"})
_MATRIXIFY_COLUMNS = frozenset({"ID", "Command"})
_WAREHOUSE_COLUMNS = frozenset({"email_marketing_consent_state", "orders_count"})
_NOT_IN_NUMBERS = "+-(0123456789"
"""What Shopify's apostrophe stands in front of: numbers that a spreadsheet would spoil."""

_FIELDS: tuple[tuple[str, str, Callable[[object], object]], ...] = (
    ("email", "email", canonical.text),
    ("firstName", "firstName", canonical.text),
    ("lastName", "lastName", canonical.text),
    ("totalOrders", "totalOrders", canonical.whole_number),
    ("totalSpent", "totalSpent", canonical.decimal_text),
    ("tags", "tags", canonical.tag_list),
    ("note", "note", canonical.text),
    ("taxExempt", "taxExempt", canonical.boolean),
)
_ADDRESS: tuple[tuple[str, Callable[[object], object]], ...] = (
    ("company", canonical.text),
    ("address1", canonical.text),
    ("address2", canonical.text),
    ("city", canonical.text),
    ("province", canonical.text),
    ("provinceCode", canonical.text),
    ("zip", canonical.text),
    ("country", canonical.text),
    ("countryCode", canonical.country_code),
)
_WAREHOUSE: tuple[tuple[str, str, Callable[[object], object]], ...] = (
    ("email", "email", canonical.text),
    ("firstName", "firstName", canonical.text),
    ("lastName", "lastName", canonical.text),
    ("phone", "phone", canonical.phone),
    ("createdAt", "createdAt", canonical.utc),
    ("updatedAt", "updatedAt", canonical.utc),
    ("totalOrders", "ordersCount", canonical.whole_number),
    ("totalSpent", "totalSpent", canonical.decimal_text),
    ("currency", "currency", canonical.text),
    ("note", "note", canonical.text),
    ("taxExempt", "taxExempt", canonical.boolean),
    ("verifiedEmail", "verifiedEmail", canonical.boolean),
)


# ---------------------------------------------------------------- recognising


def is_export(columns: Sequence[str]) -> bool:
    """Tell whether *columns* are those of an export of the admin, or of its import template.

    They are compared as Shopify writes them, since other programs have an `accepts_marketing` too.
    The files of the Matrixify app, with several rows to a customer, are something else.
    """
    names = {column.strip() for column in columns}
    is_shopify = "Email" in names and not names.isdisjoint(_CONSENT_COLUMNS)
    return is_shopify and not names >= _MATRIXIFY_COLUMNS


def has_default_address(columns: Sequence[str]) -> bool:
    """Tell the exports of 2023 and later."""
    return any(column.strip().startswith("Default Address ") for column in columns)


def is_warehouse(columns: Sequence[str]) -> bool:
    """Tell whether *columns* are those of a table that a connector filled from the API."""
    return {column.strip().lower() for column in columns} >= _WAREHOUSE_COLUMNS


# ---------------------------------------------------------------- the admin's export


def understand_export(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return the customer in a row, as listed.

    - Columns are found by their names; order does not matter, and any may be missing.
    - An empty cell is empty, but consent that is empty is unknown.
    - Ids, phones, zips and metafields lose the apostrophe that guards their digits.
    - A phone is looked for under `Phone`, then under `Default Address Phone`.
    """
    row = _row(record)
    if row is None:
        yield refused(record, "row", "It is no row of a table.")
        return
    draft = Draft(record, SourceName.SHOPIFY)
    draft.identify(_bare(row.get("customerId", ABSENT)), "/Customer ID")
    for field, column, convert in _FIELDS:
        draft.put(field, row.get(column, ABSENT), convert)
    _put_address(draft, row)
    consent = first_told(
        row.get("acceptsEmailMarketing", ABSENT), row.get("acceptsMarketing", ABSENT)
    )
    draft.put_email_consent(consent)
    draft.put_sms_consent(row.get("acceptsSmsMarketing", ABSENT))
    draft.put_wanted(wanted.fields, lambda name: _find(record.content, row, name))
    yield draft.finish(Trigger.LISTED)


def _put_address(draft: Draft, row: Mapping[str, object]) -> None:
    phones = row.get("phone", ABSENT), row.get("defaultAddressPhone", ABSENT)
    draft.put("phone", first_told(*map(_bare, phones)), canonical.phone)
    for field, convert in _ADDRESS:
        column = f"defaultAddress{field[:1].upper()}{field[1:]}"
        draft.put(field, _bare(row.get(column, row.get(field, ABSENT))), convert)


def _row(record: Record) -> Mapping[str, object] | None:
    """Return the row with its columns in one spelling."""
    if not isinstance(record.content, Mapping):
        return None
    return {camel_case(str(column)): cell for column, cell in record.content.items()}


def _bare(cell: object) -> object:
    return unguarded(cell, guard="'", before=_NOT_IN_NUMBERS)


def _find(content: object, row: Mapping[str, object], name: str) -> object:
    if metafields.is_metafield(name) and isinstance(content, Mapping):
        for column, cell in content.items():
            path = metafields.path_of_column(str(column))
            if path is not None and metafields.is_same(path, name):
                return _bare(cell)
    return _bare(row.get(camel_case(name), ABSENT))


# ---------------------------------------------------------------- a warehouse's table


def understand_warehouse(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return the customer in a row of a warehouse's table, as listed; its times are UTC."""
    row = _row(record)
    if row is None:
        yield refused(record, "row", "It is no row of a table.")
        return
    draft = Draft(record, SourceName.SHOPIFY)
    draft.identify(row.get("id", ABSENT), "/id")
    for field, column, convert in _WAREHOUSE:
        draft.put(field, row.get(column, ABSENT), convert)
    draft.put_email_consent(row.get("emailMarketingConsentState", ABSENT))
    decided_at = row.get("emailMarketingConsentUpdatedAt", ABSENT)
    draft.put("acceptsMarketingUpdatedAt", decided_at, canonical.utc)
    draft.put_sms_consent(row.get("smsMarketingConsentState", ABSENT))
    draft.put_wanted(wanted.fields, lambda name: row.get(camel_case(name), ABSENT))
    yield draft.finish(Trigger.LISTED)
