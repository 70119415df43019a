"""A shop as it really is, and the events by which it tells: some late, some twice, some undated.

What a sync has made of the account is judged by this, and by nothing that the program says.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

Content: TypeAlias = dict[str, object]

FIELDS = {"firstName": "FIRSTNAME", "lastName": "LASTNAME", "phone": "SMS"}
"""What events call what the account calls so."""

CONSENT_FIELDS = {"email": "acceptsMarketing", "sms": "acceptsSmsMarketing"}
GUEST = "guest"


def is_guest(key: str) -> bool:
    """Tell whether a customer has no id at the shop, so that whoever comes back is another one."""
    return key.startswith(GUEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A yes or a no to being written to."""

    is_yes: bool
    at: datetime
    letter: int
    """The number of the event that tells it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Person:
    """One customer, as the shop knows it."""

    key: str
    email: str
    is_alive: bool = True
    fields: dict[str, str | None] = field(default_factory=dict)
    """By the account's names: the last that was said of each since the customer began anew."""
    words: dict[str, list[Word]] = field(default_factory=lambda: {"email": [], "sms": []})
    """By channel, from the first beginning on."""
    homes: set[str] = field(default_factory=set)
    """Every address that was ever the customer's."""
    deleted_at: datetime | None = None
    """The last time, whether or not the customer came back."""
    death: int = 0
    """The number of the letter that tells of it."""
    birth: int = 0
    """The number of the letter that tells of the last beginning."""

    @property
    def was_deleted(self) -> bool:
        """Tell whether the customer was ever deleted."""
        return self.deleted_at is not None

    @property
    def has_id(self) -> bool:
        """Tell whether events carry an id; guests are known by their address alone."""
        return not is_guest(self.key)

    def is_lost_at(self, email: str) -> bool:
        """Tell whether an export cannot know that the customer left *email* for another address."""
        return is_guest(self.key) and email != self.email

    def last_word(self, channel: str, told: Collection[int]) -> Word | None:
        """Return what was said last, of what has arrived."""
        heard = (word for word in self.words[channel] if word.letter in told)
        return max(heard, key=lambda word: word.at, default=None)

    def has_said_no(self, channel: str) -> bool:
        """Tell whether the customer ever did."""
        return any(not word.is_yes for word in self.words[channel])


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One event on its way."""

    number: int
    key: str
    event: Content
    names: frozenset[str]
    """The attributes that it tells."""
    needs: frozenset[int]
    """What must not arrive after it: who left its address, by what an id is known, and that a
    customer who was deleted is back.

    Two customers with one address are one contact, an id that nobody has heard of is nobody, and
    whoever is deleted is skipped: what is lost by that is lost, so that no law can be told of it.
    """


@dataclass(slots=True)
class ShopTruth:
    """Everybody who ever was a customer, and all that was ever told of them."""

    people: dict[str, Person] = field(default_factory=dict)
    pending: dict[int, Letter] = field(default_factory=dict)
    told: dict[int, Letter] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    """The numbers of those that arrived at least at a run which was cut off."""
    listed: set[int] = field(default_factory=set)
    """The numbers of those whose words on mail stood in an export."""
    arriving: set[int] = field(default_factory=set)
    """The numbers of those that the last run read."""
    _last: int = 0
    _exported: int = 0
    """The number of the last event before the last export."""
    _word_times: set[datetime] = field(default_factory=set)

    @property
    def living(self) -> dict[str, Person]:
        """Return the customers of now."""
        return {key: person for key, person in self.people.items() if person.is_alive}

    def at_home(self, email: str) -> Person | None:
        """Return who lives at *email* now."""
        return next((p for p in self.living.values() if p.email == email), None)

    def ever_at(self, email: str) -> list[Person]:
        """Return everybody who ever lived at *email*."""
        return [person for person in self.people.values() if email in person.homes]

    def free(self, emails: Iterable[str]) -> list[str]:
        """Return those of *emails* at which nobody lives now."""
        return [email for email in emails if self.at_home(email) is None]

    # ------------------------------------------------------------ what happens at the shop

    def register(self, key: str, email: str, now: datetime, content: Content, *, age: int) -> None:
        """Somebody becomes a customer, for the first time or again."""
        person = self.people.setdefault(key, Person(key=key, email=email))
        person.is_alive = True
        person.fields.clear()
        self._move(person, email)
        self._tell(person, "customer_created", now, {"email": email, **content}, age=age)
        person.birth = self._last

    def change(
        self, key: str, now: datetime, content: Content, *, age: int, names_address: bool
    ) -> None:
        """Fields change, or consent does; many shops tell nothing but that, and the id."""
        person = self.people[key]
        address = {"email": person.email} if names_address or not person.has_id else {}
        self._tell(person, "customer_updated", now, {**address, **content}, age=age)

    def move(self, key: str, email: str, now: datetime, *, names_previous: bool) -> None:
        """Somebody gets another address."""
        person = self.people[key]
        change = {"changes": {"email": {"old": person.email, "new": email}}}
        before = person.email
        self._move(person, email)
        content = change if names_previous or not person.has_id else {}
        self._tell(person, "customer_updated", now, {"email": email, **content}, before=before)

    def delete(self, key: str, now: datetime, *, names_address: bool) -> None:
        """Somebody is a customer no more."""
        person = self.people[key]
        person.is_alive = False
        person.deleted_at = now
        address = {"email": person.email} if names_address or not person.has_id else {}
        self._tell(person, "customer_deleted", now, dict(address))
        person.death = self._last

    def export(self, now: datetime) -> list[Content]:
        """Return a complete export: everybody there is, as they are."""
        return [_event(p, "customer_listed", now, self._row(p)) for p in self.living.values()]

    # ------------------------------------------------------------ what arrives

    def post(self, wanted: Iterable[int]) -> list[Letter]:
        """Return the pending letters with these numbers, and those that they need."""
        chosen: set[int] = set()
        waiting = [*wanted]
        while waiting:
            number = waiting.pop()
            if number in chosen or number not in self.pending:
                continue
            chosen.add(number)
            letter = self.pending[number]
            waiting += letter.needs
            if is_guest(letter.key):
                waiting += [n for n, other in self.pending.items() if other.key == letter.key]
        return [self.pending[number] for number in sorted(chosen)]

    def are_arriving(self, letters: Iterable[Letter]) -> None:
        """Note that a run begins to read *letters*."""
        self.arriving = {letter.number for letter in letters}
        self.heard |= self.arriving

    def is_exported(self) -> None:
        """Note that a run begins to read an export."""
        self._exported = self._last
        for person in self.people.values():
            self.listed.update(word.letter for word in person.words["email"])

    def _may_be_known(self, channel: str) -> Collection[int]:
        """Return the letters whose words on a channel may be known; no export tells of SMS."""
        return self.heard | self.listed if channel == "email" else self.heard

    def may_have_said_yes(self, person: Person, channel: str) -> Word | None:
        """Return the newest yes that may be known, if no newer no is known for certain.

        What arrived at a run that was cut off may have been taken in or not.
        """
        known = self._may_be_known(channel)
        words = [word for word in person.words[channel] if word.letter in known]
        word = max((w for w in words if w.is_yes), key=lambda w: w.at, default=None)
        certain = self.told.keys() | self.arriving
        is_taken_back = word is not None and any(
            not w.is_yes and w.at > word.at and w.letter in certain for w in words
        )
        return None if is_taken_back else word

    def may_have_said_no(self, person: Person, channel: str) -> bool:
        """Tell whether a no of the customer's may be known: one that is on its way is nobody's."""
        known = self._may_be_known(channel)
        return any(not w.is_yes and w.letter in known for w in person.words[channel])

    def is_known_to_have_moved(self, person: Person) -> bool:
        """Tell whether it may be known that a customer is the one of an earlier address.

        Nothing but the event of the move can tell it of a guest, who has no id.
        """
        silent = (n for n, one in self.pending.items() if one.key == person.key)
        return person.has_id or (self.heard | self.listed).issuperset(silent)

    def has_told_death_of(self, person: Person) -> bool:
        """Tell whether it may be known by now that a customer was deleted."""
        return person.death in self.heard | self.listed or 0 < person.death <= self._exported

    def have_arrived(self, letters: Iterable[Letter]) -> None:
        """Note that *letters* were taken in."""
        for letter in letters:
            self.pending.pop(letter.number, None)
            self.told[letter.number] = letter

    def is_newest_of(self, letter: Letter, name: str) -> bool:
        """Tell whether nothing newer was ever told of an attribute than *letter* does.

        An export tells all that happened before it.
        """
        if letter.number <= self._exported:
            return False
        later = (
            other
            for other in (*self.told.values(), *self.pending.values())
            if other.key == letter.key and other.number > letter.number and name in other.names
        )
        return name in letter.names and next(later, None) is None

    # ------------------------------------------------------------ how it is told

    def _move(self, person: Person, email: str) -> None:
        person.email = email
        person.homes.add(email)

    def _tell(
        self,
        person: Person,
        trigger: str,
        now: datetime,
        content: Content,
        *,
        age: int = 0,
        before: str | None = None,
    ) -> None:
        self._last += 1
        known = {FIELDS[n]: v for n, v in content.items() if n in FIELDS}
        person.fields |= {n: v if isinstance(v, str) else None for n, v in known.items()}
        words = {c: content[f] for c, f in CONSENT_FIELDS.items() if f in content}
        if words:
            at = self._free_time(now - timedelta(minutes=age)) if age else now
            if age:
                content["acceptsMarketingUpdatedAt"] = _spelled(at)
            for channel, is_yes in words.items():
                word = Word(is_yes=is_yes is True, at=at, letter=self._last)
                person.words[channel].append(word)
        self.pending[self._last] = Letter(
            number=self._last,
            key=person.key,
            event=_event(person, trigger, now, content),
            names=frozenset(known),
            needs=self._needs(person, {person.email, before or person.email}, content),
        )

    def _needs(
        self, person: Person, addresses: Collection[str], content: Mapping[str, object]
    ) -> frozenset[int]:
        letters = {**self.told, **self.pending}
        own = sorted(n for n, letter in letters.items() if letter.key == person.key)
        others = {
            p.key for p in self.people.values() if p is not person and p.homes & set(addresses)
        }
        needed = {n for n, letter in letters.items() if letter.key in others}
        if not person.has_id:
            needed.update(own)
        elif "email" not in content:
            needed.update(own[:1])
        if person.was_deleted and person.is_alive and person.birth in own:
            needed.add(person.birth)
        return frozenset(needed)

    def _free_time(self, at: datetime) -> datetime:
        """Return *at* or shortly after: no two words were said at the same time."""
        at += timedelta(seconds=1)
        while at in self._word_times:
            at += timedelta(seconds=1)
        self._word_times.add(at)
        return at

    def _row(self, person: Person) -> Content:
        row: Content = {"email": person.email}
        row |= {f: person.fields[n] for f, n in FIELDS.items() if n in person.fields}
        word = max(person.words["email"], key=lambda word: word.at, default=None)
        if word is not None and not person.was_deleted:
            row["acceptsMarketing"] = word.is_yes
            row["acceptsMarketingUpdatedAt"] = _spelled(word.at)
        return row


def _event(person: Person, trigger: str, now: datetime, content: Content) -> Content:
    known_as = {"id": person.key} if person.has_id else {}
    return {"event": trigger, "timestamp": _spelled(now), "data": {**known_as, **content}}


def _spelled(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
