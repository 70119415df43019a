"""Runs tell a webhook how they end, and whoever was away hears it later."""

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tenacity
from jsonschema import Draft202012Validator

from customer_sync.notify import delivery
from customer_sync.notify.messages import notification_schema
from customer_sync.store import RunLock
from session_stage import event
from webhook_receiver import KEY, Receiver, receiving
from worlds import World

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "notifications.md").read_text("utf-8")
NOTIFICATIONS = """\
notifications:
  webhook_url: {url}
  webhook_secret: ${{HOOK_SECRET}}
  allow_private: true
"""


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_BACKOFF", tenacity.wait_none())
    monkeypatch.setenv("HOOK_SECRET", KEY)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that listens."""
    with receiving(Receiver()) as listening:
        yield listening


def tell(world: World, text: str) -> None:
    """Add *text* to the configuration."""
    path = world.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def telling(world: World, receiver: Receiver) -> World:
    """Return *world*, which tells *receiver*."""
    tell(world, NOTIFICATIONS.format(url=receiver.url))
    return world


def test_a_run_tells_of_its_batches_and_its_end(world: World, receiver: Receiver) -> None:
    """Signed, with the numbers of the report."""
    report = telling(world, receiver).sync(*(event("created", number) for number in range(3)))
    batch, end = receiver.taken
    assert batch["type"] == "batch_completed"
    assert batch["data"]["changes"] == batch["data"]["planned"] == 3
    assert end["type"] == "sync_completed"
    assert end["data"]["run_id"] == report["run_id"]
    assert end["data"]["outcomes"] == report["outcomes"]
    assert end["data"]["duration_s"] == report["duration_s"]


def test_batches_are_as_large_as_configured(world: World, receiver: Receiver) -> None:
    """`batch_size` says it."""
    world.configure("batch_size: 2")
    telling(world, receiver).sync(*(event("created", number) for number in range(5)))
    assert [one["data"]["changes"] for one in receiver.taken[:-1]] == [2, 2, 1]


def test_nobody_is_named_in_what_is_told(world: World, receiver: Receiver) -> None:
    """Neither customers nor files."""
    telling(world, receiver).sync(
        event("created", 1), event("created", "2", email="no-address"), {"event": "odd"}
    )
    told = json.dumps(receiver.taken)
    for word in ("example.com", "no-address", "events.jsonl", str(world.folder)):
        assert word not in told


def test_a_receiver_that_was_away_misses_nothing(embedded: World) -> None:
    """Of ten runs, some while nobody listens and some while it answers 503, each is told once."""
    receiver = Receiver()
    with receiving(receiver):
        telling(embedded, receiver)
        runs = [_run(embedded, 0)]
    runs += [_run(embedded, number) for number in range(1, 5)]
    receiver.statuses = [503] * 1000
    with receiving(receiver):
        runs += [_run(embedded, number) for number in range(5, 8)]
        turned_away = len(receiver.ids)
        receiver.statuses = []
        runs += [_run(embedded, number) for number in range(8, 10)]
        assert embedded.call("notify", "flush").exit_code == 0
    for kind in ("sync_completed", "batch_completed"):
        told = [one["data"]["run_id"] for one in receiver.taken if one["type"] == kind]
        assert sorted(told) == sorted(runs)
    assert turned_away > 2
    taken = receiver.ids[turned_away:]
    assert len(taken) == len(set(taken)) == 2 * (len(runs) - 1)


def _run(world: World, number: int) -> str:
    """Sync one customer, which must not fail whoever listens, and return the run's id."""
    report = world.sync(event("created", number))
    assert report["exit_code"] == 0
    return str(report["run_id"])


def test_that_somebody_could_not_be_told_is_said(embedded: World) -> None:
    """Why, and that it waits, without the address; the run ends as if nothing had happened."""
    with receiving(Receiver()) as gone:
        pass
    telling(embedded, gone).write("events.jsonl", [event("created", 1)])
    result = embedded.call("run", "events.jsonl")
    assert result.exit_code == 0
    assert "(webhook: no answer (ConnectError))" in " ".join(result.err.split())
    assert "hooks/customer-sync" not in result.err


def test_a_key_that_is_not_there_fails_no_run(
    embedded: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be told waits until the variable is set."""
    monkeypatch.delenv("HOOK_SECRET")
    telling(embedded, receiver).write("events.jsonl", [event("created", 1)])
    result = embedded.call("run", "events.jsonl")
    assert result.exit_code == 0
    assert "HOOK_SECRET" in result.err
    assert receiver.ids == []
    monkeypatch.setenv("HOOK_SECRET", KEY)
    assert embedded.call("notify", "flush").out == "webhook: 2 delivered\n"
    assert receiver.types() == ["batch_completed", "sync_completed"]


def test_a_failed_run_is_told(embedded: World, receiver: Receiver) -> None:
    """With the code that it exits with, and the code of the trouble."""
    result = telling(embedded, receiver).call("run", "missing.jsonl", "--json")
    (told,) = receiver.taken
    assert told["type"] == "sync_failed"
    assert told["data"]["exit_code"] == result.exit_code == 4
    assert told["data"]["ended"] == "input"
    assert list(told["data"]["troubles"]) == [result.document["errors"][0]["trouble"]]


def test_a_dry_run_is_not_told(embedded: World, receiver: Receiver) -> None:
    """It changes nothing, so that nobody has to know."""
    telling(embedded, receiver).sync(event("created", 1), options=["--dry-run"])
    assert receiver.ids == []


def test_a_run_that_found_another_at_work_is_not_told(embedded: World, receiver: Receiver) -> None:
    """The other one will be."""
    telling(embedded, receiver)
    with RunLock(embedded.folder / ".customer-sync" / "lock", now=datetime.now(UTC)):
        assert embedded.sync(event("created", 1))["exit_code"] == 9
    assert receiver.ids == []


# ---------------------------------------------------------------- commands


@pytest.mark.parametrize("kind", ["sync_completed", "sync_failed", "batch_completed"])
def test_a_test_is_sent_at_once(kind: str, embedded: World, receiver: Receiver) -> None:
    """What came back is told."""
    receiver.statuses, receiver.body = [200], b"thank you"
    result = telling(embedded, receiver).call("notify", "test", "--event", kind)
    assert (result.exit_code, result.out) == (0, "webhook: delivered: status 200: thank you\n")
    (told,) = receiver.taken
    assert (told["type"], told["data"]["is_test"]) == (kind, True)


def test_a_test_that_does_not_arrive_is_not_kept(embedded: World, receiver: Receiver) -> None:
    """It was only meant for now."""
    receiver.statuses = [404]
    result = telling(embedded, receiver).call("notify", "test", "--json")
    assert result.exit_code == result.document["exit_code"] == 7
    assert result.document["recipients"] == {"webhook": {"delivered": False, "told": "status 404"}}
    assert embedded.call("notify", "flush").out == "Nothing waits to be told.\n"


def test_a_test_tells_what_is_missing(
    embedded: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how to have it."""
    monkeypatch.delenv("HOOK_SECRET")
    result = telling(embedded, receiver).call("notify", "test")
    assert result.exit_code == 7
    assert "export HOOK_SECRET=" in result.out


def test_a_private_address_is_refused_unless_allowed(
    embedded: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an environment variable holds it, which the check of the file cannot know."""
    monkeypatch.setenv("HOOK_URL", receiver.url)
    tell(embedded, "notifications: {webhook_url: '${HOOK_URL}'}\n")
    result = embedded.call("notify", "test")
    assert result.exit_code == 7
    assert "allow_private: true" in " ".join(result.out.split())
    assert receiver.ids == []


@pytest.mark.parametrize("command", ["test", "flush"])
def test_nobody_to_tell_is_a_matter_of_configuration(command: str, embedded: World) -> None:
    """The hint says what to write."""
    result = embedded.call("notify", command)
    assert result.exit_code == 3
    assert "webhook_url:" in result.err


def test_flushing_tells_what_is_left_and_why(embedded: World) -> None:
    """As a document, too."""
    with receiving(Receiver()) as gone:
        pass
    telling(embedded, gone).sync(event("created", 1))
    result = embedded.call("notify", "flush")
    assert (result.exit_code, result.out) == (
        7,
        "webhook: 2 not delivered: no answer (ConnectError)\n",
    )
    document = embedded.call("notify", "flush", "--json").document
    assert document["left"] == {"webhook": 2}
    assert document["exit_code"] == 7


def test_the_schema_is_printed(embedded: World) -> None:
    """For whoever receives notifications."""
    assert embedded.call("schema", "notification").document == notification_schema()


# ---------------------------------------------------------------- the page


def blocks(language: str) -> list[str]:
    """Return the blocks of docs/notifications.md in *language*."""
    return re.findall(rf"^```{language}\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_of_the_form_that_is_sent(
    embedded: World, receiver: Receiver
) -> None:
    """By the schema, and with every key that a run has."""
    (shown,) = map(json.loads, blocks("json"))
    Draft202012Validator(notification_schema()).validate(shown)
    telling(embedded, receiver).sync(event("created", 1))
    assert list(shown) == list(receiver.taken[-1])
    assert shown["data"].keys() == receiver.taken[-1]["data"].keys()


def test_the_configuration_of_the_page_can_be_used(embedded: World) -> None:
    """As it stands."""
    tell(embedded, blocks("yaml")[0])
    assert embedded.call("validate", "config.yaml").exit_code == 0


def test_the_commands_of_the_page_run(embedded: World, receiver: Receiver) -> None:
    """Each ends well where somebody listens."""
    telling(embedded, receiver)
    commands = [line for line in blocks("sh")[0].splitlines() if line]
    assert len(commands) == 3
    for line in commands:
        result = embedded.call(*shlex.split(line, comments=True)[1:])
        assert result.exit_code == 0, (line, result.err)
