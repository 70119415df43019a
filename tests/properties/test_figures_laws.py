"""Laws of the figures: parts make the whole, rates stay rates, order does not matter."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from customer_sync.core.figures import PastRun, figures, latency, series
from figures_builders import NOON, past_run

SPAN = timedelta(days=7)
counts = st.integers(min_value=0, max_value=50)
moments = st.integers(min_value=0, max_value=int(SPAN.total_seconds()) - 1).map(
    lambda s: NOON + timedelta(seconds=s)
)


@st.composite
def runs(draw: st.DrawFn) -> PastRun:
    """Return some run within the week."""
    sent = draw(counts)
    return past_run(
        at=draw(moments),
        seconds=draw(st.sampled_from([None, 60.0])),
        exit_code=draw(st.sampled_from([0, 6, 7, 8])),
        applied=draw(counts),
        deferred=draw(counts),
        failed=draw(counts),
        kept=draw(counts),
        rejections=draw(counts),
        drift=draw(counts),
        requests={"GET /contacts": sent},
        failed_requests={"GET /contacts": draw(st.integers(min_value=0, max_value=sent))},
    )


latencies = st.lists(st.tuples(moments, st.floats(min_value=0, max_value=1e9)), max_size=30)


@given(st.lists(runs(), max_size=10), latencies, st.integers(min_value=1, max_value=40))
def test_parts_add_up_to_the_whole(
    past: list[PastRun], timed: list[tuple[datetime, float]], parts: int
) -> None:
    """However the time is cut, every run and every change is in one part."""
    ordered = sorted(timed)
    whole = figures(past, ordered, since=NOON, until=NOON + SPAN)
    cut = series(past, ordered, since=NOON, until=NOON + SPAN, parts=parts)
    for name in ("runs", "failed_runs", "in_sync", "out_of_sync", "requests", "drift"):
        assert sum(getattr(part, name) for part in cut) == getattr(whole, name)
    assert sum(part.latency.changes for part in cut) == whole.latency.changes == len(timed)


@given(st.lists(runs(), max_size=10))
def test_rates_lie_between_nothing_and_all(past: list[PastRun]) -> None:
    """Or are not known."""
    found = figures(past, [], since=NOON, until=NOON + SPAN)
    for rate in (found.success_rate, found.error_rate):
        assert rate is None or 0 <= rate <= 1


@given(st.lists(st.floats(min_value=0, max_value=1e9), min_size=1, max_size=50))
def test_latency_does_not_depend_on_order_and_is_one_of_its_values(seconds: list[float]) -> None:
    """And 95 of 100 changes took no longer than the p95."""
    found = latency(seconds)
    assert found == latency(sorted(seconds, reverse=True))
    assert found.p95_s is not None
    assert found.p95_s in seconds
    assert sum(s <= found.p95_s for s in seconds) >= 0.95 * len(seconds)
