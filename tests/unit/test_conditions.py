"""What monitors watch for."""

import pytest

from customer_sync.errors import UsageError
from customer_sync.monitoring.conditions import read_condition

NAMES = ("success_rate", "latency_p95", "queue_depth")


@pytest.mark.parametrize(
    ("text", "measured", "is_met"),
    [
        ("success_rate<0.99", 0.98, True),
        ("success_rate<0.99", 0.99, False),
        ("success_rate <= 99%", 0.99, True),
        ("latency_p95 > 15m", 901.0, True),
        ("latency_p95 > 15m", 900.0, False),
        ("queue_depth>=10", 10, True),
        ("queue_depth==10", 11, False),
        (" queue_depth != 10 ", 11, True),
    ],
)
def test_a_figure_is_compared(text: str, measured: float, is_met: bool) -> None:
    """With a number, a share or a duration, at both sides of the limit."""
    condition = read_condition(text, NAMES)
    assert condition.is_met({condition.name: measured}) is is_met


@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">=", "==", "!="])
def test_what_is_not_known_meets_no_condition(comparison: str) -> None:
    """Nothing was measured, so nothing is too much."""
    condition = read_condition(f"success_rate{comparison}0.5", NAMES)
    assert not condition.is_met({"success_rate": None})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("success_rate", "`success_rate` is no condition"),
        ("", "`` is no condition"),
        ("sucess_rate<1", "no figure `sucess_rate`"),
        ("success_rate=<1", "`=<` is no comparison"),
        ("success_rate<", "`` is no number"),
        ("success_rate<-1", "`-1` is no number"),
        ("success_rate<1e3", "`1e3` is no number"),
        ("success_rate<nan", "`nan` is no number"),
    ],
)
def test_what_is_no_condition_is_told(text: str, told: str) -> None:
    """With a hint that says what would be."""
    with pytest.raises(UsageError, match=told) as caught:
        read_condition(text, NAMES)
    assert caught.value.hint


def test_a_misspelt_figure_names_the_nearest() -> None:
    """And all the others."""
    with pytest.raises(UsageError) as caught:
        read_condition("sucess_rate<1", NAMES)
    assert caught.value.hint == (
        "Did you mean success_rate? There are success_rate, latency_p95, queue_depth."
    )
