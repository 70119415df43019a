"""A shop, an account, people who unsubscribe and a network that fails: it all converges."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brevo_model import BrevoModel
from builders import statement
from customer_sync.core.changes.draft import same
from customer_sync.core.model import (
    Contact,
    ContactId,
    ContactPatch,
    DeleteBehavior,
    Email,
    OnDrift,
    Policy,
    Reason,
    Resubscribe,
    Skip,
    Statement,
    Trigger,
    Value,
    Write,
)
from shop_strategies import EMAILS, IDS, LIST, values
from sync_model import SyncModel
from thoroughness import examples

T = TypeVar("T")

Unless: TypeAlias = Callable[[Write], bool]

NAMES = ("FIRSTNAME", "TAGS", "SMS")
GUEST = "guest"
GUEST_EMAILS = tuple(Email(f"guest{n}@example.net") for n in range(5))
"""Whoever has no id is known by the address alone, and gets a new one only if it was never used."""


class Person:
    """A customer as the shop sees it."""

    def __init__(self, email: Email) -> None:
        self.email = email
        self.attributes: dict[str, Value] = {}


class ShopAndAccount(RuleBasedStateMachine):
    """Whatever happens in between, a run that gets through makes all of it right."""

    @initialize(
        delete_behavior=st.sampled_from(DeleteBehavior),
        resubscribe=st.sampled_from(Resubscribe),
        on_drift=st.sampled_from(OnDrift),
    )
    def open_the_shop(
        self, delete_behavior: DeleteBehavior, resubscribe: Resubscribe, on_drift: OnDrift
    ) -> None:
        """Start with an empty account."""
        policy = Policy(
            list_id=LIST,
            delete_behavior=delete_behavior,
            deleted_attribute="GONE",
            resubscribe=resubscribe,
            on_drift=on_drift,
        )
        self.sync = SyncModel(policy=policy, brevo=BrevoModel())
        self.is_left_to_a_person = False
        self.minute = 0
        self.living: dict[str, Person] = {}
        self.pending: list[Statement] = []
        self.told: list[Statement] = []
        self.guest_emails = list(GUEST_EMAILS)
        self.said_no: set[ContactId] = set()
        self.said_no_emails: set[Email] = set()
        self.edited: set[tuple[Email, str]] = set()

    # ------------------------------------------------------------ the shop

    @rule(data=st.data())
    def create(self, data: st.DataObject) -> None:
        """Somebody registers, for the first time or again."""
        key = self._draw(data, [k for k in (*IDS, GUEST) if k not in self.living])
        email = self._free_email(data, key) if key else None
        if key is None or email is None:
            return
        self._tell(data, key, Trigger.CREATED, email=email)

    @rule(data=st.data(), trigger=st.sampled_from((Trigger.UPDATED, Trigger.LISTED)))
    def update(self, data: st.DataObject, trigger: Trigger) -> None:
        """Somebody's fields change, or an export mentions them."""
        key = self._draw(data, list(self.living))
        if key is not None:
            self._tell(data, key, trigger, may_omit_email=True)

    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        """Somebody gets another address, perhaps one that another customer has left."""
        key = self._draw(data, list(self.living))
        email = self._free_email(data, key) if key else None
        if key is None or email is None:
            return
        self._tell(data, key, Trigger.UPDATED, email=email)

    @rule(data=st.data(), names_the_address=st.booleans())
    def delete(self, data: st.DataObject, names_the_address: bool) -> None:
        """Somebody is deleted; platforms often tell nothing but the id."""
        key = self._draw(data, list(self.living))
        if key is None:
            return
        person = self.living.pop(key)
        is_named = names_the_address or key == GUEST
        self._say(
            statement(
                Trigger.DELETED,
                self._now(),
                customer_id=None if key == GUEST else key,
                email=person.email if is_named else None,
            )
        )

    # ------------------------------------------------------------ Brevo

    @precondition(lambda self: self.sync.brevo.contacts)
    @rule(data=st.data(), name=st.sampled_from((*NAMES, "NICKNAME")), value=values)
    def edit(self, data: st.DataObject, name: str, value: Value) -> None:
        """Somebody edits a contact in Brevo."""
        contact = self._any_contact(data)
        if contact.email is not None:
            self.edited.add((contact.email, name))
        self.sync.brevo.patch(contact.id, ContactPatch(attributes={name: value}))

    @precondition(lambda self: self.sync.brevo.contacts)
    @rule(data=st.data())
    def unsubscribe(self, data: st.DataObject) -> None:
        """Somebody clicks the link in a mail."""
        contact = self._any_contact(data)
        if not contact.is_email_blocked:
            self.said_no.add(contact.id)
            self.sync.brevo.patch(contact.id, ContactPatch(email_blocked=True))

    # ------------------------------------------------------------ runs

    @rule(data=st.data(), may_fail=st.booleans())
    def run(self, data: st.DataObject, may_fail: bool) -> None:
        """Some of what the shop said arrives, in any order, with things heard before."""
        count = data.draw(st.integers(min_value=0, max_value=len(self.pending)))
        arriving = self.pending[:count]
        known = [s for s in self.told if s.customer_id is not None]
        if known:
            arriving += data.draw(st.lists(st.sampled_from(known), max_size=2))
        arriving = data.draw(st.permutations(arriving))
        failing = data.draw(st.sets(st.sampled_from((*EMAILS, *GUEST_EMAILS)))) if may_fail else ()
        self.told += self.pending[:count]
        self.pending = self.pending[count:]
        self._run(arriving, unless=lambda change: change.customer.email in failing)
        if self.is_left_to_a_person:
            reject()

    @invariant()
    def nobody_who_said_no_is_mailable(self) -> None:
        """Not under any address, not after any deletion."""
        if not hasattr(self, "sync"):
            return
        for contact in self.sync.brevo.contacts.values():
            if contact.id in self.said_no or contact.email in self.said_no_emails:
                assert contact.is_email_blocked

    def teardown(self) -> None:
        """Let everything through: nothing is left to do, and all is as the shop says."""
        if not hasattr(self, "sync") or self.is_left_to_a_person:
            return
        self._run(self.pending, unless=lambda _: False)
        if self.is_left_to_a_person:
            return
        self.nobody_who_said_no_is_mailable()
        assert self.sync.queue == {}
        assert self.sync.plan().writes == ()
        observed = self.sync.brevo.observe()
        for person in self.living.values():
            held = observed[person.email].attributes
            assert LIST in observed[person.email].list_ids
            assert "GONE" not in held or held["GONE"] is False
            for name, value in person.attributes.items():
                if (person.email, name) not in self.edited:
                    assert same(held.get(name), value)
        at_home = {person.email for person in self.living.values()}
        for email, contact in observed.items():
            if email not in at_home:
                assert contact.is_email_blocked
                assert LIST not in contact.list_ids

    # ------------------------------------------------------------ how it is done

    def _run(self, arriving: list[Statement], *, unless: Unless) -> None:
        before = self.sync.brevo.observe()
        plan = self.sync.run(arriving, gets_through=lambda change: not unless(change))
        if any(isinstance(c, Skip) and c.reason is Reason.SWAPPED_ADDRESSES for c in plan.changes):
            # Customers who wait for each other's addresses are left to a person.
            self.is_left_to_a_person = True
        gone = {e for e, c in before.items() if c.id not in self.sync.brevo.contacts}
        self.said_no_emails |= {e for e in gone if before[e].id in self.said_no}
        moved = {
            (after.email, name)
            for email, name in self.edited
            if email in before
            and (after := self.sync.brevo.contacts.get(before[email].id)) is not None
            and after.email is not None
        }
        self.edited |= moved

    def _tell(
        self,
        data: st.DataObject,
        key: str,
        trigger: Trigger,
        *,
        email: Email | None = None,
        may_omit_email: bool = False,
    ) -> None:
        # All is drawn before anything happens, for a draw may end the story.
        mentioned = data.draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=2))
        is_silent = may_omit_email and key != GUEST and data.draw(st.booleans())
        names_previous = key == GUEST or data.draw(st.booleans())
        consent = data.draw(st.none() | st.booleans())
        known = self.living.get(key)
        previous = known.email if known and email and names_previous else None
        person = self.living.setdefault(key, Person(email or EMAILS[0]))
        person.email = email or person.email
        person.attributes |= mentioned
        if key == GUEST and email is not None:
            self.guest_emails.remove(email)
        self._say(
            statement(
                trigger,
                self._now(),
                customer_id=None if key == GUEST else key,
                email=None if is_silent else person.email,
                previous_email=previous,
                attributes=mentioned,
                email_consent=consent,
            )
        )

    def _say(self, said: Statement) -> None:
        self.pending.append(said)

    def _now(self) -> int:
        self.minute += 10
        return self.minute

    def _free_email(self, data: st.DataObject, key: str) -> Email | None:
        if key == GUEST:
            return self.guest_emails[-1] if self.guest_emails else None
        taken = {person.email for person in self.living.values()}
        free = [e for e in EMAILS if e not in taken]
        return self._draw(data, free)

    def _any_contact(self, data: st.DataObject) -> Contact:
        return self.sync.brevo.contacts[
            data.draw(st.sampled_from(sorted(self.sync.brevo.contacts)))
        ]

    @staticmethod
    def _draw(data: st.DataObject, options: list[T]) -> T | None:
        return data.draw(st.sampled_from(options)) if options else None


ShopAndAccount.TestCase.settings = settings(
    max_examples=examples(150),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestShopAndAccount = ShopAndAccount.TestCase
