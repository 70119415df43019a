"""A server of our own on this machine: its socket, its address, and what answers there."""

import socket
from typing import TYPE_CHECKING, Any

from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

BACKLOG = 1024
"""How many connections may wait until they are taken."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any that is free.

    Raises:
        ConfigError: there is no such address, or it is taken.
    """
    hint = "Name another port; 0 takes any."
    if not 0 <= port < 2**16:
        raise ConfigError(
            f"cannot listen on port {port}: there is no such port",
            trouble=Code.LISTENING,
            hint=hint,
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as problem:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {problem}", trouble=Code.LISTENING, hint=hint
        ) from problem


def address(listener: socket.socket) -> str:
    """Return the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def require_server() -> None:
    """Make sure that the server is there.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import uvicorn  # noqa: F401, PLC0415 - an optional extra
    except ImportError as problem:
        raise ConfigError(
            "serving needs uvicorn, which is not installed",
            trouble=Code.PACKAGE_MISSING,
            hint="Install it with: pip install 'customer-sync[serve]'",
        ) from problem


def web_server(app: "ASGIApp", **settings: Any) -> "uvicorn.Server":
    """Return a server for *app* that logs nothing and names neither itself nor its make.

    Raises:
        ConfigError: the server is not installed.
    """
    require_server()
    import uvicorn  # noqa: PLC0415 - an optional extra

    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **settings,
    )
    return uvicorn.Server(config)
