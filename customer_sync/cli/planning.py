"""run, plan, show and apply: the main job."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from customer_sync.cli.bundles import bundled
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    DetailedOption,
    DryRunOption,
    DurationOption,
    EncodingOption,
    MaxDeletesOption,
    PiiOption,
    RouteOption,
    RowsOption,
    ShardOption,
    SinceOption,
    SourceOption,
    StateOption,
    WorkersOption,
    limit,
    load_config,
    platform,
    seconds,
    shard,
    since,
)
from customer_sync.cli.running import View, do, rate_of
from customer_sync.cli.viewing import view_of_plan, view_of_run
from customer_sync.config import Target
from customer_sync.console import PREVIEW_ROWS, make_console, save_picture, show_plan
from customer_sync.core.model import Delete, Limit, SourceName
from customer_sync.core.requests.routes import RouteChoice, route_plan
from customer_sync.errors import ConfigError, ExitCode
from customer_sync.pull.order import platform_of
from customer_sync.pull.watermarks import Since
from customer_sync.pull.woocommerce import refuse_since
from customer_sync.run.edges import RunOptions
from customer_sync.run.job import Job
from customer_sync.run.pipeline import jobs_by_bytes
from customer_sync.run.planfile import read_plan
from customer_sync.run.scale import Scale
from customer_sync.run.shards import together
from customer_sync.run.withholding import confirmed_deletes
from customer_sync.trouble import Code

SourcesArgument: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, globs or folders of JSON, JSON Lines or CSV; `-` is standard input; "
        "`shopify:`, `woocommerce:` and `magento:` are the shop itself.",
        metavar="SOURCES...",
        show_default=False,
    ),
]
MaxRejectsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-rejects",
        help="Stop when more records than this number or share (5%) are rejected.",
        metavar="N|SHARE",
    ),
]
StrictOption: TypeAlias = Annotated[
    bool, typer.Option("--strict", help="Stop at any rejected record: --max-rejects 0.")
]
CompleteOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="The source lists every customer: whoever is missing was deleted. What is pulled "
        "from a shop without --since does, but means deletion only with this option too.",
    ),
]
RefreshOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--refresh", help="List all of Brevo's contacts, and try again what it refused before."
    ),
]
ConfirmOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--confirm-deletes",
        help="Apply the deletions of a file that the guard withheld.",
        metavar="FILE",
    ),
]


def asked_of_run(
    *,
    route: RouteOption = RouteChoice.AUTO,
    max_deletes: MaxDeletesOption = None,
    max_rejects: MaxRejectsOption = None,
    strict: StrictOption = False,
    complete: CompleteOption = False,
    refresh: RefreshOption = False,
    workers: WorkersOption = None,
) -> RunOptions:
    """Return what is asked of a run, whether it writes or only shows.

    Raises:
        typer.BadParameter: a limit is neither a number nor a share.
    """
    return RunOptions(
        route=route,
        max_deletes=limit("--max-deletes", max_deletes),
        max_rejects=Limit(count=0) if strict else limit("--max-rejects", max_rejects),
        is_complete=complete,
        is_refresh=refresh,
        scale=Scale(workers=workers or os.cpu_count() or 1),
    )


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("run")(run)
    app.command("plan")(plan)
    app.command("show")(show)
    app.command("apply")(apply)


@bundled(options=asked_of_run, view=view_of_run)
def run(
    *,
    sources: SourcesArgument = None,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    dry_run: DryRunOption = False,
    options: RunOptions,
    confirm_deletes: ConfirmOption = None,
    max_duration: DurationOption = None,
    detailed_exit_code: DetailedOption = False,
    source: SourceOption = None,
    since_: SinceOption = None,
    encoding: EncodingOption = None,
    view: View,
) -> int:
    """Bring Brevo in line with the sources.

    Example: customer-sync run events.jsonl --dry-run
    """
    options = replace(options, confirmed_deletes=_withheld(confirm_deletes, config))
    if not sources and confirm_deletes is None:
        raise typer.BadParameter(
            "Name at least one file, or `-` for standard input.", param_hint="SOURCES"
        )
    job = Job(
        command="run",
        sources=tuple(sources or ()),
        dry_run=dry_run,
        options=options,
        max_duration_s=seconds("--max-duration", max_duration),
        is_detailed=detailed_exit_code,
        encoding=encoding,
        source=platform(source),
        since=_since(since_, sources, is_complete=options.is_complete),
    )
    return do(config, state, job, view)


@bundled(options=asked_of_run, view=view_of_plan)
def plan(
    *,
    sources: SourcesArgument = None,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Keep the plan in a file.", metavar="FILE")
    ] = None,
    options: RunOptions,
    shard_: ShardOption = None,
    detailed_exit_code: DetailedOption = False,
    source: SourceOption = None,
    since_: SinceOption = None,
    encoding: EncodingOption = None,
    view: View,
) -> int:
    """Show what a run would do, and keep it in a file if asked; the same as run --dry-run.

    Example: customer-sync plan events.jsonl --out plan.json
    """
    if not sources:
        raise typer.BadParameter(
            "Name at least one file, or `-` for standard input.", param_hint="SOURCES"
        )
    job = Job(
        command="plan",
        sources=tuple(sources),
        dry_run=True,
        options=replace(options, scale=replace(options.scale, shard=shard(shard_))),
        is_detailed=detailed_exit_code,
        encoding=encoding,
        source=platform(source),
        since=_since(since_, sources, is_complete=options.is_complete),
    )
    return do(config, state, job, view, out=out)


def show(
    file: Annotated[Path, typer.Argument(help="A file that `plan --out` wrote.")],
    *,
    config: ConfigOption = CONFIG,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw it to this file too.", metavar="FILE")
    ] = None,
    rows: RowsOption = PREVIEW_ROWS,
    show_pii: PiiOption = False,
) -> int:
    """Show a plan that was kept in a file, or deletions that were withheld.

    Example: customer-sync show plan.json
    """
    kept = read_plan(file)
    loaded = load_config(config)
    routing = route_plan(
        kept.plan,
        choice=RouteChoice.AUTO,
        batch_size=loaded.brevo.batch_size,
        cut=jobs_by_bytes({}),
    )
    console = make_console(stderr=False, is_recording=svg is not None)
    show_plan(
        console,
        kept.plan,
        routing.bill,
        rate_per_s=rate_of(loaded),
        alternatives=routing.alternatives,
        rows=rows,
        show_pii=show_pii,
        is_sandbox=kept.target == Target.SANDBOX,
    )
    if svg is not None:
        save_picture(console, svg, title=f"customer-sync show {file.name}")
    return ExitCode.OK


@bundled(view=view_of_run)
def apply(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A file that `plan --out` wrote, or those of all shards.", metavar="FILE..."
        ),
    ],
    *,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    route: RouteOption = RouteChoice.AUTO,
    max_deletes: MaxDeletesOption = None,
    max_duration: DurationOption = None,
    view: View,
) -> int:
    """Apply a plan from a file, except where the contact changed in Brevo since.

    Example: customer-sync apply plan.json
    """
    kept = [read_plan(file) for file in files]
    target = load_config(config).brevo.target
    for file, one in zip(files, kept, strict=True):
        if one.target != target:
            raise ConfigError(
                f"{file} was planned for {one.target}, and {config} says {target}.",
                trouble=Code.OTHER_TARGET,
                hint="Plan anew for this target.",
            )
    whole, parts = together(kept)
    if parts is None and max_deletes is not None:
        raise typer.BadParameter(
            "It is for the plans of shards; a whole plan was measured when it was made.",
            param_hint="--max-deletes",
        )
    job = Job(
        command="apply",
        sources=tuple(map(str, files)),
        kept_plan=whole,
        made_at=min(one.made_at for one in kept),
        parts=parts,
        options=RunOptions(route=route, max_deletes=limit("--max-deletes", max_deletes)),
        max_duration_s=seconds("--max-duration", max_duration),
    )
    return do(config, state, job, view)


def _since(text: str | None, sources: list[str] | None, *, is_complete: bool) -> Since | None:
    """Return from when on changes are pulled.

    Raises:
        typer.BadParameter: it makes no sense with the other options.
        UsageError: WooCommerce is asked for changes.
    """
    platforms = {platform_of(source) for source in sources or ()} - {None}
    if text is not None and not platforms:
        raise typer.BadParameter(
            "It is for sources such as `shopify:`; files are read as a whole.", param_hint="--since"
        )
    if text is not None and SourceName.WOOCOMMERCE in platforms:
        raise refuse_since()
    return since(text, is_complete=is_complete)


def _withheld(path: Path | None, config: Path) -> tuple[Delete, ...]:
    return () if path is None else confirmed_deletes(path, load_config(config).brevo.target)
