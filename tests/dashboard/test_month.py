"""A month of runs with all that goes wrong: the figures are those of a ledger kept apart."""

import json
import statistics
from datetime import UTC, datetime
from typing import Any

import pytest

from customer_sync.cli import main
from month import Month, a_month

_CONTACTS_PER_HOUR = 216_000
_OTHER_PER_HOUR = 600
"""What the configuration's rate plan grants, as Brevo's table has it."""

_HOURS = 30 * 24


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """Return a month that ends now."""
    return a_month(tmp_path_factory.mktemp("month"), end=datetime.now(UTC))


@pytest.fixture
def document(month: Month, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what `report --json` says of the month."""
    folder = month.shop.folder
    places = ["--config", str(folder / "config.yaml"), "--state", str(month.shop.state)]
    assert main(["report", "--json", "--since", "30d", *places]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_month_has_everything_in_it(month: Month) -> None:
    """Otherwise the other tests would prove little."""
    ledger = month.ledger
    assert ledger.failed_runs >= 5
    assert ledger.out_of_sync > ledger.rejections > 0
    assert ledger.in_sync > len(ledger.latencies) > 200
    assert min(ledger.drift, ledger.newly_blocked, ledger.failed_requests) > 10


def test_success_is_what_the_account_holds(month: Month, document: dict[str, Any]) -> None:
    """By its contacts after each run, against what the shop had said."""
    ledger, figures = month.ledger, document["status"]["figures"]
    assert (figures["in_sync"], figures["out_of_sync"]) == (ledger.in_sync, ledger.out_of_sync)
    share = ledger.in_sync / (ledger.in_sync + ledger.out_of_sync)
    assert figures["success_rate"] == pytest.approx(share)


def test_latency_is_that_of_the_contacts(month: Month, document: dict[str, Any]) -> None:
    """From what the shop said until the contact's own time of modification, to a second."""
    taken, truth = document["status"]["figures"]["latency"], month.ledger.latencies
    assert taken["changes"] == len(truth)
    assert taken["average_s"] == pytest.approx(statistics.fmean(truth), abs=1)
    assert taken["median_s"] == pytest.approx(statistics.median(truth), abs=1)
    surely_beyond = sum(seconds > taken["p95_s"] + 1 for seconds in truth)
    perhaps_beyond = sum(seconds > taken["p95_s"] - 1 for seconds in truth)
    assert surely_beyond <= len(truth) * 5 // 100 < perhaps_beyond


def test_requests_are_those_of_the_log(month: Month, document: dict[str, Any]) -> None:
    """All of them, those that failed, and what they are of the account's budgets."""
    ledger, figures = month.ledger, document["status"]["figures"]
    assert figures["requests"] == ledger.requests.total()
    assert figures["failed_requests"] == ledger.failed_requests
    assert figures["error_rate"] == pytest.approx(ledger.failed_requests / ledger.requests.total())
    contacts = ledger.requests["contacts"]
    assert figures["budget_used"] == {
        "contacts": pytest.approx(contacts / (_CONTACTS_PER_HOUR * _HOURS)),
        "other": pytest.approx((ledger.requests.total() - contacts) / (_OTHER_PER_HOUR * _HOURS)),
    }


def test_runs_and_people_are_counted(month: Month, document: dict[str, Any]) -> None:
    """Failed runs by their log, drift and blocks by the contacts, rejections by the shop."""
    ledger, figures = month.ledger, document["status"]["figures"]
    assert (figures["runs"], figures["failed_runs"]) == (ledger.runs, ledger.failed_runs)
    assert figures["drift"] == ledger.drift
    assert figures["rejections"] == ledger.rejections
    assert figures["consent"] == {"blocked": ledger.newly_blocked}


def test_the_queue_holds_whom_runs_were_told_of_in_vain(
    month: Month, document: dict[str, Any]
) -> None:
    """Now, and after each day."""
    standing = document["status"]["standing"]
    assert standing["queue_depth"] + standing["dead_letters"] == month.queue_depth
    depths = [part["queue_depth"] for part in document["parts"]]
    assert max(depth or 0 for depth in depths) > 0


def test_days_add_up_to_the_month(document: dict[str, Any]) -> None:
    """What the charts show is what the figures say."""
    whole = document["status"]["figures"]
    for name in ("runs", "in_sync", "out_of_sync", "requests", "failed_requests", "drift"):
        assert sum(part[name] for part in document["parts"]) == whole[name]


def test_status_says_the_same(month: Month, capsys: pytest.CaptureFixture[str]) -> None:
    """In its own words."""
    folder = month.shop.folder
    places = ["--config", str(folder / "config.yaml"), "--state", str(month.shop.state)]
    assert main(["status", "--since", "30d", *places]) == 0
    ledger, out = month.ledger, capsys.readouterr().out
    assert f"{ledger.in_sync:,} of {ledger.in_sync + ledger.out_of_sync:,}" in out
    assert f"{ledger.failed_requests:,} of {ledger.requests.total():,} requests" in out
    assert f"{ledger.failed_runs} of them did not end well" in out
