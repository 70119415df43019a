"""What a complete export implies about whoever it does not list."""

import pytest

from builders import JANE, MARY, NEW_JANE, at, confirmed, customer
from customer_sync.core.model import Confirmed, Customer, Place, Problem, Rejection
from customer_sync.run.listing import Listing

NOW = at(60)
KNOWN = (confirmed(JANE, 2), frozenset({"c1"}))


def rejection(content: object) -> Rejection:
    """Return a record that cannot be used."""
    problem = Problem(pointer="/email", rule="format", detail="It is no address.")
    return Rejection(place=Place(file="all.csv", line=2), problems=(problem,), content=content)


def absent(
    *listed: Customer,
    living: tuple[Confirmed, frozenset[str]] = KNOWN,
    spared: tuple[object, ...] = (),
) -> list[Customer]:
    """Return the tombstones for one known customer."""
    listing = Listing()
    for content in spared:
        listing.spare(rejection(content))
    return list(listing.absent([living], {c.email: c for c in listed}, NOW))


def test_whoever_is_not_listed_is_gone() -> None:
    """The tombstone tells who, and dates from now."""
    (gone,) = absent(customer(MARY, ids=["c2"]))
    assert (gone.email, gone.ids, gone.is_deleted) == (JANE, frozenset({"c1"}), True)
    assert (gone.deleted_at, gone.last_at, gone.email_at) == (NOW, NOW, at(2))
    assert gone.statements == 0


@pytest.mark.parametrize(
    "listed",
    [
        customer(JANE, ids=[]),
        customer(NEW_JANE, ids=["c1"]),
        customer(NEW_JANE, ids=["c2"], former=[JANE]),
    ],
)
def test_whoever_is_listed_in_any_way_is_not_gone(listed: Customer) -> None:
    """By address, by id under another address, or by the address of before."""
    assert absent(listed) == []


@pytest.mark.parametrize(
    "content",
    [
        {"email": " Jane@Example.com ", "totalSpent": "much"},
        {"id": "c1", "email": "nonsense"},
        {"customer_id": "c1"},
        {"data": {"customerId": "c1"}},
        {"event": "customer_created", "data": {"email": "jane@example.com"}},
    ],
)
def test_a_record_that_was_rejected_is_no_absence(content: object) -> None:
    """It is there, only unusable."""
    assert absent(spared=(content,)) == []


def test_a_number_is_an_id_too() -> None:
    """Ids may be numbers in JSON."""
    assert absent(living=(confirmed(JANE), frozenset({"17"})), spared=({"id": 17},)) == []


@pytest.mark.parametrize(
    "content", [{"id": None, "email": ""}, "torn line", ["jane"], {"id": True}]
)
def test_where_a_record_does_not_tell_whom_it_is_about_nobody_is_gone(content: object) -> None:
    """It may be about anybody."""
    assert absent(spared=(content,)) == []
    listing = Listing()
    listing.spare(rejection(content))
    assert listing.is_doubtful


def test_a_listing_without_rejections_is_not_doubtful() -> None:
    """Nothing stands in the way of deletions."""
    assert not Listing().is_doubtful
