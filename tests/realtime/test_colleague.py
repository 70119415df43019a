"""Work beside the main thread: it ends when it is to, and its bugs are heard."""

import gc
import os
import signal
import threading
from pathlib import Path

import pytest

from customer_sync.cli.live_pages import Telling
from customer_sync.cli.realtime import calm_collector
from customer_sync.clock import SystemClock
from customer_sync.config.loading import load
from customer_sync.errors import BrevoUnavailable
from customer_sync.realtime.alarm import Alarm
from customer_sync.realtime.batches import Ran
from customer_sync.realtime.colleague import Colleague, beside, ending_quietly
from customer_sync.realtime.flushing import Flusher, Pace, Told
from customer_sync.run.job import Job
from customer_sync.trouble import Code

PATIENCE_S = 60.0


def test_it_ends_when_it_is_told_to() -> None:
    """And is waited for."""
    over = threading.Event()
    with beside(lambda: _wait(over), over.set, on_broken=lambda: None) as colleague:
        assert colleague.is_alive
    assert not colleague.is_alive


def _wait(over: threading.Event) -> None:
    over.wait(PATIENCE_S)


def test_a_bug_ends_whatever_goes_on_beside_it() -> None:
    """It is told at once, and raised in the end: nobody receives what nobody writes."""
    broken = threading.Event()

    def stumble() -> None:
        raise ZeroDivisionError

    def receive() -> None:
        with beside(stumble, lambda: None, on_broken=broken.set) as colleague:
            assert broken.wait(PATIENCE_S)
            assert not colleague.is_alive

    with pytest.raises(ZeroDivisionError):
        receive()


def test_signals_end_what_is_within_and_not_the_process() -> None:
    """Afterwards they do what they did before."""
    heard: list[None] = []
    before = signal.getsignal(signal.SIGTERM)
    with ending_quietly(lambda: heard.append(None)):
        os.kill(os.getpid(), signal.SIGTERM)
    assert heard == [None]
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_collector_is_calm_only_meanwhile() -> None:
    """Other commands in the same process go on as they did."""
    before = gc.get_threshold()
    with calm_collector():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before


@pytest.fixture
def telling(tmp_path: Path) -> Telling:
    """Return what a server tells of itself, whose writer lives."""
    path = tmp_path / "config.yaml"
    path.write_text("skills: {customer-sync: {source: custom}}")
    flusher = Flusher(
        tmp_path,
        _never,
        Alarm(enough=1),
        pace=Pace(),
        clock=SystemClock(),
        command="serve",
        told=Told(on_failure=lambda _error, _pause: None, on_bug=lambda _bug, _count: None),
    )
    over = threading.Event()
    over.set()
    colleague = Colleague(lambda: _wait(over), lambda: None)
    return Telling(config=load(path), folder=tmp_path, flusher=flusher, colleague=colleague)


def _never(_job: Job) -> Ran:
    raise AssertionError


def readiness(telling: Telling, *, is_alive: bool = True) -> tuple[bool, object]:
    """Return whether it is ready, and the last failure."""
    over = threading.Event()
    colleague = Colleague(lambda: _wait(over), lambda: None)
    telling.colleague = colleague if is_alive else None
    colleague.start()
    try:
        is_ready, figures = telling.readiness()
    finally:
        over.set()
        colleague.join()
    return is_ready, figures["last_failure"]


def test_it_is_ready_while_somebody_writes(telling: Telling) -> None:
    """Without that it would only pile up."""
    assert readiness(telling) == (True, None)
    assert readiness(telling, is_alive=False) == (False, Code.BUG)


def test_that_brevo_is_away_is_no_reason_to_send_elsewhere(telling: Telling) -> None:
    """Events are kept here meanwhile; the failure is told."""
    down = BrevoUnavailable("Down.", trouble=Code.BREVO_UNAVAILABLE)
    telling.flusher.standing.failure = down
    assert readiness(telling) == (True, Code.BREVO_UNAVAILABLE)


def test_it_is_not_ready_while_it_stumbles(telling: Telling) -> None:
    """Whoever supervises it sees that."""
    telling.flusher.standing.bug = ZeroDivisionError()
    assert readiness(telling) == (False, Code.BUG)
