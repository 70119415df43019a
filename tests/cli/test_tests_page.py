"""docs/tests.md: its examples are good configurations whose tests pass, and its words are known."""

import re
import textwrap
from pathlib import Path

import pytest

from customer_sync.config import load, template
from customer_sync.config.cases import REASONS
from customer_sync.core.model import SourceName
from customer_sync.core.proving.cases import Verdict
from customer_sync.proof.selftest import try_all

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tests.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SKILL = "skills:\n  customer-sync:\n    source: custom\n"
REGION = "    options: {default_region: US}\n"


def outcomes(path: Path) -> dict[str, tuple[str, ...]]:
    """Return what is wrong with each test of a configuration."""
    return {one.name: one.complaints for one in try_all(load(path))}


@pytest.mark.parametrize("example", EXAMPLES, ids=["first", "history"])
def test_the_examples_pass(example: str, tmp_path: Path) -> None:
    """Whoever copies them has tests that pass."""
    path = tmp_path / "config.yaml"
    options = "" if "options:" in example else REGION
    path.write_text(SKILL + options + textwrap.indent(example, "    "), encoding="utf-8")
    found = outcomes(path)
    assert len(found) == 4
    assert set(found.values()) == {()}


def test_the_configuration_to_copy_passes_its_own_tests() -> None:
    """The one at the top of the project."""
    found = outcomes(ROOT / "config.yaml")
    assert len(found) == 5
    assert set(found.values()) == {()}


@pytest.mark.parametrize("source", SourceName)
@pytest.mark.parametrize("list_id", [None, 5])
def test_the_example_for_newcomers_passes(
    source: SourceName, list_id: int | None, tmp_path: Path
) -> None:
    """What `init` writes as a comment holds when its marks are taken away."""
    lines = template(source=source, list_id=list_id).splitlines()
    begin = lines.index("    # tests:")
    end = lines.index("", begin)
    lines[begin:end] = [line.replace("    # ", "    ", 1) for line in lines[begin:end]]
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = outcomes(path)
    assert len(found) == 3
    assert set(found.values()) == {()}


@pytest.mark.parametrize("word", [*Verdict, "stale", "deleted", "shared_address"])
def test_the_words_are_on_the_page(word: str) -> None:
    """Every word that can be expected is explained."""
    assert f"`{word}`" in PAGE
    assert word in {*Verdict, *REASONS}
