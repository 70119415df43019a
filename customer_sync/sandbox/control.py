"""The sandbox's own routes: reading what happened, moving its time, making trouble.

They are under /sandbox and /files, need no key and are never limited. Requests that change
something must be JSON, so that no web page in a browser can send them unasked.
"""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from customer_sync.core.model import Attribute, AttributeType
from customer_sync.sandbox import page, reading, traffic
from customer_sync.sandbox.account import Answer
from customer_sync.sandbox.errors import BrevoFault
from customer_sync.sandbox.settings import as_json
from customer_sync.sandbox.state import State
from customer_sync.sandbox.timeline import moment

_LONGEST_ADVANCE_S = 10 * 366 * 24 * 3600.0


class Control:
    """Answers the control routes of one sandbox."""

    def __init__(self, state: State, settle: Callable[[], Awaitable[None]]) -> None:
        self._state = state
        self._settle = settle

    def routes(self) -> Sequence[BaseRoute]:
        """Return the control routes."""
        changes: Mapping[str, Callable[[Mapping[str, object]], Answer]] = {
            "/sandbox/clock/advance": self._advance,
            "/sandbox/faults": self._inject,
            "/sandbox/reset": self._reset,
            "/sandbox/settings": self._change_settings,
            "/sandbox/ensure": self._ensure,
            "/sandbox/segments": self._make_segment,
            "/sandbox/make": self._make,
            "/sandbox/edit": self._edit,
            "/sandbox/unsubscribe": self._unsubscribe,
            "/sandbox/remove": self._remove,
        }
        return [
            Route("/", self._page),
            Route("/files/{name}", self._file),
            Route("/sandbox/counts", self._counts),
            Route("/sandbox/requests", self._requests),
            Route("/sandbox/transitions", self._transitions),
            Route("/sandbox/clock", self._clock),
            Route("/sandbox/settings", self._settings, methods=["GET"]),
            *(
                Route(path, self._changing(change), methods=["POST"])
                for path, change in changes.items()
            ),
        ]

    # ------------------------------------------------------------ reading

    async def _page(self, _: Request) -> Response:
        await self._settle()
        return HTMLResponse(
            page.render(self._state),
            headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    async def _file(self, request: Request) -> Response:
        content = self._state.file(str(request.path_params["name"]).removesuffix(".csv"))
        if content is None:
            return JSONResponse({"message": "There is no such file"}, 404)
        return Response(content, media_type="text/csv; charset=utf-8")

    async def _counts(self, _: Request) -> Response:
        return JSONResponse({"counts": self._state.request_counts()})

    async def _requests(self, _: Request) -> Response:
        seen = traffic.last(self._state.peek())
        shown = [{**asdict(each), "at": moment(each.at).isoformat()} for each in seen]
        return JSONResponse({"requests": shown})

    async def _transitions(self, _: Request) -> Response:
        shown = [{**asdict(each), "at": each.at.isoformat()} for each in self._state.transitions()]
        return JSONResponse({"transitions": shown})

    async def _clock(self, _: Request) -> Response:
        return JSONResponse({"now": self._state.now().isoformat()})

    async def _settings(self, _: Request) -> Response:
        return JSONResponse({"settings": as_json(self._state.settings)})

    # ------------------------------------------------------------ changing

    def _changing(
        self, change: Callable[[Mapping[str, object]], Answer]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if not request.headers.get("content-type", "").startswith("application/json"):
                return JSONResponse({"message": "Send application/json"}, 415)
            try:
                body = json.loads(await request.body() or b"{}")
                if not isinstance(body, dict):
                    raise ValueError("Send a JSON object")  # noqa: TRY301 TRY004 - one way to say no
                answer = change(body)
            except (ValueError, RecursionError, BrevoFault) as problem:
                return JSONResponse({"message": str(problem)}, 400)
            await self._settle()
            return JSONResponse(answer.content, answer.status)

        return endpoint

    def _advance(self, body: Mapping[str, object]) -> Answer:
        seconds = body.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ValueError("seconds must be a number")  # noqa: TRY004 - the endpoint's one error
        if not (math.isfinite(seconds) and 0 <= seconds <= _LONGEST_ADVANCE_S):
            raise ValueError("seconds must be between 0 and ten years")
        self._state.advance(seconds)
        return Answer(status=200, content={"now": self._state.now().isoformat()})

    def _inject(self, body: Mapping[str, object]) -> Answer:
        route, status = body.get("route", "*"), body.get("status")
        times, is_dropped = body.get("times", 1), body.get("drop", False)
        if not isinstance(route, str):
            raise ValueError("route must be a text such as POST /contacts/batch")  # noqa: TRY004 - as above
        if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 1_000_000:
            raise ValueError("times must be a whole number from 1 to 1,000,000")
        if is_dropped is not (status is None):
            raise ValueError("give either a status, or drop as true")
        if status is not None and not (isinstance(status, int) and 400 <= status <= 599):
            raise ValueError("status must be from 400 to 599")
        after_effect = body.get("after_effect") is True
        self._state.inject(route, status=status, times=times, after_effect=after_effect)
        return Answer(status=200, content={})

    def _reset(self, _: Mapping[str, object]) -> Answer:
        self._state.reset()
        return Answer(status=200, content={})

    def _change_settings(self, body: Mapping[str, object]) -> Answer:
        self._state.change_settings(body)
        return Answer(status=200, content={"settings": as_json(self._state.settings)})

    def _ensure(self, body: Mapping[str, object]) -> Answer:
        lists = {int(key): str(name) for key, name in _object(body, "lists").items()}
        if not all(1 <= key < 2**63 for key in lists):
            raise ValueError("a list id is a positive number")
        attributes = {
            name: _attribute(name, wanted) for name, wanted in _object(body, "attributes").items()
        }
        self._state.ensure(lists=lists, attributes=attributes)
        return Answer(status=200, content={})

    def _make_segment(self, body: Mapping[str, object]) -> Answer:
        segment_id = body.get("id")
        if isinstance(segment_id, bool) or not isinstance(segment_id, int):
            raise ValueError("id must be a number")  # noqa: TRY004 - the endpoint's one error
        if not 1 <= segment_id < 2**63:
            raise ValueError("id must be a positive number")
        name, text = str(body.get("name", "")), str(body.get("filter", ""))
        self._state.make_segment(segment_id, name, text)
        return Answer(status=200, content={})

    def _make(self, body: Mapping[str, object]) -> Answer:
        self._state.make(reading.required_text(body, "email"), _without_email(body))
        return Answer(status=200, content={})

    def _edit(self, body: Mapping[str, object]) -> Answer:
        self._state.edit(reading.required_text(body, "email"), _without_email(body))
        return Answer(status=200, content={})

    def _unsubscribe(self, body: Mapping[str, object]) -> Answer:
        email = reading.required_text(body, "email")
        self._state.unsubscribe(email, reading.number(body, "list"))
        return Answer(status=200, content={})

    def _remove(self, body: Mapping[str, object]) -> Answer:
        self._state.remove(reading.required_text(body, "email"))
        return Answer(status=200, content={})


def _without_email(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != "email"}


def _object(body: Mapping[str, object], name: str) -> dict[str, object]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004 - the endpoint's one error
    return value


def _attribute(name: str, wanted: object) -> Attribute:
    """Return `"float"`, or `{"type": "multiple-choice", "options": [...]}`, as an attribute."""
    options: dict[str, str] = {}
    if isinstance(wanted, dict):
        given = wanted.get("options", [])
        if isinstance(given, dict):
            options = {str(value): str(label) for value, label in given.items()}
        elif isinstance(given, list):
            options = {str(option): str(option) for option in given}
        wanted = wanted.get("type")
    return Attribute(name=name, type=AttributeType(str(wanted)), options=options)
