"""The files beside the state: what they hold about a person is taken out, or pointed at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from customer_sync.config import Target
from customer_sync.core.model import Delete
from customer_sync.core.proving.mentions import Mentions, Person, is_record_of
from customer_sync.errors import SourceError
from customer_sync.past.waiting import DROPPED_FILE
from customer_sync.run.planfile import read_plan, write_plan
from customer_sync.run.rejects import REJECTS_FILE, entries, forget
from customer_sync.run.withholding import WITHHELD_FILE
from customer_sync.store import Store
from customer_sync.target import SANDBOX_FILE, state_file

LINES = (REJECTS_FILE, DROPPED_FILE)
"""Files of JSON lines, one record of one customer each."""

_BLOCK = 1 << 20
_OVERLAP = 1000
"""Bytes that two blocks share: longer than any address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A file that still holds an address."""

    file: str
    remedy: str


def records_of(folder: Path, person: Person) -> dict[str, tuple[object, ...]]:
    """Return the records that are about a person, by the file of JSON lines that holds them.

    A line that somebody spoilt is given as its text.
    """
    is_about = _entry_of(person)
    return {
        name: tuple(
            line if held is None else held
            for line, held in entries(folder / name)
            if is_about(line, held)
        )
        for name in LINES
    }


def withheld_of(folder: Path, person: Person) -> tuple[Delete, ...]:
    """Return the withheld deletions that are about a person, of whatever target."""
    return tuple(c for path in _withheld_files(folder) for c in _withheld_in(path, person))


def purge_files(folder: Path, person: Person) -> dict[str, int]:
    """Take a person out of the files beside the state; return how many entries went, by file.

    Raises:
        StoreError: a file of records cannot be rewritten.
        SourceError: the withheld deletions cannot be rewritten.
    """
    is_about = _entry_of(person)
    gone = {name: forget(folder / name, is_about) for name in LINES}
    gone[WITHHELD_FILE] = sum(_purge_withheld(path, person) for path in _withheld_files(folder))
    return gone


def leftovers(folder: Path, person: Person, store: Store) -> tuple[Leftover, ...]:
    """Return what in *folder* still holds an address of the person.

    The states themselves were purged and are asked by their rows. The emulator's own file is left
    out while it stands for Brevo itself.
    """
    states = tuple(state_file(target) for target in Target)
    is_rehearsal = store.path.name == state_file(Target.SANDBOX)
    own = (*states, *([SANDBOX_FILE] if is_rehearsal else []))
    names = {f"{name}{companion}" for name in own for companion in ("", "-wal", "-shm")}
    found = [
        Leftover(file=str(path), remedy=_remedy(path))
        for path in sorted(p for p in folder.rglob("*") if p.is_file())
        if path.name not in names and _holds(path, person)
    ]
    if tables := store.naming(person):
        remedy = (
            f"Fields of other customers name the address, in: {', '.join(tables)}. Correct them at "
            "the shop, and run; Brevo holds them too."
        )
        found.append(Leftover(file=str(store.path), remedy=remedy))
    return tuple(found)


def _entry_of(person: Person) -> Callable[[str, object], bool]:
    mentions = Mentions(person.emails)
    return lambda line, held: mentions.any_in(line) or is_record_of(held, person.ids)


def _is_deletion_of(change: Delete, person: Person) -> bool:
    names = {change.customer.email, *change.customer.former_emails, change.before.email}
    return not (names.isdisjoint(person.emails) and change.customer.ids.isdisjoint(person.ids))


def _withheld_files(folder: Path) -> list[Path]:
    """Return the file of withheld deletions, and those of other targets beside it."""
    name = Path(WITHHELD_FILE)
    return sorted(folder.glob(f"{name.stem}*{name.suffix}"))


def _withheld_in(path: Path, person: Person) -> tuple[Delete, ...]:
    """Return what a file withholds of a person; nothing where it was changed by hand."""
    try:
        held = read_plan(path).withheld
    except SourceError:
        return ()
    return tuple(change for change in held if _is_deletion_of(change, person))


def _purge_withheld(path: Path, person: Person) -> int:
    gone = _withheld_in(path, person)
    if gone:
        content = read_plan(path)
        kept = tuple(change for change in content.withheld if change not in gone)
        if kept:
            plan = replace(content.plan, withheld=kept, digest="")
            write_plan(path, plan, target=content.target, made_at=content.made_at)
        else:
            path.unlink()
    return len(gone)


def _holds(path: Path, person: Person) -> bool:
    """Tell whether a file holds an address; in a database nothing stands between two cells."""
    is_text = ".db" not in path.name
    mentions = Mentions(person.emails)
    names = [email.encode() for email in person.emails]
    return any(
        mentions.any_in(block.decode("utf-8", "replace"))
        if is_text
        else any(name in block.lower() for name in names)
        for block in _blocks(path)
    )


def _blocks(path: Path) -> Iterator[bytes]:
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield tail + block
            tail = block[-_OVERLAP:]


def _remedy(path: Path) -> str:
    if path.name.startswith(SANDBOX_FILE):
        return "It is the emulator of a rehearsal: `customer-sync sandbox reset` empties it."
    if ".damaged-" in path.name:
        return "It is a damaged state that was moved aside: delete it when it is not needed."
    return "Look into it and delete what is about the person, or the file."
