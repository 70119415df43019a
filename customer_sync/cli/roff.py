"""A manual page in the macros of man(7), from the help that commands have anyway."""

import re
from collections.abc import Iterator
from inspect import cleandoc

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from customer_sync.errors import ExitCode

_ENDINGS = {
    ExitCode.OK: "Done, or nothing to do.",
    ExitCode.BUG: "An unexpected exception.",
    ExitCode.USAGE: "The command line cannot be understood.",
    ExitCode.CONFIG: "The configuration or the environment cannot be used.",
    ExitCode.INPUT: "A source is missing or unreadable, or too many records were rejected.",
    ExitCode.AUTH: "Brevo refused the key.",
    ExitCode.UNAVAILABLE: "The network or Brevo stayed down; run again.",
    ExitCode.PARTIAL: "Finished, but something was rejected, deferred or failed.",
    ExitCode.REFUSED: "The guard stopped the plan, or withheld its deletions.",
    ExitCode.BUSY: "Another run holds the lock.",
    ExitCode.PENDING: "A dry run found changes, if asked with --detailed-exit-code.",
    ExitCode.INTERRUPTED: "Interrupted; the state is saved.",
}
_FILES = {
    "config.yaml": "The configuration, unless --config names another.",
    ".customer-sync/": "The state, beside the configuration. Keep it: it remembers who said no.",
}


def manual_page(app: typer.Typer, *, program: str, version: str) -> str:
    """Return the page: every command with its arguments and options, exit codes and files.

    The same program always has the same page: no date stands in it.
    """
    root = typer.main.get_group(app)
    return "".join(f"{line}\n" for line in _lines(root, program, version))


def _lines(root: TyperGroup, program: str, version: str) -> Iterator[str]:
    summary, *rest = cleandoc(root.help or "").split("\n\n")
    yield f'.TH {_word(program.upper())} 1 "" "{program} {version}" "User Commands"'
    yield ".SH NAME"
    yield f"{_text(program)} \\- {_text(_flowing(summary).rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f".B {_text(program)}"
    yield ".I COMMAND"
    yield "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield _text(_flowing(summary))
    for paragraph in rest:
        yield from (".PP", ".nf", *map(_text, paragraph.strip("\b\n").splitlines()), ".fi")
    yield ".SH COMMANDS"
    context = typer.Context(root, info_name=program)
    yield from _commands(root, context)
    yield ".SH EXIT STATUS"
    for code, meaning in _ENDINGS.items():
        yield from _tagged(str(int(code)), meaning)
    yield ".SH FILES"
    for name, meaning in _FILES.items():
        yield from _tagged(name, meaning)


def _commands(group: TyperGroup, above: typer.Context) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden or not isinstance(command, TyperCommand | TyperGroup):
            continue
        context = typer.Context(command, info_name=name, parent=above)
        yield from _command(command, context)
        if isinstance(command, TyperGroup):
            yield from _commands(command, context)


def _command(command: TyperCommand | TyperGroup, context: typer.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f".SS {_word(context.command_path.partition(' ')[2])}"
    yield f".B {_text(usage)}"
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield from (".PP", _text(_flowing(paragraph)))
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            names, meaning = record
            is_told = meaning or isinstance(parameter, TyperArgument)
            yield from _tagged(names, meaning if is_told else "")


def _tagged(tag: str, meaning: str) -> Iterator[str]:
    yield from (".TP", f".B {_text(tag)}", _text(_flowing(meaning)) or "\\&")


def _flowing(paragraph: str) -> str:
    """Return a paragraph on one line; the formatter breaks it anew."""
    return re.sub(r"\s+", " ", paragraph).strip()


def _word(text: str) -> str:
    return '"' + _text(text).replace('"', "\\(dq") + '"'


def _text(text: str) -> str:
    """Return *text* so that none of it is a request, and that dashes and quotes can be copied."""
    escaped = text.replace("\\", "\\e")
    for character, name in (("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha")):
        escaped = escaped.replace(character, name)
    escaped = escaped.replace("~", "\\(ti")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
