"""A run that dies anywhere is brought to its end by the next one, without its source."""

import shutil
from pathlib import Path

import pytest

from customer_sync.core.requests.routes import RouteChoice
from customer_sync.errors import ExitCode
from customer_sync.run.edges import RunOptions
from customer_sync.run.report import OutcomeCounts
from customer_sync.store import Store
from deaths import Death, MortalWatch, is_death
from session_stage import Shop, event

KNOWN = [
    *(event("created", n, firstName=f"F{n}") for n in range(1, 8)),
    event("created", 8, acceptsMarketing=False),
]
NEWS: list[object] = [
    event("created", 20, firstName="New"),
    event("created", 21, firstName="New", acceptsMarketing=False),
    *(event("updated", n, at="2024-02-01T00:00:00Z", firstName="Other") for n in (1, 2, 3)),
    # Moves to another address while blocked.
    event("updated", 8, at="2024-02-01T00:00:00Z", email="moved8@example.com"),
    # Moves, and somebody new gets the address.
    event("updated", 4, at="2024-02-01T00:00:00Z", email="moved4@example.com"),
    event("created", 22, at="2024-02-02T00:00:00Z", email="p4@example.com", firstName="Heir"),
    event("deleted", 5, at="2024-02-01T00:00:00Z"),
    event("deleted", 6, at="2024-02-01T00:00:00Z"),
]


def run_until(death: Death, shop: Shop, choice: RouteChoice) -> bool:
    """Run the news; return whether the run came to its end."""
    shop.state_type = death.open_state
    try:
        shop.run(*NEWS, watch=MortalWatch(death), options=RunOptions(route=choice))
    except BaseException as error:
        if not is_death(error):
            raise
        return False
    finally:
        shop.state_type = Store
    return True


@pytest.mark.parametrize(("choice", "stride"), [(RouteChoice.AUTO, 1), (RouteChoice.SINGLE, 5)])
def test_whenever_a_run_dies_the_next_one_finishes_its_work(
    tmp_path: Path, choice: RouteChoice, stride: int
) -> None:
    """Every change comes to its end, as if nothing had happened, and nobody becomes mailable."""
    first = Shop(tmp_path / "known")
    first.folder.mkdir()
    first.run(*KNOWN)
    whole = copy_of(first, tmp_path / "whole")
    alive = Death(at=0)
    assert run_until(alive, whole, choice)
    expected = whole.holds()
    assert expected["moved8@example.com"][2] is True
    assert alive.steps > 30
    deaths = 0
    for step in range(1, alive.steps + 1, stride):
        shop = copy_of(first, tmp_path / f"{step}")
        death = Death(at=step)
        if run_until(death, shop, choice):
            continue
        deaths += 1
        source = () if death.was_accepted else NEWS
        report = shop.run(*source)
        assert report.exit_code == ExitCode.OK, (step, report.errors)
        assert shop.holds() == expected, step
        with shop.sandbox() as sandbox:
            assert sandbox.transitions() == (), step
        with shop.memory() as store:
            assert store.queue() == [], step
            assert store.count_known() == 9, step
        assert shop.run(*NEWS).outcomes == OutcomeCounts(), step
        shutil.rmtree(shop.folder)
    assert deaths * stride > 30


def copy_of(shop: Shop, folder: Path) -> Shop:
    """Return the same shop in another folder."""
    shutil.copytree(shop.folder, folder)
    copy = Shop(folder, runs=shop.runs)
    copy.clock.advance(shop.clock.monotonic() + 60)
    return copy
