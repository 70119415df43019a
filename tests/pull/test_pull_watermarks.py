"""How far a shop's changes were taken in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.config import SourceName
from customer_sync.pull.order import Order
from customer_sync.pull.watermarks import (
    Reach,
    Since,
    advance,
    beginning,
    kept_in,
    promise,
    watermark,
)
from pull_looking import Fetch
from shop_emulators import MagentoShop

MAGENTO = SourceName.MAGENTO
SHOP = "https://shop.example.com"
OVERLAP = timedelta(minutes=10)


class Memory:
    """Remembers facts as long as it lives."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}

    def fact(self, name: str) -> str | None:
        """Return a fact."""
        return self.facts.get(name)

    def remember(self, facts: Mapping[str, str]) -> None:
        """Remember facts."""
        self.facts |= facts


def day(number: int) -> datetime:
    """Return a day of March."""
    return datetime(2026, 3, number, tzinfo=UTC)


def reach(until: int, since: int | None = None, shop: str = SHOP) -> Reach:
    """Return a reach from day to day."""
    return Reach(shop=shop, since=None if since is None else day(since), until=day(until))


NOW = day(20)


@pytest.fixture
def memory() -> Memory:
    """Return a memory that knows the changes until the fifth."""
    memory = Memory()
    advance(memory, MAGENTO, reach(5), now=NOW)
    return memory


def test_everything_pulled_is_a_watermark(memory: Memory) -> None:
    """Under its name among the facts."""
    assert watermark(memory, MAGENTO, SHOP, now=NOW) == day(5)
    assert memory.facts["pull.magento.watermark"] == "2026-03-05T00:00:00+00:00"


def test_changes_since_the_watermark_move_it(memory: Memory) -> None:
    """Also those that begin earlier."""
    advance(memory, MAGENTO, reach(7, since=4), now=NOW)
    assert watermark(memory, MAGENTO, SHOP, now=NOW) == day(7)


def test_a_watermark_does_not_jump_over_a_gap(memory: Memory) -> None:
    """What changed on the sixth was never asked for."""
    advance(memory, MAGENTO, reach(8, since=7), now=NOW)
    assert watermark(memory, MAGENTO, SHOP, now=NOW) == day(5)


def test_changes_alone_are_no_beginning() -> None:
    """Of what was before nothing is known."""
    memory = Memory()
    advance(memory, MAGENTO, reach(8, since=7), now=NOW)
    assert memory.facts == {}


def test_a_watermark_never_goes_back(memory: Memory) -> None:
    """An older file is read later."""
    advance(memory, MAGENTO, reach(3), now=NOW)
    assert watermark(memory, MAGENTO, SHOP, now=NOW) == day(5)


def test_a_watermark_that_lies_ahead_tells_nothing(memory: Memory) -> None:
    """The clock that set it has been put back: everybody is pulled, and it begins anew."""
    now = day(4)
    assert beginning(Since(at=None), memory, MAGENTO, SHOP, OVERLAP, now=now) is None
    advance(memory, MAGENTO, reach(3, since=2), now=now)
    assert watermark(memory, MAGENTO, SHOP, now=now) is None
    advance(memory, MAGENTO, reach(3), now=now)
    assert watermark(memory, MAGENTO, SHOP, now=now) == day(3)


def test_another_shop_begins_anew(memory: Memory) -> None:
    """Its times mean something else."""
    assert watermark(memory, MAGENTO, "https://other.example.com", now=NOW) is None
    advance(memory, MAGENTO, reach(3, shop="https://other.example.com"), now=NOW)
    assert watermark(memory, MAGENTO, SHOP, now=NOW) is None


def test_woocommerce_has_no_watermark() -> None:
    """It cannot be asked for changes."""
    memory = Memory()
    advance(memory, SourceName.WOOCOMMERCE, reach(5), now=NOW)
    assert memory.facts == {}


@pytest.mark.parametrize(
    ("since", "begins"),
    [
        (None, None),
        (Since(at=day(1)), day(1)),
        (Since(at=None), day(5) - OVERLAP),
    ],
)
def test_where_a_pull_begins(memory: Memory, since: Since | None, begins: datetime | None) -> None:
    """With everybody, exactly at the time given, or a little before the watermark."""
    assert beginning(since, memory, MAGENTO, SHOP, OVERLAP, now=NOW) == begins


def test_the_first_time_everybody_is_pulled() -> None:
    """`last` is nothing yet."""
    assert beginning(Since(at=None), Memory(), MAGENTO, SHOP, OVERLAP, now=NOW) is None


def test_a_file_keeps_its_reach_for_the_run(memory: Memory, tmp_path: Path) -> None:
    """As long as it is as it was written."""
    file = tmp_path / "customers.jsonl"
    file.write_text("{}\n", encoding="utf-8")
    promise(memory, Order(platform=MAGENTO), reach(7, since=5), file)
    assert kept_in(memory, [str(file), "shopify:"]) == {MAGENTO: reach(7, since=5)}
    assert kept_in(memory, [str(tmp_path / "other.jsonl")]) == {}
    file.write_text("{ }\n", encoding="utf-8")
    assert kept_in(memory, [str(file)]) == {}


def test_the_earlier_clock_counts(fetch: Fetch, clock: SimulatedClock) -> None:
    """Where ours is fast, the shop's; where the shop's is, ours."""
    for minutes, early in ((-30, 30), (30, 0)):
        theirs = SimulatedClock(clock.now() + timedelta(minutes=minutes))
        pulled = fetch(MAGENTO, MagentoShop(customers=[], clock=theirs).transport)
        assert pulled.started_at == clock.now() - timedelta(minutes=early)
