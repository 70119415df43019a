"""What a command is to do in one run."""

from dataclasses import dataclass, field
from datetime import datetime

from customer_sync.core.model import Record, Rejection
from customer_sync.core.plan import Plan
from customer_sync.core.platforms import Platform
from customer_sync.past.undoing import Undoing
from customer_sync.pull.watermarks import Since
from customer_sync.run.edges import RunOptions
from customer_sync.run.shards import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a command is to do."""

    command: str
    sources: tuple[str, ...] = ()
    kept_plan: Plan | None = None
    """A plan from a file, instead of sources."""
    made_at: datetime | None = None
    """When that plan was made."""
    parts: Parts | None = None
    """Given where that plan was put together from shards."""
    dry_run: bool = False
    options: RunOptions = field(default_factory=RunOptions)
    max_duration_s: float | None = None
    is_detailed: bool = False
    """Let the exit code tell whether a dry run found changes."""
    encoding: str | None = None
    source: Platform | None = None
    """The platform, where it was named for this run; else the configuration says it."""
    since: Since | None = None
    """Of what is pulled, only what changed since then; None: everything."""
    undoing: Undoing | None = None
    """A run to be undone, instead of sources."""
    records: tuple[Record | Rejection, ...] = ()
    """What was received already, before what the sources hold."""
    is_checked: bool = False
    """The state was looked through for damage just now, and need not be again."""
