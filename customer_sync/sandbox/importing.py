"""POST /contacts/import: what is checked at once, before the job waits its turn."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from customer_sync.sandbox import folders, lists, patches, processes, reading, tables
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.errors import BrevoFault, invalid, missing, not_found
from customer_sync.sandbox.identifiers import BY_ATTRIBUTE
from customer_sync.sandbox.processes import Work

CONTACT_ID_COLUMNS = frozenset({"ID", "CONTACT ID", "CONTACT_ID"})
_SOURCES = ("jsonBody", "fileBody", "fileUrl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an import job is to do, as it waits in the file."""

    rows: Sequence[Mapping[str, object]]
    """Field names in upper case; those from CSV hold texts alone."""
    is_csv: bool
    url: str | None
    """Where the rows are to be fetched from, when the job starts."""
    list_ids: Sequence[int]
    updates: bool
    empties: bool
    blocks_email: bool | None
    """None: the request did not say."""
    blocks_sms: bool | None


def submit(call: Call) -> Answer:
    """Take an import and answer 202; its rows are looked at later.

    Raises:
        BrevoFault: There is no destination list, not exactly one source, too much of it, or nothing
            in it that a contact could be known by.
    """
    account = call.account
    if len(call.body) > account.settings.import_bytes:
        raise invalid(f"The body is larger than {account.settings.import_bytes} bytes")
    body = reading.json_object(call.body)
    rows, is_csv, url = _source(body)
    order = Order(
        rows=rows,
        is_csv=is_csv,
        url=url,
        updates=reading.flag(body, "updateExistingContacts") is not False,
        empties=bool(reading.flag(body, "emptyContactsAttributes")),
        blocks_email=reading.flag(body, "emailBlacklist"),
        blocks_sms=reading.flag(body, "smsBlacklist"),
        list_ids=_destination(account, body),
    )
    reading.flag(body, "disableNotification")
    reading.numbers(body, "consentGroupIds")
    notify_url = local_url(body, "notifyUrl")
    process_id = processes.submit(
        account, Work.IMPORT, processes.as_order(order), rows=len(rows), notify_url=notify_url
    )
    return Answer(status=202, content={"processId": process_id})


def _source(body: Mapping[str, object]) -> tuple[list[dict[str, object]], bool, str | None]:
    given = [name for name in _SOURCES if body.get(name) is not None]
    if len(given) != 1:
        raise missing("Exactly one of jsonBody, fileBody and fileUrl should be passed")
    match given[0]:
        case "jsonBody":
            return _usable(_flat(reading.array(body, "jsonBody") or [])), False, None
        case "fileBody":
            return _usable(_from_csv(reading.required_text(body, "fileBody"))), True, None
        case _:
            return [], False, local_url(body, "fileUrl")


def _flat(items: Sequence[object]) -> list[dict[str, object]]:
    """Return rows of field names in upper case, wherever in the item a field stood."""
    rows: list[dict[str, object]] = []
    for item in items:
        if not isinstance(item, dict):
            raise invalid("jsonBody should be an array of objects")
        fields = {name: value for name, value in item.items() if name != "attributes"}
        fields |= reading.mapping(item, "attributes")
        rows.append({name.strip().upper(): value for name, value in fields.items()})
    return rows


def _from_csv(text: str) -> list[dict[str, object]]:
    try:
        _, rows = tables.parse(text)
    except ValueError:
        raise invalid("The file could not be read as CSV") from None
    return [{name.upper(): value for name, value in row.items()} for row in rows]


def _usable(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return *rows* if any of them has a column that contacts are known by."""
    if not any(name in BY_ATTRIBUTE or name in CONTACT_ID_COLUMNS for row in rows for name in row):
        raise invalid(
            "We could not find any valid email or SMS or Contact ID in the file you uploaded. "
            "Please check the file and upload it again."
        )
    return rows


def parse_file(text: str) -> tuple[list[dict[str, object]], bool]:
    """Return the rows of a fetched file, JSON or CSV, and whether it is CSV.

    Raises:
        ValueError: It is neither, or has nothing in it that a contact could be known by.
    """
    try:
        if text.lstrip().startswith("["):
            return _usable(_flat(_array(text))), False
        return _usable(_from_csv(text)), True
    except BrevoFault as problem:
        raise ValueError(str(problem)) from None


def _array(text: str) -> list[object]:
    value = reading.json_value(text)
    if not isinstance(value, list):
        raise ValueError("not an array")  # noqa: TRY004 - the caller knows one kind of useless file
    return value


def local_url(body: Mapping[str, object], name: str) -> str | None:
    """Return a URL from a body; a sandbox calls nobody but the machine that it runs on."""
    spelled = reading.text(body, name)
    if spelled is None:
        return None
    try:
        parts = urlsplit(spelled)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise invalid(f"{name} is not a URL") from None
    if parts.scheme not in ("http", "https") or not is_loopback(host):
        raise invalid(f"{name} should be on this machine: the sandbox calls no other")
    return spelled


def is_loopback(host: str) -> bool:
    """Tell whether *host* can only be this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _destination(account: Account, body: Mapping[str, object]) -> tuple[int, ...]:
    """Return the lists that the contacts go to; a new one is made at once."""
    new_list = reading.mapping(body, "newList")
    ids = patches.known_lists(account, reading.numbers(body, "listIds"))
    if new_list:
        name, folder_id = (
            reading.required_text(new_list, "listName"),
            reading.number(new_list, "folderId"),
        )
        if folder_id is None:
            raise missing("folderId is missing")
        if not folders.exists(account, folder_id):
            raise not_found("Folder ID does not exist", 400)
        ids = (*ids, lists.insert(account, name, folder_id))
    if not ids:
        raise missing("listIds or newList is missing")
    return ids
