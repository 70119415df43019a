"""The server that receives, and the thread that writes, from their start to their end."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

if TYPE_CHECKING:
    import uvicorn

LEAVE_S = 20.0
"""How long the batch in flight may take once it is to end; after that it comes again."""

_GRACE_S = 10
"""How long requests may take that are under way then."""


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
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as problem:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {problem}",
            trouble=Code.LISTENING,
            hint="Name another port; 0 takes any.",
        ) from problem


def address(listener: socket.socket) -> str:
    """Return the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: ASGIApp) -> "uvicorn.Server":
    """Return a server for *app*.

    Raises:
        ConfigError: the server is not installed.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an optional extra
    except ImportError as problem:
        raise ConfigError(
            "serving needs uvicorn, which is not installed",
            trouble=Code.PACKAGE_MISSING,
            hint="Install it with: pip install 'customer-sync[serve]'",
        ) from problem
    return uvicorn.Server(
        uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )


@contextmanager
def beside(work: Callable[[], None], end: Callable[[], None]) -> Iterator[threading.Thread]:
    """Do *work* in a thread of its own meanwhile; *end* lets it come to its end.

    What it is at then may take `LEAVE_S`. Nothing is lost where that is too short: what was not
    accepted is still in the inbox.
    """
    thread = threading.Thread(target=work, name="flushing", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        end()
        thread.join(LEAVE_S)


@contextmanager
def ending_quietly() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end what is within, and not the process.

    The server stops at them and raises them again for whoever was there before it.
    """
    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _let_pass) for number in watched]
    try:
        yield
    finally:
        for number, last in zip(watched, before, strict=True):
            signal.signal(number, last)


def _let_pass(_number: int, _frame: FrameType | None) -> None:
    """Take note of nothing: the server saw the signal itself."""
