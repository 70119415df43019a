"""Problems as they are found, each with its place in the document."""

from pathlib import Path as FilePath

from customer_sync.config.document import Document, pointer
from customer_sync.config.problems import ConfigProblem, shown
from customer_sync.config.syntax import Flaw, Path, Spot

_LONGEST = 400
"""Far more than any sentence needs, unless it repeats what somebody wrote without end."""


class Findings:
    """Collects what is wrong with one document, so that everything can be told at once."""

    def __init__(self, path: FilePath, document: Document) -> None:
        self._path = path
        self._document = document
        self._problems: list[ConfigProblem] = []
        self._spoiled: set[Path] = set()

    def add(self, at: Path, message: str, hint: str) -> None:
        """Note that the value of *at* cannot be used."""
        self._spoiled.add(at)
        self._note(self._document.spot(at), at, message, hint)

    def add_to_key(self, at: Path, message: str, hint: str) -> None:
        """Note that the key of *at* is wrong, or that something is missing beneath it."""
        self._note(self._document.key_spot(at), at, message, hint)

    def add_flaw(self, flaw: Flaw) -> None:
        """Note what the parser stumbled over."""
        self._spoiled.add(flaw.at)
        self._note(flaw.spot, flaw.at, flaw.message, flaw.hint)

    def is_spoiled(self, at: Path) -> bool:
        """Tell whether the value of *at* was found unusable."""
        return at in self._spoiled

    def line(self, at: Path) -> int:
        """Return the line that *at* stands in."""
        return self._document.key_spot(at).line

    def place(self, at: Path) -> tuple[Spot, str]:
        """Return where a problem with the value of *at* would be told, and its pointer."""
        return self._document.spot(at), shown(pointer(at), longest=_LONGEST)

    def problems(self) -> tuple[ConfigProblem, ...]:
        """Return everything found, from the top of the file to its end, each thing once."""
        unique = dict.fromkeys(self._problems)
        return tuple(sorted(unique, key=lambda found: (found.line, found.column)))

    def _note(self, spot: Spot, at: Path, message: str, hint: str) -> None:
        self._problems.append(
            ConfigProblem(
                path=self._path,
                line=spot.line,
                column=spot.column,
                pointer=shown(pointer(at), longest=_LONGEST),
                message=shown(message, longest=_LONGEST),
                hint=shown(hint, longest=_LONGEST),
            )
        )
