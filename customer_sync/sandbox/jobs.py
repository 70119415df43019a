"""Doing the work of processes when its time has come."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import httpx

from customer_sync.sandbox import contact_rows, exporting, faults, import_rows, importing
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.exporting import ContactAction
from customer_sync.sandbox.facts import NotifyBody
from customer_sync.sandbox.processes import Work
from customer_sync.sandbox.storage import savepoint

_LARGEST_FILE = 250_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A process whose time has come."""

    id: int
    work: Work
    order: Mapping[str, object]
    ends_at: int
    notify_url: str | None

    @property
    def file_url(self) -> str | None:
        """Where its rows have to be fetched first."""
        url = self.order.get("url")
        return url if isinstance(url, str) else None


def due(db: sqlite3.Connection, now: int) -> list[Due]:
    """Return the processes to be done, in the order in which they end."""
    rows = db.execute(
        "SELECT id, name, work, ends_at, notify_url FROM processes"
        " WHERE is_open AND ends_at <= ? ORDER BY ends_at, id",
        (now,),
    )
    return [
        Due(
            id=row["id"],
            work=Work(row["name"]),
            order=json.loads(row["work"]),
            ends_at=row["ends_at"],
            notify_url=row["notify_url"],
        )
        for row in rows
    ]


async def fetch(url: str) -> str | None:
    """Return the text of a file on this machine, None when it cannot be had.

    It waits as long as the other side does: a simulated clock would count a limit down at once.
    """
    try:
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113 - see above
            answer = await client.get(url)
            answer.raise_for_status()
            return answer.content[:_LARGEST_FILE].decode("utf-8-sig")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None


async def notify(job: Due, body: NotifyBody, status: str) -> None:
    """Tell the URL that asked for it that a process ended; whoever does not listen misses it."""
    content = {"process": job.id, "status": status} if body is NotifyBody.PROCESS else None
    try:
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113 - as in fetch
            await client.post(job.notify_url or "", json=content)
    except (httpx.HTTPError, httpx.InvalidURL):
        return


def finish(account: Account, job: Due, fetched: str | None) -> str | None:
    """Do the work and close its process; return how it ended, None if somebody else had done it."""
    query = "UPDATE processes SET is_open = 0, work = '{}' WHERE id = ? AND is_open"
    if not account.db.execute(query, (job.id,)).rowcount:
        return None
    try:
        with savepoint(account.db):
            outcome = _outcome(account, job, fetched)
    except ValueError:
        account.db.execute("UPDATE processes SET failed = 1 WHERE id = ?", (job.id,))
        return "failed"
    tokens = {name: _keep(account, job, name, text) for name, text in outcome.items()}
    account.db.execute(
        "UPDATE processes SET outcome = ? WHERE id = ?", (json.dumps(tokens), job.id)
    )
    return "completed"


def _keep(account: Account, job: Due, name: str, text: str | None) -> str | None:
    if text is None:
        return None
    token = f"{job.id}-{name}"
    account.db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (token, text))
    return token


def _outcome(account: Account, job: Due, fetched: str | None) -> Mapping[str, str | None]:
    match job.work:
        case Work.IMPORT:
            if faults.fails_import(account.settings, job.id):
                raise ValueError("it was to fail")
            return import_rows.run(account, _import_order(job, fetched))
        case Work.EXPORT:
            return {"export_url": exporting.run(account, _export_order(job))}
        case Work.EMPTY_LIST:
            _empty_list(account, job)
            return {}
        case _:
            assert_never(job.work)


def _import_order(job: Due, fetched: str | None) -> importing.Order:
    order = importing.Order(**job.order)  # type: ignore[arg-type] # written by asdict of the same
    if job.file_url is None:
        return order
    if fetched is None:
        raise ValueError("the file could not be fetched")
    rows, is_csv = importing.parse_file(fetched)
    return importing.Order(**{**job.order, "rows": rows, "is_csv": is_csv})  # type: ignore[arg-type] # as above


def _export_order(job: Due) -> exporting.Order:
    action = job.order["action"]
    known = None if action is None else ContactAction(str(action))
    return exporting.Order(**{**job.order, "action": known})  # type: ignore[arg-type] # written by asdict of the same


def _empty_list(account: Account, job: Due) -> None:
    list_id = job.order["list_id"]
    query = "SELECT contact_id FROM memberships WHERE list_id = ?"
    for row in account.db.execute(query, (list_id,)).fetchall():
        contact = contact_rows.by_id(account, row["contact_id"])
        if contact is not None and account.settings.list_moves_modify:
            contact_rows.touch(account, contact)
    account.db.execute("DELETE FROM memberships WHERE list_id = ?", (list_id,))
