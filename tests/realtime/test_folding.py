"""Micro-batches of an hour that is over become one run, and nothing of the journal is lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import update
from customer_sync.core.model import Confirmed
from customer_sync.core.plan import Totals
from customer_sync.errors import ExitCode
from customer_sync.past.folding import put_batches_together
from customer_sync.past.history import in_full, report_of
from customer_sync.run.report import MOST_ERRORS, OutcomeCounts, ReportedError, RunReport
from customer_sync.store import Store
from worlds import World

HOUR = datetime(2026, 11, 24, 10, tzinfo=UTC)
NEXT = HOUR + timedelta(hours=1)


def batch(
    store: Store,
    name: str,
    at: datetime,
    *emails: str,
    command: str = "serve",
    code: int = 0,
    **numbers: Any,
) -> None:
    """Let a batch have taken place that wrote to *emails*."""
    store.begin_run(name, command, at)
    for email in emails:
        change = update(email)
        store.intend(name, [change], "POST /contacts/batch", at)
        store.record_applied(
            name, change, Confirmed(email=change.customer.email, contact_id=None, last_at=at), at
        )
    report = RunReport(
        run_id=name,
        target="live",
        dry_run=False,
        source=(),
        exit_code=code,
        records_read=len(emails),
        folded=len(emails),
        plan=Totals(update=len(emails)),
        outcomes=OutcomeCounts(applied=len(emails)),
        requests={"POST /contacts/batch": 1},
        stages={"apply": 0.5},
        duration_s=1.5,
        **numbers,
    )
    store.finish_run(name, at + timedelta(seconds=1), code, report.to_json())


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Yield a new state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def test_the_batches_of_an_hour_become_one_run(store: Store) -> None:
    """Its numbers are theirs together."""
    batch(store, "b1", HOUR, "a@example.com")
    batch(store, "b2", HOUR + timedelta(minutes=1), "a@example.com", "b@example.com")
    assert put_batches_together(store, NEXT) == 1
    (whole,) = store.runs()
    assert (whole.id, whole.batches, whole.started_at) == ("serve-20261124T10-0", 2, HOUR)
    report = report_of(whole)
    assert report is not None
    assert (report.records_read, report.outcomes.applied, report.plan.update) == (3, 3, 3)
    assert (report.requests, report.stages) == ({"POST /contacts/batch": 2}, {"apply": 1.0})
    assert report.duration_s == 3.0
    assert report.adds_up


def test_each_batch_that_wrote_can_still_be_shown(store: Store) -> None:
    """The journal is complete, by the whole and by its parts."""
    batch(store, "b1", HOUR, "a@example.com")
    batch(store, "b2", HOUR, "b@example.com")
    put_batches_together(store, NEXT)
    assert [t.change.customer.email for t in store.tried("b2")] == ["b@example.com"]
    assert len(list(store.tried("serve-20261124T10-0"))) == 2
    (part,) = store.runs_like("b2")
    shown = in_full(part, store.tried("b2"), is_under_way=False, show_pii=False)
    assert shown.run.ended == "ok"
    last = store.last_run(has_written=True)
    assert last is not None
    assert last.id == "b2"


def test_a_batch_that_wrote_nothing_leaves_no_row_of_its_own(store: Store) -> None:
    """It counts all the same."""
    for number in range(5):
        batch(store, f"b{number}", HOUR)
    put_batches_together(store, NEXT)
    assert store.runs_like("b") == []
    assert store.runs_by_exit() == {0: 5}


def test_the_running_hour_is_left_as_it_is(store: Store) -> None:
    """All that its batches say can be seen."""
    batch(store, "b1", HOUR)
    batch(store, "b2", HOUR)
    assert put_batches_together(store, NEXT - timedelta(seconds=1)) == 0
    assert len(store.runs()) == 2


def test_those_that_ended_otherwise_stand_apart(store: Store) -> None:
    """As do runs that are no batches."""
    batch(store, "b1", HOUR)
    batch(store, "b2", HOUR)
    batch(store, "b3", HOUR, code=7)
    batch(store, "b4", HOUR, code=7)
    batch(store, "r1", HOUR, command="run")
    batch(store, "w1", HOUR, command="watch")
    put_batches_together(store, NEXT)
    names = {row.id for row in store.runs()}
    assert names == {"serve-20261124T10-0", "serve-20261124T10-7", "r1", "w1"}


def test_what_comes_later_for_the_same_hour_joins(store: Store) -> None:
    """Another process may have ended late."""
    batch(store, "b1", HOUR, "a@example.com")
    batch(store, "b2", HOUR, "b@example.com")
    put_batches_together(store, NEXT)
    batch(store, "b3", HOUR + timedelta(minutes=5), "c@example.com")
    assert put_batches_together(store, NEXT) == 1
    (whole,) = store.runs()
    assert whole.batches == 3
    report = report_of(whole)
    assert report is not None
    assert report.records_read == 3
    assert len(list(store.tried(whole.id))) == 3
    assert put_batches_together(store, NEXT) == 0


def test_errors_are_listed_as_far_as_there_is_room(store: Store) -> None:
    """The first of them, as in any run."""
    error = ReportedError(kind="rejection", message="no address")
    for number in range(3):
        batch(store, f"b{number}", HOUR, code=7, errors=(error,) * (MOST_ERRORS // 2))
    put_batches_together(store, NEXT)
    report = report_of(store.runs()[0])
    assert report is not None
    assert len(report.errors) == MOST_ERRORS


def test_reports_that_cannot_be_read_are_no_obstacle(store: Store) -> None:
    """Another version's: that the runs took place is known still."""
    for name in ("b1", "b2"):
        store.begin_run(name, "serve", HOUR)
        store.finish_run(name, HOUR, 0, b"{}")
    put_batches_together(store, NEXT)
    (whole,) = store.runs()
    assert whole.report is None
    assert whole.batches == 2


def test_many_batches_are_not_undone_at_once(embedded: World) -> None:
    """One person may be in several of them; the hint says how to find the one."""
    (embedded.folder / ".customer-sync").mkdir()
    with Store(embedded.folder / ".customer-sync" / "state-sandbox.db") as store:
        batch(store, "b1", HOUR, "a@example.com")
        batch(store, "b2", HOUR, "a@example.com")
        put_batches_together(store, NEXT)
    listed = embedded.call("runs")
    assert "2 batches" in " ".join(listed.out.split())
    result = embedded.call("undo", "serve-")
    assert result.exit_code == ExitCode.USAGE
    assert "customer-sync explain" in " ".join(result.err.split())


@pytest.fixture
def embedded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> World:
    """Return a world with the embedded sandbox."""
    world = World(folder=tmp_path, capsys=capsys)
    world.configure()
    return world
