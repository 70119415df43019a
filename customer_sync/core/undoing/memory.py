"""What the state holds about a person once a change is undone: what it held before, and every no.

What was confirmed goes back together with the contact, so that the state agrees with Brevo: the
shop's events are news again, and whoever was deleted by mistake counts as living. A no that was
heard meanwhile is never forgotten.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from msgspec import structs

from customer_sync.core.changes.draft import EMAIL, LISTS, MAIL, SMS
from customer_sync.core.customers.news import surviving_no
from customer_sync.core.model import (
    Confirmed,
    ContactId,
    Create,
    Dated,
    Delete,
    Email,
    Update,
)
from customer_sync.core.undoing.past import Identity, Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of some addresses and ids; of all others it stays as it is."""

    home: Email | None = None
    """Where the contact is."""
    confirmed: Mapping[Email, Confirmed | None] = field(default_factory=dict)
    """None: nothing is known there."""
    identities: Mapping[str, Identity | None] = field(default_factory=dict)
    """Where the customers with these ids live, as far as they live at one of the addresses now;
    None: they are unknown."""

    def about(self, contact_id: ContactId | None) -> "Memory":
        """Return the same about the contact that Brevo has now."""
        known = self.confirmed.get(self.home) if self.home else None
        if known is None:
            return self
        here = structs.replace(known, contact_id=contact_id)
        return replace(self, confirmed={**self.confirmed, here.email: here})


def after_creation(
    tried: Tried, change: Create, now: Confirmed | None, *, is_home_of_another: bool = False
) -> Memory:
    """Return what is known of somebody whose creation is undone; *now* is what was confirmed.

    *is_home_of_another* says that the one who had the address before is back there.
    """
    if now is None or now.is_deleted:
        # A later run had the last word.
        return Memory()
    here = _with_every_no(tried.known.at(change.customer.email), now)
    identities = _identities(tried)
    known: dict[str, Identity | None] = {i: who for i, who in identities.items() if who}
    is_kept = _says_no(now) and not is_home_of_another
    if here is not None and is_kept and known != identities:
        # Whose a no is stays known too, or it would not go along to the next address. But nobody
        # lives where an end is known, which was that of somebody else.
        identities = known
        here = structs.replace(here, is_deleted=False, deleted_at=None)
    return Memory(confirmed={change.customer.email: here}, identities=identities)


def after_deletion(tried: Tried, change: Delete, now: Confirmed | None) -> Memory:
    """Return what is known of somebody who is back after a deletion for good."""
    return _back_to_life(tried, change, now, is_unblocked=True)


def after_update(
    tried: Tried,
    change: Update | Delete,
    now: Confirmed | None,
    *,
    home: Email,
    restored: Collection[str],
    is_whole: bool,
) -> Memory:
    """Return what is known of a contact that is at *home* with the fields *restored*.

    *is_whole* says that these are all that the run wrote.
    """
    if isinstance(change, Delete):
        return _back_to_life(tried, change, now, is_unblocked=MAIL in restored)
    if now is None or now.is_deleted:
        return Memory()
    then = tried.known.at(change.before.email) or tried.known.at(change.customer.email)
    if then is not None and then.contact_id not in {None, change.before.id}:
        # It was about another contact.
        then = None
    if then is None and is_whole and not _says_no(now):
        here = None
    elif then is not None and then.is_deleted:
        here = _out_of_use(now, then, home=home, restored=restored)
    else:
        here = _with_restored(now, then, change, home=home, restored=restored)
    confirmed: dict[Email, Confirmed | None] = {home: here}
    if EMAIL in restored:
        confirmed = {name: tried.known.at(name) for name in {change.customer.email} - {home}}
        confirmed[home] = here
    return Memory(
        home=home,
        confirmed=confirmed,
        identities=_identities(tried)
        if EMAIL in restored or here is None or here.is_deleted or _has_moved_in(tried, home)
        else {},
    )


def _has_moved_in(tried: Tried, home: Email) -> bool:
    """Tell whether the customer lived elsewhere before, where the old contact is again."""
    return any(known.email != home for known in tried.known.identities)


def _back_to_life(
    tried: Tried, change: Delete, now: Confirmed | None, *, is_unblocked: bool
) -> Memory:
    if now is not None and not now.is_deleted:
        # A later run brought the person back.
        return Memory()
    home = change.before.email or change.customer.email
    confirmed = {name: tried.known.at(name) for name in (change.customer.email, home)}
    here = _with_every_no(confirmed[home], now)
    if here is not None:
        block_at = here.email_blocked_at
        if now is not None and not is_unblocked:
            block_at = now.email_blocked_at
        here = structs.replace(
            here, email=home, contact_id=change.before.id, email_blocked_at=block_at
        )
    confirmed[home] = here
    return Memory(home=home, confirmed=confirmed, identities=_identities(tried))


def _out_of_use(
    now: Confirmed, then: Confirmed, *, home: Email, restored: Collection[str]
) -> Confirmed:
    """Return what is confirmed where the contact was nobody's, and is so again, but for blocks."""
    known = _with_every_no(then, now) or then
    return structs.replace(
        known,
        email=home,
        email_blocked_at=known.email_blocked_at if MAIL in restored else now.email_blocked_at,
        sms_blocked_at=known.sms_blocked_at if SMS in restored else now.sms_blocked_at,
    )


def _with_restored(
    now: Confirmed,
    then: Confirmed | None,
    change: Update,
    *,
    home: Email,
    restored: Collection[str],
) -> Confirmed:
    """Return what is confirmed, with the fields that were restored as they were before."""
    old = then.attributes if then else {}
    written = {n for n in change.customer.attributes if n in restored}
    attributes = {n: said for n, said in now.attributes.items() if n not in written}
    return structs.replace(
        now,
        email=home,
        attributes=attributes | {n: old[n] for n in written if n in old},
        is_listed=(then is not None and then.is_listed) if LISTS in restored else now.is_listed,
        email_blocked_at=(then.email_blocked_at if then else None)
        if MAIL in restored
        else now.email_blocked_at,
        sms_blocked_at=(then.sms_blocked_at if then else None)
        if SMS in restored
        else now.sms_blocked_at,
    )


def _with_every_no(then: Confirmed | None, now: Confirmed | None) -> Confirmed | None:
    """Return what was known *then*, with every no that is known *now*."""
    if now is None:
        return then
    if then is not None:
        return structs.replace(
            then,
            email_consent=surviving_no(then.email_consent, now.email_consent),
            sms_consent=surviving_no(then.sms_consent, now.sms_consent),
            was_blocked_at_deletion=then.was_blocked_at_deletion or now.was_blocked_at_deletion,
        )
    if not _says_no(now):
        return None
    return Confirmed(
        email=now.email,
        email_consent=_no(now.email_consent),
        sms_consent=_no(now.sms_consent),
        email_blocked_at=now.email_blocked_at,
        sms_blocked_at=now.sms_blocked_at,
        was_blocked_at_deletion=now.was_blocked_at_deletion,
        last_at=now.last_at,
    )


def _says_no(known: Confirmed) -> bool:
    return (
        _no(known.email_consent) is not None
        or _no(known.sms_consent) is not None
        or known.was_blocked_at_deletion
    )


def _no(consent: Dated[bool] | None) -> Dated[bool] | None:
    return consent if consent is not None and not consent.value else None


def _identities(tried: Tried) -> dict[str, Identity | None]:
    return {i: tried.known.of(i) for i in sorted(tried.change.customer.ids)}
