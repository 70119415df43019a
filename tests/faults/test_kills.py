"""Runs that are killed at any moment, as often as one likes, lose nothing and do nothing twice."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kill_stories import EVERYTHING, IMPORTS, STORIES, Story, tell

KILLS = int(os.environ.get("TORTURE_KILLS", "10"))
"""How many in all; `make torture` asks for many more."""

SEED = int(os.environ.get("TORTURE_SEED", "1"))
"""What shops and moments are drawn by."""

FEW = ((EVERYTHING, KILLS - KILLS // 4), (IMPORTS, KILLS // 4))
MANY = tuple((story, -(-KILLS // len(STORIES))) for story in STORIES)
SHARES = MANY if KILLS // len(STORIES) >= 5 else FEW
"""Few kills are few stories, for each begins with a sandbox of its own."""


@pytest.mark.parametrize(
    ("story", "kills"), [pytest.param(*share, id=share[0].name) for share in SHARES]
)
def test_whenever_runs_are_killed_nothing_is_lost_or_done_twice(
    story: Story, kills: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """In the end Brevo holds exactly what the shop said last, and nothing is left to do."""
    tally = tell(story, tmp_path, kills=kills, seed=SEED)
    record_property("killed", str(tally))
    assert sum(tally.kills.values()) >= kills
    assert (tally.lost, tally.twice, tally.wrong, tally.overtaken) == (0, 0, 0, 0)
