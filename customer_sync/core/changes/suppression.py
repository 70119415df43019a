"""Whom the suppression ledger speaks about: who was blocked once, and who was erased."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from customer_sync.core.model import (
    Confirmed,
    Contact,
    Create,
    Customer,
    Delete,
    Email,
    Note,
    Update,
)


class Suppression(Struct, frozen=True, kw_only=True, gc=False):
    """What the ledger remembers of one address; the address itself it does not know."""

    is_mail_blocked: bool = False
    is_sms_blocked: bool = False
    is_new_home_blocked: bool = False
    """Whether the address that the person has now was blocked for mail, whoever had it then."""
    left_lists: frozenset[int] = frozenset()
    """Lists that somebody left at this address by a link in a mail."""
    erased_at: datetime | None = None
    """When the person made use of the right to be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """The ledger's answer about the addresses and ids that it was asked for."""

    mail: frozenset[Email] = frozenset()
    """Addresses that were blocked for mail at some time, and must not come back mailable."""
    sms: frozenset[Email] = frozenset()
    left: Mapping[Email, frozenset[int]] = field(default_factory=dict)
    """The lists that were left at an address by a link in a mail, and must not be joined again."""
    erased: frozenset[Email] = frozenset()
    erased_ids: frozenset[str] = frozenset()

    def is_erased(self, customer: Customer) -> bool:
        """Tell whether a customer was erased, by the address, a former one, or any of the ids."""
        if not (self.erased or self.erased_ids):
            return False
        names = (customer.email, *customer.former_emails)
        return not (self.erased.isdisjoint(names) and self.erased_ids.isdisjoint(customer.ids))


NOBODY = Suppressed()


def remembered(
    email: Email,
    former: Collection[Email],
    known: Mapping[Email, Confirmed],
    suppressed: Suppressed,
    standing: Collection[Contact] = (),
) -> Suppression:
    """Return what the ledger says about a person who is to get a contact at *email*.

    A block at a *former* address counts unless it is known to be our own, which may have been set
    to take a contact out of use, or a contact that is still *standing* there has none any more.
    """
    our_mail = {e for e in former if e in known and known[e].email_blocked_at is not None}
    our_sms = {e for e in former if e in known and known[e].sms_blocked_at is not None}
    open_mail = {contact.email for contact in standing if not contact.is_email_blocked}
    open_sms = {contact.email for contact in standing if not contact.is_sms_blocked}
    return Suppression(
        is_mail_blocked=not suppressed.mail.isdisjoint({email, *former} - our_mail - open_mail),
        is_sms_blocked=not suppressed.sms.isdisjoint({email, *former} - our_sms - open_sms),
        is_new_home_blocked=email in suppressed.mail,
        left_lists=frozenset(
            one for name in (email, *former) for one in suppressed.left.get(name, ())
        ),
    )


def remembered_alone(email: Email, suppressed: Suppressed) -> Suppression:
    """Return what the ledger says about a person who never had another address than *email*."""
    is_mail_blocked = email in suppressed.mail
    return Suppression(
        is_mail_blocked=is_mail_blocked,
        is_sms_blocked=email in suppressed.sms,
        is_new_home_blocked=is_mail_blocked,
        left_lists=suppressed.left.get(email, frozenset()),
    )


# ---------------------------------------------------------------- what the ledger learns


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a change that was written means for the ledger."""

    mail: frozenset[Email] = frozenset()
    sms: frozenset[Email] = frozenset()
    lifted_mail: frozenset[Email] = frozenset()
    """Newer consent lifted our own block: the address may be mailed again."""
    lifted_sms: frozenset[Email] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Channel:
    """One way to reach people, as a change concerns it."""

    flag: bool | None
    """What is written of the block."""
    was_blocked: bool
    says_yes: bool
    names: frozenset[Email]

    def blocked(self) -> frozenset[Email]:
        """Return the addresses that are blocked from now on."""
        is_blocked = self.flag is True or (self.was_blocked and self.flag is None)
        return self.names if is_blocked else frozenset()

    def lifted(self, *, is_coming_back: bool) -> frozenset[Email]:
        """Return the addresses whose block was lifted."""
        is_lifted = self.flag is False or (is_coming_back and self.says_yes and self.flag is None)
        return self.names if is_lifted else frozenset()


def learn(change: Create | Update | Delete) -> Lesson:
    """Return what the ledger learns once *change* was written.

    A block is remembered under the address of before and under the new one. It is forgotten only
    where newer consent lifted one of our own: on the contact, or for one that comes back.
    """
    before = None if isinstance(change, Create) else change.before
    names = {change.customer.email, before.email if before else None} - {None}
    known_as = frozenset(Email(name) for name in names if name is not None)
    patch, customer = change.patch, change.customer
    mail = _Channel(
        flag=patch.email_blocked if patch else None,
        was_blocked=before is not None and before.is_email_blocked,
        says_yes=customer.email_consent is not None and customer.email_consent.value,
        names=known_as,
    )
    sms = _Channel(
        flag=patch.sms_blocked if patch else None,
        was_blocked=before is not None and before.is_sms_blocked,
        says_yes=customer.sms_consent is not None and customer.sms_consent.value,
        names=known_as,
    )
    comes_back = isinstance(change, Create) and Note.RESUBSCRIBED in change.notes
    return Lesson(
        mail=mail.blocked(),
        sms=sms.blocked(),
        lifted_mail=mail.lifted(is_coming_back=comes_back),
        lifted_sms=sms.lifted(is_coming_back=comes_back),
    )
