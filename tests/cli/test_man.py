"""man and completion: help at the prompt."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from customer_sync.cli.manual import page_of
from customer_sync.errors import ExitCode
from whole_command import app
from worlds import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "customer-sync.1"


def _names() -> list[str]:
    """Return every command, those of groups with the name of the group."""
    names = [command.name or "" for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        inner = group.typer_instance.registered_commands
        names += [f"{group.name} {one.name}" for one in inner if not one.hidden]
    return names


def test_the_page_that_the_wheel_installs_is_current(golden: Callable[[str, str], None]) -> None:
    """`pytest tests/cli/test_man.py --update-golden` writes it anew."""
    golden("../../docs/customer-sync.1", page_of(app))


def test_the_page_has_every_command_and_every_ending() -> None:
    """In the order of `--help`."""
    page = page_of(app).replace("\\-", "-")
    for name in _names():
        assert f'.SS "{name}"' in page
    for code in ExitCode:
        assert f".TP\n.B {code.value}\n" in page


def test_the_command_prints_the_same_page(embedded: World) -> None:
    """Ready for `man -l -`."""
    assert embedded.call("man").out == page_of(app)


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not here")
def test_the_formatter_finds_nothing_wrong_with_the_page() -> None:
    """With every warning switched on but those about spacing."""
    asked = ["groff", "-man", "-Tutf8", "-ww", "-z"]
    formatted = subprocess.run(
        asked, input=page_of(app), capture_output=True, text=True, check=False
    )
    assert (formatted.stderr, formatted.returncode) == ("", 0)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_is_printed_for_each_shell(embedded: World, shell: str) -> None:
    """It asks the program by the variable that the program listens to."""
    printed = embedded.call("completion", shell).out
    assert f"_CUSTOMER_SYNC_COMPLETE=complete_{shell}" in printed


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_completes_commands(embedded: World) -> None:
    """By the very lines that are printed, in a real shell."""
    program = Path(sys.executable).parent
    script = embedded.folder / "completion.bash"
    script.write_text(embedded.call("completion", "bash").out, encoding="utf-8")
    lines = (
        f"source {script}; COMP_WORDS=(customer-sync sch); COMP_CWORD=1; "
        "_customer_sync_completion customer-sync; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    asked = subprocess.run(
        ["bash", "--norc", "-c", lines],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}"},
    )
    assert sorted(asked.stdout.splitlines()) == ["schedule", "schema"]


def test_a_shell_without_completions_is_refused(embedded: World) -> None:
    """With those that there are, in one line."""
    for given in ([], ["csh"]):
        refused = embedded.call("completion", *given)
        assert refused.exit_code == ExitCode.USAGE
        assert "fish" in refused.err.splitlines()[0]
        assert "Value error" not in refused.err
