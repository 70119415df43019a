"""What a monitor watches for: `success_rate<0.99`, read and held against the figures."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from customer_sync.config import parse_duration
from customer_sync.config.problems import nearest
from customer_sync.errors import UsageError
from customer_sync.trouble import Code

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_FORM = re.compile(r"\s*([^\s<>=!]+)\s*([<>=!]+)\s*(.*?)\s*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A figure by its name, compared with a number."""

    text: str
    """As it was written."""
    name: str
    comparison: str
    value: float

    def is_met(self, measures: Mapping[str, float | None]) -> bool:
        """Tell whether the figure is so; what is not known meets no condition."""
        measured = measures[self.name]
        return measured is not None and _COMPARISONS[self.comparison](measured, self.value)


def read_condition(text: str, names: Iterable[str]) -> Condition:
    """Read a condition about one of *names*.

    The number may be a share (`1%`) or a duration (`15m`).

    Raises:
        UsageError: it is none; the message says what would be.
    """
    written = _FORM.fullmatch(text)
    if written is None:
        raise UsageError(
            f"`{text}` is no condition.",
            trouble=Code.CONDITION,
            hint="Write a figure, a comparison and a number, such as success_rate<0.99 or "
            "'latency_p95 > 15m', in quotes.",
        )
    name, comparison, number = written.groups()
    known = tuple(names)
    if name not in known:
        near = nearest(name, known)
        raise UsageError(
            f"There is no figure `{name}`.",
            trouble=Code.CONDITION,
            hint=f"{f'Did you mean {near}? ' if near else ''}There are {', '.join(known)}.",
        )
    if comparison not in _COMPARISONS:
        raise UsageError(
            f"`{comparison}` is no comparison.",
            trouble=Code.CONDITION,
            hint=f"There are {' '.join(_COMPARISONS)}.",
        )
    return Condition(text=text.strip(), name=name, comparison=comparison, value=_number(number))


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    if _NUMBER.fullmatch(text.removesuffix("%")):
        return float(text.removesuffix("%")) / 100
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise UsageError(
            f"`{text}` is no number to compare with.",
            trouble=Code.CONDITION,
            hint="Write a number (0.99), a share (99%) or a duration (15m).",
        ) from error
