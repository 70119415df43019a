"""What people may read: addresses masked, and no control character from a customer's name."""

import re
import unicodedata

_ADDRESS = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")


def mask_email(email: str) -> str:
    """Return *email* with all but its first character and its domain hidden."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}***@{domain}" if domain else "***"


def mask_text(text: str) -> str:
    """Return *text* with every address in it masked."""
    return _ADDRESS.sub(lambda found: mask_email(found.group()), text)


def printable(text: str) -> str:
    """Return *text* without what could steer a terminal: escapes, bidirectional overrides."""
    return "".join(
        character if unicodedata.category(character)[0] != "C" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
