"""Customers of any other system: any header, any names, found through the mapping and by custom."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from customer_sync.core.model import Record, Rejection, SourceName, Trigger
from customer_sync.core.values.names import camel_case
from customer_sync.core.values.readings import as_text, is_empty
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import FIELDS, Draft
from customer_sync.platforms.events import is_event
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.platforms.paths import ABSENT, lookup

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("customerId", "customerID"),
    "email": ("eMail", "emailAddress", "eMailAddress", "mail", "customerEmail"),
    "firstName": ("firstname", "givenName", "forename"),
    "lastName": ("lastname", "surname", "familyName"),
    "phone": ("phoneNumber", "telephone", "mobile", "mobilePhone"),
    "acceptsMarketing": ("acceptsEmailMarketing", "isSubscribed"),
    "createdAt": ("created", "dateCreated"),
    "updatedAt": ("updated", "dateUpdated", "modifiedAt", "lastModified"),
    "birthday": ("dateOfBirth", "dob", "birthDate", "birthdate"),
    "zip": ("zipcode", "zipCode", "postcode", "postalCode"),
    "address1": ("address", "street", "addressLine1"),
    "address2": ("addressLine2",),
    "province": ("state", "region"),
    "provinceCode": ("stateCode",),
    "countryCode": ("countryId",),
    "customerTier": ("customerGroup", "customerGroupCode", "tier"),
    "totalOrders": ("ordersCount", "orderCount"),
    "totalSpent": ("totalSpend",),
    "lastOrderDate": ("lastOrderAt",),
    "locale": ("language",),
}
"""Names (in camelCase) that other systems were seen to have for a field. `status` and `active` are
no consent, and a joined `name` is nobody's first name, so neither is here."""

_WRAPPERS = ("customers", "items", "data", "records", "results", "customer addresses")
"""Where files were seen to keep their customers."""

_PLAIN_FIELDS = tuple(
    sorted(FIELDS - {"source", "marketingState", "acceptsMarketing", "acceptsSmsMarketing"})
)
_NUMBER = re.compile(r"[+-]?[.,]?[0-9][0-9.,' ]*([eE][+-]?[0-9]+)?")
_GUARD_BEFORE = "+=-@0123456789"


# ---------------------------------------------------------------- finding


class _Finder:
    """Finds fields in records; where the same columns come again, it knows the way."""

    def __init__(self, wanted: Wanted) -> None:
        asked = dict(wanted.aliases)
        if wanted.consent_field:
            others = asked.get("acceptsMarketing", ())
            asked["acceptsMarketing"] = (wanted.consent_field, *others)
        fields = FIELDS | asked.keys() | {"event", "timestamp"}
        # What the configuration says comes first.
        self._names = {f: (*asked.get(f, ()), f, *ALIASES.get(f, ())) for f in fields}
        self._paths = {f: tuple(filter(_is_path, names)) for f, names in asked.items()}
        self._ways = lru_cache(maxsize=64)(self._find_ways)

    def look_into(self, content: Mapping[str, object]) -> "_Found":
        """Return the fields of *content*, to be asked for by name."""
        return _Found(content, self._ways(tuple(content)), self._paths)

    def _find_ways(self, keys: tuple[str, ...]) -> dict[str, str]:
        by_name: dict[str, str] = {}
        for key in keys:
            by_name.setdefault(camel_case(key), key)
        ways: dict[str, str] = {}
        for field, names in self._names.items():
            name = next((name for name in map(camel_case, names) if name in by_name), None)
            if name is not None:
                ways[field] = by_name[name]
        return ways


def _is_path(name: str) -> bool:
    return "." in name or "[" in name


@dataclass(frozen=True, slots=True)
class _Found:
    """A record whose keys are known by the fields that they hold."""

    content: Mapping[str, object]
    ways: Mapping[str, str]
    paths: Mapping[str, tuple[str, ...]]

    def get(self, field: str) -> object:
        """Return the value of *field*; ABSENT where the record does not speak about it."""
        key = self.ways.get(field)
        if key is not None:
            return self.content[key]
        found = (lookup(self.content, path) for path in self.paths.get(field, ()))
        return next((value for value in found if value is not ABSENT), ABSENT)

    def wanted(self, name: str) -> object:
        """Return what *name* means: a key, a path, or one of its aliases."""
        value = lookup(self.content, name)
        return self.get(name) if value is ABSENT else value


# ---------------------------------------------------------------- reading


def understand(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    """Turn records of any form into events.

    - Events of our own form stay as they are.
    - Anything else lists a customer, unless a field `event` says otherwise: at its `timestamp`,
      else at its `updatedAt` where that names its zone, else when the source was written.
    - A field goes by its own name, by one that the mapping gives, or by one of ALIASES, in any
      spelling. Only these and what the mapping asks for pass.
    - Customers within an object are found at `wanted.records`, else under one of the usual names.
    """
    finder = _Finder(wanted)
    for record in records:
        if isinstance(record, Rejection) or is_event(record.content):
            yield record
        else:
            for one in _unwrapped(record, wanted.records):
                yield one if isinstance(one, Rejection) else _understood(one, finder, wanted)


def _unwrapped(record: Record, path: str | None) -> Iterator[Record | Rejection]:
    content = record.content
    if path is not None and isinstance(content, Mapping):
        found = lookup(content, path)
        if found is ABSENT:
            yield canonical.refused(record, "records", f"There is nothing at {path}.")
            return
        yield from _each(record, found)
        return
    yield from _each(record, _customers_in(content))


def _customers_in(content: object) -> object:
    """Return the list of customers that *content* holds, else *content* itself."""
    inner = content
    for _ in range(2):
        if not isinstance(inner, Mapping) or _is_customer(inner):
            break
        held = next((inner[name] for name in _WRAPPERS if name in inner), None)
        if not isinstance(held, list | Mapping):
            break
        inner = held
    return inner


def _is_customer(content: Mapping[str, object]) -> bool:
    names = {camel_case(str(key)) for key in content}
    return not names.isdisjoint({"id", "email", *ALIASES["email"], *ALIASES["id"]})


def _each(record: Record, found: object) -> Iterator[Record]:
    for content in found if isinstance(found, list) else [found]:
        yield Record(place=record.place, content=content, written_at=record.written_at)


def _understood(record: Record, finder: _Finder, wanted: Wanted) -> Understood:
    content = record.content
    if not isinstance(content, Mapping):
        return canonical.refused(record, "type", "A customer must be an object with fields.")
    found = finder.look_into(content)
    draft = Draft(record, SourceName.CUSTOM)
    for field in _PLAIN_FIELDS:
        draft.put(field, found.get(field), _CONVERSIONS.get(field, _as_written))
    # What is said about consent counts more than a finer word beside it.
    draft.put_email_consent(found.get("marketingState"))
    draft.put_email_consent(found.get("acceptsMarketing"))
    draft.put_sms_consent(found.get("acceptsSmsMarketing"))
    _complete_country(draft)
    draft.put_wanted(wanted.fields, found.wanted)
    trigger = _trigger(found.get("event"))
    if trigger is None:
        draft.refuse("enum", "event is none of " + ", ".join(Trigger) + ".", "/event")
    return draft.finish(trigger or Trigger.LISTED, at=_time(found, record))


def _complete_country(draft: Draft) -> None:
    """Take a country of two capital letters for its code, which phone numbers need."""
    country = draft.fields.get("country")
    is_code = isinstance(country, str) and re.fullmatch(r"[A-Z]{2}", country)
    if is_code and "countryCode" not in draft.fields:
        draft.fields["countryCode"] = country


def _trigger(value: object) -> Trigger | None:
    if value is ABSENT or is_empty(value):
        return Trigger.LISTED
    try:
        return Trigger(as_text(value).strip())
    except (ValueError, TransformError):
        return None


def _time(found: _Found, record: Record) -> object:
    stamp = found.get("timestamp")
    if stamp is not ABSENT and not is_empty(stamp):
        return stamp.strip() if isinstance(stamp, str) else stamp
    try:
        updated = canonical.instant(found.get("updatedAt"))
    except TransformError:
        updated = None
    return updated or record.written_at.isoformat()


# ---------------------------------------------------------------- values


def _as_written(value: object) -> object:
    """Return a value that fits a field; its form is the mapping's business."""
    if is_empty(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return value
    return as_text(value)


def _unguarded(value: object) -> object:
    """Return a value without the apostrophe by which spreadsheets keep digits as text."""
    return _as_written(canonical.unguarded(value, guard="'", before=_GUARD_BEFORE))


def _tags(value: object) -> object:
    if isinstance(value, list):
        return canonical.tag_list(value)
    return _as_written(value)


def _number(value: object) -> object:
    if isinstance(value, str) and not is_empty(value) and not _NUMBER.fullmatch(value.strip()):
        raise TransformError("it is not a number")
    return _as_written(value)


def _phone(value: object) -> object:
    return canonical.phone(_unguarded(value))


_CONVERSIONS: Final[Mapping[str, Callable[[object], object]]] = {
    "id": _unguarded,
    "phone": _phone,
    "zip": _unguarded,
    "tags": _tags,
    "totalOrders": _number,
    "totalSpent": _number,
    "isGuest": canonical.boolean,
    "verifiedEmail": canonical.boolean,
    "taxExempt": canonical.boolean,
    "countryCode": canonical.country_code,
}


def recognise(sample: Sample) -> str:
    """Return why *sample* can be read by its names: somebody's id or address is among them."""
    names = {camel_case(column) for column in sample.columns}
    if names:
        return "its header names the columns and fits no platform"
    return "its records fit no platform" if sample.contents else ""


CUSTOM = Format(
    name="customers by the names of their fields",
    platform=SourceName.CUSTOM,
    recognise=recognise,
    understand=understand,
    is_one_by_one=True,
)
