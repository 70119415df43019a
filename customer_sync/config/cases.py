"""The block `tests`: what is given to the configuration, and what should come of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from customer_sync.config.findings import Findings
from customer_sync.config.model import PlacedCase
from customer_sync.config.problems import listed, nearest, quoted
from customer_sync.config.section import Section
from customer_sync.core.model import Email, FieldRule, Policy, Reason, Trigger, Value
from customer_sync.core.proving.cases import Case, Expected, Held, Told, Verdict
from customer_sync.core.validate import EmailInvalid, email_address
from customer_sync.core.values.names import camel_case

REASONS: Mapping[str, Reason] = {
    reason.name.lower(): reason
    for reason in (
        Reason.STALE,
        Reason.UNKNOWN_CUSTOMER,
        Reason.DELETED,
        Reason.UPDATES_DISABLED,
        Reason.SHARED_ADDRESS,
    )
}
"""Why a customer is left alone; other reasons take more than one customer and one contact."""


def read_cases(
    skill: Section, rules: Sequence[FieldRule], policy: Policy, findings: Findings
) -> tuple[PlacedCase, ...]:
    """Return the tests in *skill*, in the order of the file.

    Two tests of one name, a test that gives no customer or two, and an attribute that nothing is
    mapped to are findings.
    """
    reader = _Reader(rules, policy, findings)
    blocks = tuple(_blocks(skill, "tests", findings))
    _check_names(blocks, findings)
    return tuple(map(reader.case, blocks))


def _check_names(blocks: Iterable[Section], findings: Findings) -> None:
    first_lines: dict[str, int] = {}
    for block in blocks:
        name, at = block.text("name"), block.at("name")
        if name in first_lines:
            findings.add(
                at,
                f"The test in line {first_lines[name]} has this name already.",
                "Name each differently.",
            )
        elif name:
            first_lines[name] = findings.line(at)


def _blocks(section: Section, name: str, findings: Findings) -> Iterator[Section]:
    """Yield the blocks of the list *name* that have the right kind."""
    value = section.value(name)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        at = (*section.at(name), index)
        if isinstance(item, dict) and not findings.is_spoiled(at):
            yield Section(item, at, findings)


class _Reader:
    """Reads tests by the words of one configuration."""

    def __init__(self, rules: Sequence[FieldRule], policy: Policy, findings: Findings) -> None:
        self._list_ids = frozenset(() if policy.list_id is None else {policy.list_id})
        self._written = {rule.attribute for rule in rules} | {policy.deleted_attribute or ""}
        self._findings = findings

    def case(self, block: Section) -> PlacedCase:
        contact = self._contact(block) if block.value("contact") is not None else None
        spot, pointer = self._findings.place(block.at("expect"))
        return PlacedCase(
            case=Case(
                name=block.text("name") or "",
                before=tuple(map(self._told, _blocks(block, "before", self._findings))),
                told=self._told(block),
                contact=contact,
                is_contact_told="contact" in block,
                expected=self._expected(block, contact),
            ),
            line=spot.line,
            column=spot.column,
            pointer=pointer,
        )

    # ------------------------------------------------------------ given

    def _told(self, block: Section) -> Told:
        is_told, is_record = "customer" in block, "record" in block
        if is_told == is_record and (is_told or block.is_sound):
            # A misspelt key is a finding already, and may be the one that is missing.
            self._findings.add_to_key(
                block.place,
                "Either `customer` or `record` is needed here, and not both.",
                "Give the fields of a customer, or a record as the source writes it.",
            )
        elif is_record:
            return self._told_record(block)
        event: dict[str, object] = {
            "event": block.text("event") or Trigger.UPDATED.value,
            "data": block.value("customer"),
        }
        if "timestamp" in block:
            event["timestamp"] = block.value("timestamp")
        return Told(contents=(event,))

    def _told_record(self, block: Section) -> Told:
        for name in ("event", "timestamp"):
            if name in block:
                self._findings.add_to_key(
                    block.at(name),
                    f"`{name}` stands beside `customer`; a record tells it itself.",
                    "Write it into the record, or remove it.",
                )
        value = block.value("record")
        items = value if isinstance(value, list) else [value]
        records = tuple(item for item in items if isinstance(item, dict))
        return Told(contents=records, is_event=False)

    def _contact(self, block: Section) -> Held:
        held = block.section("contact")
        left = self._numbers(held, "left_lists") or frozenset()
        lists = self._numbers(held, "lists")
        return Held(
            email=self._email(held),
            attributes=self._attributes(held),
            list_ids=self._list_ids - left if lists is None else lists,
            left_list_ids=left,
            is_email_blocked=held.flag("blocked") or False,
            is_sms_blocked=held.flag("sms_blocked") or False,
        )

    # ------------------------------------------------------------ expected

    def _expected(self, block: Section, contact: Held | None) -> Expected:
        word = block.text("expect")
        if word is not None:
            return Expected(verdict=Verdict(word))
        outer = block.section("expect")
        for key, at, _ in outer.entries():
            inner = Section(outer.value(key), at, self._findings)
            self._check_mapped(inner, contact)
            warnings = inner.texts("warnings") if inner.value("warnings") is not None else None
            return Expected(
                verdict=Verdict(key),
                attributes=self._attributes(inner),
                email=self._email(inner),
                list_ids=self._numbers(inner, "lists"),
                is_email_blocked=inner.flag("blocked"),
                is_sms_blocked=inner.flag("sms_blocked"),
                is_gone=inner.flag("gone"),
                warnings=None if warnings is None else frozenset(map(camel_case, warnings)),
                reason=self._reason(inner),
                rule=inner.text("rule"),
                pointer=inner.text("pointer"),
            )
        # What is not there, or cannot be used, is a finding already.
        return Expected(verdict=Verdict.KEEP)

    def _reason(self, inner: Section) -> Reason | None:
        word = inner.text("reason")
        if word is None or word in REASONS:
            return REASONS.get(word or "")
        near = nearest(word, REASONS)
        self._findings.add(
            inner.at("reason"),
            f"There is no reason {quoted(word)}.",
            f"Did you mean `{near}`?" if near else f"There are {listed(REASONS, last='and')}.",
        )
        return None

    def _check_mapped(self, inner: Section, contact: Held | None) -> None:
        """Complain about attributes that can hold nothing: neither mapped nor there before."""
        known = self._written | (contact.attributes.keys() if contact is not None else set())
        for name, at, value in inner.section("attributes").entries():
            if value is not None and name.upper() not in known:
                self._findings.add(at, f"No field is mapped to {quoted(name)}.", _near(name, known))

    # ------------------------------------------------------------ values

    def _email(self, block: Section) -> Email | None:
        text = block.text("email")
        if text is None:
            return None
        try:
            return email_address(text)
        except EmailInvalid:
            self._findings.add(
                block.at("email"),
                "This is no address.",
                "Write the address that the contact has at Brevo.",
            )
            return None

    def _attributes(self, block: Section) -> dict[str, Value]:
        return {
            name.upper(): _value(value) for name, _, value in block.section("attributes").entries()
        }

    def _numbers(self, block: Section, name: str) -> frozenset[int] | None:
        value = block.value(name)
        if not isinstance(value, list):
            return None
        return frozenset(int(number) for number in value if isinstance(number, int | float))


def _near(name: str, known: Collection[str]) -> str:
    near = nearest(name, sorted(known))
    return f"Did you mean `{near}`?" if near else "Map one in `field_mapping`, or leave it out."


def _value(value: object) -> Value:
    match value:
        case str() | bool() | int() | float():
            return value
        case list():
            return tuple(map(str, value))
        case _:
            return None
