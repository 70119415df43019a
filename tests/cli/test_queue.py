"""queue and retry from the command line."""

import json
import os
import stat

import pytest

from customer_sync.clock import SystemClock
from customer_sync.store import RunLock
from customer_sync.target import open_sandbox
from worlds import World

REFUSED = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": "c1", "email": "jane@example.com", "firstName": "Jane", "totalSpent": 10.5},
}
OTHER = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:31:00Z",
    "data": {"id": "c2", "email": "mary@example.com", "firstName": "Mary"},
}


@pytest.fixture
def waiting(embedded: World) -> World:
    """Return a world in which two customers wait after a failed attempt."""
    state = embedded.folder / ".customer-sync"
    state.mkdir()
    with open_sandbox(state, SystemClock()) as sandbox:
        sandbox.inject("POST /contacts", status=400, times=2)
    assert embedded.sync(REFUSED, OTHER)["outcomes"]["failed"] == 2
    return embedded


def listed(world: World, *options: str) -> list[dict[str, object]]:
    """Return the queue as `queue list --json` has it."""
    found: list[dict[str, object]] = world.call("queue", "list", "--json", *options).document[
        "queue"
    ]
    return found


def test_the_list_tells_who_waits_and_why(waiting: World) -> None:
    """Addresses are masked unless asked otherwise."""
    result = waiting.call("queue", "list")
    assert result.exit_code == 0
    assert "j***@example.com" in result.out
    assert "jane@" not in result.out
    assert "1 ×" in result.out
    assert "2 wait, 0 are no longer tried" in result.out
    assert "jane@example.com" in waiting.call("queue", "list", "--show-pii").out


def test_the_list_may_be_long(waiting: World) -> None:
    """--rows says how much of it is shown; the numbers are about all."""
    out = waiting.call("queue", "list", "--rows", "1").out
    assert "… and 1 more" in out
    assert "2 wait" in out


def test_the_list_as_a_document(waiting: World) -> None:
    """Everything that a program may want to watch."""
    first = listed(waiting)[0]
    assert first["email"] == "j***@example.com"
    assert first["ids"] == ["c1"]
    assert (first["attempts"], first["is_dead"], first["is_deleted"]) == (1, False, False)
    assert first["error"]
    assert first["trouble"] == "CS413"


def test_the_list_tells_what_to_look_up(waiting: World) -> None:
    """The code stands beside the error, and leads to what can be done."""
    out = waiting.call("queue", "list").out
    assert "CS413" in out
    assert waiting.call("explain", "CS413").exit_code == 0


def test_what_found_brevo_away_has_that_code(embedded: World) -> None:
    """Each of those who wait tells what kept it."""
    state = embedded.folder / ".customer-sync"
    state.mkdir()
    with open_sandbox(state, SystemClock()) as sandbox:
        sandbox.inject("POST /contacts", status=503, times=100)
    embedded.sync(REFUSED, OTHER)
    assert [item["trouble"] for item in listed(embedded)] == ["CS404", "CS404"]


def test_an_empty_queue_says_so(embedded: World) -> None:
    """After a run that went well."""
    embedded.sync(REFUSED)
    assert embedded.call("queue", "list").out == "0 wait, 0 are no longer tried\n"
    assert listed(embedded, "--dead") == []


def test_one_item_tells_what_it_wants_to_write(waiting: World) -> None:
    """Each value with the time when the shop said it."""
    out = waiting.call("queue", "show", "Jane@example.com").out
    assert "FIRSTNAME" in out
    assert "TOTAL_SPENT" in out
    assert "10.5" in out
    assert "2024-01-15 10:30:00" in out
    (one,) = waiting.call("queue", "show", "jane@example.com", "--json").document["queue"]
    assert {said["name"]: said["value"] for said in one["says"]} == {
        "FIRSTNAME": "Jane",
        "TOTAL_SPENT": 10.5,
    }


def test_a_deletion_a_no_and_a_move_are_shown_too(waiting: World) -> None:
    """Whatever the shop said, nothing waits unseen."""
    state = waiting.folder / ".customer-sync"
    events = [
        {
            "event": "customer_updated",
            "timestamp": "2024-02-01T00:00:00Z",
            "data": {
                "id": "c1",
                "changes": {"email": {"old": "jane@example.com", "new": "jane.new@example.com"}},
                "acceptsMarketing": False,
                "acceptsSmsMarketing": False,
            },
        },
        {
            "event": "customer_deleted",
            "timestamp": "2024-02-01T00:00:00Z",
            "data": {"id": "c3", "email": "old@example.com"},
        },
    ]
    made = {**OTHER, "data": {"id": "c3", "email": "old@example.com"}}
    waiting.sync(made)
    with open_sandbox(state, SystemClock()) as sandbox:
        sandbox.inject("POST /contacts", status=400, times=1)
        sandbox.inject("PUT /contacts/{identifier}", status=400, times=1)
    waiting.sync(*events)
    out = waiting.call("queue", "show", "jane@example.com").out
    assert "former address  j***@example.com" in out
    assert "e-mail consent  False" in out
    assert "SMS consent     False" in out
    out = waiting.call("queue", "show", "old@example.com").out
    assert "deletion" in out
    assert "deleted" in out


@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_whoever_does_not_wait_cannot_be_named(waiting: World, command: str) -> None:
    """Neither can what is no address."""
    result = waiting.call("queue", command, "nobody@example.com")
    assert result.exit_code == 2
    assert "Nothing waits for n***@example.com" in result.err
    result = waiting.call("queue", command, "nobody")
    assert result.exit_code == 2
    assert "is no address" in result.err


def test_items_are_made_due_and_drained(waiting: World) -> None:
    """`queue retry` makes them due, `retry` tries them."""
    early = waiting.call("retry")
    assert early.exit_code == 0
    assert "2 wait for a later run, 0 for a person" in early.err
    assert "1 are due now" in waiting.call("queue", "retry", "jane@example.com").err
    preview = waiting.call("retry", "--dry-run", "--detailed-exit-code")
    assert preview.exit_code == 10
    assert "j***@example.com" in preview.out
    report = waiting.call("retry", "--json").document
    assert report["outcomes"]["applied"] == 1
    assert report["retried"] == 1
    assert sorted(waiting.contacts()) == ["jane@example.com"]
    waiting.call("queue", "retry", "--all")
    done = waiting.call("retry")
    assert done.exit_code == 0
    assert "wait for" not in done.err
    assert sorted(waiting.contacts()) == ["jane@example.com", "mary@example.com"]


def test_a_retry_without_anything_due_says_so(waiting: World) -> None:
    """In words that fit."""
    assert "nothing is due in the retry queue" in waiting.call("retry").err


def test_items_to_retry_have_to_be_said(waiting: World) -> None:
    """In exactly one way."""
    assert waiting.call("queue", "retry").exit_code == 2
    assert waiting.call("queue", "retry", "--all", "--dead").exit_code == 2
    assert "0 are due now" in waiting.call("queue", "retry", "--dead").err


def test_what_is_dropped_is_kept_and_journalled(waiting: World) -> None:
    """Nothing vanishes in silence, and it can be fed in again."""
    result = waiting.call("queue", "drop", "jane@example.com", "--yes")
    assert result.exit_code == 0
    assert "j***@example.com" in result.err
    kept = waiting.folder / ".customer-sync" / "dropped.jsonl"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [one["email"] for one in listed(waiting)] == ["m***@example.com"]
    shown = waiting.call("runs", "show", "last").out
    assert "queue drop" in shown
    assert "dropped  j***@example.com" in shown
    waiting.call("queue", "drop", "mary@example.com", "--yes")
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 2
    report = waiting.call("run", str(kept), "--json").document
    assert report["outcomes"]["applied"] == 2
    attributes = waiting.contacts()["jane@example.com"]["attributes"]
    assert attributes == {"FIRSTNAME": "Jane", "TOTAL_SPENT": 10.5}
    assert waiting.sync(REFUSED, OTHER)["bill"] == {}


def test_dropping_asks_first(waiting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer nothing is dropped."""
    with open(os.devnull) as silence:  # noqa: PTH123 - a stream, not a file
        monkeypatch.setattr("sys.stdin", silence)
        assert waiting.call("queue", "drop", "jane@example.com").exit_code == 130
    assert len(listed(waiting)) == 2


def test_nothing_is_dropped_where_it_cannot_be_kept(waiting: World) -> None:
    """A folder stands where the file would."""
    (waiting.folder / ".customer-sync" / "dropped.jsonl").mkdir()
    result = waiting.call("queue", "drop", "jane@example.com", "--yes")
    assert result.exit_code == 3
    assert "nothing was dropped" in result.err
    assert len(listed(waiting)) == 2


def test_the_queue_is_not_changed_while_a_run_is_at_work(waiting: World) -> None:
    """It may just be writing what is to be dropped."""
    lock = waiting.folder / ".customer-sync" / "lock"
    with RunLock(lock, now=SystemClock().now()):
        assert waiting.call("queue", "drop", "jane@example.com", "--yes").exit_code == 9
        assert waiting.call("queue", "retry", "--all").exit_code == 9
        assert len(listed(waiting)) == 2


def test_the_export_is_read_by_another_run(waiting: World) -> None:
    """Into another state, say, with the times at which the shop had said it."""
    out = waiting.call("queue", "export").out
    first = json.loads(out.splitlines()[0])
    assert first["timestamp"] == "2024-01-15T10:30:00+00:00"
    result = waiting.call("queue", "export", "--out", "waiting.jsonl")
    assert result.exit_code == 0
    file = waiting.folder / "waiting.jsonl"
    assert file.read_text(encoding="utf-8") == out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    report = waiting.call("run", "waiting.jsonl", "--state", "other", "--json").document
    assert report["outcomes"]["applied"] == 2
    assert len(listed(waiting)) == 2


def test_an_export_that_cannot_be_written_says_so(waiting: World) -> None:
    """Its folder does not exist."""
    result = waiting.call("queue", "export", "--out", "nowhere/waiting.jsonl")
    assert result.exit_code == 4
    assert "nowhere" in result.err


def test_before_the_first_run_there_is_no_queue(embedded: World) -> None:
    """And none is made by looking."""
    for command in (["list"], ["export"], ["retry", "--all"]):
        result = embedded.call("queue", *command)
        assert result.exit_code == 2
        assert "There is no run yet" in result.err
    assert not (embedded.folder / ".customer-sync").exists()
