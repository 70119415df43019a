"""docs/platforms.md: whoever follows it has a platform more."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def change(folder: Path, diff: str) -> None:
    """Carry out one change of the page; what it takes for the code has to be the code."""
    first, *lines = diff.splitlines()
    path = folder / first.removeprefix("--- ")
    before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, diff
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a folder with a copy of the program in which the page was carried out."""
    unneeded = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "customer_sync", tmp_path / "customer_sync", ignore=unneeded)
    (module,), (export,), (config,) = blocks("python"), blocks("text"), blocks("yaml")
    (tmp_path / "customer_sync/platforms/cornershop.py").write_text(module, encoding="utf-8")
    (tmp_path / "customers.csv").write_text(export, encoding="utf-8")
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
    for diff in blocks("diff"):
        change(tmp_path, diff)
    return tmp_path


def call(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the changed program, which has to end well."""
    # The copy is no part of what is measured.
    environ = {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE_")}
    finished = subprocess.run(
        [sys.executable, "-m", "customer_sync", *arguments],
        cwd=program,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished


def test_the_page_adds_a_platform(program: Path) -> None:
    """Its commands do what the page says."""
    (shell,) = blocks("sh")
    inspect, first, second = (shlex.split(line)[1:] for line in shell.splitlines())
    seen = call(program, *inspect).stdout
    assert "Cornershop customers CSV (its header has shopper_no and newsletter)" in seen
    call(program, *first)
    shown = json.loads(call(program, "sandbox", "show", "--json").stdout)
    contacts = {contact["attributes"]["FIRSTNAME"]: contact for contact in shown["contacts"]}
    assert {name: one["is_email_blocked"] for name, one in contacts.items()} == {
        "Jane": False,
        "Ravi": True,
        "Zoë": False,
    }
    assert contacts["Jane"]["attributes"]["POINTS"] == 120
    assert "SMS" not in contacts["Zoë"]["attributes"]
    assert "3 already right" in call(program, *second).stderr
