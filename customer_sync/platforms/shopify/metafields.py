"""Shopify's metafields: fields of a merchant's own, in whichever way a format carries them."""

import re
from collections.abc import Iterator, Mapping

from customer_sync.core.values.names import camel_case
from customer_sync.platforms.paths import ABSENT, lookup

PREFIX = "metafields."
_COLUMN = re.compile(r".*\(customer\.(metafields\.[^()]+)\)")


def is_metafield(name: str) -> bool:
    """Tell whether a mapping's name means a metafield: `metafields.namespace.key`."""
    return name.startswith(PREFIX)


def path_of_column(column: str) -> str | None:
    """Return the path that a CSV column `Label (customer.metafields.namespace.key)` stands for."""
    found = _COLUMN.fullmatch(column.strip())
    return found.group(1) if found else None


def path_of(metafield: object) -> str | None:
    """Return the path of an object with namespace and key; None for any other."""
    match metafield:
        case {"namespace": str(namespace), "key": str(key)}:
            return f"{PREFIX}{namespace}.{key}"
        case _:
            return None


def is_same(path: str, name: str) -> bool:
    """Tell whether *name*, as a mapping spells it, means the metafield at *path*."""
    return path == name or camel_case(path) == camel_case(name)


def find(customer: Mapping[str, object], name: str) -> object:
    """Return what *name* means in a customer of REST or GraphQL; ABSENT where it means nothing.

    Metafields are found in a list, in a connection (`nodes` or `edges`), and singly under whatever
    name a query gave them.
    """
    if not is_metafield(name):
        return lookup(customer, name)
    for metafield in _metafields(customer):
        path = path_of(metafield)
        if path is not None and is_same(path, name):
            return metafield.get("value", ABSENT)
    return lookup(customer, name)


def _metafields(customer: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for value in customer.values():
        for candidate in members(value):
            if isinstance(candidate, Mapping):
                yield candidate


def members(value: object) -> Iterator[object]:
    """Return the items of a list or of a connection; anything else is its only item."""
    match value:
        case list():
            yield from value
        case {"nodes": [*nodes]} if nodes:
            yield from nodes
        case {"edges": [*edges]}:
            yield from (edge.get("node") for edge in edges if isinstance(edge, Mapping))
        case {"nodes": [*_]}:
            return
        case _:
            yield value
