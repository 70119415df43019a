"""Shopify's webhooks: by their topic where it was kept, else by the shape of the body."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from customer_sync.core.model import Record, SourceName, Trigger
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft, refused
from customer_sync.platforms.format import Understood, Wanted
from customer_sync.platforms.paths import ABSENT, dig
from customer_sync.platforms.shopify.identity import identify
from customer_sync.platforms.shopify.rest import understand_answer, understand_customer
from customer_sync.platforms.streaming import Delivery, body_of, delivery_of, unreadable_body
from customer_sync.readers.strict_json import JsonProblem

_CUSTOMER_TOPICS = MappingProxyType(
    {
        "customers/create": Trigger.CREATED,
        "customers/update": Trigger.UPDATED,
        "customers/enable": Trigger.UPDATED,
        "customers/disable": Trigger.UPDATED,
    }
)
_IRRELEVANT_TOPICS = frozenset(
    {
        "customer.joined_segment",
        "customer.left_segment",
        "customer.tags_added",
        "customer.tags_removed",
        "customers/data_request",
        "customers/purchasing_summary",
        "customers_whats_app_marketing_consent/update",
        "shop/redact",
    }
)
"""They say too little about a customer, or nothing; the next full export tells the rest."""

_DELETED_KEYS = frozenset({"id", "tax_exemptions", "admin_graphql_api_id", "phone", "addresses"})
_KEPT = "admin_graphql_api_id_customer_kept"
_MERGED = "admin_graphql_api_id_customer_deleted"
_PREFIX = ("customer", "shop/")


def is_delivery(content: object) -> bool:
    """Tell whether *content* keeps a webhook of Shopify's with its topic."""
    delivery = delivery_of(content)
    if delivery is None:
        return False
    return delivery.topic.startswith(_PREFIX) and (
        "/" in delivery.topic or delivery.topic in _IRRELEVANT_TOPICS
    )


def is_body(content: object) -> bool:
    """Tell whether *content* is a body that only a webhook has."""
    return _topic_of(content) is not None


def _topic_of(body: object) -> str | None:
    """Return the topic of a body that can belong to no other."""
    match body:
        case {"customer": _, "orders_to_redact": _}:
            return "customers/redact"
        case {"customer_id": _, "email_marketing_consent": _}:
            return "customers_email_marketing_consent/update"
        case {"customer_id": _, "sms_marketing_consent": _}:
            return "customers_marketing_consent/update"
        case Mapping() if _KEPT in body and _MERGED in body:
            return "customers/merge"
        case Mapping() if _is_deleted(body) and "admin_graphql_api_id" in body:
            return "customers/delete"
        case _:
            return None


def _is_deleted(body: object) -> bool:
    return (
        isinstance(body, Mapping)
        and body.keys() <= _DELETED_KEYS
        and not body.get("phone")
        and not body.get("addresses")
    )


def understand(record: Record, wanted: Wanted) -> Iterator[Understood]:
    """Return what a webhook says, kept with its topic or as its bare body.

    A bare body that could belong to several topics, such as a whole customer, is taken as listed.
    """
    delivery = delivery_of(record.content)
    if delivery is not None:
        yield from understand_delivery(record, delivery, wanted)
        return
    topic = _topic_of(record.content)
    if topic is None:
        yield from understand_answer(record, wanted)
    else:
        yield from understand_delivery(record, Delivery(topic=topic, body=record.content), wanted)


def understand_delivery(record: Record, delivery: Delivery, wanted: Wanted) -> Iterator[Understood]:
    """Return what a webhook says by its topic.

    - create, update, enable, disable: the customer as it is now.
    - delete, and redact (a person's right): the customer is deleted. The topic is not covered by
      the signature, so a body that holds more than a deletion does is refused.
    - The consent topics: an update of nothing but the consent.
    - merge, once it is complete: one customer is deleted, the other is mentioned as updated.
    - Topics that tell nothing about a customer give nothing; unknown ones are refused.
    """
    try:
        body = body_of(delivery)
    except JsonProblem as problem:
        yield unreadable_body(record, problem)
        return
    trigger = _CUSTOMER_TOPICS.get(delivery.topic)
    if trigger is not None:
        yield understand_customer(record, body, wanted, trigger)
    elif not isinstance(body, Mapping):
        yield refused(record, "webhook-body", "The webhook's body is no object.")
    elif delivery.topic not in _IRRELEVANT_TOPICS:
        yield from _understand_topic(record, delivery, body)


def _understand_topic(
    record: Record, delivery: Delivery, body: Mapping[str, object]
) -> Iterator[Understood]:
    match delivery.topic:
        case "customers/delete" if _is_deleted(body):
            yield _deletion(record, delivery, body)
        case "customers/delete":
            detail = "The topic is a deletion, but the body is not that of one; nothing is deleted."
            yield refused(record, "webhook-body", detail)
        case "customers/redact":
            yield _redaction(record, delivery, body)
        case "customers_email_marketing_consent/update":
            yield _consent(record, delivery, body, "email_marketing_consent")
        case "customers_marketing_consent/update":
            yield _consent(record, delivery, body, "sms_marketing_consent")
        case "customers/merge":
            yield from _merge(record, delivery, body)
        case _:
            yield refused(record, "webhook-topic", "The webhook's topic is not about customers.")


# ---------------------------------------------------------------- topics


def _triggered_at(delivery: Delivery) -> str | None:
    try:
        return canonical.utc(delivery.triggered_at)
    except ValueError:
        return None


def _deletion(record: Record, delivery: Delivery, body: Mapping[str, object]) -> Understood:
    draft = Draft(record, SourceName.SHOPIFY)
    identify(draft, body.get("id", ABSENT), body.get("admin_graphql_api_id", ABSENT), "/id")
    return draft.finish(Trigger.DELETED, at=_triggered_at(delivery))


def _redaction(record: Record, delivery: Delivery, body: Mapping[str, object]) -> Understood:
    draft = Draft(record, SourceName.SHOPIFY)
    draft.identify(dig(body, "customer", "id"), "/customer/id")
    draft.put("email", dig(body, "customer", "email"))
    return draft.finish(Trigger.DELETED, at=_triggered_at(delivery))


def _consent(
    record: Record, delivery: Delivery, body: Mapping[str, object], name: str
) -> Understood:
    draft = Draft(record, SourceName.SHOPIFY)
    gid = body.get("admin_graphql_api_id", ABSENT)
    identify(draft, body.get("customer_id", body.get("id", ABSENT)), gid, "/customer_id")
    state, decided_at = dig(body, name, "state"), dig(body, name, "consent_updated_at")
    if name == "email_marketing_consent":
        draft.put("email", body.get("email_address", ABSENT))
        draft.put_email_consent(state)
        draft.put("acceptsMarketingUpdatedAt", decided_at, canonical.instant)
    else:
        draft.put_sms_consent(state)
    at = _triggered_at(delivery) or draft.fields.get("acceptsMarketingUpdatedAt")
    return draft.finish(Trigger.UPDATED, at=at)


def _merge(record: Record, delivery: Delivery, body: Mapping[str, object]) -> Iterator[Understood]:
    """Of a body only the ids are used; a merge that failed or still runs changed nothing."""
    if body.get("status", "completed") != "completed":
        return
    for name, trigger in ((_KEPT, Trigger.UPDATED), (_MERGED, Trigger.DELETED)):
        draft = Draft(record, SourceName.SHOPIFY)
        identify(draft, ABSENT, body.get(name, ABSENT), f"/{name}")
        yield draft.finish(trigger, at=_triggered_at(delivery))
