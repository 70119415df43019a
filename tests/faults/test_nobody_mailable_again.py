"""Whoever said no is not mailed again, whatever happens to contacts and to the state."""

from dataclasses import replace
from pathlib import Path

import pytest

from customer_sync.core.model import Email, Limit
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.pipeline import Planned
from customer_sync.run.planfile import read_plan, write_plan
from session_stage import Shop, event

LATER, LAST = "2024-01-16T10:00:00Z", "2024-01-17T10:00:00Z"
REFRESH = RunOptions(is_refresh=True)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop whose customers 0 to 2 are contacts, of whom 1 unsubscribed and was seen so."""
    shop = Shop(tmp_path)
    shop.run(*(event("created", n) for n in range(3)))
    with shop.sandbox() as sandbox:
        sandbox.unsubscribe("p1@example.com")
    shop.run(event("updated", 1, at=LATER, firstName="Seen"))
    return shop


def remove(shop: Shop, *emails: str) -> None:
    """Let somebody delete contacts in Brevo's pages, long enough ago for listings to know."""
    with shop.sandbox() as sandbox:
        for email in emails:
            sandbox.remove(email)
    shop.clock.advance(3600)


def blocked(shop: Shop) -> set[str]:
    """Return who may not be mailed."""
    return {email for email, contact in shop.contacts().items() if contact.is_email_blocked}


def unblocked_again(shop: Shop) -> list[str | None]:
    """Return whom anything made mailable after a no, as the emulator recorded it."""
    with shop.sandbox() as sandbox:
        return [one.address for one in sandbox.transitions()]


def test_a_contact_that_somebody_deleted_comes_back_blocked(shop: Shop) -> None:
    """A later export lists the person again, even with a yes."""
    remove(shop, "p1@example.com")
    shop.run(event("updated", 1, at=LAST, acceptsMarketing=True), options=REFRESH)
    assert blocked(shop) == {"p1@example.com"}
    assert unblocked_again(shop) == []


def test_a_contact_that_vanishes_unseen_comes_back_blocked(shop: Shop) -> None:
    """The run believes that it is there until it writes to it."""
    remove(shop, "p1@example.com")
    everyone = [event("updated", n, at=LAST, firstName="Last") for n in range(3)]
    shop.run(*everyone)
    assert blocked(shop) == {"p1@example.com"}


@pytest.mark.parametrize("route", [RouteChoice.SINGLE, RouteChoice.IMPORT])
def test_an_emptied_account_is_filled_again_with_every_block(
    shop: Shop, route: RouteChoice
) -> None:
    """By single requests as by import jobs; those who said nothing are mailable as they were."""
    remove(shop, *(f"p{number}@example.com" for number in range(3)))
    everyone = [event("listed", n, at=LAST, firstName="Last") for n in range(3)]
    report = shop.run(*everyone, options=replace(REFRESH, is_complete=True, route=route))
    assert report.plan.create == 3
    assert blocked(shop) == {"p1@example.com"}
    assert unblocked_again(shop) == []


@pytest.mark.parametrize("route", [RouteChoice.SINGLE, RouteChoice.IMPORT])
def test_who_left_the_list_is_not_put_on_it_again(shop: Shop, route: RouteChoice) -> None:
    """Though the contact is made anew, and in every run after that."""
    with shop.sandbox() as sandbox:
        sandbox.unsubscribe("p2@example.com", 5)
    shop.run(event("updated", 2, at=LATER, firstName="Seen"))
    remove(shop, *(f"p{number}@example.com" for number in range(3)))
    everyone = [event("listed", n, at=LAST, firstName="Last") for n in range(3)]
    shop.run(*everyone, options=replace(REFRESH, route=route))
    shop.run(*everyone)
    listed = {email for email, contact in shop.contacts().items() if 5 in contact.list_ids}
    assert listed == {"p0@example.com", "p1@example.com"}
    assert "p2@example.com" in shop.contacts()


def test_a_full_listing_remembers_contacts_that_no_customer_has(shop: Shop) -> None:
    """They unsubscribed before they became customers."""
    with shop.sandbox() as sandbox:
        sandbox.make("p9@example.com", {"emailBlacklisted": True})
    shop.run(options=REFRESH)
    remove(shop, "p9@example.com")
    shop.run(event("created", 9), options=REFRESH)
    assert blocked(shop) == {"p1@example.com", "p9@example.com"}


def test_a_lost_memory_of_confirmations_changes_nothing(shop: Shop) -> None:
    """The ledger needs nothing but itself."""
    with shop.memory() as store:
        for table in ("confirmed", "identities", "mirror"):
            store._db.execute(f"DELETE FROM {table}")
    remove(shop, "p1@example.com")
    shop.run(event("created", 1, at=LAST, acceptsMarketing=True), options=REFRESH)
    assert blocked(shop) == {"p1@example.com"}


def test_both_addresses_of_a_move_are_remembered(shop: Shop) -> None:
    """The contact takes its block along, and the old address keeps its no."""
    shop.run(event("updated", 1, at=LATER, email="moved@example.com"))
    remove(shop, "moved@example.com")
    shop.run(
        event("updated", 1, at=LAST, email="moved@example.com", firstName="Back"),
        event("created", 7, at=LAST, email="p1@example.com"),
        options=REFRESH,
    )
    assert blocked(shop) == {"moved@example.com", "p1@example.com"}


@pytest.mark.parametrize("behavior", ["soft", "hard"])
def test_who_was_deleted_in_the_shop_comes_back_blocked(tmp_path: Path, behavior: str) -> None:
    """Also when the contact of a soft deletion was cleared away by hand."""
    shop = Shop(tmp_path, options=f"delete_behavior: {behavior}")
    shop.run(event("created", 1))
    with shop.sandbox() as sandbox:
        sandbox.unsubscribe("p1@example.com")
    shop.run(event("deleted", 1, at=LATER))
    if behavior == "soft":
        remove(shop, "p1@example.com")
    shop.run(event("created", 1, at=LAST, acceptsMarketing=True), options=REFRESH)
    assert blocked(shop) == {"p1@example.com"}


def test_a_kept_plan_is_not_applied_over_a_no(shop: Shop, tmp_path: Path) -> None:
    """Between the plan and its application a contact came, unsubscribed, was seen, and went."""
    kept = tmp_path / "plan.json"

    def keep(planned: Planned) -> None:
        write_plan(kept, planned.plan, target="sandbox", made_at=shop.clock.now())

    shop.run(event("created", 5), dry_run=True, on_planned=keep)
    with shop.sandbox() as sandbox:
        sandbox.make("p5@example.com", {"emailBlacklisted": True})
    shop.run(options=REFRESH)
    remove(shop, "p5@example.com")
    shop.run(options=REFRESH)
    content = read_plan(kept)
    report = shop.do(Job(command="apply", kept_plan=content.plan, made_at=content.made_at))
    assert (report.plan.create, report.plan.skip) == (0, 1)
    assert "p5@example.com" not in shop.contacts()


def test_a_creation_that_had_to_wait_learns_of_a_no_meanwhile(shop: Shop) -> None:
    """It is decided anew when its turn comes."""
    shop.break_requests("POST /contacts", status=400)
    assert shop.run(event("created", 5)).outcomes.failed == 1
    with shop.sandbox() as sandbox:
        sandbox.make("p5@example.com", {"emailBlacklisted": True})
    shop.break_requests("PUT /contacts/{identifier}", status=400)
    shop.clock.advance(3600)
    assert shop.run(options=REFRESH).outcomes.failed == 1
    remove(shop, "p5@example.com")
    shop.clock.advance(86_400)
    shop.run(options=REFRESH)
    assert "p5@example.com" in blocked(shop)


def test_leave_to_resubscribe_ends_the_memory(tmp_path: Path) -> None:
    """Newer consent lifts our own block for good: should the contact vanish, it comes back so."""
    shop = Shop(tmp_path, options="resubscribe: newer")
    shop.run(event("created", 1, acceptsMarketing=False))
    shop.run(event("updated", 1, at=LATER, acceptsMarketing=True))
    with shop.memory() as store:
        assert store.suppressed([Email("p1@example.com")]).mail == set()
    remove(shop, "p1@example.com")
    shop.run(event("updated", 1, at=LAST, firstName="Back"), options=REFRESH)
    assert blocked(shop) == set()
    assert "p1@example.com" in shop.contacts()


def test_deletions_that_were_withheld_and_confirmed_are_remembered(tmp_path: Path) -> None:
    """Each goes with its block, and each comes back with it."""
    shop = Shop(tmp_path, options="delete_behavior: hard")
    shop.run(event("created", 1))
    with shop.sandbox() as sandbox:
        sandbox.unsubscribe("p1@example.com")
    none = RunOptions(max_deletes=Limit(count=0))
    assert shop.run(event("deleted", 1, at=LATER), options=none).withheld == 1
    held = read_plan(shop.state / "withheld.json").withheld
    shop.run(options=RunOptions(confirmed_deletes=held))
    assert shop.contacts() == {}
    shop.run(event("created", 1, at=LAST))
    assert blocked(shop) == {"p1@example.com"}
