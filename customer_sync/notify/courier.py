"""Delivery beside the run: a thread for each recipient, which nobody has to wait for."""

import threading
from collections import deque
from collections.abc import Iterable

from customer_sync.hushing import OUR_THREADS
from customer_sync.notify.delivery import ATTEMPTS, Answer, Pause, Recipient, deliver
from customer_sync.store.outbox import Letter


class Courier:
    """Delivers to one recipient, what is new before what was left from earlier.

    Once a letter did not arrive, those after it are tried once each, and what was left from earlier
    is left for another time.
    """

    def __init__(self, recipient: Recipient, *, pause: Pause | None = None) -> None:
        self.name = recipient.name
        self._recipient = recipient
        self._hurry = threading.Event()
        self._pause: Pause = pause or self._rest
        self._changed = threading.Condition()
        self._new: deque[Letter] = deque()
        self._old: deque[Letter] = deque()
        self._answers: list[tuple[Letter, Answer]] = []
        self._is_closing = False
        self._is_down = False
        # A thread that outlives its time must not keep the program from ending.
        self._thread = threading.Thread(
            target=self._work, name=f"{OUR_THREADS} notify {self.name}", daemon=True
        )
        self._thread.start()

    def take(self, letters: Iterable[Letter], *, is_old: bool = False) -> None:
        """Deliver *letters* as soon as may be; returns at once."""
        with self._changed:
            (self._old if is_old else self._new).extend(letters)
            self._changed.notify()

    def finish(self, *, within_s: float) -> None:
        """Return once all is delivered or given up, or *within_s* seconds have passed."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(max(within_s, 0.0))
        with self._changed:
            self._new.clear()
            self._old.clear()
        self._hurry.set()

    def answers(self) -> list[tuple[Letter, Answer]]:
        """Return what came of the letters that were tried, each once."""
        with self._changed:
            answers, self._answers = self._answers, []
        return answers

    def _work(self) -> None:
        while (letter := self._next()) is not None:
            attempts = 1 if self._is_down else ATTEMPTS
            answer = deliver(letter, self._recipient, pause=self._pause, attempts=attempts)
            with self._changed:
                self._answers.append((letter, answer))
                if not answer.is_delivered:
                    self._is_down = True
                    self._old.clear()
        self._recipient.close()

    def _next(self) -> Letter | None:
        """Wait for a letter; None: there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._new or self._old or self._is_closing)
            waiting = self._new or self._old
            return waiting.popleft() if waiting else None

    def _rest(self, seconds: float) -> None:
        self._hurry.wait(seconds)
