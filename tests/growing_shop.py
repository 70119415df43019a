"""A shop whose customers come, change, move and go, and which knows what Brevo should hold.

The knowledge is kept apart from everything that the package does: a few dictionaries, told by the
shop's own rules, that a test compares the account with.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

LIST = 5

Act: TypeAlias = Callable[["GrowingShop"], None]
"""Something that happens at the shop."""


@dataclass(slots=True, kw_only=True)
class Person:
    """A customer as the shop knows it now."""

    number: int
    email: str
    former_emails: list[str] = field(default_factory=list)
    revision: int = 1
    """Counts what the shop said about the person, so that old news can be told from new."""
    is_vip: bool = False
    is_blocked: bool = False
    """Said no at the shop, or left by a link in a mail."""
    is_deleted: bool = False
    predecessor: "Person | None" = None
    """Who had the address before."""

    @property
    def may_be_blocked(self) -> bool:
        """Tell whether a block is right: an address that said no stays one, whoever has it now."""
        before = self.predecessor
        return self.is_blocked or (before is not None and before.may_be_blocked)

    @property
    def fields(self) -> dict[str, object]:
        """What every event tells."""
        return {
            "id": str(self.number),
            "email": self.email,
            "firstName": f"Name {self.number}",
            "revision": self.revision,
            "vip": self.is_vip,
        }

    @property
    def attributes(self) -> dict[str, object]:
        """What the contact should hold."""
        return {
            "CUSTOMER": str(self.number),
            "FIRSTNAME": f"Name {self.number}",
            "REVISION": self.revision,
            "VIP": self.is_vip,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an account differs from what the shop knows; empty where all is right."""

    lost: tuple[str, ...] = ()
    """Customers without a contact."""
    twice: tuple[str, ...] = ()
    """Contacts that no customer explains, or that stand for one who has another."""
    wrong: tuple[str, ...] = ()
    """Contacts that hold something else than the shop said last."""

    @property
    def is_good(self) -> bool:
        """Tell whether the account is exactly as it should be."""
        return self == Verdict()


@dataclass(slots=True)
class GrowingShop:
    """The people, and what was said about them and is not yet handed over."""

    dice: random.Random
    deletes_softly: bool = True
    people: list[Person] = field(default_factory=list)
    news: list[dict[str, object]] = field(default_factory=list)
    _now: datetime = datetime(2025, 1, 15, 10, tzinfo=UTC)

    @property
    def living(self) -> list[Person]:
        """The customers that there are."""
        return [person for person in self.people if not person.is_deleted]

    def take_news(self) -> list[dict[str, object]]:
        """Return what was said since the last time, in the order in which it happened."""
        news, self.news = self.news, []
        return news

    # ------------------------------------------------------------ what happens

    def register(self, count: int, *, refusing: int = 0) -> None:
        """Let people register, the first *refusing* of whom want no mail."""
        for position in range(count):
            number = len(self.people) + 1
            self._welcome(f"p{number}@example.com", has_refused=position < refusing)

    def change(self, count: int) -> None:
        """Let something about some people change."""
        for person in self._some(count):
            person.is_vip = self.dice.random() < 0.5
            self._tell("updated", person)

    def refuse(self, count: int) -> None:
        """Let some people say no to mail."""
        for person in self._some(count):
            person.is_blocked = True
            self._tell("updated", person, acceptsMarketing=False)

    def move(self, count: int) -> None:
        """Give some people another address."""
        for person in self._some(count):
            self._move(person)

    def inherit(self, count: int) -> None:
        """Give some people another address, and theirs to somebody new."""
        for person in self._some(count):
            left = person.email
            self._move(person)
            self._welcome(left, has_refused=False, predecessor=person)

    def delete(self, count: int) -> None:
        """Let some people be deleted; half of the events tell nothing but the id."""
        for person in self._some(count):
            person.is_deleted = True
            content: dict[str, object] = {"id": str(person.number)}
            if self.dice.random() < 0.5:
                content["email"] = person.email
            self._say("deleted", content)

    # ------------------------------------------------------------ what Brevo should hold

    def judge(self, contacts: Mapping[str, Mapping[str, object]]) -> Verdict:
        """Compare the account, by addresses and in Brevo's spelling, with what should be.

        Whoever was deleted softly may have a contact at any address that was theirs, for a deletion
        is no reason to move a contact.
        """
        living = {person.email: person for person in self.living}
        left = {
            email
            for person in self.people
            if person.is_deleted and self.deletes_softly
            for email in (person.email, *person.former_emails)
        }
        strays = contacts.keys() - living.keys() - left
        return Verdict(
            lost=tuple(sorted(living.keys() - contacts.keys())),
            twice=tuple(sorted(strays | set(_doubled(contacts.values())))),
            wrong=tuple(
                f"{email}: {contact}"
                for email, contact in sorted(contacts.items())
                if email not in strays and not _is_right(contact, living.get(email))
            ),
        )

    # ------------------------------------------------------------ how it is said

    def _some(self, count: int) -> list[Person]:
        return self.dice.sample(self.living, min(count, len(self.living)))

    def _move(self, person: Person) -> None:
        person.former_emails.append(person.email)
        person.email = f"p{person.number}.{person.revision}@example.org"
        self._tell("updated", person)

    def _welcome(self, email: str, *, has_refused: bool, predecessor: Person | None = None) -> None:
        person = Person(
            number=len(self.people) + 1,
            email=email,
            is_blocked=has_refused,
            predecessor=predecessor,
        )
        self.people.append(person)
        self._say("created", {**person.fields, "acceptsMarketing": not has_refused})

    def _tell(self, trigger: str, person: Person, **more: object) -> None:
        person.revision += 1
        self._say(trigger, {**person.fields, **more})

    def _say(self, trigger: str, content: Mapping[str, object]) -> None:
        self._now += timedelta(minutes=1)
        at = self._now.isoformat()
        self.news.append({"event": f"customer_{trigger}", "timestamp": at, "data": dict(content)})


def _is_right(contact: Mapping[str, object], person: Person | None) -> bool:
    """Tell whether a contact is that of *person*, or of somebody who is gone."""
    attributes, lists = contact["attributes"], contact["listIds"]
    assert isinstance(attributes, Mapping)
    assert isinstance(lists, list)
    if person is None:
        return LIST not in lists and contact["emailBlacklisted"] is True
    held = {name: value for name, value in attributes.items() if name in person.attributes}
    return (
        held == person.attributes
        and LIST in lists
        and contact["emailBlacklisted"] in {person.is_blocked, person.may_be_blocked}
    )


def _doubled(contacts: Iterable[Mapping[str, object]]) -> Iterable[str]:
    """Yield the addresses of contacts that stand for a customer who has another already."""
    seen = set()
    for contact in contacts:
        attributes = contact["attributes"]
        assert isinstance(attributes, Mapping)
        number = attributes.get("CUSTOMER")
        if number in seen:
            yield str(contact["email"])
        seen.add(number)
