"""The SQLite file behind the state: opened privately, migrated by name, errors told plainly."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from customer_sync.errors import StoreError

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "confirmed contacts and identities",
        """
        CREATE TABLE confirmed (
            email TEXT PRIMARY KEY,
            contact_id INTEGER,
            is_deleted INTEGER NOT NULL,
            body BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE identities (
            customer_id TEXT PRIMARY KEY,
            email TEXT NOT NULL,
            said_at TEXT NOT NULL,
            is_deleted INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX identities_by_email ON identities (email);
        """,
    ),
    (
        "runs, operations and the retry queue",
        """
        CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            command TEXT NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            exit_code INTEGER,
            report BLOB
        ) WITHOUT ROWID;
        CREATE TABLE operations (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES runs (id),
            email TEXT NOT NULL,
            kind TEXT NOT NULL,
            route TEXT NOT NULL,
            change BLOB NOT NULL,
            intended_at TEXT NOT NULL,
            outcome TEXT,
            detail TEXT,
            finished_at TEXT
        );
        CREATE INDEX operations_by_run ON operations (run_id);
        CREATE INDEX operations_by_email ON operations (email);
        CREATE TABLE queue (
            email TEXT PRIMARY KEY,
            customer BLOB NOT NULL,
            error TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            queued_at TEXT NOT NULL,
            next_at TEXT NOT NULL,
            is_dead INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        """,
    ),
    (
        "the mirror of Brevo's contacts",
        """
        CREATE TABLE mirror (
            contact_id INTEGER PRIMARY KEY,
            email TEXT,
            ext_id TEXT,
            body BLOB NOT NULL,
            pass INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX mirror_by_email ON mirror (email);
        CREATE INDEX mirror_by_ext_id ON mirror (ext_id) WHERE ext_id IS NOT NULL;
        CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        """,
    ),
    (
        "import jobs that were begun",
        """
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES runs (id),
            process_id INTEGER,
            rows INTEGER NOT NULL,
            started_at TEXT NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0
        );
        """,
    ),
)
"""Each is applied once, in this order, and never changed after it was released."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the state at *path*, readable by its owner alone, on its newest schema.

    Raises:
        StoreError: when the file cannot be opened or written, is no SQLite file, or was written by
            a newer version of this program.
    """
    with telling(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn whatever SQLite or the file system says of *path* into a StoreError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"The state {path} cannot be used: {error}.",
            hint="Check the disk and the permissions of its folder. A damaged file can be moved "
            "aside: the next run then builds a new state from Brevo.",
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all that is written within, or nothing of it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"
    )
    known = {name for name, _ in MIGRATIONS}
    if _applied(connection) - known:
        raise StoreError(
            f"The state {path} was written by a newer version of customer-sync.",
            hint="Install that version again, or name another folder with --state.",
        )
    if _applied(connection) == known:
        return
    for name, script in MIGRATIONS:
        with transaction(connection):
            # Looked at within: another process may be opening the same new file.
            if name not in _applied(connection):
                for statement in filter(None, map(str.strip, script.split(";"))):
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (name,))


def _applied(connection: sqlite3.Connection) -> set[str]:
    with closing(connection.execute("SELECT name FROM migrations")) as rows:
        return {name for (name,) in rows}
