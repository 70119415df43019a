"""Lists: the routes that list, create, change, delete and fill them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from customer_sync.sandbox import contact_rows, folders, listing, processes, reading
from customer_sync.sandbox.account import NO_CONTENT, Account, Answer, Call
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.errors import invalid, missing, not_found
from customer_sync.sandbox.identifiers import Identifier, normal_email
from customer_sync.sandbox.timeline import timestamp

_MOST_MOVES = 150
_Move: TypeAlias = Callable[[Account, ContactRow, Sequence[int]], int]


def index(call: Call) -> Answer:
    """List the lists, newest first unless asked otherwise."""
    rows, total = folders.page_of_lists(call, "TRUE")
    shown = [folders.list_as_json(call.account, row) for row in rows]
    return Answer(status=200, content={"lists": shown, "count": total})


def create(call: Call) -> Answer:
    """Create a list in a folder that exists."""
    body = reading.json_object(call.body)
    name = reading.required_text(body, "name")
    folder_id = reading.number(body, "folderId")
    if folder_id is None:
        raise missing("folderId is missing")
    return Answer(status=201, content={"id": insert(call.account, name, folder_id)})


def insert(account: Account, name: str, folder_id: int) -> int:
    """Store a new list and return its id.

    Raises:
        BrevoFault: There is no such folder.
    """
    if not folders.exists(account, folder_id):
        raise not_found("Folder ID does not exist", 400)
    cursor = account.db.execute(
        "INSERT INTO lists (name, folder_id, created_at) VALUES (?, ?, ?)",
        (name, folder_id, account.now),
    )
    return cursor.lastrowid or 0


def show(call: Call) -> Answer:
    """Show one list."""
    row = _existing(call)
    content = {
        **folders.list_as_json(call.account, row),
        "createdAt": timestamp(row.created_at, call.account.settings.timezone),
        "dynamicList": False,
        "campaignStats": [],
    }
    return Answer(status=200, content=content)


def update(call: Call) -> Answer:
    """Rename a list or move it to another folder."""
    row, body = _existing(call), reading.json_object(call.body)
    name, folder_id = reading.text(body, "name"), reading.number(body, "folderId")
    if name is None and folder_id is None:
        raise missing("name or folderId is missing")
    if folder_id is not None and not folders.exists(call.account, folder_id):
        raise not_found("Folder ID does not exist", 400)
    call.account.db.execute(
        "UPDATE lists SET name = ?, folder_id = ? WHERE id = ?",
        (name or row.name, folder_id or row.folder_id, row.id),
    )
    return NO_CONTENT


def delete(call: Call) -> Answer:
    """Delete a list; its contacts stay."""
    row = _existing(call)
    folders.delete_list(call.account, row.id)
    return NO_CONTENT


def contacts(call: Call) -> Answer:
    """List the contacts on a list."""
    return listing.of_list(call, _existing(call).id)


def _existing(call: Call) -> folders.ListRow:
    list_id = reading.path_number("listId", call.names["listId"])
    found = folders.list_rows(call.account, "id = ?", (list_id,))
    if not found:
        raise not_found("List ID does not exist", call.account.settings.unknown_list_path_status)
    return found[0]


# ---------------------------------------------------------------- add and remove


def add(call: Call) -> Answer:
    """Put contacts on a list; a request of which nothing comes is a 400."""
    list_id = _existing(call).id
    moved = _moved(call, reading.json_object(call.body), list_id, contact_rows.add_to_lists)
    if not moved["success"]:
        raise invalid("Contact already in list and/or does not exist")
    return Answer(status=201, content={"contacts": moved})


def remove(call: Call) -> Answer:
    """Take contacts off a list, or all of them as a process of its own."""
    list_id = _existing(call).id
    body = reading.json_object(call.body)
    if reading.flag(body, "all"):
        return _remove_all(call, list_id)
    moved = _moved(call, body, list_id, contact_rows.remove_from_lists)
    if not moved["success"] and call.account.settings.all_failed_removal_is_refused:
        raise invalid("Contact already removed from list and/or does not exist")
    return Answer(status=201, content={"contacts": moved})


def _remove_all(call: Call, list_id: int) -> Answer:
    total = listing.count(call.account, [listing.on_lists(call.account, (list_id,))])
    process_id = processes.submit_emptying(call.account, list_id)
    return Answer(status=201, content={"contacts": {"processId": process_id, "total": total}})


def _moved(
    call: Call, body: Mapping[str, object], list_id: int, move: _Move
) -> dict[str, list[object]]:
    moved: dict[str, list[object]] = {"success": [], "failure": []}
    for spelled, contact in _chosen(call.account, body):
        if contact is not None and call.account.settings.list_moves_modify:
            contact_rows.touch(call.account, contact)
        is_moved = contact is not None and move(call.account, contact, (list_id,)) > 0
        moved["success" if is_moved else "failure"].append(spelled)
    return moved


def _chosen(account: Account, body: Mapping[str, object]) -> list[tuple[object, ContactRow | None]]:
    given = [name for name in ("emails", "ids", "extIds") if body.get(name) is not None]
    if len(given) != 1:
        raise invalid("Exactly one of emails, ids and extIds should be passed")
    items: Sequence[object] = (
        reading.numbers(body, "ids") if given[0] == "ids" else reading.texts(body, given[0])
    ) or ()
    if not 1 <= len(items) <= _MOST_MOVES:
        raise invalid(f"{given[0]} should hold 1 to {_MOST_MOVES} items")
    return [(item, _find(account, given[0], item)) for item in items]


def _find(account: Account, kind: str, item: object) -> ContactRow | None:
    if isinstance(item, int):
        return contact_rows.by_id(account, item)
    if kind == "extIds":
        return contact_rows.by_identifier(account, Identifier.EXT_ID, str(item))
    email = normal_email(str(item), lower=account.settings.lower_cases_email)
    return None if email is None else contact_rows.by_identifier(account, Identifier.EMAIL, email)
