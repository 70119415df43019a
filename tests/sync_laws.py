"""What must hold between a shop and an account, whatever happened: judged without the program.

The account side keeps what people did there, so that it can be told from what the program did.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from customer_sync.core.model import Contact, DeleteBehavior, OnDrift, Policy, Resubscribe, Value
from customer_sync.sandbox.state import Transition
from shop_truth import Letter, Person, ShopTruth

LIST = 5
OTHER_LIST = 9
UNMAPPED = "NICKNAME"
NUMBER = "SMS"
MARK = "GONE"
"""The attribute that a soft deletion sets."""

Contacts: TypeAlias = dict[str, Contact]
"""By their addresses."""


@dataclass(slots=True)
class People:
    """What people did in Brevo's pages and by the links in mails, by Brevo's number of contacts."""

    seen: Contacts = field(default_factory=dict)
    """The account after the last step."""
    edits: dict[tuple[int, str], set[Value]] = field(default_factory=dict)
    """Values of mapped attributes that were written since the shop last spoke of them."""
    blocked: set[int] = field(default_factory=set)
    """Who was mailable until a person blocked it."""
    sms_blocked: set[int] = field(default_factory=set)
    unblocked: set[int] = field(default_factory=set)
    """Whose block a person lifted."""
    sms_unblocked: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    """Who left the list by a link in a mail."""
    unlisted: set[str] = field(default_factory=set)
    """Addresses at which somebody left the list, or was taken off it by hand, and those to which
    whoever left it moved."""
    made: dict[int, Contact] = field(default_factory=dict)
    """Contacts that others made, as they left them."""
    removed: set[str] = field(default_factory=set)
    """Addresses whose contact was deleted by hand."""
    noes: set[str] = field(default_factory=set)
    """Addresses at which somebody was ever blocked by a person."""
    addresses: dict[int, set[str]] = field(default_factory=dict)
    """Every address at which a contact was seen."""
    silent: set[str] = field(default_factory=set)
    """Addresses and numbers whose block, if any, no run saw before their contact was deleted."""
    closed: set[str] = field(default_factory=set)
    """Addresses that a contact left, or was deleted at, that a person had blocked for mail."""
    sms_closed: set[str] = field(default_factory=set)

    def look(self, contacts: Contacts) -> None:
        """Note how the account is."""
        self.seen = contacts
        for email, contact in contacts.items():
            self.addresses.setdefault(contact.id, set()).add(email)
            if contact.id in self.left:
                self.unlisted.add(email)

    def look_after_run(self, contacts: Contacts) -> None:
        """Note how a run left the account, and whose no it took away from an address."""
        homes = {contact.id: email for email, contact in contacts.items()}
        for email, contact in self.seen.items():
            if homes.get(contact.id) != email:
                self._leave_behind(email, contact, {"email", "sms"})
        self.look(contacts)

    def was_removed(self, email: str, contact: Contact, known_blocks: Collection[str]) -> None:
        """Note that people deleted a contact, of which runs knew *known_blocks*."""
        self.removed |= self.ever_of(contact.id)
        self._leave_behind(email, contact, known_blocks)
        if "email" not in known_blocks:
            self.silent.add(email)
        if "sms" not in known_blocks:
            self.silent.add(str(contact.attributes.get(NUMBER)).lstrip("+"))

    def _leave_behind(self, email: str, contact: Contact, known_blocks: Collection[str]) -> None:
        """Note that a contact is at *email* no more, where its no has to be remembered."""
        if "email" in known_blocks and contact.id in self.blocked and contact.is_email_blocked:
            self.closed.add(email)
        if "sms" in known_blocks and contact.id in self.sms_blocked and contact.is_sms_blocked:
            self.sms_closed.add(email)

    def ever_of(self, contact_id: int) -> set[str]:
        """Return every address that a contact had."""
        return self.addresses.get(contact_id, set())

    def was_made_anew(self, before: Contact, now: Contact) -> None:
        """Let what people did to a contact be known of the one that an undo made in its place."""
        self.addresses.setdefault(now.id, set()).update(self.ever_of(before.id))
        for (contact_id, name), values in [*self.edits.items()]:
            if contact_id == before.id:
                self.edits.setdefault((now.id, name), set()).update(values)
        deeds = (self.blocked, self.sms_blocked, self.unblocked, self.sms_unblocked, self.left)
        for ids in deeds:
            ids.update({now.id} if before.id in ids else ())
        if before.id in self.made:
            self.made[now.id] = now

    def as_made(self) -> set[int]:
        """Return the contacts that are as others, who made them, left them."""
        return {
            contact.id
            for contact in self.seen.values()
            if contact.id in self.made and content(self.made[contact.id]) == content(contact)
        }

    def was_undone(self, before: Contacts, touched: Contacts, as_made: Collection[int]) -> None:
        """Note how an undo left the account, which is as people had left it.

        *before* is the account before the run that was undone, in which *as_made* were as others
        had left them; *touched* is the account before the undo.
        """
        still_there = {contact.id for contact in touched.values()}
        for email, contact in self.seen.items():
            if email in before and contact.id not in still_there:
                self.was_made_anew(before[email], contact)
            elif contact.id in as_made:
                self.made[contact.id] = contact

    def were_answered(self, letters: Iterable[Letter], truth: ShopTruth) -> None:
        """Forget the edits of whatever the shop, which wins, has spoken of since."""
        for letter in letters:
            found = self.seen.get(truth.people[letter.key].email)
            for name in letter.names if found else ():
                if found and truth.is_newest_of(letter, name):
                    self.edits.pop((found.id, name), None)


# ---------------------------------------------------------------- after every step


def check_untouched(people: People, after: Mapping[str, Contact]) -> None:
    """Only what the mapping names is ever written."""
    now = {c.id: c for c in after.values()}
    for before in people.seen.values():
        held = now.get(before.id)
        if held is not None:
            assert held.attributes.get(UNMAPPED) == before.attributes.get(UNMAPPED)
            assert (OTHER_LIST in held.list_ids) is (OTHER_LIST in before.list_ids)


def check_kept(
    people: People,
    after: Mapping[str, Contact],
    truth: ShopTruth,
    policy: Policy,
    removable: Collection[int],
) -> None:
    """Nobody vanishes but who was deleted at the shop, and only where deletions are for good.

    The contacts *removable* were made by a run that is undone.
    """
    now = {*(c.id for c in after.values()), *removable}
    for email, before in people.seen.items():
        if before.id in now:
            continue
        assert policy.delete_behavior is DeleteBehavior.HARD
        assert any(
            person.was_deleted or person.is_lost_at(address)
            for address in people.ever_of(before.id)
            for person in truth.ever_at(address)
        ), f"{email} was deleted by nobody"


def check_undone(before: Contacts, written: Contacts, touched: Contacts, after: Contacts) -> None:
    """A run that is undone leaves nothing but its blocks, and what was done by others since.

    *before* and *written* are the account before and after the run, *touched* after whatever came
    then, *after* once the run is undone. Addresses are those of *before*: a contact whose own one
    has been taken by another, which stays because others changed it, is back but for that. So is
    one whose number another contact has by then: Brevo refuses it for as long as that is so, which
    may be until the end of the same undo, and the report tells of it.
    """
    as_written = {c.id: c for c in written.values()}
    others = {c.id for c in touched.values() if c != as_written.get(c.id)}
    now = {c.id: c for c in after.values()}
    for contact in touched.values():
        if contact.id in others:
            held = now[contact.id]
            done = as_written[contact.id].attributes
            for name in {*contact.attributes, *done}:
                if contact.attributes.get(name) != done.get(name):
                    assert held.attributes.get(name) == contact.attributes.get(name)
    for email, contact in before.items():
        if contact.id not in others:
            back = after.get(email)
            if back is not None and back.id in others:
                back = now.get(contact.id)
                if back is None:
                    # It was deleted, and cannot be made again where another stands.
                    continue
            assert back is not None, f"{email} did not come back"
            left_out = {NUMBER} if _is_number_taken(contact, touched.values()) else set()
            assert _restored(back, left_out) == _restored(contact, left_out), email
            assert back.is_email_blocked >= contact.is_email_blocked
            assert back.is_sms_blocked >= contact.is_sms_blocked
    left_over = {c.id for c in after.values()} - {c.id for c in before.values()} - others
    anew = {e for e, c in before.items() if c.id not in now}
    assert {e for e, c in after.items() if c.id in left_over} <= anew, "somebody is left over"


def _restored(contact: Contact, left_out: Collection[str]) -> tuple[object, ...]:
    attributes = {
        n: v for n, v in contact.attributes.items() if v is not False and n not in left_out
    }
    return attributes, contact.list_ids


def _is_number_taken(contact: Contact, others: Iterable[Contact]) -> bool:
    number = contact.attributes.get(NUMBER)
    return number is not None and any(
        other.id != contact.id and other.attributes.get(NUMBER) == number for other in others
    )


def check_consent(
    transitions: Iterable[Transition], people: People, truth: ShopTruth, policy: Policy
) -> None:
    """Nobody becomes mailable without newer, explicit consent and the operator's leave."""
    for one in transitions:
        if one.route != "people":
            assert _is_allowed(one, people, truth, policy), one


def _is_allowed(one: Transition, people: People, truth: ShopTruth, policy: Policy) -> bool:
    owners = [p for a in people.ever_of(one.contact_id) for p in truth.ever_at(a)]
    if one.cause == "came back after deletion":
        if one.address in people.silent:
            return True
        homes = [email for email, c in people.seen.items() if c.id == one.contact_id]
        at_home = [p for p in map(truth.at_home, homes) if p is not None]
        known = [p for p in at_home if truth.is_known_to_have_moved(p)]
        if one.channel == "sms" and not any(
            truth.may_have_said_no(p, "sms") for p in (known if at_home else owners)
        ):
            # The number is another person's now, as far as anybody can know.
            return True
    if policy.resubscribe is not Resubscribe.NEWER or one.channel not in {"email", "sms"}:
        return False
    theirs = people.blocked if one.channel == "email" else people.sms_blocked
    if one.contact_id in theirs or one.cause == "rename":
        return False
    return any(_has_newer_yes(p, one.channel, truth) for p in owners)


def _has_newer_yes(person: Person, channel: str, truth: ShopTruth) -> bool:
    """Tell whether a yes is the last word, and not one from before a deletion, as far as told."""
    word = truth.may_have_said_yes(person, channel)
    if word is None:
        return False
    if person.deleted_at is None or not truth.has_told_death_of(person):
        return True
    return word.at > person.deleted_at


# ---------------------------------------------------------------- once everything has arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The account against the shop, once nothing is under way any more."""

    truth: ShopTruth
    people: People
    policy: Policy
    is_told_anew: bool
    """Everything was told again after people did what they did: the shop's word is the last."""

    def check(self) -> None:
        """Compare every contact with what it should be."""
        for person in self.truth.living.values():
            self._check_living(person)
        for email, contact in self.people.seen.items():
            if self.truth.at_home(email) is None:
                self._check_without_customer(email, contact)

    def _check_living(self, person: Person) -> None:
        contact = self.people.seen.get(person.email)
        if contact is None:
            assert not self.is_told_anew, f"{person.email} is missing"
            assert person.homes & self.people.removed, f"{person.email} is missing"
            return
        if contact.id in self.people.made and not self.is_told_anew:
            # It may have come after the last that was said of the customer.
            return
        is_remembered = self.is_told_anew or not person.homes & self.people.removed
        for name, value in person.fields.items() if is_remembered else ():
            if name != "SMS":
                assert contact.attributes.get(name) in self._allowed(
                    person, contact, name, value
                ), f"{name} of {person.email}"
        assert contact.attributes.get(MARK) in {None, False}, f"{person.email} is marked"
        self._check_list(person, contact)
        for channel in person.words:
            self._check_block(person, contact, channel)

    def _allowed(
        self, person: Person, contact: Contact, name: str, value: str | None
    ) -> set[Value]:
        edits = self.people.edits.get((contact.id, name), set())
        if self.is_told_anew and self.policy.on_drift is OnDrift.SOURCE:
            return {value}
        return {value, *edits}

    def _check_list(self, person: Person, contact: Contact) -> None:
        if contact.id in self.people.left:
            assert LIST not in contact.list_ids, f"{person.email} left the list"
        elif not person.homes & self.people.unlisted:
            assert LIST in contact.list_ids, f"{person.email} is not on the list"

    def _check_block(self, person: Person, contact: Contact, channel: str) -> None:
        is_blocked = contact.is_email_blocked if channel == "email" else contact.is_sms_blocked
        theirs = self.people.blocked if channel == "email" else self.people.sms_blocked
        lifted = self.people.unblocked if channel == "email" else self.people.sms_unblocked
        word = person.last_word(channel, self.truth.told)
        is_lifted = contact.id in lifted and not self.is_told_anew
        is_no = word is not None and not word.is_yes
        must_be = contact.id in theirs or self._is_closed_to(contact, channel)
        if must_be or (is_no and not is_lifted and not self._is_succeeded(person)):
            assert is_blocked, f"{channel} of {person.email} is not blocked"
        elif not self._may_be_blocked(person, channel):
            assert not is_blocked, f"{channel} of {person.email} is blocked"

    def _is_closed_to(self, contact: Contact, channel: str) -> bool:
        """Tell whether the contact stands where another one was blocked, which runs knew.

        One that others made there, or unblocked, is as they left it. A no to SMS does not hold for
        a number that comes along from another address.
        """
        email, people = contact.email or "", self.people
        lifted = people.unblocked if channel == "email" else people.sms_unblocked
        if contact.id in people.made or contact.id in lifted:
            return False
        if channel == "email":
            return email in people.closed
        return email in people.sms_closed and people.ever_of(contact.id) == {email}

    def _is_succeeded(self, person: Person) -> bool:
        """Tell whether somebody has had an address of a customer who was deleted once.

        A no is kept with its address: whoever has that afterwards has the no as well.
        """
        others = (p for a in person.homes for p in self.truth.ever_at(a) if p is not person)
        return person.was_deleted and next(others, None) is not None

    def _may_be_blocked(self, person: Person, channel: str) -> bool:
        """Tell whether anybody ever had a reason to block, be it one of the addresses."""
        others = [p for a in person.homes for p in self.truth.ever_at(a) if p is not person]
        made = {c.email for c in self.people.made.values()}
        return bool(
            person.was_deleted
            or person.has_said_no(channel)
            or others
            or person.homes & (made | self.people.noes | self.people.removed)
        )

    def _check_without_customer(self, email: str, contact: Contact) -> None:
        made = self.people.made.get(contact.id)
        if made is not None and content(made) == content(contact):
            return
        assert self.truth.ever_at(email), f"{email} was nobody's and was changed"
        if contact.id not in self.people.unblocked:
            assert contact.is_email_blocked, f"{email} has no customer and is mailable"
        assert LIST not in contact.list_ids, f"{email} has no customer and is on the list"


def content(contact: Contact) -> tuple[object, ...]:
    """Return all of a contact that anybody may change."""
    return (
        dict(contact.attributes),
        contact.list_ids,
        contact.unsubscribed_list_ids,
        contact.is_email_blocked,
        contact.is_sms_blocked,
    )
