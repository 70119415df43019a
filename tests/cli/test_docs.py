"""The README tells the truth: its commands run, and every command is in it."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from customer_sync.cli import main
from whole_command import app
from worlds import World

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLES = ROOT / "samples"


def _commands_of(page: str) -> list[list[str]]:
    """Return every `customer-sync` command in a page's shell blocks, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith("customer-sync ")
    ]


def _events_of(page: str) -> str:
    """Return the lines of a page's first block of events."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(r"^```json\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("page", ["README.md", "README.ko.md", "docs/quickstart.md"])
def test_the_commands_of_a_page_run_in_order(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each ends well, given a file of events."""
    world = World(folder=tmp_path, capsys=capsys)
    shutil.copy(SAMPLES / "1-created.jsonl", tmp_path / "events.jsonl")
    commands = _commands_of(page)
    assert len(commands) >= 10
    for arguments in commands:
        result = world.call(*arguments)
        assert result.exit_code == 0, (arguments, result.err)


def test_the_quick_start_syncs_the_people_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Jane may be mailed, Ravi is blocked, and the second run has nothing to do."""
    world = World(folder=tmp_path, capsys=capsys)
    (tmp_path / "events.jsonl").write_text(_events_of("docs/quickstart.md"), encoding="utf-8")
    for arguments in _commands_of("docs/quickstart.md"):
        world.call(*arguments)
    contacts = world.contacts()
    assert {email: one["is_email_blocked"] for email, one in contacts.items()} == {
        "jane@example.com": False,
        "ravi@example.com": True,
    }
    assert world.call("run", "events.jsonl", "--json").document["bill"] == {}


def _command_names() -> list[str]:
    names = [command.name for command in app.registered_commands]
    groups = [
        f"{group.name} {command.name}"
        for group in app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    ]
    return [name for name in (*names, *groups) if name is not None]


@pytest.mark.parametrize("name", _command_names())
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--help` tells what it does and shows a line to copy."""
    assert main([*name.split(), "--help"]) == 0
    assert f"Example: customer-sync {name}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", _command_names())
def test_every_command_is_mentioned(name: str) -> None:
    """Whoever reads the README or the changelog meets every command."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert name in README + changelog


def test_bare_command_shows_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who types only the name learns what to type next."""
    assert main([]) == 0
    assert "customer-sync run events.jsonl --dry-run" in capsys.readouterr().out


def test_the_picture_is_fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`make picture` would change nothing."""
    world = World(folder=ROOT, capsys=capsys)
    state = str(tmp_path / "state")
    picture, plan = tmp_path / "preview.svg", tmp_path / "plan.json"
    world.call("run", "samples/1-created.jsonl", "--state", state)
    world.call("plan", "samples/2-changed.jsonl", "--state", state, "--out", str(plan))
    world.call("show", str(plan), "--svg", str(picture))
    assert picture.read_text(encoding="utf-8") == (ROOT / "docs" / "preview.svg").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(p.name for p in SAMPLES.iterdir() if p.suffix != ".sh"))
def test_every_sample_is_read(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file in samples/ runs, and a second run of it is empty."""
    world = World(folder=ROOT, capsys=capsys)
    options = ["--state", str(tmp_path / "state"), "--json"]
    if (SAMPLES / name).is_dir():
        options += ["--source", name]
    first = world.call("run", f"samples/{name}", *options).document
    assert first["records_read"] > 0
    assert first["outcomes"]["failed"] == first["outcomes"]["deferred"] == 0
    second = world.call("run", f"samples/{name}", *options).document
    assert second["bill"] == {}
