"""Between Brevo's JSON and the program's values: lists, folders, the account."""

from collections.abc import Sequence

from customer_sync.brevo import shape
from customer_sync.brevo.answers import Account, ContactList, ContactRef, Folder, ListChange


def list_from(answer: object) -> ContactList:
    """Return a list."""
    found = shape.mapping(answer, "a list")
    folder = found.get("folderId")
    return ContactList(
        id=shape.whole(found.get("id"), "a list's id"),
        name=shape.text(found.get("name"), "a list's name"),
        folder_id=None if folder is None else shape.whole(folder, "a list's folderId"),
    )


def folder_from(answer: object) -> Folder:
    """Return a folder."""
    found = shape.mapping(answer, "a folder")
    return Folder(
        id=shape.whole(found.get("id"), "a folder's id"),
        name=shape.text(found.get("name"), "a folder's name"),
    )


def items_from(answer: object, key: str) -> tuple[Sequence[object], int]:
    """Return the items of a page and how many there are in all; no items may be left out."""
    found = shape.mapping(answer, key)
    return shape.sequence(found.get(key), key), shape.whole(found.get("count") or 0, "count")


def new_id_from(answer: object) -> int:
    """Return the id of what was just created."""
    return shape.whole(shape.mapping(answer, "a creation").get("id"), "id")


def list_change_from(answer: object, refs: Sequence[ContactRef]) -> ListChange:
    """Return who joined or left; whoever the answer does not name as done is unchanged."""
    found = shape.mapping(shape.mapping(answer, "a list change").get("contacts"), "contacts")
    listed = shape.sequence(found.get("success"), "success")
    done = {item for item in listed if isinstance(item, int | str)}
    return ListChange(
        changed=tuple(ref for ref in refs if ref in done),
        unchanged=tuple(ref for ref in refs if ref not in done),
    )


def account_from(answer: object) -> Account:
    """Return the account; whatever it leaves out is empty."""
    found = shape.mapping(answer, "the account")
    habits = shape.mapping(found.get("dateTimePreferences") or {}, "dateTimePreferences")
    plans = [shape.mapping(plan, "a plan") for plan in shape.sequence(found.get("plan"), "plan")]
    return Account(
        company=shape.optional_text(found.get("companyName")),
        email=shape.optional_text(found.get("email")),
        plans=tuple(shape.optional_text(plan.get("type")) for plan in plans),
        time_zone=shape.optional_text(habits.get("timezone")),
        date_format=shape.optional_text(habits.get("dateFormat")),
    )
