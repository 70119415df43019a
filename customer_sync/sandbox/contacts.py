"""The routes of single contacts: create, update, delete, show."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from customer_sync.sandbox import attributes, contact_rows, patches, reading
from customer_sync.sandbox.account import NO_CONTENT, Account, Answer, Call
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.errors import BrevoFault, invalid, missing, not_found
from customer_sync.sandbox.identifiers import (
    NAMED_BY,
    PHONES,
    Identifier,
    IdentifierType,
    normal_email,
    normal_phone,
    placeholder_email,
)
from customer_sync.sandbox.patches import Patch
from customer_sync.sandbox.timeline import moment, parse_date, timestamp
from customer_sync.sandbox.values import Definition, shown

# ---------------------------------------------------------------- POST /contacts


def create(call: Call) -> Answer:
    """Create a contact or, with `updateEnabled`, update the one that is there."""
    account, body = call.account, reading.json_object(call.body)
    patch = patches.read_patch(account, attributes.definitions(account), body)
    address = reading.text(body, "email")
    known_as = None if address is None else patches.email(address, account.settings)
    found_by, existing = _named_in(account, known_as, patch)
    patch = _with_email(patch, known_as, existing)
    may_touch = reading.flag(body, "updateEnabled") or reading.flag(body, "forceMerge")
    if existing is not None and not may_touch:
        taken = {found_by: existing, **patches.owners(account, 0, patch)}
        raise patches.conflict(account, "create", taken)
    return _write(account, existing, patch, body)


def _named_in(
    account: Account, known_as: str | None, patch: Patch
) -> tuple[Identifier, ContactRow | None]:
    """Return the contact that a body speaks of: by its address, else its ext_id, else a phone."""
    known = {Identifier.EMAIL: known_as} if known_as is not None else patch.identifiers
    sufficient = (
        tuple(Identifier)
        if account.settings.phone_identifiers_suffice
        else (Identifier.EMAIL, Identifier.EXT_ID, Identifier.SMS)
    )
    for identifier in sufficient:
        if (value := known.get(identifier)) is not None:
            return identifier, contact_rows.by_identifier(account, identifier, value)
    raise missing("Please provide Email or SMS attribute value to create user")


def _with_email(patch: Patch, known_as: str | None, existing: ContactRow | None) -> Patch:
    """Give a new contact its address: the attribute's, the field's, or one made of its phone."""
    if existing is not None or Identifier.EMAIL in patch.identifiers:
        return patch
    digits = patch.identifiers.get(Identifier.SMS)
    address = known_as or (placeholder_email(digits) if digits else None)
    if address is None:
        return patch
    return replace(patch, identifiers={**patch.identifiers, Identifier.EMAIL: address})


def _write(
    account: Account, existing: ContactRow | None, patch: Patch, body: Mapping[str, object]
) -> Answer:
    if existing is not None and not account.settings.upsert_keeps_absent_flags:
        patch = replace(
            patch,
            email_blocked=bool(patch.email_blocked),
            sms_blocked=bool(patch.sms_blocked),
        )
    taken = patches.owners(account, existing.id if existing else 0, patch)
    verb = "create" if existing is None or Identifier.EMAIL not in taken else "update"
    survivor = _settle(account, verb, existing, taken, body)
    saved = patches.apply(account, survivor, patch)
    if survivor is None or (taken and reading.flag(body, "getId")):
        return Answer(status=201, content={"id": saved.id})
    return NO_CONTENT


def _settle(
    account: Account,
    verb: str,
    target: ContactRow | None,
    taken: Mapping[Identifier, ContactRow | None],
    body: Mapping[str, object],
) -> ContactRow | None:
    """Return the contact to write to, after a merge where others own what the patch asks for.

    A merge keeps whichever was modified last and deletes the rest.

    Raises:
        BrevoFault: Others own it, and the body does not ask for a merge.
    """
    if not taken:
        return target
    others = {owner.id: owner for owner in taken.values() if owner is not None}
    if not reading.flag(body, "forceMerge") or not others:
        raise patches.conflict(account, verb, taken)
    candidates = [*others.values(), *([target] if target else [])]
    survivor = max(candidates, key=lambda each: (each.modified_at, each.id))
    for loser in candidates:
        if loser.id != survivor.id:
            contact_rows.delete(account, loser)
    return survivor


# ---------------------------------------------------------------- PUT, DELETE


def update(call: Call) -> Answer:
    """Change what the body names and leave everything else."""
    account, body = call.account, reading.json_object(call.body)
    target = _find(call, missing_status=account.settings.unknown_contact_write_status)
    patch = patches.read_patch(account, attributes.definitions(account), body)
    taken = patches.owners(account, target.id, patch)
    survivor = _settle(account, "update", target, taken, body)
    patches.apply(account, survivor, patch)
    return NO_CONTENT


def delete(call: Call) -> Answer:
    """Delete the contact, unless it bears the account's own address."""
    settings = call.account.settings
    target = _find(call, missing_status=settings.unknown_contact_write_status)
    if target.identifiers.get(Identifier.EMAIL) == settings.account_email:
        raise BrevoFault(
            405, "method_not_allowed", "You cannot delete the contact of your registered email"
        )
    contact_rows.delete(call.account, target)
    return NO_CONTENT


def _find(call: Call, *, missing_status: int = 404, takes_phone: bool = False) -> ContactRow:
    """Return the contact that the path names, of the type that the query says.

    Raises:
        BrevoFault: There is none, or the identifier is of no use.
    """
    spelled = call.names["identifier"]
    kind = reading.word(call.query.get("identifierType"), IdentifierType, "identifierType")
    kind = kind or _guess(spelled, takes_phone=takes_phone)
    found = _look_up(call.account, kind, spelled)
    if found is None and takes_phone and "identifierType" not in call.query:
        found = _look_up(call.account, IdentifierType.PHONE, spelled)
    if found is None:
        raise not_found("Contact does not exist", missing_status)
    return found


def _guess(spelled: str, *, takes_phone: bool) -> IdentifierType:
    """A bare identifier is an address or an id; when reading, a phone as well."""
    if "@" in spelled:
        return IdentifierType.EMAIL
    if reading.integer(spelled) is not None:
        return IdentifierType.CONTACT
    if takes_phone and normal_phone(spelled):
        return IdentifierType.PHONE
    raise invalid("Invalid contact identifier; other kinds need identifierType")


def _look_up(account: Account, kind: IdentifierType, spelled: str) -> ContactRow | None:
    identifier = NAMED_BY[kind]
    if identifier is None:
        return contact_rows.by_id(account, reading.path_number("contact id", spelled))
    if identifier is Identifier.EMAIL:
        value = normal_email(spelled, lower=account.settings.lower_cases_email)
    else:
        value = normal_phone(spelled) if identifier in PHONES else spelled
    return None if value is None else contact_rows.by_identifier(account, identifier, value)


# ---------------------------------------------------------------- GET


def show(call: Call) -> Answer:
    """Show one contact with its statistics: no campaigns, but the unsubscriptions of people."""
    begin, end = _window(call)
    found = _find(call, takes_phone=True)
    account = call.account
    lists = contact_rows.list_ids(account, found.id)
    content = as_json(account, attributes.definitions(account), found, lists)
    statistics = _statistics(account, found.id, begin, end)
    return Answer(status=200, content={**content, "statistics": statistics})


def show_statistics(call: Call) -> Answer:
    """Show the campaign statistics of one contact."""
    begin, end = _window(call)
    found = _find(call, takes_phone=True)
    return Answer(status=200, content=_statistics(call.account, found.id, begin, end))


def _statistics(account: Account, contact_id: int, begin: date, end: date) -> dict[str, object]:
    events = [
        {"campaignId": 1, "eventTime": timestamp(at, account.settings.timezone)}
        for at in contact_rows.unsubscribed_at(account, contact_id)
        if begin <= moment(at).date() <= end
    ]
    if not events:
        return {}
    return {"unsubscriptions": {"userUnsubscription": events, "adminUnsubscription": []}}


def _window(call: Call) -> tuple[date, date]:
    """Return the first and the last day that statistics are about: the last 90 unless told."""
    today = moment(call.account.now).date()
    spelled = [call.query.get(name) for name in ("startDate", "endDate")]
    if spelled == [None, None]:
        return today - timedelta(days=90), today
    days = [parse_date(each or "") for each in spelled]
    start, end = days
    if start is None or end is None:
        raise invalid("startDate and endDate should both be YYYY-MM-DD")
    if start > end or end > today:
        raise invalid("startDate and endDate should be in order and not in the future")
    return start, end


def as_json(
    account: Account,
    definitions: Mapping[str, Definition],
    contact: ContactRow,
    lists: list[int],
) -> dict[str, object]:
    """Return a contact as Brevo shows it."""
    settings = account.settings
    email = contact.identifiers.get(Identifier.EMAIL)
    shown_ext_id = settings.ext_id_at_top and Identifier.EXT_ID in contact.identifiers
    return {
        "id": contact.id,
        **({"email": email} if email is not None else {}),
        **({"ext_id": contact.identifiers[Identifier.EXT_ID]} if shown_ext_id else {}),
        "emailBlacklisted": contact.is_email_blocked,
        "smsBlacklisted": contact.is_sms_blocked,
        "whatsappBlacklisted": False,
        "createdAt": timestamp(contact.created_at, settings.timezone),
        "modifiedAt": timestamp(contact.modified_at, settings.timezone),
        "listIds": lists,
        "listUnsubscribed": contact_rows.left_list_ids(account, contact.id),
        "attributes": shown_attributes(account, definitions, contact),
    }


def shown_attributes(
    account: Account, definitions: Mapping[str, Definition], contact: ContactRow
) -> dict[str, object]:
    """Return the attributes that a contact shows; its address is none of them."""
    own = {
        name: shown(definitions[name], value, account.settings)
        for name, value in contact.attributes.items()
        if name in definitions
    }
    identifiers = {
        each.attribute: value
        for each, value in contact.identifiers.items()
        if each is not Identifier.EMAIL
    }
    return {**own, **identifiers}
