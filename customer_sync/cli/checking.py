"""validate and schema: look before anything runs."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from customer_sync.cli.options import EncodingOption, JsonOption
from customer_sync.config import ConfigProblem, check, schema
from customer_sync.console import make_console
from customer_sync.core.model import Record, Rejection
from customer_sync.core.validate import EventValidator
from customer_sync.errors import ExitCode
from customer_sync.event_schema import event_schema
from customer_sync.notify.messages import notification_schema
from customer_sync.platforms.reading import Asked, read
from customer_sync.privacy import printable, printable_json
from customer_sync.proof.selftest import Tried, problems_of, try_all
from customer_sync.trouble import Code

_CONFIG_KEYS = re.compile(
    r"""^\s*\{?\s*["']?(skills|brevo|version|notifications)["']?\s*:""", re.MULTILINE
)
_HEAD = 65_536
_MOST_SHOWN = 50


class SchemaName(StrEnum):
    """The schemas that ship with the package."""

    CONFIG = "config"
    EVENT = "event"
    NOTIFICATION = "notification"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("validate")(validate)
    app.command("schema")(print_schema)


def validate(
    files: Annotated[
        list[str], typer.Argument(help="A configuration, or files of events.", metavar="FILES...")
    ],
    *,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check a configuration with its tests, or event files, and tell every problem at once.

    Exits 0, 3 for a configuration that cannot be used or fails a test of its own, 4 for events that
    would be rejected.

    Example: customer-sync validate config.yaml
    """
    configs = [name for name in files if _is_config(name)]
    events = [name for name in files if name not in configs]
    checked = [_checked(name) for name in configs]
    problems = [_told(problem, one) for one in checked for problem in one.problems]
    count, rejected = 0, 0
    for record, found in _event_problems(events, encoding):
        count += record
        rejected += bool(found)
        problems += found
    code = ExitCode.OK
    if events and rejected:
        code = ExitCode.INPUT
    if any(problem["file"] in configs for problem in problems):
        code = ExitCode.CONFIG
    if as_json:
        tests = [test for one in checked for test in _tests(one)]
        document = {
            "files": files,
            "records": count,
            "tests": tests,
            "problems": problems,
            "exit_code": code,
        }
        typer.echo(printable_json(json.dumps(document, indent=2, ensure_ascii=False)))
    else:
        _print(problems, checked=checked, records=count if events else None, rejected=rejected)
    return code


def print_schema(
    name: Annotated[SchemaName, typer.Argument(help="Which schema.")],
) -> None:
    """Print a JSON Schema, for editors and for whoever produces events.

    Example: customer-sync schema event > event.schema.json
    """
    document = _SCHEMAS[name]()
    typer.echo(printable_json(json.dumps(document, indent=2, ensure_ascii=False)))


_SCHEMAS: Mapping[SchemaName, Callable[[], Mapping[str, object]]] = {
    SchemaName.CONFIG: schema,
    SchemaName.EVENT: event_schema,
    SchemaName.NOTIFICATION: notification_schema,
}


def _is_config(name: str) -> bool:
    """Tell a configuration from events by its content, by its name where that says nothing."""
    path = Path(name)
    if not path.is_file():
        return path.suffix in {".yaml", ".yml"}
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace")
    if _CONFIG_KEYS.search(head):
        return True
    looks_like_events = head.lstrip("\ufeff \t\r\n").startswith(("{", "["))
    return path.suffix in {".yaml", ".yml"} and not looks_like_events


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A configuration that was looked at."""

    name: str
    problems: tuple[ConfigProblem, ...]
    tried: tuple[Tried, ...] = ()
    """Its tests; none where it is not even good enough for them."""


def _checked(name: str) -> _Checked:
    config, problems = check(Path(name))
    if config is None:
        return _Checked(name=name, problems=problems)
    tried = try_all(config)
    return _Checked(name=name, problems=problems_of(config, tried), tried=tried)


def _told(problem: ConfigProblem, checked: _Checked) -> dict[str, object]:
    return {
        "file": checked.name,
        "line": problem.line,
        "pointer": problem.pointer,
        "rule": "test" if checked.tried else "config",
        "trouble": Code.CONFIGURATION,
        "message": problem.message,
        "hint": problem.hint,
    }


def _tests(checked: _Checked) -> Iterator[dict[str, object]]:
    for one in checked.tried:
        yield {
            "file": checked.name,
            "line": one.placed.line,
            "name": one.name,
            "passed": one.has_passed,
        }


def _event_problems(
    names: list[str], encoding: str | None
) -> Iterator[tuple[int, list[dict[str, object]]]]:
    """Yield a one for every record, with what is wrong with it."""
    if not names:
        return
    now = datetime.now(UTC)
    validator = EventValidator(event_schema(), now=now)
    for record in read(names, stdin=sys.stdin.buffer, now=now, asked=Asked(encoding=encoding)):
        event = validator.validate(record) if isinstance(record, Record) else record
        yield 1, _rejection_problems(event) if isinstance(event, Rejection) else []


def _rejection_problems(rejection: Rejection) -> list[dict[str, object]]:
    return [
        {
            "file": rejection.place.file,
            "line": rejection.place.line,
            "pointer": p.pointer,
            "rule": p.rule,
            "trouble": p.trouble,
            "message": p.detail,
            "hint": "",
        }
        for p in rejection.problems
    ]


def _print(
    problems: list[dict[str, object]],
    *,
    checked: list[_Checked],
    records: int | None,
    rejected: int,
) -> None:
    console = make_console(stderr=False)
    for problem in problems[:_MOST_SHOWN]:
        place = f"{problem['file']}:{problem['line']}"
        pointer = f" {problem['pointer']}" if problem["pointer"] else ""
        # A configuration has one code, whose advice is to mend what is told here.
        code = "" if problem["trouble"] == Code.CONFIGURATION else f" ({problem['trouble']})"
        line = f"{place}{pointer}: {problem['message']}{code}"
        console.print(Text(printable(line), style="red"))
        if problem["hint"]:
            console.print(Text(printable(f"  {problem['hint']}"), style="dim"))
    if len(problems) > _MOST_SHOWN:
        console.print(f"… and {len(problems) - _MOST_SHOWN:,} more; --json lists all of them.")
    for one in checked:
        _print_tests(console, one)
        state = f"{len(one.problems)} to mend" if one.problems else "good"
        console.print(Text(printable(f"{one.name}: {state}{_count_of_tests(one)}")))
    if records is not None:
        counted = f"{records:,} record{'s' * (records != 1)}"
        console.print(f"{counted}: {records - rejected:,} good, {rejected:,} to mend")


def _print_tests(console: Console, checked: _Checked) -> None:
    for one in checked.tried:
        word, style = ("passed", "green") if one.has_passed else ("FAILED", "red")
        console.print(Text(printable(f"  {word}  {one.name}"), style=style))


def _count_of_tests(checked: _Checked) -> str:
    if not checked.tried:
        return ""
    passed, count = sum(one.has_passed for one in checked.tried), len(checked.tried)
    return f", {passed} of {count} test{'s' if count > 1 else ''} passed"
