"""What is news about a customer, given what was confirmed before."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from customer_sync.core.model import (
    Confirmed,
    Contact,
    Customer,
    Dated,
    Email,
    Reason,
    Skip,
    Value,
)

T = TypeVar("T")


def confirmed_before(
    customer: Customer, contact: Contact | None, confirmed: Mapping[Email, Confirmed]
) -> Confirmed | None:
    """Return what was last confirmed for *customer*, if it was about *contact* where there is one.

    What is known of another contact, such as one that the customer left behind, says nothing
    about who blocked or edited this one. Nor does the end of somebody without a contact, at the
    address that this one is about to leave, or had left before that end.
    """
    names = [customer.email, *customer.former_emails]
    if contact is None:
        about = (confirmed[e] for e in names if e in confirmed)
        return next((known for known in about if not is_end_of_another(customer, known)), None)
    if contact.email is not None and contact.email in confirmed:
        known = confirmed[contact.email]
        if known.is_deleted and known.contact_id is None and contact.email != customer.email:
            return None
        if known.contact_id in {None, contact.id}:
            return known
        # Somebody made it anew in Brevo: what stands there now is not our doing.
        return replace(known, email_blocked_at=None, sms_blocked_at=None, is_listed=False)
    about = (confirmed[e] for e in names if e in confirmed)
    return next((known for known in about if known.contact_id == contact.id), None)


def is_end_of_another(customer: Customer, known: Confirmed) -> bool:
    """Tell whether *known* is an end at an address that the customer had left by then."""
    if not known.is_deleted or known.email == customer.email:
        return False
    return at_or_before(customer.moved_in_at, known.deleted_at)


def settle_in(
    customer: Customer, before: Confirmed | None, moved_in: Iterable[Confirmed]
) -> tuple[Customer, Confirmed | None]:
    """Let what was confirmed at the customer's old contacts count for the contact at the new one.

    Whoever lived elsewhere until now is not the one whose deletion was confirmed here.
    """
    if customer.is_deleted:
        return customer, before
    before = told_apart(customer, before)
    living = [known for known in moved_in if not known.is_deleted]
    attributes = dict(customer.attributes)
    for known in living:
        for name, said in known.attributes.items():
            if name not in attributes or attributes[name].at < said.at:
                attributes[name] = said
    is_tombstone = before is not None and before.is_deleted
    if (
        before is not None
        and is_tombstone
        and (living or _moved_in_since(customer, before) or _ended_others(customer, before))
    ):
        before = without_a_yes(before)
        before = replace(before, is_deleted=False, deleted_at=None, created_at=None)
    return replace(customer, attributes=attributes), before


def told_apart(customer: Customer, known: Confirmed | None) -> Confirmed | None:
    """Return what was confirmed, where it is of the customer's address, without others' words.

    A yes that was said at an address before the customer came is that of somebody else.
    """
    if known is None or known.email != customer.email:
        return known
    if customer.vacated_at is not None:
        known = _without_those_before(known, customer.vacated_at)
    if customer.moved_in_at is not None and not customer.is_deleted:
        known = _without_a_yes_before(known, customer.moved_in_at)
    return known


def _without_those_before(known: Confirmed, vacated_at: datetime) -> Confirmed:
    """Return what was confirmed at an address without what is about others who had it."""
    attributes = {n: said for n, said in known.attributes.items() if said.at > vacated_at}
    return replace(without_a_yes(known), attributes=attributes, created_at=None)


def _without_a_yes_before(known: Confirmed, at: datetime) -> Confirmed:
    mail, sms = known.email_consent, known.sms_consent
    return replace(
        known,
        email_consent=mail if _is_no(mail) or (mail and mail.at > at) else None,
        sms_consent=sms if _is_no(sms) or (sms and sms.at > at) else None,
    )


def without_a_yes(known: Confirmed) -> Confirmed:
    """Return what was confirmed at an address for its next owner: a no stays with it, a yes not."""
    return replace(
        known,
        email_consent=known.email_consent if _is_no(known.email_consent) else None,
        sms_consent=known.sms_consent if _is_no(known.sms_consent) else None,
    )


def _moved_in_since(customer: Customer, tombstone: Confirmed) -> bool:
    return (
        customer.moved_in_at is not None
        and tombstone.deleted_at is not None
        and customer.moved_in_at > tombstone.deleted_at
    )


def _ended_others(customer: Customer, tombstone: Confirmed) -> bool:
    """Tell whether others had the address until this end, of which no creation is independent."""
    came_later = not at_or_before(customer.created_at, tombstone.deleted_at)
    if customer.created_at is not None and came_later:
        return False
    return at_or_before(tombstone.deleted_at, customer.vacated_at)


def with_noes_of(customer: Customer, elsewhere: Iterable[Confirmed]) -> Customer:
    """Let what the customer refused at other addresses be refused here, unless a word is newer.

    There need not be a contact that was ever blocked: a customer may be deleted before one is made.
    """
    if customer.is_deleted:
        return customer
    for known in elsewhere:
        customer = replace(
            customer,
            email_consent=surviving_no(customer.email_consent, known.email_consent),
            sms_consent=surviving_no(customer.sms_consent, known.sms_consent),
        )
    return customer


def since_confirmed(customer: Customer, before: Confirmed | None) -> Customer | Skip:
    """Leave of *customer* what is not older than what was confirmed."""
    if before is None:
        return customer
    if customer.is_deleted:
        came_back = before.created_at is not None and not before.is_deleted
        if came_back and at_or_before(customer.deleted_at, before.created_at):
            return _hear_who_came_back(customer, before)
        return customer
    if before.is_deleted:
        return _come_back(customer, before)
    attributes = _without_superseded(customer.attributes, before)
    email_consent = _newer(customer.email_consent, before.email_consent, before)
    sms_consent = _newer(customer.sms_consent, before.sms_consent, before)
    is_creation = customer.created_at is not None and not at_or_before(
        customer.created_at, before.created_at
    )
    is_silent = not (attributes or email_consent or sms_consent or is_creation)
    if is_silent and customer.last_at < before.last_at and customer.email == before.email:
        return skip(customer, Reason.STALE)
    is_all_new = (
        attributes is customer.attributes
        and email_consent is customer.email_consent
        and sms_consent is customer.sms_consent
    )
    news = {"attributes": attributes, "email_consent": email_consent, "sms_consent": sms_consent}
    return customer if is_all_new else replace(customer, **news)


def _without_superseded(
    attributes: Mapping[str, Dated[Value]], before: Confirmed
) -> Mapping[str, Dated[Value]]:
    """Return what was not said anew since, nor voided by a deletion; mostly that is all."""
    known = before.attributes
    old = [
        name
        for name, said in attributes.items()
        if ((was := known.get(name)) is None or said.at < was.at)
        and _is_superseded(said.at, was, before)
    ]
    if not old:
        return attributes
    return {name: said for name, said in attributes.items() if name not in old}


def _hear_who_came_back(customer: Customer, before: Confirmed) -> Customer | Skip:
    """Leave what somebody said after coming back, whose deletion before that is heard of only now.

    A no counts whenever it was said.
    """
    attributes = {
        name: said
        for name, said in customer.attributes.items()
        if not _precedes(said, before.created_at)
        and not _is_superseded(said.at, before.attributes.get(name), before)
    }
    email_consent = _unheard(customer.email_consent, before.email_consent, before)
    sms_consent = _unheard(customer.sms_consent, before.sms_consent, before)
    if not (attributes or email_consent or sms_consent) and customer.email == before.email:
        return skip(customer, Reason.STALE)
    return replace(
        customer,
        attributes=attributes,
        email_consent=email_consent,
        sms_consent=sms_consent,
        is_deleted=False,
    )


def _unheard(
    said: Dated[bool] | None, known: Dated[bool] | None, before: Confirmed
) -> Dated[bool] | None:
    if said is None or (known is not None and said.at <= known.at):
        return None
    return None if said.value and _precedes(said, before.created_at) else said


def _come_back(customer: Customer, before: Confirmed) -> Customer | Skip:
    """Let a customer start anew after a confirmed deletion, if a creation says so."""
    is_new = customer.created_at is not None and not at_or_before(
        customer.created_at, before.deleted_at
    )
    if not is_new:
        return _stay_deleted(customer, before)
    since = customer.created_at
    if customer.revived_at is not None and not at_or_before(customer.revived_at, before.deleted_at):
        since = customer.revived_at
    return replace(
        customer,
        attributes={
            n: said for n, said in customer.attributes.items() if not _precedes(said, since)
        },
        email_consent=_since(customer.email_consent, before.email_consent, since),
        sms_consent=_since(customer.sms_consent, before.sms_consent, since),
    )


def _stay_deleted(customer: Customer, before: Confirmed) -> Customer | Skip:
    """Leave a deleted customer alone, except that a new no is heard even then."""
    email_no = surviving_no(customer.email_consent, before.email_consent)
    sms_no = surviving_no(customer.sms_consent, before.sms_consent)
    if (email_no, sms_no) != (before.email_consent, before.sms_consent) and (
        _is_no(email_no) or _is_no(sms_no)
    ):
        return replace(
            customer,
            attributes={},
            email_consent=email_no if _is_no(email_no) else None,
            sms_consent=sms_no if _is_no(sms_no) else None,
            deleted_at=before.deleted_at,
            is_deleted=True,
        )
    is_old = at_or_before(customer.last_at, before.deleted_at)
    return skip(customer, Reason.STALE if is_old else Reason.DELETED)


def surviving_no(said: Dated[bool] | None, known: Dated[bool] | None) -> Dated[bool] | None:
    """Return what holds when *said* meets what was *known*: of the known only a no counts."""
    if known is None or known.value or (said is not None and said.at >= known.at):
        return said
    return known


def _since(
    said: Dated[bool] | None, known: Dated[bool] | None, since: datetime | None
) -> Dated[bool] | None:
    """Return the consent of somebody who came back: an older yes is void, an older no is not."""
    if said is not None and said.value and _precedes(said, since):
        said = None
    return surviving_no(said, known)


def _is_superseded(at: datetime, known: Dated[Value] | None, before: Confirmed) -> bool:
    """Tell whether something newer is known, or a deletion lies between then and now."""
    if known is not None:
        return at < known.at
    return before.deleted_at is not None and at < before.deleted_at


def _newer(
    said: Dated[bool] | None, known: Dated[bool] | None, before: Confirmed
) -> Dated[bool] | None:
    if said is None:
        return None
    if known is not None and said.at < known.at:
        # A no that is told again stands, however late the one that is known was dated.
        return known if _is_no(said) and _is_no(known) else None
    return None if said.value and _precedes(said, before.deleted_at) else said


def _is_no(consent: Dated[bool] | None) -> bool:
    return consent is not None and not consent.value


def _precedes(said: Dated[T], since: datetime | None) -> bool:
    return since is not None and said.at < since


def at_or_before(one: datetime | None, other: datetime | None) -> bool:
    """Compare two instants; one that is not known is not before anything."""
    return one is not None and other is not None and one <= other


def skip(customer: Customer, reason: Reason) -> Skip:
    """Leave *customer* alone, because."""
    return Skip(
        email=customer.email, ids=customer.ids, reason=reason, statements=customer.statements
    )
