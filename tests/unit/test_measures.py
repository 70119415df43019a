"""What a run measures of itself."""

from datetime import UTC, datetime, timedelta

import pytest

from builders import create, soft_delete
from customer_sync.brevo.exchange import Attempt, Retry
from customer_sync.clock import SimulatedClock
from customer_sync.core.model import Applied, Deferred, Place, Problem, Rejection
from customer_sync.run.measures import Measures, NoTrace, has_failed
from customer_sync.run.report import RunReport
from customer_sync.trouble import Code

CLOCK_START = datetime(2026, 11, 24, tzinfo=UTC)


def attempt(status: int | None, route: str = "POST /contacts") -> Attempt:
    """Return a request and its answer."""
    return Attempt(route=route, number=1, status=status, error="", seconds=0.1, waited_s=0.0)


class Noted(NoTrace):
    """A trace that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def arrived(self, latency_s: float) -> None:
        """Note it."""
        self.heard.append(latency_s)

    def stage(self, name: str, now: datetime) -> None:
        """Note it."""
        self.heard.append((name, now))

    def request(self, attempt: Attempt, now: datetime) -> None:
        """Note it."""
        self.heard.append((attempt.route, now))

    def end(self, report: RunReport, now: datetime) -> None:
        """Note it."""
        self.heard.append((report.run_id, now))


@pytest.mark.parametrize(
    ("status", "route", "failed"),
    [
        (None, "GET /contacts", True),
        (200, "GET /contacts", False),
        (399, "GET /contacts", False),
        (400, "POST /contacts", True),
        (429, "GET /contacts", True),
        (404, "GET /contacts/{identifier}", False),
        (404, "PUT /contacts/{identifier}", True),
        (503, "GET /contacts", True),
    ],
)
def test_a_request_fails_unless_it_is_answered(
    status: int | None, route: str, *, failed: bool
) -> None:
    """That somebody is not there is an answer to whoever asked."""
    assert has_failed(attempt(status, route)) is failed


def test_stages_are_timed_from_one_to_the_next() -> None:
    """One that comes twice is one; the last lasts until it is asked about."""
    clock = SimulatedClock(CLOCK_START)
    measures = Measures(clock, NoTrace())
    for name, seconds in (("read", 2.0), ("apply", 3.0), ("read", 4.0)):
        measures.stage(name)
        clock.advance(seconds)
    assert measures.stages() == {"read": 6.0, "apply": 3.0}
    clock.advance(1.0)
    assert measures.stages()["read"] == 7.0


def test_failed_requests_are_counted_by_route() -> None:
    """A pause before another attempt is no request."""
    measures = Measures(SimulatedClock(CLOCK_START), NoTrace())
    measures.request(attempt(503))
    measures.request(Retry(route="POST /contacts", number=1, reason="503", seconds=1.0))
    measures.request(attempt(200))
    assert measures.failed_requests["POST /contacts"] == 1


def test_a_record_counts_once_for_each_rule_that_it_breaks() -> None:
    """However often it breaks it."""
    measures = Measures(SimulatedClock(CLOCK_START), NoTrace())
    problems = tuple(
        Problem(pointer=f"/{n}", rule=rule, detail="")
        for n, rule in enumerate(("format", "format", "required"))
    )
    place = Place(file="x", line=1)
    measures.rejection(Rejection(place=place, problems=problems, content=None))
    assert measures.broken_rules == {"format": 1, "required": 1}


def test_a_block_counts_when_brevo_has_it() -> None:
    """One that waits does not."""
    measures = Measures(SimulatedClock(CLOCK_START), NoTrace())
    gone = soft_delete()
    measures.outcome(Deferred(change=gone, trouble=Code.BREVO_UNAVAILABLE, error="503"))
    assert not measures.consent
    measures.outcome(Applied(change=gone))
    measures.outcome(Applied(change=create()))
    assert measures.consent == {"blocked": 1}


def test_whoever_follows_hears_everything_with_its_time() -> None:
    """In order."""
    clock, noted = SimulatedClock(CLOCK_START), Noted()
    measures = Measures(clock, noted)
    measures.stage("read")
    measures.request(attempt(200))
    measures.end(RunReport(run_id="r1", target="sandbox", dry_run=False, source=()))
    assert noted.heard == [(what, CLOCK_START) for what in ("read", "POST /contacts", "r1")]


def test_latency_is_of_news_and_never_negative() -> None:
    """What undoes a run is no news, and a shop's clock may be ahead."""
    change = create()
    said_at = change.customer.last_at
    for ahead, expected in ((30.0, [30.0]), (-30.0, [0.0])):
        noted = Noted()
        clock = SimulatedClock(said_at + timedelta(seconds=ahead))
        measures = Measures(clock, noted)
        measures.outcome(Applied(change=change))
        measures.outcome(Applied(change=change), is_news=False)
        measures.outcome(Deferred(change=change, trouble=Code.BREVO_UNAVAILABLE, error="503"))
        assert noted.heard == expected
