"""What a run takes from shops: pulled before it begins, noted when it ended well."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from os import environ
from types import TracebackType
from typing import Protocol, Self

from customer_sync.clock import Clock, SystemClock
from customer_sync.config import Config, SourceName
from customer_sync.platforms.format import Understood, Wanted
from customer_sync.pull import watermarks
from customer_sync.pull.client import ShopObserver
from customer_sync.pull.order import Order, platform_of
from customer_sync.pull.pulled import Brake, Pulled, pull
from customer_sync.pull.shops import Door, shop_of
from customer_sync.pull.watermarks import Facts, Reach, Since
from customer_sync.pull.woocommerce import refuse_since


class Follower(Protocol):
    """Whoever watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins."""
        ...

    def step(self, count: int = 1) -> None:
        """So many customers came."""
        ...

    def note(self, line: str) -> None:
        """Something is worth telling."""
        ...


class Taking:
    """The pulled sources of one run; to be used in a `with`, at whose end they are forgotten.

    Shops live in real time, also where the sandbox does not: so the clock is one of its own.
    """

    def __init__(
        self,
        config: Config,
        sources: Sequence[str],
        since: Since | None,
        follower: Follower,
        *,
        clock: Clock | None = None,
        on_request: ShopObserver = lambda _request: None,
    ) -> None:
        self._config = config
        self._sources = sources
        self._since = since
        self._follower = follower
        self._on_request = on_request
        self._clock = clock or SystemClock()
        self._pulled: dict[SourceName, Pulled] = {}
        self._kept: dict[SourceName, Reach] = {}
        self.brake = Brake()
        self.seconds = 0.0
        """How long it took."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for pulled in self._pulled.values():
            pulled.close()

    @property
    def whole(self) -> tuple[str, ...]:
        """The sources of which everything was pulled, as they stand on the command line."""
        return tuple(p.order.name for p in self._pulled.values() if p.order.since is None)

    def take(self, facts: Facts, wanted: Wanted, *, max_duration_s: float | None = None) -> None:
        """Pull from every shop among the sources, and see which files were pulled earlier.

        Raises:
            SourceError: a shop does not give its customers.
            ConfigError: the configuration does not say where a shop is, or a secret is missing.
        """
        started = self._clock.monotonic()
        self._kept = watermarks.kept_in(facts, self._sources)
        for platform in dict.fromkeys(map(platform_of, self._sources)):
            if platform is not None:
                order = order_for(
                    self._config, platform, self._since, facts, wanted, now=self._clock.now()
                )
                self.fetch(order, max_duration_s=max_duration_s)
        self.seconds = self._clock.monotonic() - started

    def fetch(self, order: Order, *, max_duration_s: float | None = None) -> Pulled:
        """Pull what *order* asks for.

        Raises:
            SourceError: the shop does not give its customers.
            ConfigError: a secret is missing.
        """
        within_s = float("inf") if max_duration_s is None else max_duration_s
        door = Door(
            platform=order.platform, shop=shop_of(self._config, order.platform), environ=environ
        )
        what = "everybody" if order.since is None else f"changes since {order.since:%F %T} UTC"
        self._follower.note(f"{order.name} {what} from {door.shop.url}")
        self._follower.stage("pull")
        pulled = pull(
            door,
            order,
            clock=self._clock,
            deadline=self._clock.monotonic() + within_s,
            on_customer=self._follower.step,
            on_request=self._on_request,
            brake=self.brake,
        )
        self._pulled[order.platform] = pulled
        return pulled

    def records(self) -> Iterator[Understood]:
        """Yield what was pulled, shop by shop."""
        for pulled in self._pulled.values():
            yield from pulled.records()

    def note_taken(self, facts: Facts) -> None:
        """Move the watermarks: what was pulled is now in Brevo, or kept for a later run."""
        now = self._clock.now()
        for platform, pulled in self._pulled.items():
            watermarks.advance(facts, platform, reach_of(self._config, pulled), now=now)
        for platform, reach in self._kept.items():
            watermarks.advance(facts, platform, reach, now=now)


def order_for(
    config: Config,
    platform: SourceName,
    since: Since | None,
    facts: Facts,
    wanted: Wanted,
    *,
    now: datetime,
) -> Order:
    """Return what is to be pulled from *platform*.

    Raises:
        ConfigError: the configuration does not say where the shop is.
        UsageError: the platform cannot tell what changed.
    """
    shop = shop_of(config, platform)
    if since is not None and platform is SourceName.WOOCOMMERCE:
        raise refuse_since()
    return Order(
        platform=platform,
        since=watermarks.beginning(since, facts, platform, shop.url, shop.overlap, now=now),
        mapped=frozenset(rule.field for rule in config.rules),
        wanted=wanted,
    )


def reach_of(config: Config, pulled: Pulled) -> Reach:
    """Return which changes *pulled* holds."""
    return Reach(
        shop=shop_of(config, pulled.order.platform).url,
        since=pulled.order.since,
        until=pulled.started_at,
    )
