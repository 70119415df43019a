"""The block `field_mapping`: which field becomes which attribute, and how."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from customer_sync.config.findings import Findings
from customer_sync.config.problems import listed, quoted
from customer_sync.config.section import Section
from customer_sync.config.steps import read_steps, stand_ins
from customer_sync.config.syntax import Path
from customer_sync.core.model import AttributeType, FieldRule
from customer_sync.core.values.names import camel_case

STANDARD_RULES = (
    FieldRule(field="email", attribute="EMAIL"),
    FieldRule(field="firstName", attribute="FIRSTNAME"),
    FieldRule(field="lastName", attribute="LASTNAME"),
    FieldRule(field="phone", attribute="SMS"),
)
"""What is mapped where the configuration maps nothing."""

EMAIL_RULE = STANDARD_RULES[0]
"""The address needs no entry: where nothing is mapped to EMAIL, this rule comes first."""

IDENTIFIERS = ("EMAIL", "SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID")
"""Attributes that a contact can be addressed by; Brevo keeps them as text."""

Placed: TypeAlias = tuple[Path, FieldRule]


def read_rules(mapping: Section, findings: Findings) -> tuple[FieldRule, ...]:
    """Return the rules of *mapping* in the order of the file.

    An absent or empty block means the standard rules. Where no field is mapped to EMAIL, the
    field `email` is, before all others. Two fields for one attribute and two spellings of one
    field are findings.
    """
    placed = list(_rules(mapping, findings))
    _check_distinct(placed, lambda rule: rule.field, _same_field, findings)
    _check_distinct(placed, lambda rule: rule.attribute, _same_attribute, findings)
    for at, rule in placed:
        _check_email(at, rule, findings)
        _check_identifier(at, rule, findings)
    rules = tuple(rule for _, rule in placed)
    if not rules:
        return STANDARD_RULES
    has_email = any(rule.attribute == EMAIL_RULE.attribute for rule in rules)
    return rules if has_email else (EMAIL_RULE, *rules)


def _rules(mapping: Section, findings: Findings) -> Iterator[Placed]:
    for key, at, entry in mapping.entries():
        field = camel_case(key)
        if not field:
            findings.add(at, "The name of the field is missing.", "Name a field of the customer.")
            continue
        if isinstance(entry, str):
            yield at, FieldRule(field=field, attribute=entry.strip().upper())
            continue
        block = Section(entry, at, findings)
        attribute = block.text("attribute")
        if attribute is not None:
            yield at, _long_rule(field, attribute.upper(), block, findings)


def _long_rule(field: str, attribute: str, block: Section, findings: Findings) -> FieldRule:
    word = block.text("type")
    attribute_type = AttributeType(word) if word else None
    steps = read_steps(block.value("transform"), block.at("transform"), attribute_type, findings)
    aliases = tuple(camel_case(name) for name in block.texts("aliases"))
    return FieldRule(
        field=field, attribute=attribute, type=attribute_type, steps=steps, aliases=aliases
    )


def _check_distinct(
    placed: Iterable[Placed],
    trait: Callable[[FieldRule], str],
    complaint: Callable[[FieldRule, int], tuple[str, str]],
    findings: Findings,
) -> None:
    """Complain about each rule that shares its *trait* with one further up."""
    first_places: dict[str, Path] = {}
    for at, rule in placed:
        first = first_places.setdefault(trait(rule), at)
        if first != at and not findings.is_spoiled(at):
            findings.add(at, *complaint(rule, findings.line(first)))


def _same_field(rule: FieldRule, first_line: int) -> tuple[str, str]:
    return (
        f"The field {quoted(rule.field)} is mapped in line {first_line} already.",
        "Keep one of the two; different spellings, as first_name and firstName, are one field.",
    )


def _same_attribute(rule: FieldRule, first_line: int) -> tuple[str, str]:
    return (
        f"The attribute {quoted(rule.attribute)} is filled by line {first_line} already.",
        "Map each attribute from one field only; remove one of the two lines.",
    )


def _check_email(at: Path, rule: FieldRule, findings: Findings) -> None:
    if rule.field == EMAIL_RULE.field and rule.attribute != EMAIL_RULE.attribute:
        findings.add(
            at,
            "The field `email` is the contact's address and cannot fill another attribute.",
            "Write `email: EMAIL`, or leave the line out.",
        )


def _check_identifier(at: Path, rule: FieldRule, findings: Findings) -> None:
    if rule.attribute not in IDENTIFIERS:
        return
    for name in stand_ins(rule.steps):
        findings.add(
            (*at, "transform"),
            f"{rule.attribute} identifies a contact, so {name} would make many customers one.",
            f"Remove `{name}`.",
        )
    if rule.type not in {None, AttributeType.TEXT}:
        findings.add(
            (*at, "type"),
            f"{rule.attribute} identifies a contact and is always a text.",
            f"Remove `type`; the same goes for {listed(IDENTIFIERS, last='and')}.",
        )
