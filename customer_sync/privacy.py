"""What people may read: addresses masked, and no control character from a customer's name."""

import re
import unicodedata

_ADDRESS = re.compile(r"(?<![^\s@<>\"',;:()])[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")
"""Begins where a word begins, so that a long text without any address is read but once."""


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


def _steers(category: str) -> bool:
    """Tell of a category whether its characters are controls, or break lines and paragraphs."""
    return category[0] == "C" or category in {"Zl", "Zp"}
