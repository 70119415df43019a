"""Shopify's REST customers: lists, single ones, and the bodies of webhooks that carry one."""

from collections.abc import Callable, Iterator, Mapping

from customer_sync.core.model import Record, SourceName, Trigger
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import ADDRESS_FIELDS, Draft, refused
from customer_sync.platforms.format import Understood, Wanted
from customer_sync.platforms.paths import ABSENT, dig, first_told
from customer_sync.platforms.shopify import metafields
from customer_sync.platforms.shopify.consent import put_email_consent
from customer_sync.platforms.shopify.identity import identify
from customer_sync.platforms.shopify.identity import is_customer as has_gid

_FIELDS: tuple[tuple[str, str, Callable[[object], object]], ...] = (
    ("email", "email", canonical.text),
    ("firstName", "first_name", canonical.text),
    ("lastName", "last_name", canonical.text),
    ("createdAt", "created_at", canonical.instant),
    ("updatedAt", "updated_at", canonical.instant),
    ("totalOrders", "orders_count", canonical.whole_number),
    ("totalSpent", "total_spent", canonical.decimal_text),
    ("currency", "currency", canonical.text),
    ("tags", "tags", canonical.tag_list),
    ("note", "note", canonical.text),
    ("taxExempt", "tax_exempt", canonical.boolean),
    ("verifiedEmail", "verified_email", canonical.boolean),
)
_ADDRESS: tuple[tuple[str, str, Callable[[object], object]], ...] = (
    ("company", "company", canonical.text),
    ("address1", "address1", canonical.text),
    ("address2", "address2", canonical.text),
    ("city", "city", canonical.text),
    ("province", "province", canonical.text),
    ("provinceCode", "province_code", canonical.text),
    ("zip", "zip", canonical.text),
    ("countryCode", "country_code", canonical.country_code),
)
_MARKS = frozenset(
    {
        "accepts_marketing",
        "default_address",
        "email_marketing_consent",
        "last_order_name",
        "multipass_identifier",
        "orders_count",
        "tax_exempt",
        "verified_email",
    }
)
"""Names that Shopify gives to a customer's fields; two of them together are no accident."""


def is_customer(content: object) -> bool:
    """Tell whether *content* looks like one customer as REST gives it."""
    if not isinstance(content, Mapping):
        return False
    return has_gid(content.get("admin_graphql_api_id")) or len(_MARKS & content.keys()) > 1


def customers_in(content: object) -> list[tuple[str, object]]:
    """Return the customers in an answer, each with the pointer to it."""
    match content:
        case {"customers": [*customers]}:
            return [(f"/customers/{at}", customer) for at, customer in enumerate(customers)]
        case {"customer": customer, **others} if not others:
            return [("/customer", customer)]
        case _:
            return [("", content)]


def understand_answer(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return the customers of an answer as listed."""
    for pointer, customer in customers_in(record.content):
        yield understand_customer(record, customer, wanted, Trigger.LISTED, pointer)


def understand_customer(
    record: Record, customer: object, wanted: Wanted, trigger: Trigger, pointer: str = ""
) -> Understood:
    """Return what *customer*, found at *pointer* of *record*, says."""
    if not isinstance(customer, Mapping) or not customer:
        return refused(record, "customer", "There is no customer here.", pointer=pointer)
    draft = Draft(record, SourceName.SHOPIFY)
    number = customer.get("id", ABSENT)
    identify(draft, number, customer.get("admin_graphql_api_id", ABSENT), f"{pointer}/id")
    for field, name, convert in _FIELDS:
        draft.put(field, customer.get(name, ABSENT), convert)
    _put_consent(draft, customer)
    _put_address(draft, customer)
    draft.put_wanted(wanted.fields, lambda name: metafields.find(customer, name))
    return draft.finish(trigger)


def _put_consent(draft: Draft, customer: Mapping[str, object]) -> None:
    consent = customer.get("email_marketing_consent")
    state = ABSENT if consent is None else dig(consent, "state")
    put_email_consent(draft, state, customer.get("accepts_marketing", ABSENT))
    decided_at = first_told(
        ABSENT if consent is None else dig(consent, "consent_updated_at"),
        customer.get("accepts_marketing_updated_at", ABSENT),
    )
    draft.put("acceptsMarketingUpdatedAt", decided_at, canonical.instant)
    draft.put_sms_consent(dig(customer, "sms_marketing_consent", "state"))


def _put_address(draft: Draft, customer: Mapping[str, object]) -> None:
    """Set the default address; a customer without any address has an empty one."""
    address = customer.get("default_address", ABSENT)
    if address is ABSENT and customer.get("addresses", ABSENT) == []:
        address = None
    phones = customer.get("phone", ABSENT), dig(address, "phone")
    draft.put("phone", first_told(*phones), canonical.phone)
    if address is None:
        draft.fields.update(dict.fromkeys(ADDRESS_FIELDS))
        return
    for field, name, convert in _ADDRESS:
        draft.put(field, dig(address, name), convert)
    draft.put("country", first_told(dig(address, "country"), dig(address, "country_name")))
