"""Shopify: everything that it hands out about customers, as formats."""

from collections.abc import Callable

from customer_sync.core.model import SourceName
from customer_sync.platforms.format import Format, Sample
from customer_sync.platforms.shopify import bulk, csv, graphql, rest, webhooks
from customer_sync.platforms.streaming import one_by_one


def _recognise_csv(sample: Sample) -> str:
    if not csv.is_export(sample.columns) or csv.has_default_address(sample.columns):
        return ""
    return "it has a column about marketing consent beside plain address columns"


def _recognise_csv_of_2023(sample: Sample) -> str:
    if not csv.is_export(sample.columns) or not csv.has_default_address(sample.columns):
        return ""
    return "it has a column about marketing consent, and columns named Default Address ..."


def _recognise_warehouse(sample: Sample) -> str:
    is_it = csv.is_warehouse(sample.columns)
    return "it has the columns email_marketing_consent_state and orders_count" if is_it else ""


def _is_rest(content: object) -> bool:
    is_special = webhooks.is_delivery(content) or webhooks.is_body(content)
    return not is_special and any(
        rest.is_customer(customer) for _, customer in rest.customers_in(content)
    )


_KINDS: tuple[tuple[str, Callable[[object], bool]], ...] = (
    ("it keeps webhooks with topics such as customers/update", webhooks.is_delivery),
    ("its objects are bodies of webhooks", webhooks.is_body),
    ("it is a GraphQL answer with customers", graphql.is_answer),
    ("its lines have ids that begin with gid://shopify/", bulk.is_line),
    ("its customers have the fields of Shopify's REST interface", _is_rest),
)


def _kind(sample: Sample) -> str:
    """Return what the first object that looks like Shopify's shows, in words; empty if none does.

    The first that is clear decides, so that no file is taken for two things.
    """
    if sample.columns:
        return ""
    hits = (why for content in sample.contents for why, is_it in _KINDS if is_it(content))
    return next(hits, "")


def _recogniser(*positions: int) -> Callable[[Sample], str]:
    reasons = {_KINDS[position][0] for position in positions}

    def recognise(sample: Sample) -> str:
        why = _kind(sample)
        return why if why in reasons else ""

    return recognise


FORMATS = (
    Format(
        name="Shopify customers CSV (2023 on)",
        platform=SourceName.SHOPIFY,
        recognise=_recognise_csv_of_2023,
        understand=one_by_one(csv.understand_export),
    ),
    Format(
        name="Shopify customers CSV (to 2023, or import template)",
        platform=SourceName.SHOPIFY,
        recognise=_recognise_csv,
        understand=one_by_one(csv.understand_export),
    ),
    Format(
        name="Shopify customers in a warehouse's CSV",
        platform=SourceName.SHOPIFY,
        recognise=_recognise_warehouse,
        understand=one_by_one(csv.understand_warehouse),
    ),
    Format(
        name="Shopify webhooks",
        platform=SourceName.SHOPIFY,
        recognise=_recogniser(0, 1),
        understand=one_by_one(webhooks.understand),
    ),
    Format(
        name="Shopify GraphQL answers",
        platform=SourceName.SHOPIFY,
        recognise=_recogniser(2),
        understand=graphql.understand,
    ),
    Format(
        name="Shopify bulk operation (JSON lines)",
        platform=SourceName.SHOPIFY,
        recognise=_recogniser(3),
        understand=bulk.understand,
    ),
    Format(
        name="Shopify REST customers",
        platform=SourceName.SHOPIFY,
        recognise=_recogniser(4),
        understand=one_by_one(webhooks.understand),
    ),
)
"""All formats of Shopify's; at most one of them recognises a file."""
