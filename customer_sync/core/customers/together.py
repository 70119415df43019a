"""All who have one address, folded into the customer behind its contact."""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from customer_sync.core.customers.heard import Heard, dated, keep_newer
from customer_sync.core.customers.homes import (
    Homes,
    Identities,
    former_emails,
    known_addresses,
    recall_death,
    shared_emails,
    were_at_home,
)
from customer_sync.core.model import Customer, Email, Reason, Skip


def at_one_address(
    email: Email,
    members: list[Heard],
    identities: Identities,
    homes: Homes,
    *,
    taken: Collection[Email],
) -> Iterator[Customer | Skip]:
    """Fold all who have the address *email* into the one customer behind its contact.

    Who is deleted while another customer lives there is left alone: the contact is the other's. A
    contact that was never moved there goes, under its own address.
    """
    recalled = [recall_death(one, identities) for one in members]
    everyone = [one.settled() for one in _with_anonymous(recalled)]
    alive = [one for one in everyone if not one.is_deleted]
    gone = [one for one in members if one.ids and not any(one.ids <= a.ids for a in alive)]
    gone_ids = frozenset(i for one in gone for i in one.ids)
    is_address_deleted = any(one.deleted for one in members if not one.ids)
    others = homes.residents.get(email, frozenset()) - gone_ids
    if gone and (alive or (others and not is_address_deleted)):
        unnamed = 0 if alive else sum(one.statements for one in members if not one.ids)
        for place, member in enumerate(gone):
            one = next(one for one in everyone if one.ids == member.ids)
            statements = member.statements + (0 if place else unnamed)
            yield _left_to_others(email, one, statements)
            yield from _tombstones_elsewhere(email, one, identities, homes, taken)
        if not alive:
            return
        members = [one for one in members if one not in gone]
    is_news = alive or any(one.deleted for one in members)
    earlier = [] if alive else _gone_before_the_last(everyone)
    for one in earlier:
        theirs = [m for m in members if m.ids and m.ids <= one.ids]
        yield _left_to_others(email, one, sum(m.statements for m in theirs))
        yield from _tombstones_elsewhere(email, one, identities, homes, taken)
        members = [m for m in members if m not in theirs]
    whole = _together(alive or [one for one in everyone if one not in earlier], everyone)
    if alive and not homes.residents.get(email):
        if were_at_home(gone_ids, email, identities):
            whole.vacate(max(at for one in everyone if (at := one.deleted) and one.ids & gone_ids))
        if (ended_at := identities.last_end_of_others(email, whole.ids)) is not None:
            whole.vacate((ended_at, -1))
    if not is_news and not whole.says_no:
        yield _old_news(email, whole, members)
        return
    yield customer_of(
        email,
        whole,
        former_emails=tuple(former_emails(email, whole, identities, homes, taken)),
        shared_emails=tuple(shared_emails(email, whole, identities, homes)),
        has_moved=_has_moved(email, whole, identities),
        statements=sum(one.statements for one in members),
    )


def _gone_before_the_last(dead: list[Heard]) -> list[Heard]:
    """Return those who were deleted while others had the address still, whose end it is.

    Each keeps the time of their own deletion: what was said between the two may be a return.
    """
    last, _ = max(one.deleted for one in dead if one.deleted)
    lasting = {i for one in dead if one.deleted and one.deleted[0] == last for i in one.ids}
    return [one for one in dead if one.ids and one.ids.isdisjoint(lasting)]


def _left_to_others(email: Email, gone: Heard, statements: int) -> Skip:
    """Leave alone who is deleted while another customer has the address."""
    return Skip(
        email=email,
        ids=frozenset(gone.ids),
        reason=Reason.SHARED_ADDRESS,
        statements=statements,
        deleted_at=gone.deleted and gone.deleted[0],
    )


def _old_news(email: Email, dead: Heard, members: list[Heard]) -> Skip:
    """Leave alone who was deleted before and is only mentioned now."""
    is_stale = dead.last is not None and dead.deleted is not None and dead.last <= dead.deleted
    return Skip(
        email=email,
        ids=frozenset(dead.ids),
        reason=Reason.STALE if is_stale else Reason.DELETED,
        statements=sum(one.statements for one in members),
    )


def _tombstones_elsewhere(
    email: Email,
    gone: Heard,
    identities: Identities,
    homes: Homes,
    taken: Collection[Email],
) -> Iterator[Customer]:
    """Yield who is deleted at the addresses of before, where a contact may have stayed behind."""
    for former in former_emails(email, gone, identities, homes, taken):
        if former not in taken:
            yield replace(customer_of(former, gone, statements=0), is_elsewhere=True)


def _together(those: list[Heard], everyone: list[Heard]) -> Heard:
    """Join *those* of all at an address; the no of a dead one still holds for it."""
    whole = Heard()
    for one in those:
        whole.merge(one)
    for one in everyone:
        for name, (clock, is_yes) in one.consents.items():
            if not is_yes:
                keep_newer(whole.consents, name, clock, is_yes)
    return whole


def _has_moved(email: Email, heard: Heard, identities: Identities) -> bool:
    """Tell whether *email* is a new address for somebody who lives and had another."""
    is_new = email not in known_addresses(heard, identities)
    return is_new and len(heard.emails) > 1 and not heard.is_deleted


def customer_of(
    email: Email,
    heard: Heard,
    *,
    former_emails: tuple[Email, ...] = (),
    shared_emails: tuple[Email, ...] = (),
    has_moved: bool = False,
    statements: int,
) -> Customer:
    """Return what was *heard* as the customer that lives, or lived last, at *email*."""
    assert heard.last is not None  # noqa: S101 # every member was heard of at least once
    consents = dated(heard.consents)
    return Customer(
        email=email,
        email_at=heard.emails[email][0][0],
        ids=frozenset(heard.ids),
        former_emails=former_emails,
        shared_emails=shared_emails,
        moved_in_at=heard.emails[email][0][0] if has_moved else None,
        vacated_at=heard.vacated[0] if heard.vacated else None,
        # Of whoever is deleted too: the state may know that the customer has come back since.
        attributes=dated(heard.attributes),
        email_consent=consents.get("email"),
        sms_consent=consents.get("sms"),
        created_at=max(heard.creations)[0] if heard.creations else None,
        revived_at=min(heard.creations)[0] if heard.creations else None,
        deleted_at=heard.deleted[0] if heard.deleted else None,
        is_deleted=heard.is_deleted,
        is_only_created=heard.is_only_created,
        last_at=heard.last[0],
        statements=statements,
    )


def _with_anonymous(members: list[Heard]) -> Iterator[Heard]:
    """Yield each customer with an id, joined with what was said under the address alone."""
    anonymous = Heard()
    for one in members:
        if not one.ids:
            anonymous.merge(one)
    named = [one for one in members if one.ids]
    if not named:
        yield anonymous
    for one in named:
        whole = one.copy()
        whole.merge(anonymous)
        yield whole
