"""From what the user named (files, folders, globs, `-`) to the files that are read, in order."""

import difflib
import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_sync.errors import SourceError
from customer_sync.trouble import Code

STDIN = "-"
SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv"})
"""Which files of a folder are read; a compressed file counts by the suffix before `.gz`, `.zst`."""

_COMPRESSED = frozenset({".gz", ".zst"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Something in a folder that is not read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is read, in order, and what was passed over."""

    names: tuple[str, ...]
    """As the user named them; `-` is standard input. No file stands here twice."""
    ignored: tuple[Ignored, ...]


def called(name: str) -> str:
    """Return *name* as a sentence begins with it."""
    return "Standard input" if name == STDIN else name


def find(sources: Sequence[str]) -> Found:
    """Return the files that *sources* name.

    - A name that exists is taken as it is, also where it looks like a glob.
    - A folder stands for its files with a known suffix, by name; hidden files and folders within
      it are passed over.
    - A glob (`*`, `?`, `[...]`, `**`) stands for its matches, by name.
    - `-` is standard input.

    Raises:
        SourceError: a name leads nowhere, or to a folder without usable files. All of them are
            named at once.
    """
    names: list[str] = []
    ignored: list[Ignored] = []
    complaints: list[str] = []
    for source in sources:
        try:
            found = _find_one(source)
        except SourceError as error:
            complaints.append(error.message)
            continue
        names.extend(found.names)
        ignored.extend(found.ignored)
    if complaints:
        raise SourceError(
            " ".join(complaints),
            trouble=Code.SOURCE_MISSING,
            hint="Name files, folders or globs that exist, or - for standard input.",
        )
    return Found(names=tuple(_once(names)), ignored=tuple(dict.fromkeys(ignored)))


def _once(names: Iterable[str]) -> Iterator[str]:
    seen: set[str | Path] = set()
    for name in names:
        key = name if name == STDIN else Path(name).resolve()
        if key not in seen:
            seen.add(key)
            yield name


def _find_one(source: str) -> Found:
    if source == STDIN:
        return Found(names=(STDIN,), ignored=())
    if "\0" in source or not source:
        raise SourceError(
            "An empty name is no file." if not source else "A name holds a NUL.",
            trouble=Code.SOURCE_MISSING,
        )
    path = Path(source)
    try:
        if path.is_dir():
            return _find_in_folder(path)
        if path.exists():
            return Found(names=(source,), ignored=())
    except OSError as error:
        raise SourceError(
            f"{source} cannot be read: {error.strerror}.", trouble=Code.SOURCE_UNREADABLE
        ) from error
    if glob.has_magic(source):
        return _find_by_glob(source)
    raise SourceError(f"There is no {source}{_nearest(path)}.", trouble=Code.SOURCE_MISSING)


def _nearest(path: Path) -> str:
    try:
        neighbours = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, neighbours, n=1)
    return f" (but there is {path.parent / near[0]})" if near else ""


def _find_by_glob(pattern: str) -> Found:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - keeps the user's spelling
    files = [match for match in matches if not Path(match).is_dir()]
    if not files:
        raise SourceError(f"No file matches {pattern}.", trouble=Code.SOURCE_MISSING)
    folders = [Ignored(name=match, reason="a folder") for match in matches if Path(match).is_dir()]
    return Found(names=tuple(files), ignored=tuple(folders))


def _find_in_folder(folder: Path) -> Found:
    names: list[str] = []
    ignored: list[Ignored] = []
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be read: {error.strerror}.", trouble=Code.SOURCE_UNREADABLE
        ) from error
    for entry in entries:
        if reason := _reason_to_ignore(entry):
            ignored.append(Ignored(name=str(entry), reason=reason))
        else:
            names.append(str(entry))
    if not names:
        known = ", ".join(sorted(SUFFIXES))
        raise SourceError(
            f"The folder {folder} has no file that ends in one of {known}.",
            trouble=Code.SOURCE_MISSING,
        )
    return Found(names=tuple(names), ignored=tuple(ignored))


def _reason_to_ignore(entry: Path) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_dir():
        return "a folder"
    suffixes = [suffix.lower() for suffix in entry.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    if not suffixes or suffixes[-1] not in SUFFIXES:
        return "unknown suffix"
    return None
