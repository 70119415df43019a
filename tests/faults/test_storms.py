"""Everything fails now and then, all at once: it converges, in a bounded number of requests."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from storms import HURRICANE, STORM, weather

STORMS = int(os.environ.get("TORTURE_STORMS", "1"))
"""How many of each kind; `make torture` asks for more."""


@pytest.mark.parametrize("seed", range(STORMS))
@pytest.mark.parametrize(
    "troubles", [pytest.param(STORM, id="storm"), pytest.param(HURRICANE, id="hurricane")]
)
def test_a_storm_passes_and_all_is_right(
    troubles: Mapping[str, object],
    seed: int,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Each report adds up on the way, nobody is lost, doubled or mailable, and nothing is left."""
    came_to = weather(tmp_path, troubles, seed)
    record_property("weathered", str(came_to))
    assert came_to.verdict.is_good
    assert (came_to.left_to_do, came_to.unblocked) == (0, 0)
    assert came_to.requests <= came_to.most_requests
    assert came_to.troubles > 0
