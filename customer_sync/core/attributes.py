"""Whether the account has the attributes that a configuration writes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from customer_sync.core.model import Attribute, AttributeType, FieldRule, Policy
from customer_sync.core.values.fields import standard_type

EMAIL = "EMAIL"


class Fit(StrEnum):
    """How an attribute suits what is written to it."""

    GOOD = "good"
    MISSING = "does not exist"
    OTHER_TYPE = "has another type"
    UNWRITABLE = "cannot be written by a sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One attribute that is written, next to the account's."""

    name: str
    wanted: AttributeType
    found: str
    """The type that the account gives it; empty where it does not exist."""
    fit: Fit

    def __str__(self) -> str:
        match self.fit:
            case Fit.OTHER_TYPE:
                return f"attribute {self.name} is {self.found} in Brevo and {self.wanted} here"
            case _:
                return f"attribute {self.name} {self.fit}"


def compare_attributes(
    rules: Iterable[FieldRule], policy: Policy, existing: Mapping[str, Attribute]
) -> list[Finding]:
    """Return every attribute that is written, in the order of their names.

    A rule that names no type takes whatever type the account has.
    """
    wanted = {name: (kind, is_told) for name, kind, is_told in _wanted(rules, policy)}
    return [
        _finding(name, kind, existing.get(name), is_told=is_told)
        for name, (kind, is_told) in sorted(wanted.items())
    ]


def _wanted(
    rules: Iterable[FieldRule], policy: Policy
) -> Iterator[tuple[str, AttributeType, bool]]:
    for rule in rules:
        if rule.attribute != EMAIL:
            yield rule.attribute, rule.type or standard_type(rule.field), rule.type is not None
    if policy.deleted_attribute:
        yield policy.deleted_attribute, AttributeType.BOOLEAN, True


def _finding(
    name: str, kind: AttributeType, attribute: Attribute | None, *, is_told: bool
) -> Finding:
    if attribute is None:
        return Finding(name=name, wanted=kind, found="", fit=Fit.MISSING)
    if attribute.type is None:
        return Finding(name=name, wanted=kind, found="another kind", fit=Fit.UNWRITABLE)
    fit = Fit.OTHER_TYPE if is_told and attribute.type is not kind else Fit.GOOD
    wanted = kind if is_told else attribute.type
    return Finding(name=name, wanted=wanted, found=attribute.type.value, fit=fit)
