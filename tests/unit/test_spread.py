"""Very many times in little room, and what can still be told of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.core.spread import bucket, quantile, spread

seconds = st.floats(min_value=0.02, max_value=1e7)


def test_of_nothing_there_is_nothing_to_tell() -> None:
    """Not even a zero."""
    assert quantile({}, 0.5) is None


def test_what_took_no_time_took_the_least_that_is_told() -> None:
    """A hundredth of a second."""
    assert quantile(spread([0.0, 0.001]), 0.99) == 0.01


@given(seconds)
def test_a_time_is_told_to_a_twentieth(time: float) -> None:
    """Whatever it is."""
    assert quantile({bucket(time): 1}, 0.5) == pytest.approx(time, rel=0.055)


@given(st.lists(seconds, min_size=1))
def test_quantiles_are_in_order(times: list[float]) -> None:
    """A larger share never took less time."""
    counts = spread(times)
    found = [quantile(counts, share) or 0.0 for share in (0.01, 0.5, 0.95, 0.99, 1.0)]
    assert found == sorted(found)


def test_half_of_them_were_no_slower_than_the_median() -> None:
    """As with the times themselves."""
    counts = spread([1.0] * 51 + [100.0] * 49)
    assert quantile(counts, 0.5) == pytest.approx(1, rel=0.06)
    assert quantile(counts, 0.95) == pytest.approx(100, rel=0.06)
