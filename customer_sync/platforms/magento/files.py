"""Magento's export files: customers, their addresses, and both in one file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from customer_sync.core.model import Record, Rejection, SourceName, Trigger
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.platforms.magento.values import (
    own_field,
    put_address,
    put_person,
    rank,
    rows_in,
)
from customer_sync.platforms.paths import ABSENT

Row: TypeAlias = Mapping[str, object]

_WRAPPERS = ("customers", "customer addresses", "addresses", "items")
"""Where extensions put the rows when they export them as JSON."""

_PREFIX = "_address_"
_NO_DEFAULT = 2
_WHOLE = re.compile(r"\s*[0-9]*\s*")
_NUMBERED = ("store_id", "website_id", "group_id")


# ---------------------------------------------------------------- recognising


def columns_of(sample: Sample) -> frozenset[str]:
    """Return the names in a header, or those of the first row in JSON."""
    if sample.columns:
        return frozenset(sample.columns)
    for content in sample.contents:
        record = content
        if isinstance(content, Mapping):
            held = next((content[name] for name in _WRAPPERS if name in content), None)
            record = held[0] if isinstance(held, list) and held else content
        if isinstance(record, Mapping):
            return frozenset(map(str, record))
    return frozenset()


def _recognise_addresses(sample: Sample) -> str:
    has_both = {"_website", "_email"} <= columns_of(sample)
    return "it has _website and _email" if has_both else ""


def _recognise_composite(sample: Sample) -> str:
    columns = columns_of(sample)
    address = sorted(column for column in columns if column.startswith(_PREFIX))
    if {"email", "_website"} <= columns and address:
        return f"it has email, _website and {address[0]}"
    return ""


_SAMPLE_DATA = {"email", "firstname", "lastname", "country_id", "postcode", "telephone"}


def _recognise_main(sample: Sample) -> str:
    columns = columns_of(sample)
    if {"email", "_website"} <= columns:
        return "it has email and _website"
    if columns >= _SAMPLE_DATA and "_website" not in columns:
        return "it has firstname, country_id and telephone as sample data do"
    return ""


# ---------------------------------------------------------------- customers


def begin_customer(record: Record, row: Row, wanted: Wanted) -> Draft:
    """Return what a row of the main columns says.

    No id is made up: the row has none, and address and website are no id, since the same person
    has a number elsewhere. Without one the customer is known by the address.
    """
    draft = Draft(record, SourceName.MAGENTO)
    put_person(draft, row)
    draft.put("sourceScope", row.get("_website", ABSENT))
    draft.put_wanted(wanted.fields, lambda name: own_field(row, name))
    if shifted := next((c for c in _NUMBERED if not _is_whole(row.get(c))), None):
        draft.refuse(
            "shifted",
            f"{shifted} holds no number; the cells of this row seem to stand under the wrong "
            "columns.",
            "/data",
        )
        draft.fields = {"email": draft.fields.get("email")}
    return draft


def _is_whole(value: object) -> bool:
    return value is None or _WHOLE.fullmatch(str(value)) is not None


def _understand_main(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    for one in rows(records):
        if isinstance(one, Rejection):
            yield one
            continue
        record, row = one
        draft = begin_customer(record, row, wanted)
        # Sample data carry the one address in the customer's own row.
        put_address(draft, row)
        yield draft.finish(Trigger.LISTED)


def rows(records: Iterable[Decoded]) -> Iterator[Rejection | tuple[Record, Row]]:
    """Yield rows with their records, those within JSON lists one by one."""
    for record in records:
        if isinstance(record, Rejection):
            yield record
            continue
        for one in rows_in(record, *_WRAPPERS):
            if isinstance(one.content, Mapping):
                yield one, one.content
            else:
                yield canonical.refused(one, "type", "A customer must be an object with fields.")


# ---------------------------------------------------------------- addresses


@dataclass(slots=True)
class Address:
    """The best address of a customer so far."""

    rank: int
    record: Record
    row: Row

    def replaces(self, other: "Address | None") -> bool:
        """Tell whether this one is as good as *other*, which stood before it, or better."""
        return other is None or self.rank <= other.rank


def key_of(row: Row, email: str = "email") -> tuple[str, str]:
    """Return website and address, by which Magento's files belong together, in lower case."""
    parts = (row.get("_website"), row.get(email))
    website, address = (str(part or "").strip().casefold() for part in parts)
    return website, address


def best_addresses(
    records: Iterable[Decoded], wanted: Wanted, found: dict[tuple[str, str], Address]
) -> Iterator[Rejection]:
    """Fill *found* with the default address of each customer; yield what cannot be used."""
    kept = {"_website", "_email", "street", "region", "telephone", "company", "city", "postcode"}
    kept |= {"country_id"}
    for one in rows(records):
        if isinstance(one, Rejection):
            yield one
            continue
        record, row = one
        if not key_of(row, "_email")[1]:
            yield canonical.refused(record, "identity", "The address belongs to no customer.")
            continue
        own = {name: own_field(row, name) for name in wanted.fields}
        small = {n: v for n, v in row.items() if n in kept} | {
            n: v for n, v in own.items() if v is not ABSENT
        }
        place = Record(place=record.place, content=None, written_at=record.written_at)
        address = Address(rank(row, _PREFIX), place, small)
        if address.replaces(found.get(key_of(row, "_email"))):
            found[key_of(row, "_email")] = address


def from_address(address: Address, wanted: Wanted) -> Understood:
    """Return what an address alone says about its customer: names in it may be another's."""
    draft = Draft(address.record, SourceName.MAGENTO)
    draft.put("email", address.row.get("_email"))
    draft.put("sourceScope", address.row.get("_website", ABSENT))
    add_address(draft, address, wanted)
    return draft.finish(Trigger.LISTED)


def add_address(draft: Draft, address: Address, wanted: Wanted) -> None:
    """Set the fields of *address* if it is a default one."""
    if address.rank < _NO_DEFAULT:
        put_address(draft, address.row)
        # What the customer's own row says has been set, and stays.
        names = wanted.fields - draft.fields.keys()
        draft.put_wanted(names, lambda name: own_field(address.row, name))


def _understand_addresses(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    found: dict[tuple[str, str], Address] = {}
    yield from best_addresses(records, wanted, found)
    for address in found.values():
        yield from_address(address, wanted)


# ---------------------------------------------------------------- both in one file


@dataclass(slots=True)
class _Group:
    """A customer and the best of the addresses in its rows."""

    record: Record
    row: Row
    address: Row
    rank: int


def _understand_composite(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    group: _Group | None = None
    for one in rows(records):
        if isinstance(one, Rejection):
            # Rows that follow without an address may belong to the one that cannot be read.
            yield from _finished(group, wanted)
            group = None
            yield one
            continue
        record, row = one
        if str(row.get("email") or "").strip():
            yield from _finished(group, wanted)
            group = _Group(record, row, row, rank(row, _PREFIX))
        elif group is None:
            yield canonical.refused(
                record, "continuation", "This further address follows no customer that can be read."
            )
        elif (found := rank(row, _PREFIX)) < group.rank:
            group.address, group.rank = row, found
    yield from _finished(group, wanted)


def _finished(group: _Group | None, wanted: Wanted) -> Iterator[Understood]:
    if group is None:
        return
    draft = begin_customer(group.record, group.row, wanted)
    if group.rank < _NO_DEFAULT:
        put_address(draft, group.address, _PREFIX)
    yield draft.finish(Trigger.LISTED)


MAIN = Format(
    name="Magento customers file",
    platform=SourceName.MAGENTO,
    recognise=_recognise_main,
    understand=_understand_main,
)
ADDRESSES = Format(
    name="Magento customer addresses file",
    platform=SourceName.MAGENTO,
    recognise=_recognise_addresses,
    understand=_understand_addresses,
)
COMPOSITE = Format(
    name="Magento customers and addresses file",
    platform=SourceName.MAGENTO,
    recognise=_recognise_composite,
    understand=_understand_composite,
)
