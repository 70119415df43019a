"""Shopify's bulk operations: a line for each customer, and lines of their own for what it has."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from customer_sync.core.model import Place, Problem, Record, Rejection
from customer_sync.platforms.canonical import is_secret, refused
from customer_sync.platforms.format import Decoded, Understood, Wanted
from customer_sync.platforms.shopify import metafields
from customer_sync.platforms.shopify.graphql import understand_node, with_addresses
from customer_sync.platforms.shopify.identity import is_customer, kind_of

_PARENT = "__parentId"
_CHILDLESS = frozenset({"Metafield"})
"""Nothing belongs to these, so that their ids need not be remembered."""


def is_line(content: object) -> bool:
    """Tell whether *content* is a line of a bulk operation's result."""
    if not isinstance(content, Mapping):
        return False
    return kind_of(content.get("id")) is not None or kind_of(content.get(_PARENT)) is not None


def understand(decoded: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    """Return the customers as listed, their metafields joined to them.

    - Children are joined by `__parentId`, wherever they stand. Of children only metafields that the
      mapping asks for are used. One whose parent is nowhere in the file is a rejection.
    - Other objects than customers are rejections, their children are passed over.
    - Held in memory is the id of each object that may have children. Where the mapping asks for
      metafields, those may follow anywhere, so that no customer is complete before the end of the
      file: then the values asked for are held too, and the customers wait in a temporary file.

    Raises:
        SourceError: Shopify held back every email address.
    """
    return with_addresses(_joined(decoded, wanted))


def _joined(decoded: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
    family = _Family(frozenset(filter(metafields.is_metafield, wanted.fields)))
    customers = _customers(decoded, wanted, family)
    if not family.names:
        yield from customers
    else:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
            yield from _waited(customers, waiting)
            waiting.seek(0)
            for line in waiting:
                yield _restored(line, family)
    yield from family.orphans()


def _customers(
    decoded: Iterable[Decoded], wanted: Wanted, family: "_Family"
) -> Iterator[Understood]:
    for item in decoded:
        content = item.content
        if isinstance(item, Rejection):
            yield item
        elif not isinstance(content, Mapping):
            yield refused(item, "object", "The line is no object with an id.")
        elif content.get(_PARENT) is not None:
            family.add_child(item.place, content)
        else:
            family.add(content.get("id"))
            yield _root(item, content, wanted)


def _root(record: Record, content: Mapping[str, object], wanted: Wanted) -> Understood:
    if is_customer(content.get("id")):
        return understand_node(record, content, wanted)
    kind = kind_of(content.get("id"))
    what = f"It is no customer but a {kind}." if kind else "The line has no id of a customer."
    return refused(record, "customer", what, pointer="/id")


# ---------------------------------------------------------------- children


@dataclass(frozen=True, slots=True)
class _Family:
    """Which objects there are, and what belongs to which."""

    names: frozenset[str]
    """The metafields that the mapping asks for."""
    _ids: set[str] = field(default_factory=set)
    _early: list[tuple[Place, str]] = field(default_factory=list)
    _values: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, gid: object) -> None:
        """Remember an object that may be a parent."""
        if isinstance(gid, str):
            self._ids.add(gid)

    def add_child(self, place: Place, child: Mapping[str, object]) -> None:
        """Remember a child, and what it says where it is a metafield that is asked for."""
        if kind_of(child.get("id")) not in _CHILDLESS:
            self.add(child.get("id"))
        parent = child[_PARENT]
        if not isinstance(parent, str) or parent not in self._ids:
            self._early.append((place, parent if isinstance(parent, str) else ""))
        path = metafields.path_of(child)
        if path is None or not isinstance(parent, str) or not is_customer(parent):
            return
        for name in self.names:
            if metafields.is_same(path, name) and not is_secret(name):
                self._values.setdefault(parent, {})[name] = _scalar(child.get("value"))

    def values(self, gid: str) -> Mapping[str, object]:
        """Return the metafields of the customer *gid* that are asked for."""
        return self._values.get(gid, {})

    def orphans(self) -> Iterator[Rejection]:
        """Return the children whose parents are not there."""
        for place, parent in self._early:
            if parent not in self._ids:
                problem = Problem(
                    pointer=f"/{_PARENT}",
                    rule="parent",
                    detail="The object that this line belongs to is nowhere in the file, which "
                    "may be incomplete; fetch it again.",
                )
                kept = {_PARENT: parent} if kind_of(parent) else None
                yield Rejection(place=place, problems=(problem,), content=kept)


def _scalar(value: object) -> object:
    return value if isinstance(value, str | int | float) and value != "" else None


# ---------------------------------------------------------------- waiting for the end of the file


def _waited(customers: Iterable[Understood], waiting: TextIO) -> Iterator[Understood]:
    """Write customers to *waiting* and return what needs not wait."""
    for item in customers:
        if isinstance(item, Rejection):
            yield item
            continue
        kept = {
            "file": item.place.file,
            "line": item.place.line,
            "written_at": item.written_at.isoformat(),
            "content": item.content,
        }
        waiting.write(json.dumps(kept) + "\n")


def _restored(line: str, family: _Family) -> Record:
    kept = json.loads(line)
    content = kept["content"]
    content["data"].update(family.values(f"gid://shopify/Customer/{content['data']['id']}"))
    return Record(
        place=Place(file=kept["file"], line=kept["line"]),
        content=content,
        written_at=datetime.fromisoformat(kept["written_at"]),
    )
