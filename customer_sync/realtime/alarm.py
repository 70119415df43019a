"""Who wakes whom: the one who writes sleeps until there is enough to write, or long enough."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Alarm:
    """Wakes the one who writes: when something arrived, when enough did, when it is to end."""

    enough: int
    """So many records are a batch at once."""
    monotonic: Callable[[], float] = time.monotonic
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _count: int = 0
    _since: float = 0.0
    _is_over: bool = False

    @property
    def is_over(self) -> bool:
        """Tell whether it is to end."""
        return self._is_over

    def ring(self, count: int) -> None:
        """So many records arrived."""
        with self._changed:
            if self._count == 0 < count:
                self._since = self.monotonic()
            self._count += count
            self._changed.notify_all()

    def end(self) -> None:
        """Let it end."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def hush(self) -> None:
        """Count anew: whatever has arrived is about to be written."""
        with self._changed:
            self._count = 0

    def wait(self, idle_s: float, delay_s: float) -> None:
        """Return when a batch is due: *delay_s* after its first record arrived, or once it is full.

        It returns also when nothing arrives for *idle_s*, and when it is to end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._count > 0 or self._is_over, idle_s)
            if self._count:
                left_s = self._since + delay_s - self.monotonic()
                self._changed.wait_for(
                    lambda: self._count >= self.enough or self._is_over, max(left_s, 0.0)
                )

    def pause(self, seconds: float) -> None:
        """Return when it is to end, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, seconds)
