"""A report's document, and that its numbers add up."""

import json
from dataclasses import replace

import pytest

from customer_sync.core.plan import Totals
from customer_sync.errors import BrevoUnavailable, ExitCode
from customer_sync.run.report import OutcomeCounts, ReportedError, RunReport
from customer_sync.trouble import Code

PROMISED = {
    "run_id": str,
    "target": str,
    "dry_run": bool,
    "source": list,
    "records_read": int,
    "rejections": int,
    "plan": dict,
    "outcomes": dict,
    "drift": int,
    "requests": dict,
    "duration_s": float,
    "exit_code": int,
    "errors": list,
}
ADDED = {"folded", "retried", "warnings", "digest", "withheld", "skipped", "notes", "bill"}
ADDED |= {"failed_requests", "broken_rules", "consent", "stages", "queue_depth", "dead_letters"}

REPORT = RunReport(
    run_id="r1",
    target="sandbox",
    dry_run=False,
    source=("events.jsonl",),
    records_read=10,
    rejections=2,
    folded=8,
    plan=Totals(create=3, update=2, delete=1, keep=1, skip=1),
    outcomes=OutcomeCounts(applied=4, deferred=1, failed=1),
    requests={"POST /contacts": 3},
    exit_code=ExitCode.PARTIAL,
)


def test_the_document_has_the_promised_keys() -> None:
    """Scripts rely on them; more may be added, none may go."""
    document = json.loads(REPORT.to_json())
    assert {k: type(document[k]) for k in PROMISED} == PROMISED
    assert document.keys() >= PROMISED.keys() | ADDED
    assert document["plan"].keys() == {"create", "update", "delete", "keep", "skip"}
    assert document["outcomes"].keys() == {"applied", "deferred", "failed"}
    assert document["exit_code"] == 7


def test_an_error_says_what_to_do_next() -> None:
    """What stopped a command is in the document with its hint and the code to look up."""
    error = ReportedError.of(
        BrevoUnavailable("down", trouble=Code.BREVO_UNAVAILABLE, hint="run again")
    )
    document = json.loads(replace(REPORT, errors=(error,)).to_json())
    assert document["errors"] == [
        {
            "kind": "BrevoUnavailable",
            "message": "down",
            "hint": "run again",
            "where": "",
            "code": "",
            "trouble": "CS404",
        }
    ]


@pytest.mark.parametrize(
    ("change", "adds_up"),
    [
        ({}, True),
        ({"records_read": 11}, False),
        ({"folded": 9}, False),
        ({"outcomes": OutcomeCounts(applied=4)}, False),
        ({"outcomes": OutcomeCounts()}, False),
        ({"outcomes": OutcomeCounts(), "dry_run": True}, True),
        ({"outcomes": OutcomeCounts(), "exit_code": ExitCode.INTERRUPTED}, True),
        ({"outcomes": OutcomeCounts(applied=1), "exit_code": ExitCode.INTERRUPTED}, False),
    ],
)
def test_numbers_add_up_or_are_found_out(change: dict[str, object], adds_up: bool) -> None:
    """Every record is a rejection or part of a change, and every change has its outcome."""
    assert replace(REPORT, **change).adds_up is adds_up  # type: ignore[arg-type] # by its name
