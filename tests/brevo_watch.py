"""Watches what the client and the sandbox say to each other, and holds it to the description."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

import openapi_core
import pytest
from jsonschema_path import SchemaPath
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.schemas import oas30_read_schema_validators_factory
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from openapi_core.validation.schemas.factories import SchemaValidatorsFactory
from openapi_core.validation.schemas.validators import SchemaValidator
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import ImmutableMultiDict

from brevo_description import PREFIX, Document, closed, corrected, load, with_troubles
from customer_sync.sandbox import Sandbox
from customer_sync.sandbox.errors import ConnectionDropped

CLIENT = "customer-sync"
"""The user agent of the project's own client, the only one whose requests are judged."""

_HOST = "http://brevo.invalid"
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked."""

    method: str
    path: str
    """As it was sent: percent-encoded, with the prefix."""
    query: str
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that the description does not allow."""

    route: str
    direction: str
    """`request`, `answer` with its status, or `no answer`."""
    problem: str

    def __str__(self) -> str:
        return f"{self.route}: {self.direction}: {self.problem}"


# ---------------------------------------------------------------- rules


class Rules:
    """Brevo's description, compiled once, as something that exchanges can be held against.

    What was judged good is not judged again when the very same comes by.
    """

    def __init__(self, published: Document) -> None:
        self._published = published
        self._good: set[bytes] = set()

    @cached_property
    def _document(self) -> Document:
        return closed(corrected(self._published))

    @cached_property
    def _calm(self) -> openapi_core.OpenAPI:
        return _compiled(self._document)

    @cached_property
    def _troubled(self) -> openapi_core.OpenAPI:
        return _compiled(with_troubles(self._document))

    def judge_request(self, request: Request) -> tuple[Violation, ...]:
        """Return what is wrong about a request."""
        seal = _seal("request", request, request.body)
        if seal in self._good:
            return ()
        errors = self._calm.iter_request_errors(_asked(request))
        return self._judged(seal, request, "request", _problems(errors))

    def judge_answer(
        self, request: Request, answer: Answer, *, is_troubled: bool
    ) -> tuple[Violation, ...]:
        """Return what is wrong about an answer; where trouble was ordered, any error may come."""
        seal = _seal(f"{answer.status} {is_troubled}", request, answer.body)
        if seal in self._good:
            return ()
        problems = self._problems_of(request, answer, is_troubled=is_troubled)
        return self._judged(seal, request, f"answer {answer.status}", problems)

    def _problems_of(self, request: Request, answer: Answer, *, is_troubled: bool) -> Iterator[str]:
        if not answer.body:
            if "content-type" in answer.headers:
                yield "there is a content type but no content"
            if answer.status == 429:
                return  # nobody knows what a 429 looks like; it may well be empty
        elif answer.status == 204:
            yield "there is content where there should be none"
        if answer.status >= 500 and not is_troubled:
            yield "the sandbox failed, and nobody had ordered that"
        rules = self._troubled if is_troubled else self._calm
        errors = [*rules.iter_response_errors(_asked(request), _answered(answer))]
        if any(isinstance(error, PathNotFound | OperationNotFound) for error in errors):
            yield from self._problems_of_nowhere(answer)
        else:
            yield from _problems(errors)

    def _problems_of_nowhere(self, answer: Answer) -> Iterator[str]:
        """Judge the answer to a path or verb that does not exist by what all errors look like."""
        if answer.status < 400:
            yield "a route that the description does not know succeeded"
            return
        stand_in = MockRequest(_HOST, "get", f"{PREFIX}/account")
        yield from _problems(self._troubled.iter_response_errors(stand_in, _answered(answer)))

    def _judged(
        self, seal: bytes, request: Request, direction: str, problems: Iterable[str]
    ) -> tuple[Violation, ...]:
        route = f"{request.method} {request.path}{'?' if request.query else ''}{request.query}"
        found = tuple(
            Violation(route=route, direction=direction, problem=problem) for problem in problems
        )
        if not found:
            self._good.add(seal)
        return found


def _seal(kind: str, request: Request, body: bytes) -> bytes:
    content_type = request.headers.get("content-type", "")
    parts = (kind, request.method, request.path, request.query, content_type)
    return blake2b(repr(parts).encode() + body, digest_size=16).digest()


class _Compiling(SchemaValidatorsFactory):
    """Compiles each schema once; the library's own way is to do so for every value."""

    def __init__(self) -> None:
        own = oas30_read_schema_validators_factory
        super().__init__(own.schema_validator_cls, own.format_checker)
        self._compiled: dict[SchemaPath, SchemaValidator] = {}

    def create(
        self, spec: SchemaPath, schema: SchemaPath, *args: Any, **options: Any
    ) -> SchemaValidator:
        if schema not in self._compiled:
            self._compiled[schema] = super().create(spec, schema, *args, **options)
        return self._compiled[schema]


def _compiled(document: Document) -> openapi_core.OpenAPI:
    config = openapi_core.Config(schema_validators_factory=_Compiling())
    return openapi_core.OpenAPI.from_dict(document, config=config)


def _asked(request: Request) -> MockRequest:
    return MockRequest(
        _HOST,
        request.method,
        request.path,
        args=ImmutableMultiDict(parse_qsl(request.query, keep_blank_values=True)),
        headers=dict(request.headers),
        data=request.body,
        content_type=request.headers.get("content-type", "application/octet-stream"),
    )


def _answered(answer: Answer) -> MockResponse:
    return MockResponse(
        answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        content_type=answer.headers.get("content-type", "none"),
    )


def _problems(errors: Iterable[Exception]) -> Iterator[str]:
    for error in errors:
        cause = error.__cause__
        if isinstance(cause, InvalidSchemaValue):
            for each in cause.schema_errors:
                place = getattr(each, "json_path", "$")
                yield f"{error}: {place}: {str(each.args[0])[:_LONGEST]}"
        else:
            yield f"{error}" + (f": {str(cause)[:_LONGEST]}" if cause else "")


# ---------------------------------------------------------------- watching


class Watch:
    """Collects what goes wrong between clients and sandboxes while tests run."""

    def __init__(self, published: Document | None) -> None:
        self._rules = None if published is None else Rules(published)
        self._violations: list[Violation] = []
        self.seen: Counter[str] = Counter()
        """How many requests and answers were judged."""

    @property
    def is_on(self) -> bool:
        """Whether there is a description to hold anything to."""
        return self._rules is not None

    def see_request(self, request: Request) -> None:
        """Judge what the project's own client sent to the API: tests may send what they like."""
        is_ours = request.headers.get("user-agent") == CLIENT
        if self._rules and is_ours and request.path.startswith(f"{PREFIX}/"):
            self.seen["requests"] += 1
            self._violations += self._rules.judge_request(request)

    def see_answer(self, request: Request, answer: Answer, *, is_troubled: bool) -> None:
        """Judge what a sandbox answered to whomever."""
        if self._rules:
            self.seen["answers"] += 1
            self._violations += self._rules.judge_answer(request, answer, is_troubled=is_troubled)

    def see_failure(self, request: Request, failure: Exception) -> None:
        """Take down that a sandbox broke instead of answering."""
        problem = f"{type(failure).__name__}: {failure}"
        route = f"{request.method} {request.path}"
        self._violations.append(Violation(route=route, direction="no answer", problem=problem))

    def drain(self) -> tuple[Violation, ...]:
        """Return what was found since the last time, each once."""
        found = tuple(dict.fromkeys(self._violations))
        self._violations.clear()
        return found


def fail_for(violations: Iterable[Violation]) -> None:
    """Fail the test that runs, if there are any."""
    listed = "\n".join(f"  {each}" for each in violations)
    if listed:
        pytest.fail(f"Brevo's description does not allow:\n{listed}", pytrace=False)


WATCH = Watch(load())
"""The one that everything in a test process is seen by."""


class Watched:
    """A sandbox's application under watch; its own routes beside the API are let alone."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox, watch: Watch) -> None:
        self._app = app
        self._sandbox = sandbox
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and judge before anybody hears the answer."""
        if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        asked = bytearray()
        held: list[Message] = []

        async def listen() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body"):
                self._watch.see_request(_request(scope, asked))
            return message

        async def tell(message: Message) -> None:
            # All of it is held back until it was judged: a client that has heard everything may
            # let the test end, and close the sandbox.
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._see_answer(_request(scope, asked), held)
                for each in held:
                    await send(each)

        try:
            await self._app(scope, listen, tell)
        except (ConnectionDropped, ClientDisconnect):
            raise
        except Exception as failure:
            self._watch.see_failure(_request(scope, asked), failure)
            raise

    def _see_answer(self, request: Request, told: Sequence[Message]) -> None:
        start, *rest = told
        body = b"".join(each.get("body", b"") for each in rest)
        answer = Answer(status=start["status"], headers=_headers(start["headers"]), body=body)
        is_error = answer.status >= 400
        is_troubled = is_error and is_in_trouble(self._sandbox)
        self._watch.see_answer(request, answer, is_troubled=is_troubled)


def is_in_trouble(sandbox: Sandbox) -> bool:
    """Tell whether errors were ordered, now or at any time since it was opened or reset."""
    account = sandbox.peek()
    ordered = account.db.execute("SELECT 1 FROM faults LIMIT 1").fetchone()
    return ordered is not None or bool(account.settings.fail)


def _request(scope: Scope, body: bytearray) -> Request:
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("ascii", "replace"),
        query=scope["query_string"].decode("ascii", "replace"),
        headers=_headers(scope["headers"]),
        body=bytes(body),
    )


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
