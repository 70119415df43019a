"""What the state tells of earlier runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from builders import JANE, MARY, at, confirmed, contact, customer, update
from customer_sync.core.model import ContactPatch, Delete, Keep
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


@pytest.mark.parametrize(
    ("number", "patch", "is_known"),
    [
        (7, ContactPatch(remove_lists=frozenset({5})), False),
        (7, ContactPatch(email_blocked=True), True),
        (7, None, True),
        (8, ContactPatch(remove_lists=frozenset({5})), True),
    ],
)
def test_whoever_a_dead_run_was_taking_off_the_list_may_be_off_it(
    tmp_path: Path, number: int, patch: ContactPatch | None, *, is_known: bool
) -> None:
    """Should the customer come back there, that passes for nobody's wish in Brevo."""
    gone = Delete(
        customer=customer(JANE, is_deleted=True),
        before=contact(JANE, number=number, lists=[5]),
        patch=patch,
        fields=(),
    )
    with Store(tmp_path / "state.db") as store:
        store.begin_run("r1", "run", at(0))
        store.record_kept(
            [
                (
                    Keep(customer=customer(JANE), before=None),
                    confirmed(JANE, number=7, is_listed=True),
                )
            ]
        )
        store.intend("r1", [gone], "PUT /contacts/{identifier}", at(1))
        store.begin_run("r2", "run", at(3))
        assert store.confirmed([JANE])[JANE].is_listed is is_known
