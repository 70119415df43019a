"""runs and undo: what was done, what became of it, and the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer

from customer_sync.cli.bundles import bundled
from customer_sync.cli.logged import is_json
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    DetailedOption,
    DryRunOption,
    DurationOption,
    JsonOption,
    MaxDeletesOption,
    PiiOption,
    RouteOption,
    RowsOption,
    StateOption,
    limit,
    load_config,
    moment,
    seconds,
    state_folder,
)
from customer_sync.cli.past_runs import print_in_full, print_runs
from customer_sync.cli.running import View, do
from customer_sync.cli.viewing import view_of_run
from customer_sync.console import PREVIEW_ROWS, make_console
from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import ExitCode, UsageError
from customer_sync.past.history import in_full, past_runs
from customer_sync.past.undoing import Undoing
from customer_sync.privacy import printable_json
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.store import RunRow, Store, holder
from customer_sync.target import state_file
from customer_sync.trouble import Code

LAST = "last"

runs = typer.Typer()

RunArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="The id of a run, as much of it as tells it apart, or `last`.", metavar="RUN"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(runs, name="runs")
    app.command("undo")(undo)


@runs.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    *,
    how_many: Annotated[
        int, typer.Option("--limit", min=1, help="How many runs to show, the newest first.")
    ] = 20,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="Only runs since a time (2026-11-24), or for so long (12h, 7d)."
        ),
    ] = None,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the runs: when, what, how it ended, and how many changes got through.

    Example: customer-sync runs --since 7d
    """
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    begin = None if since is None else moment(since)
    with opened(config, state) as store:
        found = past_runs(store.runs(how_many, since=begin), is_held=_is_held(config, state))
    if as_json:
        typer.echo(_json({"runs": found}))
    else:
        print_runs(make_console(stderr=False), found)
    return ExitCode.OK


@runs.command("show")
def show(
    run: RunArgument,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    rows: RowsOption = PREVIEW_ROWS,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
) -> int:
    """Tell one run's numbers, its errors, and the fate of each change that it tried.

    Example: customer-sync runs show last
    """
    with opened(config, state) as store:
        found = find_run(store, run)
        newest = store.last_run()
        whole = in_full(
            found,
            store.tried(found.id),
            is_under_way=found == newest and _is_held(config, state),
            show_pii=show_pii,
        )
    if as_json:
        typer.echo(_json(whole))
    else:
        print_in_full(make_console(stderr=False), whole, rows=rows)
    return ExitCode.OK


@bundled(view=view_of_run)
def undo(
    run: RunArgument,
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    dry_run: DryRunOption = False,
    unblock: Annotated[
        bool,
        typer.Option(
            "--unblock",
            help="Lift the blocks that the run set for deletions, where nobody said no and nobody "
            "touched the contact since. No other block is ever lifted.",
        ),
    ] = False,
    route: RouteOption = RouteChoice.AUTO,
    max_deletes: MaxDeletesOption = None,
    max_duration: DurationOption = None,
    detailed_exit_code: DetailedOption = False,
    view: View,
) -> int:
    """Undo a run: bring contacts back to what they were, where nobody changed them since.

    What cannot come back is said. `last` is the last run that wrote anything, so that undoing it
    twice does it again.

    Example: customer-sync undo last --dry-run
    """
    with opened(config, state) as store:
        found = find_run(store, run, has_written=True)
    _refuse_many(found)
    job = Job(
        command="undo",
        sources=(found.id,),
        dry_run=dry_run,
        options=RunOptions(route=route, max_deletes=limit("--max-deletes", max_deletes)),
        max_duration_s=seconds("--max-duration", max_duration),
        is_detailed=detailed_exit_code,
        undoing=Undoing(run_id=found.id, may_unblock=unblock),
    )
    code = do(config, state, job, view)
    loaded = load_config(config)
    if not (view.quiet or dry_run or is_json(loaded, view.log.format)) and loaded.enabled:
        make_console(stderr=True).print(
            "The next run of the same source writes it again unless the shop changed.",
            style="dim",
        )
    return code


def _refuse_many(found: RunRow) -> None:
    """Refuse to undo what stands for many batches: one person may be in several of them.

    Raises:
        UsageError: it does.
    """
    if found.batches > 1:
        raise UsageError(
            f"{found.id} stands for {found.batches:,} batches, and only one is undone at a time.",
            trouble=Code.NO_SUCH_RUN,
            hint="`customer-sync explain ADDRESS` names the batch that wrote to somebody; undo it.",
        )


@contextmanager
def opened(config: Path, state: Path | None) -> Iterator[Store]:
    """Open the state that goes with *config*, to look into it.

    Raises:
        UsageError: there is none yet.
    """
    path = state_folder(config, state) / state_file(load_config(config).brevo.target)
    if not path.exists():
        raise UsageError(
            f"There is no run yet: {path} does not exist.",
            trouble=Code.NO_SUCH_RUN,
            hint="`customer-sync run events.jsonl` is the first. `--state` names another folder.",
        )
    with Store(path) as store:
        yield store


def find_run(store: Store, name: str, *, has_written: bool = False) -> RunRow:
    """Return the run that *name* means: an id, its beginning, or `last`.

    Raises:
        UsageError: there is no such run, or more than one.
    """
    if name == LAST:
        last = store.last_run(has_written=has_written)
        found = [] if last is None else [last]
    else:
        found = store.runs_like(name) if name else []
    if not found:
        raise UsageError(
            f"There is no run {name}.",
            trouble=Code.NO_SUCH_RUN,
            hint="`customer-sync runs` lists those that there are.",
        )
    if len(found) > 1 and found[0].id != name:
        several = ", ".join(sorted(one.id for one in found[:5]))
        raise UsageError(
            f"{name} means {len(found)} runs: {several}{' …' * (len(found) > 5)}.",
            trouble=Code.NO_SUCH_RUN,
            hint="Write more of the id.",
        )
    return found[0]


def _is_held(config: Path, state: Path | None) -> bool:
    return bool(holder(state_folder(config, state) / "lock"))


def _json(document: object) -> str:
    return printable_json(
        msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2)
    )
