"""Between Brevo's JSON and the program's values: contacts, attributes, lists, the account.

Brevo's spellings live here, in `jobs` (imports) and in `values` (one value), and nowhere else.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import assert_never
from urllib.parse import quote

from customer_sync.brevo import shape
from customer_sync.brevo.answers import (
    Account,
    AnyRef,
    ContactList,
    ContactPage,
    ContactRef,
    ExtId,
    Folder,
    ListChange,
    Phone,
)
from customer_sync.brevo.values import Json, phone_to, value_from, value_to
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Contact,
    ContactId,
    ContactPatch,
    Email,
    Value,
)

EXT_ID = "EXT_ID"
"""Read as an attribute, written beside the attributes as `ext_id`."""

_PHONE_ONLY = re.compile(r"[0-9]+@mailin-sms\.com")
"""The address that Brevo shows for a contact that has only a phone."""

_PHONE_KINDS = {
    "SMS": "phone_id",
    "WHATSAPP": "whatsapp_id",
    "LANDLINE_NUMBER": "landline_number_id",
}

_INDEXES = re.compile(r"\bindex(?:es)?\b[^0-9]*([0-9]+(?:\s*,\s*[0-9]+)*)", re.IGNORECASE)

_UNTOUCHED = re.compile(r"already (?:in|removed from) list", re.IGNORECASE)


# ---------------------------------------------------------------- contacts


def contact_from(answer: object, attributes: Mapping[str, Attribute]) -> Contact:
    """Return the contact that *answer* describes, its values typed by *attributes*.

    Raises:
        BrevoUnavailable: it is no contact.
    """
    found = shape.mapping(answer, "a contact")
    held = shape.mapping(found.get("attributes") or {}, "attributes")
    if found.get("ext_id"):
        held = {EXT_ID: found["ext_id"], **held}
    return Contact(
        id=ContactId(shape.whole(found.get("id"), "a contact's id")),
        email=_email_from(found.get("email")),
        attributes=_values_from(held, attributes),
        list_ids=frozenset(
            shape.whole(item, "listIds") for item in shape.sequence(found.get("listIds"), "listIds")
        ),
        is_email_blocked=shape.flag(found.get("emailBlacklisted"), "emailBlacklisted"),
        is_sms_blocked=shape.flag(found.get("smsBlacklisted"), "smsBlacklisted"),
        modified_at=shape.moment(found.get("modifiedAt"), "modifiedAt"),
    )


def page_from(answer: object, attributes: Mapping[str, Attribute]) -> ContactPage:
    """Return a page of contacts."""
    found = shape.mapping(answer, "a page of contacts")
    if found.get("contacts") is None:
        shape.unexpected("contacts", None, "an array")
    return ContactPage(
        contacts=tuple(
            contact_from(item, attributes) for item in shape.sequence(found["contacts"], "contacts")
        ),
        count=shape.whole(found.get("count"), "count"),
    )


def patch_to_json(patch: ContactPatch, attributes: Mapping[str, Attribute]) -> dict[str, Json]:
    """Return the body that writes *patch*, naming nothing that the patch does not name.

    Lists are added and removed side by side (`listIds`, `unlinkListIds`), never replaced; a rename
    and a block travel together, because a rename alone would lift a block.
    """
    values: dict[str, Json] = {
        name: value_to(name, value, attributes.get(name))
        for name, value in patch.attributes.items()
        if name != EXT_ID
    }
    if patch.rename_to is not None:
        values["EMAIL"] = patch.rename_to
    body: dict[str, Json] = {}
    if values:
        body["attributes"] = values
    if EXT_ID in patch.attributes:
        body["ext_id"] = _ext_id_to(patch.attributes[EXT_ID])
    if patch.email_blocked is not None:
        body["emailBlacklisted"] = patch.email_blocked
    if patch.sms_blocked is not None:
        body["smsBlacklisted"] = patch.sms_blocked
    if patch.add_lists:
        body["listIds"] = [*sorted(patch.add_lists)]
    if patch.remove_lists:
        body["unlinkListIds"] = [*sorted(patch.remove_lists)]
    return body


def _email_from(raw: object) -> Email | None:
    address = shape.optional_text(raw).strip().lower()
    return None if not address or _PHONE_ONLY.fullmatch(address) else Email(address)


def _values_from(
    held: Mapping[str, object], attributes: Mapping[str, Attribute]
) -> dict[str, Value]:
    values = {
        name: value_from(name, raw, attributes.get(name))
        for name, raw in held.items()
        if name != "EMAIL"
    }
    return {name: value for name, value in values.items() if value is not None}


def _ext_id_to(value: Value) -> Json:
    return "" if value is None else value_to(EXT_ID, value, None)


# ---------------------------------------------------------------- requests


def create_to_json(
    email: Email, patch: ContactPatch, attributes: Mapping[str, Attribute]
) -> dict[str, Json]:
    """Return the body of a creation that also serves where the contact exists (*upsert*).

    `forceMerge` is never sent: it would delete the other contact of a conflict.

    Raises:
        ValueError: the patch removes lists, which this request cannot.
    """
    if patch.remove_lists:
        raise ValueError("a creation cannot take a contact off a list")
    return {"email": email, "updateEnabled": True, **patch_to_json(patch, attributes)}


def batch_to_json(
    items: Sequence[tuple[ContactRef, ContactPatch]], attributes: Mapping[str, Attribute]
) -> dict[str, Json]:
    """Return the body that updates many contacts in one request."""
    return {
        "contacts": [
            {**_identity_to(ref), **patch_to_json(patch, attributes)} for ref, patch in items
        ]
    }


def refs_to_json(refs: Sequence[ContactRef]) -> dict[str, Json]:
    """Return the body that names contacts of one kind, by address or by id.

    Raises:
        ValueError: both kinds are mixed, which Brevo does not take.
    """
    emails: list[Json] = [ref for ref in refs if isinstance(ref, str)]
    ids: list[Json] = [ref for ref in refs if isinstance(ref, int)]
    if emails and ids:
        raise ValueError("a list takes addresses or ids in one request, not both")
    return {"emails": emails} if emails else {"ids": ids}


def path_of(ref: AnyRef) -> tuple[str, dict[str, str]]:
    """Return the path segment, percent-encoded, and the query that address a contact.

    The kind is always told: a bare number could be an id or a phone.

    Raises:
        ValueError: the identifier is empty, or would mean another path.
    """
    match ref:
        case Phone():
            return _segment(phone_to(ref.number)), {"identifierType": _PHONE_KINDS[ref.attribute]}
        case ExtId():
            return _segment(ref.value), {"identifierType": "ext_id"}
        case int():
            return str(ref), {"identifierType": "contact_id"}
        case str():
            return _segment(ref), {"identifierType": "email_id"}
        case unknown:
            assert_never(unknown)


def time_to(moment: datetime) -> str:
    """Return a time as queries take it: UTC with milliseconds, cut off rather than rounded."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _segment(identifier: str) -> str:
    if identifier in ("", ".", ".."):
        raise ValueError(f"{identifier!r} cannot address a contact")
    return quote(identifier, safe="")


def _identity_to(ref: ContactRef) -> dict[str, Json]:
    return {"id": ref} if isinstance(ref, int) else {"email": ref}


# ---------------------------------------------------------------- attributes


def attribute_from(answer: object) -> Attribute:
    """Return an attribute's definition.

    Only the categories `normal` and `category` can be written by a sync; others have no type. Live
    answers leave the type of category attributes out.
    """
    found = shape.mapping(answer, "an attribute")
    name = shape.text(found.get("name"), "an attribute's name")
    match found.get("category"):
        case "category":
            return Attribute(
                name=name, type=AttributeType.CATEGORY, options=_enumeration_from(found)
            )
        case "normal":
            return _normal_from(name, found)
        case _:
            return Attribute(name=name, type=None)


def attributes_from(answer: object) -> dict[str, Attribute]:
    """Return every attribute of the account by its name."""
    found = shape.mapping(answer, "the attributes")
    if found.get("attributes") is None:
        shape.unexpected("attributes", None, "an array")
    every = map(attribute_from, shape.sequence(found["attributes"], "attributes"))
    return {attribute.name: attribute for attribute in every}


def attribute_to_json(kind: AttributeType, options: Sequence[str]) -> tuple[str, dict[str, Json]]:
    """Return the path's category and the body that create an attribute; options in their order."""
    match kind:
        case AttributeType.CATEGORY:
            numbered: list[Json] = [
                {"value": number, "label": label} for number, label in enumerate(options, start=1)
            ]
            return "category", {"enumeration": numbered}
        case AttributeType.MULTIPLE_CHOICE:
            return "normal", {"type": kind.value, "multiCategoryOptions": [*options]}
        case AttributeType.TEXT | AttributeType.FLOAT | AttributeType.DATE | AttributeType.BOOLEAN:
            return "normal", {"type": kind.value}
        case unknown:
            assert_never(unknown)


def _enumeration_from(found: Mapping[str, object]) -> dict[str, str]:
    options = {}
    for item in shape.sequence(found.get("enumeration"), "enumeration"):
        option = shape.mapping(item, "an option")
        stored = option.get("value")
        options[str(stored)] = shape.text(option.get("label"), "an option's label")
    return options


def _normal_from(name: str, found: Mapping[str, object]) -> Attribute:
    word = shape.optional_text(found.get("type"))
    if word not in [*AttributeType] or word == AttributeType.CATEGORY:
        return Attribute(name=name, type=None)
    listed = shape.sequence(found.get("multiCategoryOptions"), "multiCategoryOptions")
    options = [shape.text(item, "an option") for item in listed]
    return Attribute(
        name=name, type=AttributeType(word), options={option: option for option in options}
    )


# ---------------------------------------------------------------- lists, folders, account


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
    done = {item for item in shape.sequence(found.get("success"), "success") if item is not None}
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


# ---------------------------------------------------------------- refusals


def unknown_positions(message: str, size: int) -> tuple[int, ...]:
    """Return the positions that a batch's 404 names, counted from 0; none if it names none.

    Brevo does not say from where it counts. From 0 is taken for granted unless a position lies
    just past the end, which only counting from 1 explains; anything further off is not believed.
    """
    match = _INDEXES.search(message)
    positions = sorted({int(part) for part in match[1].split(",")}) if match else []
    if positions and positions[-1] == size and positions[0] > 0:
        positions = [position - 1 for position in positions]
    return tuple(positions) if positions and positions[-1] < size else ()


def says_nothing_to_do(status: int, message: str) -> bool:
    """Tell whether a refusal means that every contact is on, or off, the list already."""
    return status == 400 and bool(_UNTOUCHED.search(message))
