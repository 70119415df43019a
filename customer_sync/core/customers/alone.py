"""Of whom a single record tells, at an address of their own: a customer without further care."""

from collections.abc import Collection
from datetime import datetime

from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import Customer, Dated, Email, Statement, Trigger


def names_of(said: Statement, identities: Identities) -> Collection[Email]:
    """Return every address that a customer of one statement has or had, each of them once."""
    known = _known(said, identities)
    if said.previous_email is None and (known is None or known.value == said.email):
        return () if said.email is None else (said.email,)
    names = {said.email, said.previous_email, None if known is None else known.value}
    return {name for name in names if name is not None}


def only_address_of(said: Statement, identities: Identities) -> Email | None:
    """Return the one address that a living customer with an id was ever known to have."""
    if said.customer_id is None or said.previous_email is not None:
        return None
    if said.trigger is Trigger.DELETED or said.customer_id in identities.deleted:
        return None
    known = _known(said, identities)
    return said.email if known is None or known.value == said.email else None


def told_at_once(said: Statement, email: Email, identities: Identities) -> Customer:
    """Return the customer that *said* tells all of, at the only address, *email*."""
    at, known = said.occurred_at, _known(said, identities)
    consent_at = said.consent_at or at
    is_created = said.trigger is Trigger.CREATED
    since = at if is_created or said.trigger is Trigger.LISTED else None
    return Customer(
        email=email,
        email_at=at if known is None else max(at, known.at),
        ids=frozenset(() if said.customer_id is None else (said.customer_id,)),
        attributes={name: Dated(value=value, at=at) for name, value in said.attributes.items()},
        email_consent=_consent(said.email_consent, consent_at),
        sms_consent=_consent(said.sms_consent, consent_at),
        created_at=since,
        revived_at=since,
        is_only_created=is_created,
        last_at=at,
    )


def _known(said: Statement, identities: Identities) -> Dated[Email] | None:
    return None if said.customer_id is None else identities.addresses.get(said.customer_id)


def _consent(word: bool | None, at: datetime) -> Dated[bool] | None:  # three values
    return None if word is None else Dated(value=word, at=at)
