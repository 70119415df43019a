"""The laws of the parity sheet: it adds up, and a run that got through is proved."""

from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from brevo_model import BrevoModel
from customer_sync.core.customers.fold import Fold
from customer_sync.core.customers.remembered import last_said, recalled
from customer_sync.core.model import (
    ContactPatch,
    Customer,
    Email,
    Place,
    Statement,
)
from customer_sync.core.proving.parity import compare
from customer_sync.core.proving.sheet import (
    Entry,
    Farewell,
    Memory,
    Sheet,
    Shop,
    Standing,
    Unusable,
)
from shop_strategies import EMAILS, IDS, accounts, policies, statements
from sync_model import SyncModel
from thoroughness import examples

unusables = st.lists(
    st.builds(
        Unusable,
        place=st.just(Place(file="events.jsonl", line=1)),
        why=st.just("rule"),
        names=st.frozensets(st.sampled_from((*EMAILS, *IDS, "x", "y"))),
    ),
    max_size=4,
)


def sheet_of(
    model: SyncModel,
    heard: Iterable[Statement],
    *,
    unusable: Iterable[Unusable] = (),
    looked_at: frozenset[Email] | None = None,
) -> Sheet:
    """Return the sheet of a model's account, given what a source tells, as the command makes it."""
    fold = Fold()
    for statement in heard:
        fold.add(statement)
    for waiting in model.queue.values():
        fold.add_customer(replace(waiting, statements=0))
    folded = last_said(fold.customers(model._identities()), model.confirmed)
    return compare(
        Shop(customers=folded.customers, skipped=folded.skipped, unusable=tuple(unusable)),
        model.brevo.observe(),
        Memory(
            confirmed=model.confirmed,
            waiting={n: "waits" for c in model.queue.values() for n in names_of(c)},
            roll={e: one.is_deleted for e, one in model.confirmed.items()},
        ),
        model.policy,
        looked_at=looked_at,
        contacts=None if looked_at is not None else model.brevo.contacts.values(),
    )


def names_of(customer: Customer) -> tuple[str, ...]:
    """Return what the retry queue knows a customer by."""
    return (customer.email, *customer.former_emails, *customer.ids)


def unexplained(sheet: Sheet) -> Sequence[Entry]:
    """Return who differs although nothing explains it."""
    return (
        *sheet.customers.lists.get(Standing.DIFFERENT, ()),
        *sheet.deleted.lists.get(Farewell.DIFFERENT, ()),
    )


models = st.builds(
    lambda policy, held: SyncModel(policy=policy, brevo=BrevoModel.holding(held)),
    policies,
    accounts(),
)
updating_models = models.filter(lambda model: model.policy.update_enabled)
"""Where a creation may not update, nor does its no reach a contact that exists already."""


@settings(max_examples=examples(40))
@given(st.data(), models, statements(), statements(), unusables)
def test_the_sums_add_up(
    data: st.DataObject,
    model: SyncModel,
    before: list[Statement],
    told: list[Statement],
    unusable: list[Unusable],
) -> None:
    """Whatever was written before, fails, or is looked at; every list is as long as its number."""
    model.run(before, gets_through=lambda _: data.draw(st.booleans()))
    looked_at = data.draw(st.none() | st.frozensets(st.sampled_from(EMAILS)))
    sheet = sheet_of(model, told, unusable=unusable, looked_at=looked_at)
    assert sheet.adds_up
    if sheet.contacts is not None:
        assert sheet.contacts.total == len(model.brevo.contacts)
    assert len(sheet.spare) + sheet.customers.count(Standing.INVALID) == len(unusable)


@settings(max_examples=examples(40))
@given(updating_models, statements())
def test_a_run_that_got_through_leaves_nothing_unexplained(
    model: SyncModel, told: list[Statement]
) -> None:
    """Its own source proves it."""
    model.run(told)
    sheet = sheet_of(model, told)
    assert unexplained(sheet) == ()
    assert sheet.customers.count(Standing.PENDING) == 0


@settings(max_examples=examples(40))
@given(updating_models, statements())
def test_what_was_confirmed_is_proved_without_a_source(
    model: SyncModel, told: list[Statement]
) -> None:
    """The state alone expects nothing else than what was written."""
    model.run(told)
    shop = Shop(customers={email: recalled(one) for email, one in model.confirmed.items()})
    memory = Memory(confirmed=model.confirmed)
    sheet = compare(shop, model.brevo.observe(), memory, model.policy)
    assert sheet.adds_up
    assert unexplained(sheet) == ()


@settings(max_examples=examples(40))
@given(st.data(), updating_models, statements())
def test_what_did_not_get_through_is_pending(
    data: st.DataObject, model: SyncModel, told: list[Statement]
) -> None:
    """The queue explains whatever is missing."""
    model.run(told, gets_through=lambda _: data.draw(st.booleans()))
    assert unexplained(sheet_of(model, told)) == ()


@settings(max_examples=examples(40))
@given(updating_models, statements())
def test_whoever_is_made_mailable_behind_our_back_is_found(
    model: SyncModel, told: list[Statement]
) -> None:
    """Somebody who said no to the shop, and whose block is lifted in Brevo, is a difference."""
    model.run(told)
    before = sheet_of(model, told)
    without = before.customers.lists.get(Standing.WITHOUT_CONSENT, ())
    for entry in without:
        assert entry.contact_id is not None
        model.brevo.patch(entry.contact_id, ContactPatch(email_blocked=False))
    found = {entry.email for entry in unexplained(sheet_of(model, told))}
    assert found == {entry.email for entry in (*unexplained(before), *without)}
