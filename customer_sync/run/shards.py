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
    shards = [plan.shard for plan in plans if plan.shard is not None]
    if not shards and len(plans) == 1:
        return plans[0].plan, None
    if len(shards) < len(plans):
        raise _refused("A plan that is whole is applied by itself.")
    counts = {shard.of for shard in shards}
    missing = {*range(1, max(counts) + 1)} - {shard.number for shard in shards}
    if len(counts) > 1 or len(shards) > max(counts):
        given = ", ".join(str(shard) for shard in shards)
        raise _refused(f"These are not the shards of one plan: {given}.")
    if missing:
        lacking = ", ".join(f"{number}/{max(counts)}" for number in sorted(missing))
        raise _refused(f"The plan lacks its shards {lacking}, and deletions are measured on all.")
    if len({plan.target for plan in plans}) > 1 or len({plan.listed is None for plan in plans}) > 1:
        raise _refused("The shards were planned for different targets, or only some --complete.")
    listed = [plan.listed for plan in plans if plan.listed is not None]
    changes = tuple(change for plan in plans for change in plan.plan.changes)
    return Plan(changes=changes), Parts(listed=sum(listed) if listed else None)


def _refused(why: str) -> UsageError:
    return UsageError(
        why,
        trouble=Code.SHARDS,
        hint="Plan every shard from the same source, `--shard 1/4` to `--shard 4/4`, and name all "
        "the files in one `customer-sync apply`.",
    )
