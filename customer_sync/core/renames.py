"""Which contact goes along when a customer's address changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from customer_sync.core.model import Contact, Customer, Email


@dataclass(frozen=True, slots=True, kw_only=True)
class Renames:
    """How contacts follow their customers from one address to another."""

    moves: Mapping[Email, Email] = field(default_factory=dict)
    """New address to the address that the contact still has."""
    retired: Mapping[Email, Email] = field(default_factory=dict)
    """New address, which has a contact already, to the old one whose contact is left over."""
    swapped: frozenset[Email] = frozenset()
    """New addresses that could only be reached through a third, free one."""


def find_renames(customers: Mapping[Email, Customer], observed: Mapping[Email, Contact]) -> Renames:
    """Return the renames that bring every contact to its customer's address.

    An address may be taken over from a contact that is renamed itself. A ring of such takeovers
    cannot be done one after the other and is left to a person.
    """
    wanted = {}
    leaving: set[Email] = set()
    for email in sorted(customers):
        former = _contact_left_behind(customers[email], observed, leaving)
        if former is not None:
            wanted[email] = former
            leaving.add(former)
    moves = _possible(wanted, observed)
    rings = _rings(moves)
    return Renames(
        moves={new: old for new, old in moves.items() if new not in rings},
        retired={
            new: old
            for new, old in wanted.items()
            # Whoever lives at the old address now keeps the contact there.
            if new not in moves and old not in customers
        },
        swapped=rings,
    )


def _contact_left_behind(
    customer: Customer, observed: Mapping[Email, Contact], leaving: set[Email]
) -> Email | None:
    candidates = (f for f in customer.former_emails if f in observed and f not in leaving)
    return next(candidates, None)


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
