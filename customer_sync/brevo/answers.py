"""What Brevo's answers say, as values; contacts and attributes are the core's."""

from dataclasses import dataclass
from typing import TypeAlias

from customer_sync.core.model import Contact, ContactId, Email


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A contact known by its phone, in E.164."""

    number: str
    attribute: str = "SMS"
    """SMS, WHATSAPP or LANDLINE_NUMBER: each is a name of its own for a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtId:
    """A contact known by the id that the shop gave it."""

    value: str


ContactRef: TypeAlias = Email | ContactId
"""By what a contact is addressed in most requests; a text is an address, a number Brevo's id."""

AnyRef: TypeAlias = ContactRef | Phone | ExtId


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the key belongs to."""

    company: str
    email: str
    plans: tuple[str, ...]
    """Words like `free` or `subscription`; the rate limits do not follow from them."""
    time_zone: str
    date_format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactList:
    """A named group of contacts."""

    id: int
    name: str
    folder_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What lists are kept in; every list has one."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """A stretch of the account's contacts."""

    contacts: tuple[Contact, ...]
    count: int
    """How many contacts match in all, not only on this page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChange:
    """What became of contacts that were to join or leave a list."""

    changed: tuple[ContactRef, ...]
    unchanged: tuple[ContactRef, ...]
    """As they should be already, or unknown to Brevo, which does not say which of the two."""
