"""Events of marketing extensions for Magento: a subscription, the customer, or both."""

from collections.abc import Iterable, Iterator, Mapping

from customer_sync.core.model import Record, Rejection, SourceName, Trigger
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.platforms.magento.values import moment, own_field, put_person, subscription
from customer_sync.platforms.paths import ABSENT, lookup, member


def _recognise(sample: Sample) -> str:
    if sample.columns:
        return ""
    for content in sample.contents:
        if isinstance(lookup(content, "subscriber.subscriber_email"), str):
            return "its records have a subscriber with subscriber_email"
        if lookup(content, "customer.website_id") is not ABSENT:
            return "its records have a customer with website_id"
    return ""


def _understand(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    for record in records:
        if isinstance(record, Rejection):
            yield record
            continue
        subscriber, customer = (member(record.content, n) for n in ("subscriber", "customer"))
        if isinstance(subscriber, Mapping) or isinstance(customer, Mapping):
            yield from _event(record, _fields(subscriber), _fields(customer), wanted)
        else:
            yield canonical.refused(record, "type", "There is neither subscriber nor customer.")


def _fields(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _event(
    record: Record,
    subscriber: Mapping[str, object],
    customer: Mapping[str, object],
    wanted: Wanted,
) -> Iterator[Understood]:
    """Yield what the event says; nothing where it is about a guest and guests do not count."""
    number = customer.get("entity_id", subscriber.get("customer_id", ABSENT))
    is_guest = number in (ABSENT, None, "", "0", 0)
    if is_guest and not wanted.include_guests:
        return
    draft = Draft(record, SourceName.MAGENTO)
    if not is_guest:
        draft.identify(number, "/data/id")
    put_person(draft, customer)
    draft.put("sourceScope", customer.get("website_id", ABSENT))
    if "email" not in draft.fields:
        draft.put("email", subscriber.get("subscriber_email", ABSENT))
    draft.put("acceptsMarketingUpdatedAt", subscriber.get("change_status_at", ABSENT), moment)
    draft.put_email_consent(_state(subscriber.get("subscriber_status", ABSENT)))
    draft.put_wanted(wanted.fields, lambda name: own_field(customer, name))
    yield draft.finish(Trigger.UPDATED, at=draft.fields.get("acceptsMarketingUpdatedAt"))


def _state(status: object) -> object:
    if status is ABSENT:
        return ABSENT
    try:
        return subscription(status)
    except TransformError:
        return status


MARKETING = Format(
    name="Magento marketing events",
    platform=SourceName.MAGENTO,
    recognise=_recognise,
    understand=_understand,
)
