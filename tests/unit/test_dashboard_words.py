"""Figures in words."""

from datetime import timedelta

import pytest

from customer_sync.core.figures import Trouble
from customer_sync.core.standing import Standing
from customer_sync.monitoring.dashboard import words
from figures_builders import NOON, past_run


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (None, "–"),
        (0.0, "0%"),
        (1.0, "100%"),
        (0.99999, "99.99%"),
        (0.00001, "<0.01%"),
        (0.0001, "0.01%"),
        (0.57, "57.00%"),
        (1.234, "123.40%"),
    ],
)
def test_a_share_is_whole_only_when_it_is(part: float | None, text: str) -> None:
    """Rounding must not hide the one customer that is missing."""
    assert words.share(part) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (0.125, "0.125 s"),
        (89.9, "89.9 s"),
        (90.0, "1.5 min"),
        (5400.0, "1.5 h"),
        (129_600.0, "1.5 days"),
        (86_400.0 * 1035, "1035 days"),
    ],
)
def test_a_time_has_the_unit_of_its_size(seconds: float | None, text: str) -> None:
    """Two or three digits are enough to judge by."""
    assert words.time(seconds) == text


def test_a_retry_is_due_or_still_to_come() -> None:
    """Or there is none."""
    assert words.due(None, NOON) == "nothing to retry"
    assert words.due(NOON, NOON) == "next retry with the next run"
    assert words.due(NOON + timedelta(hours=2), NOON) == "next retry in 2 h"


@pytest.mark.parametrize(
    ("exit_code", "text"), [(0, "0 ok"), (7, "7 partial"), (99, "99"), (None, "cut off")]
)
def test_the_end_of_a_run_has_a_word(exit_code: int | None, text: str) -> None:
    """That of the table of exit codes."""
    assert words.ended(past_run(exit_code=exit_code)) == text


def test_a_run_under_way_has_no_end_yet() -> None:
    """It is told apart from one that was killed."""
    run = past_run(exit_code=None)
    assert words.ended(run, under_way=run.id) == "under way"


def test_the_last_run_is_told_with_the_one_that_goes_on() -> None:
    """Both, if there are both."""
    told = words.last(Standing(last_run=past_run(), under_way=past_run(seconds=None)))
    assert told == ("run 20261124T120000 took 60 s, exit 0 ok; run 20261124T120000 is under way")


def test_counts_agree_with_their_noun() -> None:
    """One of them is one."""
    assert words.count(1, "run") == "1 run"
    assert words.count(1200, "run") == "1,200 runs"
    assert words.count(2, "reply", "replies") == "2 replies"
    assert words.count(None, "run") == "–"


def test_moments_are_in_utc_to_the_minute() -> None:
    """Nothing where there is none."""
    assert words.moment(NOON) == "2026-11-24 12:00"
    assert words.moment(None) == "–"


def test_a_trouble_is_told_with_what_to_do() -> None:
    """What the run advised goes before what its kind calls for."""
    assert words.remedy(Trouble(kind="deferred", hint="Wait.")) == "Wait."
    assert "customer-sync queue list" in words.remedy(Trouble(kind="deferred"))
    assert "rejects.jsonl" in words.remedy(Trouble(kind="rejection"))
    assert words.remedy(Trouble(kind="note")) == ""
    assert "authorised IPs" in words.remedy(Trouble(kind="deferred", trouble="CS402"))


def test_a_trouble_is_called_by_its_code_too() -> None:
    """By which it can be looked up; earlier versions had none."""
    told = Trouble(kind="failed", trouble="CS407", code="duplicate_parameter")
    assert words.name(told) == "failed CS407 duplicate_parameter"
    assert words.name(Trouble(kind="failed")) == "failed"
