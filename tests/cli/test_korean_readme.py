"""README.ko.md says what README.md says: section by section the same commands, words and links."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMENT = re.compile(r"[ ]+#.*$", re.MULTILINE)


def sections(name: str) -> list[str]:
    """Return the sections of a README, what stands before the first heading included."""
    return re.split(r"^## ", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)


ENGLISH = sections("README.md")
KOREAN = sections("README.ko.md")
TITLES = [section.partition("\n")[0] for section in ENGLISH]


def blocks(section: str) -> list[str]:
    """Return the blocks of code, without the comments in them."""
    return [COMMENT.sub("", block) for block in re.findall(r"```(?:.|\n)*?```", section)]


def words(section: str) -> Counter[str]:
    """Return what stands in backticks outside of blocks, however often it does."""
    text = re.sub(r"```(?:.|\n)*?```", "", section)
    return Counter(" ".join(word.split()) for word in re.findall(r"`([^`]+)`", text))


def links(section: str) -> Counter[str]:
    """Return where a section leads."""
    targets = re.findall(r"\]\(([^)]+)\)", section)
    return Counter(target for target in targets if not target.startswith("README"))


def shape(section: str) -> list[str]:
    """Return the kinds of lines whose number tells whether something is missing."""
    starts = re.findall(r"^ *(\||-|\d+\.) ?", section, re.MULTILINE)
    return [start.strip() for start in starts]


def test_there_are_the_same_sections() -> None:
    """None is missing, and none was added on one side alone."""
    assert len(KOREAN) == len(ENGLISH)


@pytest.mark.parametrize("number", range(len(ENGLISH)), ids=TITLES)
def test_a_section_says_the_same(number: int) -> None:
    """In code, names, links, and in how many points and rows there are."""
    english, korean = ENGLISH[number], KOREAN[number]
    assert blocks(korean) == blocks(english)
    assert words(korean) == words(english)
    assert links(korean) == links(english)
    assert shape(korean) == shape(english)


def test_each_leads_to_the_other() -> None:
    """At the top, where somebody who cannot read the page looks."""
    assert "[한국어](README.ko.md)" in ENGLISH[0]
    assert "[English](README.md)" in KOREAN[0]
