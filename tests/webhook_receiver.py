"""A webhook's other side on this machine: it verifies, remembers, and can be told to misbehave."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from customer_sync.store import Letter

KEY = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""Thirty-two bytes that nobody uses for anything else."""


@dataclass(slots=True)
class Receiver:
    """What arrived, and how it is answered."""

    key: str | None = KEY
    """None: whatever arrives is believed."""
    statuses: list[int] = field(default_factory=list)
    """For the next requests, in their order; 204 once these are used up."""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    """Of every answer."""
    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    """What was verified and answered with success."""
    ids: list[str] = field(default_factory=list)
    """The ids of all requests, also those that were turned away."""
    last_headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks/customer-sync"

    def types(self) -> list[str]:
        """Return what it was told of, in order."""
        return [one["type"] for one in self.taken]

    def answer(self, headers: dict[str, str], content: bytes) -> int:
        """Return the status for a request, and remember it."""
        self.ids.append(headers.get("webhook-id", ""))
        self.last_headers = headers
        status = self.statuses.pop(0) if self.statuses else 204
        if 200 <= status < 300:
            try:
                self.taken.append(verified(content, headers, self.key))
            except WebhookVerificationError:
                return 401
        return status


def verified(content: bytes, headers: dict[str, str], key: str | None) -> dict[str, Any]:
    """Return what *content* says, after a look at its signature.

    Raises:
        WebhookVerificationError: it is not signed with *key*.
    """
    told: dict[str, Any] = (
        json.loads(content) if key is None else Webhook(key).verify(content, headers)
    )
    return told


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Listen until the end of the block, at the port it had before if it had one."""

    class _Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.answer(headers, content))
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its name there
            """Say nothing."""

    with HTTPServer(("127.0.0.1", receiver.port), _Answering) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def letter(number: int = 1, **changes: Any) -> Letter:
    """Return a letter to the webhook."""
    from customer_sync.clock import SystemClock

    plain: dict[str, Any] = {
        "id": f"msg_{number}",
        "recipient": "webhook",
        "event": "sync_completed",
        "body": b'{"type":"sync_completed","timestamp":"2026-01-01T00:00:00Z","data":{}}',
        "written_at": SystemClock().now(),
    }
    return Letter(**{**plain, **changes})


def at_once(_seconds: float) -> None:
    """Wait for nothing."""
