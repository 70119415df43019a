"""Whoever follows somebody at an address, and goes again, takes nobody else along."""

from itertools import permutations
from pathlib import Path

import pytest

from customer_sync.errors import ExitCode
from customer_sync.store import Store
from deaths import Death, MortalWatch, is_death
from session_stage import Shop, event

LIST = frozenset({5})
DELETIONS = pytest.mark.parametrize("deletion", ["soft", "hard"])


def shop_with(folder: Path, deletion: str) -> Shop:
    """Return a shop whose deletions are never withheld."""
    folder.mkdir()
    return Shop(folder, options=f"delete_behavior: {deletion}, max_deletes: 100%")


def said(trigger: str, number: int, minute: int, name: str | None = None) -> dict[str, object]:
    """Return what is told of a customer, with an address only where *name* is given."""
    known_as = {} if name is None else {"email": f"{name}@example.com"}
    return {
        "event": f"customer_{trigger}",
        "timestamp": f"2024-01-15T10:{minute:02}:00Z",
        "data": {"id": str(number), **known_as},
    }


def is_listed(shop: Shop, name: str) -> bool:
    """Tell whether there is a contact of a living customer."""
    found = shop.holds().get(f"{name}@example.com")
    return found is not None and found[1] == LIST


@DELETIONS
def test_whoever_moved_is_kept_when_an_heir_comes_and_goes_while_runs_die(
    tmp_path: Path, deletion: str
) -> None:
    """The heir's end may be noted at the old address before the move away from it is written."""
    news = [
        said("updated", 4, 1, "moved"),
        said("created", 22, 2, "ann"),
        said("deleted", 22, 3, "ann"),
    ]
    step, is_over = 0, False
    while not is_over:
        step += 1
        shop = shop_with(tmp_path / f"{step}", deletion)
        shop.run(said("created", 4, 0, "ann"), said("created", 5, 0, "bob"))
        death = Death(at=step)
        shop.state_type = death.open_state
        try:
            shop.run(*news, watch=MortalWatch(death))
            is_over = True
        except BaseException as error:
            if not is_death(error):
                raise
        shop.state_type = Store
        report = shop.run(*(() if death.was_accepted else news))
        assert report.exit_code == ExitCode.OK, step
        assert is_listed(shop, "moved"), step
        assert not is_listed(shop, "ann"), step
    assert step > 10


@DELETIONS
def test_in_whatever_order_a_successor_arrives_and_the_other_goes_the_successor_stays(
    tmp_path: Path, deletion: str
) -> None:
    """One moves on, another gets the address, and then the first is deleted by the id alone."""
    told = [
        said("created", 2, 2, "dan"),
        said("updated", 2, 7, "cay"),
        said("created", 1, 8, "dan"),
        said("deleted", 2, 10),
    ]
    for number, order in enumerate(permutations(told)):
        place = [order.index(one) for one in told]
        if place[2] < place[1] or place[3] < min(place[0], place[1]):
            # Until the move is told, two customers share one contact; and an id that nobody has
            # heard of is nobody's.
            continue
        shop = shop_with(tmp_path / f"{number}", deletion)
        for one in order:
            shop.run(one)
        assert is_listed(shop, "dan"), order
        assert not is_listed(shop, "cay"), order


@DELETIONS
@pytest.mark.parametrize("runs", [(5,), (2, 3), (4, 1), (1, 1, 1, 1, 1)])
def test_a_return_that_is_heard_of_last_is_not_ended_with_whoever_had_the_old_address(
    tmp_path: Path, deletion: str, runs: tuple[int, ...]
) -> None:
    """One was deleted, another had the address until a deletion, and the first was back by then."""
    told = [
        said("created", 1, 1, "ann"),
        said("deleted", 1, 3),
        said("created", 2, 2, "bob"),
        said("updated", 2, 4, "ann"),
        said("deleted", 2, 10),
    ]
    shop = shop_with(tmp_path / "shop", deletion)
    for count in runs:
        shop.run(*told[:count])
        del told[:count]
    shop.run(said("created", 1, 7, "dan"))
    assert is_listed(shop, "dan")
    assert not is_listed(shop, "ann")


def test_whoever_follows_at_a_contact_that_is_left_gets_fields_of_their_own(
    tmp_path: Path,
) -> None:
    """The one who leaves goes to a contact that stands already, and had cleared the name."""
    shop = shop_with(tmp_path / "shop", "soft")
    shop.run(event("created", 1, firstName="Ann"))
    shop.run(event("updated", 1, at="2024-01-20T10:00:00Z", firstName=None))
    with shop.sandbox() as sandbox:
        sandbox.make("new1@example.com", {})
    shop.run(
        event("created", 2, email="p2@example.com", firstName="Bob"),
        event("updated", 1, at="2024-01-21T10:00:00Z", email="new1@example.com"),
        event("updated", 2, at="2024-01-22T10:00:00Z", email="p1@example.com"),
    )
    held = shop.holds()
    assert held["p1@example.com"][0] == {"FIRSTNAME": "Bob"}
    assert held["new1@example.com"][0] == {}
