"""What a YAML parser complains about, in words for people who do not know its grammar."""

import re
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import yaml

Path: TypeAlias = tuple[str | int, ...]
"""The keys and list positions that lead from the root to a value."""


class Mark(Protocol):
    """A place as PyYAML tells it, counted from 0."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Spot:
    """A place in a text, counted from 1."""

    line: int = 1
    column: int = 1

    @classmethod
    def of(cls, mark: Mark | None) -> "Spot":
        """Return the place that *mark* means; None means the file as a whole."""
        return cls() if mark is None else cls(line=mark.line + 1, column=mark.column + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why a text is no proper YAML document, and what to do about it."""

    spot: Spot
    message: str
    hint: str
    at: Path = ()


class BrokenYaml(Exception):
    """The text cannot be read any further than its flaw."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


_KNOWN_COMPLAINTS = (
    (
        r"character '\\t'",
        "A tab stands where YAML allows blanks only.",
        "Indent with blanks, two for each level.",
    ),
    (
        r"mapping values are not allowed|a simple key is not|block (?:collection|sequence entr)",
        "A `key: value` or a `- item` stands where none may begin.",
        "Line it up with the entries it belongs to, and put text that holds a `: ` in quotes.",
    ),
    (
        r"expected <block end>",
        "This line's indentation fits none of the lines above it.",
        "Give all keys of one block the same number of blanks in front.",
    ),
    (
        r"expected ',' or '[\]}]'",
        "Within brackets, a comma or the closing bracket is missing before this.",
        "Close the bracket, and put a value such as `${NAME}` in quotes when it stands within one.",
    ),
    (
        r"could not find expected ':'",
        "This line is no `key: value`; the colon, or the blank after it, is missing.",
        "Write the key, a colon, a blank and the value.",
    ),
    (
        r"while scanning a quoted scalar",
        "A quotation mark is opened here, but not closed properly.",
        "Close it with the same mark, and write a backslash within double quotes twice.",
    ),
    (
        r"undefined alias|while scanning an? (?:alias|anchor)|anchor",
        "A value that begins with `*` or `&` refers to another place in the file.",
        "Put the value in quotes if it is meant as text.",
    ),
    (
        r"expected a single document",
        "A second document begins here.",
        "Keep one configuration in a file, without a `---` line in the middle.",
    ),
    (
        r"cannot start any token|directive",
        "A value must not begin with this character.",
        "Put the value in quotes.",
    ),
    (
        r"\btag\b",
        "A value that begins with `!` names a type, and this one is not known.",
        "Remove it, or put the value in quotes if it is meant as text.",
    ),
)
"""What PyYAML says, as a pattern over context and problem; what it means; what to do."""


def flaw_of_syntax(error: yaml.MarkedYAMLError) -> Flaw:
    """Return what *error* means; text of the file, which may be a secret, is not repeated."""
    complaint = f"{error.context or ''} {error.problem or ''}"
    # What is never finished is noticed at the end of the file, but to be mended at its beginning.
    is_unfinished = "quoted scalar" in complaint or "simple key" in (error.context or "")
    mark = error.context_mark if is_unfinished else error.problem_mark or error.context_mark
    for pattern, message, hint in _KNOWN_COMPLAINTS:
        if re.search(pattern, complaint):
            return Flaw(spot=Spot.of(mark), message=message, hint=hint)
    return Flaw(
        spot=Spot.of(mark),
        message="From here on this is no valid YAML.",
        hint="Compare the line with the sample config.yaml: key, colon, blank, value.",
    )


def flaw_of_character(text: str, position: int) -> Flaw:
    """Return what a character at *position* that YAML does not allow at all means."""
    before = text[:position]
    spot = Spot(line=before.count("\n") + 1, column=position - before.rfind("\n"))
    return Flaw(
        spot=spot,
        message=f"The character U+{ord(text[position]):04X} must not stand in a YAML file.",
        hint="Save the file as plain UTF-8 text.",
    )


def flaw_of_escape() -> Flaw:
    """Return what an escape beyond the last character means; the parser tells no place."""
    return Flaw(
        spot=Spot(),
        message="A text in double quotes holds a backslash that names no character.",
        hint="Write each backslash within double quotes twice, or use single quotes.",
    )
