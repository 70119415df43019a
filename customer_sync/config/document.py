"""A YAML text as plain values that remember at which line and column they stood.

Scalars mean what they mean in YAML 1.2, and so in editors: `yes`, `no` and `on` are words, a date
is a text. Merge keys (`<<`) and aliases work; keys are always text.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from customer_sync.config.syntax import (
    BrokenYaml,
    Flaw,
    Path,
    Spot,
    flaw_of_character,
    flaw_of_escape,
    flaw_of_syntax,
)

_MOST_VALUES = 20_000
_DEEPEST = 40
_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML text says, and where."""

    root: object
    """Built of dict (with text keys), list, str, int, float, bool and None."""
    keys: Mapping[Path, Spot] = field(default_factory=dict)
    """Where the key of each entry, or the value of each item, stands."""
    values: Mapping[Path, Spot] = field(default_factory=dict)
    """Where each value begins."""
    flaws: tuple[Flaw, ...] = ()
    """What is wrong without making the rest unreadable, such as a key given twice."""

    def spot(self, at: Path) -> Spot:
        """Return where to look for *at*: the value if it is on the key's line, else the key."""
        key, value = self.key_spot(at), self.values.get(at, Spot())
        return value if value.line == key.line else key

    def key_spot(self, at: Path) -> Spot:
        """Return where the key of *at* stands."""
        return self.keys.get(at, Spot())


def pointer(at: Path) -> str:
    """Return *at* as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in at)


def parse(text: str) -> Document:
    """Return what *text* says; an empty text says None.

    Raises:
        BrokenYaml: the text is no YAML, or more deeply nested or larger than any configuration.
    """
    try:
        _check_depth(text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise BrokenYaml(flaw_of_syntax(error)) from None
    except yaml.reader.ReaderError as error:
        raise BrokenYaml(flaw_of_character(text, error.position)) from None
    except (ValueError, OverflowError):
        # PyYAML lets through what `chr` says about an escape such as "\UFFFFFFFF".
        raise BrokenYaml(flaw_of_escape()) from None
    if root is None:
        return Document(root=None)
    return _Builder().document(root)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with the scalars of YAML 1.2 and no others."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 -- PyYAML keeps its table of forms on the class


for _kind, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.?[0-9]*)(?:[eE][-+]?[0-9]{1,3})?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_CORE + _kind, re.compile(rf"(?:{_form})\Z"), _first)


def _check_depth(text: str) -> None:
    """Refuse what would exhaust the stack of whoever walks through it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise BrokenYaml(
                Flaw(
                    spot=Spot.of(event.start_mark),
                    message="This is nested more deeply than any configuration.",
                    hint="Check the brackets and the indentation.",
                )
            )


class _Builder:
    """Walks through PyYAML's nodes once; aliases are followed as often as they are used."""

    def __init__(self) -> None:
        self._keys: dict[Path, Spot] = {}
        self._values: dict[Path, Spot] = {}
        self._flaws: list[Flaw] = []
        self._open: set[int] = set()
        self._merges = 0

    def document(self, root: yaml.Node) -> Document:
        value = self._value(root, ())
        return Document(root=value, keys=self._keys, values=self._values, flaws=tuple(self._flaws))

    def _value(self, node: yaml.Node, at: Path) -> object:
        spot = Spot.of(node.start_mark)
        self._values[at] = spot
        self._keys.setdefault(at, spot)
        if len(self._values) > _MOST_VALUES:
            raise BrokenYaml(_TOO_LARGE)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        if id(node) in self._open:
            self._note(spot, at, "This refers to a block that it is itself a part of.", _NO_ALIAS)
            return None
        self._open.add(id(node))
        value = self._collection(node, at)
        self._open.discard(id(node))
        return value

    def _collection(self, node: yaml.Node, at: Path) -> object:
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_CORE}map":
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_CORE}seq":
            return [self._value(item, (*at, index)) for index, item in enumerate(node.value)]
        self._note(Spot.of(node.start_mark), at, *_UNKNOWN_TAG)
        return None

    def _scalar(self, node: yaml.ScalarNode, at: Path) -> object:
        text = str(node.value)
        if _has_half_character(text):
            self._note(self._values[at], at, *_HALF_CHARACTER)
            return None
        match node.tag.removeprefix(_CORE):
            case "str" | "merge":
                return text
            case "null" if text in {"", "~", "null", "Null", "NULL"}:
                return None
            case "bool" if text.lower() in {"true", "false"}:
                return text.lower() == "true"
            case "int" | "float" as kind if (number := _number(text, kind)) is not None:
                return number
        self._note(self._values[at], at, *_UNKNOWN_TAG)
        return None

    def _mapping(self, node: yaml.MappingNode, at: Path) -> dict[str, object]:
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if key.tag == f"{_CORE}merge":
                merged.extend(self._merged(value, at))
            elif not _is_plain_key(key):
                self._note(Spot.of(key.start_mark), at, *_NO_TEXT_KEY)
            elif key.value in entries:
                first = entries[key.value][0].start_mark
                self._note_twice(key, (*at, key.value), first_line=first.line + 1)
            else:
                entries[key.value] = (key, value)
        for key, value in merged:
            entries.setdefault(key.value, (key, value))
        return {name: self._entry(*pair, (*at, name)) for name, pair in entries.items()}

    def _entry(self, key: yaml.Node, value: yaml.Node, at: Path) -> object:
        self._keys[at] = Spot.of(key.start_mark)
        return self._value(value, at)

    def _merged(self, node: yaml.Node, at: Path) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Yield what `<<: *anchor` brings in; of several, the first comes first."""
        blocks = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for block in blocks:
            self._count_merge()
            if not isinstance(block, yaml.MappingNode) or id(block) in self._open:
                self._note(Spot.of(block.start_mark), at, *_NO_MERGE)
                continue
            self._open.add(id(block))
            yield from self._merged_entries(block, at)
            self._open.discard(id(block))

    def _merged_entries(
        self, block: yaml.MappingNode, at: Path
    ) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Yield the entries of *block*: its own, then those that it brings in itself."""
        inner = [value for key, value in block.value if key.tag == f"{_CORE}merge"]
        for key, value in block.value:
            if _is_plain_key(key):
                self._count_merge()
                yield key, value
        for value in inner:
            yield from self._merged(value, at)

    def _count_merge(self) -> None:
        self._merges += 1
        if self._merges > _MOST_VALUES:
            raise BrokenYaml(_TOO_LARGE)

    def _note_twice(self, key: yaml.Node, at: Path, *, first_line: int) -> None:
        self._note(
            Spot.of(key.start_mark),
            at,
            f"This key stands in line {first_line} already.",
            "Keep one of the two.",
        )

    def _note(self, spot: Spot, at: Path, message: str, hint: str) -> None:
        self._flaws.append(Flaw(spot=spot, message=message, hint=hint, at=at))


def _is_plain_key(key: yaml.Node) -> bool:
    return (
        isinstance(key, yaml.ScalarNode)
        and key.tag != f"{_CORE}merge"
        and not _has_half_character(key.value)
    )


def _has_half_character(text: str) -> bool:
    """Tell whether *text* holds a lone surrogate, which no file and no screen can show."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _number(text: str, kind: str) -> int | float | None:
    try:
        number = int(text) if kind == "int" else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_TOO_LARGE = Flaw(
    spot=Spot(),
    message=f"The file holds more than {_MOST_VALUES:,} values, far more than any configuration.",
    hint="Is this the configuration? Check which file you named.",
)
_NO_ALIAS = "Write the values out instead of using `*`."
_UNKNOWN_TAG = (
    "A value that begins with `!` names a type, and this one is not allowed or does not fit.",
    "Remove the `!…`, or put the value in quotes if it is meant as text.",
)
_HALF_CHARACTER = (
    "This text holds one half of a character that is written as two.",
    "Write the character itself instead of `\\u` and a number.",
)
_NO_TEXT_KEY = ("A key must be a single word or text.", "Write `key: value`.")
_NO_MERGE = (
    "`<<` brings in the entries of another block, and this is none.",
    "Refer to a block of `key: value` lines, as in `<<: *anchor`.",
)
