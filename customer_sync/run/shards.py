"""Plans of single shards, which are applied together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from customer_sync.core.plan import Plan
from customer_sync.errors import UsageError
from customer_sync.run.planfile import PlanFile
from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the plans of all shards say together, beside their changes."""

    listed: int | None
    """How many living customers a complete export mentions; None where none is complete."""


def together(plans: Sequence[PlanFile]) -> tuple[Plan, Parts | None]:
    """Return the plan that *plans* are together; a single whole one is that plan.

    Raises:
        UsageError: they are not all the shards of one plan.
    """
    parts = [plan.part for plan in plans if plan.part is not None]
    if not parts and len(plans) == 1:
        return plans[0].plan, None
    if len(parts) < len(plans):
        raise _refused("A plan that is whole is applied by itself.")
    counts = {part.shard.of for part in parts}
    missing = {*range(1, max(counts) + 1)} - {part.shard.number for part in parts}
    if len(counts) > 1 or len(parts) > max(counts):
        given = ", ".join(str(part.shard) for part in parts)
        raise _refused(f"These are not the shards of one plan: {given}.")
    if missing:
        lacking = ", ".join(f"{number}/{max(counts)}" for number in sorted(missing))
        raise _refused(f"The plan lacks its shards {lacking}, and deletions are measured on all.")
    if len({part.source for part in parts}) > 1:
        raise _refused("The shards were not planned from the same source.")
    if len({part.listed is None for part in parts}) > 1:
        raise _refused("Only some of the shards were planned with --complete.")
    listed = [part.listed for part in parts if part.listed is not None]
    changes = tuple(change for plan in plans for change in plan.plan.changes)
    return Plan(changes=changes), Parts(listed=sum(listed) if listed else None)


def _refused(why: str) -> UsageError:
    return UsageError(
        why,
        trouble=Code.SHARDS,
        hint="Plan every shard from the same source and state, `--shard 1/4` to `--shard 4/4`, and "
        "name all the files in one `customer-sync apply`.",
    )
