"""How a run is stopped before its end: by signals, by another thread, or by its time."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from customer_sync.pull.pulled import Brake
from customer_sync.run.apply import StopSign
from customer_sync.run.chronicle import Chronicle


class Stopping:
    """What to do about somebody who wants the run to end, according to how far it got."""

    def __init__(self, chronicle: Chronicle, stop: StopSign, pulling: Brake) -> None:
        self._chronicle = chronicle
        self._stop = stop
        self._pulling = pulling
        self.cancel: Callable[[], object] | None = None
        """Breaks off whatever is in flight; None as long as nothing can be."""
        self.hurry: Callable[[], object] | None = None
        """Breaks off whatever waits to be in flight."""

    def interrupt(self, times: int) -> None:
        """Let the first interruption finish what is in flight, and the second stop at once.

        Before anything is written, the first one stops at once.
        """
        is_writing = self._chronicle.is_writing
        if self._is_ending_by_itself(is_first=times == 1):
            return
        if times == 1 and is_writing and self.hurry is not None:
            self.hurry()
            return
        if times == 2 and is_writing and self.cancel is not None:
            # An exception raised here would end whichever request happens to be at work.
            self.cancel()
        elif times > 1 or not is_writing:
            raise KeyboardInterrupt

    def from_outside(self) -> None:
        """End soon, asked from any thread: what is in flight is finished, the rest is queued.

        Before anything is written it ends at once, and keeps nothing.
        """
        if self._is_ending_by_itself(is_first=True):
            return
        end = self.hurry if self._chronicle.is_writing else self.cancel
        # The event loop may have ended meanwhile, and the work with it.
        with suppress(RuntimeError):
            if end is not None:
                end()

    def _is_ending_by_itself(self, *, is_first: bool) -> bool:
        """Ask for the end, and tell whether what is pulled from a shop sees to it."""
        self._chronicle.interrupted()
        self._stop.raise_for("interrupted")
        return is_first and self._pulling.apply()


@contextmanager
def hearing_signals(on_interrupt: Callable[[int], None]) -> Iterator[None]:
    """Call *on_interrupt* at each Ctrl-C or SIGTERM, with how many there have been.

    Only the main thread hears signals; in any other one, whoever began the thread stops it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    times = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        on_interrupt(times)

    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in watched]
    try:
        yield
    finally:
        for number, handler in zip(watched, before, strict=True):
            signal.signal(number, handler)
