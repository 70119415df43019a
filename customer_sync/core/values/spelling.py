"""A record with its fields in one spelling, which remembers how they were written."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import cast

from customer_sync.core.model import Problem, Trigger
from customer_sync.core.values.names import camel_case

_DATA = ("data",)
_CHANGES = ("data", "changes")


class SpelledRecord:
    """What a record holds, with the names of fields and of changed fields in camelCase.

    A field that stands there in two spellings with two values is among `problems`.
    """

    __slots__ = ("_changes", "_fields", "_written", "content", "envelope", "problems")

    def __init__(self, content: object) -> None:
        self.problems: list[Problem] = []
        self.content = content
        """The record as the schema is to see it."""
        self.envelope: Mapping[str, object] = {}
        """event, timestamp and data; empty where the record is no object."""
        self._fields: Mapping[str, object] = {}
        self._changes: Mapping[str, object] = {}
        self._written: dict[tuple[str, ...], Mapping[object, object]] = {}
        if isinstance(content, (dict, Mapping)):
            self.content = self.envelope = self._spell(content)

    def _spell(self, content: Mapping[str, object]) -> Mapping[str, object]:
        data = content.get("data")
        if not isinstance(data, (dict, Mapping)):
            return content
        self._fields = self._respell(data, _DATA)
        changes = self._fields.get("changes")
        if changes and isinstance(changes, Mapping) and content.get("event") != Trigger.DELETED:
            self._changes = self._respell(changes, _CHANGES)
            self._fields = {**self._fields, "changes": self._changes}
        is_as_written = self._fields is data and isinstance(content, dict)
        return content if is_as_written else {**content, "data": self._fields}

    def _respell(
        self, fields: Mapping[object, object], path: tuple[str, ...]
    ) -> Mapping[str, object]:
        """Return *fields* by their names in camelCase: themselves where they have them already."""
        self._written[path] = fields
        written = tuple(fields)
        try:
            names = _names(written)
        except TypeError:
            names = tuple(camel_case(str(name)) for name in written)
        if names == written and isinstance(fields, dict):
            return fields
        if len(set(names)) < len(names):
            self.problems.extend(self._contradictions(fields, path))
        return dict(zip(names, fields.values(), strict=True))

    def _contradictions(
        self, fields: Mapping[object, object], path: tuple[str, ...]
    ) -> Iterable[Problem]:
        told: dict[str, object] = {}
        for written, value in fields.items():
            name = camel_case(str(written))
            if name in told and told[name] != value:
                yield Problem(
                    pointer=_pointer((*self._written_path(path), str(written))),
                    rule="spelling",
                    detail="The field stands here in two spellings that say different things; "
                    "keep one of them.",
                )
            told[name] = value

    def pointer(self, path: Iterable[str | int]) -> str:
        """Return the pointer into the record as it was written."""
        return _pointer(self._written_path(tuple(str(step) for step in path)))

    def pointer_to(self, name: str) -> str:
        """Return the pointer to what a record in order says of the field called *name*."""
        return self.pointer((*_CHANGES, name, "new") if name in self._changes else (*_DATA, name))

    def _written_path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._written_name(path[:end], name) for end, name in enumerate(path))

    def _written_name(self, path: tuple[str, ...], name: str) -> str:
        """Return how *name* is written in the object that *path* leads to; the last one counts."""
        spellings = [str(w) for w in self._written.get(path, ()) if camel_case(str(w)) == name]
        return spellings[-1] if spellings else name

    def told(self) -> Mapping[str, object]:
        """Return all that a record in order says of its fields, what `changes` says winning."""
        if "changes" not in self._fields:
            return self._fields
        told = dict(self._fields)
        del told["changes"]
        for name in self._changes:
            told[name] = self._change(name)["new"]
        return told

    def previous(self, name: str) -> object:
        """Return the value that *name* had before, where a record in order tells it."""
        return self._change(name).get("old") if name in self._changes else None

    def _change(self, name: str) -> Mapping[str, object]:
        return cast("Mapping[str, object]", self._changes[name])


@lru_cache(maxsize=1024)
def _names(written: tuple[object, ...]) -> tuple[str, ...]:
    """Return *written* in camelCase; most records of a source have the same fields.

    Raises:
        TypeError: one of them is no text. 1 and True are the same to a cache, and not as names.
    """
    if not all(isinstance(name, str) for name in written):
        raise TypeError
    return tuple(camel_case(str(name)) for name in written)


def _pointer(path: Iterable[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
