"""Many statements about a customer become one desired state, whatever order they arrive in.

Each field remembers when the shop said it and only yields to something newer, so that duplicates,
late arrivals and the cutting of the input into pieces make no difference. Two statements of the
same time are settled by their place in the input.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import TypeAlias

from customer_sync.core.customers.alone import names_of, only_address_of, told_at_once
from customer_sync.core.customers.heard import Heard
from customer_sync.core.customers.homes import (
    Identities,
    find_homes,
    known_addresses,
    recall_addresses,
)
from customer_sync.core.customers.together import at_one_address, customer_of
from customer_sync.core.model import Customer, Email, Reason, Skip, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What the input comes down to: one customer per address, and what led nowhere."""

    customers: Mapping[Email, Customer]
    skipped: tuple[Skip, ...]


Key: TypeAlias = tuple[str, str]


class Fold:
    """Collects statements; its size is that of the customers' latest states."""

    def __init__(self) -> None:
        self._once: dict[Key, tuple[Statement, int]] = {}
        """Of whom one record told so far, which nothing has to be made of yet."""
        self._heard: dict[Key, Heard] = {}
        self._left: dict[Email, Customer] = {}
        self._places = 0

    def add(self, statement: Statement, order: int | None = None) -> None:
        """Take in one statement; *order*, else the order of calls, settles equal times."""
        key = (
            ("id", statement.customer_id)
            if statement.customer_id is not None
            else ("email", statement.email or "")
        )
        first = (statement, self._places if order is None else order)
        self._places += 1
        if key in self._heard or self._once.setdefault(key, first) is not first:
            self._hear_of(key).add(*first)

    def add_customer(self, customer: Customer) -> None:
        """Take in what was folded before, such as a change that waited for its retry.

        Whatever the same customer said at the same time or later in this input is newer. An address
        that was left, whose contact waits to be taken out of use, is nobody's end.
        """
        if customer.is_left:
            self._left[customer.email] = customer
            return
        keys = [("id", i) for i in sorted(customer.ids)] or [("email", customer.email)]
        for key in keys:
            self._hear_of(key).merge(Heard.recall(customer))

    @property
    def ids(self) -> frozenset[str]:
        """The shop's ids that were mentioned."""
        return frozenset(name for kind, name in chain(self._once, self._heard) if kind == "id")

    @property
    def emails(self) -> frozenset[Email]:
        """The addresses that were mentioned."""
        heard = (email for heard in self._heard.values() for email in heard.emails)
        said = (e for one, _ in self._once.values() for e in (one.email, one.previous_email) if e)
        return frozenset(chain(said, heard, self._left))

    def customers(self, identities: Identities) -> Folded:
        """Return one customer per address, known by what the state remembers of ids."""
        lone, entangled = self._told_apart(identities)
        heard = _absorb_former_addresses(entangled)
        groups: dict[Email, list[Heard]] = defaultdict(list)
        skipped = []
        # In an order of their own: two who left one address may both have a word on it.
        for _, one in sorted(heard.items(), key=itemgetter(0)):
            recall_addresses(one, identities)
            email = one.newest_email
            if email is None:
                skipped.append(
                    Skip(
                        email=None,
                        ids=frozenset(one.ids),
                        reason=Reason.UNKNOWN_CUSTOMER,
                        statements=one.statements,
                    )
                )
            else:
                groups[email].append(one)
        homes = find_homes(identities, groups)
        customers = dict(lone)
        taken = groups.keys() | lone.keys()
        for email, members in groups.items():
            for found in at_one_address(email, members, identities, homes, taken=taken):
                if isinstance(found, Skip):
                    skipped.append(found)
                else:
                    customers[found.email] = found
        # Whoever lives at an address now keeps the contact that was left there.
        return Folded(customers=self._left | customers, skipped=tuple(skipped))

    def _told_apart(self, identities: Identities) -> tuple[dict[Email, Customer], dict[Key, Heard]]:
        """Return whoever has an address to themselves and no past, and all the others.

        Nothing that is said of the others touches them, so that they need none of the care below.
        """
        named = self._named(identities)
        lone: dict[Email, Customer] = {}
        entangled: dict[Key, Heard] = {}
        for key, (said, place) in self._once.items():
            email = only_address_of(said, identities)
            if email is not None and named[email] == 1:
                lone[email] = told_at_once(said, email, identities)
            else:
                entangled[key] = Heard.of(said, place)
        for key, one in self._heard.items():
            email = _only_address(key, one, identities)
            if email is not None and named[email] == 1:
                lone[email] = _lone_customer(email, one, identities)
            else:
                entangled[key] = one
        return lone, entangled

    def _named(self, identities: Identities) -> Counter[Email]:
        """Return how many have, or had, each address; all who were deleted there are one."""
        once = (names_of(said, identities) for said, _ in self._once.values())
        heard = ({*one.emails, *known_addresses(one, identities)} for one in self._heard.values())
        return Counter(chain.from_iterable(chain(once, heard, [identities.ends])))

    def _hear_of(self, key: Key) -> Heard:
        """Return what was heard of *key* so far, to take in more."""
        if key not in self._heard:
            once = self._once.pop(key, None)
            self._heard[key] = Heard() if once is None else Heard.of(*once)
        return self._heard[key]


def fold(statements: Iterable[Statement], identities: Identities | None = None) -> Folded:
    """Return the latest known state of every customer in *statements*.

    The newest statement wins, field by field. A deletion forgets what came before it and leaves a
    tombstone, so that "deleted" and "not mentioned" stay different things; only a creation after
    it brings the customer back. A no to mailing survives the deletion.
    """
    collected = Fold()
    for statement in statements:
        collected.add(statement)
    return collected.customers(identities or Identities())


def _only_address(key: Key, heard: Heard, identities: Identities) -> Email | None:
    """Return the one address that a living customer with an id was ever known to have."""
    kind, name = key
    if kind != "id" or len(heard.emails) != 1 or len(heard.ids) != 1 or heard.deleted is not None:
        return None
    (email,) = heard.emails
    known = identities.addresses.get(name)
    is_plain = name not in identities.deleted and (known is None or known.value == email)
    return email if is_plain else None


def _lone_customer(email: Email, heard: Heard, identities: Identities) -> Customer:
    """Return the customer that is all there is at *email*."""
    (name,) = heard.ids
    known = identities.addresses.get(name)
    if known is not None:
        heard = replace(heard, emails=dict(heard.emails))
        heard.hear_of(email, (known.at, -1))
    return customer_of(email, heard, statements=heard.statements)


def _absorb_former_addresses(heard: Mapping[Key, Heard]) -> dict[Key, Heard]:
    """Join what was said under an address with the customer who left that address later."""
    joined = {key: one.copy() for key, one in heard.items()}
    # Customers with an id come first, so that whatever the order of arrival they are served first.
    for key in sorted(joined, key=lambda k: (k[0] != "id", k)):
        while key in joined and (former := _absorbable(joined, key)) is not None:
            joined[key].merge(joined.pop(former))
    return joined


def _absorbable(heard: Mapping[Key, Heard], key: Key) -> Key | None:
    """Return an address that *key* left, and of which nothing was said after that."""
    one = heard[key]
    for email in sorted(one.emails.keys() - {one.newest_email}):
        before = heard.get(("email", email))
        if before is None or before is one or before.last is None:
            continue
        if before.last <= one.left_at(email):
            return ("email", email)
    return None
