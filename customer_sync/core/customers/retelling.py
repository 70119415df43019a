"""A customer that was folded, told again as the events that fold to the same."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from customer_sync.core.model import Customer, Trigger, Value

CONSENTS = ("acceptsMarketing", "acceptsSmsMarketing")


def retell(customer: Customer, fields: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield plain events, the oldest first, each with the time at which the shop said it.

    *fields* names the field that an attribute comes from. Values are those that were to be written,
    after their transforms; an attribute that nothing is mapped to any more goes by its own name.
    """
    said = _said(customer, fields)
    for at in sorted(said.keys() | _times(customer)):
        yield _event(customer, at, _trigger(customer, at), said.get(at, {}))
    for former in customer.former_emails:
        moved = {"changes": {"email": {"old": former, "new": customer.email}}}
        yield _event(customer, customer.email_at, Trigger.UPDATED, moved)
    for customer_id in sorted(customer.ids)[1:]:
        # Others who share the address said nothing more than that they do.
        bare = {"id": customer_id}
        yield _event(customer, customer.last_at, _trigger(customer, customer.last_at), bare)
        yield from _deletion(customer, bare)
    yield from _deletion(customer, {})


def _deletion(customer: Customer, who: Mapping[str, object]) -> Iterator[dict[str, object]]:
    if customer.deleted_at is not None:
        deleted = {**who, "deletedAt": customer.deleted_at.isoformat()}
        yield _event(customer, customer.deleted_at, Trigger.DELETED, deleted)


def _said(customer: Customer, fields: Mapping[str, str]) -> dict[datetime, dict[str, object]]:
    """Return what the shop said of the customer, by when it did."""
    said: dict[datetime, dict[str, object]] = {}
    for name, dated in sorted(customer.attributes.items()):
        said.setdefault(dated.at, {})[fields.get(name, name)] = _plain(dated.value)
    for name, consent in zip(CONSENTS, (customer.email_consent, customer.sms_consent), strict=True):
        if consent is not None:
            said.setdefault(consent.at, {})[name] = consent.value
    return said


def _times(customer: Customer) -> set[datetime]:
    """Return when something happened that has to be told even where nothing else was said."""
    times = {customer.revived_at, customer.created_at}
    if not customer.is_deleted or customer.last_at != customer.deleted_at:
        times.add(customer.last_at)
    return {at for at in times if at is not None}


def _trigger(customer: Customer, at: datetime) -> Trigger:
    if customer.is_only_created or at in {customer.created_at, customer.revived_at}:
        return Trigger.CREATED
    return Trigger.UPDATED


def _event(
    customer: Customer, at: datetime, trigger: Trigger, fields: Mapping[str, object]
) -> dict[str, object]:
    who: dict[str, object] = {"email": customer.email}
    if customer.ids:
        who = {"id": min(customer.ids), **who}
    return {"event": trigger.value, "timestamp": at.isoformat(), "data": {**who, **fields}}


def _plain(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value
