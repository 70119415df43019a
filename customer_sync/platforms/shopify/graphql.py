"""Shopify's GraphQL customers, and the answers that hold them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from customer_sync.core.model import Record, Rejection, SourceName, Trigger
from customer_sync.errors import SourceError
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import ADDRESS_FIELDS, Draft, refused
from customer_sync.platforms.format import Decoded, Understood, Wanted
from customer_sync.platforms.paths import ABSENT, dig, first_told
from customer_sync.platforms.shopify import metafields
from customer_sync.platforms.shopify.consent import put_email_consent
from customer_sync.platforms.shopify.identity import identify, is_customer
from customer_sync.platforms.streaming import one_by_one
from customer_sync.trouble import Code

_DEEPEST = 12
"""A query may nest deeper than its customers stand, but not by much."""
_FIELDS: tuple[tuple[str, tuple[str, ...], Callable[[object], object]], ...] = (
    ("firstName", ("firstName",), canonical.text),
    ("lastName", ("lastName",), canonical.text),
    ("createdAt", ("createdAt",), canonical.instant),
    ("updatedAt", ("updatedAt",), canonical.instant),
    ("totalOrders", ("numberOfOrders",), canonical.whole_number),
    ("totalSpent", ("amountSpent", "amount"), canonical.decimal_text),
    ("currency", ("amountSpent", "currencyCode"), canonical.text),
    ("lastOrderDate", ("lastOrder", "createdAt"), canonical.instant),
    ("customerTier", ("statistics", "predictedSpendTier"), canonical.text),
    ("tags", ("tags",), canonical.tag_list),
    ("locale", ("locale",), canonical.language),
    ("note", ("note",), canonical.text),
    ("taxExempt", ("taxExempt",), canonical.boolean),
    ("verifiedEmail", ("verifiedEmail",), canonical.boolean),
)
_ADDRESS: tuple[tuple[str, str, Callable[[object], object]], ...] = (
    ("company", "company", canonical.text),
    ("address1", "address1", canonical.text),
    ("address2", "address2", canonical.text),
    ("city", "city", canonical.text),
    ("province", "province", canonical.text),
    ("provinceCode", "provinceCode", canonical.text),
    ("zip", "zip", canonical.text),
    ("country", "country", canonical.text),
    ("countryCode", "countryCodeV2", canonical.country_code),
)


# ---------------------------------------------------------------- one customer


def understand_node(record: Record, node: Mapping[str, object], wanted: Wanted) -> Understood:
    """Return the customer that a node of GraphQL is, as listed.

    The fields of today are preferred to those they replaced (`email`, `phone`,
    `emailMarketingConsent`, `smsMarketingConsent` of the customer).
    """
    draft = Draft(record, SourceName.SHOPIFY)
    identify(draft, node.get("legacyResourceId", ABSENT), node.get("id", ABSENT), "/id")
    emails = dig(node, "defaultEmailAddress", "emailAddress"), node.get("email", ABSENT)
    draft.put("email", first_told(*emails))
    for field, path, convert in _FIELDS:
        draft.put(field, dig(node, *path), convert)
    _put_consent(draft, node)
    _put_address(draft, node)
    draft.put_wanted(wanted.fields, lambda name: metafields.find(node, name))
    return draft.finish(Trigger.LISTED)


def _put_consent(draft: Draft, node: Mapping[str, object]) -> None:
    put_email_consent(
        draft,
        dig(node, "defaultEmailAddress", "marketingState"),
        dig(node, "emailMarketingConsent", "marketingState"),
    )
    decided_at = first_told(
        dig(node, "defaultEmailAddress", "marketingUpdatedAt"),
        dig(node, "emailMarketingConsent", "consentUpdatedAt"),
    )
    draft.put("acceptsMarketingUpdatedAt", decided_at, canonical.instant)
    draft.put_sms_consent(
        first_told(
            dig(node, "defaultPhoneNumber", "smsMarketingConsent", "state"),
            dig(node, "defaultPhoneNumber", "marketingState"),
            dig(node, "smsMarketingConsent", "marketingState"),
        )
    )


def _put_address(draft: Draft, node: Mapping[str, object]) -> None:
    address = node.get("defaultAddress", ABSENT)
    phones = (
        dig(node, "defaultPhoneNumber", "phoneNumber"),
        node.get("phone", ABSENT),
        dig(address, "phone"),
    )
    draft.put("phone", first_told(*phones), canonical.phone)
    if address is None:
        draft.fields.update(dict.fromkeys(ADDRESS_FIELDS))
        return
    for field, name, convert in _ADDRESS:
        draft.put(field, dig(address, name), convert)


# ---------------------------------------------------------------- an answer


def customers_in(answer: object, *, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Return the customers anywhere in *answer*, whatever names the query gave.

    A customer is an object with a customer's gid, or what stands under `customer` or in the
    connection `customers` of a query that did not ask for ids.
    """
    if depth > _DEEPEST:
        return
    if isinstance(answer, list):
        for item in answer:
            yield from customers_in(item, depth=depth + 1)
    elif isinstance(answer, Mapping):
        if is_customer(answer.get("id")):
            yield answer
            return
        for name, value in answer.items():
            yield from _customers_under(name, value, depth + 1)


def _customers_under(name: object, value: object, depth: int) -> Iterator[Mapping[str, object]]:
    if name not in {"customer", "customers"}:
        yield from customers_in(value, depth=depth)
        return
    for item in metafields.members(value):
        if isinstance(item, Mapping) and _has_customer_fields(item):
            yield item
        else:
            yield from customers_in(item, depth=depth)


def _has_customer_fields(item: Mapping[str, object]) -> bool:
    return not {"email", "defaultEmailAddress", "legacyResourceId"}.isdisjoint(item)


def is_answer(content: object) -> bool:
    """Tell whether *content* is a GraphQL answer about customers.

    A plain list of customers is anybody's; a connection has edges or nodes.
    """
    match content:
        case {"data": {"customers": list() as plain}}:
            return any(isinstance(one, Mapping) and is_customer(one.get("id")) for one in plain)
        case {"data": Mapping() as data}:
            return "customers" in data or next(customers_in(data), None) is not None
        case _:
            return False


def _understand_answer(record: Record, wanted: Wanted) -> Iterator[Understood]:
    content = record.content
    if not isinstance(content, Mapping) or not ({"data", "errors"} & content.keys()):
        yield refused(record, "graphql", "It is no answer of Shopify's GraphQL, which has data.")
        return
    known: dict[str, Mapping[str, object]] = {}
    is_any = False
    for node in customers_in(content.get("data")):
        gid = node.get("id")
        if isinstance(gid, str):
            # One answer may hold the same customer under several names.
            if known.get(gid) == node:
                continue
            known[gid] = node
        is_any = True
        yield understand_node(record, node, wanted)
    if content.get("errors") and not is_any:
        yield refused(record, "graphql", _told_error(content["errors"]), pointer="/errors")


def _told_error(errors: object) -> str:
    code = dig(errors[0], "extensions", "code") if isinstance(errors, list) and errors else None
    known = isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha()
    return f"Shopify answered with an error{f' ({code})' if known else ''} and no customer."


def understand(decoded: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    """Return the customers of answers as listed.

    Raises:
        SourceError: Shopify held back every email address.
    """
    return with_addresses(one_by_one(_understand_answer)(decoded, wanted))


# ---------------------------------------------------------------- protected customer data


def with_addresses(understood: Iterable[Understood]) -> Iterator[Understood]:
    """Return *understood* unchanged, and stop at its end if no customer had an address.

    To apps without approval for protected customer data Shopify gives null for every email, not an
    error; to go on would mean to conclude something from that. One single customer may really have
    none, if at least the phone is there. Where a query did not ask for addresses, nothing is
    concluded.

    Raises:
        SourceError: every customer's address is null.
    """
    nameless = 0
    first: Understood | None = None
    is_any_told = False
    for item in understood:
        email = _fields(item).get("email", ABSENT)
        if email is None:
            nameless += 1
            first = first or item
        elif email is not ABSENT:
            is_any_told = True
        yield item
    if first is None or is_any_told or (nameless == 1 and _fields(first).get("phone")):
        return
    raise SourceError(
        f"{first.place}: Shopify gives no email address of any customer.",
        trouble=Code.NO_ADDRESSES,
        hint="The app that fetched this needs approval for protected customer data, the field "
        "email included; without it Shopify answers null. Nothing was changed.",
    )


def _fields(item: Understood) -> Mapping[str, object]:
    if isinstance(item, Rejection):
        return {}
    fields = dig(item.content, "data")
    return fields if isinstance(fields, Mapping) else {}
