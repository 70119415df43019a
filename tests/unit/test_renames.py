"""Which contact goes along when an address changes."""

from builders import JANE, MARY, NEW_JANE, contact, customer
from customer_sync.core.changes.renames import Renames, find_renames
from customer_sync.core.model import Contact, Customer, Email

THIRD = Email("third@example.com")


def found(customers: list[Customer], contacts: list[Contact]) -> Renames:
    """Find the renames among these."""
    return find_renames(
        {c.email: c for c in customers}, {c.email: c for c in contacts if c.email is not None}
    )


def moved(new: Email, *old: Email) -> Customer:
    """Return a customer at *new* who had the *old* addresses before."""
    return customer(new, former=old)


def test_a_contact_follows_its_customer() -> None:
    """The new address is free."""
    assert found([moved(NEW_JANE, JANE)], [contact(JANE)]) == Renames(moves={NEW_JANE: JANE})


def test_without_a_contact_nothing_moves() -> None:
    """There is no contact at the old address."""
    assert found([moved(NEW_JANE, JANE)], []) == Renames()


def test_the_likeliest_former_address_goes_first_and_the_others_are_retired() -> None:
    """One person, one contact."""
    renames = found([moved(NEW_JANE, JANE, THIRD)], [contact(THIRD), contact(JANE, number=8)])
    assert renames == Renames(moves={NEW_JANE: JANE}, retired={NEW_JANE: (THIRD,)})


def test_where_the_new_address_has_a_contact_the_old_one_is_retired() -> None:
    """Brevo has no two contacts of one address."""
    renames = found([moved(NEW_JANE, JANE)], [contact(JANE), contact(NEW_JANE, number=8)])
    assert renames == Renames(retired={NEW_JANE: (JANE,)})


def test_an_old_address_with_a_new_customer_is_not_retired() -> None:
    """Whoever lives there now keeps the contact."""
    renames = found(
        [moved(NEW_JANE, JANE), customer(JANE, ids=["c2"])],
        [contact(JANE), contact(NEW_JANE, number=8)],
    )
    assert renames == Renames()


def test_an_address_is_taken_over_from_whoever_leaves_it() -> None:
    """Jane leaves hers, Mary takes it."""
    renames = found(
        [moved(NEW_JANE, JANE), moved(JANE, MARY)], [contact(JANE), contact(MARY, number=8)]
    )
    assert renames == Renames(moves={NEW_JANE: JANE, JANE: MARY})


def test_a_swap_is_left_to_a_person() -> None:
    """Neither can go first."""
    renames = found([moved(MARY, JANE), moved(JANE, MARY)], [contact(JANE), contact(MARY)])
    assert renames == Renames(swapped=frozenset({JANE, MARY}))


def test_a_ring_of_three_is_left_to_a_person_too() -> None:
    """None of them can go first."""
    ring = [moved(MARY, JANE), moved(THIRD, MARY), moved(JANE, THIRD)]
    contacts = [contact(JANE, number=1), contact(MARY, number=2), contact(THIRD, number=3)]
    assert found(ring, contacts).swapped == {JANE, MARY, THIRD}


def test_one_contact_goes_along_with_one_customer_only() -> None:
    """Two say that they had the address before."""
    renames = found([moved(MARY, JANE), moved(NEW_JANE, JANE)], [contact(JANE)])
    assert list(renames.moves.values()) == [JANE]


def test_who_is_deleted_does_not_move() -> None:
    """The contact is found at the old address, to be deleted there."""
    gone = customer(NEW_JANE, former=[JANE], is_deleted=True)
    assert found([gone], [contact(JANE)]) == Renames(retired={NEW_JANE: (JANE,)})
