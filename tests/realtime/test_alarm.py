"""Who sleeps, and until when."""

import threading

from customer_sync.realtime.alarm import Alarm

FOREVER_S = 60.0


class Hands:
    """A clock whose hands are moved by the test."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_enough_are_not_waited_for_any_longer() -> None:
    """Whatever the delay."""
    alarm = Alarm(enough=2)
    alarm.ring(2)
    alarm.wait(FOREVER_S, FOREVER_S)


def test_the_delay_counts_from_the_first_that_arrived() -> None:
    """However long the batch before took."""
    hands = Hands()
    alarm = Alarm(enough=10, monotonic=hands)
    alarm.ring(1)
    hands.now = FOREVER_S
    alarm.ring(1)
    alarm.wait(FOREVER_S, FOREVER_S)


def test_what_is_about_to_be_written_counts_no_more() -> None:
    """Only what arrives from then on makes the next batch."""
    alarm = Alarm(enough=1)
    alarm.ring(5)
    alarm.hush()
    alarm.wait(0.0, FOREVER_S)
    assert alarm._count == 0


def test_nothing_is_no_ring() -> None:
    """A look that found only blank lines wakes nobody."""
    alarm = Alarm(enough=1)
    alarm.ring(0)
    alarm.wait(0.0, FOREVER_S)


def test_the_end_wakes_whoever_sleeps() -> None:
    """In another thread, from any of its waits."""
    alarm = Alarm(enough=10)
    alarm.ring(1)

    def sleep() -> None:
        alarm.wait(FOREVER_S, FOREVER_S)
        alarm.pause(FOREVER_S)

    thread = threading.Thread(target=sleep)
    thread.start()
    alarm.end()
    thread.join(FOREVER_S)
    assert not thread.is_alive()
    assert alarm.is_over
