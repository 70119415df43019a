"""What the shop last said of its customers, whenever that was: news on top of the confirmed."""

from collections.abc import Mapping

from msgspec.structs import replace

from customer_sync.core.customers.fold import Folded
from customer_sync.core.customers.news import since_confirmed
from customer_sync.core.model import Confirmed, Customer, Email, Reason, Skip

_OLD_NEWS = frozenset({Reason.STALE, Reason.DELETED})


def last_said(folded: Folded, confirmed: Mapping[Email, Confirmed]) -> Folded:
    """Return everybody in *folded* as the shop last described them.

    A source may be older than what was confirmed since, and may leave fields out: the newest word
    counts for every field, wherever it came from. Whoever a source only mentions in vain, because
    later news were confirmed already, is described by these.
    """
    customers = {e: _as_last_said(c, confirmed.get(e)) for e, c in folded.customers.items()}
    skipped = []
    for skip in folded.skipped:
        before = confirmed.get(skip.email) if skip.email is not None else None
        if skip.reason in _OLD_NEWS and before is not None and before.email not in customers:
            customers[before.email] = recalled(before, skip.ids)
        else:
            skipped.append(skip)
    return Folded(customers=customers, skipped=tuple(skipped))


def recalled(before: Confirmed, ids: frozenset[str] = frozenset()) -> Customer:
    """Return the customer that was confirmed, as the shop had described it by then.

    Where a contact was left there, taken out of use, it never goes for good, whatever deletions
    mean by now.
    """
    return Customer(
        email=before.email,
        email_at=before.last_at,
        ids=ids,
        attributes=before.attributes,
        email_consent=before.email_consent,
        sms_consent=before.sms_consent,
        created_at=before.created_at,
        revived_at=before.created_at,
        deleted_at=before.deleted_at,
        is_deleted=before.is_deleted,
        is_left=before.is_deleted and before.contact_id is not None,
        last_at=before.last_at,
        statements=0,
    )


def _as_last_said(customer: Customer, before: Confirmed | None) -> Customer:
    if before is None:
        return customer
    fresh = since_confirmed(customer, before)
    if isinstance(fresh, Skip):
        return recalled(before, customer.ids)
    if fresh.is_deleted:
        return fresh
    if before.is_deleted:
        # Whoever came back starts anew.
        return customer
    return replace(
        fresh,
        attributes={**before.attributes, **fresh.attributes},
        email_consent=fresh.email_consent or before.email_consent,
        sms_consent=fresh.sms_consent or before.sms_consent,
        last_at=max(fresh.last_at, before.last_at),
    )
