"""How long very many things took, in little room: counts in buckets, each a tenth wider."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

_LEAST_S = 0.01
_STEP = 1.1


def bucket(seconds: float) -> int:
    """Return the number of the bucket that *seconds* fall into; 0 is for the shortest of all."""
    if seconds <= _LEAST_S:
        return 0
    return 1 + int(math.log(seconds / _LEAST_S, _STEP))


def spread(times: Iterable[float]) -> Counter[int]:
    """Return how many of *times*, in seconds, fall into each bucket."""
    return Counter(map(bucket, times))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the seconds that a *share* of all took no longer than; None: there are none.

    It is off by a twentieth at most.
    """
    wanted = share * sum(counts.values())
    passed = 0
    for number in sorted(counts):
        passed += counts[number]
        if passed >= wanted:
            return _middle(number)
    return None


def _middle(number: int) -> float:
    return _LEAST_S if number == 0 else _LEAST_S * _STEP ** (number - 0.5)
