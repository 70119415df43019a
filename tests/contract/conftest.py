"""The two ways to the sandbox that every test of the contract takes: in process and over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brevo_double import KEY
from customer_sync.clock import SimulatedClock
from customer_sync.sandbox import Sandbox, Settings
from sandbox_stage import ATTRIBUTES, START, LeapingClock, Stage, Way


@pytest.fixture(params=Way)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each way in turn."""
    assert isinstance(request.param, Way)
    return request.param


@pytest.fixture
def raise_stage(way: Way, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Return what opens a sandbox with the settings that it is given."""
    opened: list[Sandbox] = []

    def raised(**settings: Any) -> Stage:
        clock = SimulatedClock(START) if way is Way.IN_PROCESS else LeapingClock()
        path = tmp_path / f"sandbox-{len(opened)}.db"
        sandbox = Sandbox(path, clock=clock, settings=Settings(**{"api_key": KEY, **settings}))
        sandbox.ensure(lists={5: "Customers", 6: "Friends"}, attributes=ATTRIBUTES)
        opened.append(sandbox)
        return Stage(way=way, sandbox=sandbox, clock=clock)

    yield raised
    for sandbox in opened:
        sandbox.close()


@pytest.fixture
def stage(raise_stage: Callable[..., Stage]) -> Stage:
    """Return a stage with a sandbox as it is by default."""
    return raise_stage()
