"""A scripted stand-in for Brevo's server, and clients that talk to it in simulated time."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import httpx

from brevo_watch import WATCH, Request
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.exchange import RequestEvent
from customer_sync.brevo.retry import RetryPolicy
from customer_sync.brevo.throttle import Throttle
from customer_sync.clock import SimulatedClock
from customer_sync.core.model import RatePlan

T = TypeVar("T")

KEY = "xkeysib-not-a-real-key"

Reply: TypeAlias = httpx.Response | Exception
"""What the server does with one request: answer it, or fail to."""

ATTRIBUTES: dict[str, object] = {
    "attributes": [
        {"name": "FIRSTNAME", "category": "normal", "type": "text"},
        {"name": "TOTAL_SPENT", "category": "normal", "type": "float"},
        {"name": "SMS", "category": "normal", "type": "text"},
    ]
}


@dataclass(slots=True)
class ScriptedServer:
    """Answers requests from a script, in order; the last reply is repeated for ever.

    The attributes are answered aside from the script, so that a test need not speak of them.
    """

    script: list[Reply]
    attributes: Mapping[str, object] = field(default_factory=lambda: ATTRIBUTES)
    received: list[httpx.Request] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer *request* as the script says."""
        await request.aread()
        if request.url.path.startswith("/v3/"):
            WATCH.see_request(_seen(request))
        if request.method == "GET" and request.url.path == "/v3/contacts/attributes":
            return httpx.Response(200, json=dict(self.attributes))
        reply = self.script[min(len(self.received), len(self.script) - 1)]
        self.received.append(request)
        if isinstance(reply, Exception):
            raise reply
        # A response remembers that it was read, so that each one is made anew.
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    def bodies(self) -> list[Any]:
        """Return the JSON bodies that arrived."""
        return [json.loads(request.content) for request in self.received]


def _seen(request: httpx.Request) -> Request:
    return Request(
        method=request.method,
        path=request.url.raw_path.partition(b"?")[0].decode("ascii"),
        query=request.url.query.decode("ascii"),
        headers=dict(request.headers),
        body=request.content,
    )


def clock_at_noon() -> SimulatedClock:
    """Return a clock whose waits take no time."""
    return SimulatedClock(datetime(2025, 6, 1, 12, tzinfo=UTC))


def in_simulated_time(clock: SimulatedClock, work: Coroutine[Any, Any, T]) -> T:
    """Run *work* in the clock's own event loop."""
    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        return runner.run(work)


def talk(
    server: ScriptedServer,
    conversation: Callable[[BrevoClient], Coroutine[Any, Any, T]],
    *,
    clock: SimulatedClock | None = None,
    events: list[RequestEvent] | None = None,
    retry: RetryPolicy | None = None,
    deadline: float = float("inf"),
    dice: Callable[[], float] = lambda: 0.5,
    timeout_s: float = 60.0,
) -> T:
    """Return what *conversation* returns when it talks to *server* through the real client."""
    clock = clock or clock_at_noon()
    seen: list[RequestEvent] = [] if events is None else events

    async def whole() -> T:
        async with BrevoClient(
            "http://sandbox.invalid/v3",
            KEY,
            throttle=Throttle(RatePlan.GENERAL, clock, headroom=0.03),
            clock=clock,
            transport=httpx.MockTransport(server),
            timeout_s=timeout_s,
            retry=retry,
            deadline=deadline,
            dice=dice,
            on_request=seen.append,
        ) as client:
            return await conversation(client)

    return in_simulated_time(clock, whole())


def refusal(
    status: int, message: str = "", code: str = "", duplicates: Iterable[str] = ()
) -> httpx.Response:
    """Return Brevo's error object as an answer."""
    body: dict[str, object] = {"code": code, "message": message}
    if duplicates:
        body["metadata"] = {"duplicate_identifiers": [*duplicates]}
    return httpx.Response(status, json=body)
