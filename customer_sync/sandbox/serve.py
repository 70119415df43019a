"""The sandbox as a server on this machine, for any client that speaks HTTP."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from customer_sync.clock import SystemClock
from customer_sync.errors import ConfigError
from customer_sync.listening import address, listen, require_server, web_server
from customer_sync.sandbox.api import PREFIX
from customer_sync.sandbox.app import Sandbox
from customer_sync.sandbox.errors import ConnectionDropped
from customer_sync.sandbox.importing import is_loopback
from customer_sync.sandbox.settings import DEFAULTS, Settings
from customer_sync.trouble import Code

if TYPE_CHECKING:
    import uvicorn


def serve(
    path: Path,
    *,
    host: str = "127.0.0.1",
    port: int,
    settings: Settings = DEFAULTS,
    allow_remote: bool = False,
    announce: Callable[[str], None],
) -> None:
    """Serve the sandbox in *path* until interrupted.

    *announce* is called with the base URL of the API as soon as connections are taken; port 0
    takes any free one.

    Raises:
        ConfigError: The host can be reached from elsewhere and that was not allowed, the address
            is taken, or the server is not installed.
        StoreError: The file cannot be used.
    """
    listener = bind(host, port, allow_remote=allow_remote)
    with listener, Sandbox(path, clock=SystemClock(), settings=settings) as sandbox:
        server = make_server(sandbox.app)
        announce(base_url(listener))
        server.run(sockets=[listener])


def bind(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: The host is not loopback and that was not allowed, or the address is taken.
    """
    if not allow_remote and not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and the sandbox asks nobody who they are",
            trouble=Code.LISTENING,
            hint="Leave the host out, or allow remote access explicitly.",
        )
    return listen(host, port)


def base_url(listener: socket.socket) -> str:
    """Return the base URL of the API behind a listening socket."""
    return f"{address(listener)}{PREFIX}"


def make_server(app: ASGIApp) -> "uvicorn.Server":
    """Return a server for *app* whose dropped connections really drop.

    Raises:
        ConfigError: The server is not installed.
    """
    require_server()
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - an optional extra

    class DroppingProtocol(H11Protocol):
        """Gives the application of each connection the means to break it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
            super().connection_made(transport)
            _send_at_once(transport)
            self.app = _Dropping(app, transport)

    return web_server(app, http=DroppingProtocol, date_header=False)


def _send_at_once(transport: asyncio.Transport) -> None:
    """Do not let the body of an answer wait until its head was acknowledged.

    asyncio does so itself only for sockets that it made.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Dropping:
    """Breaks the connection where the application says that it breaks."""

    def __init__(self, app: ASGIApp, transport: asyncio.Transport) -> None:
        self._app = app
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ConnectionDropped:
            self._transport.abort()
            while (await receive())["type"] != "http.disconnect":
                pass
