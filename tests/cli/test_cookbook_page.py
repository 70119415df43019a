"""docs/cookbook.md: each recipe is a good configuration, and its tests show what it says."""

import re
import textwrap
from pathlib import Path

import pytest

from customer_sync.config import load
from customer_sync.proof.selftest import try_all

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cookbook.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^## (.+?)$.*?```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("recipe", [recipe for _, recipe in RECIPES], ids=[t for t, _ in RECIPES])
def test_every_recipe_passes_its_own_tests(recipe: str, tmp_path: Path) -> None:
    """Whoever copies one has a configuration that does what its tests say."""
    path = tmp_path / "config.yaml"
    skill = textwrap.indent(recipe, "    ")
    path.write_text(f"skills:\n  customer-sync:\n{skill}", encoding="utf-8")
    tried = try_all(load(path))
    assert tried
    assert {one.name: one.complaints for one in tried if one.complaints} == {}


def test_every_section_has_a_recipe() -> None:
    """None is only promised."""
    assert len(RECIPES) == PAGE.count("\n## ") >= 10
