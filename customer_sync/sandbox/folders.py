"""Folders, and the rows of lists within them."""

from collections.abc import Sequence
from dataclasses import dataclass

from customer_sync.sandbox import listing, reading
from customer_sync.sandbox.account import NO_CONTENT, Account, Answer, Call
from customer_sync.sandbox.errors import not_found

_MOST = 50


def index(call: Call) -> Answer:
    """List the folders."""
    limit, offset, sort = _page(call)
    rows = call.account.db.execute(
        f"SELECT id FROM folders ORDER BY id {sort} LIMIT ? OFFSET ?", (limit, offset)
    ).fetchall()
    total = call.account.db.execute("SELECT count(*) FROM folders").fetchone()[0]
    shown = [_as_json(call.account, row["id"]) for row in rows]
    return Answer(status=200, content={"folders": shown, "count": total})


def _page(call: Call) -> tuple[int, int, str]:
    excess = call.account.settings.excess_page_limit
    limit, offset, sort = reading.page(call.query, default=10, most=_MOST, excess=excess)
    return limit, offset, sort.name


def _as_json(account: Account, folder_id: int) -> dict[str, object]:
    query = "SELECT name FROM folders WHERE id = ?"
    name = account.db.execute(query, (folder_id,)).fetchone()["name"]
    within = [each.id for each in list_rows(account, "folder_id = ?", (folder_id,))]
    return {"id": folder_id, "name": name, **totals(account, within)}


def totals(account: Account, list_ids: Sequence[int]) -> dict[str, object]:
    """Return the counts of lists; two of the three are being dropped by Brevo and read 0."""
    unique = listing.count(account, [listing.on_lists(account, list_ids)])
    return {"uniqueSubscribers": unique, "totalSubscribers": 0, "totalBlacklisted": 0}


def create(call: Call) -> Answer:
    """Create a folder."""
    name = reading.required_text(reading.json_object(call.body), "name")
    cursor = call.account.db.execute("INSERT INTO folders (name) VALUES (?)", (name,))
    return Answer(status=201, content={"id": cursor.lastrowid})


def show(call: Call) -> Answer:
    """Show one folder."""
    return Answer(status=200, content=_as_json(call.account, _existing(call)))


def update(call: Call) -> Answer:
    """Rename a folder."""
    folder_id = _existing(call)
    name = reading.required_text(reading.json_object(call.body), "name")
    call.account.db.execute("UPDATE folders SET name = ? WHERE id = ?", (name, folder_id))
    return NO_CONTENT


def delete(call: Call) -> Answer:
    """Delete a folder and the lists in it; the contacts stay."""
    account, folder_id = call.account, _existing(call)
    for each in list_rows(account, "folder_id = ?", (folder_id,)):
        delete_list(account, each.id)
    account.db.execute("DELETE FROM folders WHERE id = ?", (folder_id,))
    return NO_CONTENT


def lists(call: Call) -> Answer:
    """List the lists of one folder; none of them repeats which folder that is."""
    rows, total = page_of_lists(call, "folder_id = ?", (_existing(call),))
    shown = [_without_folder(call.account, row) for row in rows]
    return Answer(status=200, content={"lists": shown, "count": total})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A list as stored."""

    id: int
    name: str
    folder_id: int
    created_at: int


def list_rows(
    account: Account, where: str, values: tuple[int, ...], tail: str = ""
) -> list[ListRow]:
    """Return the lists that meet a condition in SQL."""
    query = f"SELECT id, name, folder_id, created_at FROM lists WHERE {where} {tail}"
    return [ListRow(**dict(row)) for row in account.db.execute(query, values)]


def page_of_lists(
    call: Call, where: str, values: tuple[int, ...] = ()
) -> tuple[list[ListRow], int]:
    """Return one page of the lists that meet a condition in SQL, and how many meet it."""
    limit, offset, sort = _page(call)
    tail = f"ORDER BY id {sort} LIMIT ? OFFSET ?"
    rows = list_rows(call.account, where, (*values, limit, offset), tail)
    query = f"SELECT count(*) FROM lists WHERE {where}"
    return rows, call.account.db.execute(query, values).fetchone()[0]


def _without_folder(account: Account, row: ListRow) -> dict[str, object]:
    return {"id": row.id, "name": row.name, **totals(account, [row.id])}


def list_as_json(account: Account, row: ListRow) -> dict[str, object]:
    """Return a list as listings of all lists show it."""
    return {**_without_folder(account, row), "folderId": row.folder_id}


def delete_list(account: Account, list_id: int) -> None:
    """Delete one list; its contacts stay."""
    account.db.execute("DELETE FROM memberships WHERE list_id = ?", (list_id,))
    account.db.execute("DELETE FROM left_lists WHERE list_id = ?", (list_id,))
    account.db.execute("DELETE FROM lists WHERE id = ?", (list_id,))


def exists(account: Account, folder_id: int) -> bool:
    """Tell whether there is such a folder."""
    query = "SELECT 1 FROM folders WHERE id = ?"
    return account.db.execute(query, (folder_id,)).fetchone() is not None


def _existing(call: Call) -> int:
    folder_id = reading.path_number("folderId", call.names["folderId"])
    if not exists(call.account, folder_id):
        raise not_found("Folder ID does not exist")
    return folder_id
