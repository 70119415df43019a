"""Requests as the platforms sign them, and a server's door without a server."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from customer_sync.clock import SimulatedClock
from customer_sync.config import Secret
from customer_sync.core.model import Place, Record
from customer_sync.realtime.app import Door, make_app
from customer_sync.realtime.inbox import Delivery, Inbox
from customer_sync.realtime.intake import Intake, Limits
from customer_sync.realtime.receiving import Receiving, Request, Secrets
from customer_sync.realtime.signatures import StandardVerifier
from webhook_receiver import KEY

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SHOP_SECRET = "hush"
OLD_SECRET = "hush-before"

RECEIVING = Receiving(
    secrets=Secrets(
        shopify=(Secret(SHOP_SECRET), Secret(OLD_SECRET)),
        woocommerce=(Secret(SHOP_SECRET),),
        magento=StandardVerifier([Secret(KEY)], variable="KEY"),
    )
)


def sign(body: bytes, secret: str = SHOP_SECRET) -> str:
    """Return the signature as Shopify and WooCommerce make it."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def from_shopify(
    content: object,
    *,
    topic: str = "customers/update",
    secret: str = SHOP_SECRET,
    id_: str = "d1",
    ago: timedelta = timedelta(),
) -> Request:
    """Return a webhook of Shopify's."""
    body = json.dumps(content).encode()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": sign(body, secret),
        "x-shopify-webhook-id": id_,
        "x-shopify-triggered-at": (NOW - ago).isoformat(),
    }
    return Request(body=body, headers=headers, at=NOW)


def from_woocommerce(content: object, *, topic: str = "customer.updated") -> Request:
    """Return a webhook of WooCommerce's."""
    body = json.dumps(content).encode()
    headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": sign(body)}
    return Request(body=body, headers=headers, at=NOW)


def one(number: int, **fields: object) -> Delivery:
    """Return a delivery of one event."""
    content = {
        "event": "customer_updated",
        "timestamp": NOW.isoformat(),
        "data": {"id": f"c{number}", "email": f"p{number}@example.com", **fields},
    }
    record = Record(place=Place(file="/events", line=1), content=content, written_at=NOW)
    return Delivery(records=(record,))


class Quiet:
    """Tells nothing of interest."""

    def readiness(self) -> tuple[bool, dict[str, object]]:
        """Return that all is well."""
        return True, {"status": "ready"}

    def metrics(self) -> bytes:
        """Return a figure."""
        return b"figure 1\n"

    def dashboard(self) -> str:
        """Return a page."""
        return "<p>well</p>"


@dataclass(slots=True)
class Sender:
    """Sends requests, one after the other, in an event loop that lives as long as it does."""

    client: httpx.AsyncClient
    runner: asyncio.Runner

    def request(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Return the answer to any request."""
        return self.runner.run(self.client.request(method, path, **what))

    def get(self, path: str) -> httpx.Response:
        """Return the answer to a GET."""
        return self.request("GET", path)

    def post(self, path: str, **what: Any) -> httpx.Response:
        """Return the answer to a POST."""
        return self.request("POST", path, **what)


@dataclass(slots=True)
class Entrance:
    """A door, whoever comes in through it, and the inbox behind it."""

    folder: Path
    tokens: tuple[Secret, ...] = ()
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOW))
    limits: Limits | None = None

    @contextmanager
    def client(self) -> Iterator[Sender]:
        """Yield somebody who sends requests."""
        intake = Intake(self.folder, self.clock, limits=self.limits, on_news=lambda _count: None)
        door = Door(
            receiving=RECEIVING,
            keeping=intake,
            telling=Quiet(),
            tokens=self.tokens,
            clock=self.clock,
        )
        transport = httpx.ASGITransport(make_app(door))
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        with asyncio.Runner() as runner:
            yield Sender(client, runner)
            runner.run(client.aclose())
        intake.close()

    def kept(self) -> list[object]:
        """Return the contents of all that is in the inbox."""
        with Inbox(self.folder) as inbox:
            return [entry.record.content for entry in inbox.oldest(1000)]
