"""WooCommerce's REST customers of version 3 and its legacy, and webhooks, whose bodies they are."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from customer_sync.core.model import Record, SourceName, Trigger
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft, refused
from customer_sync.platforms.format import Understood, Wanted
from customer_sync.platforms.paths import ABSENT, dig, first_told, lookup
from customer_sync.platforms.streaming import Delivery, body_of, delivery_of, unreadable_body
from customer_sync.readers.strict_json import JsonProblem

_TOPICS = MappingProxyType(
    {
        "customer.created": Trigger.CREATED,
        "customer.updated": Trigger.UPDATED,
        "customer.deleted": Trigger.DELETED,
    }
)
_OTHER_TOPICS = ("action.", "coupon.", "order.", "product.")
_PING = "webhook_id"
_CODE = re.compile(r"[A-Z0-9]{1,3}|[A-Z]{2}-[A-Z0-9]{1,3}")

_FIELDS: tuple[tuple[str, tuple[str, ...], Callable[[object], object]], ...] = (
    ("email", ("email",), canonical.text),
    ("createdAt", ("date_created_gmt", "created_at"), canonical.utc),
    ("updatedAt", ("date_modified_gmt", "last_update"), canonical.utc),
    ("totalOrders", ("orders_count",), canonical.whole_number),
    ("totalSpent", ("total_spent",), canonical.decimal_text),
    ("lastOrderDate", ("last_order_date",), canonical.utc),
    ("customerTier", ("role",), canonical.text),
)
_ADDRESS: tuple[tuple[str, str, Callable[[object], object]], ...] = (
    ("company", "company", canonical.text),
    ("address1", "address_1", canonical.text),
    ("address2", "address_2", canonical.text),
    ("city", "city", canonical.text),
    ("zip", "postcode", canonical.text),
    ("countryCode", "country", canonical.country_code),
)


# ---------------------------------------------------------------- recognising


def is_delivery(content: object) -> bool:
    """Tell whether *content* keeps a webhook of WooCommerce's with its topic."""
    delivery = delivery_of(content)
    return delivery is not None and delivery.topic.startswith(("customer.", *_OTHER_TOPICS))


def is_deletion(content: object) -> bool:
    """Tell whether *content* is what is left of a deleted customer: an id and nothing else."""
    return isinstance(content, Mapping) and content.keys() == {"id"}


def is_customer(content: object) -> bool:
    """Tell whether *content* is a customer of version 3."""
    match content:
        case {"date_created_gmt": _, "billing": Mapping(), **others}:
            return "line_items" not in others
        case _:
            return False


def is_legacy_customer(content: object) -> bool:
    """Tell whether *content* is a customer of the interface that version 1 replaced."""
    match content:
        case {"billing_address": Mapping(), "email": _, **others}:
            return "line_items" not in others
        case _:
            return False


def customers_in(content: object) -> list[tuple[str, object]]:
    """Return the customers in an answer, each with the pointer to it."""
    match content:
        case {"customers": [*customers]}:
            return [(f"/customers/{at}", customer) for at, customer in enumerate(customers)]
        case {"customer": customer, **others} if not others:
            return [("/customer", customer)]
        case _:
            return [("", content)]


# ---------------------------------------------------------------- understanding


def understand(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return what an answer or a webhook says.

    - Customers of an answer are listed. A webhook that was kept with its topic is a creation, an
      update or a deletion; without it a whole customer is listed, and an object of its own that
      holds nothing but an id is a deletion.
    - The ping that a new webhook sends, and webhooks about anything but customers, give nothing.
    """
    delivery = delivery_of(record.content)
    if delivery is not None:
        yield from understand_delivery(record, delivery, wanted)
    elif not _is_ping(record.content):
        for pointer, customer in customers_in(record.content):
            is_bare = pointer == "" and is_deletion(customer)
            trigger = Trigger.DELETED if is_bare else Trigger.LISTED
            yield understand_customer(record, customer, wanted, trigger, pointer)


def understand_delivery(record: Record, delivery: Delivery, wanted: Wanted) -> Iterator[Understood]:
    """Return what a webhook says by its topic.

    The topic is not covered by the signature, so a deletion whose body holds more than an id is
    refused.
    """
    if _is_ping(delivery.body) or delivery.topic.startswith(_OTHER_TOPICS):
        return
    try:
        body = body_of(delivery)
    except JsonProblem as problem:
        yield unreadable_body(record, problem)
        return
    trigger = _TOPICS.get(delivery.topic)
    if trigger is None:
        yield refused(record, "webhook-topic", "The webhook's topic is not about customers.")
    elif trigger is Trigger.DELETED and not is_deletion(body):
        detail = "The topic is a deletion, but the body is not that of one; nothing is deleted."
        yield refused(record, "webhook-body", detail)
    else:
        yield understand_customer(record, body, wanted, trigger)


def _is_ping(body: object) -> bool:
    if isinstance(body, str):
        return body.strip().startswith(f"{_PING}=")
    return isinstance(body, Mapping) and body.keys() == {_PING}


def understand_customer(
    record: Record, customer: object, wanted: Wanted, trigger: Trigger, pointer: str = ""
) -> Understood:
    """Return what *customer*, found at *pointer* of *record*, says.

    - The account's address counts, never that of the bill.
    - Names, phone and address that the account lacks are those of the bill, a phone in the end
      that of the shipping address.
    - Consent is what stands where the configuration says, for WooCommerce itself knows none.
    """
    if not isinstance(customer, Mapping) or not customer:
        return refused(record, "customer", "There is no customer here.", pointer=pointer)
    draft = Draft(record, SourceName.WOOCOMMERCE)
    draft.identify(customer.get("id", ABSENT), f"{pointer}/id")
    if trigger is Trigger.DELETED:
        return draft.finish(trigger)
    for field, names, convert in _FIELDS:
        draft.put(field, first_told(*(customer.get(name, ABSENT) for name in names)), convert)
    draft.fields["isGuest"] = False
    _put_person(draft, customer)
    put_consent(draft, customer, wanted.consent_field)
    draft.put_wanted(wanted.fields, lambda name: lookup(customer, name))
    return draft.finish(trigger)


def _put_person(draft: Draft, customer: Mapping[str, object]) -> None:
    billing = customer.get("billing", customer.get("billing_address", ABSENT))
    shipping = customer.get("shipping", customer.get("shipping_address", ABSENT))
    for field, name in (("firstName", "first_name"), ("lastName", "last_name")):
        draft.put(field, first_told(customer.get(name, ABSENT), dig(billing, name)))
    phones = dig(billing, "phone"), dig(shipping, "phone")
    draft.put("phone", first_told(*phones), canonical.phone)
    for field, name, convert in _ADDRESS:
        draft.put(field, dig(billing, name), convert)
    put_region(draft, dig(billing, "state"))


def put_region(draft: Draft, state: object) -> None:
    """Set a state or province, which WooCommerce keeps as a code or as whatever was typed."""
    is_name = isinstance(state, str) and state.strip() and not _CODE.fullmatch(state.strip())
    draft.put("province" if is_name else "provinceCode", state)


def put_consent(draft: Draft, customer: Mapping[str, object], path: str | None) -> None:
    """Set the consent that stands at *path*, or in the meta data under that key."""
    if path is None:
        return
    value = lookup(customer, path)
    if value is ABSENT:
        value = lookup(customer, f"meta_data[{path}]")
    draft.put_email_consent(value)
