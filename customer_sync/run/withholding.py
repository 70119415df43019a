"""Deletions that the guard withheld: kept in a file, added up, until a person decides."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from customer_sync.config import Target
from customer_sync.core.model import Confirmed, Delete, Email, Skip
from customer_sync.core.plan import Plan
from customer_sync.errors import ConfigError, SourceError
from customer_sync.run.planfile import PlanFile, read_plan, write_plan
from customer_sync.run.report import ReportedError
from customer_sync.trouble import Code

WITHHELD_FILE = "withheld.json"


class Known(Protocol):
    """Whoever remembers what was confirmed."""

    def confirmed(self, emails: Iterable[Email]) -> dict[Email, Confirmed]:
        """Return what was confirmed for each of *emails* that was confirmed at all."""
        ...


def confirmed_deletes(path: Path, target: Target) -> tuple[Delete, ...]:
    """Return the deletions that a person confirms by handing in the file at *path*.

    Raises:
        SourceError: it cannot be read, was changed, or withholds nothing.
        ConfigError: what it withholds is withheld from another account.
    """
    kept = read_plan(path)
    if kept.target != target:
        raise ConfigError(
            f"The deletions in {path} were withheld from {kept.target}, and the configuration says "
            f"{target}.",
            trouble=Code.OTHER_TARGET,
            hint="Confirm them with the configuration that they come from.",
        )
    if not kept.withheld:
        raise SourceError(
            f"{path} holds no deletions that were withheld.",
            trouble=Code.PLAN_UNREADABLE,
            hint="A run that withholds some names the file; `customer-sync apply` applies plans.",
        )
    return kept.withheld


def withhold(
    path: Path, plan: Plan, known: Known, *, target: Target, now: datetime
) -> Iterator[ReportedError]:
    """Keep what *plan* withholds in the file at *path*, and yield what is to be told of it.

    Raises:
        SourceError: the file cannot be written.
    """
    changed = keep_withheld(path, plan, known, target=target, now=now)
    yield _told(plan, f"Look at {path}; `customer-sync run --confirm-deletes {path}` applies them.")
    if changed is not None:
        yield ReportedError(
            kind="note",
            message=f"{path} had been changed since it was written and was put aside as "
            f"{changed.name}; the deletions in it are withheld no more, nor applied.",
            hint="Whatever the shop still says about them has to come once more.",
        )


def withheld_again(plan: Plan) -> ReportedError:
    """Return what is to be told where a run's undoing is withheld, which nothing has to keep."""
    return _told(plan, "Undo the run once more with --max-deletes.")


def _told(plan: Plan, hint: str) -> ReportedError:
    return ReportedError(
        kind="withheld",
        message=f"{len(plan.withheld)} deletions were withheld: {plan.withheld_because}.",
        hint=hint,
        trouble=Code.DELETIONS_WITHHELD,
    )


def keep_withheld(
    path: Path, plan: Plan, known: Known, *, target: Target, now: datetime
) -> Path | None:
    """Write what *plan* withholds to *path*, with what still waits there from earlier runs.

    A file of another target is put beside it until a run for that target withholds something. So is
    one that was changed by hand, whose place is returned: nobody knows what it was to say.

    Raises:
        SourceError: the file cannot be written.
    """
    changed = _make_room(path, target, now)
    beside = _beside(path, target)
    earlier = [kept for one in (path, beside) if (kept := _read(one)) is not None]
    waiting = tuple(_still_waiting(earlier, plan, known))
    held = replace(plan, changes=(), withheld=(*plan.withheld, *waiting), digest="")
    write_plan(path, held, target=target, made_at=now)
    beside.unlink(missing_ok=True)
    return changed


def _make_room(path: Path, target: Target, now: datetime) -> Path | None:
    """Move away what is no file of *target*; return where, if that is to be looked at."""
    if not path.exists():
        return None
    kept = _read(path)
    if kept is None:
        return path.rename(path.with_name(f"{path.stem}-changed-{now:%Y%m%dT%H%M%SZ}{path.suffix}"))
    if kept.target != target:
        path.rename(_beside(path, kept.target))
    return None


def _beside(path: Path, target: str) -> Path:
    return path.with_name(f"{path.stem}-{target}{path.suffix}")


def _read(path: Path) -> PlanFile | None:
    try:
        return read_plan(path)
    except SourceError:
        return None


def _still_waiting(earlier: Iterable[PlanFile], plan: Plan, known: Known) -> Iterator[Delete]:
    """Yield the deletions that were withheld before and that nobody has decided about since."""
    decided = {c.email if isinstance(c, Skip) else c.customer.email for c in plan.changes}
    decided |= {c.customer.email for c in plan.withheld}
    held = [change for kept in earlier for change in kept.withheld]
    waiting = {c.customer.email: c for c in held if c.customer.email not in decided}
    confirmed = known.confirmed(waiting)
    for email, change in waiting.items():
        if email not in confirmed or not confirmed[email].is_deleted:
            yield change
