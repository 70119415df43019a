"""A damaged state: recognised, moved aside, and never replaced by an empty one unawares."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from customer_sync.errors import StoreDamaged, StoreError
from customer_sync.trouble import Code

_COMPANIONS = ("", "-wal", "-shm")
"""What SQLite keeps of one database: the file, what is not yet in it, and an index of that."""

_MARK = ".damaged-"

_WHAT_IS_LOST = (
    "With it goes the memory of people who said no and whose contact is gone at Brevo (a later "
    "export could make them mailable again), and of changes that waited for their retry."
)


def _what_to_do(path: Path) -> str:
    return (
        f"Put a backup at {path}, or run with --refresh, which begins anew: with what can still be "
        "read of both, and with a list of what Brevo holds. Until then no run does anything."
    )


def begins_anew(path: Path) -> bool:
    """Tell whether the state at *path* was damaged and whoever opens it now makes another."""
    return not path.exists() and bool(copies_of(path))


def copies_of(path: Path) -> list[Path]:
    """Return the damaged files that were moved aside from *path*, the oldest first."""
    found = path.parent.glob(f"{path.name}{_MARK}*")
    return sorted(p for p in found if not p.name.endswith(("-wal", "-shm")))


def refuse_to_begin_unawares(path: Path) -> None:
    """Let nobody take an empty state for the one that was lost.

    Raises:
        StoreError: a damaged state was moved aside from *path*, and nothing stands there.
    """
    if begins_anew(path):
        raise StoreError(
            f"The state {path} was damaged and stands at {copies_of(path)[-1]} now. "
            f"{_WHAT_IS_LOST}",
            trouble=Code.STATE_DAMAGED,
            hint=_what_to_do(path),
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
                trouble=Code.STATE_DAMAGED,
                hint=f"Move {path} away yourself, with {path.name}-wal and {path.name}-shm, and "
                f"rename them to {path.name}{_MARK}1 and so on. {_what_to_do(path)}",
            ) from error
        raise StoreDamaged(
            f"{damage.message} It was moved to {aside}. {_WHAT_IS_LOST}",
            trouble=Code.STATE_DAMAGED,
            hint=_what_to_do(path),
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
