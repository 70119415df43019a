"""Tillworks, a till that does not exist: its customers CSV, and a transform for initials."""

from collections.abc import Iterator, Mapping

from customer_sync.core.model import Record, SourceName, Trigger
from customer_sync.core.values.readings import as_text
from customer_sync.core.values.transforms import Context, Kind, Transform
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import ABSENT, Draft, refused
from customer_sync.platforms.format import Format, Sample, Understood, Wanted
from customer_sync.platforms.streaming import one_by_one


def _recognise(sample: Sample) -> str:
    is_export = {"till_no", "mail"} <= set(sample.columns)
    return "its header has till_no and mail" if is_export else ""


def _understand(record: Record, _wanted: Wanted) -> Iterator[Understood]:
    """Return the customer in a row, as listed."""
    row = record.content
    if not isinstance(row, Mapping):
        yield refused(record, "row", "It is no row of a table.")
        return
    draft = Draft(record, SourceName.CUSTOM)
    draft.identify(row.get("till_no", ABSENT), "/till_no")
    draft.put("email", row.get("mail", ABSENT), canonical.text)
    draft.put("firstName", row.get("given", ABSENT), canonical.text)
    draft.put_email_consent(row.get("newsletter", ABSENT))
    yield draft.finish(Trigger.LISTED)


def _initial(value: object, _argument: object, _context: Context) -> object:
    return as_text(value)[:1].upper()


FORMATS = (
    Format(
        name="Tillworks customers CSV",
        platform=SourceName.CUSTOM,
        recognise=_recognise,
        understand=one_by_one(_understand),
    ),
)

INITIAL = Transform(
    name="initial",
    doc="Leaves the first letter, as a capital.",
    takes=Kind.TEXT,
    gives=Kind.TEXT,
    apply=_initial,
)
