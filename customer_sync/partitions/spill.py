"""Rows on disk, by partition: many tasks write them, one reads a partition at a time."""

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Self

from customer_sync.errors import StoreError
from customer_sync.partitions.links import Token
from customer_sync.trouble import Code

_FRAME = Struct("<QI")
"""Before each row: its token and its length in bytes."""

_PREFIX = "partitions-"


class Spill:
    """The rows of one kind, such as statements, in files below a folder.

    Every method may raise StoreError: there is no room, or the files are gone.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        """Prepare for rows of *kind*; nothing is made before there are any."""
        self._folder = folder / kind
        self._held: defaultdict[int, bytearray] = defaultdict(bytearray)

    def add(self, partition: int, key: Token, row: bytes) -> None:
        """Hold one row until the next `flush`."""
        held = self._held[partition]
        held += _FRAME.pack(key, len(row))
        held += row

    def flush(self, task: str) -> None:
        """Write down what is held, in the name of a *task*: done again, it takes its own place."""
        with telling():
            for partition, rows in self._held.items():
                folder = self._folder / f"{partition}"
                folder.mkdir(parents=True, exist_ok=True)
                replace_with(folder / task, rows)
        self._held.clear()

    def rows(self, partition: int) -> Iterator[tuple[Token, bytes]]:
        """Yield the rows of *partition* that were written."""
        folder = self._folder / f"{partition}"
        with telling():
            parts = [path.read_bytes() for path in sorted(folder.glob("[!.]*"))]
        for part in parts:
            at = 0
            while at < len(part):
                key, length = _FRAME.unpack_from(part, at)
                at += _FRAME.size
                yield key, part[at : at + length]
                at += length

    def clear(self, partition: int) -> None:
        """Drop what was written of *partition*."""
        shutil.rmtree(self._folder / f"{partition}", ignore_errors=True)

    @property
    def partitions(self) -> list[int]:
        """The partitions that have rows, in order."""
        return sorted(int(path.name) for path in self._folder.glob("*"))


def replace_with(path: Path, content: bytes | bytearray) -> None:
    """Write a file so that nobody sees half of it, and whoever writes last has the say.

    Raises:
        OSError: there is no room.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


class SpillRoom:
    """A folder beside the state, for its owner's eyes alone, as long as a run needs one."""

    def __init__(self, beside: Path) -> None:
        self._beside = beside
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        for folder in self._beside.glob(f"{_PREFIX}*"):
            # A run that was killed left it behind.
            shutil.rmtree(folder, ignore_errors=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """The folder, which is made when it is asked for first."""
        if self._folder is None:
            with telling():
                self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._beside))
        return self._folder


@contextmanager
def telling() -> Iterator[None]:
    """Turn whatever the file system says of the rows into a StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The input cannot be kept on disk while it is planned: {error.strerror}.",
            trouble=Code.NO_ROOM,
            hint="Make room for about as much as the input takes in the folder of the state, "
            "`--state`. Nothing was written to Brevo.",
        ) from error
