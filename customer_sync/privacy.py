"""What people may read: addresses masked, and no control character from a customer's name."""

import json
import re
import unicodedata

_ADDRESS = re.compile(r"(?<![^\s@<>\"',;:()])[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")
"""Begins where a word begins, so that a long text without any address is read but once."""


_BEYOND_ASCII = re.compile(r"[^\n -~]")


def mask_email(email: str) -> str:
    """Return *email* with all but its first character and its domain hidden."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}***@{domain}" if domain else "***"


def mask_text(text: str, *, spare: str | None = None) -> str:
    """Return *text* with every address in it masked, but for the one to *spare*."""

    def masked(found: re.Match[str]) -> str:
        address = found.group()
        return address if address.lower() == spare else mask_email(address)

    return _ADDRESS.sub(masked, text)


def printable(text: str) -> str:
    """Return *text* without what could steer a terminal: escapes, bidirectional overrides."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if _steers(unicodedata.category(character)) else character
        for character in text
    )


def printable_json(document: bytes | str) -> str:
    """Return a JSON document that means the same, without what could steer a terminal.

    Such characters are spelled by their numbers in it.
    """
    text = document if isinstance(document, str) else document.decode()
    return _BEYOND_ASCII.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    is_steering = _steers(unicodedata.category(character))
    return json.dumps(character)[1:-1] if is_steering else character


def _steers(category: str) -> bool:
    """Tell of a category whether its characters are controls, or break lines and paragraphs."""
    return category[0] == "C" or category in {"Zl", "Zp"}
