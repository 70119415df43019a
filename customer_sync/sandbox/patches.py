"""What a request wants of one contact, read from its body and applied to the stored contact."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from customer_sync.sandbox import contact_rows, reading
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.errors import BrevoFault, duplicate, invalid, not_found
from customer_sync.sandbox.facts import Effect, Facts, Oddity, UnknownList
from customer_sync.sandbox.identifiers import (
    BY_ATTRIBUTE,
    PHONES,
    Identifier,
    normal_email,
    normal_phone,
)
from customer_sync.sandbox.values import Category, Definition, Nothing, Stored, judge

Definitions: TypeAlias = Mapping[str, Definition]

_Name = TypeVar("_Name", bound=str)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The wishes of one request for one contact; what is not mentioned stays as it is."""

    attributes: Mapping[str, Stored | None] = field(default_factory=dict)
    """None clears."""
    identifiers: Mapping[Identifier, str | None] = field(default_factory=dict)
    """In normal form; None takes the identifier away. EMAIL is a rename."""
    add_lists: tuple[int, ...] = ()
    remove_lists: tuple[int, ...] = ()
    email_blocked: bool | None = None
    sms_blocked: bool | None = None
    blocked_senders: tuple[str, ...] | None = None


# ---------------------------------------------------------------- reading


def read_patch(account: Account, definitions: Definitions, body: Mapping[str, object]) -> Patch:
    """Return the patch that a body of POST, PUT or batch describes.

    Raises:
        BrevoFault: A field has the wrong shape, or a value that is refused instead of dropped.
    """
    facts = account.settings
    sent = reading.mapping(body, "attributes")
    identifiers = _sent_identifiers(sent, facts)
    if (ext_id := reading.text(body, "ext_id")) is not None:
        identifiers[Identifier.EXT_ID] = ext_id
    return Patch(
        attributes=_sent_attributes(sent, definitions, facts),
        identifiers=identifiers,
        add_lists=known_lists(account, reading.numbers(body, "listIds")),
        remove_lists=known_lists(account, reading.numbers(body, "unlinkListIds")),
        email_blocked=reading.flag(body, "emailBlacklisted"),
        sms_blocked=reading.flag(body, "smsBlacklisted"),
        blocked_senders=_senders(body, facts),
    )


def _sent_identifiers(sent: Mapping[str, object], facts: Facts) -> dict[Identifier, str | None]:
    found: dict[Identifier, str | None] = {}
    for name, identifier in BY_ATTRIBUTE.items():
        if name not in sent:
            continue
        value = sent[name]
        is_empty = value == "" or (value is None and facts.null_value is Effect.CLEAR)
        if is_empty and identifier is not Identifier.EMAIL:
            found[identifier] = None
        elif isinstance(value, int) and not isinstance(value, bool):
            found[identifier] = normal_identifier(identifier, str(value), facts)
        elif isinstance(value, str) and value:
            found[identifier] = normal_identifier(identifier, value, facts)
    return found


def normal_identifier(identifier: Identifier, value: str, facts: Facts) -> str:
    """Return *value* as it is stored.

    Raises:
        BrevoFault: It is no address or no international number.
    """
    if identifier is Identifier.EMAIL:
        return email(value, facts)
    if identifier is Identifier.EXT_ID:
        return value.strip()
    digits = normal_phone(value)
    if digits is None:
        raise BrevoFault(400, facts.invalid_phone_code, "Invalid phone number")
    return digits


def email(value: str, facts: Facts) -> str:
    """Return an address in normal form, or refuse it."""
    address = normal_email(value, lower=facts.lower_cases_email)
    if address is None:
        raise invalid(facts.invalid_email_message)
    return address


def _sent_attributes(
    sent: Mapping[str, object], definitions: Definitions, facts: Facts
) -> dict[str, Stored | None]:
    found: dict[str, Stored | None] = {}
    for name, value in sent.items():
        if name in BY_ATTRIBUTE:
            continue
        definition = definitions.get(name)
        if definition is None:
            if facts.unknown_attribute is Oddity.REJECT:
                raise invalid(f"Attribute {name} does not exist")
            continue
        if definition.category is Category.TRANSACTIONAL:
            raise invalid("Transactional attribute as primary Key is missing")
        if definition.category in (Category.CALCULATED, Category.GLOBAL):
            continue
        outcome = judge(definition, value, facts)
        if outcome is not Nothing.DROPPED:
            found[name] = None if isinstance(outcome, Nothing) else outcome
    return found


def _senders(body: Mapping[str, object], facts: Facts) -> tuple[str, ...] | None:
    senders = reading.texts(body, "smtpBlacklistSender")
    return None if senders is None else tuple(email(sender, facts) for sender in senders)


def known_lists(account: Account, ids: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return those of *ids* that exist.

    Raises:
        BrevoFault: One does not, and the switch says that this is refused.
    """
    if not ids:
        return ()
    query = "SELECT id FROM lists WHERE id IN (SELECT value FROM json_each(?))"
    known = {row[0] for row in account.db.execute(query, (json.dumps(ids),))}
    if len(known) < len(ids) and account.settings.unknown_list_write is UnknownList.REJECT:
        raise not_found("List ID does not exist", account.settings.unknown_list_write_status)
    return tuple(list_id for list_id in ids if list_id in known)


# ---------------------------------------------------------------- applying


def owners(account: Account, contact_id: int, patch: Patch) -> dict[Identifier, ContactRow | None]:
    """Return who else owns identifiers that the patch asks for.

    None stands for a contact that was deleted but still holds its number.
    """
    found: dict[Identifier, ContactRow | None] = {}
    for identifier, value in patch.identifiers.items():
        if value is None:
            continue
        owner = contact_rows.by_identifier(account, identifier, value)
        if owner is not None and owner.id != contact_id:
            found[identifier] = owner
        elif (
            owner is None
            and identifier in PHONES
            and contact_rows.is_held(account, identifier, value)
        ):
            found[identifier] = None
    return found


def conflict(account: Account, verb: str, taken: Mapping[Identifier, object]) -> BrevoFault:
    """Return the answer to a patch that asks for identifiers of others."""
    code = "duplicate_parameter" if verb == "create" else account.settings.update_conflict_code
    return duplicate(verb, [each.reported for each in Identifier if each in taken], code=code)


def apply(
    account: Account, before: ContactRow | None, patch: Patch, *, cause: str | None = None
) -> ContactRow:
    """Store the contact as the patch wants it; the identifiers were found to be free.

    *cause* names what lifts a block where it is not the request's own flag or rename.
    """
    base = before or ContactRow(created_at=account.now, modified_at=account.now)
    is_renamed = before is not None and _is_renamed(before, patch)
    after = replace(
        base,
        identifiers=_merged(base.identifiers, patch.identifiers),
        attributes=_merged(base.attributes, patch.attributes),
        is_email_blocked=_email_blocked(base, patch, account.settings, is_renamed=is_renamed),
        is_sms_blocked=base.is_sms_blocked if patch.sms_blocked is None else patch.sms_blocked,
        blocked_senders=base.blocked_senders
        if patch.blocked_senders is None
        else patch.blocked_senders,
        modified_at=account.now,
    )
    own_cause = "rename" if is_renamed and patch.email_blocked is not False else "flag"
    saved = contact_rows.save(account, before, after, cause=cause or own_cause)
    contact_rows.add_to_lists(account, saved, patch.add_lists)
    contact_rows.remove_from_lists(account, saved, patch.remove_lists)
    return saved


def _is_renamed(contact: ContactRow, patch: Patch) -> bool:
    address = patch.identifiers.get(Identifier.EMAIL)
    return address is not None and address != contact.identifiers.get(Identifier.EMAIL)


def _email_blocked(base: ContactRow, patch: Patch, facts: Facts, *, is_renamed: bool) -> bool:
    """A rename lifts the block, unless the same call sets it and the flag wins."""
    if is_renamed and (patch.email_blocked is None or not facts.rename_flag_wins):
        return False
    return base.is_email_blocked if patch.email_blocked is None else patch.email_blocked


def _merged(
    base: Mapping[_Name, _Value], changes: Mapping[_Name, _Value | None]
) -> dict[_Name, _Value]:
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not None}
