"""The retry queue from run to run: backing off, newer news, dead letters, and back to life."""

from datetime import timedelta
from pathlib import Path

import pytest

from customer_sync.core.model import Email
from customer_sync.errors import ExitCode
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.report import OutcomeCounts, RunReport
from customer_sync.store import QueueItem
from session_stage import Shop, event

CREATE = "POST /contacts"
UPDATE = "PUT /contacts/{identifier}"
P1 = Email("p1@example.com")
RETRIES = 6
"""As many answers 503 as make the client give up one request."""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop without customers."""
    return Shop(tmp_path)


def retry(shop: Shop) -> RunReport:
    """Drain what is due."""
    return shop.do(Job(command="retry"))


def the_item(shop: Shop) -> QueueItem:
    """Return the one item that waits."""
    with shop.memory() as store:
        (item,) = store.queue()
    return item


def failing(shop: Shop, *, times: int = 1) -> None:
    """Let a creation be refused by so many runs."""
    shop.break_requests(CREATE, status=400, times=times)


def test_what_failed_is_not_tried_again_before_its_time(shop: Shop) -> None:
    """The next run leaves it alone, and so does a retry."""
    failing(shop)
    shop.run(event("created", 1, firstName="F1"))
    assert retry(shop).bill == {}
    assert shop.run().bill == {}
    assert shop.contacts() == {}
    assert the_item(shop).attempts == 1


def test_what_is_due_is_written_by_a_retry_without_any_source(shop: Shop) -> None:
    """And leaves the queue."""
    failing(shop)
    shop.run(event("created", 1, firstName="F1"))
    shop.clock.advance(600)
    report = retry(shop)
    assert report.exit_code == ExitCode.OK
    assert report.retried == 1
    assert report.outcomes == OutcomeCounts(applied=1)
    assert report.adds_up
    assert shop.contacts()[P1].attributes == {"FIRSTNAME": "F1"}
    with shop.memory() as store:
        assert store.queue() == []


def test_any_run_takes_what_is_due_along(shop: Shop) -> None:
    """Cron needs no second line."""
    failing(shop)
    shop.run(event("created", 1, firstName="F1"))
    shop.clock.advance(600)
    assert shop.run(event("created", 2)).outcomes == OutcomeCounts(applied=2)


def test_the_wait_doubles_from_run_to_run(shop: Shop) -> None:
    """From five minutes on; what the client tries by itself within a run counts once."""
    shop.break_requests(CREATE, status=503, times=RETRIES * 4)
    shop.run(event("created", 1))
    waits = []
    for _ in range(4):
        item = the_item(shop)
        waits.append(item.next_at - item.queued_at)
        shop.clock.advance((item.next_at - shop.clock.now()).total_seconds())
        retry(shop)
    assert waits == [timedelta(minutes=5 * 2**n) for n in range(4)]


def test_after_enough_attempts_a_change_is_dead_and_kept(shop: Shop) -> None:
    """No run tries it any more, and none forgets it."""
    dead = dead_letter(shop)
    assert dead.is_dead
    assert dead.attempts == 8
    shop.clock.advance(timedelta(days=365).total_seconds())
    assert retry(shop).bill == {}
    assert the_item(shop) == dead


def dead_letter(shop: Shop) -> QueueItem:
    """Let a creation fail until nobody tries it any more."""
    failing(shop, times=8)
    shop.run(event("created", 1, firstName="F1"))
    for _ in range(7):
        shop.clock.advance(timedelta(days=1).total_seconds())
        retry(shop)
    return the_item(shop)


def test_news_of_the_customer_bring_a_dead_letter_along(shop: Shop) -> None:
    """With all attempts before it, and what it wanted to say as far as it is not older."""
    dead_letter(shop)
    news = event("updated", 1, at="2024-03-01T00:00:00Z", lastName="L1")
    assert shop.run(news).outcomes == OutcomeCounts(applied=1)
    assert shop.contacts()[P1].attributes == {"FIRSTNAME": "F1", "LASTNAME": "L1"}


def test_a_dead_letter_that_a_person_revives_is_tried_afresh(shop: Shop) -> None:
    """Its attempts begin anew."""
    dead_letter(shop)
    with shop.memory() as store:
        store.make_due([P1], shop.clock.now())
    revived = the_item(shop)
    assert (revived.is_dead, revived.attempts) == (False, 0)
    assert retry(shop).outcomes == OutcomeCounts(applied=1)


def test_newer_events_replace_what_waits(shop: Shop) -> None:
    """Field by field, and the older event is not written later on."""
    shop.run(event("created", 1, firstName="F1"))
    shop.break_requests(UPDATE, status=400)
    shop.run(event("updated", 1, at="2024-02-01T00:00:00Z", firstName="Older", lastName="L1"))
    shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Newer"))
    expected = {"FIRSTNAME": "Newer", "LASTNAME": "L1"}
    assert shop.contacts()[P1].attributes == expected
    shop.clock.advance(86400)
    assert retry(shop).bill == {}
    assert shop.contacts()[P1].attributes == expected


def test_an_older_event_does_not_outdo_what_waits(shop: Shop) -> None:
    """Late arrivals in one field lose, whatever was written before."""
    shop.run(event("created", 1, firstName="F1"))
    shop.break_requests(UPDATE, status=400)
    shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Newer"))
    shop.run(event("updated", 1, at="2024-02-01T00:00:00Z", firstName="Older", lastName="L1"))
    assert shop.contacts()[P1].attributes == {"FIRSTNAME": "Newer", "LASTNAME": "L1"}


@pytest.mark.parametrize("is_due", [True, False])
def test_a_contact_that_waits_to_be_retired_is_not_deleted_by_an_export(
    tmp_path: Path, is_due: bool
) -> None:
    """The customer lives at another address; nobody was deleted, whoever is not listed."""
    shop = Shop(tmp_path, options="delete_behavior: hard, max_deletes: 100%")
    shop.run(event("created", 1), event("created", 2))
    shop.break_requests(UPDATE, status=400)
    moved = event("updated", 1, at="2024-02-01T00:00:00Z", email="p2@example.com")
    gone = event("deleted", 2, at="2024-01-31T00:00:00Z")
    assert shop.run(gone, moved).outcomes.failed == 1
    shop.clock.advance(86400 if is_due else 1)
    listed = event("listed", 1, at="2024-02-02T00:00:00Z", email="p2@example.com")
    shop.run(listed, options=RunOptions(is_complete=True))
    assert shop.contacts()[P1].is_email_blocked
    assert shop.contacts().keys() == {P1, "p2@example.com"}
