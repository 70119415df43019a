"""A plan that was kept in a file is applied as it was shown, or not at all."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from builders import (
    JANE,
    MARY,
    NEW_JANE,
    at,
    contact,
    create,
    customer,
    hard_delete,
    rename,
    said,
    soft_delete,
    update,
)
from customer_sync.core.model import (
    ContactPatch,
    Email,
    Keep,
    Note,
    Reason,
    Skip,
    Value,
    Write,
)
from customer_sync.core.plan import Guard, Plan, make_plan
from customer_sync.errors import ExitCode, SourceError
from customer_sync.run.planfile import read_plan, still_true, write_plan

VALUES: dict[str, Value] = {
    "TEXT": 'ä "😀" \\ \u2028',
    "WHOLE": 5.0,
    "FRACTION": 0.1,
    "YES": True,
    "TAGS": ("b", "a"),
    "NONE": (),
    "EMPTY": None,
    "DATE": "2024-02-29",
}


def full_plan() -> Plan:
    """Return a plan with every kind of change and every kind of value."""
    patch = ContactPatch(
        attributes=VALUES,
        add_lists=frozenset({5, 4, 3}),
        remove_lists=frozenset({9, 8}),
        email_blocked=False,
        sms_blocked=True,
    )
    rich = customer(
        MARY,
        ids=["b", "a"],
        former=[NEW_JANE],
        attributes=VALUES,
        email_consent=said(value=True, minute=0.0001),
        created=1,
        deleted=2,
    )
    return make_plan(
        [
            structs.replace(create(MARY, patch=patch), customer=rich, notes=(Note.SHARED_ADDRESS,)),
            update(patch=patch, before=contact(attributes=VALUES, lists=[5], left_lists=[7])),
            rename("old@example.com", "new@example.com", number=3),
            soft_delete("soft@example.com", number=4),
            hard_delete("hard@example.com", number=5),
            Keep(customer=customer("keep@example.com"), before=None),
            Skip(email=None, ids=frozenset({"x", "y"}), reason=Reason.UNKNOWN_CUSTOMER),
        ],
        Guard(known_contacts=10),
    )


def keep(plan: Plan, path: Path) -> Path:
    """Write *plan* to *path*."""
    write_plan(path, plan, target="sandbox", made_at=at(0))
    return path


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Every kind of change, every kind of value, the order and the digest."""
    plan = replace(full_plan(), withheld=(hard_delete(),), withheld_because="too many")
    kept = read_plan(keep(plan, tmp_path / "plan.json"))
    assert kept.plan == plan
    assert (kept.target, kept.made_at) == ("sandbox", at(0))


def test_the_same_plan_gives_the_same_file(tmp_path: Path) -> None:
    """Byte for byte."""
    one, other = (keep(full_plan(), tmp_path / name) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_a_file_may_be_formatted_anew(tmp_path: Path) -> None:
    """Blanks mean nothing."""
    path = keep(full_plan(), tmp_path / "plan.json")
    path.write_bytes(msgspec.json.format(path.read_bytes(), indent=0))
    assert read_plan(path).plan == full_plan()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """Whatever was there before."""
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    keep(full_plan(), path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


# ---------------------------------------------------------------- tampering


def from_withheld_to_changes(document: Any) -> None:
    """Let through what the guard held back."""
    document["changes"].append({"kind": "delete", "change": document["withheld"].pop()})


def to_another_target(document: Any) -> None:
    """Apply a rehearsal to the real account."""
    document["target"] = "live"


def to_another_value(document: Any) -> None:
    """Write something else."""
    document["changes"][1]["change"]["patch"]["attributes"]["FRACTION"] = 99.5


def without_a_change(document: Any) -> None:
    """Leave somebody out."""
    del document["changes"][0]


def in_another_order(document: Any) -> None:
    """Delete first."""
    document["changes"].reverse()


def to_another_reason(document: Any) -> None:
    """Say something else about what was withheld."""
    document["withheld_because"] = "nothing to see here"


def to_another_time(document: Any) -> None:
    """Make it look fresh."""
    document["made_at"] = "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "tamper",
    [
        from_withheld_to_changes,
        to_another_target,
        to_another_value,
        without_a_change,
        in_another_order,
        to_another_reason,
        to_another_time,
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, tamper: Callable[[Any], None]) -> None:
    """Whatever was changed, it is no longer what was shown."""
    plan = replace(full_plan(), withheld=(hard_delete(),), withheld_because="too many")
    path = keep(plan, tmp_path / "plan.json")
    document = json.loads(path.read_text())
    tamper(document)
    path.write_text(json.dumps(document))
    with pytest.raises(SourceError, match="was changed after it was made") as refused:
        read_plan(path)
    assert refused.value.hint
    assert refused.value.exit_code is ExitCode.INPUT


HEAD = b"""{"version": 1, "target": "live", "made_at": "2024-01-01T00:00:00Z", "digest": "",
"changes": """


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"event": "customer_created"}\n{}',
        b"\xff\xfe\x00",
        HEAD.replace(b"1", b"2", 1) + b"[]}",
        HEAD + b'[{"kind": "explode"}]}',
        b'{"x": ' + b"[" * 100_000,
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    """With a sentence and a hint, whatever it is."""
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="is no plan") as refused:
        read_plan(path)
    assert "plan.json" in (refused.value.hint or "")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    """It is missing, or a folder."""
    with pytest.raises(SourceError, match="cannot be read"):
        read_plan(tmp_path / name)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The folder does not exist; nothing is left behind."""
    with pytest.raises(SourceError, match="cannot be written") as refused:
        keep(full_plan(), tmp_path / "nowhere" / "plan.json")
    assert refused.value.hint
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        keep(full_plan(), tmp_path / "plan.json")
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


# ---------------------------------------------------------------- what moved meanwhile


def observed_by(*writes: Write) -> dict[Email, Any]:
    """Return what Brevo holds when nothing moved."""
    befores = (getattr(write, "before", None) for write in writes)
    return {before.email: before for before in befores if before is not None}


WRITES: list[Write] = [
    create(MARY),
    update(),
    rename(JANE, NEW_JANE),
    soft_delete(),
    hard_delete(),
]


@pytest.mark.parametrize("write", WRITES, ids=lambda w: type(w).__name__)
def test_what_did_not_move_stays(write: Write) -> None:
    """Nor does it matter when the contact was last modified."""
    observed = {e: structs.replace(c, modified_at=at(99)) for e, c in observed_by(write).items()}
    assert still_true(Plan(changes=(write,)), observed).changes == (write,)


@pytest.mark.parametrize("write", WRITES, ids=lambda w: type(w).__name__)
@pytest.mark.parametrize(
    "moved",
    [
        {"attributes": {"FIRSTNAME": "Other"}},
        {"is_email_blocked": True},
        {"list_ids": frozenset({77})},
        {"id": 99},
    ],
    ids=lambda m: next(iter(m)),
)
def test_what_moved_is_skipped_with_the_reason(write: Write, moved: dict[str, object]) -> None:
    """Edited, blocked, moved to another list, replaced by another contact, or there already."""
    observed = observed_by(write) or {MARY: contact(MARY)}
    observed = {e: structs.replace(c, **moved) for e, c in observed.items()}
    (skip,) = still_true(Plan(changes=(write,)), observed).changes
    assert isinstance(skip, Skip)
    assert skip.reason is Reason.MOVED
    assert skip.statements == write.customer.statements


@pytest.mark.parametrize("write", WRITES[1:], ids=lambda w: type(w).__name__)
def test_who_vanished_is_skipped(write: Write) -> None:
    """The plan did not say to create anybody."""
    (skip,) = still_true(Plan(changes=(write,)), {}).changes
    assert isinstance(skip, Skip)


def test_whose_news_wait_is_skipped() -> None:
    """An old plan does not undo what came after it, under a former address either."""
    moved = structs.replace(update(), customer=customer(former=[MARY]))
    for address in (JANE, MARY):
        (skip,) = still_true(Plan(changes=(moved,)), observed_by(moved), {address}).changes
        assert isinstance(skip, Skip)
        assert skip.reason is Reason.OVERTAKEN


def test_nothing_is_added() -> None:
    """Every change is one of the plan's, or a skip in its place."""
    plan = full_plan()
    for observed in ({}, observed_by(*plan.writes[2:])):
        checked = still_true(plan, observed)
        assert len(checked.changes) == len(plan.changes)
        assert all(c in plan.changes or isinstance(c, Skip) for c in checked.changes)
        assert checked.withheld == plan.withheld
