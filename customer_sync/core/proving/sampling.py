"""Which customers a sample looks at, and what it proves about all the others."""

import hashlib
import heapq
import math
from collections.abc import Collection

from customer_sync.core.model import Email, Limit

CONFIDENCE = 0.95
"""How sure the bound is that a sample gives."""


def choose(emails: Collection[Email], size: int, *, seed: int) -> frozenset[Email]:
    """Return *size* of *emails*, or all where there are no more; every one is equally likely.

    The same seed chooses the same ones, in whatever order they come.
    """
    return frozenset(heapq.nsmallest(size, emails, key=lambda email: _lot(email, seed)))


def size_of(sample: Limit, population: int) -> int:
    """Return how many of *population* are looked at: a share is rounded up, and 0 is none."""
    wanted = math.ceil((sample.share or 0.0) * population) if sample.count is None else sample.count
    return min(wanted, population)


def most_wrong(population: int, looked_at: int, found: int) -> int:
    """Return how many of *population* may differ at most, where *found* of those looked at do.

    With more than that, so few would have been found in less than one of twenty samples. It counts
    as drawn without putting back, so that a sample of everybody proves the very number.
    """
    low, high = found, population - looked_at + found
    while low < high:
        middle = (low + high + 1) // 2
        if _chance(population, middle, looked_at, found) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle - 1
    return low


def _lot(email: Email, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{email}".encode(), digest_size=16).digest()


def _chance(population: int, wrong: int, looked_at: int, found: int) -> float:
    """Return how likely at most *found* are drawn when *wrong* of *population* differ."""
    fewest = max(0, looked_at - (population - wrong))
    all_draws = _log_choose(population, looked_at)
    return sum(
        math.exp(
            _log_choose(wrong, drawn)
            + _log_choose(population - wrong, looked_at - drawn)
            - all_draws
        )
        for drawn in range(fewest, min(found, wrong, looked_at) + 1)
    )


def _log_choose(of: int, some: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)
