"""The addresses under which events are received, and those that tell how it goes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from customer_sync.clock import Clock
from customer_sync.config import Secret
from customer_sync.errors import CustomerSyncError, StoreError
from customer_sync.realtime.inbox import Delivery
from customer_sync.realtime.openapi import description
from customer_sync.realtime.receiving import Receiving, Request, RequestRefused
from customer_sync.realtime.signatures import is_bearer

MOST_BYTES = 5_000_000
"""The largest body that is taken; a customer is a few thousand."""

RETRY_AFTER_S = 30
"""When to come again where nothing can be kept at the moment."""

_JSON_TYPES = ("application/json", "application/x-ndjson", "application/jsonl")
"""No page of a browser may send these elsewhere without being asked first."""


class Keeping(Protocol):
    """Where deliveries become safe."""

    async def keep(self, delivery: Delivery) -> bool:
        """Return, once it is safe, whether it was new; raise StoreError where it is not kept."""
        ...


class Telling(Protocol):
    """What can be told of how it goes; each call may read files, and raise CustomerSyncError."""

    def readiness(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether events can be received, and the figures that go with it."""
        ...

    def metrics(self) -> bytes:
        """Return the figures in Prometheus' text format."""
        ...

    def dashboard(self) -> str:
        """Return the page for people."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Who may come in, and where things are put."""

    receiving: Receiving
    keeping: Keeping
    telling: Telling
    tokens: Sequence[Secret]
    """None: whoever is on this machine may come in."""
    clock: Clock
    on_refused: Callable[[str, RequestRefused], None] = lambda _path, _refused: None


def make_app(door: Door) -> ASGIApp:
    """Return the application."""
    receiving = door.receiving
    webhooks = {
        "shopify": receiving.shopify,
        "woocommerce": receiving.woocommerce,
        "magento": receiving.magento,
    }
    return Router(
        routes=[
            Route("/events", _receive(door, receiving.plain, is_plain=True), methods=["POST"]),
            *(
                Route(f"/webhooks/{name}", _receive(door, take), methods=["POST"])
                for name, take in webhooks.items()
            ),
            Route("/healthz", _healthy),
            Route("/readyz", _ready(door)),
            Route("/metrics", _metrics(door)),
            Route("/dashboard", _dashboard(door)),
            Route("/openapi.json", _description),
        ],
        redirect_slashes=False,
    )


# ---------------------------------------------------------------- receiving


def _receive(
    door: Door, take: Callable[[Request], Delivery], *, is_plain: bool = False
) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Return what answers by *take*: 2xx only once all that it found is safe."""

    async def answer(http: HttpRequest) -> Response:
        try:
            if is_plain:
                _check_sender(door, http)
            request = Request(
                body=await _body(http), headers=dict(http.headers.items()), at=door.clock.now()
            )
            delivery = take(request)
            is_new = not delivery.records or await door.keeping.keep(delivery)
        except RequestRefused as refused:
            door.on_refused(http.url.path, refused)
            return _refusal(refused)
        except StoreError as error:
            return _unavailable(error.message)
        except ClientDisconnect:
            return Response(status_code=400)
        kept = len(delivery.records) if is_new else 0
        return JSONResponse(
            {"accepted": kept, "duplicate": not is_new}, status_code=202 if is_plain else 200
        )

    return answer


def _check_sender(door: Door, http: HttpRequest) -> None:
    _check_token(door, http)
    kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise RequestRefused(415, "The content type must be one of " + ", ".join(_JSON_TYPES) + ".")


def _check_token(door: Door, http: HttpRequest) -> None:
    if door.tokens and not is_bearer(http.headers.get("authorization", ""), door.tokens):
        raise RequestRefused(401, "The token is missing or wrong.")


async def _body(http: HttpRequest) -> bytes:
    """Return the raw bytes.

    Raises:
        RequestRefused: 413 there are too many.
    """
    parts: list[bytes] = []
    size = 0
    async for part in http.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise RequestRefused(413, f"At most {MOST_BYTES:,} bytes are taken at once.")
        parts.append(part)
    return b"".join(parts)


def _refusal(refused: RequestRefused) -> Response:
    problems = [
        {"pointer": one.pointer, "rule": one.rule, "detail": one.detail} for one in refused.problems
    ]
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    return JSONResponse(
        {"error": refused.reason, "problems": problems},
        status_code=refused.status,
        headers=headers,
    )


def _unavailable(reason: str) -> Response:
    return JSONResponse(
        {"error": reason, "problems": []},
        status_code=503,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


# ---------------------------------------------------------------- telling


async def _healthy(_http: HttpRequest) -> Response:
    return JSONResponse({"status": "alive"})


async def _description(_http: HttpRequest) -> Response:
    return JSONResponse(description())


def _ready(door: Door) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def answer(_http: HttpRequest) -> Response:
        try:
            is_ready, figures = await run_in_threadpool(door.telling.readiness)
        except CustomerSyncError as error:
            return _unavailable(error.message)
        return JSONResponse(figures, status_code=200 if is_ready else 503)

    return answer


def _metrics(door: Door) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def answer(http: HttpRequest) -> Response:
        return await _guarded(
            door, http, door.telling.metrics, "text/plain; version=0.0.4; charset=utf-8"
        )

    return answer


def _dashboard(door: Door) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def answer(http: HttpRequest) -> Response:
        return await _guarded(door, http, door.telling.dashboard, "text/html; charset=utf-8")

    return answer


async def _guarded(
    door: Door, http: HttpRequest, tell: Callable[[], bytes | str], media_type: str
) -> Response:
    try:
        _check_token(door, http)
        content = await run_in_threadpool(tell)
    except RequestRefused as refused:
        return _refusal(refused)
    except CustomerSyncError as error:
        return _unavailable(error.message)
    return Response(content, media_type=media_type)
