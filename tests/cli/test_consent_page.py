"""Each row of the tables in docs/consent.md, as runs against the emulator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from customer_sync.core.model import Change, Contact, Email, Skip
from customer_sync.persons.erasure import erase
from customer_sync.run.edges import RunOptions
from customer_sync.run.pipeline import Planned
from customer_sync.target import Connection
from decision_tables import CONSENT, DRIFT, LIST, NONE, ConsentRow, DriftRow, ListRow, words
from session_stage import Shop, event

CHANNELS = {"mail": "acceptsMarketing", "sms": "acceptsSmsMarketing"}
BLOCKS = {"mail": "emailBlacklisted", "sms": "smsBlacklisted"}
VALUES = {"A": "Ann", "B": "Bea", "C": "Cia", "empty": ""}

MADE, BLOCKED, SEEN, LAST = (f"2024-01-15T{hour:02}:00:00Z" for hour in (10, 11, 12, 13))
SAID = {"newer": LAST, "older": "2024-01-15T10:30:00Z", NONE: LAST}


@dataclass(slots=True)
class Ending:
    """What the last run planned, what Brevo held after it, and what was left to do."""

    plan: dict[Email | None, Change] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    left: int = 0

    def remarks(self, email: str) -> str:
        """Return what the run remarked about somebody, as the tables say it."""
        change = self.plan[Email(email)]
        if isinstance(change, Skip):
            return change.reason.name.lower()
        return ", ".join(map(words, change.notes)) or NONE


def finish(shop: Shop, events: list[dict[str, object]]) -> Ending:
    """Run *events*, with a look at all of Brevo, see what it holds then, and run them again.

    It happens long enough after whatever people did in Brevo for its listings to know.
    """
    ending = Ending()
    shop.clock.advance(3600)

    def keep(planned: Planned) -> None:
        ending.plan = {
            c.email if isinstance(c, Skip) else c.customer.email: c for c in planned.plan.changes
        }

    shop.run(*events, on_planned=keep, options=RunOptions(is_refresh=True))
    ending.contacts = shop.contacts()
    again = shop.run(*events)
    ending.left = again.plan.create + again.plan.update + again.plan.delete
    return ending


def remembered(make: Callable[[Path, str], Ending], tmp: Path) -> Callable[[str], Ending]:
    """Return *make*, done once for each policy."""
    endings: dict[str, Ending] = {}

    def ending(policy: str) -> Ending:
        if policy not in endings:
            folder = tmp / policy
            folder.mkdir()
            endings[policy] = make(folder, policy)
        return endings[policy]

    return ending


# ---------------------------------------------------------------- consent


@dataclass(frozen=True, slots=True)
class Case:
    """A row, as the story of one customer."""

    row: ConsentRow
    channel: str
    number: int

    @property
    def email(self) -> str:
        """The customer's address."""
        return f"p{self.number}@example.com"

    @property
    def existed(self) -> bool:
        """There was a contact before the last run."""
        return self.row.holds != "no contact" or self.row.block != NONE

    def says(self, *, yes: bool, at: str) -> dict[str, object]:
        """Return the event by which the shop tells of consent."""
        consent = {CHANNELS[self.channel]: yes, "acceptsMarketingUpdatedAt": at}
        return event("updated", self.number, at=LAST if at != BLOCKED else at, **consent)

    def last(self) -> dict[str, object]:
        """Return what the shop says in the end."""
        if self.row.shop == "nothing":
            return event("updated", self.number, at=LAST, lastName="Last")
        return self.says(yes=self.row.shop == "yes", at=SAID[self.row.said])


CASES = [
    Case(row, channel, number)
    for number, (row, channel) in enumerate((r, c) for c in CHANNELS for r in CONSENT)
]


def consent_stories(folder: Path, resubscribe: str) -> Ending:
    """Let every customer's story happen at one shop, up to its end."""
    shop = Shop(folder, options=f"resubscribe: {resubscribe}")
    existing = [case for case in CASES if case.existed]
    shop.run(*(event("created", c.number, at=MADE, firstName="First") for c in existing))
    shop.run(*(c.says(yes=False, at=BLOCKED) for c in CASES if c.row.block == "ours"))
    with shop.sandbox() as sandbox:
        for case in CASES:
            if case.row.block == "theirs":
                sandbox.edit(case.email, {BLOCKS[case.channel]: True})
    shop.run(*(event("updated", c.number, at=SEEN, firstName="Seen") for c in existing))
    for case in CASES:
        if case.row.block == "erased":
            forget(shop, case.email)
    with shop.sandbox() as sandbox:
        for case in existing:
            if case.row.block == "erased" and case.row.holds != "no contact":
                sandbox.make(case.email, {})
            elif case.row.block != "erased" and case.row.holds == "no contact":
                sandbox.remove(case.email)
    return finish(shop, [case.last() for case in CASES])


def forget(shop: Shop, email: str) -> None:
    """Erase somebody."""
    erase(
        Connection(config=shop.config, state=shop.state, environ={}),
        Email(email),
        run_id=f"erase-{email}",
        shown_as="somebody",
        confirm=lambda _preview: None,
    )


@pytest.fixture(scope="module")
def consents(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ending]:
    """Return how the stories end under each policy."""
    return remembered(consent_stories, tmp_path_factory.mktemp("consent"))


@pytest.mark.parametrize("policy", ["never", "newer"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.channel}/{c.row}")
def test_consent_ends_as_the_page_says(
    case: Case, policy: str, consents: Callable[[str], Ending]
) -> None:
    """A customer and a contact with a past, one more run, and what Brevo holds then."""
    if policy not in case.row.policies:
        return
    ending = consents(policy)
    contact = ending.contacts.get(case.email)
    if contact is None:
        assert case.row.afterwards == NONE
    else:
        is_blocked = contact.is_email_blocked if case.channel == "mail" else contact.is_sms_blocked
        assert ("blocked" if is_blocked else "mailable") == case.row.afterwards
    assert ending.remarks(case.email) == case.row.note


@pytest.mark.parametrize("policy", ["never", "newer"])
def test_the_run_after_the_last_has_nothing_left_to_do(
    policy: str, consents: Callable[[str], Ending]
) -> None:
    """Whatever was decided is decided for good."""
    assert consents(policy).left == 0


# ---------------------------------------------------------------- edits in Brevo


def drift_stories(folder: Path, on_drift: str) -> Ending:
    """Let every field's story happen, each to a customer of its own."""
    shop = Shop(folder, options=f"on_drift: {on_drift}")
    written = [(n, row) for n, row in enumerate(DRIFT) if row.wrote != "never"]
    shop.run(*(event("created", n, at=MADE, firstName=VALUES[row.wrote]) for n, row in written))
    with shop.sandbox() as sandbox:
        for number, row in enumerate(DRIFT):
            if row.wrote == "never":
                sandbox.make(f"p{number}@example.com", {})
            if row.holds != row.wrote:
                body = {"attributes": {"FIRSTNAME": VALUES[row.holds]}}
                sandbox.edit(f"p{number}@example.com", body)
    return finish(shop, [_last_word(n, row) for n, row in enumerate(DRIFT)])


def _last_word(number: int, row: DriftRow) -> dict[str, object]:
    said = {} if row.shop == "nothing" else {"firstName": VALUES[row.shop] or None}
    return event("updated", number, at=LAST, **said)


@pytest.fixture(scope="module")
def drifts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ending]:
    """Return how the stories end under each policy."""
    return remembered(drift_stories, tmp_path_factory.mktemp("drift"))


@pytest.mark.parametrize("policy", ["source", "brevo"])
@pytest.mark.parametrize("number", range(len(DRIFT)), ids=lambda n: str(DRIFT[n]))
def test_edits_end_as_the_page_says(
    number: int, policy: str, drifts: Callable[[str], Ending]
) -> None:
    """A field that three parties have an opinion on."""
    row = DRIFT[number]
    if policy not in row.policies:
        return
    ending = drifts(policy)
    held = ending.contacts[f"p{number}@example.com"].attributes.get("FIRSTNAME", "")
    assert held == VALUES[row.afterwards]
    assert ending.remarks(f"p{number}@example.com") == row.note
    assert ending.left == 0


def list_stories(folder: Path, on_drift: str) -> Ending:
    """Let every membership's story happen, each to a customer of its own."""
    shop = Shop(folder, options=f"on_drift: {on_drift}")
    put = [n for n, row in enumerate(LIST) if row.put == "yes"]
    shop.run(*(event("created", n, at=MADE) for n in put))
    with shop.sandbox() as sandbox:
        for number, row in enumerate(LIST):
            email = f"p{number}@example.com"
            if row.put == "never":
                sandbox.make(email, {"listIds": [5] if row.holds != "off" else []})
            if row.holds.startswith("left"):
                sandbox.unsubscribe(email, 5)
            elif row.holds == "off" and row.put == "yes":
                sandbox.edit(email, {"unlinkListIds": [5]})
    gone = [n for n, row in enumerate(LIST) if row.holds == "left, then deleted"]
    shop.run(*(event("updated", n, at=SEEN) for n in gone))
    with shop.sandbox() as sandbox:
        for number in gone:
            sandbox.remove(f"p{number}@example.com")
    return finish(shop, [event("updated", n, at=LAST) for n in range(len(LIST))])


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ending]:
    """Return how the stories end under each policy."""
    return remembered(list_stories, tmp_path_factory.mktemp("lists"))


@pytest.mark.parametrize("policy", ["source", "brevo"])
@pytest.mark.parametrize("number", range(len(LIST)), ids=lambda n: str(LIST[n]))
def test_membership_ends_as_the_page_says(
    number: int, policy: str, lists: Callable[[str], Ending]
) -> None:
    """The list that customers belong to, and those who do not want it."""
    row: ListRow = LIST[number]
    if policy not in row.policies:
        return
    ending = lists(policy)
    contact = ending.contacts[f"p{number}@example.com"]
    off = "left" if 5 in contact.unsubscribed_list_ids else "off"
    assert ("on" if 5 in contact.list_ids else off) == row.afterwards
    assert ending.remarks(f"p{number}@example.com") == row.note
    assert ending.left == 0
