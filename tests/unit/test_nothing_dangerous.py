"""The package runs no data: nothing is unpickled, evaluated or handed to a shell."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import customer_sync

ROOT = Path(customer_sync.__file__).parent
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}

MODULES_THAT_RUN_DATA = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "runpy"}
MODULES_THAT_RUN_PROGRAMS = {"subprocess", "pty", "popen2", "commands"}
CALLS_THAT_RUN_DATA = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "system",
    "popen",
    "execv",
    "spawnl",
}
MODULES_THAT_EXPAND_ENTITIES = {"xml", "lxml"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the outermost names of all modules that are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call by the last word of what is called; methods of our own objects too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            yield called.id if isinstance(called, ast.Name) else getattr(called, "attr", ""), node


@pytest.mark.parametrize("name", TREES)
def test_nothing_that_was_read_is_run(name: str) -> None:
    """Not by Python, and not by the system."""
    banned = MODULES_THAT_RUN_DATA | MODULES_THAT_RUN_PROGRAMS | MODULES_THAT_EXPAND_ENTITIES
    assert banned.isdisjoint(imports(TREES[name]))
    for called, node in calls(TREES[name]):
        is_regex = isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "re.compile"
        assert is_regex or called not in CALLS_THAT_RUN_DATA, f"{name}:{node.lineno}"


@pytest.mark.parametrize("name", TREES)
def test_yaml_makes_plain_values_only(name: str) -> None:
    """Every call of PyYAML names a loader of ours, which is a safe one."""
    for called, node in calls(TREES[name]):
        if ast.unparse(node.func).startswith("yaml.") and called != "YAMLError":
            assert "load" not in called or called == "safe_load"
            loaders = [word.value for word in node.keywords if word.arg == "Loader"]
            assert all(ast.unparse(loader) == "_Loader" for loader in loaders)
    classes = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.ClassDef)]
    for made in classes:
        for base in map(ast.unparse, made.bases):
            assert not base.endswith("Loader") or base == "yaml.SafeLoader", made.name


@pytest.mark.parametrize("name", TREES)
def test_no_client_trusts_everybody_or_follows_anywhere(name: str) -> None:
    """Certificates are verified, redirects are not followed."""
    for called, node in calls(TREES[name]):
        words = {word.arg: ast.unparse(word.value) for word in node.keywords}
        assert "verify" not in words, f"{name}:{node.lineno}"
        if called in {"AsyncClient", "Client"}:
            assert words.get("follow_redirects", "False") == "False", f"{name}:{node.lineno}"


def test_the_tables_would_find_something() -> None:
    """The names that are looked for are those that Python has."""
    tree = ast.parse("import pickle\nfrom xml.sax import parse\neval('1')\nos.system('x')")
    assert set(imports(tree)) == {"pickle", "xml"}
    assert {called for called, _ in calls(tree)} == {"eval", "system"}
    assert CALLS_THAT_RUN_DATA.issuperset({"eval", "system"})
