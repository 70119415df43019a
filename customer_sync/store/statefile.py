"""The open file of the state, as its chapters read and write it."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from customer_sync.errors import StoreError
from customer_sync.store.database import connect, telling, transaction
from customer_sync.trouble import Code

T = TypeVar("T")
V = TypeVar("V", str, int, bytes)

_CHUNK = 500
"""How many values one SELECT asks for; SQLite allows no fewer than 999 placeholders."""


class StateFile:
    """The file and its SQL.

    Every method of it and of its chapters may raise StoreError. Nothing holds a transaction open
    while anybody waits for the network.
    """

    def __init__(
        self, path: Path, *, may_begin_anew: bool = False, is_checked: bool = False
    ) -> None:
        self.path = path
        self._db = connect(path, may_begin_anew=may_begin_anew, is_checked=is_checked)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _decoded(self, body: bytes | str, kind: type[T]) -> T:
        decoder: msgspec.json.Decoder[T] = _decoder(kind)  # type: ignore[arg-type] # has a hash
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"The state {self.path} holds what this version cannot read: {error}.",
                trouble=Code.STATE_NEWER,
                hint="Install the version that wrote it, or put a backup in its place. Otherwise "
                "move it away and run with --refresh, which begins anew from what Brevo holds.",
            ) from error

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        with telling(self.path), transaction(self._db):
            self._db.execute(sql, values)

    def _select(self, sql: str, values: Iterable[V]) -> Iterator[sqlite3.Row]:
        """Run *sql*, whose `{}` stands for a list of placeholders, for *values* in chunks."""
        with telling(self.path):
            # In the order of the index, neighbours are found on one page of the file.
            for chunk in in_chunks(sorted(values)):
                # Fetched at once: an abandoned cursor would outlive the file.
                yield from self._db.execute(sql.format(_marks(chunk)), chunk).fetchall()


def in_chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield *values* in lists that one SELECT can ask for."""
    iterator = iter(values)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _marks(chunk: Sequence[object]) -> str:
    return ",".join("?" * len(chunk))


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind)


def as_time(text: str) -> datetime:
    """Return the moment that a column holds, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
