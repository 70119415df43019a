"""What Shopify is asked in GraphQL, by version and by what the mapping needs."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Final

from customer_sync.platforms.shopify import metafields

_SMS_MOVED_IN: Final = "2026-10"
"""From this version on, consent to text messages stands in an object of its own."""

_ALWAYS: Final = """\
id legacyResourceId firstName lastName createdAt updatedAt numberOfOrders
amountSpent { amount currencyCode } tags locale taxExempt verifiedEmail
defaultEmailAddress { emailAddress marketingState marketingUpdatedAt }
defaultAddress {
  company address1 address2 city province provinceCode zip country countryCodeV2 phone
}
"""

_IF_MAPPED: Final = (
    ("note", "note"),
    ("lastOrderDate", "lastOrder { createdAt }"),
    ("customerTier", "statistics { predictedSpendTier }"),
)
"""A note may hold anything; an order needs a permission of its own."""

START: Final = """\
mutation ($query: String!) {
  bulkOperationRunQuery(query: $query) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""
LOOK: Final = """\
query ($id: ID!) {
  node(id: $id) { ... on BulkOperation { id status errorCode fileSize url } }
}
"""
CURRENT: Final = "query { currentBulkOperation(type: QUERY) { id status query } }"
CANCEL: Final = """\
mutation ($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}
"""


def fields(version: str, mapped: Collection[str], *, is_bulk: bool) -> str:
    """Return the fields of a customer that are asked for."""
    parts = [_ALWAYS, _phone(version)]
    parts += [asked for field, asked in _IF_MAPPED if field in mapped]
    if any(map(metafields.is_metafield, mapped)):
        # By name would be cheaper, but mappings do not keep the spelling that Shopify has.
        few = "metafields(first: 100) { nodes { id namespace key value } }"
        every = "metafields { edges { node { id namespace key value } } }"
        parts.append(every if is_bulk else few)
    return " ".join(" ".join(parts).split())


def _phone(version: str) -> str:
    consent = "marketingState" if version < _SMS_MOVED_IN else "smsMarketingConsent { state }"
    return f"defaultPhoneNumber {{ phoneNumber {consent} }}"


def page(asked: str) -> str:
    """Return the query for a page of customers, the longest unchanged first."""
    return (
        "query ($first: Int!, $after: String, $query: String) { "
        "customers(first: $first, after: $after, sortKey: UPDATED_AT, query: $query) { "
        f"nodes {{ {asked} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


def everybody(asked: str) -> str:
    """Return the query that a bulk operation runs."""
    return f"{{ customers {{ edges {{ node {{ {asked} }} }} }} }}"


def probe() -> str:
    """Return the query that shows whether addresses are given at all."""
    return (
        "query ($first: Int!) { customers(first: $first, sortKey: ID) { "
        "nodes { id defaultEmailAddress { emailAddress } } } }"
    )


def changed_since(since: datetime) -> str:
    """Return Shopify's search for customers that changed at or after *since*."""
    return f"updated_at:>={json.dumps(since.strftime('%Y-%m-%dT%H:%M:%SZ'))}"
