"""What notifications say: numbers that agree with the report, in the form of the schema."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from builders import create
from customer_sync.config import RunEvent
from customer_sync.core.model import Applied, ContactId, Deferred, Failed, Outcome
from customer_sync.core.plan import Totals
from customer_sync.errors import ExitCode
from customer_sync.notify.messages import (
    MOST_BATCHES,
    SENTENCES,
    Batch,
    Tally,
    Told,
    event_of,
    for_trial,
    notification_schema,
    of_batch,
    of_run,
)
from customer_sync.run.report import OutcomeCounts, ReportedError, RunReport
from customer_sync.trouble import Code

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REPORT = RunReport(
    run_id="r1",
    target="live",
    dry_run=False,
    source=("/home/jane.roe@example.com/customers.csv",),
    records_read=7,
    rejections=2,
    plan=Totals(create=3, keep=2),
    outcomes=OutcomeCounts(applied=2, deferred=1),
    requests={"POST /contacts": 3, "GET /contacts": 1},
    failed_requests={"POST /contacts": 1},
    queue_depth=1,
    dead_letters=0,
    exit_code=ExitCode.PARTIAL,
    errors=(
        ReportedError(kind="rejection", message="jane.roe@example.com is odd", trouble="CS211"),
        ReportedError(kind="rejection", message="no address", trouble="CS211"),
        ReportedError(kind="note", message="by the way"),
    ),
)


def said(told: Told) -> dict[str, Any]:
    """Return what is sent, after a look whether the schema allows it."""
    document: dict[str, Any] = json.loads(told.message("msg_1").body)
    Draft202012Validator(notification_schema(), format_checker=FormatChecker()).validate(document)
    return document


@pytest.mark.parametrize("code", ExitCode)
def test_every_end_of_a_run_has_its_words(code: ExitCode) -> None:
    """The notification is of the form that the schema describes, however the run ended."""
    document = said(of_run(replace(REPORT, exit_code=code), command="run", at=NOW))
    assert document["data"]["ended"] == code.name.lower()
    assert document["data"]["summary"] == SENTENCES[code]


@pytest.mark.parametrize("code", ExitCode)
def test_completed_is_what_status_calls_healthy(code: ExitCode) -> None:
    """Everything but 0 and 7 needs somebody."""
    is_completed = event_of(replace(REPORT, exit_code=code)) is RunEvent.SYNC_COMPLETED
    assert is_completed is (code in {0, 7})


def test_the_numbers_are_the_reports() -> None:
    """Requests are summed up, troubles are counted by their codes."""
    data = said(of_run(REPORT, command="run", at=NOW))["data"]
    assert data["requests"] == 4
    assert data["failed_requests"] == 1
    assert data["outcomes"] == {"applied": 2, "deferred": 1, "failed": 0}
    assert data["troubles"] == {"CS211": 2}
    assert (data["records_read"], data["rejections"], data["queue_depth"]) == (7, 2, 1)


def test_no_words_of_the_input_are_in_it() -> None:
    """Neither of an error, nor the name of a file."""
    body = of_run(REPORT, command="run", at=NOW).message("msg_1").body
    assert b"jane" not in body
    assert b"example" not in body


@pytest.mark.parametrize("event", RunEvent)
def test_a_trial_says_that_it_is_one(event: RunEvent) -> None:
    """Of each event, in its form."""
    document = said(for_trial(event, target="sandbox", at=NOW))
    assert document["type"] == event
    assert document["data"]["is_test"] is True


def test_a_batch_has_its_own_form() -> None:
    """What of it and what so far, and how many there are in all."""
    batch = Batch(
        number=2,
        changes=5,
        outcomes=OutcomeCounts(applied=5),
        so_far=OutcomeCounts(applied=9, failed=1),
        planned=20,
    )
    data = said(of_batch(batch, run_id="r1", command="run", target="live", at=NOW))["data"]
    assert (data["batch"], data["changes"], data["planned"]) == (2, 5, 20)
    assert data["so_far"] == {"applied": 9, "deferred": 0, "failed": 1}


# ---------------------------------------------------------------- batches


def test_outcomes_become_batches() -> None:
    """Each of the size that was asked for, the last of what remains; together they add up."""
    change = create("p1@example.com")
    applied = Applied(change=change, contact_id=ContactId(1))
    outcomes: list[Outcome] = [
        *(
            applied,
            applied,
            Failed(change=change, code="x", detail="x", trouble=Code.REQUEST_REFUSED),
        ),
        *(Deferred(change=change, error="x", trouble=Code.BREVO_UNAVAILABLE), applied),
    ]
    tally = Tally(2)
    tally.expect(len(outcomes))
    found = [tally.add(one) for one in outcomes]
    assert [batch.number if batch else None for batch in found] == [None, 1, None, 2, None]
    last = tally.rest()
    assert last is not None
    assert (last.number, last.changes, last.planned) == (3, 1, 5)
    assert last.outcomes == OutcomeCounts(applied=1)
    assert last.so_far == OutcomeCounts(applied=3, deferred=1, failed=1)
    assert tally.rest() is None


def test_a_large_run_tells_no_more_often() -> None:
    """Its batches are larger instead."""
    applied = Applied(change=create("p1@example.com"), contact_id=ContactId(1))
    tally = Tally(1)
    tally.expect(MOST_BATCHES * 3 - 1)
    batches = [tally.add(applied) for _ in range(MOST_BATCHES * 3 - 1)]
    assert len([one for one in (*batches, tally.rest()) if one]) == MOST_BATCHES
