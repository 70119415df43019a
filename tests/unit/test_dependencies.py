"""Dependencies point inward, and each library has one owner."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import customer_sync

ROOT = Path(customer_sync.__file__).parent
PACKAGE = "customer_sync"


def _name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}

OWNERS = {
    "httpx": (
        *("customer_sync.brevo", "customer_sync.target", "customer_sync.sandbox"),
        *("customer_sync.pull", "customer_sync.notify"),
    ),
    "sqlite3": ("customer_sync.store", "customer_sync.sandbox", "customer_sync.realtime.inbox"),
    "typer": ("customer_sync.cli",),
    "jinja2": ("customer_sync.monitoring.dashboard",),
    "apprise": ("customer_sync.notify.services",),
    "standardwebhooks": ("customer_sync.notify.signing", "customer_sync.realtime.signatures"),
    "opentelemetry": ("customer_sync.monitoring.tracing",),
    "prometheus_client": ("customer_sync.monitoring.metrics",),
    "vl_convert": ("customer_sync.monitoring.dashboard",),
    "rich": ("customer_sync.console", "customer_sync.cli"),
    "yaml": ("customer_sync.config", "customer_sync.scheduling"),
    "starlette": ("customer_sync.sandbox", "customer_sync.realtime"),
    "cryptography": ("customer_sync.realtime.signatures",),
    "uvicorn": ("customer_sync.listening", "customer_sync.sandbox.serve"),
    "tenacity": ("customer_sync.brevo", "customer_sync.pull", "customer_sync.notify"),
    "jsonschema": ("customer_sync.core", "customer_sync.config"),
    "jsonschema_rs": ("customer_sync.core",),
    "phonenumbers": ("customer_sync.core", "customer_sync.sandbox"),
    "email_validator": ("customer_sync.core", "customer_sync.config", "customer_sync.sandbox"),
}
"""Who may import a library; nobody else knows of it."""

PURE_LIBRARIES = {"jsonschema", "jsonschema_rs", "phonenumbers", "email_validator", "msgspec"}
IMPURE = {
    *("os", "io", "pathlib", "shutil", "tempfile", "socket", "ssl", "http", "urllib"),
    *("time", "random", "secrets", "uuid", "logging", "subprocess", "multiprocessing"),
    *("threading", "asyncio", "sqlite3", "sys", "signal", "select", "platform", "getpass"),
}
"""Modules of the standard library through which the world gets in."""

WORLD_CALLS = {"open", "print", "input", "exec", "eval", "now", "utcnow", "today"}
"""Calls that read a file, a clock or a keyboard, or write to a terminal."""


ERRORS = ("customer_sync.errors", "customer_sync.trouble")
"""What anybody may know of."""


def imports(name: str) -> Iterator[str]:
    """Yield the modules that *name* imports at run time, fully named."""
    for node in _at_run_time(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def _at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _at_run_time(node)


def lies_in(name: str, place: str) -> bool:
    """Tell whether a module is *place* or lies below it."""
    return name == place or name.startswith(f"{place}.")


CORE = [name for name in MODULES if lies_in(name, "customer_sync.core")]


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_nothing_through_which_the_world_gets_in(name: str) -> None:
    """Pure modules of the standard library, a few pure libraries, errors, and the core itself."""
    for imported in imports(name):
        top = imported.split(".", 1)[0]
        if top == PACKAGE:
            assert lies_in(imported, "customer_sync.core") or imported in ERRORS
        else:
            assert top in PURE_LIBRARIES or (top in sys.stdlib_module_names and top not in IMPURE)


@pytest.mark.parametrize("name", CORE)
def test_the_core_calls_nothing_that_touches_the_world(name: str) -> None:
    """No file, no clock, no terminal."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call):
            called = node.func
            word = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            assert word not in WORLD_CALLS, f"{name}:{node.lineno} calls {word}"


@pytest.mark.parametrize("library", OWNERS)
def test_each_library_has_its_owners(library: str) -> None:
    """A change of library touches one place."""
    users = [n for n in MODULES if any(i.split(".", 1)[0] == library for i in imports(n))]
    assert users
    strangers = [n for n in users if not any(lies_in(n, owner) for owner in OWNERS[library])]
    assert strangers == []


@pytest.mark.parametrize("name", ["customer_sync.run.apply", "customer_sync.run.observe"])
def test_the_stages_do_not_know_who_talks_to_brevo(name: str) -> None:
    """They say themselves what they need."""
    assert not [i for i in imports(name) if lies_in(i, "customer_sync.brevo")]


def test_errors_know_nobody() -> None:
    """Everything else may know them, and their codes."""
    for name in ERRORS:
        assert not [i for i in imports(name) if lies_in(i, PACKAGE) and i not in ERRORS]


def test_there_are_no_import_cycles() -> None:
    """Modules can be put in an order in which each knows only those before it."""
    known = {n: {i for i in imports(n) if i in MODULES and i != n} for n in MODULES}
    while ready := {n for n, needs in known.items() if not needs}:
        known = {n: needs - ready for n, needs in known.items() if n not in ready}
    assert known == {}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    """In the first line of its docstring."""
    docstring = ast.get_docstring(TREES[name])
    assert docstring
    assert docstring.splitlines()[0].endswith((".", "?", "!", ":"))
