"""What runs add up to."""

from datetime import timedelta

import pytest

from customer_sync.core.figures import (
    Budget,
    Figures,
    PastRun,
    Trouble,
    figures,
    latency,
    series,
    stage_seconds,
    troubles,
)
from figures_builders import NOON, past_run

HOUR = timedelta(hours=1)


def sums(*runs: PastRun, under_way: str | None = None) -> Figures:
    """Return the figures of the two hours around noon."""
    budgets = [
        Budget(family="contacts", per_hour=100, covers=lambda r: "/contacts" in r),
        Budget(family="other", per_hour=10, covers=lambda r: "/contacts" not in r),
    ]
    return figures(
        runs, [], since=NOON - HOUR, until=NOON + HOUR, budgets=budgets, under_way=under_way
    )


def test_success_is_what_is_right_of_what_should_be() -> None:
    """Written and right already, against rejected, deferred, failed and withheld."""
    found = sums(
        past_run(applied=3, kept=2, deferred=1, rejections=1),
        past_run(applied=1, failed=1, withheld=1),
    )
    assert (found.in_sync, found.out_of_sync) == (6, 4)
    assert found.success_rate == 0.6


def test_nothing_to_rate_has_no_rate() -> None:
    """Neither a whole nor a failure: there is nothing to tell."""
    found = sums()
    assert found.success_rate is None
    assert found.error_rate is None
    assert found.latency.average_s is None


def test_the_error_rate_is_that_of_requests() -> None:
    """Of all routes together."""
    found = sums(
        past_run(requests={"A": 6, "B": 2}, failed_requests={"A": 1}),
        past_run(requests={"A": 2}, failed_requests={"A": 1}),
    )
    assert (found.failed_requests, found.requests, found.error_rate) == (2, 10, 0.2)


def test_a_budget_is_what_the_account_grants_in_the_time() -> None:
    """Each family of requests has its own."""
    found = sums(past_run(requests={"GET /contacts": 50, "GET /processes": 1}))
    assert found.budget_used == {"contacts": 0.25, "other": 0.05}


@pytest.mark.parametrize(
    ("exit_code", "failed"), [(0, 0), (7, 0), (6, 1), (8, 1), (5, 1), (130, 1), (None, 1)]
)
def test_runs_fail_that_did_not_do_what_they_could(exit_code: int | None, failed: int) -> None:
    """One that rejected or deferred something did; one that was cut off did not."""
    run = past_run(exit_code=exit_code, seconds=None if exit_code is None else 60)
    assert sums(run).failed_runs == failed


def test_a_run_under_way_has_not_failed() -> None:
    """Nobody knows yet how it ends."""
    run = past_run(seconds=None)
    assert sums(run, under_way=run.id).failed_runs == 0
    assert sums(run, under_way=run.id).runs == 1


def test_a_stretch_begins_with_its_first_moment_and_ends_before_the_next() -> None:
    """So that stretches side by side count each run once."""
    at_its_begin, at_its_end = past_run(at=NOON - HOUR), past_run(at=NOON + HOUR)
    assert sums(at_its_begin, at_its_end).runs == 1


def test_latency_is_averaged_and_ranked() -> None:
    """The 95th of a hundred is the p95."""
    found = latency(float(n) for n in reversed(range(1, 101)))
    assert (found.changes, found.average_s, found.median_s, found.p95_s) == (100, 50.5, 50.5, 95.0)


def test_one_change_is_its_own_median_and_p95() -> None:
    """The smallest sample there is."""
    found = latency([7.0])
    assert (found.average_s, found.median_s, found.p95_s) == (7.0, 7.0, 7.0)


def test_a_series_puts_runs_and_latencies_where_they_belong() -> None:
    """A run by its begin, a change by when Brevo had it."""
    parts = series(
        [past_run(at=NOON - 2 * HOUR, applied=1), past_run(applied=2)],
        [(NOON - HOUR, 5.0), (NOON + HOUR - timedelta(seconds=1), 9.0)],
        since=NOON - 2 * HOUR,
        until=NOON + HOUR,
        parts=3,
    )
    assert [p.in_sync for p in parts] == [1, 0, 2]
    assert [p.latency.average_s for p in parts] == [None, 5.0, 9.0]


def test_the_queue_of_a_stretch_is_the_one_after_its_last_run() -> None:
    """Whatever the order; a run that could not look says nothing."""
    later = past_run(at=NOON + timedelta(minutes=5), queue_depth=3)
    blind = past_run(at=NOON + timedelta(minutes=9))
    assert sums(later, past_run(queue_depth=8), blind).queue_depth == 3
    assert sums(blind).queue_depth is None


def test_words_are_counted_the_most_frequent_first() -> None:
    """Rules, notes, consent and routes alike."""
    found = sums(
        past_run(broken_rules={"format": 1}, consent={"blocked": 2}),
        past_run(broken_rules={"format": 1, "required": 3}, notes={"drift": 1}),
    )
    assert list(found.broken_rules.items()) == [("required", 3), ("format", 2)]
    assert found.consent == {"blocked": 2}
    assert found.notes == {"drift": 1}


def test_the_slowest_stage_comes_first() -> None:
    """By what it took altogether."""
    runs = [past_run(stages={"read": 5.0, "apply": 2.0}), past_run(stages={"apply": 4.0})]
    assert [(name, taken.average_s) for name, taken in stage_seconds(runs)] == [
        ("apply", 3.0),
        ("read", 5.0),
    ]


def test_the_same_trouble_is_one() -> None:
    """Alike ones are counted, and the most frequent comes first."""
    once, twice = Trouble(kind="failed", message="x"), Trouble(kind="failed", message="y")
    runs = [past_run(errors=(once, twice)), past_run(errors=(twice,))]
    assert troubles(runs) == [(twice, 2), (once, 1)]


def test_how_long_something_took_does_not_make_it_another_trouble() -> None:
    """The newest run comes first in a history, so the newest words stand for them all."""
    late = Trouble(kind="deferred", message="no answer in 6 attempts and 21 s: Brevo answered 503")
    early = Trouble(
        kind="deferred", message="no answer in 5 attempts and 9.5 s: Brevo answered 503"
    )
    other = Trouble(kind="deferred", message="no answer in 6 attempts and 21 s: Brevo answered 500")
    runs = [past_run(errors=(late, other)), past_run(errors=(early,))]
    assert troubles(runs) == [(late, 2), (other, 1)]
