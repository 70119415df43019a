"""The values that travel between the stages; nothing here does anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, NewType, TypeAlias, TypeVar

from msgspec import Struct

from customer_sync.trouble import Code

Email = NewType("Email", str)
"""An address as contacts are compared by: trimmed, lower case, checked for form."""

ContactId = NewType("ContactId", int)
"""Brevo's own number of a contact."""

Value: TypeAlias = str | float | bool | tuple[str, ...] | None
"""What an attribute holds. Dates are `YYYY-MM-DD`, phones E.164 with `+`, None is *empty*."""

T_co = TypeVar("T_co", covariant=True)


# What a run makes for each record, customer or contact is a struct: made, compared and decoded in a
# fraction of the time that frozen dataclasses take. None can lead back to itself, so that nobody
# has to look for circles.


# ---------------------------------------------------------------- input


class SourceName(StrEnum):
    """Which platform's records are read."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    MAGENTO = "magento"
    CUSTOM = "custom"


class Place(Struct, frozen=True, kw_only=True, order=True, gc=False):
    """Where a record stood: the file as the user named it (`-` for standard input) and its line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Record(Struct, frozen=True, kw_only=True, gc=False):
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

    @property
    def trouble(self) -> Code:
        """The code under which it is explained."""
        return Code.RECORD_EMAIL if self.rule == "email" else Code.RECORD


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
    LISTED = "customer_listed"
    """Nothing: an export says that the customer exists, and how it looks."""


class Event(Struct, frozen=True, kw_only=True, gc=False):
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
    warnings: "tuple[FieldWarning, ...]" = ()
    """What a platform's reader had to leave out."""


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
    aliases: tuple[str, ...] = ()
    """Further names (in camelCase) that custom sources have for the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute as the account defines it."""

    name: str
    type: AttributeType | None
    """None for types that a sync cannot write (`id`, `user`, calculated ones)."""
    options: Mapping[str, str] = field(default_factory=dict)
    """For a category: stored value to label. For multiple-choice: option to itself."""


class FieldWarning(Struct, frozen=True, kw_only=True, gc=False):
    """A field that could not be used while the rest of its customer is."""

    place: Place
    field: str
    detail: str


class Statement(Struct, frozen=True, kw_only=True, gc=False):
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


class Dated(Struct, Generic[T_co], frozen=True, kw_only=True, gc=False):
    """A value and when the shop said so."""

    value: T_co
    at: datetime


class Customer(Struct, frozen=True, kw_only=True, gc=False):
    """All that the shop says about one contact's person, folded: *desired*."""

    email: Email
    email_at: datetime
    """When the shop said that this is the address."""
    ids: frozenset[str] = frozenset()
    """The shop's ids that have this address; more than one where customers share it."""
    former_emails: tuple[Email, ...] = ()
    """Addresses that the person had before, the likeliest name of the contact first."""
    shared_emails: tuple[Email, ...] = ()
    """Addresses that the person had before and others still have: the contact there stays theirs,
    but its no goes along, as nobody can tell whose it was."""
    moved_in_at: datetime | None = None
    """When the person was heard of at this address after having had another: whoever was deleted
    at this address before was somebody else."""
    vacated_at: datetime | None = None
    """When all who had the address before were deleted: what was confirmed until then is theirs."""
    attributes: Mapping[str, Dated[Value]] = {}
    email_consent: Dated[bool] | None = None
    sms_consent: Dated[bool] | None = None
    created_at: datetime | None = None
    """The newest creation that the shop reported after the last deletion, if it reported one."""
    revived_at: datetime | None = None
    """The first such creation: what was said before it is void where there was a deletion."""
    deleted_at: datetime | None = None
    """When the shop last deleted the customer, whether or not it came back."""
    is_deleted: bool = False
    is_left: bool = False
    """Nobody was deleted: the person lives at another address, and has another contact there."""
    is_elsewhere: bool = False
    """Deleted while at another address; a contact may have stayed behind at this one."""
    is_only_created: bool = False
    """Nothing but creations were heard of: what `update_enabled: false` is about."""
    last_at: datetime
    """The time of the newest statement."""
    statements: int = 1
    """How many records went into this."""


class Contact(Struct, frozen=True, kw_only=True, gc=False):
    """A contact as Brevo holds it: *observed*."""

    id: ContactId
    email: Email | None
    attributes: Mapping[str, Value]
    """Without EMAIL; empty attributes are absent."""
    list_ids: frozenset[int] = frozenset()
    unsubscribed_list_ids: frozenset[int] = frozenset()
    """Lists that the person left by a link in a mail; never to be joined again by a sync."""
    is_email_blocked: bool = False
    is_sms_blocked: bool = False
    modified_at: datetime | None = None


class Confirmed(Struct, frozen=True, kw_only=True, gc=False):
    """What was last written with success for one contact, and when the shop had said it."""

    email: Email
    contact_id: ContactId | None = None
    attributes: Mapping[str, Dated[Value]] = {}
    email_consent: Dated[bool] | None = None
    sms_consent: Dated[bool] | None = None
    email_blocked_at: datetime | None = None
    """The time of the statement for which this tool set the block; None: it did not."""
    sms_blocked_at: datetime | None = None
    is_listed: bool = False
    """This tool put the contact on the list, or found it there."""
    listed_on: int | None = None
    """Which list that was; None, in what older versions wrote: the one that is configured."""
    was_blocked_at_deletion: bool = False
    """The contact may not be mailed should the person ever come back."""
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    is_deleted: bool = False
    last_at: datetime
    refused: Mapping[str, Value] = {}
    """Values that Brevo would not take, such as a phone that another contact owns."""


# ---------------------------------------------------------------- the plan


class DeleteBehavior(StrEnum):
    """What a deletion at the shop means at Brevo."""

    SOFT = "soft"
    HARD = "hard"


class Why(StrEnum):
    """Why one field of a contact is written."""

    NEW = "new"
    CHANGED = "changed in the shop"
    DIFFERS = "differs from the shop"
    DRIFT = "edited in Brevo"
    CONSENT = "consent"
    DELETED = "deleted in the shop"
    RENAMED = "address changed"
    UNDONE = "undone"


class FieldChange(Struct, frozen=True, kw_only=True, gc=False):
    """One line of the preview."""

    name: str
    old: Value
    new: Value
    why: Why


class Reason(StrEnum):
    """Why a customer is left alone although something was said about it."""

    STALE = "older than what is already confirmed"
    UNKNOWN_CUSTOMER = "unknown customer: no address, and no contact known by its id"
    DELETED = "updated after its deletion, without a new creation"
    UPDATES_DISABLED = "the contact exists and update_enabled is false"
    SHARED_ADDRESS = "another customer still has the address"
    SWAPPED_ADDRESSES = "customers swapped their addresses; change one by hand in Brevo first"
    MOVED = "the contact changed in Brevo after the plan was made"
    ERASED = "erased at the person's own request; `suppressions lift` lets the person come back"
    OVERTAKEN = "newer news of the customer wait to be written; the next run takes them along"
    CHANGED_SINCE = "changed since that run, and left as it is"
    GONE_SINCE = "the contact is gone since that run, or another one has its address"
    NOT_ITS_OWN = "the contact may have been there before that run"
    ONLY_BLOCKED = "that run set a block and nothing else, and it stays"


class Note(StrEnum):
    """What the operator should hear about a contact although nothing is wrong."""

    UNSUBSCRIBED_IN_BREVO = "unsubscribed in Brevo; the shop's yes changes nothing"
    SMS_UNSUBSCRIBED_IN_BREVO = "SMS blocked in Brevo; the shop's yes changes nothing"
    LEFT_LIST = "left the list by unsubscribing from it; not put back"
    SHARED_ADDRESS = "several customers share this address; the later event wins"
    DRIFT_OVERWRITTEN = "edited in Brevo since; the shop's value was written"
    DRIFT_KEPT = "edited in Brevo since; Brevo's value was kept"
    REFUSED_BEFORE = "Brevo refused a value before, and it is still the same"
    COMES_BACK_BLOCKED = "was blocked when it was deleted, and comes back blocked"
    SMS_COMES_BACK_BLOCKED = "was blocked for SMS when it was deleted, and comes back so"
    RESUBSCRIBED = "newer consent at the shop lifts the block that this tool had set"
    MERGED_INTO_EXISTING = "the new address has a contact already; the old contact is retired"
    NO_WENT_ALONG = "blocked under the old address, and so under the new one"
    ADDRESS_SAID_NO = "the new address was blocked before, and stays so whoever has it"
    PARTLY_UNDONE = "not all of it comes back; the summary says what stays, and why"
    MADE_ANEW = "made anew: its number, history, opt-in date and the lists it had left are lost"
    BLOCK_STAYS = "stays blocked"
    DELETION_UNBLOCKED = "the block of a deletion is lifted; the person never said no"


class ContactPatch(Struct, frozen=True, kw_only=True, gc=False):
    """What is written to one contact; whatever it does not name stays as it is."""

    attributes: Mapping[str, Value] = {}
    """None clears."""
    rename_to: Email | None = None
    add_lists: frozenset[int] = frozenset()
    remove_lists: frozenset[int] = frozenset()
    email_blocked: bool | None = None
    """None leaves the flag alone; False lifts a block and is rare on purpose."""
    sms_blocked: bool | None = None


class Create(Struct, frozen=True, kw_only=True, gc=False):
    """A contact that Brevo does not have yet."""

    customer: Customer
    patch: ContactPatch
    fields: tuple[FieldChange, ...]
    notes: tuple[Note, ...] = ()


class Update(Struct, frozen=True, kw_only=True, gc=False):
    """A contact that differs from its customer; `patch` holds only what differs."""

    customer: Customer
    before: Contact
    patch: ContactPatch
    fields: tuple[FieldChange, ...]
    notes: tuple[Note, ...] = ()


class Delete(Struct, frozen=True, kw_only=True, gc=False):
    """A contact whose customer is gone."""

    customer: Customer
    before: Contact
    patch: ContactPatch | None
    """What a soft deletion writes; None removes the contact for good."""
    fields: tuple[FieldChange, ...]
    notes: tuple[Note, ...] = ()


class Keep(Struct, frozen=True, kw_only=True, gc=False):
    """A contact that is as it should be; `before` is None where there rightly is no contact."""

    customer: Customer
    before: Contact | None
    notes: tuple[Note, ...] = ()


class Skip(Struct, frozen=True, kw_only=True, gc=False):
    """A customer that is left alone, because."""

    email: Email | None
    ids: frozenset[str]
    reason: Reason
    statements: int = 1
    deleted_at: datetime | None = None
    """When the shop deleted the customers with *ids*, whose address lives on with another."""


Change: TypeAlias = Create | Update | Delete | Keep | Skip
Write: TypeAlias = Create | Update | Delete


# ---------------------------------------------------------------- outcomes


class Applied(Struct, frozen=True, kw_only=True, gc=False):
    """Brevo has it."""

    change: Write
    contact_id: ContactId | None = None
    """The contact that was written; None for one that was to be deleted and was gone already."""
    refused: Mapping[str, Value] = {}
    """Values of the change that Brevo would not take; the rest was written."""


class Deferred(Struct, frozen=True, kw_only=True, gc=False):
    """Not yet: the retry queue has it."""

    change: Write
    error: str
    trouble: Code
    was_attempted: bool = True


class Failed(Struct, frozen=True, kw_only=True, gc=False):
    """Brevo will not take it as it is; the retry queue has it too, but it needs a person."""

    change: Write
    trouble: Code
    code: str
    """Brevo's word."""
    detail: str


Outcome: TypeAlias = Applied | Deferred | Failed


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
