"""Samples: whom they look at, and what they prove about everybody else."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.core.model import Email, Limit
from customer_sync.core.proving.sampling import choose, most_wrong, size_of

PEOPLE = [Email(f"p{number}@example.com") for number in range(200)]


def test_the_same_seed_looks_at_the_same_people_in_any_order() -> None:
    """So that a proof can be repeated."""
    assert choose(PEOPLE, 20, seed=1) == choose(PEOPLE[::-1], 20, seed=1)
    assert len(choose(PEOPLE, 20, seed=1)) == 20


def test_another_seed_looks_at_others() -> None:
    """So that many small samples see everybody in the end."""
    assert choose(PEOPLE, 20, seed=1) != choose(PEOPLE, 20, seed=2)


def test_everybody_has_a_turn() -> None:
    """Nobody is left out by every seed."""
    seen = frozenset[Email]().union(*(choose(PEOPLE, 20, seed=seed) for seed in range(200)))
    assert seen == frozenset(PEOPLE)


@pytest.mark.parametrize(
    ("sample", "size"),
    [
        (Limit(count=3), 3),
        (Limit(count=30), 10),
        (Limit(share=0.25), 3),
        (Limit(share=1.0), 10),
        (Limit(share=0.001), 1),
    ],
)
def test_a_sample_is_a_number_or_a_share(sample: Limit, size: int) -> None:
    """A share is rounded up, and there are never more than there are."""
    assert size_of(sample, 10) == size


def test_a_sample_of_everybody_proves_the_very_number() -> None:
    """Nothing is left to guess."""
    assert most_wrong(50, 50, 3) == 3


def test_a_sample_of_nobody_proves_nothing() -> None:
    """All may differ."""
    assert most_wrong(50, 0, 0) == 50


def test_a_clean_sample_bounds_a_large_shop() -> None:
    """About three of the size of the sample, as the rule of three has it."""
    assert 950 <= most_wrong(100_000, 300, 0) <= 1000


@given(st.data())
def test_the_bound_is_the_largest_number_that_the_finding_allows(data: st.DataObject) -> None:
    """One more that differs, and so few would have been found in less than one of 20 samples."""
    population = data.draw(st.integers(1, 30))
    looked_at = data.draw(st.integers(0, population))
    found = data.draw(st.integers(0, looked_at))

    def chance(wrong: int) -> Fraction:
        ways = sum(
            comb(wrong, i) * comb(population - wrong, looked_at - i) for i in range(found + 1)
        )
        return Fraction(ways, comb(population, looked_at))

    possible = range(found, population - looked_at + found + 1)
    bound = max(w for w in possible if w == found or chance(w) > Fraction(5, 100))
    assert most_wrong(population, looked_at, found) == bound
