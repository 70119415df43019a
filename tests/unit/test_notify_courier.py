"""Delivery beside the run, and the outbox that keeps what did not arrive."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customer_sync.notify.courier import Courier
from customer_sync.notify.delivery import ATTEMPTS, Answer
from customer_sync.notify.flushing import flush
from customer_sync.notify.recipients import Recipients
from customer_sync.store import Letter, Store
from customer_sync.store.outbox import LONGEST_KEPT, MOST_KEPT
from webhook_receiver import at_once, letter

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Somebody:
    """Takes letters once the gate is open, unless it is down."""

    name = "webhook"

    def __init__(self, *, is_down: bool = False) -> None:
        self.is_down = is_down
        self.tried: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.is_closed = False

    def send(self, letter: Letter) -> Answer:
        """Note the letter."""
        self.gate.wait()
        self.tried.append(letter.id)
        return Answer(is_delivered=not self.is_down, told="down" if self.is_down else "thanks")

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a new state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def test_news_goes_before_what_is_left_from_earlier() -> None:
    """Whoever is to be woken hears the latest first."""
    somebody = Somebody()
    somebody.gate.clear()
    courier = Courier(somebody, pause=at_once)
    courier.take([letter(1)])
    courier.take([letter(2), letter(3)], is_old=True)
    courier.take([letter(4)])
    somebody.gate.set()
    courier.finish(within_s=60)
    assert sorted(somebody.tried) == ["msg_1", "msg_2", "msg_3", "msg_4"]
    assert somebody.tried.index("msg_4") < somebody.tried.index("msg_3")
    assert all(answer.is_delivered for _, answer in courier.answers())
    assert courier.answers() == []
    assert somebody.is_closed


def test_somebody_who_is_down_is_not_tried_for_long() -> None:
    """The first letter a few times, those after it once, and nothing from earlier."""
    somebody = Somebody(is_down=True)
    somebody.gate.clear()
    courier = Courier(somebody, pause=at_once)
    courier.take([letter(1), letter(2)])
    courier.take([letter(3)], is_old=True)
    somebody.gate.set()
    courier.finish(within_s=60)
    assert somebody.tried == ["msg_1"] * ATTEMPTS + ["msg_2"]
    assert [(one.id, answer.is_delivered) for one, answer in courier.answers()] == [
        ("msg_1", False),
        ("msg_2", False),
    ]


def test_nobody_waits_longer_than_they_want_to() -> None:
    """What hangs is left behind, and what came after it is not begun."""
    somebody = Somebody()
    somebody.gate.clear()
    courier = Courier(somebody, pause=at_once)
    courier.take([letter(1), letter(2)])
    courier.finish(within_s=0)
    assert courier.answers() == []
    somebody.gate.set()
    courier.finish(within_s=60)
    assert "msg_2" not in somebody.tried


def test_pauses_end_when_the_time_is_over() -> None:
    """A thread that waits for its next attempt does not go on waiting."""
    somebody = Somebody(is_down=True)
    courier = Courier(somebody)
    courier.take([letter(1)])
    courier.finish(within_s=0)
    courier.finish(within_s=60)
    assert somebody.is_closed


# ---------------------------------------------------------------- the outbox


def test_letters_are_kept_until_they_arrived(store: Store) -> None:
    """As they were written, the oldest first, with what came of them so far."""
    first, second = letter(1, written_at=NOW), letter(2, written_at=NOW - timedelta(hours=1))
    store.post([first, second])
    store.note_undelivered([(second, "status 503")])
    assert store.letters() == [
        letter(2, written_at=NOW - timedelta(hours=1), attempts=1, error="status 503"),
        first,
    ]
    store.note_delivered([second])
    assert store.letters() == [first]


def test_one_notification_may_wait_for_several(store: Store) -> None:
    """Each recipient has a letter of their own; posting it again changes nothing."""
    letters = [letter(1, recipient=name, written_at=NOW) for name in ("webhook", "SLACK_URL")]
    store.post(letters)
    store.note_delivered(letters[:1])
    store.post(letters[1:])
    assert store.letters() == letters[1:]


def test_what_is_too_old_goes(store: Store) -> None:
    """News of last week is none."""
    store.post([letter(1, written_at=NOW - LONGEST_KEPT), letter(2, written_at=NOW)])
    assert store.clear_outbox(NOW + timedelta(seconds=1)) == 1
    assert [one.id for one in store.letters()] == ["msg_2"]


def test_of_too_many_the_oldest_go(store: Store) -> None:
    """The outbox has an end."""
    store.post(
        [
            letter(number, written_at=NOW + timedelta(seconds=number))
            for number in range(MOST_KEPT + 2)
        ]
    )
    assert store.clear_outbox(NOW) == 2
    assert store.letters()[0].id == "msg_2"
    assert store.clear_outbox(NOW) == 0


def test_flushing_sends_what_waits(store: Store) -> None:
    """And strikes it out."""
    somebody = Somebody()
    store.post([letter(1), letter(2)])
    flushed = flush(store, Recipients(ready=(somebody,)), pause=at_once)
    assert (flushed.delivered, flushed.left) == ({"webhook": 2}, {})
    assert store.letters() == []
    assert somebody.is_closed


def test_flushing_stops_at_the_first_that_does_not_arrive(store: Store) -> None:
    """The rest stays, and why is told; letters for somebody no longer named stay too."""
    somebody = Somebody(is_down=True)
    store.post([letter(1), letter(2), letter(3, recipient="OLD_URL")])
    flushed = flush(store, Recipients(ready=(somebody,)), pause=at_once)
    assert somebody.tried == ["msg_1"] * ATTEMPTS
    assert flushed.left == {"webhook": 2, "OLD_URL": 1}
    assert flushed.reasons == {
        "webhook": "down",
        "OLD_URL": "the configuration names it no more",
    }
