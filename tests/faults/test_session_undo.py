"""Runs undone, end to end: Brevo and the state as they were, whatever happened in between."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from customer_sync.core.model import Contact, Limit
from customer_sync.core.undoing.past import APPLIED
from customer_sync.errors import ExitCode
from customer_sync.past.undoing import Undoing
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.report import OutcomeCounts, RunReport
from session_stage import Shop, event

UPDATE = "PUT /contacts/{identifier}"

PEOPLE = [event("created", n, firstName=f"F{n}", lastName="L") for n in range(1, 7)]
NEWS: list[object] = [
    event("created", 20, firstName="New"),
    event("updated", 1, at="2024-02-01T00:00:00Z", firstName="Other", lastName=None),
    # Moves, and somebody new gets the address.
    event("updated", 2, at="2024-02-01T00:00:00Z", email="moved@example.com"),
    event("created", 21, at="2024-02-02T00:00:00Z", email="p2@example.com", firstName="Heir"),
    event("deleted", 3, at="2024-02-01T00:00:00Z"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop whose people are synced."""
    shop = Shop(tmp_path)
    shop.run(*PEOPLE)
    return shop


def undo(shop: Shop, run: int | None = None, **job: object) -> RunReport:
    """Undo the run with a number, the last one unless told otherwise."""
    undoing = Undoing(
        run_id=f"r{run or shop.runs:03}", may_unblock=bool(job.pop("may_unblock", False))
    )
    return shop.do(Job(**{"command": "undo", "undoing": undoing, **job}))  # type: ignore[arg-type] # a test's options


def without_numbers(contacts: Mapping[str, Contact]) -> dict[str, tuple[object, ...]]:
    """Return what contacts hold."""
    return {
        e: (dict(c.attributes), c.list_ids, c.is_email_blocked, c.is_sms_blocked)
        for e, c in contacts.items()
    }


@pytest.mark.parametrize("behavior", ["soft", "hard"])
def test_everything_is_as_it_was_and_the_same_news_are_news_again(
    tmp_path: Path, behavior: str
) -> None:
    """Contacts, addresses, lists; the next run of the same source makes the same changes."""
    shop = Shop(tmp_path, options=f"delete_behavior: {behavior}")
    shop.run(*PEOPLE)
    before = without_numbers(shop.contacts())
    did = shop.run(*NEWS)
    after = without_numbers(shop.contacts())
    report = undo(shop, may_unblock=True)
    assert report.exit_code == ExitCode.OK
    assert report.adds_up
    assert without_numbers(shop.contacts()) == before
    again = shop.run(*NEWS)
    assert again.plan == did.plan
    assert without_numbers(shop.contacts()) == after
    assert shop.run(*NEWS).bill == {}


def test_undoing_what_was_undone_does_it_again(shop: Shop) -> None:
    """An undo is a run like any other."""
    shop.run(*NEWS[:4])
    after = without_numbers(shop.contacts())
    undo(shop)
    undo(shop)
    assert without_numbers(shop.contacts()) == after
    assert shop.run(*NEWS[:4]).bill == {}


def test_a_second_undo_of_the_same_run_finds_nothing_to_do(shop: Shop) -> None:
    """All of it is back already."""
    shop.run(*NEWS)
    undo(shop, 2, may_unblock=True)
    assert undo(shop, 2, may_unblock=True).bill == {}


def test_a_dry_run_changes_nothing(shop: Shop) -> None:
    """Neither at Brevo nor in the state."""
    shop.run(*NEWS)
    after = shop.contacts()
    report = undo(shop, dry_run=True)
    assert report.plan.update == 3
    assert report.plan.delete == 2
    assert shop.contacts() == after
    assert shop.run(*NEWS).bill == {}


def deleted_by_mistake(tmp_path: Path) -> Shop:
    """Return a shop whose complete export listed nobody but a newcomer."""
    shop = Shop(tmp_path)
    shop.run(*PEOPLE, event("created", 7, firstName="F7", acceptsMarketing=False))
    everybody = RunOptions(is_complete=True, max_deletes=Limit(count=100))
    report = shop.run(event("created", 99, email="only@example.com"), options=everybody)
    assert report.plan.delete == 7
    return shop


def test_an_export_that_deleted_everybody_by_mistake_is_undone(tmp_path: Path) -> None:
    """Everybody is on the list and mailable again, except who said no, and counts as living."""
    shop = deleted_by_mistake(tmp_path)
    undo(shop, 2, may_unblock=True)
    contacts = shop.contacts()
    assert sorted(contacts) == sorted(f"p{n}@example.com" for n in range(1, 8))
    assert all(c.list_ids == {5} for c in contacts.values())
    assert [e for e, c in contacts.items() if c.is_email_blocked] == ["p7@example.com"]
    listed = [event("updated", n, firstName="Later") for n in range(1, 8)]
    assert shop.run(*listed).plan.update == 7


def test_without_leave_they_come_back_blocked(tmp_path: Path) -> None:
    """A later undo with leave lifts the blocks all the same."""
    shop = deleted_by_mistake(tmp_path)
    report = undo(shop, 2)
    assert all(c.is_email_blocked and c.list_ids == {5} for c in shop.contacts().values())
    assert report.notes["stays blocked"] == 6
    assert [error.kind for error in report.errors] == ["stays"] * 6
    undo(shop, 2, may_unblock=True)
    assert [e for e, c in shop.contacts().items() if c.is_email_blocked] == ["p7@example.com"]


def test_whoever_unsubscribes_meanwhile_stays_blocked(tmp_path: Path) -> None:
    """By a link in a mail of before the deletion, which leaves the blocked contact as it is."""
    shop = deleted_by_mistake(tmp_path)
    shop.clock.advance(3600)
    with shop.sandbox() as sandbox:
        sandbox.unsubscribe("p3@example.com")
        transitions = len(sandbox.transitions())
    report = undo(shop, 2, may_unblock=True)
    blocked = [e for e, c in shop.contacts().items() if c.is_email_blocked]
    assert blocked == ["p3@example.com", "p7@example.com"]
    assert [error.message for error in report.errors] == [
        "e-mail: the block stays: it stands for a no"
    ]
    with shop.sandbox() as sandbox:
        # Nobody else than the five whose block was a deletion's alone.
        assert len(sandbox.transitions()) - transitions == 5


def test_whoever_unsubscribed_long_ago_and_came_back_since_is_no_obstacle(tmp_path: Path) -> None:
    """The contact could be mailed when it was deleted."""
    shop = Shop(tmp_path)
    shop.run(*PEOPLE[:1])
    with shop.sandbox() as sandbox:
        sandbox.unsubscribe("p1@example.com")
        sandbox.edit("p1@example.com", {"emailBlacklisted": False})
    shop.clock.advance(7 * 86400)
    shop.run(event("deleted", 1, at="2024-02-01T00:00:00Z"))
    undo(shop, may_unblock=True)
    assert not shop.contacts()["p1@example.com"].is_email_blocked


def test_whoever_is_edited_meanwhile_stays_blocked(tmp_path: Path) -> None:
    """Nobody can tell an edit from a no that was entered by hand."""
    shop = deleted_by_mistake(tmp_path)
    shop.clock.advance(3600)
    with shop.sandbox() as sandbox:
        sandbox.edit("p3@example.com", {"attributes": {"LASTNAME": "Edited"}})
    undo(shop, 2, may_unblock=True)
    blocked = [e for e, c in shop.contacts().items() if c.is_email_blocked]
    assert blocked == ["p3@example.com", "p7@example.com"]


def test_the_ledger_forgets_a_block_that_was_lifted_with_leave(tmp_path: Path) -> None:
    """Else the person would come back blocked the next time that a contact is made."""
    shop = deleted_by_mistake(tmp_path)
    undo(shop, 2, may_unblock=True)
    emails = [f"p{n}@example.com" for n in range(1, 8)]
    with shop.memory() as store:
        assert store.suppressed(emails).mail == {"p7@example.com"}  # type: ignore[arg-type] # plain addresses will do


def test_what_somebody_edited_in_brevo_is_left_alone(shop: Shop) -> None:
    """And told, with the address masked."""
    shop.run(*NEWS[1:2])
    with shop.sandbox() as sandbox:
        sandbox.edit("p1@example.com", {"attributes": {"FIRSTNAME": "Edited"}})
    report = undo(shop)
    attributes = shop.contacts()["p1@example.com"].attributes
    assert attributes == {"FIRSTNAME": "Edited", "LASTNAME": "L"}
    (error,) = report.errors
    assert (error.kind, error.where) == ("stays", "p***@example.com")
    assert error.message == "FIRSTNAME: it was changed since that run"


def test_a_later_run_is_not_undone_along(shop: Shop) -> None:
    """Only what still is the earlier run's goes back."""
    shop.run(event("updated", 1, at="2024-02-01T00:00:00Z", firstName="Second", lastName="Second"))
    shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Third"))
    undo(shop, 2)
    attributes = shop.contacts()["p1@example.com"].attributes
    assert attributes == {"FIRSTNAME": "Third", "LASTNAME": "L"}
    assert shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Third")).bill == {}


def test_a_run_that_was_partly_applied_is_partly_undone(shop: Shop) -> None:
    """What never got through waits in the queue, and the report says so."""
    shop.break_requests(UPDATE, status=400)
    refused = event("updated", 1, at="2024-02-01T00:00:00Z", firstName="Refused")
    done = shop.run(refused, event("created", 20, firstName="New"))
    assert done.outcomes == OutcomeCounts(applied=1, failed=1)
    report = undo(shop)
    assert report.outcomes == OutcomeCounts(applied=1)
    assert "p20@example.com" not in shop.contacts()
    assert [error.kind for error in report.errors] == ["note"]
    with shop.memory() as store:
        assert len(store.queue()) == 1


def test_whoever_has_news_in_the_queue_is_left_alone(shop: Shop) -> None:
    """They are not lost, and written by the next run."""
    shop.run(event("updated", 1, at="2024-02-01T00:00:00Z", firstName="Second"))
    shop.break_requests(UPDATE, status=503, times=6)
    shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Third"))
    report = undo(shop, 2)
    assert report.plan.skip == 1
    shop.clock.advance(3600)
    shop.run()
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "Third"


def test_what_fails_is_undone_by_undoing_once_more(shop: Shop) -> None:
    """It is not queued: one day it would be written over newer news."""
    before = without_numbers(shop.contacts())
    shop.run(*NEWS[1:2])
    shop.break_requests(UPDATE, status=400)
    report = undo(shop, 2)
    assert report.exit_code == ExitCode.PARTIAL
    assert report.outcomes == OutcomeCounts(failed=1)
    with shop.memory() as store:
        assert store.queue() == []
    assert undo(shop, 2).exit_code == ExitCode.OK
    assert without_numbers(shop.contacts()) == before


def test_what_was_done_although_the_answer_was_lost_is_found_to_be_so(shop: Shop) -> None:
    """Undoing once more brings the state to its end as well."""
    shop.run(*NEWS[1:2])
    shop.break_requests(UPDATE, status=503, times=6, after_effect=True)
    assert undo(shop, 2).outcomes == OutcomeCounts(deferred=1)
    report = undo(shop, 2)
    assert report.plan.keep == 1
    assert report.bill == {}
    assert shop.run(*NEWS[1:2]).plan.update == 1


def test_a_contact_that_vanishes_meanwhile_is_not_made_anew(shop: Shop) -> None:
    """It failed, and says why."""
    shop.run(*NEWS[1:2])

    def vanish(_: object) -> None:
        with shop.sandbox() as sandbox:
            sandbox.remove("p1@example.com")

    undoing = Undoing(run_id="r002")
    report = shop.do(Job(command="undo", undoing=undoing), on_planned=vanish)
    assert report.outcomes == OutcomeCounts(failed=1)
    assert "is gone" in report.errors[0].message
    assert "p1@example.com" not in shop.contacts()


def test_a_contact_that_was_made_anew_in_the_run_counts_as_made(shop: Shop) -> None:
    """Somebody deletes it just before it is written; undoing takes the new one away again."""

    def vanish(_: object) -> None:
        with shop.sandbox() as sandbox:
            sandbox.remove("p1@example.com")

    shop.run(*NEWS[1:2], on_planned=vanish)
    with shop.memory() as store:
        (one,) = store.tried("r002")
        assert type(one.change).__name__ == "Create"
        assert one.outcome == APPLIED
    assert "p1@example.com" in shop.contacts()
    undo(shop)
    assert "p1@example.com" not in shop.contacts()


def test_undoing_very_many_creations_is_guarded_too(shop: Shop) -> None:
    """They are deletions; the option that allows them is named."""
    report = undo(shop, 1, options=RunOptions(max_deletes=Limit(count=3)))
    assert report.exit_code == ExitCode.REFUSED
    assert report.withheld == 6
    assert len(shop.contacts()) == 6
    (error,) = report.errors
    assert "--max-deletes" in error.hint
    assert not (shop.state / "withheld.json").exists()
    undo(shop, 1)
    assert shop.contacts() == {}


def test_a_run_that_was_killed_is_undone_as_far_as_it_got(shop: Shop) -> None:
    """Once the queue has nothing more of it."""
    before = without_numbers(shop.contacts())
    shop.break_requests(UPDATE, status=503, times=6, after_effect=True)
    assert shop.run(*NEWS[1:2]).outcomes == OutcomeCounts(deferred=1)
    with shop.memory() as store:
        store.dequeue(item.customer.email for item in store.queue())
    undo(shop, 2)
    assert without_numbers(shop.contacts()) == before


def test_very_many_come_back_by_an_import(tmp_path: Path) -> None:
    """With their lists and blocks; what a contact held is looked at afterwards, as ever."""
    shop = Shop(tmp_path, options="delete_behavior: hard")
    people = [event("created", n, firstName=f"F{n}") for n in range(60)]
    shop.run(*people, event("created", 99, acceptsMarketing=False))
    before = without_numbers(shop.contacts())
    everyone = [event("deleted", n, at="2024-02-01T00:00:00Z") for n in (*range(60), 99)]
    shop.run(*everyone)
    assert shop.contacts() == {}
    report = undo(shop)
    assert report.requests["POST /contacts/import"] >= 1
    assert (
        report.notes[
            "made anew: its number, history, opt-in date and the lists it had left are lost"
        ]
        == 61
    )
    assert without_numbers(shop.contacts()) == before
    assert shop.run(*everyone).plan.delete == 61


def test_the_mark_of_a_deletion_is_taken_off(tmp_path: Path) -> None:
    """Whoever is alive bears none."""
    shop = Shop(tmp_path, options="deleted_attribute: GONE")
    shop.run(*PEOPLE[:1])
    before = without_numbers(shop.contacts())
    shop.run(event("deleted", 1, at="2024-02-01T00:00:00Z"))
    assert shop.contacts()["p1@example.com"].attributes["GONE"] is True
    undo(shop, may_unblock=True)
    assert without_numbers(shop.contacts()) == before
    assert shop.run(*PEOPLE[:1]).bill == {}


def test_consent_that_was_written_is_not_taken_back(tmp_path: Path) -> None:
    """A no stays; a block that newer consent had lifted is set again."""
    shop = Shop(tmp_path, options="resubscribe: newer")
    shop.run(event("created", 1, acceptsMarketing=False), *PEOPLE[1:2])
    yes = event("updated", 1, at="2024-02-01T00:00:00Z", acceptsMarketing=True)
    no = event("updated", 2, at="2024-02-01T00:00:00Z", acceptsMarketing=False)
    shop.run(yes, no)
    assert [e for e, c in shop.contacts().items() if c.is_email_blocked] == ["p2@example.com"]
    undo(shop, may_unblock=True)
    assert all(c.is_email_blocked for c in shop.contacts().values())
    # The same newer consent still counts: it is ours to lift again.
    shop.run(yes, no)
    assert [e for e, c in shop.contacts().items() if c.is_email_blocked] == ["p2@example.com"]


def test_a_contact_that_somebody_moved_is_found_by_its_number(shop: Shop) -> None:
    """Its address is theirs, what the run wrote goes back, and the customer is where it was."""
    shop.run(*NEWS[1:2])
    with shop.sandbox() as sandbox:
        sandbox.edit("p1@example.com", {"attributes": {"EMAIL": "elsewhere@example.com"}})
    undo(shop)
    contacts = shop.contacts()
    assert "p1@example.com" not in contacts
    assert contacts["elsewhere@example.com"].attributes == {"FIRSTNAME": "F1", "LASTNAME": "L"}
    with shop.memory() as store:
        assert [c.email for c, ids in store.living() if "1" in ids] == ["p1@example.com"]
