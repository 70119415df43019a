"""POST /contacts/batch: many updates in one request, all of them or none."""

from collections.abc import Mapping, Sequence

from customer_sync.sandbox import attributes, contact_rows, patches, reading
from customer_sync.sandbox.account import NO_CONTENT, Account, Answer, Call
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.errors import invalid, missing, not_found
from customer_sync.sandbox.facts import BatchConflict
from customer_sync.sandbox.identifiers import Identifier

_KEYS = ("email", "id", "sms")


def update_many(call: Call) -> Answer:
    """Update every contact that the body lists, or answer 404 with the positions of unknown ones.

    It never creates. A fault in any item takes back what earlier items wrote.
    """
    account = call.account
    items = _items(account, reading.json_object(call.body))
    definitions = attributes.definitions(account)
    wanted = [patches.read_patch(account, definitions, item) for item in items]
    found = [_find(account, item) for item in items]
    _refuse_unknown(account, found)
    for contact, patch in zip(found, wanted, strict=True):
        if contact is not None:
            _update(account, contact.id, patch)
    return NO_CONTENT


def _items(account: Account, body: Mapping[str, object]) -> list[dict[str, object]]:
    items = reading.array(body, "contacts")
    if not items:
        raise missing("contacts is missing")
    cap = account.settings.batch_cap
    if cap is not None and len(items) > cap:
        raise invalid(f"contacts should hold at most {cap} items")
    checked = [item for item in items if isinstance(item, dict)]
    if len(checked) < len(items):
        raise invalid("contacts should be an array of objects")
    return checked


def _find(account: Account, item: Mapping[str, object]) -> ContactRow | None:
    given = [key for key in _KEYS if item.get(key) is not None]
    if len(given) != 1:
        raise invalid("Each contact should have exactly one of email, id and sms")
    if given[0] == "id":
        return contact_rows.by_id(account, reading.number(item, "id") or 0)
    identifier = Identifier(given[0])
    spelled = reading.required_text(item, given[0])
    value = patches.normal_identifier(identifier, spelled, account.settings)
    return contact_rows.by_identifier(account, identifier, value)


def _refuse_unknown(account: Account, found: Sequence[ContactRow | None]) -> None:
    base = account.settings.batch_index_base
    unknown = [str(place + base) for place, contact in enumerate(found) if contact is None]
    if unknown:
        raise not_found(f"No contact found for indexes {','.join(unknown)}")


def _update(account: Account, contact_id: int, patch: patches.Patch) -> None:
    contact = contact_rows.by_id(account, contact_id)
    taken = patches.owners(account, contact_id, patch)
    if not taken:
        patches.apply(account, contact, patch)
    elif account.settings.batch_conflict is BatchConflict.FAIL_ALL:
        raise patches.conflict(account, "update", taken)
