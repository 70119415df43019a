"""What the state tells of earlier runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

from builders import JANE, MARY, at, confirmed, update
from customer_sync.store import Store
from customer_sync.store.history import CUT_OFF


def test_what_a_dead_run_left_open_is_ended_by_the_next(tmp_path: Path) -> None:
    """No intent stays without an end; one that has its end keeps it."""
    path = tmp_path / "state.db"
    with Store(path) as store:
        store.begin_run("r1", "run", at(0))
        done, open_one = update(JANE), update(MARY)
        store.intend("r1", [done, open_one], "PUT /contacts/{identifier}", at(1))
        store.record_applied("r1", done, confirmed(JANE), at(2))
        store.begin_run("r2", "run", at(3))
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT email, outcome, finished_at FROM operations").fetchall()
    assert set(rows) == {
        (JANE, "applied", at(2).isoformat()),
        (MARY, CUT_OFF, at(3).isoformat()),
    }
