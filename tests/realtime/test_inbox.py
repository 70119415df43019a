"""The inbox: in order, once, and not before it is safe."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from customer_sync.core.model import Place, Problem, Rejection
from customer_sync.errors import StoreError
from customer_sync.realtime.inbox import FIGURES_FOR, REMEMBERED_FOR, Delivery, Inbox, Since
from realtime_stage import NOW, one


def test_records_come_out_in_the_order_in_which_they_went_in(tmp_path: Path) -> None:
    """Also from a file that was closed meanwhile."""
    with Inbox(tmp_path) as inbox:
        inbox.keep([one(1), one(2)], now=NOW)
        inbox.keep([one(3)], now=NOW)
    with Inbox(tmp_path) as inbox:
        records = [entry.record for entry in inbox.oldest(10)]
    assert records == [*one(1).records, *one(2).records, *one(3).records]


def test_what_was_removed_is_gone(tmp_path: Path) -> None:
    """And nothing else."""
    with Inbox(tmp_path) as inbox:
        inbox.keep([one(1), one(2)], now=NOW)
        inbox.remove(inbox.oldest(1))
        assert [e.record for e in inbox.oldest(10)] == list(one(2).records)
        assert inbox.waiting().count == 1
        assert inbox.waiting().oldest == NOW


def test_a_delivery_is_known_by_any_of_its_names(tmp_path: Path) -> None:
    """Even after its records went through, within the same commit, and by one name of two."""
    named = Delivery(records=one(1).records, names=("id", "body"))
    again = Delivery(records=one(1).records, names=("another id", "body"))
    with Inbox(tmp_path) as inbox:
        assert inbox.keep([named, again], now=NOW) == [True, False]
        inbox.remove(inbox.oldest(10))
        assert inbox.keep([again], now=NOW) == [False]
        assert inbox.oldest(10) == []


def test_names_are_forgotten_in_time(tmp_path: Path) -> None:
    """Nobody repeats a delivery for so long."""
    named = Delivery(records=one(1).records, names=("id",))
    later = NOW + REMEMBERED_FOR + timedelta(seconds=1)
    with Inbox(tmp_path) as inbox:
        inbox.keep([named], now=NOW)
        inbox.forget(NOW)
        assert inbox.keep([named], now=NOW) == [False]
        inbox.forget(later)
        assert inbox.keep([named], now=later) == [True]


def test_rejections_are_kept_with_their_reasons(tmp_path: Path) -> None:
    """They go to the rejects when their turn comes."""
    rejection = Rejection(
        place=Place(file="/webhooks/shopify", line=1),
        problems=(Problem(pointer="/id", rule="type", detail="It is none."),),
        content={"id": []},
    )
    with Inbox(tmp_path) as inbox:
        inbox.keep([Delivery(records=(rejection,))], now=NOW)
        assert [e.record for e in inbox.oldest(10)] == [rejection]


def test_the_inbox_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds people's data."""
    with Inbox(tmp_path / "state") as inbox:
        assert inbox.path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_inbox_is_told(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "inbox.db").write_text("not a database, but long enough to be looked at" * 30)
    with pytest.raises(StoreError, match=r"inbox\.db"):
        Inbox(tmp_path)


def test_an_inbox_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """What it holds could be misunderstood."""
    with Inbox(tmp_path) as inbox:
        inbox._db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        Inbox(tmp_path)


LOOK = """
import sys
from pathlib import Path
from customer_sync.realtime.inbox import Inbox
with Inbox(Path(sys.argv[1])) as inbox:
    print(inbox.size())
"""


def seen_elsewhere(folder: Path) -> int:
    """Return how much another process sees in the inbox."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(folder)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_whoever_looks_in_takes_nothing_away(tmp_path: Path) -> None:
    """Though several threads of one process have it open, others see that it is in use."""
    with Inbox(tmp_path) as inbox:
        inbox.keep([one(1)], now=NOW)
        Inbox(tmp_path).close()
        assert seen_elsewhere(tmp_path) == 1
        inbox.keep([one(2)], now=NOW)
        assert seen_elsewhere(tmp_path) == 2


def test_the_size_is_told_at_once(tmp_path: Path) -> None:
    """From the first number to the last."""
    with Inbox(tmp_path) as inbox:
        assert inbox.size() == 0
        inbox.keep([one(1), one(2), one(3)], now=NOW)
        inbox.remove(inbox.oldest(1))
        assert inbox.size() == 2


def test_an_inbox_of_the_version_before_goes_on(tmp_path: Path) -> None:
    """What waits in it is still there."""
    with Inbox(tmp_path) as inbox:
        inbox.keep([one(1)], now=NOW)
        inbox._db.executescript("DROP TABLE waits; PRAGMA user_version = 1;")
    with Inbox(tmp_path) as inbox:
        assert inbox.size() == 1
        assert inbox.pace(Since.EVENT, NOW).events == 0


def test_figures_are_forgotten_in_time(tmp_path: Path) -> None:
    """A month is kept."""
    with Inbox(tmp_path) as inbox:
        inbox.keep([one(1)], now=NOW)
        inbox.remove(inbox.oldest(1), {Since.EVENT: {0: 1}}, now=NOW)
        inbox.forget(NOW + FIGURES_FOR)
        assert inbox.pace(Since.EVENT, NOW).events == 1
        inbox.forget(NOW + FIGURES_FOR + timedelta(hours=1))
        assert inbox.pace(Since.EVENT, NOW).events == 0
