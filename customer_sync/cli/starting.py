"""init: a first configuration, and a first look at what it would do."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from customer_sync.cli.interview import (
    Account,
    Word,
    ask_account,
    ask_list,
    ask_platform,
    ask_text,
    ask_word,
    create_attributes,
    is_terminal,
    missing_attributes,
    say,
)
from customer_sync.cli.options import DEFAULT_STATE, platform
from customer_sync.cli.running import View, do
from customer_sync.config import STANDARD_RULES, Config, SourceName, Target, check, template
from customer_sync.console import PREVIEW_ROWS
from customer_sync.core.model import DeleteBehavior, FieldRule
from customer_sync.core.platforms import Platform
from customer_sync.errors import ConfigError, ExitCode
from customer_sync.privacy import printable
from customer_sync.proof.firstlook import FirstLook, look_at
from customer_sync.run.job import Job
from customer_sync.trouble import Code

KEY_VARIABLE = "BREVO_API_KEY"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("init")(init)


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("config.yaml"),
    *,
    look: Annotated[
        str | None,
        typer.Option(
            "--look-at",
            help="A file of customers: the source and the mapping are taken from it, and a dry run "
            "of it ends the interview.",
            metavar="FILE",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Where customers come from.", metavar="PLATFORM"),
    ] = None,
    target: Annotated[
        Target | None, typer.Option("--target", help="Where contacts are written.")
    ] = None,
    list_id: Annotated[
        int | None, typer.Option("--list-id", help="The list that customers belong to.")
    ] = None,
    delete_behavior: Annotated[
        DeleteBehavior | None,
        typer.Option("--delete-behavior", help="What a deletion at the shop means."),
    ] = None,
    webhook_url: Annotated[
        str | None, typer.Option("--webhook-url", help="Whom to tell how a run ended.")
    ] = None,
    key_variable: Annotated[
        str | None,
        typer.Option(
            "--key-variable",
            help="The variable that holds the key for Brevo. Default: BREVO_API_KEY.",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", help="Where `sandbox serve` answers in place of Brevo."),
    ] = None,
    create_missing: Annotated[
        bool | None,
        typer.Option(
            "--create-attributes/--no-create-attributes",
            help="Create the attributes that the account lacks. Default: ask, or do not.",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the account, and make no dry run.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that exists already.")
    ] = False,
) -> int:
    """Write a commented configuration, asking what no option says, and try it on your file.

    Only the name of the variable with the key is asked for, never the key; where that variable is
    set, the account says which lists and attributes it has. Without a terminal nothing is asked.
    Exits as the dry run does, where there is one.

    Example: customer-sync init --look-at events.jsonl --list-id 5
    """
    _may_write(file, force=force)
    asks, named = is_terminal(), platform(source)
    if look is None and asks:
        look = ask_text("A file of customers to look at? (Enter: none)") or None
    seen = None if look is None else _looked(look, named)
    if seen is not None:
        named = seen.platform
    comes_from = named or (ask_platform() if asks else SourceName.CUSTOM)
    target = _word(target, "Where are contacts written?", Target, Target.SANDBOX)
    answers = Answers(
        source=comes_from,
        target=target,
        key_variable=key_variable or _key_variable(target),
        rules=seen.rules if seen else STANDARD_RULES,
        webhook_url=webhook_url,
        base_url=base_url,
    )
    state = file.parent / DEFAULT_STATE
    account = None
    if target is Target.LIVE and not offline:
        account = ask_account(_drafted(file, answers.text(), keep=False), state)
    list_id = _list(list_id, account)
    deletion = "What does a deletion at the shop mean?"
    behavior = _word(delete_behavior, deletion, DeleteBehavior, DeleteBehavior.SOFT)
    config = _drafted(file, answers.text(list_id=list_id, delete_behavior=behavior), keep=True)
    if account is not None:
        _offer_attributes(config, account, state, wanted=create_missing)
    can_try = not offline and (target is Target.SANDBOX or account is not None)
    return _ended(file, look if can_try else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is known before the account was asked."""

    source: Platform
    target: Target
    key_variable: str
    rules: tuple[FieldRule, ...]
    webhook_url: str | None
    base_url: str | None

    def text(
        self,
        *,
        list_id: int | None = None,
        delete_behavior: DeleteBehavior = DeleteBehavior.SOFT,
    ) -> str:
        """Return the configuration that says so.

        Raises:
            ConfigError: the name of the variable is none.
        """
        return template(
            source=self.source,
            target=self.target,
            api_key_variable=self.key_variable,
            base_url=self.base_url,
            list_id=list_id,
            rules=self.rules,
            delete_behavior=delete_behavior,
            webhook_url=self.webhook_url,
        )


def _word(given: Word | None, question: str, kind: type[Word], default: Word) -> Word:
    """Return what an option says, else what somebody answers, else *default*."""
    if given is not None:
        return given
    return ask_word(question, kind, default) if is_terminal() else default


def _key_variable(target: Target) -> str:
    """Return the name of the variable; the sandbox asks for no key, so nobody is asked either."""
    if target is Target.LIVE and is_terminal():
        return ask_text("Which variable holds the key? (its name, not the key)", KEY_VARIABLE)
    return KEY_VARIABLE


def _list(given: int | None, account: Account | None) -> int | None:
    """Return the list that an option names, or somebody chooses; None: none."""
    if given is None:
        return ask_list(account.lists if account else ()) if is_terminal() else None
    if account is not None:
        _note_list(given, account)
    return given


def _ended(file: Path, look: str | None) -> int:
    """Say what comes next, or show it: a dry run of *look*."""
    name = printable(str(file))
    if look is None or look == "-":
        typer.echo(f"{name} is written. Next: customer-sync validate {name}")
        return ExitCode.OK
    typer.echo(f"{name} is written. This is what a run would do now; nothing is changed:")
    code = _try(file, look)
    if code in {ExitCode.OK, ExitCode.PARTIAL}:
        where = "" if file == Path("config.yaml") else f" --config {shlex.quote(name)}"
        typer.echo(f"To do it: customer-sync run {shlex.quote(printable(look))}{where}")
    return code


def _may_write(file: Path, *, force: bool) -> None:
    """Return if *file* may be written, by an option or by the word of whoever sits there.

    Raises:
        ConfigError: it exists, and nobody gave leave.
    """
    if not file.exists() or force:
        return
    if is_terminal() and typer.confirm(f"{printable(str(file))} exists already. Replace it?"):
        return
    raise ConfigError(
        f"{file} exists already.",
        trouble=Code.FILE_EXISTS,
        hint="Name another file, or add --force.",
    )


def _looked(name: str, source: Platform | None) -> FirstLook:
    """Look at the file and say what was seen."""
    seen = look_at(name, source)
    say(f"{name}: {seen.taken_for}")
    say(f"{seen.records:,} records, {seen.rejected:,} to be rejected")
    say("Mapped: " + ", ".join(f"{rule.field} to {rule.attribute}" for rule in seen.rules))
    return seen


def _note_list(list_id: int, account: Account) -> None:
    """Say so where the account has no such list; a run would refuse."""
    if list_id not in {one.id for one in account.lists}:
        has = ", ".join(f"{one.id} ({one.name})" for one in account.lists) or "none"
        say(f"The account has no list {list_id}; it has: {has}.")


def _offer_attributes(
    config: Config, account: Account, state: Path, *, wanted: bool | None
) -> None:
    """Create what the account lacks, if somebody says so."""
    missing = missing_attributes(config, account)
    if not missing:
        return
    names = ", ".join(f"{one.name} ({one.wanted})" for one in missing)
    if wanted is None and is_terminal():
        wanted = typer.confirm(f"The account lacks {names}. Create them?", default=True)
    if wanted:
        create_attributes(config, state, missing)
        say(f"Created {names}.")
    else:
        say(f"The account lacks {names}. Later: customer-sync attributes create")


def _try(file: Path, source: str) -> int:
    job = Job(command="run", sources=(source,), dry_run=True)
    view = View(rows=PREVIEW_ROWS, show_pii=False, as_json=False, quiet=False, verbose=False)
    return do(file, None, job, view)


def _drafted(file: Path, content: str, *, keep: bool) -> Config:
    """Return what *content* says; *file* holds it afterwards if it is to be kept.

    Raises:
        ConfigError: it is no good configuration, or the file cannot be written.
    """
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_text(content, encoding="utf-8")
        config, problems = check(draft)
        if config is None:
            raise ConfigError(
                "These answers make no good configuration: "
                + "; ".join(f"{p.pointer} {p.message}" for p in problems),
                trouble=Code.CONFIGURATION,
                hint="Correct them and try again.",
            )
        if keep:
            draft.replace(file)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror}.",
            trouble=Code.NOT_WRITTEN,
            hint="Name a file in a folder of yours.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return config
