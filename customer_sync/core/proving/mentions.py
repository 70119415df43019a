"""Whether a text is about somebody: by the addresses in it, or by the ids of its customer."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from customer_sync.core.model import Email

_ESCAPES = re.compile(r"\\[nrtbf\"/]")
_ID_NAMES = frozenset({"id", "customerId", "customer_id"})
_WRAPPERS = ("record", "data", "customer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person as the shop and the state know them."""

    email: Email
    """The address that was asked for."""
    emails: frozenset[Email]
    """All addresses that are theirs, or were and are nobody else's now."""
    ids: frozenset[str] = frozenset()
    """The shop's ids."""


class Mentions:
    """Finds the places that mention a person by an address."""

    def __init__(self, emails: Iterable[Email]) -> None:
        every = "|".join(re.escape(email) for email in sorted(emails))
        self._pattern = re.compile(rf"(?<![\w.+%-])(?:{every})(?![\w-]|\.\w)", re.IGNORECASE)

    def any_in(self, text: str) -> bool:
        """Tell whether *text*, plain or JSON, holds one of the addresses as a whole word."""
        return self._pattern.search(_ESCAPES.sub("  ", text)) is not None

    def struck_from(self, text: str) -> str:
        """Return *text* with every address taken out."""
        return self._pattern.sub("(erased)", text)


def is_record_of(content: object, ids: Collection[str]) -> bool:
    """Tell whether a decoded record is about a customer with one of *ids*.

    Only ids of the customer itself count, not those of an order or a place within.
    """
    return any(str(found) in ids for found in _ids_of(content) if isinstance(found, str | int))


def _ids_of(content: object) -> Iterator[object]:
    if not isinstance(content, Mapping):
        return
    yield from (content[name] for name in _ID_NAMES if name in content)
    for name in _WRAPPERS:
        yield from _ids_of(content.get(name))
