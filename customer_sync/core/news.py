"""What is news about a customer, given what was confirmed before."""

from dataclasses import replace
from datetime import datetime

from customer_sync.core.model import Confirmed, Customer, Dated, Reason, Skip


def since_confirmed(customer: Customer, before: Confirmed | None) -> Customer | Skip:
    """Leave of *customer* what is not older than what was confirmed."""
    if before is None:
        return customer
    if customer.is_deleted:
        came_back = before.created_at is not None and not before.is_deleted
        if came_back and at_or_before(customer.deleted_at, before.created_at):
            return skip(customer, Reason.STALE)
        return customer
    if before.is_deleted:
        return _come_back(customer, before)
    attributes = {
        name: said
        for name, said in customer.attributes.items()
        if name not in before.attributes or said.at >= before.attributes[name].at
    }
    email_consent = _newer(customer.email_consent, before.email_consent)
    sms_consent = _newer(customer.sms_consent, before.sms_consent)
    is_silent = not (attributes or email_consent or sms_consent)
    if is_silent and customer.last_at < before.last_at and customer.email == before.email:
        return skip(customer, Reason.STALE)
    return replace(
        customer, attributes=attributes, email_consent=email_consent, sms_consent=sms_consent
    )


def _come_back(customer: Customer, before: Confirmed) -> Customer | Skip:
    """Let a customer start anew after a confirmed deletion, if a creation says so."""
    if not at_or_before(before.deleted_at, customer.last_at):
        return skip(customer, Reason.STALE)
    if customer.created_at is None or at_or_before(customer.created_at, before.deleted_at):
        is_old = at_or_before(customer.last_at, before.deleted_at)
        return skip(customer, Reason.STALE if is_old else Reason.DELETED)
    since = customer.created_at
    if customer.revived_at is not None and not at_or_before(customer.revived_at, before.deleted_at):
        since = customer.revived_at
    return replace(
        customer,
        attributes={n: said for n, said in customer.attributes.items() if said.at >= since},
    )


def _newer(said: Dated[bool] | None, known: Dated[bool] | None) -> Dated[bool] | None:
    if said is not None and known is not None and said.at < known.at:
        return None
    return said


def at_or_before(one: datetime | None, other: datetime | None) -> bool:
    """Compare two instants; one that is not known is not before anything."""
    return one is not None and other is not None and one <= other


def skip(customer: Customer, reason: Reason) -> Skip:
    """Leave *customer* alone, because."""
    return Skip(
        email=customer.email, ids=customer.ids, reason=reason, statements=customer.statements
    )
