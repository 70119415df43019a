"""A plan as a file: looked at today, applied tomorrow, and nothing that was not in it."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from customer_sync.core.changes.suppression import NOBODY, Suppressed
from customer_sync.core.model import (
    Change,
    Contact,
    Create,
    Delete,
    Email,
    Keep,
    Note,
    Reason,
    Skip,
    Update,
)
from customer_sync.core.plan import Plan, contact_digest
from customer_sync.errors import SourceError
from customer_sync.private_file import write_private
from customer_sync.run.scale import Shard
from customer_sync.trouble import Code

VERSION = 1


class _Tagged(msgspec.Struct, frozen=True, tag_field="kind"):
    """A change together with the name of its kind, so that it can be read back."""


class _Create(_Tagged, frozen=True, tag="create"):
    change: Create


class _Update(_Tagged, frozen=True, tag="update"):
    change: Update


class _Delete(_Tagged, frozen=True, tag="delete"):
    change: Delete


class _Keep(_Tagged, frozen=True, tag="keep"):
    change: Keep


class _Skip(_Tagged, frozen=True, tag="skip"):
    change: Skip


_AnyChange: TypeAlias = _Create | _Update | _Delete | _Keep | _Skip


class PartOf(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a plan this is, and what it takes to put it together with the others."""

    shard: Shard
    listed: int | None
    """How many living customers a complete export mentions in it; None where none is complete."""
    source: int
    """A checksum of all that was read, of other shards' customers too."""


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan file holds."""

    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)] = VERSION
    target: str
    made_at: datetime
    digest: str
    changes: tuple[_AnyChange, ...]
    withheld: tuple[Delete, ...] = ()
    withheld_because: str = ""
    part: PartOf | None = None
    """None: the plan is whole."""
    seal: str = ""
    """A digest of all the rest: a plan is applied as it was shown or not at all."""

    @property
    def plan(self) -> Plan:
        """The plan as it was made."""
        return Plan(
            changes=tuple(tagged.change for tagged in self.changes),
            withheld=self.withheld,
            withheld_because=self.withheld_because,
            digest=self.digest,
        )


def write_plan(
    path: Path,
    plan: Plan,
    *,
    target: str,
    made_at: datetime,
    part: PartOf | None = None,
) -> None:
    """Write *plan* to *path*, for its owner's eyes only: it holds customers' values.

    Raises:
        SourceError: the file cannot be written.
    """
    content = PlanFile(
        target=target,
        made_at=made_at,
        digest=plan.digest,
        changes=tuple(map(_tag, plan.changes)),
        withheld=plan.withheld,
        withheld_because=plan.withheld_because,
        part=part,
    )
    sealed = msgspec.structs.replace(content, seal=_seal(content))
    document = msgspec.json.format(msgspec.json.encode(sealed, order="deterministic"), indent=1)
    try:
        write_private(path, document + b"\n")
    except OSError as error:
        raise SourceError(
            f"The plan cannot be written to {path}: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error


def read_plan(path: Path) -> PlanFile:
    """Read a plan back, exactly as it was written.

    Raises:
        SourceError: there is no such file, or it is no plan, or somebody changed it.
    """
    try:
        content = msgspec.json.decode(path.read_bytes(), type=PlanFile)
    except OSError as error:
        raise SourceError(
            f"The plan {path} cannot be read: {error.strerror}.",
            trouble=Code.PLAN_UNREADABLE,
            hint=f"`customer-sync plan events.jsonl --out {path.name}` makes one.",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(
            f"{path} is no plan of this version of customer-sync: {error}.",
            trouble=Code.PLAN_UNREADABLE,
            hint=f"`customer-sync plan events.jsonl --out {path.name}` makes one.",
        ) from error
    if content.seal != _seal(content):
        raise SourceError(
            f"{path} was changed after it was made.",
            trouble=Code.PLAN_CHANGED,
            hint="Plan anew; a plan is applied as it was shown or not at all.",
        )
    return content


def still_true(
    plan: Plan,
    observed: Mapping[Email, Contact],
    waiting: Collection[Email] = (),
    suppressed: Suppressed = NOBODY,
) -> Plan:
    """Return *plan* without the changes whose contact is not as it was when it was made.

    Nor are those in it whose customer has news that came later and are *waiting* to be written, or
    was erased, or was blocked and vanished meanwhile. They are skipped with the reason that says
    so. The plan gains nothing.
    """
    return replace(plan, changes=tuple(_checked(plan.changes, observed, waiting, suppressed)))


def _checked(
    changes: Iterable[Change],
    observed: Mapping[Email, Contact],
    waiting: Collection[Email],
    suppressed: Suppressed,
) -> Iterable[Change]:
    for change in changes:
        if isinstance(change, Skip):
            yield change
        elif not {change.customer.email, *change.customer.former_emails}.isdisjoint(waiting):
            yield _skip(change, Reason.OVERTAKEN)
        elif suppressed.is_erased(change.customer):
            yield _skip(change, Reason.ERASED)
        elif not _is_unmoved(change, observed) or _was_blocked_since(change, suppressed):
            yield _skip(change, Reason.MOVED)
        else:
            yield change


def _skip(change: Create | Update | Delete | Keep, reason: Reason) -> Skip:
    customer = change.customer
    return Skip(
        email=customer.email, ids=customer.ids, reason=reason, statements=customer.statements
    )


def _is_unmoved(change: Create | Update | Delete | Keep, observed: Mapping[Email, Contact]) -> bool:
    before = None if isinstance(change, Create) else change.before
    if before is None or before.email is None:
        return change.customer.email not in observed
    now = observed.get(before.email)
    return now is not None and contact_digest(now) == contact_digest(before)


def _was_blocked_since(change: Change, suppressed: Suppressed) -> bool:
    """Tell whether somebody whose contact is to be made said no meanwhile, and is gone by now."""
    if not isinstance(change, Create):
        return False
    email, patch = change.customer.email, change.patch
    if patch.add_lists & suppressed.left.get(email, frozenset()):
        return True
    if Note.RESUBSCRIBED in change.notes:
        return False
    return (email in suppressed.mail and not patch.email_blocked) or (
        email in suppressed.sms and not patch.sms_blocked
    )


def _tag(change: Change) -> _AnyChange:
    match change:
        case Create():
            return _Create(change)
        case Update():
            return _Update(change)
        case Delete():
            return _Delete(change)
        case Keep():
            return _Keep(change)
        case Skip():
            return _Skip(change)


def _seal(content: PlanFile) -> str:
    unsealed = msgspec.structs.replace(content, seal="")
    return hashlib.sha256(msgspec.json.encode(unsealed, order="deterministic")).hexdigest()
