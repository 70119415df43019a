"""Contacts as rows: finding, saving and deleting them, and the traces that doing so leaves."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from customer_sync.sandbox.account import Account
from customer_sync.sandbox.identifiers import PHONES, Identifier
from customer_sync.sandbox.values import Stored

COLUMNS = (
    "email, ext_id, sms, whatsapp, landline, email_blocked, sms_blocked, attributes,"
    " blocked_senders, created_at, modified_at"
)
LIST_IDS = (
    "(SELECT json_group_array(list_id) FROM memberships WHERE contact_id = contacts.id) AS list_ids"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """A contact as stored; `id` is 0 until it is saved."""

    id: int = 0
    identifiers: Mapping[Identifier, str] = field(default_factory=dict)
    is_email_blocked: bool = False
    is_sms_blocked: bool = False
    attributes: Mapping[str, Stored] = field(default_factory=dict)
    blocked_senders: tuple[str, ...] = ()
    created_at: int
    modified_at: int


def from_row(row: sqlite3.Row) -> ContactRow:
    """Return the contact that a row of `id` and COLUMNS holds."""
    return ContactRow(
        id=row["id"],
        identifiers={each: row[each.value] for each in Identifier if row[each.value] is not None},
        is_email_blocked=bool(row["email_blocked"]),
        is_sms_blocked=bool(row["sms_blocked"]),
        attributes=json.loads(row["attributes"]),
        blocked_senders=tuple(json.loads(row["blocked_senders"])),
        created_at=row["created_at"],
        modified_at=row["modified_at"],
    )


def _values(contact: ContactRow) -> tuple[object, ...]:
    return (
        *(contact.identifiers.get(each) for each in Identifier),
        contact.is_email_blocked,
        contact.is_sms_blocked,
        json.dumps(contact.attributes, ensure_ascii=False),
        json.dumps(contact.blocked_senders),
        contact.created_at,
        contact.modified_at,
    )


def by_id(account: Account, contact_id: int) -> ContactRow | None:
    """Return the contact with this id."""
    query = f"SELECT id, {COLUMNS} FROM contacts WHERE id = ?"
    row = account.db.execute(query, (contact_id,)).fetchone()
    return None if row is None else from_row(row)


def by_identifier(account: Account, identifier: Identifier, value: str) -> ContactRow | None:
    """Return the contact that owns this identifier, in its normal form."""
    query = f"SELECT id, {COLUMNS} FROM contacts WHERE {identifier.value} = ?"
    row = account.db.execute(query, (value,)).fetchone()
    return None if row is None else from_row(row)


def list_ids(account: Account, contact_id: int) -> list[int]:
    """Return the lists that the contact is on, in ascending order."""
    query = "SELECT list_id FROM memberships WHERE contact_id = ? ORDER BY list_id"
    return [row[0] for row in account.db.execute(query, (contact_id,))]


def left_list_ids(account: Account, contact_id: int) -> list[int]:
    """Return the lists that the person left by a link in a mail, in ascending order."""
    query = "SELECT list_id FROM left_lists WHERE contact_id = ? ORDER BY list_id"
    return [row[0] for row in account.db.execute(query, (contact_id,))]


def is_held(account: Account, identifier: Identifier, value: str) -> bool:
    """Tell whether the number of a deleted contact is still taken."""
    query = "SELECT 1 FROM held_numbers WHERE identifier = ? AND number = ? AND until > ?"
    return account.db.execute(query, (identifier.value, value, account.now)).fetchone() is not None


def save(
    account: Account, before: ContactRow | None, after: ContactRow, *, cause: str
) -> ContactRow:
    """Store *after* in place of *before*, or as a new contact, and return it with its id.

    When this makes a person mailable again who was blocked, it is recorded with *cause*.
    """
    _remember_as_it_was(account, before)
    saved = _insert(account, after) if before is None else _update(account, after)
    if before is None:
        _remember_as_missing(account, saved.id)
    _record_transitions(account, before, saved, cause)
    return saved


def _insert(account: Account, contact: ContactRow) -> ContactRow:
    marks = ", ".join("?" * 11)
    cursor = account.db.execute(
        f"INSERT INTO contacts ({COLUMNS}) VALUES ({marks})", _values(contact)
    )
    return replace(contact, id=cursor.lastrowid or 0)


def _update(account: Account, contact: ContactRow) -> ContactRow:
    marks = ", ".join("?" * 11)
    account.db.execute(
        f"UPDATE contacts SET ({COLUMNS}) = ({marks}) WHERE id = ?", (*_values(contact), contact.id)
    )
    return contact


def delete(account: Account, contact: ContactRow) -> None:
    """Delete the contact; that it was blocked is forgotten by Brevo, not by the record."""
    _remember_as_it_was(account, contact)
    account.db.execute("DELETE FROM contacts WHERE id = ?", (contact.id,))
    account.db.execute("DELETE FROM memberships WHERE contact_id = ?", (contact.id,))
    account.db.execute("DELETE FROM unsubscriptions WHERE contact_id = ?", (contact.id,))
    account.db.execute("DELETE FROM left_lists WHERE contact_id = ?", (contact.id,))
    _hold_numbers(account, contact)
    for channel, address, is_blocked in _channels(contact):
        if is_blocked and address is not None:
            account.db.execute(
                "INSERT OR IGNORE INTO forgotten_blocks VALUES (?, ?)", (channel, address)
            )


def _hold_numbers(account: Account, contact: ContactRow) -> None:
    seconds = account.settings.deletion_frees_phone_after
    if seconds <= 0:
        return
    until = account.now + round(seconds * 1000)
    account.db.executemany(
        "INSERT OR REPLACE INTO held_numbers VALUES (?, ?, ?)",
        [
            (phone.value, contact.identifiers[phone], until)
            for phone in PHONES
            if phone in contact.identifiers
        ],
    )


def add_to_lists(account: Account, contact: ContactRow, ids: Iterable[int]) -> int:
    """Put the contact on lists and return on how many it was not yet.

    Whoever left a list by a link in a mail joins it again only where the switch says so, and that
    is recorded.
    """
    wanted = [(list_id, contact.id) for list_id in ids if _may_join(account, contact, list_id)]
    cursor = account.db.executemany("INSERT OR IGNORE INTO memberships VALUES (?, ?)", wanted)
    return cursor.rowcount


def _may_join(account: Account, contact: ContactRow, list_id: int) -> bool:
    query = "SELECT 1 FROM left_lists WHERE list_id = ? AND contact_id = ?"
    if account.db.execute(query, (list_id, contact.id)).fetchone() is None:
        return True
    if not account.settings.joining_undoes_leaving:
        return False
    query = "DELETE FROM left_lists WHERE list_id = ? AND contact_id = ?"
    account.db.execute(query, (list_id, contact.id))
    address = contact.identifiers.get(Identifier.EMAIL)
    _record(account, contact, f"list {list_id}", address, "list")
    return True


def leave_list(account: Account, contact: ContactRow, list_id: int) -> bool:
    """Let the person leave a list by a link in a mail; tell whether the contact was on it."""
    if not remove_from_lists(account, contact, (list_id,)):
        return False
    account.db.execute("INSERT OR IGNORE INTO left_lists VALUES (?, ?)", (list_id, contact.id))
    return True


def unsubscribed_at(account: Account, contact_id: int) -> list[int]:
    """Return when the person followed a link out of all mails, the first time first."""
    query = "SELECT at FROM unsubscriptions WHERE contact_id = ? ORDER BY at"
    return [row["at"] for row in account.db.execute(query, (contact_id,))]


def note_unsubscription(account: Account, contact: ContactRow) -> None:
    """Remember that the person follows a link out of all mails now."""
    query = "INSERT INTO unsubscriptions VALUES (?, ?)"
    account.db.execute(query, (account.now, contact.id))


def remove_from_lists(account: Account, contact: ContactRow, ids: Iterable[int]) -> int:
    """Take the contact off lists and return on how many it was."""
    wanted = [(list_id, contact.id) for list_id in ids]
    query = "DELETE FROM memberships WHERE list_id = ? AND contact_id = ?"
    return account.db.executemany(query, wanted).rowcount


def touch(account: Account, contact: ContactRow) -> None:
    """Let the contact count as modified now."""
    _remember_as_it_was(account, contact)
    query = "UPDATE contacts SET modified_at = ? WHERE id = ?"
    account.db.execute(query, (account.now, contact.id))


# ---------------------------------------------------------------- traces


def _channels(contact: ContactRow) -> tuple[tuple[str, str | None, bool], ...]:
    return (
        ("email", contact.identifiers.get(Identifier.EMAIL), contact.is_email_blocked),
        ("sms", contact.identifiers.get(Identifier.SMS), contact.is_sms_blocked),
    )


def _record_transitions(
    account: Account, before: ContactRow | None, after: ContactRow, cause: str
) -> None:
    was = (
        {channel: (address, blocked) for channel, address, blocked in _channels(before)}
        if before
        else {}
    )
    for channel, address, is_blocked in _channels(after):
        old_address, was_blocked = was.get(channel, (None, False))
        if was_blocked and not is_blocked:
            # Another address lifts no block of SMS: only the flag beside it does.
            is_by_flag = cause == "rename" and channel == "sms"
            _record(account, after, channel, address, "flag" if is_by_flag else cause)
        elif address is not None and address != old_address and not is_blocked:
            _record_if_forgotten(account, after, channel, address)


def _record_if_forgotten(account: Account, contact: ContactRow, channel: str, address: str) -> None:
    query = "DELETE FROM forgotten_blocks WHERE channel = ? AND address = ?"
    if account.db.execute(query, (channel, address)).rowcount:
        _record(account, contact, channel, address, "came back after deletion")


def _record(
    account: Account, contact: ContactRow, channel: str, address: str | None, cause: str
) -> None:
    account.db.execute(
        "INSERT INTO transitions (at, contact_id, address, channel, cause, route)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (account.now, contact.id, address, channel, cause, account.route),
    )


# ---------------------------------------------------------------- what lagging readers still see


def _remember_as_it_was(account: Account, contact: ContactRow | None) -> None:
    if account.settings.lag <= 0 or contact is None:
        return
    account.db.execute(
        f"INSERT INTO shadows (contact_id, replaced_at, existed, {COLUMNS}, list_ids)"
        f" SELECT id, ?, 1, {COLUMNS}, {LIST_IDS} FROM contacts WHERE id = ?",
        (account.now, contact.id),
    )
    _forget_old_shadows(account)


def _remember_as_missing(account: Account, contact_id: int) -> None:
    if account.settings.lag <= 0:
        return
    query = "INSERT INTO shadows (contact_id, replaced_at, existed) VALUES (?, ?, 0)"
    account.db.execute(query, (contact_id, account.now))
    _forget_old_shadows(account)


def _forget_old_shadows(account: Account) -> None:
    horizon = account.now - round(account.settings.lag * 1000)
    account.db.execute("DELETE FROM shadows WHERE replaced_at <= ?", (horizon,))
