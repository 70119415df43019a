"""What an answer other than success means: try again, change the key, or this request is wrong."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from customer_sync.brevo.retry import TransientFailure
from customer_sync.errors import BrevoAuthError, BrevoRejected, BrevoUnavailable
from customer_sync.trouble import Code

_LONGEST_MESSAGE = 300
_LONGEST_CODE = 60

_INDEXES = re.compile(r"\bindex(?:es)?\b[^0-9]*([0-9]+(?:\s*,\s*[0-9]+)*)", re.IGNORECASE)
_UNTOUCHED = re.compile(r"already (?:in|removed from) list", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Brevo's error object; any part may be empty, because answers come without body too."""

    message: str = ""
    """Fit to be shown."""
    said: str = ""
    """The message as it came, of whatever length; to be read by the program only."""
    code: str = ""
    duplicate_identifiers: tuple[str, ...] = ()


class RequestRefused(BrevoRejected):
    """A refusal that still knows what Brevo said in full: long batches name many positions."""

    def __init__(self, message: str, *, status: int, refusal: Refusal) -> None:
        super().__init__(
            message,
            trouble=trouble_with(refusal, status),
            status=status,
            code=refusal.code,
            duplicate_identifiers=refusal.duplicate_identifiers,
        )
        self.said = refusal.said


def decoded(content: bytes) -> object:
    """Return the JSON value in *content*, None where it is empty, its text where it is no JSON."""
    if not content.strip():
        return None
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", errors="replace")
    return value


def refusal_from(content: bytes, *, secret: str) -> Refusal:
    """Return what an error answer says, fit for a terminal and without *secret*."""
    body = decoded(content)
    if not isinstance(body, Mapping):
        return Refusal(message=clean(body if isinstance(body, str) else "", secret=secret))
    metadata = body.get("metadata")
    listed = metadata.get("duplicate_identifiers") if isinstance(metadata, Mapping) else None
    said = body.get("message")
    return Refusal(
        message=clean(said, secret=secret),
        said=said.replace(secret, "***") if isinstance(said, str) else "",
        code=clean(body.get("code"), secret=secret)[:_LONGEST_CODE],
        duplicate_identifiers=tuple(
            item for item in (listed if isinstance(listed, list) else []) if isinstance(item, str)
        ),
    )


def clean(text: object, *, secret: str) -> str:
    """Return *text* on one line, without control characters and *secret*, cut to a sane length."""
    if not isinstance(text, str):
        return ""
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[:10_000])
    line = " ".join(shown.replace(secret, "***").split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"


def raise_for(route: str, status: int, refusal: Refusal) -> None:
    """Return where *status* is a success, else say what kind of failure it is.

    Raises:
        TransientFailure: 408, 425, 429 and everything from 500 up (524 is a gateway's timeout).
        BrevoAuthError: 401, 403.
        BrevoUnavailable: a redirect, which is not followed because the key must not travel.
        RequestRefused: any other 4xx.
    """
    said = refusal.message or "no reason given"
    match status:
        case 401 | 403:
            raise BrevoAuthError(
                f"Brevo refused the key ({status}): {said}",
                trouble=_trouble_with_the_key(status, said),
                hint=_auth_hint(status, said),
            )
        case 408 | 425 | 429:
            raise TransientFailure(
                f"Brevo answered {status}: {said}",
                trouble=Code.RATE_LIMIT if status == 429 else Code.BREVO_UNAVAILABLE,
                counts=status != 429,
                may_have_arrived=False,
            )
        case _ if status >= 500:
            raise TransientFailure(f"Brevo answered {status}: {said}")
        case _ if status >= 400:
            raise RequestRefused(
                f"Brevo refused {route} ({status}{refusal.code and ' ' + refusal.code}): {said}",
                status=status,
                refusal=refusal,
            )
        case _ if not 200 <= status < 300:
            raise BrevoUnavailable(
                f"{route} was answered with {status}, which is no answer of Brevo's API",
                trouble=Code.STRANGE_ANSWER,
                hint="Redirects are not followed, so that the key stays where it belongs. "
                "Check the base URL.",
            )


def _trouble_with_the_key(status: int, said: str) -> Code:
    if "ip address" in said.lower():
        return Code.IP_NOT_AUTHORISED
    return Code.KEY_MAY_NOT if status == 403 else Code.KEY_REFUSED


def _auth_hint(status: int, said: str) -> str:
    if "ip address" in said.lower():
        return (
            "Brevo does not know this machine's IP address: add it to the authorised IPs in the "
            "account's security settings, or turn that check off for API keys."
        )
    if status == 403:
        return "The key may not do this, or the account's plan does not include it."
    return "Check BREVO_API_KEY: a v3 API key, not an SMTP key, of the right account."


def trouble_with(refusal: Refusal, status: int) -> Code:
    """Return what kind of refusal this is.

    What belongs to another contact is told by `duplicate_identifiers`, where they came along; the
    rest is told by the message, since most refusals share one code.
    """
    said = refusal.said.lower()
    taken = set(refusal.duplicate_identifiers)
    if taken & _PHONES:
        return Code.PHONE_TAKEN
    if taken:
        return Code.CONTACT_EXISTS
    return next(
        (trouble for words, trouble in _BY_WORDS if words.search(said)),
        Code.CONTACT_GONE if status == 404 else Code.REQUEST_REFUSED,
    )


_PHONES = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER"})
"""Identifiers that are numbers."""

_BY_WORDS = (
    (re.compile(r"\b(?:sms|whatsapp|landline_number) is already associated\b"), Code.PHONE_TAKEN),
    (re.compile(r"\bcontact already exist|\bis already associated\b"), Code.CONTACT_EXISTS),
    (re.compile(r"\bphone number\b"), Code.PHONE_REFUSED),
    (re.compile(r"\bemail( address)? is not valid\b|\binvalid email\b"), Code.EMAIL_REFUSED),
    (re.compile(r"\blist id\b"), Code.LIST_GONE),
    (re.compile(r"\battributes?\b|\binvalid date format\b"), Code.ATTRIBUTE_REFUSED),
)
"""What Brevo's messages, in small letters, have in common."""


def unknown_positions(message: str, size: int) -> tuple[int, ...]:
    """Return the positions that a batch's 404 names, counted from 0; none if it names none.

    Brevo does not say from where it counts. From 0 is taken for granted unless a position lies
    just past the end, which only counting from 1 explains; anything further off is not believed.
    """
    match = _INDEXES.search(message)
    positions = sorted({int(part) for part in match[1].split(",")}) if match else []
    if positions and positions[-1] == size and positions[0] > 0:
        positions = [position - 1 for position in positions]
    return tuple(positions) if positions and positions[-1] < size else ()


def says_nothing_to_do(status: int, message: str) -> bool:
    """Tell whether a refusal means that every contact is on, or off, the list already."""
    return status == 400 and bool(_UNTOUCHED.search(message))
