"""A shop with a state folder and the embedded sandbox, whose runs can be made to end badly."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from customer_sync.clock import SimulatedClock
from customer_sync.config import Config
from customer_sync.config.loading import load
from customer_sync.console import Watch
from customer_sync.core.model import Contact
from customer_sync.partitions.gather import Terms
from customer_sync.partitions.work import Setup
from customer_sync.platforms.reading import Asked
from customer_sync.run.heralds import Herald
from customer_sync.run.job import Job
from customer_sync.run.measures import Trace
from customer_sync.run.pipeline import Planned
from customer_sync.run.report import RunReport
from customer_sync.run.session import Session
from customer_sync.sandbox import Sandbox
from customer_sync.store import Store
from customer_sync.target import embedded_client, fit_sandbox, open_sandbox, state_file

CONFIG = """\
version: 1
brevo: {plan: extended}
skills:
  customer-sync:
    source: custom
    options: {list_id: 5, default_region: US%s}
"""


def event(
    trigger: str, number: int | str, *, at: str = "2024-01-15T10:00:00Z", **fields: object
) -> dict[str, object]:
    """Return a plain event of customer *number*, created, updated or deleted."""
    known_as = {} if "email" in fields else {"email": f"p{number}@example.com"}
    content = {"id": str(number), **known_as, **fields}
    return {"event": f"customer_{trigger}", "timestamp": at, "data": content}


def show_nothing(_: Planned) -> None:
    """Let the plan pass unseen."""


@dataclass(slots=True)
class Shop:
    """Where runs take place, one after the other."""

    folder: Path
    options: str = ""
    runs: int = 0
    state_type: Callable[[Path], Store] = field(default=Store)
    """What opens the state: a kind that breaks, perhaps."""
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(datetime.now(UTC)))
    """The time, which goes on from run to run."""
    trace: Trace | None = None
    """Whoever follows the runs from outside."""
    herald: Herald | None = None
    """Whoever tells others of them."""

    @property
    def state(self) -> Path:
        """The folder of the state."""
        return self.folder / "state"

    @property
    def config(self) -> Config:
        """The configuration, read anew."""
        path = self.folder / "config.yaml"
        path.write_text(CONFIG % (self.options and f", {self.options}"), encoding="utf-8")
        return load(path)

    def write(self, name: str, events: Sequence[object]) -> str:
        """Write *events* as JSON lines and return the path."""
        lines = (e if isinstance(e, str) else json.dumps(e) for e in events)
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(path)

    def run(
        self,
        *events: object,
        watch: Watch | None = None,
        on_planned: Callable[[Planned], None] = show_nothing,
        **job: Any,
    ) -> RunReport:
        """Run *events*, or whatever waits where there are none."""
        sources = (self.write("events.jsonl", events),) if events else ()
        return self.do(
            Job(**{"command": "run", "sources": sources, **job}), watch=watch, on_planned=on_planned
        )

    def partition_setup(self) -> Setup:
        """Return what processes that plan in partitions are told."""
        now, config = self.clock.now(), self.config
        return Setup(
            config=config,
            attributes={},
            now=now,
            asked=Asked(),
            state=self._state_path,
            folder=self.state,
            count=1,
            terms=Terms(policy=config.policy, now=now),
        )

    def do(
        self,
        job: Job,
        *,
        watch: Watch | None = None,
        on_planned: Callable[[Planned], None] = show_nothing,
    ) -> RunReport:
        """Do one job."""
        self.runs += 1
        session = Session(
            self.config,
            self.state,
            job,
            watch or quiet_watch(),
            run_id=f"r{self.runs:03}",
            trace=self.trace,
            herald=self.herald,
            clock=self.clock,
        )
        if self.state_type is not Store:
            # A run opens its state by itself; tests may want another kind.
            object.__setattr__(session, "_open_store", lambda: self.state_type(self._state_path))
        return session.run(on_planned)

    @property
    def _state_path(self) -> Path:
        return self.state / state_file(self.config.brevo.target)

    @contextmanager
    def memory(self) -> Iterator[Store]:
        """Open the state between runs."""
        with Store(self._state_path) as store:
            yield store

    @contextmanager
    def sandbox(self) -> Iterator[Sandbox]:
        """Open the sandbox between runs."""
        self.state.mkdir(exist_ok=True)
        with open_sandbox(self.state, self.clock) as sandbox:
            fit_sandbox(sandbox, self.config)
            yield sandbox

    def break_requests(
        self, route: str, *, status: int | None, times: int = 1, after_effect: bool = False
    ) -> None:
        """Let the next requests of *route* fail."""
        with self.sandbox() as sandbox:
            sandbox.inject(route, status=status, times=times, after_effect=after_effect)

    def contacts(self) -> dict[str, Contact]:
        """Return what Brevo holds, without numbers and times."""
        loop = self.clock.new_event_loop()

        async def every() -> dict[str, Contact]:
            async with embedded_client(sandbox, self.clock) as client:
                page = await client.contacts_page(offset=0)
                return {c.email or "": c for c in page.contacts}

        with self.sandbox() as sandbox:
            try:
                return loop.run_until_complete(every())
            finally:
                loop.close()

    def holds(self) -> dict[str, tuple[object, ...]]:
        """Return what a sync is responsible for, of every contact."""
        return {
            email: (dict(c.attributes), c.list_ids, c.is_email_blocked)
            for email, c in self.contacts().items()
        }


def quiet_watch() -> Watch:
    """Return a watch that says nothing."""
    return Watch(Console(file=io.StringIO(), width=100), is_quiet=True, is_verbose=False)
