"""Between Brevo's JSON and the program's values: contacts, patches, attributes.

Brevo's spellings live here, in `values` (one value), `inventory` (lists, the account), `jobs`
(imports) and `refusals` (errors), and nowhere else.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import assert_never
from urllib.parse import quote

from customer_sync.brevo import shape
from customer_sync.brevo.answers import (
    AnyRef,
    ContactPage,
    ContactRef,
    ExtId,
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
"""Read as an attribute, written beside the attributes as `ext_id`, cleared as an attribute again:
an empty `ext_id` names nobody, so that it may well count as absent."""

_PHONE_ONLY = re.compile(r"[0-9]+@mailin-sms\.com")
"""The address that Brevo shows for a contact that has only a phone."""

_PHONE_KINDS = {
    "SMS": "phone_id",
    "WHATSAPP": "whatsapp_id",
    "LANDLINE_NUMBER": "landline_number_id",
}


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
        list_ids=_ids_from(found, "listIds"),
        unsubscribed_list_ids=_ids_from(found, "listUnsubscribed"),
        is_email_blocked=shape.flag(found.get("emailBlacklisted"), "emailBlacklisted"),
        is_sms_blocked=shape.flag(found.get("smsBlacklisted"), "smsBlacklisted"),
        modified_at=shape.moment(found.get("modifiedAt"), "modifiedAt"),
    )


def unsubscriptions_from(answer: object) -> tuple[datetime, ...]:
    """Return when the person behind a contact followed a link out of all mails.

    The list is as long as the window that was asked for; without any history it is empty.
    """
    found = shape.mapping(answer, "a contact")
    statistics = shape.mapping(found.get("statistics") or {}, "statistics")
    told = shape.mapping(statistics.get("unsubscriptions") or {}, "unsubscriptions")
    events = (
        shape.mapping(event, "an unsubscription")
        for event in shape.sequence(told.get("userUnsubscription"), "userUnsubscription")
    )
    times = (shape.moment(event.get("eventTime"), "eventTime") for event in events)
    return tuple(time for time in times if time is not None)


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
        if name != EXT_ID or value is None
    }
    if patch.rename_to is not None:
        values["EMAIL"] = patch.rename_to
    body: dict[str, Json] = {}
    if values:
        body["attributes"] = values
    if (ext_id := patch.attributes.get(EXT_ID)) is not None:
        body["ext_id"] = value_to(EXT_ID, ext_id, None)
    if patch.email_blocked is not None:
        body["emailBlacklisted"] = patch.email_blocked
    if patch.sms_blocked is not None:
        body["smsBlacklisted"] = patch.sms_blocked
    if patch.add_lists:
        body["listIds"] = [*sorted(patch.add_lists)]
    if patch.remove_lists:
        body["unlinkListIds"] = [*sorted(patch.remove_lists)]
    return body


def _ids_from(found: Mapping[str, object], key: str) -> frozenset[int]:
    return frozenset(shape.whole(item, key) for item in shape.sequence(found.get(key), key))


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
