"""The server that receives: where it listens, and how it ends."""

import socket
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from customer_sync.errors import ConfigError
from customer_sync.listening import listen, web_server
from customer_sync.trouble import Code

if TYPE_CHECKING:
    import uvicorn

_GRACE_S = 10
"""How long requests may take that are under way when it is to end."""


def bind(host: str, port: int, *, is_loopback: bool, has_token: bool) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the host can be reached from elsewhere while no token is set, or the address
            cannot be had.
    """
    if not is_loopback and not has_token:
        raise ConfigError(
            f"{host} can be reached from other machines, and no token is set that tells who "
            "may send events.",
            trouble=Code.LISTENING,
            hint="Set CUSTOMER_SYNC_TOKEN, or leave --host out and put a proxy in front.",
        )
    return listen(host, port)


def make_server(app: ASGIApp) -> "uvicorn.Server":
    """Return a server for *app*.

    Raises:
        ConfigError: the server is not installed.
    """
    return web_server(app, timeout_graceful_shutdown=_GRACE_S)
