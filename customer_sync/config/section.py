"""A block of the document, read by the first spelling of its keys, without what is spoiled."""

from collections.abc import Iterator

from customer_sync.config.findings import Findings
from customer_sync.config.spelling import snake_case
from customer_sync.config.syntax import Path


class Section:
    """A block whose shape was checked: what is there has the right kind, the rest reads as None."""

    def __init__(self, content: object, at: Path, findings: Findings) -> None:
        self._content: dict[str, object] = content if isinstance(content, dict) else {}
        self._keys = {snake_case(key): key for key in self._content}
        self._findings = findings
        self.place = at

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    @property
    def is_sound(self) -> bool:
        """Tell whether none of the entries is spoiled."""
        return len(self._content) == sum(1 for _ in self.entries())

    def at(self, name: str) -> Path:
        """Return the place of *name*, in the spelling of the file."""
        return (*self.place, self._keys.get(name, name))

    def value(self, name: str) -> object:
        """Return what *name* holds, or None where it is absent or spoiled."""
        at = self.at(name)
        return None if self._findings.is_spoiled(at) else self._content.get(str(at[-1]))

    def section(self, name: str) -> "Section":
        """Return the block *name*, which is empty where it is absent or spoiled."""
        return Section(self.value(name), self.at(name), self._findings)

    def text(self, name: str) -> str | None:
        """Return the text of *name* without outer blanks."""
        value = self.value(name)
        return value.strip() if isinstance(value, str) else None

    def number(self, name: str) -> float | None:
        """Return the number of *name*."""
        value = self.value(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def whole(self, name: str) -> int | None:
        """Return the whole number of *name*; `5.0` is one."""
        number = self.number(name)
        return None if number is None else int(number)

    def flag(self, name: str) -> bool | None:
        """Return whether *name* is true."""
        value = self.value(name)
        return value if isinstance(value, bool) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts in the list *name*."""
        value = self.value(name)
        items = enumerate(value) if isinstance(value, list) else ()
        return tuple(
            item
            for index, item in items
            if isinstance(item, str) and not self._findings.is_spoiled((*self.at(name), index))
        )

    def entries(self) -> Iterator[tuple[str, Path, object]]:
        """Yield each key as written, its place and its value, in the order of the file."""
        for key, value in self._content.items():
            at = (*self.place, key)
            if not self._findings.is_spoiled(at):
                yield key, at, value
