"""Sandboxes for tests: asked in process or over HTTP, with the time in the test's hand."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeAlias

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_sync.clock import SimulatedClock
from customer_sync.sandbox import Sandbox
from customer_sync.sandbox.serve import base_url, bind, make_server

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

Ask: TypeAlias = Callable[[httpx.Request], httpx.Response]


class Brevo:
    """A sandbox and a client of it; *tick* seconds pass before every request."""

    def __init__(self, sandbox: Sandbox, clock: SimulatedClock, ask: Ask, url: str) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.tick = 0.5
        self.url = url
        self._ask = ask

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str | int | list[str]] | None = None,
    ) -> httpx.Response:
        """Send a request with a key to a path under /v3, or beside it where it starts with `..`."""
        self.clock.advance(self.tick)
        base = self.url if not path.startswith("..") else self.url.removesuffix("/v3")
        return self._ask(
            httpx.Request(
                method,
                base + path.removeprefix(".."),
                params=params,
                json=json,
                content=content,
                headers={"api-key": "key", **(headers or {})},
            )
        )

    def get(self, path: str, **params: str | int | list[str]) -> httpx.Response:
        """Read."""
        return self.request("GET", path, params=params or None)

    def post(self, path: str, json: object = None) -> httpx.Response:
        """Create, or whatever else Brevo does by POST."""
        return self.request("POST", path, json={} if json is None else json)

    def put(self, path: str, json: object) -> httpx.Response:
        """Change."""
        return self.request("PUT", path, json=json)

    def delete(self, path: str) -> httpx.Response:
        """Delete."""
        return self.request("DELETE", path)

    def create(self, email: str = "jane@example.com", **fields: object) -> int:
        """Create a contact that is sure to be accepted, and return its id."""
        answer = self.post("/contacts", {"email": email, **fields})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def contact(self, identifier: str | int = "jane@example.com") -> dict[str, object]:
        """Return a contact that is sure to exist."""
        answer = self.get(f"/contacts/{str(identifier).replace('@', '%40')}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def attributes(self, identifier: str | int = "jane@example.com") -> dict[str, object]:
        """Return the attributes of a contact that is sure to exist."""
        found = self.contact(identifier)["attributes"]
        assert isinstance(found, dict)
        return found

    def do_import(self, **body: object) -> dict[str, object]:
        """Import to list 2, wait for the end, and return the process."""
        answer = self.post("/contacts/import", {"listIds": [2], **body})
        assert answer.status_code == 202, answer.text
        self.clock.advance(600)
        process = self.get(f"/processes/{answer.json()['processId']}")
        return dict(process.json())


class Switch:
    """An application that another can be put behind while a server runs."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the present application answer."""
        await self.app(scope, receive, send)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve *app* on loopback from a thread; yield the base URL of Brevo's API."""
    with bind("127.0.0.1", 0) as listener:
        server = make_server(app)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=loop.run_until_complete, args=[server.serve(sockets=[listener])]
        )
        thread.start()
        try:
            yield base_url(listener)
        finally:
            server.should_exit = True
            thread.join()
            loop.close()


@contextmanager
def in_process(sandbox: Sandbox, clock: SimulatedClock) -> Iterator[Ask]:
    """Yield what sends requests to *sandbox* without a network, in an event loop of *clock*."""
    loop = clock.new_event_loop()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app))
    try:
        yield lambda request: loop.run_until_complete(client.send(request))
    finally:
        loop.run_until_complete(client.aclose())
        loop.run_until_complete(_cancel_what_waits())
        loop.close()


async def _cancel_what_waits() -> None:
    waiting = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@contextmanager
def over_http(sandbox: Sandbox, switch: Switch) -> Iterator[Ask]:
    """Yield what sends requests to *sandbox* through a running server."""
    switch.app = sandbox.app
    with httpx.Client(trust_env=False) as client:
        yield client.send


def run(clock: SimulatedClock, work: Awaitable[None]) -> None:
    """Await *work* in an event loop of *clock*."""
    loop = clock.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()
