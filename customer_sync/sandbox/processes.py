"""Processes: the work that Brevo does later, how it is submitted, and the routes that show it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING

from customer_sync.sandbox import reading
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.errors import BrevoFault

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Work(StrEnum):
    """The kinds of work; the value is the `name` that a process shows."""

    IMPORT = "IMPORTUSER"
    EXPORT = "CONTACT_EXPORT"
    EMPTY_LIST = "CAMPAIGN_PROCESSING"


def submit(
    account: Account,
    work: Work,
    order: Mapping[str, object],
    *,
    rows: int = 0,
    notify_url: str | None = None,
) -> int:
    """Queue work and return the id of its process; *rows* decide how long it takes."""
    starts_at = _start(account, work)
    run_s = account.settings.import_run_s + max(0, rows - 1) // 1000
    cursor = account.db.execute(
        "INSERT INTO processes (name, starts_at, ends_at, is_open, work, notify_url)"
        " VALUES (?, ?, ?, 1, ?, ?)",
        (
            work.value,
            starts_at,
            starts_at + round(run_s * 1000),
            json.dumps(order, ensure_ascii=False),
            notify_url,
        ),
    )
    return cursor.lastrowid or 0


def as_order(order: "DataclassInstance") -> dict[str, object]:
    """Return the fields of *order* by their names, without copying the rows within."""
    return {each.name: getattr(order, each.name) for each in fields(order)}


def _start(account: Account, work: Work) -> int:
    earliest = account.now + round(account.settings.import_queue_s * 1000)
    most = account.settings.parallel_imports
    if work is not Work.IMPORT or most is None:
        return earliest
    query = "SELECT ends_at FROM processes WHERE is_open AND name = ? ORDER BY ends_at DESC"
    ends = [row[0] for row in account.db.execute(query, (work.value,))]
    return earliest if len(ends) < most else max(earliest, ends[most - 1])


def submit_emptying(account: Account, list_id: int) -> int:
    """Queue the removal of all contacts from a list."""
    return submit(account, Work.EMPTY_LIST, {"list_id": list_id})


# ---------------------------------------------------------------- routes


def index(call: Call) -> Answer:
    """List processes, newest first unless asked otherwise."""
    excess = call.account.settings.excess_page_limit
    limit, offset, sort = reading.page(call.query, default=10, most=50, excess=excess)
    rows = call.account.db.execute(
        f"SELECT * FROM processes ORDER BY id {sort.name} LIMIT ? OFFSET ?", (limit, offset)
    ).fetchall()
    total = call.account.db.execute("SELECT count(*) FROM processes").fetchone()[0]
    shown = [_as_json(call, row) for row in rows]
    return Answer(status=200, content={"processes": shown, "count": total})


def show(call: Call) -> Answer:
    """Show one process; the code of its 404 is Brevo's own oddity."""
    process_id = reading.path_number("processId", call.names["processId"])
    query = "SELECT * FROM processes WHERE id = ?"
    row = call.account.db.execute(query, (process_id,)).fetchone()
    if row is None:
        raise BrevoFault(404, "invalid_parameter", "processId is invalid")
    return Answer(status=200, content=_as_json(call, row))


def status(row: sqlite3.Row, now: int) -> str:
    """Return the word that tells how far a process is."""
    if not row["is_open"]:
        return "failed" if row["failed"] else "completed"
    return "queued" if now < row["starts_at"] else "in_process"


def _as_json(call: Call, row: sqlite3.Row) -> dict[str, object]:
    shape: dict[str, object] = {
        "id": row["id"],
        "name": row["name"],
        "status": status(row, call.account.now),
    }
    if shape["status"] != "completed":
        return shape
    outcome: Mapping[str, str | None] = json.loads(row["outcome"])
    urls = {
        name: None if token is None else f"{call.base_url}/files/{token}.csv"
        for name, token in outcome.items()
    }
    match Work(row["name"]):
        case Work.IMPORT:
            return {**shape, "info": {"import": urls}}
        case Work.EXPORT:
            return {**shape, **urls}
        case Work.EMPTY_LIST:
            return shape
