"""What a contact is known by: the kinds of identifiers and their normal forms."""

import re
from enum import StrEnum

import phonenumbers
from email_validator import EmailNotValidError, validate_email

PLACEHOLDER_DOMAIN = "mailin-sms.com"
"""A contact that was made from a phone alone gets an address of its digits at this domain."""

_SEPARATORS = re.compile(r"[\s().\-/]+")
_DIGITS = re.compile(r"\d{5,20}", re.ASCII)


class Identifier(StrEnum):
    """An identifier that a contact can have besides its id; the value is its column."""

    EMAIL = "email"
    EXT_ID = "ext_id"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    LANDLINE = "landline"

    @property
    def attribute(self) -> str:
        """The attribute that reads and writes it."""
        return "LANDLINE_NUMBER" if self is Identifier.LANDLINE else self.name

    @property
    def reported(self) -> str:
        """Its spelling in `metadata.duplicate_identifiers`."""
        is_lower = self in (Identifier.EMAIL, Identifier.EXT_ID)
        return self.value if is_lower else self.attribute


PHONES = (Identifier.SMS, Identifier.WHATSAPP, Identifier.LANDLINE)

BY_ATTRIBUTE = {identifier.attribute: identifier for identifier in Identifier}


class IdentifierType(StrEnum):
    """The word in `identifierType`."""

    EMAIL = "email_id"
    CONTACT = "contact_id"
    EXT_ID = "ext_id"
    PHONE = "phone_id"
    WHATSAPP = "whatsapp_id"
    LANDLINE = "landline_number_id"


NAMED_BY: dict[IdentifierType, Identifier | None] = {
    IdentifierType.EMAIL: Identifier.EMAIL,
    IdentifierType.CONTACT: None,
    IdentifierType.EXT_ID: Identifier.EXT_ID,
    IdentifierType.PHONE: Identifier.SMS,
    IdentifierType.WHATSAPP: Identifier.WHATSAPP,
    IdentifierType.LANDLINE: Identifier.LANDLINE,
}
"""The identifier that each type looks up; None: the contact's id."""


def normal_email(text: str, *, lower: bool) -> str | None:
    """Return the address as it is stored, None if it is none."""
    try:
        found = validate_email(
            text.strip(), check_deliverability=False, globally_deliverable=False
        ).normalized
    except EmailNotValidError:
        return None
    if "." not in found.rpartition("@")[2]:
        return None
    return found.lower() if lower else found


def normal_phone(text: str) -> str | None:
    """Return the digits of an international number, None if it is none.

    `91…`, `+91…` and `0091…` are the same number; the country code is always needed, so that a
    national number is refused or, where its digits happen to begin like one, misread.
    """
    digits = _SEPARATORS.sub("", text).removeprefix("+").removeprefix("00")
    if not _DIGITS.fullmatch(digits):
        return None
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    return digits if phonenumbers.is_possible_number(parsed) else None


def placeholder_email(digits: str) -> str:
    """Return the address that a contact without one is shown with."""
    return f"{digits}@{PLACEHOLDER_DOMAIN}"
