"""Values as Magento writes them: dates, genders, streets, states of a subscription."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from customer_sync.core.model import Record
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft, MarketingState
from customer_sync.platforms.paths import ABSENT, lookup

_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y",
)
"""Exports write the first, sample files for imports M/D/YYYY as well, grids the last two."""

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?")
"""What nearly all of them are, and read in a tenth of the time."""

_GENDERS = {
    "1": "male",
    "male": "male",
    "2": "female",
    "female": "female",
    "3": "unspecified",
    "not specified": "unspecified",
}
_STATES = {
    "1": MarketingState.SUBSCRIBED,
    "subscribed": MarketingState.SUBSCRIBED,
    "2": MarketingState.PENDING,
    "not activated": MarketingState.PENDING,
    "3": MarketingState.UNSUBSCRIBED,
    "unsubscribed": MarketingState.UNSUBSCRIBED,
    "4": MarketingState.PENDING,
    "unconfirmed": MarketingState.PENDING,
}
"""Of the newsletter: 2 and 4 both wait for somebody's confirmation."""

_JSON_LIST = re.compile(r"\s*\[.*\]\s*", re.DOTALL)


def _parsed(value: object) -> datetime | None:
    written = canonical.text(value)
    if written is None or written.startswith("0000-00-00"):
        return None
    if _ISO.fullmatch(written):
        with suppress(ValueError):
            return datetime.fromisoformat(written).replace(tzinfo=UTC)
    for form in _FORMS:
        with suppress(ValueError):
            return datetime.strptime(written, form).replace(tzinfo=UTC)
    raise TransformError("it is not a date as Magento writes them")


def moment(value: object) -> str | None:
    """Return a time of an export or of the API, which are UTC and name no zone."""
    try:
        parsed = _parsed(value)
    except TransformError:
        return canonical.utc(value)
    return None if parsed is None else parsed.isoformat().replace("+00:00", "Z")


def day(value: object) -> str | None:
    """Return a date; of a time only its day, as it stands there."""
    try:
        parsed = _parsed(value)
    except TransformError:
        return canonical.calendar_date(value)
    return None if parsed is None else parsed.date().isoformat()


def gender(value: object) -> str | None:
    """Return male, female or unspecified for the label of an export or the number of the API."""
    written = canonical.text(value)
    if written is None:
        return None
    known = _GENDERS.get(written.casefold())
    if known is None:
        raise TransformError("it is neither male, female nor not specified")
    return known


def subscription(value: object) -> MarketingState | None:
    """Return what the label or the number of a subscription's status means."""
    written = canonical.text(value)
    if written is None:
        return None
    state = _STATES.get(written.casefold())
    if state is None:
        raise TransformError("it is no status of a subscription")
    return state


def street_lines(value: object) -> tuple[str | None, str | None]:
    """Return the first line of a street, and the others joined.

    Lines come as a list (API), a list in JSON (sample files) or with line ends (exports).
    """
    lines = [line.strip() for line in _lines(value)]
    filled = [line for line in lines if line]
    return (filled[0] if filled else None), (", ".join(filled[1:]) or None)


def _lines(value: object) -> Iterable[str]:
    if isinstance(value, str) and _JSON_LIST.fullmatch(value):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value).splitlines()
    if isinstance(value, list):
        return [part for part in value if isinstance(part, str)]
    return (canonical.text(value) or "").splitlines()


ADDRESS_COLUMNS: Mapping[str, str] = {
    "phone": "telephone",
    "company": "company",
    "city": "city",
    "zip": "postcode",
    "province": "region",
    "countryCode": "country_id",
}
"""Fields of an address by the names that exports and the API share."""


def put_address(draft: Draft, address: Mapping[str, object], prefix: str = "") -> None:
    """Set the fields of the default address, whose names all begin with *prefix*."""
    for field, name in ADDRESS_COLUMNS.items():
        draft.put(
            field, address.get(prefix + name, ABSENT), _ADDRESS_CONVERSIONS.get(field, _plain)
        )
    region = address.get(prefix + "region", ABSENT)
    if isinstance(region, Mapping):
        draft.put("province", region.get("region", ABSENT))
        draft.put("provinceCode", region.get("region_code", ABSENT))
    street = address.get(prefix + "street", ABSENT)
    if street is not ABSENT:
        draft.put("address1", street, lambda value: street_lines(value)[0])
        draft.put("address2", street, lambda value: street_lines(value)[1])


def _plain(value: object) -> str | None:
    # A region is an object in the API; what is in it is read by itself.
    return None if isinstance(value, Mapping) else canonical.text(value)


_ADDRESS_CONVERSIONS = {"phone": canonical.phone, "countryCode": canonical.country_code}


def clear_address(draft: Draft) -> None:
    """Say that there is no default address, and no phone with it."""
    for field in ("phone", *canonical.ADDRESS_FIELDS):
        draft.fields[field] = None


def rank(address: Mapping[str, object], prefix: str = "") -> int:
    """Return 0 for the default billing address, 1 for the default shipping one, else 2."""
    flags = (f"{prefix}default_billing", f"{prefix}default_shipping")
    for number, name in enumerate(flags):
        for spelled in (name, f"{name}_"):
            if address.get(spelled) in (True, 1, "1", "true"):
                return number
    return 2


def put_person(draft: Draft, content: Mapping[str, object]) -> None:
    """Set what export files, the API and events call alike."""
    draft.put("email", content.get("email", ABSENT))
    draft.put("firstName", content.get("firstname", ABSENT))
    draft.put("lastName", content.get("lastname", ABSENT))
    draft.put("birthday", content.get("dob", ABSENT), day)
    draft.put("gender", content.get("gender", ABSENT), gender)
    draft.put("createdAt", content.get("created_at", ABSENT), moment)
    draft.put("updatedAt", content.get("updated_at", ABSENT), moment)
    draft.put("customerTier", content.get("group_id", ABSENT))


def own_field(content: Mapping[str, object], name: str) -> object:
    """Return a field by Magento's own name or a path; attributes need not be called such."""
    for path in (name, f"custom_attributes[{name}]", f"extension_attributes.{name}"):
        value = lookup(content, path)
        if value is not ABSENT:
            return value
    return ABSENT


def rows_in(record: Record, *wrappers: str) -> list[Record]:
    """Return the records in a JSON object's list, or *record* itself."""
    content = record.content
    if isinstance(content, Mapping):
        for name in wrappers:
            held = content.get(name)
            if isinstance(held, list):
                return [
                    Record(place=record.place, content=one, written_at=record.written_at)
                    for one in held
                ]
    return [record]
