"""What it takes to provoke a trouble, and to see under which code it is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from customer_sync.errors import CustomerSyncError
from worlds import World

EVENT = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": "1", "email": "jane@example.com", "firstName": "Jane"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A shop whose Brevo is in the same process, and what can be changed around it."""

    world: World
    patch: pytest.MonkeyPatch

    def told_by(self, *arguments: str) -> str:
        """Run a command that must end badly, and return the code on the screen."""
        result = self.world.call(*arguments)
        assert result.exit_code != 0
        found = re.search(r"^error (CS\d{3}): ", result.err, re.MULTILINE)
        assert found is not None, result.err
        return found[1]

    def run(self, *events: object, options: tuple[str, ...] = ()) -> str:
        """Run *events*, which must end badly, and return the code on the screen."""
        return self.told_by("run", self.world.write("events.jsonl", events), *options)

    def reported(self, *events: object, options: tuple[str, ...] = ()) -> str:
        """Run *events* and return the code of the first trouble in the report."""
        return str(self.world.sync(*events, options=options)["errors"][0]["trouble"])

    def text(self, name: str, content: str | bytes) -> str:
        """Write a file into the shop's folder and return its name."""
        raw = content.encode() if isinstance(content, str) else content
        (self.world.folder / name).write_bytes(raw)
        return name

    def go_live(self) -> None:
        """Let the configuration name an account, and the environment a key."""
        self.patch.setenv("BREVO_API_KEY", "xkeysib-not-a-real-key")
        self.world.target = "live"
        self.world.configure()


Provocation: TypeAlias = Callable[[Scene], str]
"""Provokes one trouble and returns the code under which it is told."""


def raised(work: Callable[[], Any]) -> str:
    """Return the code of what *work* raises."""
    with pytest.raises(CustomerSyncError) as caught:
        work()
    return caught.value.trouble
