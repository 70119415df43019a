"""The examples on the page of the library do what they say."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SAID = """\
1 to create, by {<Route.CREATE: 'POST /contacts'>: 1}
1 applied
['CS211 records:1 /data/email: email is not an address: An email address must have an @-sign.']
read begins
1 done
observe begins
plan begins
apply begins
1 applied
"""


def test_the_examples_run_one_after_the_other(tmp_path: Path) -> None:
    """In one program, in an empty folder; what they say is what the page lets expect."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(EXAMPLES)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (SAID, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        ".customer-sync",
        "customer-sync.yaml",
        "live.yaml",
    }


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
