"""What a test of the configuration foretells is what a run does, whatever the test gives."""

import tempfile
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_sync.config import STANDARD_RULES, BrevoSettings, Config, PlacedCase
from customer_sync.core.attributes import compare_attributes
from customer_sync.core.mapping import Mapper
from customer_sync.core.model import Attribute, Contact, Place, Record, SourceName
from customer_sync.core.proving.cases import Case, Expected, Held, Told, Verdict
from customer_sync.core.proving.trial import Trial
from customer_sync.core.validate import EventValidator
from customer_sync.event_schema import event_schema
from customer_sync.proof.selftest import problems_of, try_all
from customer_sync.run.report import RunReport
from session_stage import Shop, event
from thoroughness import examples

Event: TypeAlias = dict[str, object]

ADDRESSES = ("ada@example.com", "eva@example.com")


@st.composite
def events(draw: st.DrawFn, minute: int) -> Event:
    """Return what the shop says at *minute*, or a little earlier, of one of two customers."""
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
        draw(st.sampled_from((7, 7, 7, 8))),
        at=f"2024-01-15T10:{told:02}:{minute:02}Z",
        **known,
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Return what the shop says, of one customer in each run."""
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


NAMES = (
    *("id", "email", "firstName", "phone", "acceptsMarketing", "changes", "countryCode"),
    *("event", "timestamp", "data", "customer", "customers", "subscriber", "extra"),
    *("email_marketing_consent", "customer_id", "email_address", "admin_graphql_api_id"),
    *("billing", "meta_data", "role", "Email", "Username", "Total Spend", "entity_id"),
)
"""Fields of events and of platforms' records, some of which hold more of them."""

VALUES: st.SearchStrategy[object] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(("", "7", "ada@example.com", "customer_created", "2024-01-15T10:30:00Z")),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=6)


@settings(max_examples=examples(80))
@given(
    source=st.sampled_from(SourceName),
    told=st.builds(
        Told, contents=st.lists(RECORDS, min_size=1, max_size=2).map(tuple), is_event=st.booleans()
    ),
    before=st.booleans(),
    verdict=st.sampled_from(Verdict),
)
def test_whatever_is_given_can_be_tried(
    source: SourceName, told: Told, before: bool, verdict: Verdict
) -> None:
    """A test passes or says why not, and breaks nothing."""
    case = Case(
        name="any",
        before=(told,) if before else (),
        told=told,
        contact=Held(attributes={"FIRSTNAME": "Ada"}),
        expected=Expected(verdict=verdict),
    )
    placed = PlacedCase(case=case, line=1, column=1, pointer="")
    config = Config(
        path=Path("config.yaml"),
        brevo=BrevoSettings(),
        enabled=True,
        source=source,
        rules=STANDARD_RULES,
        cases=(placed,),
    )
    (tried,) = try_all(config)
    assert tried.has_passed or all(tried.complaints)
    assert len(problems_of(config, (tried,))) == (not tried.has_passed)
