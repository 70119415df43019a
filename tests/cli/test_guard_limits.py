"""Each refusal of the guard on both sides of its limit, with numbers and the way to lift it."""

from typing import Any

import pytest

from customer_sync.errors import ExitCode
from worlds import World

BROKEN = {"event": "customer_created", "timestamp": "yesterday", "data": {}}


def person(number: int, **fields: object) -> dict[str, object]:
    """Return the creation of a customer."""
    known_as = {"id": str(number), "email": f"p{number}@example.com"}
    at = "2024-01-15T10:30:00Z"
    return {"event": "customer_created", "timestamp": at, "data": {**known_as, **fields}}


def gone(number: int) -> dict[str, object]:
    """Return the deletion of a customer."""
    at = "2024-02-01T00:00:00Z"
    return {"event": "customer_deleted", "timestamp": at, "data": {"id": str(number)}}


def told(report: dict[str, Any]) -> str:
    """Return the first error, with what to do."""
    error = report["errors"][0]
    return f"{error['message']} {error['hint']}"


# ---------------------------------------------------------------- rejects


@pytest.mark.parametrize(
    ("options", "configured", "is_refused"),
    [
        (["--max-rejects", "2"], (), False),
        (["--max-rejects", "1"], (), True),
        (["--max-rejects", "20%"], (), False),
        (["--max-rejects", "19%"], (), True),
        (["--strict"], (), True),
        ([], (), False),
        ([], ("max_rejects: 2",), False),
        ([], ("max_rejects: 1",), True),
        (["--max-rejects", "2"], ("max_rejects: 1",), False),
    ],
)
def test_rejects(
    embedded: World, options: list[str], configured: tuple[str, ...], *, is_refused: bool
) -> None:
    """Two of ten records cannot be used."""
    embedded.configure(*configured)
    report = embedded.sync(*(person(n) for n in range(1, 9)), BROKEN, BROKEN, options=options)
    assert report["exit_code"] == (ExitCode.INPUT if is_refused else ExitCode.PARTIAL)
    assert len(embedded.contacts()) == (0 if is_refused else 8)
    if is_refused:
        assert "2 of 10 records were rejected" in told(report)
        assert "--max-rejects" in told(report)


def test_strict_minds_nothing_where_all_is_well(embedded: World) -> None:
    """Not a single record is rejected."""
    assert embedded.sync(person(1), options=["--strict"])["exit_code"] == ExitCode.OK


# ---------------------------------------------------------------- deletions


@pytest.mark.parametrize(
    ("options", "configured", "is_withheld"),
    [
        ([], (), False),
        (["--max-deletes", "2"], (), False),
        (["--max-deletes", "1"], (), True),
        (["--max-deletes", "50%"], (), False),
        (["--max-deletes", "49%"], (), True),
        ([], ("max_deletes: 2",), False),
        ([], ("max_deletes: 1",), True),
        (["--max-deletes", "2"], ("max_deletes: 1",), False),
    ],
)
def test_deletions(
    embedded: World, options: list[str], configured: tuple[str, ...], *, is_withheld: bool
) -> None:
    """Two of four known customers are gone, and another one has news."""
    embedded.configure(*configured)
    embedded.sync(*(person(n) for n in range(1, 5)))
    news = {**person(4, firstName="New"), "timestamp": "2024-02-01T00:00:00Z"}
    report = embedded.sync(gone(1), gone(2), news, options=options)
    assert report["exit_code"] == (ExitCode.REFUSED if is_withheld else ExitCode.OK)
    assert report["withheld"] == (2 if is_withheld else 0)
    assert report["plan"]["delete"] == (0 if is_withheld else 2)
    assert report["outcomes"]["applied"] == (1 if is_withheld else 3)
    if is_withheld:
        assert "2 deletions are more than" in told(report)
        assert "of 4 known contacts" in told(report)
        assert "--max-deletes" in told(report)
        assert "--confirm-deletes" in told(report)


@pytest.mark.parametrize(("count", "is_withheld"), [(100, False), (101, True)])
def test_deletions_without_a_limit_of_ones_own(
    embedded: World, count: int, *, is_withheld: bool
) -> None:
    """A hundred, where a tenth of the known customers is less."""
    embedded.sync(*(person(n) for n in range(1, 102)))
    report = embedded.sync(*(gone(n) for n in range(1, count + 1)))
    assert report["withheld"] == (count if is_withheld else 0)
    if is_withheld:
        assert "101 deletions are more than 100 (10% of the known contacts or 100" in told(report)


@pytest.mark.parametrize(
    ("listed", "options", "is_withheld"),
    [
        (2, [], False),
        (1, [], True),
        (0, [], True),
        (1, ["--max-deletes", "3"], False),
        (0, ["--max-deletes", "100%"], False),
    ],
)
def test_a_complete_export_that_shrank(
    embedded: World, listed: int, options: list[str], *, is_withheld: bool
) -> None:
    """Half of four is believed, less than half is not."""
    embedded.sync(*(person(n) for n in range(1, 5)))
    export = [person(n) for n in range(1, listed + 1)]
    report = embedded.sync(*export, options=["--complete", *options])
    absent = 4 - listed
    assert report["withheld"] == (absent if is_withheld else 0)
    assert report["plan"]["delete"] == (0 if is_withheld else absent)
    if is_withheld:
        what = "no customer at all" if not listed else "1 customers where 4 were known"
        assert f"lists {what}, which would delete {absent}" in told(report)
        assert "--max-deletes" in told(report)


# ---------------------------------------------------------------- what the account lacks


@pytest.mark.parametrize(("list_id", "is_refused"), [(5, False), (6, True)])
def test_a_list_that_does_not_exist(served: World, list_id: int, *, is_refused: bool) -> None:
    """Nothing is written; the message names it and where to look."""
    config = served.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("list_id: 5", f"list_id: {list_id}"), encoding="utf-8")
    report = served.sync(person(1))
    assert report["exit_code"] == (ExitCode.REFUSED if is_refused else ExitCode.OK)
    assert len(served.contacts()) == (0 if is_refused else 1)
    if is_refused:
        assert "list 6 does not exist" in told(report)
        assert "customer-sync lists" in told(report)
        assert "list_id" in told(report)


# ---------------------------------------------------------------- blocks


def test_a_plan_that_lifts_blocks_needs_leave_when_it_is_applied(embedded: World) -> None:
    """It was made when the configuration gave leave, which it does no more."""
    embedded.configure("resubscribe: newer")
    embedded.sync(person(1, acceptsMarketing=False))
    yes = {**person(1, acceptsMarketing=True), "timestamp": "2024-02-01T00:00:00Z"}
    embedded.call("plan", embedded.write("yes.jsonl", [yes]), "--out", "plan.json")
    embedded.configure()
    refused = embedded.call("apply", "plan.json", "--json")
    assert refused.exit_code == ExitCode.REFUSED
    assert "would lift the block of 1 contacts" in told(refused.document)
    assert "resubscribe: newer" in told(refused.document)
    assert embedded.contacts()["p1@example.com"]["is_email_blocked"]
    embedded.configure("resubscribe: newer")
    assert embedded.call("apply", "plan.json").exit_code == ExitCode.OK
    assert not embedded.contacts()["p1@example.com"]["is_email_blocked"]


# ---------------------------------------------------------------- the two steps, at the prompt


def test_confirming_for_another_account_is_refused(embedded: World) -> None:
    """A rehearsal's file does nothing to the real one."""
    embedded.sync(person(1))
    embedded.sync(gone(1), options=["--max-deletes", "0"])
    embedded.target = "live"
    embedded.configure()
    result = embedded.call("run", "--confirm-deletes", ".customer-sync/withheld.json", "--json")
    assert result.exit_code == ExitCode.CONFIG
    assert "withheld from sandbox" in told(result.document)


def test_confirming_an_edited_file_is_refused(embedded: World) -> None:
    """With what to do instead."""
    embedded.sync(person(1))
    embedded.sync(gone(1), options=["--max-deletes", "0"])
    path = embedded.folder / ".customer-sync" / "withheld.json"
    path.write_text(path.read_text(encoding="utf-8").replace("p1@", "p2@"), encoding="utf-8")
    result = embedded.call("run", "--confirm-deletes", str(path), "--json")
    assert result.exit_code == ExitCode.INPUT
    assert "was changed after it was made" in told(result.document)
    assert not embedded.contacts()["p1@example.com"]["is_email_blocked"]
