"""A damaged state: recognised, moved aside, and never replaced by an empty one unawares."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from customer_sync.errors import StoreDamaged, StoreError

_COMPANIONS = ("", "-wal", "-shm")
"""What SQLite keeps of one database: the file, what is not yet in it, and an index of that."""

_MARK = ".damaged-"

_WHAT_IS_LOST = (
    "With it goes the memory of people who said no and whose contact is gone at Brevo: a later "
    "export could make them mailable again. Changes that waited for their retry, and withheld "
    "deletions of customers that only this state knew, have to come from the shop once more."
)


def copies_of(path: Path) -> list[Path]:
    """Return the damaged files that were moved aside from *path*, the oldest first."""
    found = path.parent.glob(f"{path.name}{_MARK}*")
    return sorted(p for p in found if not p.name.endswith(("-wal", "-shm")))


def refuse_to_begin_unawares(path: Path) -> None:
    """Let nobody take an empty state for the one that was lost.

    Raises:
        StoreError: a damaged state was moved aside from *path*, and nothing stands there.
    """
    copies = copies_of(path)
    if copies and not path.exists():
        raise StoreError(
            f"The state {path} was damaged and stands at {copies[-1]} now. {_WHAT_IS_LOST}",
            hint=f"Put a backup at {path}, or begin anew from what Brevo holds: run with "
            "--refresh.",
        )


@contextmanager
def setting_aside(path: Path, now: datetime) -> Iterator[None]:
    """Move the state at *path* aside where anything within finds it damaged.

    Whoever does this holds the lock, and has the file open only within.

    Raises:
        StoreDamaged: it is damaged; the message says where it stands now and what is lost.
    """
    try:
        yield
    except StoreDamaged as damage:
        try:
            aside = _move(path, now)
        except OSError as error:
            raise StoreDamaged(
                f"{damage.message} It cannot be moved aside either: {error.strerror}. "
                f"{_WHAT_IS_LOST}",
                hint=f"Move {path} away yourself, with {path.name}-wal and {path.name}-shm, and "
                "put a backup in its place, or run with --refresh.",
            ) from error
        raise StoreDamaged(
            f"{damage.message} It was moved to {aside}. {_WHAT_IS_LOST}",
            hint=f"Put a backup at {path}, or begin anew from what Brevo holds: run with "
            "--refresh. Until then no run does anything.",
        ) from damage


def _move(path: Path, now: datetime) -> Path:
    """Move the file and its companions to names that SQLite still knows to belong together."""
    stem = f"{path.name}{_MARK}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    aside = path.with_name(stem)
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{stem}-{number}")
    for companion in _COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + companion).rename(aside.with_name(aside.name + companion))
    return aside
