"""docs/architecture.md follows the code: its stages are the diagram's, its paths exist."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DIAGRAM = ET.parse(ROOT / "docs" / "architecture.svg").getroot()
PATHS = set(re.findall(r"`((?:customer_sync|tests)/[^`]*)`", PAGE))
SVG = "{http://www.w3.org/2000/svg}"


def test_the_diagram_shows_the_stages_of_the_page() -> None:
    """In their order."""
    table = PAGE.partition("| stage |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| ([a-z]+) \|", table, re.MULTILINE)
    group = DIAGRAM.find(f"{SVG}g[@id='stages']")
    assert group is not None
    assert [text.text for text in group.iter(f"{SVG}text")] == told
    assert len(told) == 10


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_path_exists(path: str) -> None:
    """Whoever looks for a place finds it."""
    assert (ROOT / path).exists()


def test_every_part_of_the_program_is_on_the_page() -> None:
    """A folder that is not explained would be a riddle."""
    folders = {one.parent.name for one in (ROOT / "customer_sync").glob("*/__init__.py")}
    assert {name for name in folders if f"`customer_sync/{name}/`" not in PAGE} == set()
