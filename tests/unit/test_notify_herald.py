"""What a run tells, whatever becomes of the run and of its state."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from customer_sync.config import Config, Notifications, RunEvent, load
from customer_sync.config.loading import check
from customer_sync.core.model import Outcome
from customer_sync.errors import ExitCode, StoreError
from customer_sync.notify.delivery import Answer
from customer_sync.notify.herald import RunHerald
from customer_sync.notify.recipients import Recipients
from customer_sync.run.report import RunReport
from customer_sync.store import Letter, Outbox, Store
from customer_sync.trouble import Code
from session_stage import Shop, event
from webhook_receiver import at_once, letter

REPORT = RunReport(run_id="r1", target="sandbox", dry_run=False, source=())


class Somebody:
    """Takes what it is sent, unless it is down."""

    name = "webhook"

    def __init__(self, *, is_down: bool = False) -> None:
        self.is_down = is_down
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> Answer:
        """Note the letter, or do not."""
        if self.is_down:
            return Answer(is_delivered=False, told="down", may_be_repeated=False)
        self.letters.append(letter)
        return Answer(is_delivered=True, told="thanks")

    def close(self) -> None:
        """Nothing is open."""

    def events(self) -> list[str]:
        """Return what it was told of."""
        return [one.event for one in self.letters]


class Attentive:
    """A herald that only notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def begin(self, outbox: Outbox) -> None:
        """Note it."""
        self.heard.append("begin")

    def expect(self, writes: int) -> None:
        """Note the number."""
        self.heard.append(writes)

    def outcome(self, outcome: Outcome) -> None:
        """Note it."""
        self.heard.append(type(outcome).__name__)

    def end(self, report: RunReport, outbox: Outbox | None) -> None:
        """Note how it ended, and whether the state was still open."""
        self.heard.append((report.exit_code, outbox is not None))


def written(folder: Path, notifications: str) -> Path:
    """Write a configuration with this block and return its path."""
    path = folder / "config.yaml"
    skills = "skills: {customer-sync: {source: custom}}"
    path.write_text(f"version: 1\n{skills}\nnotifications: {notifications}\n", encoding="utf-8")
    return path


def config(folder: Path, notifications: str) -> Config:
    """Return a configuration with this block."""
    return load(written(folder, notifications))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a new state."""
    with Store(tmp_path / "state.db") as opened:
        yield opened


def herald(folder: Path, somebody: Somebody, notifications: str = "") -> RunHerald:
    """Return a herald of a run that tells *somebody*, and reopens its state where it was."""
    return RunHerald(
        config(folder, notifications or "{webhook_url: 'https://example.com/'}"),
        Recipients(ready=(somebody,)),
        run_id="r1",
        command="run",
        reopen=lambda: Store(folder / "state.db"),
        pause=at_once,
        within_s=60,
    )


# ---------------------------------------------------------------- what a session lets it know


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop with an attentive herald."""
    return Shop(tmp_path, herald=Attentive())


def heard(shop: Shop) -> list[object]:
    """Return what its herald noted."""
    assert isinstance(shop.herald, Attentive)
    return shop.herald.heard


def test_a_session_tells_from_beginning_to_end(shop: Shop) -> None:
    """How many changes there will be, what becomes of each, and how it ended."""
    shop.run(event("created", 1), event("created", 2))
    assert heard(shop) == ["begin", 2, "Applied", "Applied", (ExitCode.OK, True)]


def test_a_dry_run_tells_nobody(shop: Shop) -> None:
    """It changes nothing."""
    shop.run(event("created", 1), dry_run=True)
    assert heard(shop) == []


def test_a_bug_is_told_before_it_is_raised(shop: Shop) -> None:
    """The person who has to look learns that it happened."""

    def broken(_planned: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        shop.run(event("created", 1), on_planned=broken)
    assert heard(shop) == ["begin", (ExitCode.BUG, False)]


def test_a_state_that_cannot_be_opened_is_told(shop: Shop) -> None:
    """Although nothing can be kept in it."""
    shop.state.mkdir()
    shop._state_path.write_bytes(b"no database" * 500)
    report = shop.run(event("created", 1))
    assert heard(shop) == [(report.exit_code, False)]


# ---------------------------------------------------------------- what it makes of that


def test_what_arrives_is_not_kept(tmp_path: Path, store: Store) -> None:
    """Nothing is left, and nothing is to be complained of."""
    somebody = Somebody()
    telling = herald(tmp_path, somebody)
    telling.begin(store)
    telling.end(REPORT, store)
    assert somebody.events() == ["sync_completed"]
    assert store.letters() == []
    assert telling.complaints == []


def test_what_does_not_arrive_is_kept_and_told_later(tmp_path: Path, store: Store) -> None:
    """By the next run, under the same id, after its own news or before."""
    down = herald(tmp_path, Somebody(is_down=True))
    down.begin(store)
    down.end(REPORT, store)
    (kept,) = store.letters()
    assert kept.error == "down"
    (complaint,) = down.complaints
    assert complaint.endswith("`customer-sync notify flush`: 1 (webhook: down).")
    somebody = Somebody()
    again = herald(tmp_path, somebody)
    again.begin(store)
    again.end(REPORT, store)
    assert kept.id in {one.id for one in somebody.letters}
    assert len(somebody.letters) == 2
    assert store.letters() == []


def test_the_end_is_told_once(tmp_path: Path, store: Store) -> None:
    """Also when the state cannot be closed after it."""
    somebody = Somebody()
    telling = herald(tmp_path, somebody)
    telling.end(REPORT, store)
    telling.end(REPORT, None)
    assert len(somebody.letters) == 1


def test_a_run_that_found_another_at_work_is_none(tmp_path: Path) -> None:
    """Else every minute would have its alarm while a long run is at work."""
    somebody = Somebody()
    telling = herald(tmp_path, somebody)
    telling.end(replace(REPORT, exit_code=ExitCode.BUSY), None)
    assert somebody.letters == []


def test_where_the_state_is_closed_it_is_opened_again(tmp_path: Path, store: Store) -> None:
    """What does not arrive is kept all the same."""
    telling = herald(tmp_path, Somebody(is_down=True))
    telling.end(replace(REPORT, exit_code=ExitCode.CONFIG), None)
    assert [one.event for one in store.letters()] == ["sync_failed"]


def test_without_any_state_it_is_told_all_the_same(tmp_path: Path) -> None:
    """What does not arrive then is lost, and said to be."""
    (tmp_path / "state.db").write_bytes(b"no database" * 500)
    somebody = Somebody()
    herald(tmp_path, somebody).end(replace(REPORT, exit_code=ExitCode.CONFIG), None)
    assert somebody.events() == ["sync_failed"]
    telling = herald(tmp_path, Somebody(is_down=True))
    telling.end(replace(REPORT, exit_code=ExitCode.CONFIG), None)
    assert telling.complaints == ["The notifications of this run did not arrive (webhook: down)."]


def test_a_state_that_breaks_meanwhile_fails_nothing(tmp_path: Path, store: Store) -> None:
    """It is the run's trouble, and told as one; the notification goes out."""

    class Breaking(Store):
        def post(self, letters: object) -> None:
            raise StoreError("disk full", trouble=Code.NO_ROOM)

    somebody = Somebody()
    telling = herald(tmp_path, somebody)
    with Breaking(tmp_path / "other.db") as breaking:
        telling.end(REPORT, breaking)
    assert somebody.events() == ["sync_completed"]
    assert telling.complaints == ["Notifications could not be kept: disk full"]


def test_what_was_dropped_is_told(tmp_path: Path, store: Store) -> None:
    """Whoever was down for a week learns that they missed something."""
    store.post([letter(1, written_at=letter(1).written_at.replace(year=2020))])
    somebody = Somebody()
    telling = herald(tmp_path, somebody)
    telling.begin(store)
    telling.end(REPORT, store)
    assert telling.complaints == ["Notifications that were too old or too many: 1."]
    assert somebody.events() == ["sync_completed"]


def test_only_what_was_asked_for_is_told(tmp_path: Path, store: Store) -> None:
    """Neither batches nor good news, where only failures are wanted."""
    somebody = Somebody()
    only_failures = "{webhook_url: 'https://example.com/', events: [sync_failed]}"
    shop = Shop(tmp_path / "shop", herald=herald(tmp_path, somebody, only_failures))
    shop.folder.mkdir()
    shop.run(event("created", 1))
    assert somebody.events() == []


def test_batches_are_told_before_the_end(tmp_path: Path) -> None:
    """The last one is smaller."""
    somebody = Somebody()
    shop = Shop(tmp_path / "shop", herald=herald(tmp_path, somebody))
    shop.folder.mkdir()
    shop.run(*(event("created", number) for number in range(3)))
    assert somebody.events() == ["batch_completed", "sync_completed"]


# ---------------------------------------------------------------- configuration


def problems(folder: Path, notifications: str) -> list[tuple[str, str, str]]:
    """Return where, what and what to do, for each problem of a configuration."""
    _, found = check(written(folder, notifications))
    return [(one.pointer, one.message, one.hint) for one in found]


def test_services_and_private_addresses_are_read(tmp_path: Path) -> None:
    """Services as the variables that hold their addresses."""
    read = config(
        tmp_path,
        "{services: ['${SLACK_URL}', '${MAIL_URL}'], allow_private: true, "
        "webhook_url: 'http://localhost:8080/'}",
    ).notifications
    assert read == Notifications(
        webhook_url="http://localhost:8080/",
        allow_private=True,
        service_variables=("SLACK_URL", "MAIL_URL"),
        events=tuple(RunEvent),
    )


def test_an_address_of_a_service_must_not_stand_in_the_file(tmp_path: Path) -> None:
    """Nor is it repeated."""
    ((pointer, message, hint),) = problems(tmp_path, "{services: ['slack://s3cret/token']}")
    assert pointer == "/notifications/services/0"
    assert "A secret must not stand in the file itself." in message
    assert "${SLACK_URL}" in hint
    assert "s3cret" not in message + hint


def test_a_private_address_has_to_be_allowed(tmp_path: Path) -> None:
    """Where its text shows it."""
    ((pointer, message, hint),) = problems(tmp_path, "{webhook_url: 'https://10.0.0.7/hook'}")
    assert pointer == "/notifications/webhook_url"
    assert "private network" in message
    assert "allow_private: true" in hint


def test_services_alone_are_somebody(tmp_path: Path) -> None:
    """Events may be chosen for them without any webhook."""
    assert problems(tmp_path, "{services: ['${A}'], events: [sync_failed]}") == []
