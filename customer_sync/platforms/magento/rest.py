"""Customers as Magento's REST interface answers with them, searched for or singly."""

from collections.abc import Iterable, Iterator, Mapping

from customer_sync.core.model import Record, Rejection, SourceName, Trigger
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.platforms.magento.values import (
    clear_address,
    own_field,
    put_address,
    put_person,
    rank,
    rows_in,
)
from customer_sync.platforms.paths import ABSENT, lookup


def _recognise(sample: Sample) -> str:
    if sample.columns:
        return ""
    for content in sample.contents:
        if isinstance(content, Mapping):
            if isinstance(content.get("items"), list) and "total_count" in content:
                return "it has items and total_count"
            return _sign_of(content)
    return ""


def _sign_of(customer: Mapping[str, object]) -> str:
    if "website_id" in customer and "_website" not in customer:
        if "group_id" in customer:
            return "its records have group_id and website_id"
        if isinstance(customer.get("custom_attributes"), list):
            return "its records have website_id and custom_attributes"
    return ""


def _understand(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    for record in records:
        if isinstance(record, Rejection):
            yield record
            continue
        for one in rows_in(record, "items"):
            if isinstance(one.content, Mapping):
                yield _customer(one, one.content, wanted)
            else:
                yield canonical.refused(one, "type", "A customer must be an object with fields.")


def _customer(record: Record, content: Mapping[str, object], wanted: Wanted) -> Understood:
    """Return the customer in *content*.

    A key that is left out says nothing: lists leave out what single answers hold, and a file does
    not tell which of them it was. An empty list of addresses says that there is none.
    """
    draft = Draft(record, SourceName.MAGENTO)
    draft.identify(content.get("id", ABSENT), "/data/id")
    put_person(draft, content)
    draft.put("sourceScope", content.get("website_id", ABSENT))
    _put_default_address(draft, content)
    draft.put_email_consent(lookup(content, "extension_attributes.is_subscribed"))
    draft.put_wanted(wanted.fields, lambda name: own_field(content, name))
    return draft.finish(Trigger.LISTED)


def _put_default_address(draft: Draft, content: Mapping[str, object]) -> None:
    addresses = content.get("addresses")
    if not isinstance(addresses, list):
        return
    whole = [one for one in addresses if isinstance(one, Mapping)]
    best = min(whole, key=lambda one: _rank(one, content), default=None)
    clear_address(draft)
    if best is not None and _rank(best, content) < 2:
        put_address(draft, best)


def _rank(address: Mapping[str, object], customer: Mapping[str, object]) -> int:
    """Return how good an address is by its own flags, or by the ids that the customer names."""
    number = address.get("id")
    for index, name in enumerate(("default_billing", "default_shipping")):
        if number is not None and str(customer.get(name)) == str(number):
            return min(index, rank(address))
    return rank(address)


REST = Format(
    name="Magento REST answer",
    platform=SourceName.MAGENTO,
    recognise=_recognise,
    understand=_understand,
)
