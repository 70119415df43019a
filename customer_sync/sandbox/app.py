"""The sandbox: an emulated Brevo account in a file, as an ASGI application."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_sync.clock import Clock
from customer_sync.core.model import Attribute, AttributeType
from customer_sync.sandbox import opening, traffic
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.errors import ConnectionDropped, method_not_allowed, not_found
from customer_sync.sandbox.reception import Operation, receive
from customer_sync.sandbox.routes import ROUTES
from customer_sync.sandbox.settings import DEFAULTS, Settings, changed
from customer_sync.sandbox.storage import Storage
from customer_sync.sandbox.timeline import Timeline, http_date, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One contact that became mailable again after it was blocked."""

    at: datetime
    contact_id: int
    address: str | None
    channel: str
    """`email` or `sms`."""
    cause: str
    """`flag`, `rename`, `import`, or `came back after deletion`."""
    route: str


class Sandbox:
    """An emulated Brevo account whose whole state is one SQLite file.

    The file is made when it is missing, readable by its owner alone. Brevo's routes are under
    `/v3` of `app`; settings that were changed through the control routes are kept in the file and
    win over those passed.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, path: Path, *, clock: Clock, settings: Settings = DEFAULTS) -> None:
        self._clock = clock
        self._passed = settings
        self._storage = Storage(path)
        with self._storage.transaction() as db:
            self._timeline = Timeline(clock, not_before=_latest(db))
            if not db.execute("SELECT 1 FROM attributes").fetchone():
                opening.open_fresh(self._account(db, "opening"))
        self.app: ASGIApp = _Undecoded(Starlette(routes=self._routes()))
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

    def close(self) -> None:
        """Close the file."""
        self._storage.close()

    def reset(self) -> None:
        """Make it a fresh account again, without contacts, counts, faults or changed settings."""
        with self._storage.transaction() as db:
            now = self._timeline.now()
            self._storage.empty(db)
            _remember_time(db, now)
            opening.open_fresh(self._account(db, "opening"))

    def ensure(
        self,
        *,
        lists: Mapping[int, str] | None = None,
        attributes: Mapping[str, AttributeType | Attribute] | None = None,
    ) -> None:
        """Make lists and attributes exist; what exists already stays as it is.

        Raises:
            ValueError: An attribute exists with another type.
        """
        with self._storage.transaction() as db:
            account = self._account(db, "opening")
            for list_id, name in (lists or {}).items():
                opening.ensure_list(account, list_id, name)
            for name, wanted in (attributes or {}).items():
                opening.ensure_attribute(account, name, wanted)

    def request_counts(self) -> dict[str, int]:
        """Return how many requests came for each route, such as `PUT /contacts/{identifier}`."""
        return traffic.counts(self._account(self._storage.connection, "control"))

    def transitions(self) -> tuple[Transition, ...]:
        """Return every contact that became mailable after it was blocked, in order."""
        rows = self._storage.connection.execute(
            "SELECT at, contact_id, address, channel, cause, route FROM transitions ORDER BY id"
        )
        return tuple(Transition(**{**dict(row), "at": moment(row["at"])}) for row in rows)

    def now(self) -> datetime:
        """Return the sandbox's time: the clock's, or later where the file has seen later times."""
        return moment(self._timeline.now())

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass for this sandbox alone."""
        self._timeline.advance(seconds)
        with self._storage.transaction() as db:
            _remember_time(db, self._timeline.now())

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._settings(self._storage.connection)

    def _settings(self, db: sqlite3.Connection) -> Settings:
        row = db.execute("SELECT value FROM meta WHERE name = 'settings'").fetchone()
        return self._passed if row is None else changed(self._passed, json.loads(row[0]))

    def _account(self, db: sqlite3.Connection, route: str) -> Account:
        return Account(db=db, settings=self._settings(db), now=self._timeline.now(), route=route)

    # ------------------------------------------------------------ serving

    def _routes(self) -> Sequence[BaseRoute]:
        known = [
            Route(template, _Path(self, template, operations))
            for template, operations in ROUTES.items()
        ]
        unknown = Route("/{rest:path}", _Path(self, "unknown", {}))
        return [Mount("/v3", routes=[*known, unknown])]

    async def answer(
        self, request: Request, template: str, operations: Mapping[str, Operation]
    ) -> Response:
        """Answer a request under /v3.

        Raises:
            ConnectionDropped: The connection is to break.
        """
        body = await request.body()
        if self.settings.latency > 0:
            await self._clock.sleep(self.settings.latency)
        path = request.scope["path"].removeprefix("/v3")
        with self._storage.transaction() as db:
            account = self._account(db, f"{request.method} {template}")
            call = Call(
                account=account,
                names={name: unquote(value) for name, value in request.path_params.items()},
                query=request.query_params,
                body=body,
                base_url=str(request.base_url).removesuffix("/v3/").rstrip("/"),
            )
            operation = _operation(request.method, operations)
            key = request.headers.get("api-key")
            answer = receive(call, operation, method=request.method, path=path, key=key)
        if answer is None:
            raise ConnectionDropped("the sandbox dropped the connection")
        return _response(answer, account.now)


def _operation(method: str, operations: Mapping[str, Operation]) -> Operation:
    if method in operations:
        return operations[method]

    def refuse(_: Call) -> Answer:
        if not operations:
            raise not_found("Route does not exist")
        raise method_not_allowed(method, sorted(operations))

    return refuse


def _response(answer: Answer, now: int) -> Response:
    headers = {**answer.headers, "date": http_date(now)}
    if answer.text is not None:
        return Response(answer.text, answer.status, headers, media_type="text/plain")
    if answer.content is None:
        return Response(status_code=answer.status, headers=headers)
    content = json.dumps(answer.content, ensure_ascii=False, separators=(",", ":"))
    return Response(content, answer.status, headers, media_type="application/json")


class _Path:
    """The endpoint of one path; it takes every verb, to refuse those that it does not know."""

    def __init__(
        self, sandbox: Sandbox, template: str, operations: Mapping[str, Operation]
    ) -> None:
        self._sandbox = sandbox
        self._template = template
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._sandbox.answer(request, self._template, self._operations)
        await response(scope, receive, send)


class _Undecoded:
    """Routes by the path as it was sent, so that an encoded slash stays within its segment."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if raw is not None:
            scope = {**scope, "path": raw.decode("ascii", "replace")}
        await self._app(scope, receive, send)


def _latest(db: sqlite3.Connection) -> int:
    """Return the latest time that the file has seen."""
    remembered = db.execute("SELECT value FROM meta WHERE name = 'time'").fetchone()
    last = db.execute("SELECT max(at) FROM requests").fetchone()[0]
    return max(int(remembered[0]) if remembered else 0, last or 0)


def _remember_time(db: sqlite3.Connection, now: int) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES ('time', ?)", (str(now),))
