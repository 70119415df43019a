"""The laws of the core: whatever a shop, an account and an operator come up with."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from brevo_model import BrevoModel
from builders import customer, hard_delete, said
from customer_sync.core.changes.diff import diff
from customer_sync.core.changes.draft import same
from customer_sync.core.customers.fold import Folded, fold
from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import (
    Contact,
    ContactId,
    Create,
    Customer,
    Delete,
    DeleteBehavior,
    Email,
    Keep,
    Limit,
    OnDrift,
    Policy,
    Resubscribe,
    Skip,
    Statement,
    Trigger,
)
from customer_sync.core.plan import Guard, make_plan
from shop_strategies import (
    EMAILS,
    IDS,
    LIST,
    accounts,
    emails,
    policies,
    statements,
)
from sync_model import SyncModel
from thoroughness import examples

thorough = settings(
    max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

memories = st.dictionaries(st.sampled_from(IDS), emails).map(
    lambda known: Identities(
        addresses={i: said(e, 5) for i, e in known.items()},
        owners={e: frozenset(i for i in known if known[i] == e) for e in known.values()},
    )
)
LIVING = (Trigger.CREATED, Trigger.UPDATED, Trigger.LISTED)


def without_counts(folded: Folded) -> tuple[dict[Email, Customer], set[object]]:
    """Return what a fold came to, but not how many records that took."""
    customers = {e: structs.replace(c, statements=0) for e, c in folded.customers.items()}
    return customers, {structs.replace(skip, statements=0) for skip in folded.skipped}


def as_desired(contact: Contact) -> Customer:
    """Return a customer who is exactly as *contact* says."""
    assert contact.email is not None
    return customer(
        contact.email,
        attributes=contact.attributes,
        email_consent=said(value=False, minute=1) if contact.is_email_blocked else None,
        sms_consent=said(value=False, minute=1) if contact.is_sms_blocked else None,
    )


# ---------------------------------------------------------------- 1 and 2: the difference


@thorough
@given(accounts(), policies)
def test_what_is_right_is_kept(held: list[Contact], policy: Policy) -> None:
    """Law 1: the difference of x and x holds nothing but Keep."""
    listed = [structs.replace(c, list_ids=c.list_ids | {LIST}) for c in held]
    desired = {e: as_desired(c) for c in listed if (e := c.email)}
    observed = BrevoModel.holding(listed).observe()
    assert all(isinstance(c, Keep) for c in diff(desired, observed, {}, policy))


@thorough
@given(statements(), accounts(), policies)
def test_a_plan_leads_to_what_was_desired(
    told: list[Statement], held: list[Contact], policy: Policy
) -> None:
    """Law 2: applied, a plan leaves the contacts as the shop says."""
    model = SyncModel(policy=policy, brevo=BrevoModel.holding(held))
    plan = model.run(told)
    observed = model.brevo.observe()
    for change in plan.changes:
        if isinstance(change, Skip):
            continue
        found = observed.get(change.customer.email)
        if isinstance(change, Delete) and change.patch is None:
            assert change.before.id not in model.brevo.contacts
        elif change.customer.is_deleted:
            assert found is None or found.is_email_blocked
        else:
            assert found is not None
            for name, wanted in change.customer.attributes.items():
                assert same(wanted.value, found.attributes.get(name))
            if change.customer.email_consent and not change.customer.email_consent.value:
                assert found.is_email_blocked


@thorough
@given(statements(), accounts(), policies)
def test_running_twice_is_running_once(
    told: list[Statement], held: list[Contact], policy: Policy
) -> None:
    """Law 2: the second plan is empty, whether or not the same records are read again."""
    model = SyncModel(policy=policy, brevo=BrevoModel.holding(held))
    model.run(told)
    assert model.plan().writes == ()
    assert model.run(told).writes == ()
    assert model.run(told).writes == ()


# ---------------------------------------------------------------- 3: order, duplicates, runs


@thorough
@given(st.data(), statements(), memories)
def test_order_of_arrival_and_duplicates_do_not_matter(
    data: st.DataObject, told: list[Statement], identities: Identities
) -> None:
    """Law 3: within one input, statements of distinct times may come in any order, or twice."""
    doubled = [*told, *data.draw(st.lists(st.sampled_from(told), max_size=3))]
    shuffled = data.draw(st.permutations(doubled))
    assert without_counts(fold(shuffled, identities)) == without_counts(fold(told, identities))


def settled_people(told: Iterable[Statement]) -> list[Statement]:
    """Let every customer have an id and one address for life."""
    return [
        structs.replace(
            s, customer_id=s.email or EMAILS[0], email=s.email or EMAILS[0], previous_email=None
        )
        for s in told
    ]


def in_runs(
    data: st.DataObject, told: Sequence[Statement], *, in_order: bool
) -> list[list[Statement]]:
    """Cut statements into runs; within each the order of arrival is anybody's guess."""
    arriving = list(told) if in_order else data.draw(st.permutations(list(told)))
    cuts = sorted(data.draw(st.sets(st.integers(min_value=1, max_value=len(arriving)))))
    bounds = [0, *cuts, len(arriving)]
    runs = [arriving[a:b] for a, b in pairwise(bounds)]
    return [data.draw(st.permutations(run)) for run in runs]


def essence(brevo: BrevoModel) -> dict[Email, Contact]:
    """Return contacts without their numbers."""
    return {email: structs.replace(c, id=ContactId(0)) for email, c in brevo.observe().items()}


def unblocked(contact: Contact) -> Contact:
    """Return what a contact is apart from its blocks."""
    return structs.replace(contact, is_email_blocked=False, is_sms_blocked=False)


@thorough
@given(st.data(), statements(triggers=LIVING), accounts(), policies)
def test_runs_add_up_to_one_run(
    data: st.DataObject, told: list[Statement], held: list[Contact], policy: Policy
) -> None:
    """Law 3: cut into runs anywhere and in any order, the same contacts come out.

    Without leave to lift blocks, a no that was written before a yes arrives stays.
    """
    policy = replace(policy, update_enabled=True, on_drift=OnDrift.SOURCE)
    people = settled_people(told)
    at_once = SyncModel(policy=policy, brevo=BrevoModel.holding(held))
    at_once.run(people)
    bit_by_bit = SyncModel(policy=policy, brevo=BrevoModel.holding(held))
    for run in in_runs(data, people, in_order=False):
        bit_by_bit.run(run)
    once, bits = essence(at_once.brevo), essence(bit_by_bit.brevo)
    if policy.resubscribe is Resubscribe.NEWER:
        assert bits == once
    assert {e: unblocked(c) for e, c in bits.items()} == {e: unblocked(c) for e, c in once.items()}
    for email, contact in once.items():
        assert bits[email].is_email_blocked or not contact.is_email_blocked
        assert bits[email].is_sms_blocked or not contact.is_sms_blocked


@thorough
@given(st.data(), statements(), policies)
def test_runs_with_deletions_agree_on_who_lives(
    data: st.DataObject, told: list[Statement], policy: Policy
) -> None:
    """Law 3: deletions too may arrive in any run; a block that one set is a ratchet."""
    policy = replace(policy, update_enabled=True, list_id=LIST)
    people = settled_people(told)
    at_once, bit_by_bit = SyncModel(policy=policy), SyncModel(policy=policy)
    at_once.run(people)
    for run in in_runs(data, people, in_order=False):
        bit_by_bit.run(run)
    for email in EMAILS:
        once = at_once.confirmed.get(email)
        bits = bit_by_bit.confirmed.get(email)
        assert (once is None or once.is_deleted) == (bits is None or bits.is_deleted)
        contact = bit_by_bit.brevo.observe().get(email)
        if once is not None and not once.is_deleted:
            alone = at_once.brevo.observe()[email]
            assert contact is not None
            assert contact.list_ids == alone.list_ids
            assert contact.is_email_blocked or not alone.is_email_blocked
        elif contact is not None:
            assert contact.is_email_blocked
            assert LIST not in contact.list_ids


@thorough
@given(st.data(), statements(), policies)
def test_runs_with_deletions_agree_on_what_was_said_since(
    data: st.DataObject, told: list[Statement], policy: Policy
) -> None:
    """Law 3: runs in the order of events know all that one run knows of whoever lives."""
    policy = replace(policy, update_enabled=True)
    people = settled_people(told)
    at_once, bit_by_bit = SyncModel(policy=policy), SyncModel(policy=policy)
    at_once.run(people)
    for run in in_runs(data, people, in_order=True):
        bit_by_bit.run(run)
    for email, once in at_once.confirmed.items():
        if not once.is_deleted:
            held = bit_by_bit.brevo.observe()[email].attributes
            for name, dated in once.attributes.items():
                assert same(held.get(name), dated.value)


# ---------------------------------------------------------------- 5: the guard


limits = st.none() | st.one_of(
    st.builds(Limit, count=st.integers(min_value=0, max_value=300)),
    st.builds(Limit, share=st.floats(min_value=0, max_value=1)),
)


@thorough
@given(
    st.integers(min_value=0, max_value=250),
    st.integers(min_value=0, max_value=50),
    st.integers(min_value=0, max_value=3000),
    limits,
    st.none() | st.integers(min_value=0, max_value=3000),
)
def test_the_guard_is_monotone(
    few: int, more: int, known: int, limit: Limit | None, listed: int | None
) -> None:
    """Law 5: what is too much stays too much when there is more, and holds all back or nothing."""

    def withheld(count: int) -> int:
        deletes = [hard_delete(f"{n}@example.com", number=n + 1) for n in range(count)]
        guard = Guard(known_contacts=known, max_deletes=limit, listed=listed)
        plan = make_plan(deletes, guard)
        assert len(plan.withheld) + plan.totals.delete == count
        return len(plan.withheld)

    assert withheld(few) in {0, few}
    if withheld(few):
        assert withheld(few + more) == few + more


# ---------------------------------------------------------------- 6 and 7: consent and the rest


@thorough
@given(st.data(), statements(max_size=10), accounts(), policies)
def test_a_block_is_lifted_by_nothing_but_newer_consent_and_leave(
    data: st.DataObject, told: list[Statement], held: list[Contact], policy: Policy
) -> None:
    """Law 6: never without `resubscribe: newer`, never a block that is not ours and older."""
    model = SyncModel(policy=policy, brevo=BrevoModel.holding(held))
    foreign = {c.id for c in held if c.is_email_blocked}
    for run in in_runs(data, told, in_order=False):
        blocked_since = {e: c.email_blocked_at for e, c in model.confirmed.items()}
        plan = model.run(run)
        for change in plan.writes:
            if change.patch is None or change.patch.email_blocked is not False:
                continue
            assert policy.resubscribe is Resubscribe.NEWER
            assert change.customer.email_consent is not None
            assert change.customer.email_consent.value
            assert not isinstance(change, Delete)
            names = (change.customer.email, *change.customer.former_emails)
            ours = [at for e in names if (at := blocked_since.get(e)) is not None]
            assert any(at < change.customer.email_consent.at for at in ours)
        for contact_id in foreign & model.brevo.contacts.keys():
            assert model.brevo.contacts[contact_id].is_email_blocked


@thorough
@given(statements(), accounts(), policies)
def test_what_the_mapping_does_not_name_is_untouched(
    told: list[Statement], held: list[Contact], policy: Policy
) -> None:
    """Law 7: other attributes, lists and contacts stay as they are."""
    model = SyncModel(policy=policy, brevo=BrevoModel.holding(held))
    plan = model.run(told)
    written = {c.before.id for c in plan.writes if not isinstance(c, Create)}
    for before in held:
        after = model.brevo.contacts.get(before.id)
        if after is None:
            assert policy.delete_behavior is DeleteBehavior.HARD
            continue
        if before.id not in written:
            assert after == before
        assert after.attributes["NICKNAME"] == "kept"
        assert after.list_ids - {LIST} == before.list_ids - {LIST}
        assert after.unsubscribed_list_ids == before.unsubscribed_list_ids
        if policy.list_id is None:
            assert after.list_ids == before.list_ids
