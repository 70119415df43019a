"""What the tables of Magento's admin pages export: customers, and newsletter subscribers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from customer_sync.core.model import Record, Rejection, SourceName, Trigger
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft, MarketingState
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted
from customer_sync.platforms.magento.values import day, gender, street_lines, subscription
from customer_sync.platforms.paths import ABSENT, lookup

_GRID_SIGNS = ("Customer Since", "Account Created in")
_SUBSCRIBER_SIGNS = frozenset({"Customer First Name", "Status"})


def _recognise_grid(sample: Sample) -> str:
    sign = next((sign for sign in _GRID_SIGNS if sign in sample.columns), None)
    return f"its header has {sign}" if sign and "Email" in sample.columns else ""


def _recognise_subscribers(sample: Sample) -> str:
    is_one = _SUBSCRIBER_SIGNS.issubset(sample.columns)
    return "its header has Customer First Name and Status" if is_one else ""


# ---------------------------------------------------------------- customers

_TEXTS = {
    "email": "Email",
    "sourceScope": "Web Site",
    "customerTier": "Group",
    "company": "Company",
    "city": "City",
    "zip": "ZIP",
    "province": "State/Province",
    "country": "Country",
}


def _understand_grid(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    for record in records:
        if isinstance(record, Rejection):
            yield record
        elif isinstance(record.content, Mapping):
            yield _customer(record, record.content, wanted)


def _customer(record: Record, row: Mapping[str, object], wanted: Wanted) -> Understood:
    """Return what a row of the table of customers says.

    Its only name is joined, and is not taken apart. Its times are in the shop's zone, which nobody
    tells, so that only their day is taken.
    """
    draft = Draft(record, SourceName.MAGENTO)
    draft.identify(row.get("ID", ABSENT), "/data/id")
    for field, column in _TEXTS.items():
        draft.put(field, row.get(column, ABSENT))
    draft.put("phone", row.get("Phone", ABSENT), canonical.phone)
    draft.put("createdAt", row.get("Customer Since", ABSENT), day)
    draft.put("birthday", row.get("Date of Birth", ABSENT), day)
    draft.put("gender", row.get("Gender", ABSENT), gender)
    street = row.get("Street Address", ABSENT)
    draft.put("address1", street, lambda value: street_lines(value)[0])
    draft.put("address2", street, lambda value: street_lines(value)[1])
    draft.put_wanted(wanted.fields, lambda name: lookup(row, name))
    return draft.finish(Trigger.LISTED)


# ---------------------------------------------------------------- subscribers


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One row of the table of subscribers. Its `ID` is the subscription's, not the customer's."""

    record: Record
    email: str
    website: str
    status: MarketingState | str | None
    """What could not be read stays as it is, to be warned about."""
    is_guest: bool
    first_name: str | None
    last_name: str | None

    @property
    def is_no(self) -> bool:
        """Tell whether the person may not be mailed."""
        return isinstance(self.status, MarketingState) and not canonical.accepts(self.status)

    def understood(self, wanted: Wanted) -> Iterator[Understood]:
        """Yield what the row says; nothing where it is a guest and guests do not count."""
        if self.is_guest and not wanted.include_guests:
            return
        draft = Draft(self.record, SourceName.MAGENTO)
        draft.fields["email"] = self.email
        draft.put("sourceScope", self.website)
        draft.fields["isGuest"] = self.is_guest
        for field, name in (("firstName", self.first_name), ("lastName", self.last_name)):
            if name is not None:
                # A guest has no name here; that is not to say that the contact has none.
                draft.fields[field] = name
        draft.put_email_consent(self.status)
        yield draft.finish(Trigger.LISTED)


def subscribers(records: Iterable[Decoded]) -> Iterator[Subscriber | Rejection]:
    """Yield the rows of the table of subscribers."""
    for record in records:
        if isinstance(record, Rejection):
            yield record
        elif isinstance(record.content, Mapping):
            yield _subscriber(record, record.content)


def _subscriber(record: Record, row: Mapping[str, object]) -> Subscriber | Rejection:
    email = _cell(row, "Email")
    if email is None:
        return canonical.refused(record, "identity", "The subscriber has no address.")
    raw = _cell(row, "Status")
    try:
        status: MarketingState | str | None = subscription(raw)
    except TransformError:
        status = raw
    return Subscriber(
        record=Record(place=record.place, content=None, written_at=record.written_at),
        email=email,
        website=_cell(row, "Web Site") or "",
        status=status,
        is_guest=(_cell(row, "Type") or "").casefold() in {"guest", "1"},
        first_name=_cell(row, "Customer First Name"),
        last_name=_cell(row, "Customer Last Name"),
    )


def _cell(row: Mapping[str, object], column: str) -> str | None:
    value = row.get(column)
    text = value.strip() if isinstance(value, str) else ""
    # Grids write a dash of some length where there is nothing.
    return None if text in {"", "-", "--", "----"} else text


def _understand_subscribers(records: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    for one in subscribers(records):
        if isinstance(one, Rejection):
            yield one
        else:
            yield from one.understood(wanted)


GRID = Format(
    name="Magento customers table",
    platform=SourceName.MAGENTO,
    recognise=_recognise_grid,
    understand=_understand_grid,
)
SUBSCRIBERS = Format(
    name="Magento newsletter subscribers table",
    platform=SourceName.MAGENTO,
    recognise=_recognise_subscribers,
    understand=_understand_subscribers,
)
