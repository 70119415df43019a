"""The report as Markdown and JSON, and the page's files."""

import builtins
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from customer_sync.errors import ExitCode
from session_stage import event
from worlds import World

JANE = event("created", 1, at="2026-11-23T10:00:00Z")
BROKEN = {"event": "customer_created", "timestamp": "<b>|`x`", "data": {"id": "2"}}


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> World:
    """Return a world with one run."""
    world = World(folder=tmp_path, capsys=capsys)
    world.configure()
    world.sync(JANE, BROKEN)
    return world


def test_the_page_is_written_and_nothing_else_is_said(world: World) -> None:
    """Nor is anything left beside it."""
    result = world.call("report", "--html", "report.html")
    assert (result.exit_code, result.out, result.err) == (ExitCode.OK, "", "")
    page = (world.folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "1 of 2 as the shop says" in page
    assert not list(world.folder.glob(".report*"))


def test_a_page_takes_the_place_of_the_one_before(world: World) -> None:
    """Whoever shows it goes on showing it."""
    (world.folder / "report.html").write_text("old", encoding="utf-8")
    world.call("report", "--html", "report.html")
    assert "old" not in (world.folder / "report.html").read_text(encoding="utf-8")[:20]


def test_markdown_is_the_default(world: World) -> None:
    """And needs no further package."""
    for options in ([], ["--md"]):
        out = world.call("report", *options).out
        assert out.startswith("# customer-sync, the last 30d\n\n**healthy**\n")
        assert "| sync success rate | 50.00% | 1 of 2 as the shop says |" in out


def test_markdown_carries_no_markup_from_outside(world: World) -> None:
    """What was in a record cannot become a tag or a column."""
    table = [line for line in world.call("report").out.splitlines() if "rejection" in line]
    assert len(table) == 1
    assert "<b>" not in table[0]
    assert table[0].replace("\\|", "").count("|") == 5


def test_what_is_to_be_typed_is_code_in_markdown(world: World) -> None:
    """So that it can be copied; it stands in the advice and beneath the verdict."""
    world.call("run", "nowhere.jsonl")
    out = world.call("report").out
    assert "`customer-sync explain CS201` tells more" in out
    assert "run it again: `customer-sync run mended.jsonl`. |" in out


def test_json_holds_all_that_the_page_shows(world: World) -> None:
    """As one document."""
    document = world.call("report", "--json", "--since", "7d").document
    assert document["status"]["figures"]["success_rate"] == 0.5
    assert len(document["parts"]) == 28
    assert sum(part["runs"] for part in document["parts"]) == 1
    assert document["troubles"][0]["count"] == 1
    assert {stage["stage"] for stage in document["stages"]} >= {"read", "observe", "apply"}
    assert document["runs"][0]["numbers"]["outcomes"]["applied"] == 1


def test_a_page_and_a_document_can_be_had_at_once(world: World) -> None:
    """The one in a file, the other on standard output."""
    result = world.call("report", "--html", "report.html", "--json")
    assert json.loads(result.out)["status"]["is_healthy"]
    assert (world.folder / "report.html").exists()


def test_two_documents_on_one_output_are_refused(world: World) -> None:
    """Each is for another reader."""
    assert world.call("report", "--md", "--json").exit_code == ExitCode.USAGE


def test_a_page_that_cannot_be_written_is_told(world: World) -> None:
    """With the reason and what to do."""
    result = world.call("report", "--html", "nowhere/report.html")
    assert result.exit_code == ExitCode.INPUT
    assert "nowhere/report.html: No such file or directory" in result.err
    assert "hint:" in result.err


def test_a_page_says_which_packages_it_lacks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to get them; what needs none is still to be had."""
    original = builtins.__import__

    def without(
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> object:
        if name == "jinja2":
            raise ImportError(f"No module named {name}", name=name)
        return original(name, globals_, locals_, fromlist or (), level)

    monkeypatch.delitem(sys.modules, "customer_sync.monitoring.dashboard.page", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    result = world.call("report", "--html", "report.html")
    assert result.exit_code == ExitCode.CONFIG
    assert "pip install 'customer-sync[report]'" in result.err
    assert world.call("report", "--md").exit_code == ExitCode.OK


def test_before_the_first_run_there_is_a_report_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says that there is nothing yet."""
    world = World(folder=tmp_path, capsys=capsys)
    world.configure()
    out = world.call("report").out
    assert "**unhealthy: no run has ended yet**" in out
    assert "Nothing was reported." in out
    assert not (tmp_path / ".customer-sync").exists()
