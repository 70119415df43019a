"""The rejects file: what could not be used, kept so that it can be mended and fed in again."""

import contextlib
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from customer_sync.core.model import Rejection
from customer_sync.errors import StoreError
from customer_sync.trouble import Code

STDIN = "-"

REJECTS_FILE = "rejects.jsonl"
"""In the folder of the state."""


def entry(rejection: Rejection) -> dict[str, object]:
    """Return *rejection* as one line of the file holds it.

    A record stands under `record` as it was decoded, or under `text` where it could not be. Given
    to a reader again, it counts as standing at its old place.
    """
    kept = "text" if isinstance(rejection.content, str) else "record"
    return {
        "rejected": {
            "file": rejection.place.file,
            "line": rejection.place.line,
            "problems": [
                {
                    "pointer": problem.pointer,
                    "rule": problem.rule,
                    "detail": problem.detail,
                    "trouble": problem.trouble,
                }
                for problem in rejection.problems
            ],
        },
        kept: rejection.content,
    }


def write_rejects(path: Path, rejections: Iterable[Rejection], sources_read: Iterable[str]) -> int:
    """Bring the file at *path* up to date after a run, and return how many entries it holds.

    - Older entries of the files that were read (*sources_read*) are replaced by *rejections*, all
      older entries if the rejects file itself was among them.
    - Older entries of other files stay, and so do those of standard input, which cannot be read
      twice; the same record is kept only once.
    - Without any entry the file is removed.

    The file is only for its owner's eyes (mode 0600), and is either the old or the new one
    whenever a run is killed.

    Raises:
        StoreError: it cannot be read or written.
    """
    new = (json.dumps(entry(rejection), ensure_ascii=False) for rejection in rejections)
    return _update(path, new, sources_read)


class RejectSpool:
    """Gathers the rejections of a run outside of memory until it is known how the run ended."""

    def __init__(self) -> None:
        self._lines: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._lines is not None:
            self._lines.close()

    def add(self, rejection: Rejection) -> None:
        """Keep one rejection.

        Raises:
            StoreError: there is no room for it.
        """
        try:
            if self._lines is None:
                self._lines = _nameless()
            self._lines.write(json.dumps(entry(rejection), ensure_ascii=False) + "\n")
        except OSError as error:
            raise StoreError(
                f"Rejected records cannot be kept for the time of the run: {error.strerror}.",
                trouble=Code.NO_ROOM,
                hint="Make room in the folder for temporary files, or set TMPDIR to another one.",
            ) from error

    def commit(self, path: Path, sources_read: Iterable[str]) -> int:
        """Bring the file at *path* up to date as `write_rejects` does.

        Raises:
            StoreError: it cannot be read or written.
        """
        return _update(path, self._rejected(), sources_read)

    def _rejected(self) -> Iterator[str]:
        if self._lines is not None:
            self._lines.seek(0)
            yield from (line.rstrip("\n") for line in self._lines)


def entries(path: Path) -> Iterator[tuple[str, object]]:
    """Yield each line of the rejects file at *path*, and what it holds where that is JSON."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            for line in lines:
                text = line.rstrip("\r\n")
                if text.strip():
                    yield text, _decoded(text)
    except FileNotFoundError:
        return


def forget(path: Path, is_about: Callable[[str, object], bool]) -> int:
    """Take the entries out of the rejects file that *is_about* names; return how many.

    Raises:
        StoreError: it cannot be read or written.
    """
    gone = sum(is_about(line, content) for line, content in entries(path))
    if gone:
        with _telling(path):
            _replace(path, (line for line, held in entries(path) if not is_about(line, held)))
    return gone


def _nameless() -> TextIO:
    """Return a file that is gone when it is closed."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape")


def _absolute(name: str) -> str:
    return name if name == STDIN else str(Path(name).resolve())


def _update(path: Path, new: Iterable[str], sources_read: Iterable[str]) -> int:
    with _telling(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _replace(path, _merged(path, new, frozenset(map(_absolute, sources_read))))


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The rejects file {path} cannot be written: {error.strerror}.",
            trouble=Code.NO_ROOM,
            hint="Check the free space and who may write there, then run again.",
        ) from error


def _merged(path: Path, new: Iterable[str], sources_read: frozenset[str]) -> Iterator[str]:
    """Yield the lines of the new file: the kept ones first, then the new ones, none twice."""
    kept: Iterable[str] = () if str(path.resolve()) in sources_read else _kept(path, sources_read)
    seen: set[bytes] = set()
    for line in itertools.chain(kept, new):
        identity = _identity(line)
        if identity not in seen:
            seen.add(identity)
            yield line


def _kept(path: Path, sources_read: frozenset[str]) -> Iterator[str]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for line in lines:
            text = line.rstrip("\r\n")
            file = _file_of(text)
            if text.strip() and (file in {STDIN, None} or _absolute(str(file)) not in sources_read):
                yield text


def _file_of(line: str) -> str | None:
    """Return the file that an entry is from; None for what somebody wrote there by hand."""
    match _decoded(line):
        case {"rejected": {"file": str(file)}}:
            return file
        case _:
            return None


def _decoded(line: str) -> object:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value


def _identity(line: str) -> bytes:
    """Digest what makes two entries the same: file and content, whatever the line was.

    A standard input that is fed in again in another order has the same records elsewhere.
    """
    match _decoded(line):
        case {"rejected": {"file": str(file)}, **content} if file == STDIN:
            line = json.dumps([file, content], sort_keys=True)
        case _:
            pass
    return hashlib.blake2b(line.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _replace(path: Path, lines: Iterator[str]) -> int:
    first = next(lines, None)
    if first is None:
        path.unlink(missing_ok=True)
        return 0
    # Made with mode 0600; beside the target, so that the replacement is one step.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(  # noqa: PTH123 - a descriptor, not a path
            descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="\n"
        ) as file:
            count = _write_lines(file, itertools.chain([first], lines))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return count


def _write_lines(file: TextIO, lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        file.write(line + "\n")
        count += 1
    return count
