"""WooCommerce: everything that it hands out about customers, as formats."""

from collections.abc import Callable

from customer_sync.core.model import SourceName
from customer_sync.platforms.format import Format, Sample
from customer_sync.platforms.streaming import one_by_one
from customer_sync.platforms.woocommerce import analytics, rest


def _holds(is_customer: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda content: any(is_customer(item) for _, item in rest.customers_in(content))


_KINDS: tuple[tuple[str, Callable[[object], bool]], ...] = (
    ("it keeps webhooks with topics such as customer.updated", rest.is_delivery),
    ("its customers have date_created_gmt and billing", _holds(rest.is_customer)),
    ("its customers have billing_address", _holds(rest.is_legacy_customer)),
    ("its customers have user_id and avg_order_value", analytics.is_row),
    ("its objects hold an id and nothing else, as webhooks of deletions do", rest.is_deletion),
)


def _kind(sample: Sample) -> str:
    """Return what the objects of *sample* show, in words; empty if they are none of WooCommerce's.

    The first that is clear decides, so that no file is taken for two things; an id alone is only
    clear where nothing else stands in the sample.
    """
    if sample.columns:
        return ""
    *clear, (why_deletions, is_deletion) = _KINDS
    hits = (why for content in sample.contents for why, is_it in clear if is_it(content))
    if (hit := next(hits, "")) or not sample.contents:
        return hit
    return why_deletions if all(map(is_deletion, sample.contents)) else ""


def _recogniser(*positions: int) -> Callable[[Sample], str]:
    reasons = {_KINDS[position][0] for position in positions}

    def recognise(sample: Sample) -> str:
        why = _kind(sample)
        return why if why in reasons else ""

    return recognise


def _recognise_csv(sample: Sample) -> str:
    return "it has the columns AOV and Username" if analytics.is_export(sample.columns) else ""


FORMATS = (
    Format(
        name="WooCommerce webhooks",
        platform=SourceName.WOOCOMMERCE,
        recognise=_recogniser(0, 4),
        understand=one_by_one(rest.understand),
    ),
    Format(
        name="WooCommerce REST customers (v3)",
        platform=SourceName.WOOCOMMERCE,
        recognise=_recogniser(1),
        understand=one_by_one(rest.understand),
    ),
    Format(
        name="WooCommerce legacy customers (wc-api v3)",
        platform=SourceName.WOOCOMMERCE,
        recognise=_recogniser(2),
        understand=one_by_one(rest.understand),
    ),
    Format(
        name="WooCommerce customers report (JSON)",
        platform=SourceName.WOOCOMMERCE,
        recognise=_recogniser(3),
        understand=one_by_one(analytics.understand_report),
    ),
    Format(
        name="WooCommerce customers report (CSV)",
        platform=SourceName.WOOCOMMERCE,
        recognise=_recognise_csv,
        understand=one_by_one(analytics.understand_export),
    ),
)
"""All formats of WooCommerce's; at most one of them recognises a file."""
