"""A record with its fields in one spelling, which remembers how they were written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from customer_sync.core.model import Problem, Trigger
from customer_sync.core.values.names import camel_case


@dataclass(frozen=True, slots=True)
class Mention:
    """A field's value and its path in the respelled record."""

    path: tuple[str, ...]
    value: object


class SpelledRecord:
    """What a record holds, with the names of fields and of changed fields in camelCase.

    A field that stands there in two spellings with two values is among `problems`.
    """

    def __init__(self, content: object) -> None:
        self.problems: list[Problem] = []
        self.envelope: Mapping[str, object] = {}
        """event, timestamp and data; empty where the record is no object."""
        self._fields: dict[str, object] = {}
        self._changes: dict[str, object] = {}
        self._written: dict[tuple[str, ...], str] = {}
        self._content = content
        if isinstance(content, Mapping):
            self.envelope = self._spell(content)
            self._content = self.envelope

    @property
    def content(self) -> object:
        """The record as the schema is to see it."""
        return self._content

    def _spell(self, content: Mapping[str, object]) -> Mapping[str, object]:
        data = content.get("data")
        if not isinstance(data, Mapping):
            return content
        self._fields = self._respell(data, ("data",))
        changes = self._fields.get("changes")
        if isinstance(changes, Mapping) and content.get("event") != Trigger.DELETED:
            self._changes = self._respell(changes, ("data", "changes"))
            self._fields["changes"] = self._changes
        return {**content, "data": self._fields}

    def _respell(self, fields: Mapping[object, object], path: tuple[str, ...]) -> dict[str, object]:
        respelled: dict[str, object] = {}
        for written, value in fields.items():
            name = camel_case(str(written))
            if name in respelled and respelled[name] != value:
                self.problems.append(
                    Problem(
                        pointer=_pointer((*self._written_path(path), str(written))),
                        rule="spelling",
                        detail="The field stands here in two spellings that say different things; "
                        "keep one of them.",
                    )
                )
            respelled[name] = value
            self._written[*path, name] = str(written)
        return respelled

    def pointer(self, path: Iterable[str | int]) -> str:
        """Return the pointer into the record as it was written."""
        return _pointer(self._written_path(tuple(str(step) for step in path)))

    def _written_path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            self._written.get(path[: position + 1], name) for position, name in enumerate(path)
        )

    def mentions(self) -> dict[str, Mention]:
        """Return every field that a record in order speaks about, what `changes` says winning."""
        plain = {
            name: Mention(("data", name), value)
            for name, value in self._fields.items()
            if name != "changes"
        }
        changed = {
            name: Mention(("data", "changes", name, "new"), self._change(name)["new"])
            for name in self._changes
        }
        return plain | changed

    def previous(self, name: str) -> object:
        """Return the value that *name* had before, where a record in order tells it."""
        return self._change(name).get("old") if name in self._changes else None

    def _change(self, name: str) -> Mapping[str, object]:
        return cast("Mapping[str, object]", self._changes[name])


def _pointer(path: Iterable[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
