"""Who lives at which address, as the state knows and as far as the input says otherwise."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from customer_sync.core.customers.heard import Heard
from customer_sync.core.model import Dated, Email


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """What the state remembers of who is who."""

    addresses: Mapping[str, Dated[Email]] = field(default_factory=dict)
    """The shop's id to the address that was last confirmed, and when the shop had said it."""
    owners: Mapping[Email, frozenset[str]] = field(default_factory=dict)
    """The address to the ids of all customers that live at it, as far as confirmed."""
    deleted: Mapping[str, datetime] = field(default_factory=dict)
    """The ids of customers that are deleted, as far as confirmed, and since when."""
    ends: Mapping[Email, Mapping[str, datetime]] = field(default_factory=dict)
    """The address to the ids of all customers that had it until they were deleted, and when."""

    @classmethod
    def of_everybody(cls, known: Mapping[str, tuple[Dated[Email], bool]]) -> "Identities":
        """Return what is remembered, given everybody's address and whether they are deleted."""
        owners: dict[Email, frozenset[str]] = {}
        ends: dict[Email, dict[str, datetime]] = {}
        for customer_id, (home, is_deleted) in known.items():
            if is_deleted:
                ends.setdefault(home.value, {})[customer_id] = home.at
            else:
                owners[home.value] = owners.get(home.value, frozenset()) | {customer_id}
        return cls(
            addresses={customer_id: home for customer_id, (home, _) in known.items()},
            owners=owners,
            deleted={i: home.at for i, (home, is_deleted) in known.items() if is_deleted},
            ends=ends,
        )

    def last_end_of_others(self, email: Email, ids: Collection[str]) -> datetime | None:
        """Return when the last one was deleted at *email* who is none of *ids*."""
        ends = self.ends.get(email, {})
        return max((at for i, at in ends.items() if i not in ids), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """Whose home an address is, by the ids."""

    confirmed: Mapping[Email, frozenset[str]]
    """As the state knows."""
    residents: Mapping[Email, frozenset[str]]
    """Of the addresses that were heard of, without those who are heard to be deleted, or elsewhere
    by now."""
    ended: frozenset[Email]
    """Addresses of customers without an id who are heard to be deleted."""

    def of_others(self, email: Email, heard: Heard, identities: Identities) -> bool:
        """Tell whether the contact at *email*, where the customer was once, is that of others.

        Of those who shared it, neither the deleted nor those who left keep the last one from taking
        it along; else its no would be left behind. But whoever is not known to have lived there, or
        had been deleted before, has no part in it.
        """
        remembered = {i for i in heard.ids if _was_at_home(i, email, identities)}
        has_part = not remembered <= identities.deleted.keys()
        owners = self.residents if has_part else self.confirmed
        return bool(owners.get(email, frozenset()) - heard.ids)


def find_homes(identities: Identities, groups: Mapping[Email, Collection[Heard]]) -> Homes:
    """Return who lives where, given who is heard of at which address."""
    newest = {i: email for email, members in groups.items() for one in members for i in one.ids}
    dead = {
        i
        for members in groups.values()
        for one in members
        if recall_death(one, identities).is_deleted
        for i in one.ids
    }
    had = {email for members in groups.values() for one in members for email in one.emails}
    residents = {
        email: frozenset(i for i in ids - dead if newest.get(i, email) == email)
        for email, ids in identities.owners.items()
        if email in had
    }
    ended = frozenset(
        email
        for email, members in groups.items()
        if all(one.is_deleted and not one.ids for one in members)
    )
    return Homes(confirmed=identities.owners, residents=residents, ended=ended)


def recall_death(heard: Heard, identities: Identities) -> Heard:
    """Add the deletion that the state remembers of a customer."""
    recalled = heard.copy()
    if heard.ids and heard.ids <= identities.deleted.keys():
        recalled.add_deletion((max(identities.deleted[i] for i in heard.ids), -1))
    return recalled


def recall_addresses(heard: Heard, identities: Identities) -> None:
    """Add the addresses that the state remembers for the ids, as old as they are."""
    for known in (identities.addresses[i] for i in heard.ids if i in identities.addresses):
        heard.hear_of(known.value, (known.at, -1))


def former_emails(
    email: Email,
    heard: Heard,
    identities: Identities,
    homes: Homes,
    taken: Collection[Email],
) -> Iterator[Email]:
    """Yield the addresses that the contact may still go by, the likeliest first.

    Where others live at an old address, its contact is theirs and stays; where all who shared it
    leave, one of them takes it along. An address that is only said to be an old one, and that
    somebody in the same input has, or has had, is theirs too.
    """
    remembered = known_addresses(heard, identities)
    newest_first = sorted(heard.emails, key=heard.age_of, reverse=True)
    for former in sorted(newest_first, key=lambda e: e not in remembered):
        if former == email or homes.of_others(former, heard, identities):
            continue
        if former in remembered or former not in taken:
            yield former


def shared_emails(
    email: Email,
    heard: Heard,
    identities: Identities,
    homes: Homes,
) -> Iterator[Email]:
    """Yield the addresses at which the customer is remembered and others live.

    Where nobody had an id, an export may have taken a move for a deletion: that address counts too.
    """
    for former in sorted(known_addresses(heard, identities)):
        if former != email and homes.of_others(former, heard, identities):
            yield former
    yield from sorted(homes.ended & heard.emails.keys() - {email})


def known_addresses(heard: Heard, identities: Identities) -> set[Email]:
    """Return the addresses that the state remembers for a customer."""
    return {identities.addresses[i].value for i in heard.ids if i in identities.addresses}


def were_at_home(gone: Collection[str], email: Email, identities: Identities) -> bool:
    """Tell whether any of those who are gone is known to have lived at *email*."""
    return any(_was_at_home(i, email, identities) for i in gone)


def _was_at_home(customer_id: str, email: Email, identities: Identities) -> bool:
    known = identities.addresses.get(customer_id)
    return known is not None and known.value == email
