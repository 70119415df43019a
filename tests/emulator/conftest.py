"""Every test of the emulator runs twice: in process, and over HTTP on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.sandbox import Sandbox, Settings
from emulator_account import ATTRIBUTES
from sandboxes import START, Brevo, Switch, in_process, over_http, serving


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Switch, str]]:
    """One server for all tests, and its base URL."""
    switch = Switch()
    with serving(switch) as url:
        yield switch, url


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: what is tested here need not survive."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(params=["in process", "over HTTP"])
def open_brevo(
    request: pytest.FixtureRequest, quick_folder: Path
) -> Iterator[Callable[[Settings], Brevo]]:
    """A way to open sandboxes with settings of the test's own."""
    with ExitStack() as stack:

        def open_one(settings: Settings) -> Brevo:
            clock = SimulatedClock(START)
            path = quick_folder / "brevo.db"
            sandbox = stack.enter_context(Sandbox(path, clock=clock, settings=settings))
            sandbox.ensure(lists={5: "Customers"}, attributes=ATTRIBUTES)
            if request.param == "in process":
                ask = stack.enter_context(in_process(sandbox, clock))
                return Brevo(sandbox, clock, ask, "http://sandbox.invalid/v3")
            switch, url = request.getfixturevalue("served")
            return Brevo(sandbox, clock, stack.enter_context(over_http(sandbox, switch)), url)

        yield open_one


@pytest.fixture
def brevo(open_brevo: Callable[[Settings], Brevo]) -> Brevo:
    """A sandbox as it is by default, with one attribute of each type and list 5."""
    return open_brevo(Settings())
