"""From a file to a Config, or to everything that is wrong with the file."""

import codecs
import json
from pathlib import Path

from customer_sync.config.document import Document, parse
from customer_sync.config.findings import Findings
from customer_sync.config.meaning import understand
from customer_sync.config.model import Config
from customer_sync.config.problems import ConfigProblem, InvalidConfig
from customer_sync.config.shape import check_shape
from customer_sync.config.syntax import BrokenYaml, Flaw, Spot

_LARGEST_FILE = 1_000_000
_ENOUGH_TO_TELL = 10_000

_TO_BEGIN = "Begin with `customer-sync init`, which writes a configuration to start from."
_TEXT_FILE = "Save it as plain UTF-8 text; is it the configuration at all?"


def load(path: Path) -> Config:
    """Return what the file at *path* says.

    Raises:
        InvalidConfig: it cannot be read or something in it is wrong; every problem is told.
    """
    config, problems = check(path)
    if config is None:
        raise InvalidConfig(path, problems)
    return config


def check(path: Path) -> tuple[Config | None, tuple[ConfigProblem, ...]]:
    """Return what the file at *path* says, or None and every problem, from top to end.

    It reads the file and nothing else: neither the environment nor Brevo is asked.
    """
    try:
        document = parse(_text(path))
        findings = Findings(path, document)
        _check_root(document)
    except BrokenYaml as error:
        findings = Findings(path, Document(root=None))
        findings.add_flaw(error.flaw)
        return None, findings.problems()
    for flaw in document.flaws:
        findings.add_flaw(flaw)
    check_shape(document.root, findings)
    config = understand(path, document.root, findings)
    problems = findings.problems()
    return (None if problems else config), problems


def _text(path: Path) -> str:
    """Return the text of the file, which may be UTF-8, or UTF-16 with a byte order mark.

    Raises:
        BrokenYaml: there is no such file, or it is no text, too large or empty.
    """
    content = _content(path)
    if len(content) > _LARGEST_FILE:
        raise BrokenYaml(_flaw("This is far too large for a configuration.", _which(content)))
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BrokenYaml(_flaw("This is no UTF-8 text.", _TEXT_FILE, line=line)) from None
    if not text.strip():
        raise BrokenYaml(_flaw("The file is empty.", _TO_BEGIN))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BrokenYaml(_flaw("This is no text file.", _TEXT_FILE, line=line))
    if _looks_like_events(text):
        raise BrokenYaml(_flaw("This holds events, not a configuration.", _EVENTS))
    return text


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise BrokenYaml(_flaw("There is no such file.", _TO_BEGIN)) from None
    except IsADirectoryError:
        hint = f"Name the file in it, for example {path / 'config.yaml'}."
        raise BrokenYaml(_flaw("This is a folder.", hint)) from None
    except (OSError, ValueError) as error:
        # ValueError: a path with a null character in it.
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a proper path"
        raise BrokenYaml(
            _flaw(f"The file cannot be read: {reason}.", "Check its name and its permissions.")
        ) from None


_EVENTS = (
    "Name it after `customer-sync run` or `customer-sync validate`, and the configuration after "
    "`--config`."
)


def _which(content: bytes) -> str:
    text = content.decode(errors="replace")
    return _EVENTS if _looks_like_events(text) else "Check which file you named."


def _looks_like_events(text: str) -> bool:
    """Tell whether *text* begins like JSON Lines, or a JSON array, of events."""
    start = text.lstrip()
    if start.startswith("["):
        return '"event"' in start[:_ENOUGH_TO_TELL]
    try:
        first = json.loads(start.split("\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return _is_event(first)


def _is_event(value: object) -> bool:
    return isinstance(value, dict) and "event" in value and "skills" not in value


def _check_root(document: Document) -> None:
    """Refuse whatever is no block of keys at its outermost level."""
    if _is_event(document.root):
        raise BrokenYaml(_flaw("This holds events, not a configuration.", _EVENTS))
    if isinstance(document.root, dict) or document.flaws:
        return
    raise BrokenYaml(
        _flaw(
            "A configuration begins with `skills:` or another key, and this does not.",
            f"Check which file you named. {_TO_BEGIN}",
        )
    )


def _flaw(message: str, hint: str, *, line: int = 1) -> Flaw:
    return Flaw(spot=Spot(line=line), message=message, hint=hint)
