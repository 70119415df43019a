"""An export that says what it said when it was found right is left out, until it may differ."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from customer_sync.core.model import Limit
from customer_sync.run.edges import RunOptions
from session_stage import Shop, event

if TYPE_CHECKING:
    from customer_sync.run.pipeline import Planned

EXPORT = RunOptions(is_complete=True, max_deletes=Limit(count=100))


def row(number: int, **fields: object) -> Mapping[str, object]:
    """Return a customer as an export lists it."""
    known = {"id": str(number), "email": f"p{number}@example.com"}
    return {**known, "updatedAt": "2024-01-15T10:00:00Z", **fields}


ROWS = tuple(row(n, firstName=f"Ann {n}") for n in range(4))


class Looking(Shop):
    """A shop that tells how much of an export was read."""

    read: int | None = None

    def export(self, *rows: object, options: RunOptions = EXPORT) -> int:
        """Run *rows*, and return how many of them were read."""
        plans: list[Planned] = []
        self.clock.advance(3600)
        report = self.run(*rows, options=options, on_planned=plans.append)
        assert report.exit_code == 0, report.errors
        assert report.adds_up
        assert report.records_read == len(rows)
        totals = report.plan
        assert totals.keep + totals.create + totals.update + totals.skip == len(rows)
        return report.records_read - plans[0].plan.unchanged.records


@pytest.fixture
def shop(tmp_path: Path) -> Looking:
    """Return a shop whose export was found right, and is left out from now on."""
    shop = Looking(tmp_path)
    assert [shop.export(*ROWS) for _ in range(3)] == [4, 4, 0]
    return shop


def test_an_unchanged_export_costs_one_listing(shop: Looking) -> None:
    """What changed at Brevo is asked, and the attributes and lists that every run looks at."""
    shop.clock.advance(3600)
    report = shop.run(*ROWS, options=EXPORT)
    assert dict(report.requests) == {
        "GET /contacts": 1,
        "GET /contacts/attributes": 1,
        "GET /contacts/lists": 1,
    }


def test_a_row_that_changed_is_read_with_its_block(shop: Looking) -> None:
    """And written; two runs later it is left out again."""
    rows = (row(0, firstName="Eve", updatedAt="2024-02-01T00:00:00Z"), *ROWS[1:])
    assert [shop.export(*rows) for _ in range(3)] == [4, 4, 0]
    assert shop.contacts()["p0@example.com"].attributes["FIRSTNAME"] == "Eve"


def test_a_contact_that_was_edited_in_brevo_is_mended(shop: Looking) -> None:
    """Its block is read again, although the export says the same."""
    with shop.sandbox() as sandbox:
        sandbox.edit("p2@example.com", {"attributes": {"FIRSTNAME": "Edited"}})
    assert shop.export(*ROWS) == 4
    assert shop.contacts()["p2@example.com"].attributes["FIRSTNAME"] == "Ann 2"


def test_whoever_is_not_listed_any_more_is_deleted(shop: Looking) -> None:
    """Those in blocks that were left out are listed."""
    rows = ROWS[:3]
    plans: list[Planned] = []
    shop.clock.advance(3600)
    report = shop.run(*rows, options=EXPORT, on_planned=plans.append)
    assert report.plan.delete == 1


def test_a_refresh_reads_everything(shop: Looking) -> None:
    """So that there is a way to be sure."""
    options = RunOptions(is_complete=True, is_refresh=True, max_deletes=Limit(count=100))
    assert shop.export(*ROWS, options=options) == 4


def test_another_mapping_reads_everything(shop: Looking) -> None:
    """The same row may mean something else."""
    shop.options = "on_drift: brevo"
    assert shop.export(*ROWS) == 4


def test_an_event_about_somebody_in_it_reads_the_block_again(shop: Looking) -> None:
    """What the export says of them is old by now, and changes nothing."""
    told = event("updated", 1, at="2024-03-01T00:00:00Z", firstName="Told")
    shop.run(told)
    assert shop.export(*ROWS) == 4
    assert shop.contacts()["p1@example.com"].attributes["FIRSTNAME"] == "Told"


def test_whoever_is_mentioned_beside_a_block_is_read_with_it(shop: Looking) -> None:
    """Two who share an address now are folded together, whichever row is new."""
    newcomer = shop.write("new.jsonl", [row(9, email="p1@example.com", lastName="New")])
    export = shop.write("events.jsonl", ROWS)
    plans: list[Planned] = []
    shop.clock.advance(3600)
    shop.run(sources=(export, newcomer), options=EXPORT, on_planned=plans.append)
    assert plans[0].plan.unchanged.records == 0
    (shared,) = plans[0].plan.writes
    assert shared.customer.ids == {"1", "9"}


def test_a_file_named_twice_is_read(shop: Looking) -> None:
    """A block is left out only where it stands once in the input."""
    first, second = shop.write("one.jsonl", ROWS), shop.write("two.jsonl", ROWS)
    plans: list[Planned] = []
    shop.run(sources=(first, second), options=EXPORT, on_planned=plans.append)
    assert plans[0].plan.unchanged.records == 0


def test_rows_without_a_time_of_their_own_are_read(tmp_path: Path) -> None:
    """They are as new as their file: what they say is said anew."""
    shop = Looking(tmp_path)
    rows = [{"id": str(n), "email": f"p{n}@example.com"} for n in range(3)]
    assert [shop.export(*rows) for _ in range(4)] == [3, 3, 3, 3]


def test_a_rejected_row_keeps_its_block_from_being_left_out(tmp_path: Path) -> None:
    """It is told of in every run."""
    shop = Shop(tmp_path)
    rows = (*ROWS, {"id": "7", "email": "nobody", "updatedAt": "2024-01-15T10:00:00Z"})
    for _ in range(4):
        shop.clock.advance(3600)
        assert shop.run(*rows, options=EXPORT).rejections == 1


def test_warnings_are_told_again_where_the_row_stands_now(tmp_path: Path) -> None:
    """Although nobody reads it."""
    shop = Looking(tmp_path)
    rows = (*ROWS, row(5, phone="12"))
    for _ in range(3):
        shop.export(*rows)
    path = shop.write("events.jsonl", rows)
    report = shop.run(sources=(path,), options=EXPORT)
    assert report.warnings == 1
    assert [e.where for e in report.errors if e.kind == "warning"] == [f"{path}:5"]
