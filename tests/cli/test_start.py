"""The command line starts at once: what takes time to load is loaded by what needs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import customer_sync.cli
from customer_sync.cli import main
from customer_sync.cli.commands import MODULES, make_app, run_command

SLOW = ("typer", "rich", "httpx", "jsonschema", "phonenumbers", "starlette", "yaml", "msgspec")


def names_of(app: typer.Typer) -> list[str]:
    """Return the commands that *app* has, groups included."""
    single = [command.name or "" for command in app.registered_commands]
    return single + [group.name or "" for group in app.registered_groups]


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_and_version_load_nothing_slow(asked: str) -> None:
    """They answer in a process that has none of the packages that commands need."""
    code = (
        "import sys; from customer_sync.cli import main; main(sys.argv[1:]);"
        f"print(*sorted(set(sys.modules) & set({SLOW!r})), file=sys.stderr)"
    )
    ended = subprocess.run(
        (sys.executable, "-c", code, asked), capture_output=True, text=True, check=True
    )
    assert ended.stdout
    assert ended.stderr.strip() == ""


def test_the_help_that_is_kept_is_the_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To make it anew: COLUMNS=80 and `run_command(["--help"])` into customer_sync/cli/help.txt."""
    monkeypatch.setenv("COLUMNS", "80")
    assert run_command(["--help"]) == 0
    made = capsys.readouterr().out
    assert main(["-h"]) == 0
    assert capsys.readouterr().out == made


def test_a_narrow_terminal_gets_help_that_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is made for its width."""
    monkeypatch.setenv("COLUMNS", "50")
    assert main(["--help"]) == 0
    narrow = capsys.readouterr().out
    assert "  to a shop's customers.\n" in narrow


@pytest.mark.parametrize("module", MODULES)
def test_each_command_is_where_the_table_says(module: str) -> None:
    """One that is asked for comes with its module alone, and the table misses none."""
    named = MODULES[module]
    everything = names_of(make_app())
    alone = [names_of(make_app(name)) for name in named]
    wanted = everything if module == "manual" else list(named)
    assert [sorted(names) for names in alone] == [sorted(wanted)] * len(named)
    assert sorted(everything) == sorted(name for names in MODULES.values() for name in names)


def test_every_module_that_registers_commands_is_in_the_table() -> None:
    """A new module cannot be forgotten."""
    folder = customer_sync.cli.__path__[0]
    with_commands = {
        path.stem
        for path in Path(folder).glob("*.py")
        if re.search(r"^def register\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert with_commands == set(MODULES)


def test_completion_is_no_call_for_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell that asks for completions names no arguments."""
    monkeypatch.setenv("_CUSTOMER_SYNC_COMPLETE", "source_bash")
    with pytest.raises(SystemExit):
        main([])
    assert "complete" in capsys.readouterr().out
