"""Whoever has an address to themselves is folded by a short way that comes to the same."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builders import JANE, at, said, statement
from customer_sync.core.customers.fold import Fold, Folded, Key
from customer_sync.core.customers.heard import Heard
from customer_sync.core.customers.homes import Identities
from customer_sync.core.model import Customer, Email, Statement
from shop_strategies import EMAILS, IDS, statements


class LongWay(Fold):
    """A fold that takes everybody with the same care."""

    def _told_apart(
        self, _identities: Identities
    ) -> tuple[dict[Email, Customer], dict[Key, Heard]]:
        return {}, {key: self._hear_of(key) for key in (*self._once, *self._heard)}


@st.composite
def memories(draw: st.DrawFn) -> Identities:
    """Make up what the state remembers, with customers that are deleted and addresses shared."""
    known = draw(st.dictionaries(st.sampled_from(IDS), st.sampled_from(EMAILS)))
    dead = draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    return Identities(
        addresses={i: said(e, draw(st.integers(0, 90))) for i, e in known.items()},
        owners={
            e: frozenset(i for i in known if known[i] == e and i not in dead)
            for e in known.values()
        },
        deleted={i: at(draw(st.integers(0, 90))) for i in dead},
    )


def folded(way: type[Fold], heard: list[Statement], identities: Identities) -> Folded:
    """Return what *way* makes of *heard*, in an order that tells nothing."""
    collected = way()
    for one in heard:
        collected.add(one)
    result = collected.customers(identities)
    return replace(result, customers=dict(sorted(result.customers.items())))


@given(statements(), memories())
def test_the_short_way_comes_to_the_same(heard: list[Statement], known: Identities) -> None:
    """Whoever is alone in the input and in the state, or is not."""
    assert folded(Fold, heard, known) == folded(LongWay, heard, known)


@given(st.lists(st.sampled_from(IDS), unique=True), memories())
def test_the_short_way_comes_to_the_same_for_crowds(names: list[str], known: Identities) -> None:
    """Many who each have an address of their own, beside what the state remembers of them."""
    heard = [
        statement(minute=10 + n, customer_id=name, email=EMAILS[n]) for n, name in enumerate(names)
    ]
    assert folded(Fold, heard, known) == folded(LongWay, heard, known)


def test_the_address_is_as_new_as_its_newest_word() -> None:
    """The state may have heard of it later than this input did."""
    known = Identities(addresses={"c1": said(JANE, 9)}, owners={JANE: frozenset({"c1"})})
    result = folded(Fold, [statement(minute=1)], known)
    assert result.customers[JANE].email_at == at(9)
