"""Numbers as shops write them."""

import re
from decimal import Decimal

from customer_sync.core.values.transform_error import TransformError

_PLAIN = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_GROUP_SPACE = re.compile(r"(?<=[0-9])['\u2019\s](?=[0-9]{3})")
_EXACT_LIMIT = 2**53


def parse(text: str, *, decimal_mark: str | None = None) -> float:
    """Return the finite number that *text* holds, and nothing else beside it.

    Without *decimal_mark* only a point is understood and nothing may separate thousands. With it
    the other of point and comma separates groups of three digits, as do blanks and apostrophes.

    Raises:
        TransformError: it is no number, or so large (2^53 and more) that whole numbers are not
            kept to the last digit.
    """
    digits = text.strip()
    if decimal_mark is not None:
        digits = _with_point(digits, decimal_mark)
    if not _PLAIN.fullmatch(digits):
        raise TransformError("it is not a number")
    number = float(digits)
    if not is_exact(number):
        raise TransformError("it is too large for a number; map it to a text attribute")
    # A zero below zero is zero.
    return number + 0.0


def is_exact(number: float) -> bool:
    """Tell whether *number* is one of those among which floats hold every whole number."""
    return -_EXACT_LIMIT < number < _EXACT_LIMIT


def _with_point(digits: str, decimal_mark: str) -> str:
    if decimal_mark == ",":
        digits = digits.translate({ord("."): ",", ord(","): "."})
    grouped = _GROUP_SPACE.sub(",", digits)
    return grouped.replace(",", "") if _GROUPED.fullmatch(grouped) else grouped


def as_text(number: float) -> str:
    """Return *number* as it is written by hand: no exponent, no `.0`."""
    if isinstance(number, int):
        return str(number)
    text = format(Decimal(repr(number)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
