"""The sandbox: an emulated Brevo account in a file, as an ASGI application."""

from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_sync.clock import Clock
from customer_sync.sandbox.api import PREFIX, Api
from customer_sync.sandbox.control import Control
from customer_sync.sandbox.settings import DEFAULTS, Settings
from customer_sync.sandbox.state import State


class Sandbox(State):
    """An emulated Brevo account whose whole state is one SQLite file.

    The file is made when it is missing, readable by its owner alone. Brevo's routes are under
    `/v3` of `app`, the sandbox's own under `/sandbox`, a page for the eye at `/`.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, path: Path, *, clock: Clock, settings: Settings = DEFAULTS) -> None:
        super().__init__(path, clock=clock, settings=settings)
        api = Api(self)
        control = Control(self, api.settle)
        routes = [Mount(PREFIX, routes=api.routes()), *control.routes()]
        self.app: ASGIApp = _Undecoded(Router(routes=routes, redirect_slashes=False))
        """The ASGI application: for httpx's `ASGITransport`, or for a server."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Undecoded:
    """Routes by the path as it was sent, so that an encoded slash stays within its segment."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if raw is not None:
            scope = {**scope, "path": raw.decode("ascii", "replace")}
        await self._app(scope, receive, send)
