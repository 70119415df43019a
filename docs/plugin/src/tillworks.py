"""Tillworks, a till that does not exist: its customers CSV, initials, and its printed slips."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from customer_sync.core.model import Record, Trigger
from customer_sync.core.platforms import PlatformName
from customer_sync.core.values.readings import as_text
from customer_sync.core.values.transforms import Context, Kind, Transform
from customer_sync.notify.delivery import Answer
from customer_sync.notify.notifiers import Notifier
from customer_sync.notify.texts import as_text as in_words
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import ABSENT, Draft, refused
from customer_sync.platforms.format import Format, Sample, Understood, Wanted
from customer_sync.platforms.streaming import one_by_one
from customer_sync.store import Letter

TILLWORKS = PlatformName("tillworks")


def _recognise(sample: Sample) -> str:
    is_export = {"till_no", "mail"} <= set(sample.columns)
    return "its header has till_no and mail" if is_export else ""


def _understand(record: Record, _wanted: Wanted) -> Iterator[Understood]:
    """Return the customer in a row, as listed."""
    row = record.content
    if not isinstance(row, Mapping):
        yield refused(record, "row", "It is no row of a table.")
        return
    draft = Draft(record, TILLWORKS)
    draft.identify(row.get("till_no", ABSENT), "/till_no")
    draft.put("email", row.get("mail", ABSENT), canonical.text)
    draft.put("firstName", row.get("given", ABSENT), canonical.text)
    draft.put_email_consent(row.get("newsletter", ABSENT))
    yield draft.finish(Trigger.LISTED)


def _initial(value: object, _argument: object, _context: Context) -> object:
    return as_text(value)[:1].upper()


def _print_slip(address: str, letter: Letter) -> Answer:
    """Leave a slip in the folder that a till prints from: `tillslip:///var/spool/till`."""
    folder = Path(address.removeprefix("tillslip://"))
    if not folder.is_dir():
        return Answer(is_delivered=False, told="there is no such folder", may_be_repeated=False)
    title, text = in_words(letter)
    (folder / f"{letter.id}.txt").write_text(f"{title}\n{text}\n", encoding="utf-8")
    return Answer(is_delivered=True, told="the slip lies in the folder")


FORMATS = (
    Format(
        name="Tillworks customers CSV",
        platform=TILLWORKS,
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

SLIP = Notifier(
    scheme="tillslip",
    doc="Lets a till print how the sync went.",
    send=_print_slip,
)
