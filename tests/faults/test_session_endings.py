"""How a run ends: its code, its numbers, and what it leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from customer_sync.core.model import Limit
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import ExitCode
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.planfile import read_plan, write_plan
from customer_sync.run.report import OutcomeCounts
from customer_sync.store import RunLock
from session_stage import Shop, event

CREATE, UPDATE, BATCH = "POST /contacts", "PUT /contacts/{identifier}", "POST /contacts/batch"
PEOPLE = [event("created", n, firstName=f"F{n}") for n in range(1, 7)]
BROKEN = {"event": "customer_created", "timestamp": "yesterday", "data": {}}
DELETIONS = [event("deleted", n, at="2024-02-01T00:00:00Z") for n in range(1, 7)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop without any customer yet."""
    return Shop(tmp_path)


def nothing(_: Shop) -> None:
    """Let the run begin as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One way for a run to end."""

    code: ExitCode
    events: list[object] = field(default_factory=lambda: [*PEOPLE])
    prepare: Callable[[Shop], object] = nothing
    job: dict[str, Any] = field(default_factory=dict)
    outcomes: OutcomeCounts = field(default_factory=OutcomeCounts)


def breaking(route: str, status: int | None, times: int = 1) -> Callable[[Shop], object]:
    """Return the preparation that makes requests fail."""
    return lambda shop: shop.break_requests(route, status=status, times=times)


def synced(shop: Shop) -> None:
    """Let all customers be there already."""
    shop.run(*PEOPLE)


APPLIED = OutcomeCounts(applied=6)
ENDINGS = {
    "clean": Ending(code=ExitCode.OK, outcomes=APPLIED),
    "nothing to do": Ending(code=ExitCode.OK, prepare=synced),
    "rejections": Ending(code=ExitCode.PARTIAL, events=[*PEOPLE, BROKEN], outcomes=APPLIED),
    "too many rejections": Ending(
        code=ExitCode.INPUT,
        events=[*PEOPLE, BROKEN],
        job={"options": RunOptions(max_rejects=Limit(count=0))},
    ),
    "no such source": Ending(code=ExitCode.INPUT, job={"sources": ("/nowhere.jsonl",)}),
    "withheld": Ending(
        code=ExitCode.REFUSED,
        events=[*DELETIONS, event("updated", 9, firstName="New")],
        prepare=synced,
        job={"options": RunOptions(max_deletes=Limit(count=1))},
        outcomes=OutcomeCounts(applied=1),
    ),
    "failed": Ending(
        code=ExitCode.PARTIAL,
        prepare=breaking(CREATE, 400),
        outcomes=OutcomeCounts(applied=5, failed=1),
    ),
    "deferred": Ending(
        code=ExitCode.PARTIAL,
        prepare=breaking(CREATE, 503, 6),
        events=[PEOPLE[0]],
        outcomes=OutcomeCounts(deferred=1),
    ),
    "unavailable while writing": Ending(
        code=ExitCode.UNAVAILABLE,
        prepare=breaking(CREATE, 503, 1000),
        outcomes=OutcomeCounts(deferred=6),
    ),
    "unavailable from the start": Ending(
        code=ExitCode.UNAVAILABLE, prepare=breaking("*", None, 1000)
    ),
    "key refused while writing": Ending(
        code=ExitCode.AUTH,
        prepare=breaking(CREATE, 401, 1000),
        outcomes=OutcomeCounts(deferred=6),
    ),
    "key refused from the start": Ending(code=ExitCode.AUTH, prepare=breaking("*", 401, 1000)),
    "pending": Ending(code=ExitCode.PENDING, job={"dry_run": True, "is_detailed": True}),
    "not pending": Ending(
        code=ExitCode.OK, job={"dry_run": True, "is_detailed": True}, prepare=synced
    ),
    "previewed": Ending(code=ExitCode.OK, job={"dry_run": True}),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings(shop: Shop, name: str) -> None:
    """Each has its code and its outcomes, its numbers add up, and its row says the same."""
    ending = ENDINGS[name]
    ending.prepare(shop)
    report = shop.run(*ending.events, **ending.job)
    assert report.exit_code == ending.code
    assert report.outcomes == ending.outcomes
    if report.digest:
        assert report.adds_up, report
    if ending.code not in {ExitCode.OK, ExitCode.PENDING}:
        assert report.errors
    if not report.dry_run:
        with shop.memory() as store:
            assert store.runs()[0].exit_code == ending.code


@pytest.mark.parametrize("name", ENDINGS)
def test_after_any_ending_the_next_run_brings_everything_in_order(shop: Shop, name: str) -> None:
    """Nothing was lost and nothing is in the way; the run after that has nothing to do."""
    ENDINGS[name].prepare(shop)
    shop.run(*ENDINGS[name].events, **ENDINGS[name].job)
    with shop.sandbox() as sandbox, sandbox.writing("control") as account:
        account.db.execute("DELETE FROM faults")
    report = shop.run(*PEOPLE)
    assert report.exit_code == ExitCode.OK, report.errors
    assert shop.holds().keys() >= {f"p{n}@example.com" for n in range(1, 7)}
    with shop.memory() as store:
        assert store.queue() == []
    again = shop.run(*PEOPLE)
    assert again.outcomes == OutcomeCounts()


def test_a_busy_state_is_told_without_touching_it(shop: Shop) -> None:
    """Another run holds it."""
    shop.run()
    with RunLock(shop.state / "lock", now=shop.clock.now()):
        report = shop.run(*PEOPLE)
    assert report.exit_code == ExitCode.BUSY
    assert shop.contacts() == {}


def test_a_broken_state_is_told_with_a_hint(shop: Shop) -> None:
    """No traceback, and a document all the same."""
    shop.state.mkdir()
    (shop.state / "state-sandbox.db").write_bytes(b"no database" * 100)
    report = shop.run(*PEOPLE)
    assert report.exit_code == ExitCode.CONFIG
    assert report.errors[0].hint


def test_a_lock_that_was_taken_over_is_noted(shop: Shop) -> None:
    """The run before died; its work is not lost."""
    shop.state.mkdir()
    (shop.state / "lock").write_text('{"pid": 4711, "since": "2024-01-01T00:00:00+00:00"}')
    report = shop.run(PEOPLE[0])
    assert report.exit_code == ExitCode.OK
    assert [(e.kind, "4711" in e.message) for e in report.errors] == [("note", True)]


# ---------------------------------------------------------------- what a preview leaves


def test_a_preview_leaves_no_trace_but_the_mirror(shop: Shop) -> None:
    """No run, no queue, nothing confirmed, no rejects, and nothing at Brevo."""
    report = shop.run(*PEOPLE, BROKEN, dry_run=True)
    assert report.plan.create == 6
    assert report.rejections == 1
    with shop.memory() as store:
        assert store.runs() == []
        assert store.queue() == []
        assert store.count_known() == 0
    assert not (shop.state / "rejects.jsonl").exists()
    assert shop.contacts() == {}


def test_a_preview_does_not_withhold_into_a_file(shop: Shop) -> None:
    """It says what would be withheld."""
    synced(shop)
    options = RunOptions(max_deletes=Limit(count=1))
    report = shop.run(*DELETIONS, dry_run=True, options=options)
    assert report.withheld == 6
    assert not (shop.state / "withheld.json").exists()


# ---------------------------------------------------------------- rejects


def test_rejects_are_kept_only_when_all_was_read(shop: Shop) -> None:
    """A source that breaks off in the middle leaves the rejects of the run before."""
    shop.run(BROKEN)
    before = (shop.state / "rejects.jsonl").read_bytes()
    good = shop.write("good.jsonl", [PEOPLE[0]])
    report = shop.do(Job(command="run", sources=(good, str(shop.folder / "missing.jsonl"))))
    assert report.exit_code == ExitCode.INPUT
    assert (shop.state / "rejects.jsonl").read_bytes() == before
    shop.run(PEOPLE[0])
    assert not (shop.state / "rejects.jsonl").exists()


def test_no_address_is_in_the_errors(shop: Shop) -> None:
    """Neither in rejections nor in warnings nor in failures."""
    shop.break_requests(CREATE, status=400)
    odd = event("created", 1, email="secret.person@example..com")
    warned = event("created", 2, phone="secret.person@example.com")
    report = shop.run(odd, warned)
    assert len(report.errors) >= 2
    assert "secret" not in report.to_json().decode()


# ---------------------------------------------------------------- withheld deletions


def test_withheld_deletions_wait_until_somebody_decides(shop: Shop) -> None:
    """Those of an earlier run are not pushed out by those of a later one."""
    synced(shop)
    options = RunOptions(max_deletes=Limit(count=0))
    shop.run(*DELETIONS[:2], options=options)
    shop.run(*DELETIONS[2:4], options=options)
    path = shop.state / "withheld.json"
    held = read_plan(path).withheld
    assert {c.customer.email for c in held} == {f"p{n}@example.com" for n in range(1, 5)}
    report = shop.run(options=RunOptions(confirmed_deletes=held, max_deletes=Limit(count=0)))
    assert report.outcomes == OutcomeCounts(applied=4)
    shop.run(DELETIONS[4], options=options)
    assert {c.customer.email for c in read_plan(path).withheld} == {"p5@example.com"}


# ---------------------------------------------------------------- limited time


def test_a_run_that_has_no_time_left_leaves_the_rest_to_the_next(shop: Shop) -> None:
    """What was not attempted is due at once, and is not counted as a failure."""
    with shop.sandbox() as sandbox:
        sandbox.change_settings({"latency": 10.0})
    people = [event("created", n) for n in range(6, 100)]
    options = RunOptions(route=RouteChoice.SINGLE)
    report = shop.run(*people, max_duration_s=45.0, options=options)
    assert report.exit_code == ExitCode.PARTIAL
    assert report.adds_up
    assert 0 < report.outcomes.applied < 94
    with shop.sandbox() as sandbox:
        sandbox.change_settings({"latency": 0.0})
    rest = shop.run()
    assert rest.outcomes.applied == report.outcomes.deferred
    assert len(shop.contacts()) == 94


# ---------------------------------------------------------------- plans from files


def test_a_kept_plan_writes_what_it_showed_and_nothing_else(shop: Shop) -> None:
    """Contacts that moved meanwhile are left out and counted."""
    synced(shop)
    path = shop.folder / "plan.json"
    news = [event("updated", n, at="2024-03-01T00:00:00Z", firstName="New") for n in (1, 2, 3)]
    made_at = shop.clock.now()
    shop.clock.advance(60)
    shop.run(
        *news,
        dry_run=True,
        on_planned=lambda p: write_plan(path, p.plan, target="sandbox", made_at=made_at),
    )
    shop.run(event("updated", 2, at="2024-02-01T00:00:00Z", lastName="Other"))
    before = shop.holds()
    kept = read_plan(path)
    report = shop.do(Job(command="apply", kept_plan=kept.plan, made_at=kept.made_at))
    assert report.exit_code == ExitCode.OK
    assert report.outcomes == OutcomeCounts(applied=2)
    assert report.plan.skip == 1
    assert report.adds_up
    changed = {e for e, c in shop.holds().items() if c != before[e]}
    assert changed == {"p1@example.com", "p3@example.com"}


def test_a_kept_plan_does_not_undo_what_waits(shop: Shop) -> None:
    """News that came after it and did not get through yet are not replaced by it."""
    synced(shop)
    path = shop.folder / "plan.json"
    old = event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Old")
    made_at = shop.clock.now()
    shop.clock.advance(60)
    shop.run(
        old,
        dry_run=True,
        on_planned=lambda p: write_plan(path, p.plan, target="sandbox", made_at=made_at),
    )
    shop.break_requests(UPDATE, status=503, times=6)
    new = event("updated", 1, at="2024-03-02T00:00:00Z", firstName="New")
    assert shop.run(new).outcomes == OutcomeCounts(deferred=1)
    kept = read_plan(path)
    report = shop.do(Job(command="apply", kept_plan=kept.plan, made_at=kept.made_at))
    assert report.plan.skip == 1
    shop.run(event("updated", 1, at="2024-03-01T12:00:00Z", lastName="L"))
    attributes = shop.contacts()["p1@example.com"].attributes
    assert attributes["FIRSTNAME"] == "New"


# ---------------------------------------------------------------- the queue across runs


def test_an_event_that_knows_the_id_alone_does_not_push_out_what_waits(shop: Shop) -> None:
    """Both are written by the run that hears of it."""
    synced(shop)
    shop.break_requests(UPDATE, status=503, times=6)
    shop.run(event("updated", 1, at="2024-03-01T00:00:00Z", firstName="New"))
    content = {"id": "1", "lastName": "Last"}
    report = shop.run(
        {"event": "customer_updated", "timestamp": "2024-03-02T00:00:00Z", "data": content}
    )
    assert report.outcomes == OutcomeCounts(applied=1)
    attributes = shop.contacts()["p1@example.com"].attributes
    assert (attributes["FIRSTNAME"], attributes["LASTNAME"]) == ("New", "Last")


def test_a_customer_who_was_never_written_can_be_deleted_by_id(shop: Shop) -> None:
    """The creation that waits is not made after all."""
    shop.break_requests(CREATE, status=503, times=6)
    shop.run(PEOPLE[0])
    gone = {"event": "customer_deleted", "timestamp": "2024-03-02T00:00:00Z", "data": {"id": "1"}}
    report = shop.run(gone)
    assert report.plan.keep == 1
    assert shop.contacts() == {}
    with shop.memory() as store:
        assert store.queue() == []


@pytest.mark.parametrize("behavior", ["soft", "hard"])
def test_after_deletions_the_second_run_is_empty(tmp_path: Path, behavior: str) -> None:
    """The mirror does not bring back who is gone."""
    shop = Shop(tmp_path, options=f"delete_behavior: {behavior}")
    synced(shop)
    assert shop.run(*DELETIONS).outcomes == OutcomeCounts(applied=6)
    again = shop.run(*DELETIONS)
    assert again.plan.keep == 6
    assert again.outcomes == OutcomeCounts()


@pytest.mark.parametrize("status", [503, 400])
def test_an_address_is_passed_on_only_once_it_is_free(shop: Shop, status: int) -> None:
    """A rename that does not get through keeps the heir waiting, not mixed up with the person."""
    synced(shop)
    shop.break_requests(UPDATE, status=status, times=6 if status == 503 else 1)
    moved = event("updated", 1, at="2024-02-01T00:00:00Z", email="moved@example.com")
    heir = event("created", 9, at="2024-02-02T00:00:00Z", email="p1@example.com", firstName="Heir")
    report = shop.run(moved, heir)
    assert report.adds_up
    assert report.outcomes.applied == 0
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "F1"
    assert shop.run().exit_code == ExitCode.OK
    attributes = {e: c.attributes["FIRSTNAME"] for e, c in shop.contacts().items()}
    assert attributes["moved@example.com"] == "F1"
    assert attributes["p1@example.com"] == "Heir"
