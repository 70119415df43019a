"""explain: what became of one person, stage by stage, and why; or what a code means."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from customer_sync.cli.advice import explain_code, is_code, list_codes
from customer_sync.cli.options import (
    CONFIG,
    ConfigOption,
    EncodingOption,
    JsonOption,
    PiiOption,
    QuietOption,
    SourceOption,
    StateOption,
    VerboseOption,
    load_config,
    platform,
    state_folder,
)
from customer_sync.cli.story_page import print_story
from customer_sync.config import Target
from customer_sync.console import Watch, make_console
from customer_sync.core.model import Change, Contact, Create, Delete, Keep, Rejection, Skip, Update
from customer_sync.core.proving.story import Passage
from customer_sync.core.undoing.past import Tried
from customer_sync.core.validate import EmailInvalid, email_address
from customer_sync.errors import ExitCode
from customer_sync.privacy import mask_text, printable_json
from customer_sync.proof.explaining import Desired, Heard, Remembered, Story, Subject, explain
from customer_sync.proof.hearing import Sources

_ID = "id:"
"""What an id begins with, so that none is taken for anything else."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("explain")(explain_anything)


def explain_anything(
    who: Annotated[
        str | None,
        typer.Argument(
            help="The person's address, the shop's id as id:1001, or a code such as CS101.",
            metavar="EMAIL|CODE",
            show_default=False,
        ),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="What the shop says: as for `run`. Files are read as often as it takes to find "
            "every name that the person is known by.",
            metavar="SOURCES...",
            show_default=False,
        ),
    ] = None,
    *,
    is_listing: Annotated[
        bool, typer.Option("--list", help="List the codes of everything that can go wrong.")
    ] = False,
    config: ConfigOption = CONFIG,
    state: StateOption = None,
    source: SourceOption = None,
    encoding: EncodingOption = None,
    show_pii: PiiOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Tell one person's story: records, mapping, folding, consent, state, plan, and Brevo now.

    The address that was asked for is shown in full, others masked. Nothing is written, and a run
    may be at work meanwhile. Of a code (`explain CS101`), tell what it means and what to do.

    Example: customer-sync explain jane@example.com events.jsonl
    """
    if is_listing:
        return list_codes(as_json=as_json)
    if who is None:
        raise typer.BadParameter(
            "Write an address, or a code; --list shows the codes.", param_hint="EMAIL|CODE"
        )
    if is_code(who):
        return explain_code(who, as_json=as_json)
    subject = _subject(who)
    loaded = load_config(config)
    stderr = make_console(stderr=True)
    asked = Sources(names=tuple(sources or ()), platform=platform(source), encoding=encoding)
    with Watch(stderr, is_quiet=quiet, is_verbose=verbose) as watch:
        story = explain(loaded, state_folder(config, state), subject, asked, watch)
    document = {
        "asked_for": who,
        "target": loaded.brevo.target.value,
        "known": story.is_anybody,
        **_document(story),
        "exit_code": ExitCode.OK,
    }
    if as_json:
        shown = msgspec.to_builtins(document)
        if not show_pii:
            shown = _masked(shown, spare=subject.email)
        typer.echo(printable_json(msgspec.json.format(msgspec.json.encode(shown), indent=2)))
        return ExitCode.OK
    print_story(make_console(stderr=False), who, story, spare=subject.email, show_pii=show_pii)
    if loaded.brevo.target is Target.SANDBOX:
        stderr.print("Target: the embedded sandbox.", style="dim")
    return ExitCode.OK


def _subject(who: str) -> Subject:
    """Return whom *who* names.

    Raises:
        typer.BadParameter: it is neither an address nor an id.
    """
    if who.startswith(_ID) and who.removeprefix(_ID).strip():
        return Subject(customer_id=who.removeprefix(_ID).strip())
    if "@" not in who:
        raise typer.BadParameter(
            f"Write an address, or the shop's id as {_ID}{who}.", param_hint="EMAIL|CODE"
        )
    try:
        return Subject(email=email_address(who))
    except EmailInvalid as error:
        raise typer.BadParameter(
            f"This is not an address: {error}", param_hint="EMAIL|CODE"
        ) from error


def _masked(value: object, *, spare: str | None) -> object:
    match value:
        case str():
            return mask_text(value, spare=spare)
        case Mapping():
            return {
                mask_text(str(name), spare=spare): _masked(one, spare=spare)
                for name, one in value.items()
            }
        case list() | tuple():
            return [_masked(one, spare=spare) for one in value]
        case _:
            return value


# ---------------------------------------------------------------- the document


def _document(story: Story) -> dict[str, object]:
    return {
        "known_as": {"emails": story.emails, "ids": story.ids},
        "records": [_record(heard) for heard in story.heard],
        "desired": [_desired(one) for one in story.desired],
        "left_alone": [_change(skip) for skip in story.left_alone],
        "state": _state(story.remembered),
        "plan": [_change(change) for change in story.changes],
        "standing": [
            {"standing": standing, "email": entry.email, "ids": sorted(entry.ids), "why": entry.why}
            for standing, entry in story.standings
        ],
        "brevo": [_contact(contact) for contact in story.observed],
    }


def _record(heard: Heard) -> dict[str, object]:
    record = heard.record
    if isinstance(record, Rejection):
        return {
            "place": str(record.place),
            "accepted": False,
            "problems": [
                {"pointer": one.pointer, "rule": one.rule, "detail": one.detail}
                for one in record.problems
            ],
        }
    event = record.event
    return {
        "place": str(event.place),
        "accepted": True,
        "event": event.trigger.value,
        "at": event.occurred_at,
        "id": event.customer_id,
        "email": event.email,
        "previous_email": event.previous_email,
        "warnings": [
            {"field": one.field, "detail": one.detail} for one in record.statement.warnings
        ],
        "fields": [_passage(passage) for passage in heard.passages],
    }


def _passage(passage: Passage) -> dict[str, object]:
    return {
        "field": passage.field,
        "attribute": passage.attribute,
        "is_mentioned": passage.is_mentioned,
        "raw": passage.raw,
        "steps": [
            {"transform": step.name, "argument": step.argument, "value": value}
            for step, value in passage.steps
        ],
        "is_said": passage.is_said,
        "value": passage.value,
        "warnings": passage.warnings,
    }


def _desired(desired: Desired) -> dict[str, object]:
    customer = desired.customer
    return {
        "email": customer.email,
        "ids": sorted(customer.ids),
        "former_emails": customer.former_emails,
        "is_deleted": customer.is_deleted,
        "deleted_at": customer.deleted_at,
        "fields": [
            {
                "name": one.name,
                "value": one.value,
                "at": one.at,
                "said_by": None if one.said_by is None else str(one.said_by),
                "overruled": [
                    {"place": str(word.place), "at": word.at, "value": word.value}
                    for word in one.overruled
                ],
            }
            for one in desired.verdicts
        ],
        "consent": [msgspec.to_builtins(one) for one in desired.consents],
    }


def _state(known: Remembered) -> dict[str, object]:
    return {
        "confirmed": known.confirmed,
        "queue": [
            {
                "email": item.customer.email,
                "error": item.error,
                "attempts": item.attempts,
                "queued_at": item.queued_at,
                "next_at": item.next_at,
                "is_dead": item.is_dead,
            }
            for item in known.waiting
        ],
        "journal": [_tried(run_id, tried) for run_id, tried in known.journal],
        "ledger": {
            "blocked_for_mail": sorted(known.suppressed.mail),
            "blocked_for_sms": sorted(known.suppressed.sms),
            "erased": sorted(known.suppressed.erased),
            "erased_ids": sorted(known.suppressed.erased_ids),
        },
    }


def _tried(run_id: str, tried: Tried) -> dict[str, object]:
    return {
        "run": run_id,
        "intended_at": tried.intended_at,
        "route": tried.route,
        "outcome": tried.outcome,
        "detail": tried.detail,
        "finished_at": tried.finished_at,
        "change": _change(tried.change),
    }


def _change(change: Change) -> dict[str, object]:
    kind = {"kind": type(change).__name__.lower()}
    match change:
        case Skip():
            return kind | {
                "email": change.email,
                "ids": sorted(change.ids),
                "reason": change.reason.value,
            }
        case Keep():
            return kind | {"email": change.customer.email, "notes": change.notes}
        case Create() | Update() | Delete():
            return kind | {
                "email": change.customer.email,
                "fields": [msgspec.to_builtins(one) for one in change.fields],
                "notes": change.notes,
            }


def _contact(contact: Contact) -> dict[str, object]:
    return {
        "id": contact.id,
        "email": contact.email,
        "attributes": contact.attributes,
        "list_ids": sorted(contact.list_ids),
        "unsubscribed_list_ids": sorted(contact.unsubscribed_list_ids),
        "is_email_blocked": contact.is_email_blocked,
        "is_sms_blocked": contact.is_sms_blocked,
        "modified_at": contact.modified_at,
    }
