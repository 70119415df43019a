"""E-mail addresses in the one form in which contacts are compared by them."""

import re

from email_validator import EmailNotValidError, validate_email

from customer_sync.core.model import Email

_PLAIN = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+([A-Za-z]{2,20})"
)
"""What most addresses look like: nothing in them is quoted, foreign or encoded."""

_MOST_CHARACTERS = 63
"""A plain address that is no longer than a label of its domain may be breaks no limit."""

_SPECIAL_ENDINGS = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
"""Where domains end that are not for everybody; which of them are, is for the library to say."""


class EmailInvalid(ValueError):
    """The text is no address; the message says why, without repeating it."""


def email_address(text: str) -> Email:
    """Return *text* as the address that contacts are compared by: trimmed, lower case.

    Only the form is checked, the network is not asked. Domains that never receive mail
    (`.test`, `.invalid`, `localhost`) are refused; those kept for examples are fine.

    Raises:
        EmailInvalid: the form is wrong.
    """
    plain = _PLAIN.fullmatch(text)
    if plain and len(text) <= _MOST_CHARACTERS and plain[1].lower() not in _SPECIAL_ENDINGS:
        return Email(text.lower())
    return checked_address(text)


def checked_address(text: str) -> Email:
    """Return what `email_address` does, of any text."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise EmailInvalid(str(error)) from error
    return Email(checked.normalized.lower())
