"""The reference pages of the site, written from what the program itself says of its keys."""

import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from customer_sync.config import schema
from customer_sync.config.spelling import snake_case

WHOLE = Path(__file__).with_name("whole_command.py")

Schema: TypeAlias = Mapping[str, object]

_WRITTEN_BY = "`pytest tests/cli/test_site.py --update-golden`"
"""How the pages are brought up to date."""

# ---------------------------------------------------------------- commands

_COMMANDS = f"""\
# Command reference

Every command with its arguments and options, as `--help` shows them; written by
{_WRITTEN_BY}. The exit codes, which `README.md` lists, are the
same for all of them.
"""


def commands_page() -> str:
    """Return docs/commands.md: what Typer writes, with whole sentences in its lists."""
    typer = (sys.executable, "-m", "typer", str(WHOLE), "utils", "docs")
    finished = subprocess.run(
        [*typer, "--name", "customer-sync"], capture_output=True, text=True, check=True
    )
    listing = finished.stdout.partition("**Commands**:\n")[2]
    return _COMMANDS + _shown_as_command(_with_whole_sentences(listing)).rstrip() + "\n"


def _with_whole_sentences(text: str) -> str:
    """Replace the shortened sentence beside each command in a list by the one of its section."""
    sections = re.findall(r"^#+ `customer-sync (.+)`\n\n((?:.+\n)+)", text, re.MULTILINE)
    first_sentences = {name: help_text.replace("\n", " ").strip() for name, help_text in sections}
    lines = []
    group = ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"## `customer-sync (.+)`", line):
            group = f"{heading[1]} "
        if item := re.fullmatch(r"\* `([a-z][a-z-]*)`: .+", line):
            name = group + item[1]
            link = f"customer-sync-{name.replace(' ', '-')}"
            lines.append(f"* [`{name}`](#{link}): {first_sentences[name]}")
        else:
            lines.append(line)
    return "\n".join(lines)


def _shown_as_command(text: str) -> str:
    return re.sub(r"^Example: (customer-sync .+)$", r"For example: `\1`", text, flags=re.MULTILINE)


# ---------------------------------------------------------------- configuration

_CONFIGURATION = f"""\
# Configuration reference

Every key of `config.yaml`, from the JSON Schema that checks it; written by
{_WRITTEN_BY}. `customer-sync schema config` prints that schema: with it, an
editor completes keys and marks slips while you type. `customer-sync validate config.yaml` tells
every problem at once, and [the example to copy](../config.yaml) has a comment on each choice.

- Keys may be written in snake_case or in camelCase: `list_id` or `listId`, but not both.
- A key that does not stand here is an error, and the message names the nearest one that does.
- Secrets never stand in the file: `${{NAME}}` names the environment variable that holds one.
"""

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "object": "a block",
    "array": "a list",
}
_LARGEST = 2**53 - 1
"""A bound that stands in the schema for the sake of JSON, and that nobody needs to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A block of keys."""

    path: str
    """How one gets there: `brevo`, `skills.customer-sync.options`."""
    schema: Schema


def configuration_page() -> str:
    """Return docs/configuration.md."""
    root = schema()
    blocks = sorted(_blocks(root), key=lambda block: block.path)
    paths = {id(block.schema): block.path for block in blocks}
    return _CONFIGURATION + "".join(_section(block, root, paths) for block in blocks)


def _blocks(root: Schema) -> Iterator[_Block]:
    """Yield each block once, by the shortest way to it."""
    waiting = deque([_Block(path="", schema=root)])
    seen: set[int] = set()
    while waiting:
        block = waiting.popleft()
        if id(block.schema) not in seen:
            seen.add(id(block.schema))
            yield block
            for name, part in _keys(block.schema, root).items():
                waiting.extend(_inner(f"{block.path}.{name}".lstrip("."), part, root))


def _inner(path: str, part: Schema, root: Schema) -> Iterator[_Block]:
    """Yield the blocks that a key holds: itself, one under each name, one for each item."""
    for suffix, keyword in (("", None), (".FIELD", "additionalProperties"), ("[]", "items")):
        one = part if keyword is None else _resolved(part.get(keyword) or {}, root)
        if "properties" in one:
            yield _Block(path=path + suffix, schema=one)


def _keys(block: Schema, root: Schema) -> dict[str, Schema]:
    """Return the keys of a block in their first spelling, with what may stand there."""
    spelled: dict[str, str] = {}
    properties = cast("Schema", block["properties"])
    for name in properties:
        spelled.setdefault(snake_case(name).replace("-", "_"), name)
    return {name: _resolved(properties[name], root) for name in spelled.values()}


def _resolved(part: object, root: Schema) -> Schema:
    """Return what *part* refers to: the same object each time."""
    while isinstance(part, Mapping) and "$ref" in part:
        found: object = root
        for step in str(part["$ref"]).removeprefix("#/").split("/"):
            found = cast("Schema", found)[step]
        part = found
    return cast("Schema", part) if isinstance(part, Mapping) else {}


def _section(block: _Block, root: Schema, paths: Mapping[int, str]) -> str:
    """Return a block's heading, sentence and table of keys."""
    heading = f"`{block.path}`" if block.path else "The whole file"
    needed = cast("list[str]", block.schema.get("required", []))
    rows = [
        f"| `{name}` | {_value(part, root, paths)} | {_default(name, part, needed)} "
        f"| {_meaning(part)} |\n"
        for name, part in _keys(block.schema, root).items()
    ]
    description = block.schema["description"]
    table = "| key | value | default | meaning |\n|---|---|---|---|\n"
    return f"\n## {heading}\n\n{description}\n\n{table}{''.join(rows)}"


def _value(part: Schema, root: Schema, paths: Mapping[int, str]) -> str:
    """Return what may stand behind a key, in words."""
    if blocks := list(_inner("", part, root)):
        return f"block {_link(paths[id(blocks[0].schema)])}"
    if words := cast("list[object]", part.get("enum", [])):
        *others, last = (f"`{word}`" for word in words)
        return f"{', '.join(others)} or {last}" if others else last
    types = part["type"]
    kinds = cast("list[str]", types if isinstance(types, list) else [types])
    told = [_KINDS[kind] + _bounds(kind, part) for kind in kinds if kind != "null"]
    return " or ".join(told) or "nothing"


def _link(path: str) -> str:
    """Return a link to the section of a block, by the last part of its name."""
    return f"[`{path.rpartition('.')[2]}`](#{_anchor(path)})"


def _anchor(path: str) -> str:
    """Return the anchor of a block's heading, as Markdown makes it."""
    return re.sub(r"[^\w-]", "", path).lower()


def _bounds(kind: str, part: Schema) -> str:
    low, high = part.get("minimum"), part.get("maximum")
    if low is None or kind not in {"integer", "number"}:
        return ""
    return f" from {low}" + (f" to {high}" if high not in {None, _LARGEST} else "")


def _default(name: str, part: Schema, needed: list[str]) -> str:
    if "default" in part:
        return f"`{_flow(part['default'])}`"
    return "needed" if name in needed else ""


def _meaning(part: Schema) -> str:
    """Return what a key means, what its value has to look like, and an example where it helps."""
    sentences = [part["description"]]
    if "properties" not in part and "patternErrorMessage" in part:
        sentences.append(part["patternErrorMessage"])
    examples = cast("list[object]", part.get("examples", []))
    if examples and "enum" not in part and "default" not in part:
        sentences.append(f"For example `{_flow(examples[0])}`.")
    return " ".join(map(str, sentences))


def _flow(value: object) -> str:
    """Return a value on one line, as it could stand in the file."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=1000, allow_unicode=True
    )
    return text.removesuffix("...\n").strip()
