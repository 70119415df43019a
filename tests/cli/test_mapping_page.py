"""docs/mapping.md has the table of transforms as the program has it."""

from pathlib import Path

import pytest

from customer_sync.config import check
from customer_sync.core.values.transforms import TRANSFORMS, Argument, Transform

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mapping.md"
HEADING = "| transform | what it does | argument |\n|---|---|---|\n"


def row(transform: Transform) -> str:
    """Return a transform's line of the table."""
    needed = " (needed)" if transform.argument is Argument.REQUIRED else ""
    return f"| `{transform.name}` | {transform.doc} | {transform.argument_doc}{needed} |\n"


def test_every_transform_is_documented(request: pytest.FixtureRequest) -> None:
    """In the order of the table; `--update-golden` writes it anew."""
    table = HEADING + "".join(map(row, TRANSFORMS.values()))
    prose = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    if request.config.getoption("--update-golden"):
        PAGE.write_text(prose + table, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == prose + table


def test_the_example_is_a_good_mapping(tmp_path: Path) -> None:
    """Whoever copies it has a configuration that passes."""
    block = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    indented = "".join(f"    {line}\n" for line in block.splitlines())
    path = tmp_path / "config.yaml"
    path.write_text(f"skills:\n  customer-sync:\n    source: shopify\n{indented}", encoding="utf-8")
    assert check(path)[1] == ()
