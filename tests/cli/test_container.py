"""The container and the page on scheduling say what is true; nothing here needs Docker."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from worlds import World

ROOT = Path(__file__).resolve().parents[2]


def _instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments, lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", bare)
    found = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name, arguments) for name, arguments in found]


def _only(name: str) -> str:
    (found,) = [arguments for one, arguments in _instructions() if one == name]
    return found


def test_the_base_is_pinned_and_slim() -> None:
    """Every stage begins from the same tag, which is not `latest`."""
    bases = {arguments.split()[0] for name, arguments in _instructions() if name == "FROM"}
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base)


def test_it_runs_without_root_and_keeps_the_state() -> None:
    """As a user by number, so that Kubernetes can see it."""
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", _only("USER"))
    folders = [arguments for name, arguments in _instructions() if name == "WORKDIR"]
    assert folders[-1] == _only("VOLUME")


def test_the_health_check_is_a_command_that_there_is(embedded: World) -> None:
    """Once something was synced, it passes; it fails where nothing ever was."""
    words = json.loads(_only("HEALTHCHECK").partition("CMD ")[2])
    assert words[0] == "customer-sync"
    inside = {"/etc/customer-sync/config.yaml": "config.yaml", "/var/lib/customer-sync": "state"}
    arguments = [inside.get(word, word) for word in words[1:]]
    assert embedded.call(*arguments).exit_code == 7
    event = {
        "event": "customer_created",
        "timestamp": "2024-01-15T10:30:00Z",
        "data": {"id": "1", "email": "jane@example.com"},
    }
    embedded.sync(event, options=["--state", "state"])
    assert embedded.call(*arguments).exit_code == 0


def test_everything_optional_is_in_the_image() -> None:
    """Nothing can be installed there later, so a chat or a report must not ask for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (installed,) = (
        extras
        for name, arguments in _instructions()
        if name == "RUN"
        for extras in re.findall(r'install --quiet "\.\[(.+?)\]"', arguments)
    )
    assert set(installed.split(",")) == set(project["optional-dependencies"])


def test_whatever_is_copied_is_let_through_and_nothing_else() -> None:
    """.dockerignore keeps out everything that it does not name."""
    copied = {
        word
        for name, arguments in _instructions()
        if name == "COPY" and not arguments.startswith("--from")
        for word in arguments.split()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((ROOT / one).exists() for one in copied)


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
def test_the_shell_lines_can_be_read() -> None:
    """By the shell, without running them."""
    for name, arguments in _instructions():
        if name == "RUN":
            checked = subprocess.run(
                ["sh", "-n", "-c", arguments], capture_output=True, text=True, check=False
            )
            assert checked.stderr == ""


def test_the_manual_page_goes_into_the_wheel() -> None:
    """Where `man` looks for it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"docs/customer-sync.1" = "share/man/man1/customer-sync.1"' in text


def test_the_commands_of_the_page_on_scheduling_run(embedded: World) -> None:
    """Each prints or writes units."""
    embedded.write("events.jsonl", [])
    page = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        printed = embedded.call(*shlex.split(line)[1:])
        assert printed.exit_code == 0
        assert printed.out
