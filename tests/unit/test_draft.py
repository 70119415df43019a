"""Values are compared as Brevo stores them."""

import pytest

from customer_sync.core.changes.draft import same
from customer_sync.core.model import Value


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a", "a", True),
        ("a", "A", False),
        (None, "", True),
        (None, (), True),
        ("", (), True),
        (("p", "q"), ("q", "p"), True),
        (("p",), ("p", "q"), False),
        (1.0, 1, True),
        (1, True, False),
        (0, False, False),
        (False, None, False),
        (0.0, None, False),
        ("1", 1, False),
    ],
)
def test_two_values_are_the_same(*, one: Value, other: Value, is_same: bool) -> None:
    """Empty is absent, options have no order, and a truth is no number."""
    assert same(one, other) is is_same
    assert same(other, one) is is_same
