"""Which of Shopify's two ways to write an id is to be believed, and whose id it is."""

import re

from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms.canonical import Draft, identifier
from customer_sync.platforms.paths import ABSENT

CUSTOMER = "gid://shopify/Customer/"
_GID = re.compile(r"gid://shopify/([A-Za-z]{1,60})/.+")


def kind_of(gid: object) -> str | None:
    """Return the word in `gid://shopify/Product/7` that says what it is the id of."""
    found = _GID.fullmatch(gid) if isinstance(gid, str) else None
    return found.group(1) if found else None


def is_customer(gid: object) -> bool:
    """Tell whether *gid* is the id of a customer."""
    return isinstance(gid, str) and gid.startswith(CUSTOMER)


def identify(draft: Draft, number: object, gid: object, pointer: str) -> None:
    """Set the id of *draft*.

    JavaScript and spreadsheets round numbers of 64 bits, but no gid: where both are there, the gid
    is right.
    """
    exact = _readable(gid) if is_customer(gid) else None
    if exact is None:
        draft.identify(number if number is not ABSENT else gid, pointer)
        return
    draft.identify(exact, pointer)
    if number is not ABSENT and number is not None and _readable(number) != exact:
        draft.warn("id", "The number differs from the gid beside it, which was taken.")


def _readable(value: object) -> str | None:
    try:
        return identifier(value)
    except TransformError:
        return None
