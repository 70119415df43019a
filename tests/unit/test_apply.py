"""What applying promises: one outcome for every change, whatever the writer does."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from msgspec import structs

from builders import contact, create, hard_delete, rename, soft_delete, update
from customer_sync.core.model import (
    Applied,
    Contact,
    ContactId,
    ContactPatch,
    Create,
    Deferred,
    Email,
    Failed,
    Update,
    Write,
)
from customer_sync.core.plan import Plan
from customer_sync.core.requests.bill import Route
from customer_sync.core.requests.routes import RouteChoice, route_plan
from customer_sync.errors import (
    BatchRejected,
    BrevoAuthError,
    BrevoRejected,
    BrevoUnavailable,
    BrokenOff,
    StoreError,
)
from customer_sync.run.apply import FAILURES_IN_A_ROW, StopSign, apply
from customer_sync.run.writing import ContactWriter
from customer_sync.trouble import Code
from fakes import ListJournal, MemoryAccount, Rule, Trouble, Troubled


def people(count: int) -> tuple[MemoryAccount, list[Update]]:
    """Return an account with so many contacts, and an update for each."""
    updates = [update(f"p{n:04}@example.com", number=n) for n in range(1, count + 1)]
    return MemoryAccount.of(*(u.before for u in updates)), updates


def carry_out(
    changes: Sequence[Write],
    writer: ContactWriter,
    *,
    choice: RouteChoice = RouteChoice.AUTO,
    stop: StopSign | None = None,
    journal: ListJournal | None = None,
    in_flight: int = 4,
    batch_size: int = 1000,
) -> ListJournal:
    """Apply *changes* by the routes that a plan of them takes."""
    journal = journal or ListJournal()
    routing = route_plan(
        Plan(changes=tuple(changes)),
        choice=choice,
        batch_size=batch_size,
        cut=lambda changes: iter([len(changes)] if changes else []),
    )
    asyncio.run(apply(routing.phases, writer, journal, stop or StopSign(), in_flight=in_flight))
    return journal


def always(trouble: Trouble) -> Rule:
    """Return the rule that every request fails alike."""
    return lambda request, number, subject: trouble


def every_kind() -> tuple[MemoryAccount, list[Write]]:
    """Return an account and a plan with every kind of change."""
    changes: list[Write] = [
        rename("old@example.com", "new@example.com", number=1),
        rename("blocked@example.com", "moved@example.com", number=2, email_blocked=True),
        create("c1@example.com"),
        create("c2@example.com"),
        *(update(f"u{n}@example.com", number=n) for n in range(3, 8)),
        soft_delete("s1@example.com", number=8),
        soft_delete("s2@example.com", number=9),
        hard_delete("h1@example.com", number=10),
    ]
    held = [change.before for change in changes if not isinstance(change, Create)]
    return MemoryAccount.of(*held), changes


def outcomes_by_email(journal: ListJournal) -> list[Email]:
    """Return whom the outcomes are about, in order of address."""
    return sorted(o.change.customer.email for o in journal.outcomes)


# ---------------------------------------------------------------- all goes well


@pytest.mark.parametrize("choice", RouteChoice)
def test_every_kind_of_change_is_applied_once(choice: RouteChoice) -> None:
    """By whatever route, Brevo ends up as the plan says."""
    account, changes = every_kind()
    journal = carry_out(changes, account, choice=choice)
    assert journal.applied == sorted(c.customer.email for c in changes)
    held = account.by_email
    assert held.keys() >= {"new@example.com", "moved@example.com", "c1@example.com"}
    assert "h1@example.com" not in held
    assert held[Email("moved@example.com")].is_email_blocked
    assert held[Email("s1@example.com")].is_email_blocked
    assert held[Email("u3@example.com")].attributes == {"FIRSTNAME": "Jane"}


def test_a_created_contact_tells_its_number() -> None:
    """A creation of a contact that existed tells none."""
    account = MemoryAccount.of(contact("known@example.com", number=7))
    journal = carry_out([create("known@example.com"), create("new@example.com")], account)
    numbers = {o.change.customer.email: o for o in journal.outcomes}
    known, new = numbers[Email("known@example.com")], numbers[Email("new@example.com")]
    assert isinstance(known, Applied)
    assert isinstance(new, Applied)
    assert known.contact_id is None
    assert new.contact_id == 8


@pytest.mark.parametrize("in_flight", [1, 3, 8])
def test_no_more_requests_are_under_way_than_allowed(in_flight: int) -> None:
    """The limit is reached and never passed."""
    account, updates = people(30)
    carry_out(updates, account, choice=RouteChoice.SINGLE, in_flight=in_flight)
    assert account.most_in_flight == in_flight


# ---------------------------------------------------------------- one bad row


def test_a_row_that_brevo_refuses_fails_alone() -> None:
    """A batch that is refused without a reason is halved until the culprit is found."""
    account, updates = people(50)
    bad = ContactId(37)

    def rule(request: str, number: int, subject: object) -> Trouble:
        if request == "update_batch" and isinstance(subject, tuple) and bad in subject:
            return BatchRejected("something is wrong", trouble=Code.REQUEST_REFUSED, status=400)
        if request == "update" and subject == bad:
            return BrevoRejected(
                "wrong value", trouble=Code.REQUEST_REFUSED, status=400, code="invalid_parameter"
            )
        return None

    journal = carry_out(updates, Troubled(inner=account, rule=rule))
    assert journal.failed == ["p0037@example.com"]
    assert len(journal.applied) == 49
    assert account.requests["PUT"] + account.requests["BATCH"] < 20


def test_contacts_that_are_gone_are_made_anew_and_the_rest_is_kept() -> None:
    """A batch that names unknown positions goes without them; they become creations."""
    account, updates = people(40)
    account.remove("p0003@example.com")
    account.remove("p0039@example.com")
    journal = carry_out(updates, account)
    assert len(journal.applied) == 40
    assert account.by_email[Email("p0003@example.com")].id > 40
    assert len(account.held) == 40


def test_a_contact_that_is_gone_comes_back_with_its_block() -> None:
    """Nobody becomes mailable because a contact was deleted at Brevo meanwhile."""
    change = update("jane@example.com", before=contact(email_blocked=True, sms_blocked=True))
    account = MemoryAccount()
    carry_out([change], account)
    recreated = account.by_email[Email("jane@example.com")]
    assert recreated.is_email_blocked
    assert recreated.is_sms_blocked


def test_many_unknown_contacts_named_one_at_a_time_are_all_found() -> None:
    """However deep a batch is split, every row gets its outcome."""
    account, updates = people(600)

    def rule(request: str, number: int, subject: object) -> Trouble:
        if request == "update_batch":
            return BatchRejected("unknown", trouble=Code.REQUEST_REFUSED, status=404, unknown=(0,))
        return None

    journal = carry_out(updates, Troubled(inner=account, rule=rule))
    assert len(journal.applied) == 600


@pytest.mark.parametrize("unknown", [(5, 99), (-1,), (0, 0), (99,)])
def test_positions_that_make_no_sense_lose_nobody(unknown: tuple[int, ...]) -> None:
    """Whatever positions Brevo names, every change has one outcome."""
    account, updates = people(10)

    def rule(request: str, number: int, subject: object) -> Trouble:
        refused = BatchRejected(
            "unknown", trouble=Code.REQUEST_REFUSED, status=404, unknown=unknown
        )
        return refused if request == "update_batch" else None

    journal = carry_out(updates, Troubled(inner=account, rule=rule))
    assert journal.applied == [u.customer.email for u in updates]


def test_a_soft_deletion_of_nobody_is_done() -> None:
    """Whoever is gone altogether is deleted more than softly, and has no number any more."""
    journal = carry_out([soft_delete()], MemoryAccount())
    (outcome,) = journal.outcomes
    assert isinstance(outcome, Applied)
    assert outcome.contact_id is None


def test_a_hard_deletion_of_nobody_is_done() -> None:
    """404 counts as done, and is told apart from a deletion that did something."""
    (nobody,) = carry_out([hard_delete()], MemoryAccount()).outcomes
    assert nobody == Applied(change=hard_delete(), contact_id=None)
    (somebody,) = carry_out([hard_delete()], MemoryAccount.of(contact())).outcomes
    assert somebody == Applied(change=hard_delete(), contact_id=contact().id)


# ---------------------------------------------------------------- phones


def phone_update(patch: ContactPatch) -> tuple[MemoryAccount, Update]:
    """Return an account where somebody else has +12025550101, and an update that wants it."""
    owner = contact("owner@example.com", number=1, attributes={"SMS": "+12025550101"})
    change = update("jane@example.com", number=7, patch=patch)
    return MemoryAccount.of(owner, change.before), change


@pytest.mark.parametrize("others", [0, 1])
def test_a_phone_of_another_contact_is_left_out(others: int) -> None:
    """The rest is written, alone or in a batch, and the outcome says what was left out."""
    patch = ContactPatch(attributes={"SMS": "+12025550101", "FIRSTNAME": "Jane"})
    account, change = phone_update(patch)
    rest = [update(f"p{n}@example.com", number=20 + n) for n in range(others)]
    account.held |= {u.before.id: u.before for u in rest}
    journal = carry_out([change, *rest], account)
    refused = [o.refused for o in journal.outcomes if isinstance(o, Applied) and o.refused]
    assert refused == [{"SMS": "+12025550101"}]
    assert account.by_email[Email("jane@example.com")].attributes == {"FIRSTNAME": "Jane"}
    assert len(journal.applied) == 1 + others


def test_a_creation_leaves_out_every_phone_of_another() -> None:
    """Brevo may name one conflict after the other."""
    account = MemoryAccount.of(
        contact("a@example.com", number=1, attributes={"SMS": "+12025550101"}),
        contact("b@example.com", number=2, attributes={"WHATSAPP": "+12025550102"}),
    )
    attributes = {"SMS": "+12025550101", "WHATSAPP": "+12025550102", "FIRSTNAME": "Jane"}
    change = create("jane@example.com", patch=ContactPatch(attributes=dict(attributes)))
    (outcome,) = carry_out([change], account).outcomes
    assert isinstance(outcome, Applied)
    assert outcome.refused.keys() == {"SMS", "WHATSAPP"}
    assert account.by_email[Email("jane@example.com")].attributes == {"FIRSTNAME": "Jane"}


def test_nothing_is_sent_where_only_a_foreign_phone_was_to_be_written() -> None:
    """A request that writes nothing is not made."""
    account, change = phone_update(ContactPatch(attributes={"SMS": "+12025550101"}))
    (outcome,) = carry_out([change], account).outcomes
    assert isinstance(outcome, Applied)
    assert account.requests == {"PUT": 1}


def test_an_address_of_another_contact_fails_the_rename() -> None:
    """Only phones can be left out; an address is who somebody is."""
    account = MemoryAccount.of(
        contact("old@example.com", number=1), contact("taken@example.com", number=2)
    )
    journal = carry_out([rename("old@example.com", "taken@example.com", number=1)], account)
    assert journal.failed == ["taken@example.com"]
    assert account.held[ContactId(1)].email == "old@example.com"


# ---------------------------------------------------------------- blocks and renames


@pytest.mark.parametrize(("losses", "holds"), [(0, True), (1, True)])
def test_a_rename_keeps_the_block(losses: int, holds: bool) -> None:
    """A block that did not survive is set again, and looked at again."""
    change = rename("old@example.com", "new@example.com", email_blocked=True)
    account = replace(MemoryAccount.of(change.before), loses_blocks=losses)
    journal = carry_out([change], account)
    assert journal.applied == ["new@example.com"]
    assert account.by_email[Email("new@example.com")].is_email_blocked is holds
    assert account.requests["GET"] == 1 + losses


@pytest.mark.parametrize("losses", [0, 1])
def test_a_block_that_a_rename_sets_first_is_looked_at_too(losses: int) -> None:
    """Whoever may be mailed until then, and said no where the contact goes, may not after that."""
    plain = rename("old@example.com", "new@example.com")
    change = structs.replace(plain, patch=structs.replace(plain.patch, email_blocked=True))
    account = replace(MemoryAccount.of(change.before), loses_blocks=losses)
    assert carry_out([change], account).applied == ["new@example.com"]
    assert account.by_email[Email("new@example.com")].is_email_blocked
    assert account.requests["GET"] == 1 + losses


def test_a_rename_that_lifts_the_block_lifts_it() -> None:
    """What newer consent has lifted is not set again for the sake of the new address."""
    change = rename("old@example.com", "new@example.com", email_blocked=True)
    lifted = structs.replace(change, patch=structs.replace(change.patch, email_blocked=False))
    account = MemoryAccount.of(change.before)
    assert carry_out([lifted], account).applied == ["new@example.com"]
    assert account.requests["GET"] == 0
    assert not account.by_email[Email("new@example.com")].is_email_blocked


def test_a_block_that_cannot_be_held_is_a_failure() -> None:
    """Nobody is told that all is well while a person who said no may be mailed."""
    change = rename("old@example.com", "new@example.com", email_blocked=True)

    class Forgetful(MemoryAccount):
        def _patched(self, known: Contact, patch: ContactPatch) -> Contact:
            patched = super()._patched(known, patch)
            return structs.replace(patched, is_email_blocked=False)

    account = Forgetful(held={change.before.id: change.before})
    (outcome,) = carry_out([change], account).outcomes
    assert isinstance(outcome, Failed)
    assert "block" in outcome.detail


def test_the_last_attempt_to_hold_a_block_is_looked_at_too() -> None:
    """What was written is believed only once it was read."""
    change = rename("old@example.com", "new@example.com", email_blocked=True)
    blocks = iter([False, False, True])

    class Reluctant(MemoryAccount):
        def _patched(self, known: Contact, patch: ContactPatch) -> Contact:
            patched = super()._patched(known, patch)
            return structs.replace(patched, is_email_blocked=next(blocks))

    account = Reluctant(held={change.before.id: change.before})
    assert carry_out([change], account).applied == ["new@example.com"]


@pytest.mark.parametrize(
    "trouble",
    [
        BrevoUnavailable("503", trouble=Code.BREVO_UNAVAILABLE),
        BrevoRejected("wrong", trouble=Code.REQUEST_REFUSED, status=400),
    ],
)
def test_nobody_is_written_into_the_contact_of_the_person_before(trouble: Trouble) -> None:
    """Whoever is to get an address waits as long as its contact could not be renamed."""
    leaving = rename("shared@example.com", "moved@example.com", number=1)
    following = rename("other@example.com", "shared@example.com", number=2)
    heir = create("other@example.com", patch=ContactPatch(attributes={"FIRSTNAME": "Heir"}))
    account = MemoryAccount.of(leaving.before, following.before)

    def rule(request: str, number: int, subject: object) -> Trouble:
        return trouble if subject == leaving.before.id else None

    journal = carry_out(
        [leaving, following, heir, create("new@example.com")],
        Troubled(inner=account, rule=rule),
        choice=RouteChoice.SINGLE,
    )
    assert journal.applied == ["new@example.com"]
    waits = [o for o in journal.outcomes if isinstance(o, Deferred) and not o.was_attempted]
    assert {o.change.customer.email for o in waits} == {"shared@example.com", "other@example.com"}
    assert all(not c.attributes for c in account.held.values())


# ---------------------------------------------------------------- trouble


def test_requests_before_a_failure_have_succeeded() -> None:
    """The first rows stand although a later one fails."""
    account, updates = people(10)

    def rule(request: str, number: int, subject: object) -> Trouble:
        return BrevoUnavailable("500", trouble=Code.BREVO_UNAVAILABLE) if number == 6 else None

    writer = Troubled(inner=account, rule=rule)
    journal = carry_out(updates, writer, choice=RouteChoice.SINGLE, in_flight=1)
    assert journal.deferred == ["p0006@example.com"]
    assert len(journal.applied) == 9


def test_a_batch_without_an_answer_is_deferred_as_a_whole() -> None:
    """Whether it arrived is unknown; every row is tried again later."""
    account, updates = people(10)
    journal = carry_out(
        updates,
        Troubled(
            inner=account, rule=always(BrevoUnavailable("502", trouble=Code.BREVO_UNAVAILABLE))
        ),
    )
    assert len(journal.deferred) == 10


def test_failures_in_a_row_leave_the_rest_unattempted() -> None:
    """Brevo is down: hammering does not help."""
    account, updates = people(30)
    writer = Troubled(
        inner=account, rule=always(BrevoUnavailable("503", trouble=Code.BREVO_UNAVAILABLE))
    )
    journal = carry_out(updates, writer, choice=RouteChoice.SINGLE, in_flight=1)
    attempted = [o for o in journal.outcomes if isinstance(o, Deferred) and o.was_attempted]
    assert writer.asked == len(attempted) == FAILURES_IN_A_ROW
    assert len(journal.intended) == FAILURES_IN_A_ROW
    assert outcomes_by_email(journal) == [u.customer.email for u in updates]


@pytest.mark.parametrize(
    "answer", [None, BrevoRejected("wrong", trouble=Code.REQUEST_REFUSED, status=400)]
)
def test_any_answer_breaks_a_row_of_failures(answer: Trouble) -> None:
    """An answer, even a refusal, shows that Brevo is there."""
    account, updates = people(40)

    def rule(request: str, number: int, subject: object) -> Trouble:
        return (
            answer
            if number % FAILURES_IN_A_ROW == 0
            else BrevoUnavailable("503", trouble=Code.BREVO_UNAVAILABLE)
        )

    writer = Troubled(inner=account, rule=rule)
    journal = carry_out(updates, writer, choice=RouteChoice.SINGLE, in_flight=1)
    assert writer.asked == 40
    assert len(journal.deferred) == 32


def test_a_refused_batch_breaks_a_row_of_failures() -> None:
    """A batch that is refused was answered."""
    account, updates = people(60)
    refusal = BatchRejected("wrong", trouble=Code.REQUEST_REFUSED, status=400)

    def rule(request: str, number: int, subject: object) -> Trouble:
        if request == "update_batch":
            return (
                refusal if number % 2 else BrevoUnavailable("503", trouble=Code.BREVO_UNAVAILABLE)
            )
        return None

    stop = StopSign()
    carry_out(updates, Troubled(inner=account, rule=rule), stop=stop, in_flight=1, batch_size=10)
    assert not stop.reason


def test_a_refused_key_defers_everything_and_is_told() -> None:
    """No further request makes sense; nothing is lost."""
    account, changes = every_kind()
    writer = Troubled(
        inner=account, rule=always(BrevoAuthError("no such key", trouble=Code.KEY_REFUSED))
    )
    journal = ListJournal()
    with pytest.raises(BrevoAuthError):
        carry_out(changes, writer, journal=journal, in_flight=1)
    assert outcomes_by_email(journal) == sorted(c.customer.email for c in changes)
    assert len(journal.deferred) == len(changes)
    assert writer.asked == 1


def test_nothing_is_sent_once_somebody_asked_to_stop() -> None:
    """The rest is deferred with the reason, unattempted."""
    account, changes = every_kind()
    stop = StopSign()
    stop.raise_for("interrupted")
    journal = carry_out(changes, account, stop=stop)
    assert not account.requests
    assert not journal.intended
    assert {(o.error, o.was_attempted) for o in journal.outcomes if isinstance(o, Deferred)} == {
        ("interrupted", False)
    }
    assert outcomes_by_email(journal) == sorted(c.customer.email for c in changes)


@pytest.mark.parametrize("choice", [RouteChoice.SINGLE, RouteChoice.BATCH])
def test_a_request_that_had_no_time_to_leave_is_no_failed_attempt(choice: RouteChoice) -> None:
    """Else changes would become dead letters without Brevo ever having seen them."""
    account, updates = people(30)
    stop = StopSign()
    writer = Troubled(inner=account, rule=always(BrokenOff("no room", trouble=Code.BROKEN_OFF)))
    journal = carry_out(updates, writer, choice=choice, stop=stop, in_flight=1)
    assert [o.was_attempted for o in journal.outcomes if isinstance(o, Deferred)] == [False] * 30
    assert stop.reason == "no room"
    assert writer.asked == 1


def test_the_first_reason_to_stop_is_kept() -> None:
    """What came later followed from it."""
    stop = StopSign()
    stop.raise_for("first")
    stop.raise_for("second")
    assert stop.reason == "first"


def test_a_refused_batch_is_not_searched_once_somebody_asked_to_stop() -> None:
    """Splitting a batch makes new requests, and those may not leave any more."""
    account, updates = people(64)
    stop = StopSign()

    def rule(request: str, number: int, subject: object) -> Trouble:
        if number == 3:
            stop.raise_for("interrupted")
        return BatchRejected("wrong", trouble=Code.REQUEST_REFUSED, status=400)

    writer = Troubled(inner=account, rule=rule)
    journal = carry_out(updates, writer, stop=stop)
    assert writer.asked == 3
    assert outcomes_by_email(journal) == [u.customer.email for u in updates]
    assert len(journal.deferred) == 64


def test_what_is_in_flight_is_finished_after_the_stop() -> None:
    """Requests that left already get their own outcome."""
    account, updates = people(20)
    stop = StopSign()

    def rule(request: str, number: int, subject: object) -> Trouble:
        if number == 4:
            stop.raise_for("interrupted")
        return None

    writer = Troubled(inner=account, rule=rule)
    journal = carry_out(updates, writer, choice=RouteChoice.SINGLE, stop=stop, in_flight=4)
    assert len(journal.applied) == 4
    assert len(journal.deferred) == 16


# ---------------------------------------------------------------- bugs and broken disks


def test_an_unexpected_exception_lets_the_others_finish() -> None:
    """What is in flight is recorded before the exception is raised, as itself."""
    account, updates = people(20)

    def rule(request: str, number: int, subject: object) -> Trouble:
        return RuntimeError("a bug") if number == 2 else None

    journal = ListJournal()
    writer = Troubled(inner=account, rule=rule)
    with pytest.raises(RuntimeError, match="a bug"):
        carry_out(updates, writer, choice=RouteChoice.SINGLE, journal=journal, in_flight=4)
    assert len(journal.applied) == writer.asked - 1
    assert writer.asked == 4


def test_a_state_that_cannot_be_written_stops_with_its_own_error() -> None:
    """A full disk is a sentence and a hint, not a group of exceptions."""
    account, updates = people(20)

    class FullDisk(ListJournal):
        def intend(self, changes: Sequence[Write], route: Route) -> None:
            raise StoreError("the disk is full", trouble=Code.STATE_UNUSABLE)

    with pytest.raises(StoreError, match="the disk is full"):
        carry_out(updates, account, choice=RouteChoice.SINGLE, journal=FullDisk())
    assert not account.requests


TROUBLES: dict[str, Trouble] = {
    "unavailable": BrevoUnavailable("503", trouble=Code.BREVO_UNAVAILABLE),
    "auth": BrevoAuthError("no", trouble=Code.KEY_REFUSED),
    "rejected": BrevoRejected("wrong", trouble=Code.REQUEST_REFUSED, status=400),
    "gone": BrevoRejected("gone", trouble=Code.REQUEST_REFUSED, status=404),
    "batch": BatchRejected("wrong", trouble=Code.REQUEST_REFUSED, status=400),
    "batch_gone": BatchRejected("gone", trouble=Code.REQUEST_REFUSED, status=404, unknown=(1,)),
}


@pytest.mark.parametrize(("trouble", "after_effect"), [*product(TROUBLES, [False, True])])
def test_every_change_has_exactly_one_outcome(trouble: str, after_effect: bool) -> None:
    """Whichever request fails in whichever way, whether or not it took effect."""
    for at_request in range(1, 14):
        account, changes = every_kind()

        def rule(request: str, number: int, subject: object, at: int = at_request) -> Trouble:
            return TROUBLES[trouble] if number in (at, at + 1) else None

        journal = ListJournal()
        writer = Troubled(inner=account, rule=rule, after_effect=after_effect)
        try:
            carry_out(changes, writer, journal=journal, in_flight=2)
        except BrevoAuthError:
            assert trouble == "auth"
        assert outcomes_by_email(journal) == sorted(c.customer.email for c in changes)


@pytest.mark.parametrize("is_joining", [True, False])
def test_contacts_move_between_lists_together(*, is_joining: bool) -> None:
    """Where only a list is at stake; whoever Brevo does not confirm is written alone."""
    people = [contact(f"c{n}@example.com", number=n, lists=[5]) for n in range(1, 5)]
    account = MemoryAccount.of(*people)
    patch = (
        ContactPatch(add_lists=frozenset({6}))
        if is_joining
        else ContactPatch(remove_lists=frozenset({5}))
    )
    changes = [structs.replace(update(c.email or ""), before=c, patch=patch) for c in people]
    # Somebody else was faster with the first of them.
    account.held[people[0].id] = structs.replace(
        people[0], list_ids=frozenset({5, 6} if is_joining else ())
    )
    journal = carry_out(changes, account, batch_size=1)
    assert len(journal.applied) == 4
    route = "LIST_ADD" if is_joining else "LIST_REMOVE"
    assert (account.requests[route], account.requests["PUT"]) == (1, 1)
    assert {c.list_ids for c in account.held.values()} == {frozenset({5, 6} if is_joining else ())}
