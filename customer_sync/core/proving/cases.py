"""A test of the configuration: what is given, what should come of it, and whether it did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from customer_sync.core.changes.draft import same
from customer_sync.core.model import Contact, Email, FieldChange, Problem, Reason, Value


class Verdict(StrEnum):
    """What can become of a customer: one of the five kinds of change, or no change at all."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    SKIP = "skip"
    REJECT = "reject"
    """The record breaks a rule."""
    IGNORE = "ignore"
    """The source's reader passes over the record: it is about nobody who counts as a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the shop says in one run."""

    contents: tuple[Mapping[str, object], ...]
    """Decoded records."""
    is_event: bool = True
    """They are events of our own form; else they look as the source writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A contact as a test describes it."""

    email: Email | None = None
    """None: the address that the customer is known by."""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    """As Brevo shows them or as a preview does."""
    list_ids: frozenset[int] = frozenset()
    left_list_ids: frozenset[int] = frozenset()
    is_email_blocked: bool = False
    is_sms_blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What should come of it; whatever is None, or not among the attributes, is not looked at."""

    verdict: Verdict
    attributes: Mapping[str, Value] = field(default_factory=dict)
    """What the contact holds afterwards; None for *empty*."""
    email: Email | None = None
    list_ids: frozenset[int] | None = None
    is_email_blocked: bool | None = None
    is_sms_blocked: bool | None = None
    is_gone: bool | None = None
    """There is no contact afterwards."""
    warnings: frozenset[str] | None = None
    """The fields, in camelCase, that are left out with a warning: these and no others."""
    reason: Reason | None = None
    rule: str | None = None
    pointer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    name: str
    before: tuple[Told, ...] = ()
    """What earlier runs have synced, one after the other."""
    told: Told
    contact: Held | None = None
    is_contact_told: bool = False
    """If not, the contact is as the earlier runs left it."""
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of it."""

    verdict: Verdict
    contact: Contact | None = None
    """As it is afterwards."""
    fields: tuple[FieldChange, ...] = ()
    warnings: frozenset[str] = frozenset()
    reason: Reason | None = None
    problems: tuple[Problem, ...] = ()


def compare(expected: Expected, came: Came) -> tuple[str, ...]:
    """Return a sentence for everything that came otherwise than expected; none: the test passes."""
    if came.verdict is not expected.verdict:
        return (f"{expected.verdict} was expected, and {described(came)} came.",)
    return (
        *_of_reason(expected, came),
        *_of_problems(expected, came.problems),
        *_of_warnings(expected, came),
        *_of_contact(expected, came.contact),
    )


def shown(value: Value) -> str:
    """Return a value as sentences show it."""
    match value:
        case None | "" | ():
            return "empty"
        case bool():
            return "true" if value else "false"
        case tuple():
            return f"`{', '.join(value)}`"
        case float() if value.is_integer():
            return f"`{int(value)}`"
        case _:
            return f"`{value}`"


# ---------------------------------------------------------------- what came


def described(came: Came) -> str:
    """Return in a few words what came."""
    parts = [
        *(f"{one.name} {shown(one.old)} → {shown(one.new)}" for one in came.fields),
        *([came.reason.value] if came.reason else []),
        *(f"{one.pointer or '/'} breaks the rule {one.rule}" for one in came.problems),
    ]
    return f"{came.verdict} ({'; '.join(parts)})" if parts else came.verdict.value


def _of_reason(expected: Expected, came: Came) -> Iterator[str]:
    if expected.reason is not None and came.reason is not expected.reason:
        told = came.reason.value if came.reason else "nothing"
        yield f"The reason is not “{expected.reason.value}” but “{told}”."


def _of_problems(expected: Expected, problems: Sequence[Problem]) -> Iterator[str]:
    """Ask for one problem that is as expected; there may be others beside it."""
    wanted_rule, wanted_pointer = expected.rule, expected.pointer
    if wanted_rule is None and wanted_pointer is None:
        return
    if any(
        wanted_rule in {None, one.rule} and wanted_pointer in {None, one.pointer}
        for one in problems
    ):
        return
    where = "" if wanted_pointer is None else f" at {wanted_pointer or 'its top'}"
    what = "a rule" if wanted_rule is None else f"the rule {wanted_rule}"
    broken = "; ".join(f"{one.rule} at {one.pointer or 'its top'}" for one in problems)
    yield f"The record does not break {what}{where}, but this: {broken}."


def _of_warnings(expected: Expected, came: Came) -> Iterator[str]:
    if expected.warnings is None:
        return
    for name in sorted(expected.warnings - came.warnings):
        yield f"There is no warning about the field {name}."
    for name in sorted(came.warnings - expected.warnings):
        yield f"There is a warning about the field {name}, which was not expected."


# ---------------------------------------------------------------- the contact afterwards


def _of_contact(expected: Expected, contact: Contact | None) -> Iterator[str]:
    if expected.is_gone is not None and expected.is_gone is not (contact is None):
        yield (
            "There is still a contact afterwards." if contact else "There is no contact afterwards."
        )
        return
    if contact is None:
        if _asks_for_contact(expected):
            yield "There is no contact afterwards that could be as expected."
        return
    for name in sorted(expected.attributes):
        yield from _of_attribute(name, expected.attributes[name], contact.attributes.get(name))
    if expected.email is not None and expected.email != contact.email:
        yield f"The contact's address is {contact.email} and not {expected.email}."
    yield from _of_block("blocked", expected.is_email_blocked, is_so=contact.is_email_blocked)
    yield from _of_block("blocked for SMS", expected.is_sms_blocked, is_so=contact.is_sms_blocked)
    if expected.list_ids is not None and expected.list_ids != contact.list_ids:
        held, wanted = _lists(contact.list_ids), _lists(expected.list_ids)
        yield f"The contact is on {held} and should be on {wanted}."


def _asks_for_contact(expected: Expected) -> bool:
    told = (
        *(expected.email, expected.list_ids),
        *(expected.is_email_blocked, expected.is_sms_blocked),
    )
    return bool(expected.attributes) or any(one is not None for one in told)


def _of_attribute(name: str, wanted: Value, held: Value) -> Iterator[str]:
    if not same(wanted, held):
        yield f"{name} is {shown(held)} and not {shown(wanted)}."


def _of_block(words: str, wanted: bool | None, *, is_so: bool) -> Iterator[str]:
    if wanted is None or wanted is is_so:
        return
    if is_so:
        yield f"The contact is {words} and should not be."
    else:
        yield f"The contact is not {words} and should be."


def _lists(ids: frozenset[int]) -> str:
    if not ids:
        return "no list"
    return f"list{'s' if len(ids) > 1 else ''} {', '.join(map(str, sorted(ids)))}"
