"""Packages that are installed beside it add platforms and transforms."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import Context, Kind, Transform, add_transform
from customer_sync.plugins import guarded

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "plugin"
CONFIG = """\
version: 1
skills:
  customer-sync:
    source: custom
    field_mapping:
      email: email
      firstName: {attribute: INITIAL, type: text, transform: initial}
"""


def _call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder / "site"), str(EXAMPLE.parents[1])])
    return subprocess.run(
        [sys.executable, "-m", "customer_sync", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_package_is_installed_and_used(tmp_path: Path) -> None:
    """Its format is recognised, and its transform stands in a mapping."""
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    where = ["--no-index", "--target", str(tmp_path / "site"), str(EXAMPLE)]
    subprocess.run([*install, *where], check=True, capture_output=True)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "till.csv").write_text(
        "till_no,mail,given,newsletter\n7,jane@example.com,jane,yes\n", encoding="utf-8"
    )
    assert "Tillworks customers CSV" in _call(tmp_path, "inspect", "till.csv").stdout
    plan = _call(tmp_path, "plan", "till.csv", "--show-pii")
    assert plan.returncode == 0, plan.stderr
    assert "INITIAL" in plan.stdout
    assert _call(tmp_path, "run", "till.csv").returncode == 0
    assert '"bill": {}' in _call(tmp_path, "run", "till.csv", "--json").stdout


@pytest.mark.parametrize(
    ("group", "value", "complaint"),
    [
        ("transforms", "absent_module:X", "cannot be loaded"),
        ("transforms", "os:sep", "is no Transform"),
        ("platforms", "os:sep", "is no Format"),
    ],
)
def test_a_broken_package_is_named(tmp_path: Path, group: str, value: str, complaint: str) -> None:
    """With what is wrong with it, and no traceback."""
    dist = tmp_path / "site" / "broken-1.0.dist-info"
    dist.mkdir(parents=True)
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (dist / "entry_points.txt").write_text(f"[customer_sync.{group}]\nodd = {value}\n")
    done = _call(tmp_path, "explain", "CS111")
    assert done.returncode == 3
    assert complaint in done.stderr
    assert "broken" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_transform_that_fails_costs_its_field_and_tells_no_value() -> None:
    """Whatever it raises."""

    def fail(value: object, _argument: object, _context: Context) -> object:
        raise RuntimeError(value)

    odd = Transform(name="odd", doc="Fails.", takes=Kind.TEXT, gives=Kind.TEXT, apply=fail)
    with pytest.raises(TransformError) as caught:
        guarded(odd).apply("jane@example.com", None, Context())
    assert "jane" not in caught.value.detail


def test_a_name_is_given_once() -> None:
    """What a mapping means does not depend on what else is installed."""
    taken = Transform(
        name="lower", doc="", takes=Kind.TEXT, gives=Kind.TEXT, apply=lambda value, *_: value
    )
    with pytest.raises(ValueError, match="lower"):
        add_transform(taken)
