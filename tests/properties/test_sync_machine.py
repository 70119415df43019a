"""A shop, people at Brevo, crashes and failures in any order: every run keeps the laws."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from customer_sync.core.model import Contact, DeleteBehavior, OnDrift, Resubscribe
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.run.edges import RunOptions
from customer_sync.sandbox import Sandbox
from shop_truth import GUEST, Content, Letter, is_guest
from sync_laws import LIST, OTHER_LIST, UNMAPPED
from sync_stage import EVENTS, EXPORT, Stage, Trouble, open_shop
from thoroughness import examples

T = TypeVar("T")

IDS = ("c1", "c2", "c3")
EMAILS = tuple(f"{name}@example.com" for name in ("ann", "bob", "cay", "dan"))
GUEST_EMAILS = tuple(f"guest{n}@example.net" for n in range(4))
"""A guest is known by the address alone, and gets a new one only if it was never used."""

STRANGERS = tuple(f"stranger{n}@example.org" for n in range(2))
PHONES = ("+12025550101", "+12025550102")

names = st.sampled_from(("Ann", "Bob", "Cay", None))
contents: st.SearchStrategy[Content] = st.fixed_dictionaries(
    {},
    optional={
        "firstName": names,
        "lastName": names,
        "phone": st.sampled_from((*PHONES, None)),
        "acceptsMarketing": st.booleans(),
        "acceptsSmsMarketing": st.booleans(),
    },
)
ages = st.sampled_from((0, 0, 7, 1500))
"""Minutes by which a word on consent is older than the event that tells it."""

deaths = st.integers(min_value=1, max_value=40)
"""The step of a run at which its process ends, if it has so many; at step 0 none does."""

options = st.builds(
    RunOptions,
    route=st.sampled_from(RouteChoice),
    is_refresh=st.booleans(),
    max_deletes=st.just(EVENTS.max_deletes),
)
routes = st.sampled_from(
    (
        "*",
        "POST /contacts",
        "PUT /contacts/{identifier}",
        "DELETE /contacts/{identifier}",
        "POST /contacts/batch",
        "POST /contacts/import",
        "POST /contacts/lists/{listId}/contacts/add",
        "POST /contacts/lists/{listId}/contacts/remove",
        "GET /contacts",
        "GET /contacts/{identifier}",
        "GET /processes",
    )
)
counts = st.integers(min_value=1, max_value=12)
troubles = st.builds(
    Trouble,
    route=routes,
    status=st.sampled_from((400, 401, 429, 500)),
    times=counts,
    after_effect=st.just(value=False),
) | st.builds(
    Trouble,
    route=routes,
    status=st.sampled_from((503, None)),
    times=counts,
    after_effect=st.booleans(),
)


class ShopAndBrevo(RuleBasedStateMachine):
    """Whatever happens in between, a few runs that get through make all of it right."""

    @initialize(
        delete_behavior=st.sampled_from(DeleteBehavior),
        resubscribe=st.sampled_from(Resubscribe),
        on_drift=st.sampled_from(OnDrift),
        first=st.lists(contents, min_size=1, max_size=3),
    )
    def open_the_shop(
        self,
        delete_behavior: DeleteBehavior,
        resubscribe: Resubscribe,
        on_drift: OnDrift,
        first: list[Content],
    ) -> None:
        """Start with an empty account, and with customers whose events are on their way."""
        memory = Path("/dev/shm")
        self.folder = Path(mkdtemp(dir=memory if memory.is_dir() else None))
        self.stage = Stage(open_shop(self.folder, delete_behavior, resubscribe, on_drift))
        self.truth, self.people = self.stage.truth, self.stage.people
        self.guest_emails = [*GUEST_EMAILS]
        for key, email, content in zip(IDS, EMAILS, first, strict=False):
            self.truth.register(key, email, self.stage.later(), content, age=0)

    def teardown(self) -> None:
        """Let everything through, and look at all that there is."""
        if hasattr(self, "stage"):
            try:
                self.stage.heal()
            finally:
                shutil.rmtree(self.folder)

    # ------------------------------------------------------------ the shop

    @rule(data=st.data(), content=contents, age=ages)
    def register(self, data: st.DataObject, content: Content, age: int) -> None:
        """Somebody becomes a customer, for the first time or again."""
        key = _draw(data, [k for k in (*IDS, *self._new_guest()) if k not in self.truth.living])
        email = self._free_email(data, key)
        if key is not None and email is not None:
            self.truth.register(key, email, self.stage.later(), content, age=age)

    @precondition(lambda self: self.truth.living)
    @rule(data=st.data(), content=contents, age=ages, names_address=st.booleans())
    def change(self, data: st.DataObject, content: Content, age: int, names_address: bool) -> None:
        """Fields change, or somebody says yes or no."""
        key = self._any_customer(data)
        self.truth.change(key, self.stage.later(), content, age=age, names_address=names_address)

    @precondition(lambda self: self.truth.living)
    @rule(data=st.data(), names_previous=st.booleans())
    def move(self, data: st.DataObject, names_previous: bool) -> None:
        """Somebody gets another address, perhaps one that another customer has left."""
        key = self._any_customer(data)
        email = self._free_email(data, key)
        if email is not None:
            self.truth.move(key, email, self.stage.later(), names_previous=names_previous)

    @precondition(lambda self: self.truth.living)
    @rule(data=st.data(), names_address=st.booleans())
    def delete(self, data: st.DataObject, names_address: bool) -> None:
        """Somebody is a customer no more."""
        key = self._any_customer(data)
        self.truth.delete(key, self.stage.later(), names_address=names_address)

    # ------------------------------------------------------------ people at Brevo

    @precondition(lambda self: self.people.seen)
    @rule(data=st.data())
    def meddle(self, data: st.DataObject) -> None:
        """Somebody does something to a contact in Brevo."""
        contact = self._any_contact(data)
        match data.draw(st.sampled_from(("edit", "block", "sms", "list", "remove"))):
            case "edit":
                name = data.draw(st.sampled_from(("FIRSTNAME", "LASTNAME", UNMAPPED)))
                self._edit(contact, name, data.draw(st.sampled_from(("Edited", "Other", ""))))
            case "block":
                self._block(contact)
            case "sms":
                self._block_sms(contact)
            case "list":
                self._leave_list(contact, is_by_mail=data.draw(st.booleans()))
            case _:
                self._remove(contact)

    def _edit(self, contact: Contact, name: str, value: str) -> None:
        """Write to a mapped field, or to what is none of the program's business."""
        body: Content = {"attributes": {name: value}}
        if name == UNMAPPED:
            body["listIds"] = [OTHER_LIST]
        else:
            self.people.edits.setdefault((contact.id, name), set()).add(value or None)
        self.stage.edit(contact, body)

    def _block(self, contact: Contact) -> None:
        """Somebody follows the link in a mail; whoever is blocked subscribes again by a form."""
        if contact.is_email_blocked:
            self.people.blocked.discard(contact.id)
            self.people.unblocked.add(contact.id)
        else:
            if not self.stage.is_reopened_unseen(contact):
                self.people.blocked.add(contact.id)
            self.people.noes |= self.people.ever_of(contact.id)
            self.people.unblocked.discard(contact.id)
        self.stage.edit(contact, {"emailBlacklisted": not contact.is_email_blocked})

    def _block_sms(self, contact: Contact) -> None:
        """Somebody answers STOP; whoever did, START."""
        if contact.is_sms_blocked:
            self.people.sms_blocked.discard(contact.id)
            self.people.sms_unblocked.add(contact.id)
        else:
            if not self.stage.is_reopened_unseen(contact):
                self.people.sms_blocked.add(contact.id)
            self.people.noes |= self.people.ever_of(contact.id)
            self.people.sms_unblocked.discard(contact.id)
        self.stage.edit(contact, {"smsBlacklisted": not contact.is_sms_blocked})

    def _leave_list(self, contact: Contact, *, is_by_mail: bool) -> None:
        """Somebody leaves the list by a link, or is taken off it by hand."""
        if LIST not in contact.list_ids or contact.email is None:
            return
        if not is_by_mail:
            self.people.unlisted |= self.people.ever_of(contact.id)
            self.stage.edit(contact, {"unlinkListIds": [LIST]})
            return
        email = contact.email
        self.people.left.add(contact.id)
        self.people.unlisted |= self.people.ever_of(contact.id)
        self.stage.act(lambda sandbox: sandbox.unsubscribe(email, LIST))

    def _remove(self, contact: Contact) -> None:
        """Somebody deletes a contact in Brevo."""
        if contact.email is None:
            return
        email = contact.email
        self.people.was_removed(email, contact, self.stage.known_blocks(contact))
        self.stage.act(lambda sandbox: sandbox.remove(email))

    @rule(data=st.data(), is_blocked=st.booleans(), is_listed=st.booleans())
    def make(self, data: st.DataObject, is_blocked: bool, is_listed: bool) -> None:
        """A form, an import or another program makes a contact, at a customer's address even."""
        email = data.draw(st.sampled_from((*EMAILS, *STRANGERS)))
        if email in self.people.seen:
            return
        body: Content = {
            "attributes": {"FIRSTNAME": "Made", UNMAPPED: "kept"},
            "emailBlacklisted": is_blocked,
            "listIds": [OTHER_LIST, LIST] if is_listed else [OTHER_LIST],
        }

        def make(sandbox: Sandbox) -> None:
            sandbox.make(email, body)

        self.stage.act(make)
        made = self.people.seen[email]
        self.people.made[made.id] = made
        self.people.edits[made.id, "FIRSTNAME"] = {"Made"}
        if is_blocked:
            self.people.blocked.add(made.id)

    # ------------------------------------------------------------ runs

    @rule(data=st.data(), options=options)
    def run(self, data: st.DataObject, options: RunOptions) -> None:
        """Some of what the shop told arrives, with things heard before, in any order."""
        mail, letters = self._mail(data)
        self.stage.run(mail, letters, options)

    @rule(data=st.data(), options=options, death=deaths)
    def run_to_its_death(self, data: st.DataObject, options: RunOptions, death: int) -> None:
        """The process of a run ends; its source is read again one day."""
        mail, letters = self._mail(data)
        self.stage.run(mail, letters, options, death=death)

    @rule(data=st.data(), options=options, trouble=troubles, death=st.just(0) | deaths)
    def run_into_trouble(
        self, data: st.DataObject, options: RunOptions, trouble: Trouble, death: int
    ) -> None:
        """Requests of a run fail, whether or not they took effect."""
        mail, letters = self._mail(data)
        self.stage.run(mail, letters, options, death=death, trouble=trouble)

    @rule(death=st.just(0) | deaths, trouble=st.none() | troubles)
    def run_export(self, death: int, trouble: Trouble | None) -> None:
        """A complete export arrives: whoever it does not list is gone."""
        rows = self.truth.export(self.stage.later())
        self.truth.is_exported()
        self.stage.run(rows, options=EXPORT, death=death, trouble=trouble)

    @rule(data=st.data(), is_edited=st.booleans())
    def run_and_undo(self, data: st.DataObject, is_edited: bool) -> None:
        """A run was a mistake, and is undone, perhaps after somebody edited a contact."""
        mail, letters = self._mail(data)
        if not mail or self.stage.waiting():
            return

        def between() -> None:
            if is_edited and self.people.seen:
                self._edit(self._any_contact(data), "FIRSTNAME", "Edited")

        self.stage.run_and_undo(mail, letters, between)

    @rule(hours=st.sampled_from((1, 30)))
    def wait(self, hours: int) -> None:
        """Time passes: what failed is due again, the picture of the account gets old."""
        self.stage.shop.clock.advance(hours * 3600)

    # ------------------------------------------------------------ drawing

    def _mail(self, data: st.DataObject) -> tuple[Sequence[Content], list[Letter]]:
        waiting = sorted(self.truth.pending)
        wanted = data.draw(st.lists(st.sampled_from(waiting), unique=True)) if waiting else []
        letters = self.truth.post(wanted)
        again = [n for n, letter in self.truth.told.items() if not is_guest(letter.key)]
        twice = data.draw(st.lists(st.sampled_from(again), max_size=2)) if again else []
        mail = [*(o.event for o in letters), *(self.truth.told[n].event for n in twice)]
        return data.draw(st.permutations(mail)), letters

    def _new_guest(self) -> list[str]:
        """Return a name for a guest, unless there is one: whoever comes back is another person."""
        if any(map(is_guest, self.truth.living)):
            return []
        return [f"{GUEST}{len(self.truth.people)}"]

    def _any_customer(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.truth.living)))

    def _any_contact(self, data: st.DataObject) -> Contact:
        return self.people.seen[data.draw(st.sampled_from(sorted(self.people.seen)))]

    def _free_email(self, data: st.DataObject, key: str | None) -> str | None:
        if key is not None and is_guest(key):
            return self.guest_emails.pop() if self.guest_emails else None
        return _draw(data, self.truth.free(EMAILS))


def _draw(data: st.DataObject, options: Sequence[T]) -> T | None:
    return data.draw(st.sampled_from(options)) if options else None


ShopAndBrevo.TestCase.settings = settings(
    max_examples=examples(20),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestShopAndBrevo = ShopAndBrevo.TestCase
