"""Which contact goes along when a customer's address changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from customer_sync.core.model import Contact, Customer, Email


@dataclass(frozen=True, slots=True, kw_only=True)
class Renames:
    """How contacts follow their customers from one address to another."""

    moves: Mapping[Email, Email] = field(default_factory=dict)
    """New address to the address that the contact still has."""
    retired: Mapping[Email, tuple[Email, ...]] = field(default_factory=dict)
    """New address to the old ones whose contacts are left over: the customer has another by then,
    or is deleted and needs none. Who is deleted at the old one may take the contact along."""
    swapped: frozenset[Email] = frozenset()
    """New addresses that could only be reached through a third, free one."""


def find_renames(customers: Mapping[Email, Customer], observed: Mapping[Email, Contact]) -> Renames:
    """Return the renames that bring every contact to its customer's address.

    An address may be taken over from a contact that is renamed itself. A ring of such takeovers
    cannot be done one after the other and is left to a person. Who is deleted does not move.
    """
    movers = {email: one for email, one in customers.items() if one.former_emails}
    if not movers:
        return Renames()
    left_behind = _left_behind(movers, observed)
    wanted = {
        new: old[0] for new, old in left_behind.items() if old and not customers[new].is_deleted
    }
    moves = _possible(wanted, observed)
    rings = _rings(moves)
    living = {email for email, customer in customers.items() if not customer.is_deleted}
    retired = {
        # Whoever lives at the old address now keeps the contact there.
        new: tuple(e for e in old if e != moves.get(new) and e not in living)
        for new, old in left_behind.items()
        if new not in rings
    }
    return Renames(
        moves={new: old for new, old in moves.items() if new not in rings},
        retired={new: old for new, old in retired.items() if old},
        swapped=rings,
    )


def _left_behind(
    customers: Mapping[Email, Customer], observed: Mapping[Email, Contact]
) -> dict[Email, tuple[Email, ...]]:
    """Return the addresses at which a contact of each customer still stands, each of them once."""
    claimed: set[Email] = set()
    left_behind = {}
    for email in sorted(customers):
        former = customers[email].former_emails
        left_behind[email] = tuple(e for e in former if e in observed and e not in claimed)
        claimed.update(left_behind[email])
    return left_behind


def _possible(
    wanted: Mapping[Email, Email], observed: Mapping[Email, Contact]
) -> dict[Email, Email]:
    """Keep the renames whose new address is free, or becomes free by another of them."""
    moves = dict(wanted)
    while True:
        vacated = set(moves.values())
        stuck = [new for new in moves if new in observed and new not in vacated]
        if not stuck:
            return moves
        for new in stuck:
            del moves[new]


def _rings(moves: Mapping[Email, Email]) -> frozenset[Email]:
    """Return the new addresses that lie on a ring of takeovers, or wait for one."""
    in_rings: set[Email] = set()
    follower = {old: new for new, old in moves.items()}
    for start in moves:
        seen = [start]
        # Whoever holds `start` now must go first, and so on.
        while seen[-1] in follower and follower[seen[-1]] not in seen:
            seen.append(follower[seen[-1]])
        if follower.get(seen[-1]) in seen:
            in_rings.add(start)
    return frozenset(in_rings)
