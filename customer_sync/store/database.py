"""The SQLite file behind the state: opened privately, migrated by name, errors told plainly."""

import contextlib
import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from customer_sync.errors import StoreDamaged, StoreError
from customer_sync.store.damage import copies_of, refuse_to_begin_unawares
from customer_sync.store.rescue import rescue
from customer_sync.trouble import Code

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
    (
        "who was blocked or erased, as keyed hashes",
        """
        CREATE TABLE suppressions (
            hash BLOB PRIMARY KEY,
            no_mail INTEGER NOT NULL,
            no_sms INTEGER NOT NULL,
            erased_at TEXT
        ) WITHOUT ROWID;
        CREATE INDEX suppressions_erased ON suppressions (erased_at) WHERE erased_at IS NOT NULL;
        """,
    ),
    (
        "what was known before each change, and which contact it made",
        """
        ALTER TABLE operations ADD COLUMN known BLOB;
        ALTER TABLE operations ADD COLUMN contact_id INTEGER;
        """,
    ),
    (
        "which hashes belong to one erasure",
        "ALTER TABLE suppressions ADD COLUMN erasure BLOB",
    ),
    (
        "how long each change took from the shop to Brevo",
        """
        ALTER TABLE operations ADD COLUMN latency_s REAL;
        CREATE INDEX operations_by_end ON operations (finished_at, latency_s)
            WHERE latency_s IS NOT NULL;
        """,
    ),
    (
        "who left which lists",
        "ALTER TABLE suppressions ADD COLUMN left_lists TEXT",
    ),
    (
        "notifications that did not arrive yet",
        """
        CREATE TABLE outbox (
            id TEXT NOT NULL,
            recipient TEXT NOT NULL,
            event TEXT NOT NULL,
            body BLOB NOT NULL,
            written_at TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            error TEXT NOT NULL,
            UNIQUE (id, recipient)
        );
        """,
    ),
    (
        "the codes of what keeps changes waiting",
        "ALTER TABLE queue ADD COLUMN trouble TEXT NOT NULL DEFAULT ''",
    ),
    (
        "which changes are about more than one address",
        """
        ALTER TABLE operations ADD COLUMN has_more_names INTEGER NOT NULL DEFAULT 1;
        UPDATE operations SET has_more_names =
            coalesce(json_array_length(CAST(change AS TEXT), '$.customer.former_emails'), 0) > 0
            OR coalesce(json_extract(CAST(change AS TEXT), '$.before.email'), email) <> email
            WHERE json_valid(CAST(change AS TEXT));
        CREATE INDEX operations_of_more_names ON operations (id) WHERE has_more_names;
        CREATE INDEX runs_by_start ON runs (started_at);
        """,
    ),
    (
        "blocks of a source that need not be read again",
        """
        CREATE TABLE blocks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            context BLOB NOT NULL,
            customers INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        ALTER TABLE confirmed ADD COLUMN block INTEGER;
        CREATE INDEX confirmed_by_block ON confirmed (block) WHERE block IS NOT NULL;
        CREATE INDEX confirmed_living ON confirmed (is_deleted);
        CREATE TRIGGER mirror_insert AFTER INSERT ON mirror BEGIN
            UPDATE confirmed SET block = NULL WHERE email = NEW.email AND block IS NOT NULL;
        END;
        CREATE TRIGGER mirror_update AFTER UPDATE ON mirror
            WHEN OLD.body IS NOT NEW.body BEGIN
            UPDATE confirmed SET block = NULL
                WHERE email IN (OLD.email, NEW.email) AND block IS NOT NULL;
        END;
        CREATE TRIGGER mirror_delete AFTER DELETE ON mirror BEGIN
            UPDATE confirmed SET block = NULL WHERE email = OLD.email AND block IS NOT NULL;
        END;
        CREATE TRIGGER queue_insert AFTER INSERT ON queue
            WHEN json_valid(CAST(NEW.customer AS TEXT)) BEGIN
            UPDATE confirmed SET block = NULL WHERE block IS NOT NULL AND email IN (
                SELECT NEW.email
                UNION SELECT value FROM json_each(CAST(NEW.customer AS TEXT), '$.former_emails')
                UNION SELECT email FROM identities WHERE customer_id IN (
                    SELECT value FROM json_each(CAST(NEW.customer AS TEXT), '$.ids')
                )
            );
        END;
        CREATE TRIGGER identities_insert AFTER INSERT ON identities
            WHEN NEW.is_deleted BEGIN
            UPDATE confirmed SET block = NULL WHERE email = NEW.email AND block IS NOT NULL;
        END;
        CREATE TRIGGER identities_update AFTER UPDATE ON identities BEGIN
            UPDATE confirmed SET block = NULL
                WHERE email IN (OLD.email, NEW.email) AND block IS NOT NULL;
        END;
        CREATE TRIGGER suppressions_delete AFTER DELETE ON suppressions BEGIN
            DELETE FROM blocks;
        END;
        """,
    ),
    (
        "runs that were put together to one",
        """
        ALTER TABLE runs ADD COLUMN part_of TEXT;
        ALTER TABLE runs ADD COLUMN batches INTEGER NOT NULL DEFAULT 1;
        CREATE INDEX runs_by_whole ON runs (part_of) WHERE part_of IS NOT NULL;
        """,
    ),
    (
        "what was tried lately, found without reading what was tried long ago",
        """
        CREATE INDEX operations_by_last_try
            ON operations (coalesce(finished_at, intended_at), email);
        """,
    ),
)
"""Each is applied once, in this order, and never changed after it was released."""


def connect(
    path: Path, *, may_begin_anew: bool = False, is_checked: bool = False
) -> sqlite3.Connection:
    """Open the state at *path*, readable by its owner alone, on its newest schema.

    It is looked through for damage first, which takes about a second for a gigabyte, unless that
    was done just now, so that it *is checked*. Where a
    damaged state was moved aside, a new one is made only if it *may begin anew*; it takes over what
    can still be read of who said no and of what waited.

    Raises:
        StoreDamaged: the file is no whole database.
        StoreError: it cannot be opened or written, was written by a newer version of this program,
            or would take the place of a damaged one unawares.
    """
    with telling(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            if not may_begin_anew:
                refuse_to_begin_unawares(path)
            _create(path, copies_of(path))
        if path.stat().st_size == 0:
            # SQLite would take it for a new database.
            raise _damaged(path, "the file is empty")
        return _opened(path, name=path, is_checked=is_checked)


def _opened(path: Path, *, name: Path, is_checked: bool) -> sqlite3.Connection:
    """Open the file at *path*, of which messages speak as *name*."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if not is_checked:
            _check(connection, path)
        _migrate(connection, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, damaged: Sequence[Path]) -> None:
    """Make a new state elsewhere, whole, and put it at *path* unless another process was first.

    So a file that stands there and is empty was not left by a start that was cut off. Of the
    *damaged* states, the last one that gives something away is the one to learn from.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    fresh = Path(name)
    try:
        with (
            closing(_opened(fresh, name=path, is_checked=True)) as connection,
            transaction(connection),
        ):
            any(rescue(copy, connection) for copy in reversed(damaged))
        with contextlib.suppress(FileExistsError):
            _link(fresh, path)
    finally:
        for companion in ("", "-wal", "-shm"):
            fresh.with_name(fresh.name + companion).unlink(missing_ok=True)


def _link(fresh: Path, path: Path) -> None:
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has hard links.
        fresh.rename(path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Look for damage before anything is believed.

    Raises:
        StoreDamaged: there is some.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damaged(path, " ".join(str(found).split()))


def _damaged(path: Path, how: object) -> StoreDamaged:
    return StoreDamaged(
        f"The state {path} is damaged: {how}.",
        trouble=Code.STATE_DAMAGED,
        hint="The next run moves it aside and says what to do. Have a backup ready if there is "
        "one.",
    )


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn whatever SQLite or the file system says of *path* into a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _damaged(path, error) from error
        raise StoreError(
            f"The state {path} cannot be used: {error}.",
            trouble=Code.STATE_UNUSABLE,
            hint=_HINTS.get(code, _ANY_TROUBLE),
        ) from error
    except OSError as error:
        raise StoreError(
            f"The state {path} cannot be used: {error.strerror}.",
            trouble=Code.STATE_UNUSABLE,
            hint=_NO_ROOM if error.errno in _FULL else _ANY_TROUBLE,
        ) from error


_NO_ROOM = (
    "Make room on that disk, or name a folder elsewhere with --state, then run again: what was "
    "written down is safe, and what Brevo has already is found to be right."
)
_NO_LEAVE = (
    "Let whoever runs this write to the file and to its folder, and see whether the disk is "
    "mounted for reading only."
)
_ANY_TROUBLE = "Check the disk, its room, and the permissions of the folder."
_HINTS = {
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_READONLY: _NO_LEAVE,
    sqlite3.SQLITE_CANTOPEN: _NO_LEAVE,
    sqlite3.SQLITE_BUSY: "Another program has it open; close that, then run again.",
}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def transaction(connection: sqlite3.Connection, *, is_durable: bool = False) -> Iterator[None]:
    """Commit all that is written within, or nothing of it.

    What is committed outlives the end of this process, and where *is_durable* a loss of power too.
    Within `together` it is all or nothing of it too, and committed with everything else there.
    """
    if connection.in_transaction:
        with _savepoint(connection):
            yield
        return
    if is_durable:
        connection.execute("PRAGMA synchronous = FULL")
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        # On a full disk SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        if is_durable:
            connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


@contextmanager
def together(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Commit all transactions within at once, which takes far less time than one by one.

    Where something is raised in between, those before it are committed all the same.
    """
    with telling(path):
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        with telling(path):
            if connection.in_transaction:
                connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"
    )
    known = {name for name, _ in MIGRATIONS}
    if _applied(connection) - known:
        raise StoreError(
            f"The state {path} was written by a newer version of customer-sync.",
            trouble=Code.STATE_NEWER,
            hint="Install that version again, or name another folder with --state.",
        )
    if _applied(connection) == known:
        return
    for name, script in MIGRATIONS:
        with transaction(connection):
            # Looked at within: another process may be opening the same new file.
            if name not in _applied(connection):
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (name,))


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; those of a trigger belong to it."""
    statement = ""
    for part in script.split(";")[:-1]:
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if last := statement + script.rsplit(";", maxsplit=1)[-1].strip():
        yield last


def _applied(connection: sqlite3.Connection) -> set[str]:
    with closing(connection.execute("SELECT name FROM migrations")) as rows:
        return {name for (name,) in rows}
