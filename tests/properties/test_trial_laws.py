"""What a test of the configuration foretells is what a run does."""

import tempfile
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_sync.config import Config
from customer_sync.core.attributes import compare_attributes
from customer_sync.core.cases import Verdict
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import Attribute, Contact, Place, Record
from customer_sync.core.trial import Trial
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema
from customer_sync.report import RunReport
from session_stage import Shop, event
from thoroughness import examples

Event: TypeAlias = dict[str, object]

ADDRESSES = ("ada@example.com", "eva@example.com")


@st.composite
def events(draw: st.DrawFn, minute: int) -> Event:
    """Return what the shop says at *minute*, or a little earlier, of one of its customers."""
    told = minute - draw(st.sampled_from((0, 0, 0, 2)))
    known: dict[str, object] = {"email": draw(st.sampled_from(ADDRESSES))}
    known |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "firstName": st.sampled_from(("Ada", "Eva", "")),
                "lastName": st.sampled_from(("Quill", "Frost")),
                "acceptsMarketing": st.booleans(),
                "acceptsSmsMarketing": st.booleans(),
            },
        )
    )
    return event(
        draw(st.sampled_from(("created", "updated", "deleted"))),
        7,
        at=f"2024-01-15T10:{told:02}:00Z",
        **known,
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Return what the shop says of one customer, run by run."""
    return [draw(events(minute)) for minute in range(3, 3 + draw(st.integers(1, 6)))]


OPTIONS = (
    "",
    "resubscribe: newer",
    "delete_behavior: hard",
    "delete_behavior: hard, resubscribe: newer",
    "update_enabled: false, on_drift: brevo, deleted_attribute: GONE",
)


@settings(max_examples=examples(10))
@given(history=histories(), options=st.sampled_from(OPTIONS))
def test_a_trial_foretells_what_runs_do(history: list[Event], options: str) -> None:
    """The same kind of change, and the same contact afterwards, after each of any runs."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(folder=Path(folder), options=options)
        trial = _trial(shop.config)
        for number, one in enumerate(history):
            came = trial.run([_record(one, number)])
            report = shop.run(one)
            assert report.adds_up
            assert came.verdict in _verdicts(report)
            assert _held(shop.contacts().values()) == _held(trial._contacts.values())
            assert came.contact == trial.contact


def _trial(config: Config) -> Trial:
    found = compare_attributes(config.rules, config.policy, {})
    attributes = {one.name: Attribute(name=one.name, type=one.wanted) for one in found}
    mapper = Mapper(config.rules, attributes, default_region=config.default_region)
    return Trial(EventValidator(event_schema()), mapper, config.policy)


def _record(content: Event, line: int) -> Record:
    written_at = datetime(2024, 1, 1, tzinfo=UTC)
    return Record(place=Place(file="-", line=line), content=content, written_at=written_at)


def _verdicts(report: RunReport) -> set[Verdict]:
    """Return the kinds of change that a run made; contacts that were left behind have their own."""
    return {Verdict(kind.name) for kind in fields(report.plan) if getattr(report.plan, kind.name)}


def _held(contacts: Iterable[Contact]) -> dict[str, tuple[object, ...]]:
    """Return what a test can speak about, of every contact."""
    return {
        one.email or "": (
            dict(one.attributes),
            one.list_ids,
            one.is_email_blocked,
            one.is_sms_blocked,
        )
        for one in contacts
    }
