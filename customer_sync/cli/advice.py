"""explain CS101: what a code means and what to do, from the catalogue."""

import re
from collections.abc import Iterator

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from customer_sync.console import make_console
from customer_sync.errors import ExitCode
from customer_sync.privacy import printable_json
from customer_sync.remedies import ADVICE, AREAS
from customer_sync.trouble import Code

_SHAPE = re.compile(r"CS\d{3}", re.IGNORECASE)
_INDENT = (0, 0, 0, 2)


def is_code(text: str) -> bool:
    """Tell whether *text* has the shape of a code, whether or not there is such a one."""
    return _SHAPE.fullmatch(text.strip()) is not None


def explain_code(text: str, *, as_json: bool) -> int:
    """Print what is known of one code.

    Raises:
        typer.BadParameter: there is no such code.
    """
    try:
        code = Code(text.strip().upper())
    except ValueError:
        raise typer.BadParameter(
            f"There is no code {text.strip().upper()}; `customer-sync explain --list` shows all.",
            param_hint="CODE",
        ) from None
    if as_json:
        _echo({**_document(code), "exit_code": ExitCode.OK})
    else:
        _print_advice(make_console(stderr=False), code)
    return ExitCode.OK


def list_codes(*, as_json: bool) -> int:
    """Print every code with its title."""
    if as_json:
        _echo({"codes": [_document(code) for code in Code], "exit_code": ExitCode.OK})
    else:
        console = make_console(stderr=False)
        for digit, area in AREAS.items():
            console.print(Text(area, style="bold"))
            console.print(Padding(_table_of(digit), _INDENT, expand=False))
    return ExitCode.OK


def _document(code: Code) -> dict[str, object]:
    advice = ADVICE[code]
    return {"code": code, "area": AREAS[code[2]], **msgspec.to_builtins(advice)}


def _echo(document: dict[str, object]) -> None:
    typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(document), indent=2)))


def _table_of(digit: str) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for code in Code:
        if code[2] == digit:
            table.add_row(Text(code, style="bold"), Text(ADVICE[code].title))
    return table


def _print_advice(console: Console, code: Code) -> None:
    console.print(Text(f"{code}: {ADVICE[code].title}", style="bold"))
    for heading, lines in _sections(code):
        console.print(Text(f"\n{heading}", style="bold"))
        for line in lines:
            console.print(Padding(Text(line), _INDENT, expand=False))


def _sections(code: Code) -> Iterator[tuple[str, list[str]]]:
    advice = ADVICE[code]
    yield "What it means", [advice.meaning]
    if advice.symptoms:
        yield "What Brevo answers", list(advice.symptoms)
    yield "What to do", [advice.remedy]
    if advice.see:
        yield "See also", [f"{other}: {ADVICE[other].title}" for other in advice.see]
