"""Whose the addresses are that customers had before, given what is known of those."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from customer_sync.core.customers.news import is_end_of_another
from customer_sync.core.model import Confirmed, Customer, Email


def own_addresses(
    customers: Mapping[Email, Customer], confirmed: Mapping[Email, Confirmed]
) -> dict[Email, Customer]:
    """Return *customers* with those former addresses that are theirs, by where they live now.

    Whoever lives where another one has just left, and keeps the contact there, takes nothing over
    of what was said of that one.
    """
    movers = {email: one for email, one in customers.items() if one.former_emails}
    own = {**customers, **{email: _own_addresses(one, confirmed) for email, one in movers.items()}}
    left = {e for email in movers for e in own[email].former_emails}
    for email in left & own.keys() & confirmed.keys():
        customer, known = own[email], confirmed[email]
        vacated_at = max(customer.vacated_at or known.last_at, known.last_at)
        own[email] = replace(customer, vacated_at=vacated_at)
    return own


def is_end_of_a_stranger(
    customer: Customer, known: Confirmed, confirmed: Mapping[Email, Confirmed]
) -> bool:
    """Tell whether *known* is an end at an old address in which *customer* has no part.

    Whose move is written has taken along all that there was. Who has no id may have been taken for
    deleted there.
    """
    has_moved = bool(customer.ids) and customer.email in confirmed
    is_elsewhere = known.email != customer.email
    return has_moved and is_elsewhere and known.is_deleted and known.contact_id is None


def _own_addresses(customer: Customer, confirmed: Mapping[Email, Confirmed]) -> Customer:
    """Drop the former addresses that somebody else has been heard of at since.

    Where the customer's own address is confirmed already, the move is old news, and whatever was
    said of the old address after it is about its next owner; but who has no id may have been taken
    for deleted there. Until then, whose end came after the customer had left takes the contact
    there as well. Of both only the no is heard.
    """
    if customer.email in confirmed:
        # Once the move is written, what ended there may be what the customer left behind.
        others = [e for e in customer.former_emails if _is_later(customer, e, confirmed)]
        heard = [e for e in others if not customer.ids and confirmed[e].is_deleted]
    else:
        others = heard = [*_ended_with_another(customer, confirmed)]
    if not others:
        return customer
    return replace(
        customer,
        former_emails=tuple(e for e in customer.former_emails if e not in others),
        shared_emails=(*customer.shared_emails, *heard),
    )


def _is_later(customer: Customer, former: Email, confirmed: Mapping[Email, Confirmed]) -> bool:
    known = confirmed.get(former)
    return known is not None and known.last_at > customer.last_at


def _ended_with_another(
    customer: Customer, confirmed: Mapping[Email, Confirmed]
) -> Iterator[Email]:
    """Yield the old addresses whose contact ended with somebody who came after the customer."""
    for email in customer.former_emails:
        known = confirmed.get(email)
        if known is None or known.contact_id is None:
            continue
        if is_end_of_another(customer, known):
            yield email
