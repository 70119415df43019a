"""The values that travel between the stages; nothing here does anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, NewType, TypeAlias, TypeVar

Email = NewType("Email", str)
"""An address as contacts are compared by: trimmed, lower case, checked for form."""

ContactId = NewType("ContactId", int)
"""Brevo's own number of a contact."""

Value: TypeAlias = str | float | bool | tuple[str, ...] | None
"""What an attribute holds. Dates are `YYYY-MM-DD`, phones E.164 with `+`, None is *empty*."""

T_co = TypeVar("T_co", covariant=True)


# ---------------------------------------------------------------- input


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a record stood: the file as the user named it (`-` for standard input) and its line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One raw line, row or array item, decoded but not yet believed."""

    place: Place
    content: object
    """The decoded JSON value: a mapping where all is well, but anything may stand in a file."""
    written_at: datetime
    """When the source was last written (UTC): the time of a record that tells none itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One broken rule within a record."""

    pointer: str
    """JSON Pointer (RFC 6901) into the record; empty for the record as a whole."""
    rule: str
    detail: str
    """One sentence that a newcomer can act on, without personal data where it can be avoided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that cannot be used, with every reason, kept so that it can be mended."""

    place: Place
    problems: tuple[Problem, ...]
    content: object
    """The record as decoded, or its text where it could not be decoded."""


class Trigger(StrEnum):
    """What happened at the shop."""

    CREATED = "customer_created"
    UPDATED = "customer_updated"
    DELETED = "customer_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A record that was validated: what the shop says about one customer at one time."""

    trigger: Trigger
    occurred_at: datetime
    """Always aware, always UTC."""
    place: Place
    customer_id: str | None
    email: Email | None
    """The customer's address after this event."""
    previous_email: Email | None
    """The address before, where the event tells (`changes.email.old`)."""
    fields: Mapping[str, object]
    """Every field that the event mentions, in camelCase; None where the shop says *empty*."""


# ---------------------------------------------------------------- mapping


class AttributeType(StrEnum):
    """Brevo's attribute types, as far as a contact's own fields can have them."""

    TEXT = "text"
    FLOAT = "float"
    DATE = "date"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    MULTIPLE_CHOICE = "multiple-choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transform of a mapping, by its name, with its argument if it takes one."""

    name: str
    argument: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One line of `field_mapping`: which field becomes which attribute, and how."""

    field: str
    """In camelCase; `email` is the address itself and has the attribute `EMAIL`."""
    attribute: str
    type: AttributeType | None = None
    """None: whatever type the account gives the attribute."""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute as the account defines it."""

    name: str
    type: AttributeType | None
    """None for types that a sync cannot write (`id`, `user`, calculated ones)."""
    options: Mapping[str, str] = field(default_factory=dict)
    """For a category: stored value to label. For multiple-choice: option to itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldWarning:
    """A field that could not be used while the rest of its customer is."""

    place: Place
    field: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An event in Brevo's terms: what one record says about one customer."""

    trigger: Trigger
    occurred_at: datetime
    place: Place
    customer_id: str | None
    email: Email | None
    previous_email: Email | None
    attributes: Mapping[str, Value]
    email_consent: bool | None = None
    """None: the shop says nothing, which is neither yes nor no."""
    sms_consent: bool | None = None
    consent_at: datetime | None = None
    """When the customer decided, where the shop tells; else the event's time counts."""
    warnings: tuple[FieldWarning, ...] = ()


# ---------------------------------------------------------------- desired, observed, confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated(Generic[T_co]):
    """A value and when the shop said so."""

    value: T_co
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact as Brevo holds it: *observed*."""

    id: ContactId
    email: Email | None
    attributes: Mapping[str, Value]
    """Without EMAIL; empty attributes are absent."""
    list_ids: frozenset[int] = frozenset()
    is_email_blocked: bool = False
    is_sms_blocked: bool = False
    modified_at: datetime | None = None


# ---------------------------------------------------------------- the plan


class DeleteBehavior(StrEnum):
    """What a deletion at the shop means at Brevo."""

    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPatch:
    """What is written to one contact; whatever it does not name stays as it is."""

    attributes: Mapping[str, Value] = field(default_factory=dict)
    """None clears."""
    rename_to: Email | None = None
    add_lists: frozenset[int] = frozenset()
    remove_lists: frozenset[int] = frozenset()
    email_blocked: bool | None = None
    """None leaves the flag alone; False lifts a block and is rare on purpose."""
    sms_blocked: bool | None = None


# ---------------------------------------------------------------- what the operator decides


class OnDrift(StrEnum):
    """Who wins when a contact was edited in Brevo while the shop said nothing new."""

    SOURCE = "source"
    BREVO = "brevo"


class Resubscribe(StrEnum):
    """Whether newer, explicit consent at the shop may lift a block that this tool set."""

    NEVER = "never"
    NEWER = "newer"


class RatePlan(StrEnum):
    """Which of Brevo's rate limits hold for the account."""

    GENERAL = "general"
    ADVANCED = "advanced"
    EXTENDED = "extended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A number or a share; exactly one of the two is given."""

    count: int | None = None
    share: float | None = None
    """Between 0 and 1."""

    def allows(self, number: int, *, of: int) -> bool:
        """Tell whether *number* out of *of* stays within the limit."""
        if self.count is not None:
            return number <= self.count
        return number <= (self.share or 0.0) * of

    def __str__(self) -> str:
        return str(self.count) if self.count is not None else f"{(self.share or 0.0) * 100:g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's decisions that the difference is computed by."""

    list_id: int | None = None
    delete_behavior: DeleteBehavior = DeleteBehavior.SOFT
    deleted_attribute: str | None = None
    """A boolean attribute that a soft deletion sets."""
    update_enabled: bool = True
    """May a customer_created update a contact that exists already?"""
    on_drift: OnDrift = OnDrift.SOURCE
    resubscribe: Resubscribe = Resubscribe.NEVER
