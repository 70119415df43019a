"""The SQLite file that holds everything a sandbox knows."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_sync.errors import StoreError
from customer_sync.trouble import Code

_VERSION = 3

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE contacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT UNIQUE, ext_id TEXT UNIQUE,
  sms TEXT UNIQUE, whatsapp TEXT UNIQUE, landline TEXT UNIQUE,
  email_blocked INTEGER NOT NULL, sms_blocked INTEGER NOT NULL,
  attributes TEXT NOT NULL, blocked_senders TEXT NOT NULL,
  created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL
);
CREATE INDEX contacts_by_modification ON contacts (modified_at);
CREATE TABLE shadows (
  seq INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL, replaced_at INTEGER NOT NULL,
  existed INTEGER NOT NULL,
  email TEXT, ext_id TEXT, sms TEXT, whatsapp TEXT, landline TEXT,
  email_blocked INTEGER, sms_blocked INTEGER, attributes TEXT, blocked_senders TEXT,
  created_at INTEGER, modified_at INTEGER, list_ids TEXT
);
CREATE TABLE memberships (
  list_id INTEGER NOT NULL, contact_id INTEGER NOT NULL, PRIMARY KEY (list_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_contact ON memberships (contact_id);
CREATE TABLE folders (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
CREATE TABLE lists (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, folder_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE TABLE segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, filter TEXT NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE TABLE attributes (
  name TEXT PRIMARY KEY, category TEXT NOT NULL, type TEXT NOT NULL, options TEXT NOT NULL,
  formula TEXT
);
CREATE TABLE processes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL, is_open INTEGER NOT NULL, failed INTEGER NOT NULL DEFAULT 0,
  work TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '{}', notify_url TEXT
);
CREATE INDEX open_processes ON processes (ends_at) WHERE is_open;
CREATE TABLE files (token TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE windows (
  pool TEXT NOT NULL, span INTEGER NOT NULL, number INTEGER NOT NULL, used INTEGER NOT NULL,
  PRIMARY KEY (pool, span)
) WITHOUT ROWID;
CREATE TABLE counts (route TEXT PRIMARY KEY, requests INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE requests (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  status INTEGER
);
CREATE TABLE faults (
  id INTEGER PRIMARY KEY, route TEXT NOT NULL, status INTEGER, after_effect INTEGER NOT NULL,
  times INTEGER NOT NULL
);
CREATE TABLE transitions (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, contact_id INTEGER NOT NULL, address TEXT,
  channel TEXT NOT NULL, cause TEXT NOT NULL, route TEXT NOT NULL
);
CREATE TABLE forgotten_blocks (
  channel TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (channel, address)
) WITHOUT ROWID;
CREATE TABLE held_numbers (
  identifier TEXT NOT NULL, number TEXT NOT NULL, until INTEGER NOT NULL,
  PRIMARY KEY (identifier, number)
) WITHOUT ROWID;
"""

_ADDITIONS = (
    """CREATE TABLE left_lists (
  list_id INTEGER NOT NULL, contact_id INTEGER NOT NULL, PRIMARY KEY (list_id, contact_id)
) WITHOUT ROWID""",
    "CREATE TABLE unsubscriptions (at INTEGER NOT NULL, contact_id INTEGER NOT NULL)",
)
"""What each format has that the one before had not; the first of them makes format 2."""

_TABLES = (
    "meta",
    "contacts",
    "shadows",
    "memberships",
    "folders",
    "lists",
    "segments",
    "attributes",
    "processes",
    "files",
    "windows",
    "counts",
    "requests",
    "faults",
    "transitions",
    "forgotten_blocks",
    "held_numbers",
    "left_lists",
    "unsubscriptions",
)


class Storage:
    """Connections to one file, one per thread, and transactions on them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        try:
            _create_private(path)
            self._prepare()
        except (sqlite3.Error, OSError) as problem:
            self.close()
            raise self._unusable(problem) from problem

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection; transactions are begun and ended by hand."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=30, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all of it or, when anything is raised, nothing.

        Raises:
            StoreError: the disk is full, or whatever else keeps SQLite from writing.
        """
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException as problem:
            # On a full disk SQLite has rolled back by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(problem, sqlite3.OperationalError):
                raise self._unusable(problem) from problem
            raise

    def _unusable(self, problem: Exception) -> StoreError:
        return StoreError(
            f"the sandbox file {self._path} cannot be used: {problem}",
            trouble=Code.SANDBOX_FILE,
            hint="Check the disk, its room and the permissions. Or move the file away, or name "
            "another: a fresh one is made by itself.",
        )

    def empty(self, connection: sqlite3.Connection) -> None:
        """Forget everything, within a transaction of the caller's."""
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM sqlite_sequence")

    def compact(self) -> None:
        """Write the file anew; nobody else may be reading it."""
        self.connection.execute("VACUUM")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Close every connection; the file can be opened again."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def _prepare(self) -> None:
        with self.transaction() as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if not 0 <= version <= _VERSION:
                raise sqlite3.DatabaseError(f"it has format {version}, not {_VERSION}")
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
            for statement in _ADDITIONS[max(0, version - 1) :]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")


def _create_private(path: Path) -> None:
    """Create the file for its owner alone before SQLite would create it for everybody."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One that exists is left alone: closing it here would give up SQLite's locks on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """Take back what the block wrote, and only that, when it raises."""
    connection.execute("SAVEPOINT operation")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK TO operation")
        raise
    finally:
        connection.execute("RELEASE operation")
