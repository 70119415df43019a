"""What holds for every test."""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Concatenate, ParamSpec

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

from brevo_description import PATH
from brevo_watch import WATCH, Watched, fail_for
from customer_sync.sandbox import Sandbox
from thoroughness import TORTURE

P = ParamSpec("P")

# A busy machine makes an example slow, not wrong: nothing that a test says depends on time.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same commit passes or fails alike everywhere; new examples are for `make torture` to find.
settings.register_profile("steady", _UNTIMED, derandomize=True)
settings.register_profile(TORTURE, _UNTIMED, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
if settings.get_current_profile_name() == "steady":
    # Hypothesis also tries the numbers and texts that it finds in the modules loaded so far: those
    # of a whole run differ from those of one file, and from worker to worker.
    HypothesisProvider._local_constants = Constants()  # type: ignore[assignment]


def pytest_configure() -> None:
    """Let the commands under test be interrupted, also where nohup or a shell's & started pytest.

    Both leave SIGINT ignored, and what ignores a signal hands that down to its children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to rewrite the golden files, so that their difference can be looked at."""
    parser.addoption("--update-golden", action="store_true", help="Rewrite tests/golden.")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return the comparison of a text with a file below tests/golden."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


def pytest_report_header() -> str:
    """Say whether what is sent and answered is held to Brevo's description."""
    if WATCH.is_on:
        return "brevo: requests and answers are held to the published description"
    return f"brevo: NOT held to the published description, as there is no {PATH.name}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded, of kills and of storms, each by its name."""
    reports = [one for some in terminalreporter.stats.values() for one in some]
    figures = [
        f"{report.nodeid.rpartition('::')[2]}: {name}: {value}"
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
    ]
    if figures:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _watched_sandboxes() -> Iterator[None]:
    """Watch every sandbox that is opened in this process, however it is reached."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sandbox, "__init__", _watching(Sandbox.__init__))
        yield


def _watching(
    opening: Callable[Concatenate[Sandbox, P], None],
) -> Callable[Concatenate[Sandbox, P], None]:
    def open_watched(sandbox: Sandbox, /, *args: P.args, **options: P.kwargs) -> None:
        opening(sandbox, *args, **options)
        sandbox.app = Watched(sandbox.app, sandbox, WATCH)

    return open_watched


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Fail a test in which the client or the sandbox did what the description does not allow."""
    yield
    fail_for(WATCH.drain())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """See to it that what happens while a test is taken down is not blamed on the next one."""
    yield
    fail_for(WATCH.drain())
