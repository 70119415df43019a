"""Values for tests, with defaults for everything that a test does not speak about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from customer_sync.core.model import (
    Confirmed,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Customer,
    Dated,
    Delete,
    Email,
    FieldChange,
    Place,
    Statement,
    Trigger,
    Update,
    Value,
    Why,
    Write,
)
from customer_sync.core.undoing.past import Identity, Known, Tried

T = TypeVar("T")

JANE = Email("jane@example.com")
MARY = Email("mary@example.com")
NEW_JANE = Email("jane.new@example.com")

_START = datetime(2024, 1, 15, tzinfo=UTC)


def at(minute: float) -> datetime:
    """Return an instant, so many minutes after the tests' beginning of time."""
    return _START + timedelta(minutes=minute)


def said(value: T, minute: float) -> Dated[T]:
    """Return *value* as said at *minute*."""
    return Dated(value=value, at=at(minute))


def statement(
    trigger: Trigger = Trigger.UPDATED,
    minute: float = 1,
    *,
    customer_id: str | None = "c1",
    email: str | None = JANE,
    previous_email: str | None = None,
    attributes: Mapping[str, Value] | None = None,
    email_consent: bool | None = None,
    sms_consent: bool | None = None,
    consent_minute: float | None = None,
) -> Statement:
    """Return what one record says about one customer."""
    return Statement(
        trigger=trigger,
        occurred_at=at(minute),
        place=Place(file="events.jsonl", line=1),
        customer_id=customer_id,
        email=None if email is None else Email(email),
        previous_email=None if previous_email is None else Email(previous_email),
        attributes=attributes or {},
        email_consent=email_consent,
        sms_consent=sms_consent,
        consent_at=None if consent_minute is None else at(consent_minute),
    )


def customer(
    email: str = JANE,
    minute: float = 1,
    *,
    ids: Iterable[str] = ("c1",),
    former: Iterable[str] = (),
    attributes: Mapping[str, Value] | None = None,
    dated: Mapping[str, Dated[Value]] | None = None,
    email_consent: Dated[bool] | None = None,
    sms_consent: Dated[bool] | None = None,
    created: float | None = None,
    revived: float | None = None,
    deleted: float | None = None,
    is_deleted: bool = False,
    is_only_created: bool = False,
    statements: int = 1,
) -> Customer:
    """Return a customer; *attributes* were said at *minute*, *dated* tell their times."""
    return Customer(
        email=Email(email),
        email_at=at(minute),
        ids=frozenset(ids),
        former_emails=tuple(Email(e) for e in former),
        attributes={n: said(v, minute) for n, v in (attributes or {}).items()} | dict(dated or {}),
        email_consent=email_consent,
        sms_consent=sms_consent,
        created_at=None if created is None else at(created),
        revived_at=None if created is None else at(created if revived is None else revived),
        deleted_at=at(minute if deleted is None else deleted)
        if is_deleted or deleted is not None
        else None,
        is_deleted=is_deleted,
        is_only_created=is_only_created,
        last_at=at(minute),
        statements=statements,
    )


def contact(
    email: str | None = JANE,
    *,
    number: int = 7,
    attributes: Mapping[str, Value] | None = None,
    lists: Iterable[int] = (),
    left_lists: Iterable[int] = (),
    email_blocked: bool = False,
    sms_blocked: bool = False,
) -> Contact:
    """Return a contact as Brevo holds it."""
    return Contact(
        id=ContactId(number),
        email=None if email is None else Email(email),
        attributes=attributes or {},
        list_ids=frozenset(lists),
        unsubscribed_list_ids=frozenset(left_lists),
        is_email_blocked=email_blocked,
        is_sms_blocked=sms_blocked,
    )


def confirmed(
    email: str = JANE,
    minute: float = 1,
    *,
    number: int | None = 7,
    attributes: Mapping[str, Value] | None = None,
    email_consent: Dated[bool] | None = None,
    sms_consent: Dated[bool] | None = None,
    email_blocked: float | None = None,
    sms_blocked: float | None = None,
    is_listed: bool = False,
    listed_on: int | None = None,
    was_blocked_at_deletion: bool = False,
    created: float | None = None,
    deleted: float | None = None,
    is_deleted: bool = False,
    refused: Mapping[str, Value] | None = None,
) -> Confirmed:
    """Return what was last written with success; *attributes* were said at *minute*."""
    return Confirmed(
        email=Email(email),
        contact_id=None if number is None else ContactId(number),
        attributes={n: said(v, minute) for n, v in (attributes or {}).items()},
        email_consent=email_consent,
        sms_consent=sms_consent,
        email_blocked_at=None if email_blocked is None else at(email_blocked),
        sms_blocked_at=None if sms_blocked is None else at(sms_blocked),
        is_listed=is_listed,
        listed_on=listed_on,
        was_blocked_at_deletion=was_blocked_at_deletion,
        created_at=None if created is None else at(created),
        deleted_at=at(minute if deleted is None else deleted)
        if is_deleted or deleted is not None
        else None,
        is_deleted=is_deleted,
        last_at=at(minute),
        refused=refused or {},
    )


def create(email: str = JANE, *, patch: ContactPatch | None = None) -> Create:
    """Return the creation of a contact with nothing but an address."""
    return Create(customer=customer(email), patch=patch or ContactPatch(), fields=())


def update(
    email: str = JANE,
    *,
    number: int = 7,
    patch: ContactPatch | None = None,
    before: Contact | None = None,
    who: Customer | None = None,
) -> Update:
    """Return an update of one field."""
    return Update(
        customer=who or customer(email),
        before=before or contact(email, number=number),
        patch=patch or ContactPatch(attributes={"FIRSTNAME": "Jane"}),
        fields=(FieldChange(name="FIRSTNAME", old=None, new="Jane", why=Why.NEW),),
    )


def rename(old: str, new: str, *, number: int = 7, email_blocked: bool = False) -> Update:
    """Return the move of a contact to another address."""
    return update(
        new,
        before=contact(old, number=number, email_blocked=email_blocked),
        patch=ContactPatch(rename_to=Email(new), email_blocked=True if email_blocked else None),
    )


def soft_delete(email: str = JANE, *, number: int = 7) -> Delete:
    """Return a deletion that blocks."""
    return Delete(
        customer=customer(email, is_deleted=True),
        before=contact(email, number=number),
        patch=ContactPatch(email_blocked=True),
        fields=(),
    )


def hard_delete(email: str = JANE, *, number: int = 7) -> Delete:
    """Return a deletion for good."""
    return Delete(
        customer=customer(email, is_deleted=True),
        before=contact(email, number=number),
        patch=None,
        fields=(),
    )


def tried(
    change: Write,
    *,
    outcome: str | None = "applied",
    number: int | None = 7,
    known: Iterable[Confirmed] = (),
    identities: Iterable[Identity] = (),
    touched: float | None = 5,
    is_superseded: bool = False,
) -> Tried:
    """Return a change as the journal tells it; *touched* is the minute of our last write."""
    return Tried(
        change=change,
        route="PUT /contacts/{identifier}",
        intended_at=at(4),
        outcome=outcome,
        finished_at=None if outcome is None else at(5),
        contact_id=None if number is None else ContactId(number),
        known=Known(confirmed=tuple(known), identities=tuple(identities)),
        touched_at=None if touched is None else at(touched),
        is_superseded=is_superseded,
    )
