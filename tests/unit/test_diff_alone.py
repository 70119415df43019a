"""Whoever has nothing to do with other addresses is compared by a short way to the same end."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import JANE, MARY, NEW_JANE, at, confirmed, contact, customer, said
from customer_sync.core.changes.diff import Comparison
from customer_sync.core.changes.suppression import NOBODY, Suppressed
from customer_sync.core.customers.fold import fold
from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import (
    Change,
    Confirmed,
    ContactId,
    Create,
    Customer,
    Dated,
    Email,
    Policy,
    Skip,
    Statement,
    Update,
)
from shop_strategies import EMAILS, IDS, LIST, accounts, emails, mapped, maybe, policies, statements

moments = st.integers(0, 90).map(at)
some_emails = st.frozensets(emails)


class LongWay(Comparison):
    """A comparison that takes everybody with the same care."""

    def _alone(self, _customer: Customer) -> Change | None:
        return None


class ShortWay(Comparison):
    """A comparison that takes nobody with care."""

    def _with_care(self, customer: Customer) -> Iterator[Change]:
        raise AssertionError(customer.email)


@st.composite
def dated_consents(draw: st.DrawFn) -> Dated[bool] | None:
    """Make up what somebody said of being written to."""
    said = draw(maybe)
    return None if said is None else Dated(value=said, at=draw(moments))


@st.composite
def known_at(draw: st.DrawFn, email: Email) -> Confirmed:
    """Make up what was confirmed at an address, of this contact or of another."""
    return Confirmed(
        email=email,
        contact_id=draw(st.sampled_from((None, *map(ContactId, range(1, 5))))),
        attributes={n: Dated(value=v, at=draw(moments)) for n, v in draw(mapped).items()},
        email_consent=draw(dated_consents()),
        sms_consent=draw(dated_consents()),
        email_blocked_at=draw(st.none() | moments),
        sms_blocked_at=draw(st.none() | moments),
        is_listed=draw(st.booleans()),
        listed_on=draw(st.sampled_from((None, LIST))),
        was_blocked_at_deletion=draw(st.booleans()),
        created_at=draw(st.none() | moments),
        deleted_at=draw(st.none() | moments),
        is_deleted=draw(st.booleans()),
        last_at=draw(moments),
        refused=draw(mapped),
    )


@st.composite
def pasts(draw: st.DrawFn) -> dict[Email, Confirmed]:
    """Make up what was confirmed before."""
    return {email: draw(known_at(email)) for email in draw(some_emails)}


suppressions = st.builds(
    Suppressed,
    mail=some_emails,
    sms=some_emails,
    left=st.dictionaries(emails, st.just(frozenset({LIST}))),
    erased=some_emails,
    erased_ids=st.frozensets(st.sampled_from(IDS)),
)
memories = st.dictionaries(st.sampled_from(IDS), emails).map(
    lambda known: Identities(
        addresses={i: Dated(value=e, at=at(5)) for i, e in known.items()},
        owners={e: frozenset(i for i in known if known[i] == e) for e in known.values()},
    )
)


@given(st.data(), st.tuples(statements(), memories), policies, st.just(NOBODY) | suppressions)
def test_the_short_way_comes_to_the_same(
    data: st.DataObject,
    heard: tuple[list[Statement], Identities],
    policy: Policy,
    suppressed: Suppressed,
) -> None:
    """Whatever was said, remembered, held, confirmed and suppressed."""
    observed = {one.email: one for one in data.draw(accounts()) if one.email is not None}
    every = (fold(*heard).customers, observed, data.draw(pasts()), policy, suppressed)
    assert list(Comparison(*every).changes()) == list(LongWay(*every).changes())


@given(st.data(), policies, st.just(NOBODY) | suppressions)
def test_the_short_way_comes_to_the_same_for_crowds(
    data: st.DataObject, policy: Policy, suppressed: Suppressed
) -> None:
    """Customers of one address each, with a contact there that was confirmed before."""
    customers = {
        email: replace(
            customer(email, data.draw(st.integers(0, 90)), ids=[f"c{n}"]),
            attributes={
                m: said(v, data.draw(st.integers(0, 90))) for m, v in data.draw(mapped).items()
            },
            email_consent=data.draw(dated_consents()),
            sms_consent=data.draw(dated_consents()),
            moved_in_at=data.draw(st.none() | moments),
            vacated_at=data.draw(st.none() | moments),
        )
        for n, email in enumerate(EMAILS)
    }
    observed = {one.email: one for one in data.draw(accounts()) if one.email is not None}
    past = {email: data.draw(known_at(email)) for email in EMAILS}
    every = (customers, observed, past, policy, suppressed)
    assert list(Comparison(*every).changes()) == list(LongWay(*every).changes())


def test_who_stays_at_home_needs_no_care() -> None:
    """Others who move, and whoever makes room for them, do not make it longer."""
    customers = {JANE: customer(JANE), MARY: customer(MARY)}
    observed = {JANE: contact(JANE), MARY: contact(MARY, number=2)}
    past = {JANE: confirmed(JANE)}
    changes = list(ShortWay(customers, observed, past, Policy(), NOBODY).changes())
    assert len(changes) == len(customers)


def test_a_contact_that_another_takes_along_is_nobody_elses() -> None:
    """Who is new at an address that somebody is about to leave gets a contact of their own."""
    customers = {
        JANE: customer(JANE, ids=["c2"]),
        NEW_JANE: customer(NEW_JANE, former=[JANE]),
    }
    changes = Comparison(customers, {JANE: contact(JANE)}, {}, Policy(), NOBODY).changes()
    kinds = {one.customer.email: type(one) for one in changes if not isinstance(one, Skip)}
    assert kinds == {JANE: Create, NEW_JANE: Update}
