"""What the tests of pulling share."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.config import ShopSettings, SourceName
from customer_sync.platforms.format import Wanted
from customer_sync.pull.client import ShopObserver
from customer_sync.pull.order import Order
from customer_sync.pull.pulled import Pulled, pull
from customer_sync.pull.shops import Door
from shop_emulators import ENVIRON

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When the tests take place."""


@pytest.fixture
def clock() -> SimulatedClock:
    """Return a clock on which waits take no time."""
    return SimulatedClock(NOW)


Fetch = Callable[..., Pulled]


@pytest.fixture
def fetch(clock: SimulatedClock, request: pytest.FixtureRequest) -> Fetch:
    """Return what pulls from a shop and closes what came at the end of the test."""

    def fetched(
        platform: SourceName,
        transport: httpx.AsyncBaseTransport,
        *,
        settings: ShopSettings | None = None,
        since: datetime | None = None,
        mapped: frozenset[str] = frozenset(),
        wanted: Wanted | None = None,
        deadline: float = float("inf"),
        on_request: ShopObserver = lambda _request: None,
    ) -> Pulled:
        door = Door(
            platform=platform,
            shop=settings or ShopSettings(url="https://shop.example.com"),
            environ=ENVIRON,
            transport=transport,
        )
        order = Order(platform=platform, since=since, mapped=mapped, wanted=wanted or Wanted())
        pulled = pull(door, order, clock=clock, deadline=deadline, on_request=on_request)
        request.addfinalizer(pulled.close)
        return pulled

    return fetched
