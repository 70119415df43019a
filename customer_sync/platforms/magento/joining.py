"""Magento's files of customers, addresses and subscribers, joined into customers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from customer_sync.core.model import Rejection, Trigger
from customer_sync.platforms.canonical import Draft, MarketingState
from customer_sync.platforms.format import Decoded, Format, Understood, Wanted
from customer_sync.platforms.magento.files import (
    ADDRESSES,
    MAIN,
    Address,
    add_address,
    begin_customer,
    best_addresses,
    from_address,
    key_of,
    rows,
)
from customer_sync.platforms.magento.grids import SUBSCRIBERS, Subscriber, subscribers
from customer_sync.platforms.recognised import Recognised


def parts(seen: Mapping[str, Recognised]) -> dict[str, Recognised]:
    """Return the files of *seen* that are joined: there are customers, and what belongs to them."""
    formats = {name: one.format for name, one in seen.items()}
    kinds = set(map(id, formats.values()))
    if id(MAIN) not in kinds or kinds.isdisjoint({id(ADDRESSES), id(SUBSCRIBERS)}):
        return {}
    return {name: one for name, one in seen.items() if one.format in (MAIN, ADDRESSES, SUBSCRIBERS)}


def join(files: Sequence[tuple[Format, Iterable[Decoded]]], wanted: Wanted) -> Iterator[Understood]:
    """Yield the customers that *files* make together.

    - Customers and addresses belong together by website and address, in any case; subscribers by
      address, and by website where that is told alike.
    - A customer whom the file of subscribers does not name has not subscribed. Without such a file
      nothing is known.
    - Addresses and subscribers without a customer are customers of their own; guests among them
      count where they are wanted.

    Addresses and subscriptions are held in memory, customers are not.
    """
    addresses: dict[tuple[str, str], Address] = {}
    consents = _Consents(wanted, is_known=any(form is SUBSCRIBERS for form, _ in files))
    for form, records in files:
        if form is ADDRESSES:
            yield from best_addresses(records, wanted, addresses)
        elif form is SUBSCRIBERS:
            yield from consents.take(records)
    joined: set[tuple[str, str]] = set()
    for form, records in files:
        if form is MAIN:
            yield from _customers(records, wanted, addresses, consents, joined)
    for key, address in addresses.items():
        if key not in joined:
            yield from_address(address, wanted)
    yield from consents.rest()


def _customers(
    records: Iterable[Decoded],
    wanted: Wanted,
    addresses: Mapping[tuple[str, str], Address],
    consents: "_Consents",
    joined: set[tuple[str, str]],
) -> Iterator[Understood]:
    for one in rows(records):
        if isinstance(one, Rejection):
            yield one
            continue
        record, row = one
        draft = begin_customer(record, row, wanted)
        key = key_of(row)
        if key in addresses:
            joined.add(key)
            add_address(draft, addresses[key], wanted)
        consents.put(draft, key)
        yield draft.finish(Trigger.LISTED)


class _Consents:
    """Who subscribed, by address."""

    def __init__(self, wanted: Wanted, *, is_known: bool) -> None:
        self._wanted = wanted
        self._is_known = is_known
        self._subscribers: dict[str, list[Subscriber]] = defaultdict(list)
        self._joined: set[str] = set()

    def take(self, records: Iterable[Decoded]) -> Iterator[Rejection]:
        """Take in the subscribers; yield what cannot be used."""
        for one in subscribers(records):
            if isinstance(one, Rejection):
                yield one
            else:
                self._subscribers[one.email.casefold()].append(one)

    def put(self, draft: Draft, key: tuple[str, str]) -> None:
        """Set the consent of the customer with *key*, website and address."""
        if not self._is_known:
            return
        website, email = key
        self._joined.add(email)
        rows = self._subscribers.get(email, [])
        here = [one for one in rows if one.website.casefold() == website] or rows
        if not here:
            draft.put_email_consent(MarketingState.NOT_SUBSCRIBED)
            return
        # Where websites disagree and cannot be told apart, a no counts.
        for one in sorted(here, key=lambda one: one.is_no):
            draft.put_email_consent(one.status)

    def rest(self) -> Iterator[Understood]:
        """Yield subscribers that are no customers of the other files."""
        for email, found in self._subscribers.items():
            if email not in self._joined:
                for one in found:
                    yield from one.understood(self._wanted)
