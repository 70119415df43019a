"""Which files are followed: those that were named, and those that stand in a folder that was."""

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_sync.errors import SourceError
from customer_sync.readers.sources import STDIN
from customer_sync.trouble import Code

SUFFIXES = frozenset({".jsonl", ".ndjson"})
"""Files that grow line by line. In CSV a record may span lines, and the header be rotated away."""

_PACKED = frozenset({".gz", ".zst"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A file as it stands now."""

    path: str
    device: int
    inode: int
    size: int
    written_at: float
    """By the clock of whoever wrote to it."""

    @property
    def file(self) -> str:
        """The name that its place is written down under."""
        return f"{self.device}:{self.inode}"


def check(sources: Sequence[str]) -> None:
    """Make sure that every source can come to hold lines some day.

    Raises:
        SourceError: one is standard input, a file of another kind, or in no folder that exists.
    """
    for source in sources:
        _check(source)


def _check(source: str) -> None:
    path = Path(source)
    if source == STDIN or not source or "\0" in source:
        raise SourceError(
            "Standard input has no place that could be remembered."
            if source == STDIN
            else "An empty name is no file.",
            trouble=Code.SOURCE_MISSING,
            hint="`customer-sync run -` reads it to its end; watch follows files and folders.",
        )
    if path.is_dir() or (glob.has_magic(source) and not path.exists()):
        return
    if path.suffix.lower() not in SUFFIXES:
        is_packed = path.suffix.lower() in _PACKED
        raise SourceError(
            f"{source} {'is compressed' if is_packed else 'does not hold JSON lines by its name'}, "
            "and only files that grow line by line can be followed.",
            trouble=Code.NOT_RECOGNISED,
            hint="Files that end in .jsonl or .ndjson can; `customer-sync run` reads all others.",
        )
    if not path.parent.is_dir():
        raise SourceError(
            f"There is no folder {path.parent}, so {path.name} cannot appear in it.",
            trouble=Code.SOURCE_MISSING,
            hint="Make the folder, or name another.",
        )


def standing(sources: Sequence[str]) -> dict[str, Standing]:
    """Return the files that *sources* name now, in their order, by the names of their places.

    Raises:
        OSError: a folder cannot be looked into.
    """
    found = filter(None, map(look_at, _paths(sources)))
    first: dict[str, Standing] = {}
    for one in found:
        first.setdefault(one.file, one)
    return first


def look_at(path: str) -> Standing | None:
    """Return the file at *path*; None: there is none that could grow, or it is not to be seen."""
    try:
        seen = Path(path).stat()
    except OSError:
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    return Standing(
        path=path,
        device=seen.st_dev,
        inode=seen.st_ino,
        size=seen.st_size,
        written_at=seen.st_mtime,
    )


def put_aside(path: str, file: str) -> Standing | None:
    """Return where a file is that stood at *path*, by whatever name within the same folder."""
    try:
        names = sorted(os.listdir(Path(path).parent))  # noqa: PTH208 - the names are enough
    except OSError:
        return None
    beside = (look_at(str(Path(path).with_name(name))) for name in names)
    return next((one for one in beside if one is not None and one.file == file), None)


def is_reachable(path: str) -> bool:
    """Tell whether the folder of *path* is there: a disk may be away for a while."""
    return Path(path).parent.is_dir()


def covers(sources: Sequence[str], path: str) -> bool:
    """Tell whether a file at *path* would be followed."""
    here = Path(path)
    return any(
        source == path
        or (Path(source) == here.parent and _is_followed(here.name))
        or (glob.has_magic(source) and here.match(source))
        for source in sources
    )


def _paths(sources: Sequence[str]) -> Iterator[str]:
    for source in sources:
        path = Path(source)
        if path.is_dir():
            names = sorted(filter(_is_followed, os.listdir(path)))  # noqa: PTH208 - likewise
            yield from (str(path / name) for name in names)
        elif glob.has_magic(source) and not path.exists():
            yield from sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - keeps the user's spelling
        else:
            yield source


def _is_followed(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
