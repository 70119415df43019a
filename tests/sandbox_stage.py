"""The sandbox as tests reach it through the real client: in process, or over HTTP on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import httpx

from brevo_double import KEY
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.exchange import Attempt, RequestEvent
from customer_sync.brevo.retry import RetryPolicy
from customer_sync.brevo.throttle import Throttle
from customer_sync.clock import Clock
from customer_sync.core.model import Attribute, AttributeType, RatePlan
from customer_sync.sandbox import Sandbox
from customer_sync.sandbox.serve import base_url, bind, make_server

T = TypeVar("T")

START = datetime(2025, 6, 1, 12, tzinfo=UTC)

ATTRIBUTES: dict[str, AttributeType | Attribute] = {
    "CITY": AttributeType.TEXT,
    "TOTAL_SPENT": AttributeType.FLOAT,
    "BIRTHDAY": AttributeType.DATE,
    "IS_VIP": AttributeType.BOOLEAN,
    "TIER": Attribute(
        name="TIER", type=AttributeType.CATEGORY, options={"1": "Bronze", "2": "Gold"}
    ),
    "TAGS": Attribute(
        name="TAGS", type=AttributeType.MULTIPLE_CHOICE, options={"new": "new", "vip": "vip"}
    ),
}


class Way(StrEnum):
    """How the client reaches the sandbox."""

    IN_PROCESS = "in process"
    OVER_HTTP = "over HTTP"


class LeapingClock:
    """A clock that passes a wait by leaping over it, also where real sockets are involved."""

    def __init__(self) -> None:
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the time after all leaps."""
        return START + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return how much was leapt over."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Leap, and let others run."""
        self._elapsed += seconds
        await asyncio.sleep(0)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a plain event loop."""
        return asyncio.new_event_loop()


@dataclass(slots=True, kw_only=True)
class Stage:
    """A sandbox, and conversations with it through the real client."""

    way: Way
    sandbox: Sandbox
    clock: Clock
    events: list[RequestEvent] = field(default_factory=list)

    def talk(
        self,
        conversation: Callable[[BrevoClient], Coroutine[Any, Any, T]],
        *,
        plan: RatePlan = RatePlan.GENERAL,
        retry: RetryPolicy | None = None,
        key: str = KEY,
    ) -> T:
        """Return what *conversation* returns."""

        async def whole() -> T:
            async with AsyncExitStack() as stack:
                url, transport = await stack.enter_async_context(self._reached())
                client = BrevoClient(
                    url,
                    key,
                    throttle=Throttle(plan, self.clock, headroom=0.03),
                    clock=self.clock,
                    transport=transport,
                    retry=retry,
                    dice=lambda: 0.5,
                    on_request=self.events.append,
                )
                return await conversation(await stack.enter_async_context(client))

        with asyncio.Runner(loop_factory=self.clock.new_event_loop) as runner:
            return runner.run(whole())

    def statuses(self) -> list[int | None]:
        """Return how each request so far was answered."""
        return [event.status for event in self.events if isinstance(event, Attempt)]

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[tuple[str, httpx.AsyncBaseTransport | None]]:
        if self.way is Way.IN_PROCESS:
            yield "http://sandbox.invalid/v3", httpx.ASGITransport(app=self.sandbox.app)
            return
        with bind("127.0.0.1", 0) as listener:
            server = make_server(self.sandbox.app)
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            try:
                yield base_url(listener), None
            finally:
                server.should_exit = True
                await serving
