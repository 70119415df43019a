"""A shop's engineer at the command line: a folder, a configuration, and Brevo's emulator."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_sync.cli import main
from customer_sync.clock import SystemClock
from customer_sync.core.model import AttributeType, RatePlan
from customer_sync.sandbox import Sandbox, Settings
from customer_sync.sandbox.serve import base_url, bind, make_server

CONFIG = """\
version: 1
brevo:
  target: {target}
  api_key: ${{BREVO_API_KEY}}
  plan: extended
{brevo}
skills:
  customer-sync:
    source: custom
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      phone: SMS
      totalSpent: {{attribute: TOTAL_SPENT, type: float}}
      verifiedEmail: {{attribute: VERIFIED, type: boolean}}
    options:
      list_id: 5
      default_region: US
{options}
"""

ATTRIBUTES = {
    "TOTAL_SPENT": AttributeType.FLOAT,
    "VERIFIED": AttributeType.BOOLEAN,
    "DELETED": AttributeType.BOOLEAN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command left on its outputs."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass(slots=True, kw_only=True)
class World:
    """A folder with a configuration; `run` is the command line."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    target: str = "sandbox"
    brevo_lines: list[str] = field(default_factory=list)
    url: str | None = None

    def configure(self, *options: str) -> None:
        """Write config.yaml with these lines among the options."""
        text = CONFIG.format(
            target=self.target,
            brevo="\n".join(f"  {line}" for line in self.brevo_lines),
            options="\n".join(f"      {line}" for line in options),
        )
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def write(self, name: str, events: Sequence[object]) -> str:
        """Write *events* as JSON lines and return the file's name."""
        lines = (e if isinstance(e, str) else json.dumps(e) for e in events)
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return name

    def call(self, *arguments: str) -> Result:
        """Run a command in the folder."""
        self.capsys.readouterr()
        with contextlib.chdir(self.folder):
            code = main(arguments)
        captured = self.capsys.readouterr()
        return Result(exit_code=code, out=captured.out, err=captured.err)

    def sync(self, *events: object, options: Sequence[str] = ()) -> dict[str, Any]:
        """Run *events* and return the report."""
        name = self.write("events.jsonl", events)
        return self.call("run", name, "--json", *options).document

    def contacts(self) -> dict[str, dict[str, Any]]:
        """Return Brevo's contacts by address, in Brevo's own spelling where over HTTP."""
        if self.url is not None:
            answer = httpx.get(f"{self.url}/contacts?limit=1000", headers={"api-key": "key"})
            return {c["email"]: _as_shown(c) for c in answer.json()["contacts"]}
        document = self.call("sandbox", "show", "--json").document
        return {c["email"]: c for c in document["contacts"]}


def _as_shown(contact: dict[str, Any]) -> dict[str, Any]:
    """Return a contact of the API as `sandbox show --json` has it."""
    attributes = {n: v for n, v in contact["attributes"].items() if n != "EMAIL"}
    if "SMS" in attributes:
        attributes["SMS"] = f"+{attributes['SMS']}"
    return {
        "id": contact["id"],
        "email": contact["email"],
        "attributes": attributes,
        "list_ids": contact["listIds"],
        "is_email_blocked": contact["emailBlacklisted"],
        "is_sms_blocked": contact["smsBlacklisted"],
    }


@contextlib.contextmanager
def served_sandbox(path: Path) -> Iterator[str]:
    """Serve a sandbox on loopback and yield the base URL of its API."""
    settings = Settings(plan=RatePlan.EXTENDED)
    with (
        bind("127.0.0.1", 0) as listener,
        Sandbox(path, clock=SystemClock(), settings=settings) as sandbox,
    ):
        sandbox.ensure(lists={5: "Customers"}, attributes=ATTRIBUTES)
        server = make_server(sandbox.app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield base_url(listener)
        finally:
            server.should_exit = True
            thread.join()
