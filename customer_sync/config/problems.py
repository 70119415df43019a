"""What is wrong with a configuration, and where, without ever showing a secret."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

_KEY_LIKE = re.compile(
    r"(?:xkeysib|xsmtpsib|whsec|shp[a-z]{2}_|\b[cs][ks]_|\bsk-)[\w+/=-]*"
    r"|\b(?=[A-Za-z_]*\d)(?=\d*[A-Za-z_])\w{32,}"
)
"""Keys of Brevo, signed webhooks, Shopify, WooCommerce; any long word of digits and letters."""

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing to mend in a configuration file."""

    path: Path
    line: int
    """Counted from 1; 1 as well where the file as a whole is meant."""
    column: int
    pointer: str
    """JSON Pointer (RFC 6901) in the file's own spelling; empty for the file as a whole."""
    message: str
    hint: str
    """What to do about it, in one sentence that a newcomer can act on."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.told}"

    @property
    def told(self) -> str:
        """The problem without the place in a file."""
        subject = f"{self.pointer}: " if self.pointer else ""
        return f"{subject}{self.message} {self.hint}"


class InvalidConfig(ConfigError):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, path: Path | None, problems: Sequence[ConfigProblem]) -> None:
        """Tell all *problems* of the file at *path*; None: it stands in no file."""
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        shown = [problem.told if path is None else str(problem) for problem in problems]
        listing = "\n".join(f"  {line}" for line in shown)
        super().__init__(
            f"{path or 'The configuration'} has {count}:\n{listing}",
            trouble=Code.CONFIGURATION,
            hint="Mend what was given, and try again."
            if path is None
            else f"Mend the file and try again: customer-sync validate {path.name}",
        )
        self.problems = tuple(problems)


def masked(text: str) -> str:
    """Return *text* with everything that looks like a key replaced by `***`."""
    return _KEY_LIKE.sub("***", text)


def shown(text: str, *, longest: int = _LONGEST_SHOWN) -> str:
    """Return *text* as it may stand in a message: keys masked, on one line, printable, not long."""
    safe = "".join(c if c.isprintable() else "�" for c in masked(text))
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"


def quoted(text: str) -> str:
    """Return *text* as `shown`, between backquotes."""
    return f"`{shown(text)}`"


def listed(words: Iterable[str], *, last: str = "or") -> str:
    """Return *words* as an English enumeration: `a, b or c`."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the word of *known* that *word* was most likely meant to be, if any is near.

    Letter case and the difference between `-`, `_` and none do not count.
    """
    if len(word) > _LONGEST_SHOWN:
        return None
    by_letters = {_letters(candidate): candidate for candidate in reversed(tuple(known))}
    found = difflib.get_close_matches(_letters(word), by_letters, n=1, cutoff=0.6)
    return by_letters[found[0]] if found else None


def _letters(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).casefold()
