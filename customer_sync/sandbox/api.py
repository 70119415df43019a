"""Brevo's routes under /v3 as ASGI: from a request to a call, from an answer to a response."""

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from customer_sync.sandbox import jobs
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.errors import ConnectionDropped, method_not_allowed, not_found
from customer_sync.sandbox.reception import Operation, receive
from customer_sync.sandbox.routes import ROUTES
from customer_sync.sandbox.state import State
from customer_sync.sandbox.timeline import http_date

PREFIX = "/v3"
_NOTIFYING = frozenset({"/contacts/import", "/contacts/export"})


class Api:
    """Answers Brevo's requests, and sees to it that processes end when their time has come."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting: set[asyncio.Task[None]] = set()

    def routes(self) -> Sequence[BaseRoute]:
        """Return every route, the last of which takes what no other does."""
        known = [
            Route(template, _Path(self, template, operations))
            for template, operations in ROUTES.items()
        ]
        return [*known, Route("/{rest:path}", _Path(self, "unknown", {}))]

    async def respond(
        self, request: Request, template: str, operations: Mapping[str, Operation]
    ) -> Response:
        """Answer one request.

        Raises:
            ConnectionDropped: The connection is to break.
        """
        body = await request.body()
        latency = self._state.settings.latency
        if latency > 0:
            await self._state.clock.sleep(latency)
        await self.settle()
        method = request.method
        with self._state.writing(f"{method} {template}") as account:
            answer = receive(
                _call(account, request, body),
                _operation(method, operations),
                method=method,
                path=str(request.scope["path"]).removeprefix(PREFIX),
                key=_key(request),
            )
        if answer is None:
            raise ConnectionDropped("the sandbox dropped the connection")
        if answer.status == 202 and template in _NOTIFYING:
            self._settle_later()
        return _response(answer, account.now)

    # ------------------------------------------------------------ processes

    async def settle(self) -> None:
        """Do the work of all processes whose time has come."""
        account = self._state.peek()
        for job in jobs.due(account.db, account.now):
            fetched = None if job.file_url is None else await jobs.fetch(job.file_url)
            with self._state.writing(job.work.value, at=job.ends_at) as writable:
                status = jobs.finish(writable, job, fetched)
            if status is not None and job.notify_url is not None:
                self._start(jobs.notify(job, account.settings.notify_body, status))

    def _settle_later(self) -> None:
        """Look again when the next process that somebody wants to be told of has ended."""
        account = self._state.peek()
        query = "SELECT min(ends_at) FROM processes WHERE is_open AND notify_url IS NOT NULL"
        ends_at = account.db.execute(query).fetchone()[0]
        if ends_at is not None:
            self._start(self._settle_after(max(0, ends_at - account.now) / 1000))

    async def _settle_after(self, seconds: float) -> None:
        await self._state.clock.sleep(seconds)
        await self.settle()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)


class _Path:
    """The endpoint of one path; it takes every verb, to refuse those that it does not know."""

    def __init__(self, api: Api, template: str, operations: Mapping[str, Operation]) -> None:
        self._api = api
        self._template = template
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._api.respond(request, self._template, self._operations)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


def _call(account: Account, request: Request, body: bytes) -> Call:
    return Call(
        account=account,
        names={name: unquote(value) for name, value in request.path_params.items()},
        query=request.query_params,
        body=body,
        base_url=str(request.base_url).rstrip("/").removesuffix(PREFIX),
    )


def _key(request: Request) -> str | None:
    """Return the key, which newer clients may also send as a bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    return request.headers.get("api-key") or bearer


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
