"""All changes in order, counted, guarded and with a digest: what a run will do and nothing else."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from customer_sync.core.attributes import Fit, compare_attributes
from customer_sync.core.model import (
    Attribute,
    Change,
    Contact,
    ContactId,
    Create,
    Delete,
    FieldRule,
    Keep,
    Limit,
    Note,
    Policy,
    Resubscribe,
    Skip,
    Update,
    Write,
)
from customer_sync.errors import PlanRefused
from customer_sync.trouble import Code

_ENCODER = msgspec.json.Encoder(order="deterministic")

DEFAULT_DELETE_SHARE = 0.10
DEFAULT_DELETE_COUNT = 100
"""Without `max_deletes`, deletions may reach whichever of the two is more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many changes of each kind."""

    create: int = 0
    update: int = 0
    delete: int = 0
    keep: int = 0
    skip: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """What did not have to be read again, since nothing of it has changed since it was right."""

    records: int = 0
    customers: int = 0
    notes: Counter[Note] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do: additions first, destruction last, and what it leaves alone and why."""

    changes: tuple[Change, ...]
    withheld: tuple[Delete, ...] = ()
    """Deletions that the guard holds back until somebody confirms them."""
    withheld_because: str = ""
    unchanged: Unchanged = field(default_factory=Unchanged, compare=False)
    """Contacts that are kept without being among the changes."""
    digest: str = field(default="", compare=False)
    """Of all that is written, withheld or left alone; what is kept counts for nothing."""

    @property
    def writes(self) -> tuple[Write, ...]:
        """The changes that Brevo will see."""
        return tuple(c for c in self.changes if isinstance(c, Create | Update | Delete))

    @property
    def totals(self) -> Totals:
        """The changes by kind; those withheld are not among them."""
        return Totals(
            create=sum(isinstance(c, Create) for c in self.changes),
            update=sum(isinstance(c, Update) for c in self.changes),
            delete=sum(isinstance(c, Delete) for c in self.changes),
            keep=sum(isinstance(c, Keep) for c in self.changes) + self.unchanged.customers,
            skip=sum(isinstance(c, Skip) for c in self.changes),
        )

    @property
    def notes(self) -> Counter[Note]:
        """What there is to remark, counted."""
        remarked = (c for c in (*self.changes, *self.withheld) if not isinstance(c, Skip))
        return self.unchanged.notes + Counter(n for change in remarked for n in change.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What the deletions of a plan are measured against."""

    known_contacts: int
    """How many living customers the state has confirmed."""
    max_deletes: Limit | None = None
    listed: int | None = None
    """How many customers a complete export listed; None where no export was complete."""
    confirmed: Mapping[ContactId, str] = field(default_factory=dict)
    """Contacts whose deletion was confirmed by hand, each with the digest of what it held then."""


def make_plan(changes: Iterable[Change], guard: Guard) -> Plan:
    """Order *changes* and hold back deletions that look like an accident.

    The same changes in any order give the same plan with the same digest.
    """
    ordered = sorted(changes, key=_order)
    deletes = [c for c in ordered if isinstance(c, Delete)]
    moved = {c.before.id for c in deletes if _moved_since(c, guard)}
    unconfirmed = {c.before.id for c in deletes if c.before.id not in guard.confirmed}
    because = _too_many_deletes(len(unconfirmed), guard)
    held_ids = moved | (unconfirmed if because else set())
    return Plan(
        changes=tuple(c for c in ordered if not _is_held(c, held_ids)),
        withheld=tuple(c for c in deletes if _is_held(c, held_ids)),
        withheld_because="; ".join(filter(None, (_moved_because(len(moved)), because))),
        digest=digest_of(c for c in ordered if not isinstance(c, Keep)),
    )


def _is_held(change: Change, held_ids: Collection[ContactId]) -> bool:
    return isinstance(change, Delete) and change.before.id in held_ids


def _moved_since(change: Delete, guard: Guard) -> bool:
    """Tell whether a person confirmed the deletion of a contact that looked otherwise then."""
    seen = guard.confirmed.get(change.before.id)
    return seen is not None and seen != contact_digest(change.before)


def _moved_because(count: int) -> str:
    if not count:
        return ""
    what = "1 contact was" if count == 1 else f"{count} contacts were"
    return (
        f"{what} changed in Brevo after the deletion was withheld; look once more, "
        "--confirm-deletes lifts this"
    )


def check_account(
    rules: Iterable[FieldRule],
    policy: Policy,
    attributes: dict[str, Attribute],
    list_ids: Iterable[int],
) -> None:
    """Refuse to go on where the account lacks what the mapping writes.

    Brevo would answer with success and store nothing.

    Raises:
        PlanRefused: naming every attribute that is missing or of another type, and the list.
    """
    findings = compare_attributes(rules, policy, attributes)
    wrong = [str(finding) for finding in findings if finding.fit is not Fit.GOOD]
    if policy.list_id is not None and policy.list_id not in set(list_ids):
        wrong.append(f"list {policy.list_id} does not exist")
    if wrong:
        raise PlanRefused(
            "Brevo would lose what this configuration writes: " + "; ".join(wrong) + ".",
            trouble=Code.ACCOUNT_LACKS,
            hint="`customer-sync attributes create` makes missing attributes, "
            "`customer-sync lists` shows the lists; or correct `field_mapping` and `list_id`.",
        )


def check_consent(plan: Plan, policy: Policy) -> None:
    """Refuse a plan that would mail somebody again without leave.

    Raises:
        PlanRefused: with the number of contacts.
    """
    lifted = sum(
        1
        for change in plan.writes
        if (change.patch and False in (change.patch.email_blocked, change.patch.sms_blocked))
        # Who comes back without the block of before is made, not updated.
        or Note.RESUBSCRIBED in change.notes
    )
    if lifted and policy.resubscribe is not Resubscribe.NEWER:
        raise PlanRefused(
            f"The plan would lift the block of {lifted} contacts.",
            trouble=Code.BLOCK_LIFTED,
            hint="`resubscribe: newer` in the options allows it where consent is newer.",
        )


def contact_digest(contact: Contact) -> str:
    """Return a digest of what a contact holds, whenever it was last modified."""
    return _hash(_ENCODER.encode(_timeless(contact)))


# ---------------------------------------------------------------- order and digest


def _order(change: Change) -> tuple[int, str]:
    """Put additions first and destruction last; within a kind, addresses in order.

    Renames come before everything: they free addresses that creations may need.
    """
    match change:
        case Keep():
            return 5, change.customer.email
        case Update():
            return (2 if change.patch.rename_to is None else 0), change.customer.email
        case Create():
            return 1, change.customer.email
        case Delete():
            return (3 if change.patch is not None else 4), change.customer.email
        case Skip():
            return 6, change.email or min(change.ids, default="")


def digest_of(ordered: Iterable[Change]) -> str:
    """Return a digest of changes in their order; it leaves out when contacts were modified."""
    digest = hashlib.sha256()
    for change in ordered:
        digest.update(type(change).__name__.encode())
        digest.update(_ENCODER.encode(_timeless_change(change)))
    return digest.hexdigest()


def _timeless_change(change: Change) -> Change:
    match change:
        case Update() | Delete():
            return replace(change, before=_timeless(change.before))
        case Keep() if change.before is not None:
            return replace(change, before=_timeless(change.before))
        case _:
            return change


def _timeless(contact: Contact) -> Contact:
    return replace(contact, modified_at=None)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ---------------------------------------------------------------- the guard


def _too_many_deletes(deletes: int, guard: Guard) -> str:
    """Return why the deletions are held back, or nothing."""
    if not deletes:
        return ""
    if guard.listed is not None and guard.max_deletes is None:
        if guard.listed == 0:
            return (
                f"the complete export lists no customer at all, which would delete {deletes}; "
                "--max-deletes lifts this"
            )
        if guard.listed * 2 < guard.known_contacts:
            return (
                f"the complete export lists {guard.listed} customers where {guard.known_contacts} "
                f"were known, which would delete {deletes}; --max-deletes lifts this"
            )
    if guard.max_deletes is None:
        allowed = max(DEFAULT_DELETE_COUNT, int(DEFAULT_DELETE_SHARE * guard.known_contacts))
        if deletes <= allowed:
            return ""
        limit = f"{allowed} (10% of the known contacts or 100, whichever is more)"
    else:
        if guard.max_deletes.allows(deletes, of=guard.known_contacts):
            return ""
        limit = str(guard.max_deletes)
    return (
        f"{deletes} deletions are more than {limit} of {guard.known_contacts} known contacts; "
        "--max-deletes lifts this"
    )
