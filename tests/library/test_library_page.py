"""The examples on the page of the library do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_runs(example: str, tmp_path: Path) -> None:
    """In a program of its own, in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = [line for line in done.stdout.splitlines() if line.endswith("applied")]
    assert set(printed) <= {"1 applied"}


def test_a_program_that_uses_the_library_is_checked_by_its_types(tmp_path: Path) -> None:
    """The package says what it takes and gives (py.typed)."""
    program = tmp_path / "program.py"
    program.write_text("\n".join(EXAMPLES), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
