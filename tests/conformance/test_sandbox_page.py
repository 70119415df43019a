"""docs/sandbox.md tells the truth: its examples run, its tables are complete."""

import ast
import inspect
import json
import re
from enum import Enum
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Protocol, get_args, get_type_hints

import httpx
import pytest
from brevo import Brevo
from starlette.routing import Route

from customer_sync.clock import SystemClock
from customer_sync.sandbox import Sandbox, Settings, facts, settings
from customer_sync.sandbox.control import Control
from customer_sync.sandbox.settings import as_json

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sandbox.md"
TEXT = PAGE.read_text(encoding="utf-8")


class Server(Protocol):
    """Where the sandbox is reached."""

    @property
    def url(self) -> str:
        """The base URL of the API."""


SERVED_AT = "http://127.0.0.1:8025"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SWITCHES = re.compile(r"(<!-- switches: .*? -->\n).*?(<!-- end of switches -->)", re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["sdk", "control", "transitions"])
def test_the_examples_run(example: str, server: Server) -> None:
    """As they stand, but for the address; what they open is closed for them."""
    names: dict[str, object] = {}
    exec(example.replace(SERVED_AT, server.url.removesuffix("/v3")), names)
    for each in names.values():
        if isinstance(each, Brevo):
            each._client_wrapper.httpx_client.httpx_client.close()
        elif isinstance(each, httpx.Client):
            each.close()


def test_every_control_route_is_on_the_page(tmp_path: Path) -> None:
    """With its method; the page of the sandbox and its files are told of elsewhere."""
    with Sandbox(tmp_path / "brevo.db", clock=SystemClock()) as sandbox:
        routes = [each for each in Control(sandbox, _settle).routes() if isinstance(each, Route)]
    known = {
        f"`{'POST' if 'POST' in (route.methods or ()) else 'GET'} {route.path}`"
        for route in routes
        if route.path.startswith("/sandbox")
    }
    assert set(re.findall(r"^\| (`\w+ /sandbox\S*`) \|", TEXT, re.MULTILINE)) == known


def test_every_switch_is_on_the_page(request: pytest.FixtureRequest) -> None:
    """With its default and what it decides; `--update-golden` writes the table."""
    written = SWITCHES.sub(lambda found: found[1] + _table() + found[2], TEXT)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(written, encoding="utf-8")
    assert written == PAGE.read_text(encoding="utf-8")


async def _settle() -> None:
    """Have nothing to do."""


def _table() -> str:
    meanings = {**_meanings(facts, "Facts"), **_meanings(settings, "Settings")}
    hints = get_type_hints(Settings)
    rows = [
        f"| `{name}` | `{json.dumps(default)}` | {_decides(hints[name], meanings.get(name))} |"
        for name, default in as_json(Settings()).items()
    ]
    return "\n".join(["| Switch | Default | What it decides |", "| --- | --- | --- |", *rows, ""])


def _meanings(module: ModuleType, name: str) -> dict[str, str]:
    """Return the fields of a class with the docstrings beneath them."""
    tree = ast.parse(inspect.getsource(module))
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    return {
        field.target.id: " ".join(ast.literal_eval(after.value).split())
        for field, after in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr)
    }


def _decides(hint: object, meaning: str | None) -> str:
    """Return what a switch decides, by its type's docstring and its own, and its choices."""
    for kind in get_args(hint) or (hint,):
        if isinstance(kind, type) and issubclass(kind, Enum):
            choices = ", ".join(f"`{member.value}`" for member in kind)
            return " ".join(filter(None, (inspect.getdoc(kind), meaning, f"One of {choices}.")))
    assert meaning, hint
    return meaning
