"""erase and suppressions: a person is forgotten everywhere, and does not come back."""

import io
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_sync.brevo.retry import RetryPolicy
from customer_sync.clock import SystemClock
from customer_sync.errors import ExitCode
from customer_sync.sandbox import Sandbox
from customer_sync.store import RunLock, Store
from worlds import Result, World

JANE, OLD, MARY = "jane@example.com", "jane.old@example.com", "mary.jane@example.com"
ATTEMPTS = RetryPolicy().attempts
EMULATOR = {"brevo-sandbox.db", "brevo-sandbox.db-wal"}
"""The books of the embedded account, which stands for Brevo itself."""

MADE, MOVED, LATER = "2024-01-15T10:00:00Z", "2024-01-16T10:00:00Z", "2024-01-17T10:00:00Z"


def told(trigger: str, customer_id: str, email: str, at: str = MADE, **fields: object) -> Any:
    """Return an event."""
    content = {"id": customer_id, "email": email, **fields}
    return {"event": f"customer_{trigger}", "timestamp": at, "data": content}


MARYS = told("created", "c2", MARY, firstName="Mary")
BROKEN = told("updated", "c1", "jane@@example.com", at=LATER, firstName="Jane")


def lived(world: World) -> None:
    """Let Jane come, move, be queued, be rejected, and let Mary be there all along."""
    world.sync(told("created", "c1", OLD, firstName="Jane"), MARYS)
    world.sync(told("updated", "c1", JANE, at=MOVED), BROKEN)


def state_folder(world: World) -> Path:
    """Return the folder of the state."""
    return world.folder / ".customer-sync"


def holders(folder: Path, *emails: str) -> list[str]:
    """Return the files below *folder* in whose bytes one of *emails* stands.

    Whatever ends in a longer address, such as Mary's, is looked past.
    """
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes().lower().replace(MARY.encode(), b"")
        if any(email.encode() in content for email in emails):
            found.append(path.name)
    return found


def erase(world: World, *options: str, email: str = JANE) -> Result:
    """Erase somebody without being asked."""
    return world.call("erase", email, "--yes", *options)


# ---------------------------------------------------------------- forgotten


def test_nothing_is_left_of_a_person(served: World) -> None:
    """Neither at Brevo nor in a single byte of the state's folder, free pages included."""
    lived(served)
    assert holders(state_folder(served), JANE, OLD)
    assert erase(served).exit_code == 0
    assert served.contacts().keys() == {MARY}
    assert holders(state_folder(served), JANE, OLD) == []
    assert "Jane" not in _everything(state_folder(served))


def _everything(folder: Path) -> str:
    return "".join(p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file())


def test_what_a_killed_run_left_of_its_input_goes_too(world: World) -> None:
    """The rows of a large input lie beside the state while it is planned."""
    lived(world)
    rows = state_folder(world) / "partitions-killed" / "statements" / "0"
    rows.mkdir(parents=True)
    (rows / "1").write_text(json.dumps({"email": JANE}), encoding="utf-8")
    assert world.call("erase", JANE, "--yes").exit_code == ExitCode.OK
    assert not rows.exists()


def test_others_keep_what_is_theirs(world: World) -> None:
    """Even those whose address holds the person's."""
    lived(world)
    erase(world)
    assert world.contacts().keys() == {MARY}
    assert world.sync(MARYS)["plan"]["keep"] == 1


def test_the_receipt_tells_what_was_deleted_where(world: World) -> None:
    """And when, by which run, and what is kept; the address is masked."""
    lived(world)
    receipt = erase(world, "--json").document
    assert receipt["person"] == "j***@example.com"
    assert (receipt["addresses"], receipt["shop_ids"]) == (2, 1)
    assert len(receipt["contacts"]) == 1
    assert len(receipt["hashes"]) == 3
    assert receipt["state"]["confirmed"] == receipt["state"]["identities"] == 1
    assert receipt["state"]["operations"] == 2
    assert receipt["files"]["rejects.jsonl"] == 1
    assert receipt["leftovers"] == []
    assert JANE not in json.dumps(receipt)


def test_the_receipt_is_for_people_too(world: World) -> None:
    """With the address in full only where that is asked for."""
    lived(world)
    told_plainly = erase(world, "--show-pii")
    assert "Erased: jane@example.com" in told_plainly.out
    assert OLD in told_plainly.err
    again = erase(world)
    assert "contacts deleted: none was there" in again.out
    assert JANE not in again.out + again.err


def test_the_receipt_is_kept_in_a_file_for_its_owner(world: World) -> None:
    """Or goes to standard output as JSON."""
    lived(world)
    assert "Erased" in erase(world, "--receipt", "receipt.json").out
    kept = world.folder / "receipt.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["person"] == "j***@example.com"
    assert erase(world, "--receipt", "-").document["exit_code"] == 0


@pytest.mark.parametrize("options", [["--yes", "--receipt"], ["--receipt", "-y"]])
def test_a_receipt_without_a_file_is_standard_output(world: World, options: list[str]) -> None:
    """No other option is taken for the name of the file."""
    lived(world)
    result = world.call("erase", JANE, *options)
    assert result.document["person"] == "j***@example.com"
    assert not (world.folder / "-y").exists()


def test_a_receipt_that_cannot_be_kept_was_seen_all_the_same(world: World) -> None:
    """What is done is done, and said."""
    result = erase(world, "--receipt", "nowhere/receipt.json")
    assert result.exit_code == 4
    assert "Erased: j***@example.com" in result.out
    assert "receipt.json cannot be written" in result.err


def test_it_stands_in_the_history_without_a_name(world: World) -> None:
    """As a run among others."""
    lived(world)
    receipt = erase(world, "--json").document
    with Store(next(state_folder(world).glob("state-*.db"))) as store:
        last = store.runs()[0]
    assert (last.id, last.command, last.exit_code) == (receipt["run_id"], "erase", 0)
    assert receipt["hashes"][0] in str(last.report)


def test_a_person_is_found_by_an_address_that_was_left(world: World) -> None:
    """Whoever asks to be forgotten may name any of them."""
    lived(world)
    erase(world, email=OLD.upper())
    assert world.contacts().keys() == {MARY}
    assert set(holders(state_folder(world), JANE, OLD)) <= EMULATOR


def test_an_address_that_somebody_else_has_by_now_stays_theirs(world: World) -> None:
    """The person left it, and another customer took it over."""
    lived(world)
    world.sync(told("created", "c3", OLD, at=LATER, firstName="Olga"))
    erase(world)
    assert world.contacts().keys() == {MARY, OLD}


def test_a_contact_that_moved_in_brevo_is_found_by_its_number(world: World) -> None:
    """Somebody corrected the address by hand."""
    lived(world)
    number = world.contacts()[JANE]["id"]
    _edit(world, number, {"attributes": {"EMAIL": "corrected@example.com"}})
    assert erase(world, "--json").document["contacts"] == [number]
    assert world.contacts().keys() == {MARY}


def _edit(world: World, number: int, body: dict[str, object]) -> None:
    if world.url is not None:
        httpx.put(f"{world.url}/contacts/{number}", json=body, headers={"api-key": "k"})
        return
    with Sandbox(state_folder(world) / "brevo-sandbox.db", clock=SystemClock()) as sandbox:
        sandbox.edit(JANE, body)


def test_changes_that_wait_and_deletions_that_were_withheld_go_too(served: World) -> None:
    """Others' stay."""
    served.sync(told("created", "c1", JANE), MARYS)
    gone = [told("deleted", i, e, at=LATER) for i, e in (("c1", JANE), ("c2", MARY))]
    served.sync(*gone, options=["--max-deletes", "0"])
    assert erase(served, "--json").document["files"]["withheld.json"] == 1
    assert holders(state_folder(served), JANE) == []
    withheld = str(state_folder(served) / "withheld.json")
    assert served.call("run", "--confirm-deletes", withheld).exit_code == 0


def test_what_was_dropped_from_the_queue_goes_too(served: World) -> None:
    """It was kept to be fed in again."""
    served.sync(MARYS)
    dropped = state_folder(served) / "dropped.jsonl"
    lines = [told("updated", "c1", JANE), told("updated", "c2", MARY)]
    dropped.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    assert erase(served, "--json").document["files"]["dropped.jsonl"] == 1
    assert dropped.read_text(encoding="utf-8") == f"{json.dumps(lines[1])}\n"


def test_the_last_withheld_deletion_takes_its_file_along(served: World) -> None:
    """There is nothing to confirm any more."""
    served.sync(told("created", "c1", JANE))
    served.sync(told("deleted", "c1", JANE, at=LATER), options=["--max-deletes", "0"])
    erase(served)
    assert not (state_folder(served) / "withheld.json").exists()


def test_a_rehearsal_of_before_is_purged_as_well(served: World) -> None:
    """Its state at once; its emulator is pointed at, with what to do about it."""
    served.target, target = "sandbox", served.target
    served.configure()
    lived(served)
    served.target = target
    served.configure()
    lived(served)
    result = erase(served)
    assert result.exit_code == 7
    assert "brevo-sandbox.db" in result.out
    assert holders(state_folder(served), JANE, OLD) == ["brevo-sandbox.db"]
    assert served.call("sandbox", "reset", "--yes").exit_code == 0
    assert erase(served).exit_code == 0


def test_what_somebody_left_in_the_folder_is_pointed_at(embedded: World) -> None:
    """A damaged state that was moved aside, and whatever else."""
    lived(embedded)
    (state_folder(embedded) / "notes.txt").write_text(f"Call {JANE}!", encoding="utf-8")
    damaged = state_folder(embedded) / "state-live.db.damaged-20240115T100000Z"
    damaged.write_bytes(b"\0" * 2_000_000 + JANE.encode())
    left = {Path(one["file"]).name for one in erase(embedded, "--json").document["leftovers"]}
    assert left == {"notes.txt", damaged.name}


def test_a_field_of_somebody_else_is_pointed_at(served: World) -> None:
    """It is theirs, and Brevo holds it too."""
    served.sync(told("created", "c2", MARY, lastName=f"found by {JANE}"))
    (left,) = erase(served, "--json").document["leftovers"]
    assert "Fields of other customers" in left["remedy"]
    assert "confirmed" in left["remedy"]


def test_withheld_deletions_that_were_changed_by_hand_are_pointed_at(embedded: World) -> None:
    """Nobody knows what they were to say."""
    lived(embedded)
    embedded.sync(told("deleted", "c1", JANE, at=LATER), options=["--max-deletes", "0"])
    withheld = state_folder(embedded) / "withheld.json"
    withheld.write_text(withheld.read_text("utf-8").replace("Jane", "June"), encoding="utf-8")
    left = erase(embedded, "--json").document["leftovers"]
    assert [Path(one["file"]).name for one in left] == ["withheld.json"]


# ---------------------------------------------------------------- and not brought back


@pytest.mark.parametrize(
    "event",
    [
        told("created", "c1", JANE, at=LATER, acceptsMarketing=True),
        told("listed", "c1", OLD, at=LATER),
        told("updated", "c1", "jane.third@example.com", at=LATER),
        told("created", "c9", JANE, at=LATER),
    ],
)
def test_no_later_export_brings_the_person_back(world: World, event: object) -> None:
    """By whatever address or id, with whatever consent."""
    lived(world)
    erase(world)
    report = world.sync(event)
    assert (report["plan"]["skip"], report["plan"]["create"]) == (1, 0)
    assert any("erased" in reason for reason in report["skipped"])
    assert world.contacts().keys() == {MARY}
    assert set(holders(state_folder(world), JANE, OLD)) <= EMULATOR


def test_an_operator_lets_a_person_come_back(world: World) -> None:
    """Nobody else can."""
    lived(world)
    erase(world)
    assert "was erased on" in world.call("suppressions", "check", JANE).out
    assert world.call("suppressions", "lift", OLD, "--yes").out == "Forgotten: 3 entries.\n"
    assert world.sync(told("created", "c1", JANE, at=LATER))["plan"]["create"] == 1


def test_an_unsubscription_is_remembered_and_lifted(world: World) -> None:
    """The ledger says what it knows of an address, and forgets it when told."""
    world.sync(told("created", "c1", JANE, acceptsMarketing=False))
    known = world.call("suppressions", "check", JANE, "--json").document
    assert (known["is_mail_blocked"], known["is_sms_blocked"], known["erased_at"]) == (
        True,
        False,
        None,
    )
    assert "was blocked for mail: should" in world.call("suppressions", "check", JANE).out
    assert world.call("suppressions", "lift", JANE, "--yes").exit_code == 0
    assert "says nothing" in world.call("suppressions", "check", JANE).out
    assert "says nothing" in world.call("suppressions", "lift", JANE, "--yes").out


def test_a_ledger_that_was_never_begun_says_nothing(embedded: World) -> None:
    """And asking makes no state."""
    assert "says nothing" in embedded.call("suppressions", "check", JANE).out
    assert not state_folder(embedded).exists()


# ---------------------------------------------------------------- when something is in the way


def test_brevo_may_be_down(embedded: World) -> None:
    """It is told, nothing is purged, and the same command finishes it; nobody is written since."""
    lived(embedded)
    _break(embedded, status=503, times=ATTEMPTS)
    down = erase(embedded)
    assert down.exit_code == 6
    assert "Give the same command again" in down.err
    assert JANE in embedded.contacts()
    assert "state-sandbox.db" in holders(state_folder(embedded), JANE)
    report = embedded.sync(told("updated", "c1", JANE, at=LATER, firstName="Changed"))
    assert list(report["skipped"].values()) == [1]
    assert erase(embedded, "--json").document["addresses"] == 2
    assert embedded.contacts().keys() == {MARY}
    assert "state-sandbox.db" not in holders(state_folder(embedded), JANE, OLD)


def test_the_key_may_be_refused(embedded: World) -> None:
    """Which no repetition mends, but a new key does."""
    lived(embedded)
    _break(embedded, status=401, times=1)
    assert erase(embedded).exit_code == 5
    assert erase(embedded).exit_code == 0


def test_an_import_that_a_killed_run_began_is_waited_for(embedded: World) -> None:
    """It could bring the person back."""
    lived(embedded)
    with Store(state_folder(embedded) / "state-sandbox.db") as store:
        store.begin_job(store.runs()[0].id, 1, SystemClock().now())
        assert store.open_jobs()
    assert erase(embedded).exit_code == 0
    with Store(state_folder(embedded) / "state-sandbox.db") as store:
        assert store.open_jobs() == []


def test_a_run_that_is_under_way_is_not_disturbed(embedded: World) -> None:
    """Nor does it disturb: whoever asks is told who holds the state."""
    lived(embedded)
    with RunLock(state_folder(embedded) / "lock", now=SystemClock().now()):
        for command in (["erase", JANE, "--yes"], ["suppressions", "lift", JANE, "--yes"]):
            result = embedded.call(*command)
            assert result.exit_code == 9
            assert "Another run holds the state" in result.err
        assert embedded.call("export-subject", JANE).exit_code == 0
    assert JANE in embedded.contacts()


def _break(world: World, *, status: int, times: int) -> None:
    with Sandbox(state_folder(world) / "brevo-sandbox.db", clock=SystemClock()) as sandbox:
        sandbox.inject("GET /contacts/{identifier}", status=status, times=times)


def test_whoever_says_no_has_changed_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question comes after it was shown what will be lost."""
    lived(world)
    _answer(monkeypatch, "n")
    result = world.call("erase", JANE)
    assert result.exit_code == 130
    assert "Known as j***@example.com, j***@example.com" in result.err
    assert JANE in world.contacts()
    assert "says nothing" in world.call("suppressions", "check", JANE).out


def test_whoever_says_yes_is_heard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for the erasure, and once to take it back."""
    lived(world)
    _answer(monkeypatch, "y")
    assert world.call("erase", JANE).exit_code == 0
    _answer(monkeypatch, "y")
    assert world.call("suppressions", "lift", JANE).exit_code == 0


def _answer(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{word}\n"))


def test_an_address_that_is_none_is_told(embedded: World) -> None:
    """Before anything is looked at."""
    for command in (["erase"], ["export-subject"], ["suppressions", "check"]):
        result = embedded.call(*command, "jane@@example.com")
        assert result.exit_code == 2
        assert "EMAIL" in result.err


def test_a_disabled_skill_erases_nobody(embedded: World) -> None:
    """It says so."""
    text = (embedded.folder / "config.yaml").read_text(encoding="utf-8")
    off = text.replace("    source: custom\n", "    source: custom\n    enabled: false\n")
    (embedded.folder / "config.yaml").write_text(off, encoding="utf-8")
    for command in (["erase", JANE, "--yes"], ["suppressions", "lift", JANE, "--yes"]):
        result = embedded.call(*command)
        assert (result.exit_code, "disabled" in result.err) == (0, True)
    assert not state_folder(embedded).exists()


def test_a_state_that_is_being_read_says_so(embedded: World) -> None:
    """What was deleted cannot leave the file until the reader is gone."""
    lived(embedded)
    reader = sqlite3.connect(state_folder(embedded) / "state-sandbox.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM runs").fetchone()
    result = erase(embedded)
    reader.close()
    assert result.exit_code == 3
    assert "is being read" in result.err
    assert erase(embedded).exit_code == 0
    assert "state-sandbox.db" not in holders(state_folder(embedded), JANE)
