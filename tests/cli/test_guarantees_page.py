"""What the page of guarantees cites is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("cited", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))))
def test_each_test_that_is_cited_exists(cited: str) -> None:
    """A promise whose test is gone is a promise nobody checks."""
    assert (ROOT / cited).is_file()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)`", PAGE))))
def test_each_make_target_that_is_cited_exists(target: str) -> None:
    """The figures can be measured again."""
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
