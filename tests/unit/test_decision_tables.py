"""Each row of the tables in docs/consent.md, decided by the planner alone."""

import itertools
from collections.abc import Mapping

import pytest

from builders import JANE, confirmed, contact, customer, said
from customer_sync.core.changes.diff import diff
from customer_sync.core.changes.suppression import NOBODY, Suppressed
from customer_sync.core.model import (
    Change,
    Confirmed,
    Contact,
    ContactPatch,
    Create,
    Customer,
    OnDrift,
    Policy,
    Resubscribe,
    Skip,
    Update,
    Value,
)
from decision_tables import (
    CONSENT,
    DRIFT,
    LIST,
    NONE,
    ConsentRow,
    DriftRow,
    ListRow,
    words,
)

FIVE = 5
VALUES: Mapping[str, Value] = {"A": "a", "B": "b", "C": "c", "empty": None}
NO = False
NEWER, OLDER, OUR_BLOCK = 9, 3, 5
"""When a yes was said, and when the no for which we set the block."""


def planned(
    desired: Customer,
    held: Contact | None,
    known: Confirmed | None,
    policy: Policy,
    suppressed: Suppressed = NOBODY,
) -> Change:
    """Return what is to be done about Jane."""
    (change,) = diff(
        {JANE: desired},
        {JANE: held} if held else {},
        {JANE: known} if known else {},
        policy,
        suppressed,
    )
    return change


def patch(change: Change) -> ContactPatch:
    """Return what a change writes; nothing where it leaves the contact alone."""
    return change.patch if isinstance(change, Create | Update) else ContactPatch()


def remarked(change: Change) -> str:
    """Return what a change notes, as the tables say it."""
    if isinstance(change, Skip):
        return change.reason.name.lower()
    return ", ".join(map(words, change.notes)) or NONE


# ---------------------------------------------------------------- consent


@pytest.mark.parametrize("channel", ["mail", "sms"])
@pytest.mark.parametrize("row", CONSENT, ids=str)
def test_consent_is_decided_as_the_page_says(row: ConsentRow, channel: str) -> None:
    """Whatever `resubscribe` says, where the row holds for either."""
    for policy in row.policies:
        change = _decided(row, channel, Policy(resubscribe=Resubscribe(policy)))
        assert remarked(change) == row.note
        assert _afterwards(row, channel, change) == row.afterwards


def _decided(row: ConsentRow, channel: str, policy: Policy) -> Change:
    minute = {"older": OLDER}.get(row.said, NEWER)
    consent = None if row.shop == "nothing" else said(row.shop == "yes", minute)
    is_mail = channel == "mail"
    desired = customer(
        minute=10,
        email_consent=consent if is_mail else None,
        sms_consent=None if is_mail else consent,
    )
    held = None
    if row.holds != "no contact":
        blocked = row.holds == "blocked"
        held = contact(email_blocked=blocked and is_mail, sms_blocked=blocked and not is_mail)
    known = None if row.block == "erased" or row.holds == "no contact" else confirmed(minute=4)
    if row.block == "ours":
        no = said(NO, OUR_BLOCK)
        known = confirmed(
            minute=OUR_BLOCK,
            email_consent=no if is_mail else None,
            sms_consent=None if is_mail else no,
            email_blocked=OUR_BLOCK if is_mail else None,
            sms_blocked=None if is_mail else OUR_BLOCK,
        )
    elif row.block == "theirs" and held is None:
        known = confirmed(minute=4)
    remembered = frozenset({JANE}) if row.block in {"ours", "theirs"} else frozenset()
    suppressed = Suppressed(
        mail=remembered if is_mail else frozenset(),
        sms=frozenset() if is_mail else remembered,
        erased=frozenset({JANE}) if row.block == "erased" else frozenset(),
    )
    return planned(desired, held, known, policy, suppressed=suppressed)


def _afterwards(row: ConsentRow, channel: str, change: Change) -> str:
    if row.holds == "no contact" and not isinstance(change, Create):
        return NONE
    written = patch(change)
    flag = written.email_blocked if channel == "mail" else written.sms_blocked
    is_blocked = row.holds == "blocked" if flag is None else flag
    return "blocked" if is_blocked else "mailable"


# ---------------------------------------------------------------- edits in Brevo


@pytest.mark.parametrize("row", DRIFT, ids=str)
def test_edits_in_brevo_are_decided_as_the_page_says(row: DriftRow) -> None:
    """Whatever `on_drift` says, where the row holds for either."""
    attributes = {} if row.shop == "nothing" else {"CITY": VALUES[row.shop]}
    held = {name: value for name, value in [("CITY", VALUES[row.holds])] if value is not None}
    wrote = {} if row.wrote == "never" else {"CITY": VALUES[row.wrote]}
    for on_drift in row.policies:
        change = planned(
            customer(minute=2, attributes=attributes),
            contact(attributes=held),
            confirmed(attributes=wrote),
            Policy(on_drift=OnDrift(on_drift)),
        )
        assert remarked(change) == row.note
        assert {**held, **patch(change).attributes}.get("CITY") == VALUES[row.afterwards]


@pytest.mark.parametrize("row", LIST, ids=str)
def test_the_list_is_decided_as_the_page_says(row: ListRow) -> None:
    """Whatever `on_drift` says, where the row holds for either."""
    is_gone = row.holds == "left, then deleted"
    held = contact(
        lists=[FIVE] if row.holds == "on" else [],
        left_lists=[FIVE] if row.holds == "left" else [],
    )
    suppressed = Suppressed(left={JANE: frozenset({FIVE})} if is_gone else {})
    for on_drift in row.policies:
        change = planned(
            customer(minute=2),
            None if is_gone else held,
            confirmed(is_listed=row.put == "yes"),
            Policy(list_id=FIVE, on_drift=OnDrift(on_drift)),
            suppressed,
        )
        assert remarked(change) == row.note
        is_on = FIVE in held.list_ids | patch(change).add_lists
        assert ("on" if is_on else "off" if is_gone else row.holds) == row.afterwards


# ---------------------------------------------------------------- the page itself


def test_the_table_of_consent_leaves_nothing_open() -> None:
    """Every combination that can be is in it, and once only."""
    ours = {("yes", said_, "ours") for said_ in ("newer", "older")}
    blocks = {(shop, NONE, block) for shop in ("no", "nothing") for block in ("ours", "theirs")}
    blocks |= ours | {("yes", NONE, "theirs")}
    bare = {(shop, NONE, NONE) for shop in ("no", "yes", "nothing")}
    erased = {(shop, NONE, "erased") for shop in ("no", "yes", "nothing")}
    wanted = {
        *((shop, said_, "mailable", block) for shop, said_, block in bare | erased),
        *((shop, said_, "blocked", block) for shop, said_, block in blocks),
        *((shop, said_, "no contact", block) for shop, said_, block in blocks | bare | erased),
    }
    listed = [(r.shop, r.said, r.holds, r.block, policy) for r in CONSENT for policy in r.policies]
    assert len(listed) == len(set(listed))
    assert set(listed) == {
        (*combination, policy)
        for combination, policy in itertools.product(wanted, ("never", "newer"))
    }
