"""The lists behind the numbers of a parity sheet, as files in a folder."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from customer_sync.core.proving.sheet import Entry, Farewell, Owner, Sheet, Standing
from customer_sync.errors import SourceError
from customer_sync.spreadsheet import write_table
from customer_sync.trouble import Code

_HEADER = ("email", "ids", "contact_id", "why", "fields", "place")


def write_lists(folder: Path, sheet: Sheet) -> dict[str, Path]:
    """Write one CSV file for each number of *sheet*, also for 0, and return them by name.

    They hold addresses in full, so that something can be done about them, but no other value of a
    customer; only their owner may read them.

    Raises:
        SourceError: one cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name another one, or see what stands in its place.",
        ) from error
    written = {}
    for name, entries in _named(sheet):
        written[name] = folder / f"{name}.csv"
        write_table(written[name], _HEADER, map(_row, entries))
    return written


def _named(sheet: Sheet) -> Iterator[tuple[str, Iterable[Entry]]]:
    for standing in Standing:
        yield _name("customers", standing), sheet.customers.lists.get(standing, ())
    for farewell in Farewell:
        yield _name("deleted", farewell), sheet.deleted.lists.get(farewell, ())
    if sheet.contacts is not None:
        for owner in Owner:
            yield _name("contacts", owner), sheet.contacts.lists.get(owner, ())
    yield "rejected-besides", sheet.spare


def _name(part: str, kind: Standing | Farewell | Owner) -> str:
    return f"{part}-{kind.value.replace(' ', '-')}"


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        entry.email or "",
        " ".join(sorted(entry.ids)),
        "" if entry.contact_id is None else str(entry.contact_id),
        entry.why,
        " ".join(field.name for field in entry.fields),
        "" if entry.place is None else str(entry.place),
    )
