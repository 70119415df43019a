"""Work in a thread beside the main one: from its start to its end, a bug included."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

LEAVE_S = 20.0
"""How long the batch in flight may take once it is to end; after that it comes again."""


class Colleague:
    """Whoever works in the other thread."""

    def __init__(self, work: Callable[[], None], on_broken: Callable[[], None]) -> None:
        self._work = work
        self._on_broken = on_broken
        self._thread = threading.Thread(target=self._do, name="flushing", daemon=True)
        self.bug: Exception | None = None
        """What broke the work off."""

    @property
    def is_alive(self) -> bool:
        """Tell whether the work goes on."""
        return self._thread.is_alive() and self.bug is None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the work, but no longer than `LEAVE_S`."""
        self._thread.join(LEAVE_S)

    def _do(self) -> None:
        try:
            self._work()
        except Exception as bug:  # noqa: BLE001 - raised again where somebody can hear it
            self.bug = bug
            self._on_broken()


@contextmanager
def beside(
    work: Callable[[], None], end: Callable[[], None], *, on_broken: Callable[[], None]
) -> Iterator[Colleague]:
    """Do *work* in a thread of its own meanwhile; *end* lets it come to its end.

    What it is at then may take `LEAVE_S`. Nothing is lost where that is too short: what was not
    accepted is still in the inbox. Where a bug breaks it off, *on_broken* is called in that thread,
    and the bug is raised here in the end: nobody goes on receiving what nobody writes.
    """
    colleague = Colleague(work, on_broken)
    colleague.start()
    try:
        yield colleague
    finally:
        end()
        colleague.join()
    if colleague.bug is not None:
        raise colleague.bug


@contextmanager
def ending_quietly(on_signal: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end what is within, and not the process; *on_signal* is called.

    A server hears them itself, and raises them again for whoever was there before it.
    """

    def hear(_number: int, _frame: FrameType | None) -> None:
        on_signal()

    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, hear) for number in watched]
    try:
        yield
    finally:
        for number, last in zip(watched, before, strict=True):
            signal.signal(number, last)
