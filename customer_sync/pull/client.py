"""The HTTP that all shops share: timeouts, retries, bounded answers, no secret where it leaks."""

import asyncio
import email.utils
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import BinaryIO, ParamSpec, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx
import tenacity

from customer_sync import compression
from customer_sync.clock import Clock
from customer_sync.config.addresses import address_flaw, is_loopback
from customer_sync.errors import CustomerSyncError, ShopAuthError, ShopRefused, ShopUnavailable
from customer_sync.readers.strict_json import JsonProblem, decode
from customer_sync.trouble import Code

T = TypeVar("T")
P = ParamSpec("P")

ATTEMPTS = 8
"""How often one request is made before the shop counts as unavailable."""
LONGEST_PAUSE_S = 120.0
"""A shop may ask for longer, and is asked again after this."""
LARGEST_ANSWER = 64_000_000
"""In bytes, decompressed; a page of 300 customers stays far below."""
LARGEST_DOWNLOAD = 20_000_000_000

_TRANSIENT = frozenset({408, 425, 429})
_BACKOFF = tenacity.wait_random_exponential(multiplier=1, max=30)
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to the shop."""

    path: str
    """Below the shop's address."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    """Sent as JSON by POST."""
    form: Mapping[str, str] | None = None
    """Sent as a form by POST. Without either: a GET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a shop answered with success."""

    value: object
    """The decoded JSON."""
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRequest:
    """One request that was sent to a shop, and what became of it."""

    route: str
    """Method and path, without what was asked for; a file that a shop made is `GET (download)`."""
    status: int | None
    """None where there was no answer."""
    error: str
    """What broke it off, else empty."""
    attempt: int
    """1 for the first."""
    seconds: float
    """Until the answer was read."""
    waited_s: float
    """The pauses since the first attempt."""


ShopObserver: TypeAlias = Callable[[ShopRequest], None]


class _Transient(Exception):
    """An attempt that may succeed when it is made again."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class ShopClient:
    """One shop, asked one thing after the other; for an `async with` in an event loop of *clock*.

    Redirects are not followed, so that nobody but the shop sees the secrets in *headers*. What an
    answer says in words is never repeated in an error, since it may repeat a secret or a customer.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline: float = float("inf"),
        on_request: ShopObserver = lambda _request: None,
    ) -> None:
        self.url = url
        self.clock = clock
        self.server_time: datetime | None = None
        """What time the shop had at its first answer; None: it did not say."""
        self.headers = dict(headers or {})
        self._deadline = deadline
        self._on_request = on_request
        self._attempts, self._waited_s = 1, 0.0
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            # A proxy of the environment is for the world; what stays here must not go through it.
            trust_env=not is_loopback(urlsplit(url).hostname or ""),
            headers={
                "accept": "application/json",
                "accept-encoding": compression.ACCEPTED,
                "user-agent": "customer-sync",
            },
        )

    def __repr__(self) -> str:
        return f"ShopClient({self.url!r})"

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def fetch(self, ask: Ask) -> Answer:
        """Return the shop's answer, after as many attempts as it takes and is allowed.

        Raises:
            ShopAuthError: the shop refuses the secrets.
            ShopRefused: it answers with something else than what was asked for.
            ShopUnavailable: it cannot be reached in time.
        """
        return await self._retried(self._attempt, ask)

    async def download(self, url: str, file: BinaryIO, *, size: int | None = None) -> None:
        """Write what *url* holds to *file*, without any secret; an attempt begins it anew.

        *size* is how many bytes are expected at least.

        Raises:
            ShopRefused: it is not to be had.
            ShopUnavailable: it cannot be had in time, or not as a whole.
        """
        if address_flaw(url) or (_is_https(self.url) and not _is_https(url)):
            raise ShopRefused(
                "The shop names a place for its customers that is not encrypted.",
                trouble=Code.SHOP_ANSWER,
            )
        await self._retried(self._downloaded, url, file, size)

    async def pause(self, seconds: float) -> None:
        """Wait, as the shop asks for.

        Raises:
            ShopUnavailable: the time that the run may take would be over.
        """
        wait_s = min(max(seconds, 0.0), LONGEST_PAUSE_S)
        if self.clock.monotonic() + wait_s > self._deadline:
            raise ShopUnavailable(
                "The time for this run is over before the shop's customers are read.",
                trouble=Code.SHOP_UNAVAILABLE,
                hint="Nothing was changed. `--max-duration` says how long it may take.",
            )
        await self.clock.sleep(wait_s)

    # ------------------------------------------------------------ attempts

    async def _retried(
        self, attempt: Callable[P, Awaitable[T]], *args: P.args, **options: P.kwargs
    ) -> T:
        def is_over(state: tenacity.RetryCallState) -> bool:
            ends_at = self.clock.monotonic() + state.upcoming_sleep
            return state.attempt_number >= ATTEMPTS or ends_at > self._deadline

        retrying = tenacity.AsyncRetrying(
            before=self._note_attempt,
            retry=tenacity.retry_if_exception_type(_Transient),
            wait=_pause,
            stop=is_over,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt, *args, **options)
        except _Transient as failure:
            times = retrying.statistics.get("attempt_number", 1)
            raise ShopUnavailable(
                f"{self.url} did not give its customers in {times} attempts: {failure.reason}.",
                trouble=Code.SHOP_UNAVAILABLE,
                hint="Nothing was changed; run again later.",
            ) from None

    def _note_attempt(self, state: tenacity.RetryCallState) -> None:
        self._attempts, self._waited_s = state.attempt_number, state.idle_for

    @asynccontextmanager
    async def _observed(
        self, route: str, answering: AbstractAsyncContextManager[httpx.Response]
    ) -> AsyncIterator[httpx.Response]:
        """Tell of the request of *route* once its answer is read, or lost."""
        began = self.clock.monotonic()
        status, lost = None, ""
        try:
            async with answering as response:
                status = response.status_code
                yield response
        except BaseException as error:
            lost = type(error).__name__
            raise
        finally:
            self._on_request(
                ShopRequest(
                    route=route,
                    status=status,
                    error=lost,
                    attempt=self._attempts,
                    seconds=self.clock.monotonic() - began,
                    waited_s=self._waited_s,
                )
            )

    async def _attempt(self, ask: Ask) -> Answer:
        status, headers, content = await self._received(ask)
        self._note_time(headers)
        if not 200 <= status < 300:
            raise self._refusal(status, headers, content)
        return Answer(value=self._decoded(headers, content), headers=headers)

    async def _received(self, ask: Ask) -> tuple[int, httpx.Headers, bytes]:
        method = "GET" if ask.body is None and ask.form is None else "POST"
        content = bytearray()
        try:
            async with (
                asyncio.timeout(_TIMEOUT_S),
                self._observed(
                    f"{method} {ask.path}",
                    self._http.stream(
                        method,
                        f"{self.url}{ask.path}",
                        params=ask.query or None,
                        json=ask.body,
                        data=ask.form,
                        headers=self.headers,
                    ),
                ) as response,
            ):
                self._check_compression(response.headers)
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > LARGEST_ANSWER:
                        raise ShopRefused(
                            f"{self.url} answers with more than {LARGEST_ANSWER:,} bytes.",
                            trouble=Code.SHOP_ANSWER,
                            hint="Is it the shop? Ask for fewer customers at a time: `page_size`.",
                        )
                return response.status_code, response.headers, bytes(content)
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise _broken(error) from None

    async def _downloaded(self, url: str, file: BinaryIO, size: int | None) -> None:
        file.seek(0)
        file.truncate()
        try:
            async with self._observed("GET (download)", self._http.stream("GET", url)) as response:
                if response.status_code != 200:
                    raise self._refusal(response.status_code, response.headers, b"")
                self._check_compression(response.headers)
                async for piece in response.aiter_bytes():
                    file.write(piece)
                    if file.tell() > LARGEST_DOWNLOAD:
                        raise ShopRefused(
                            "The shop's customers are larger than any shop's.",
                            trouble=Code.SHOP_ANSWER,
                        )
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _broken(error) from None
        except OSError as error:
            raise ShopUnavailable(
                f"The shop's customers cannot be kept for the time of the run: {error.strerror}.",
                trouble=Code.NO_ROOM,
                hint="Make room in the folder for temporary files, or set TMPDIR to another one.",
            ) from error
        if size is not None and file.tell() < size:
            raise _Transient("the file with the customers broke off")

    # ------------------------------------------------------------ answers

    def _check_compression(self, headers: Mapping[str, str]) -> None:
        if not compression.is_bounded(headers.get("content-encoding")):
            raise ShopRefused(
                f"{self.url} answers in a compression that nobody asked for.",
                trouble=Code.SHOP_ANSWER,
                hint="Is it the shop? Something in front of it may compress twice.",
            )

    def _note_time(self, headers: Mapping[str, str]) -> None:
        if self.server_time is None:
            self.server_time = _moment(headers.get("date"))

    def _refusal(
        self, status: int, headers: Mapping[str, str], content: bytes
    ) -> CustomerSyncError | _Transient:
        """Return what a status without success means."""
        is_page = _is_page(headers, content)
        what = f"{self.url} answers with {'a web page and ' if is_page else ''}status {status}"
        if status in _TRANSIENT or status >= 500:
            reason = f"it answers with {'a web page and ' if is_page else ''}status {status}"
            after = headers.get("retry-after")
            return _Transient(reason, retry_after_s=_seconds(after, self.clock.now()))
        if 300 <= status < 400:
            return ShopRefused(
                f"{self.url} leads to another address ({status}), which is not followed, since "
                "the secrets are meant for this one.",
                trouble=Code.SHOP_ELSEWHERE,
                hint="Write the address that the shop itself uses into `shop.url`; with or "
                "without www makes a difference.",
            )
        if status == 403 and is_page:
            return ShopRefused(
                f"{what}: a firewall in front of the shop seems to refuse programs.",
                trouble=Code.SHOP_FIREWALL,
                hint="Have whoever runs the shop's server let this machine through.",
            )
        if status in {401, 403}:
            return ShopAuthError(
                f"{what}{self._code(headers, content)}: the token or key is refused, or may not "
                "read customers.",
                trouble=Code.SHOP_KEY,
                hint="Check the environment variables that `shop:` names, and the permissions.",
            )
        return ShopRefused(
            f"{what}{self._code(headers, content)} instead of customers.",
            trouble=Code.SHOP_ANSWER,
            hint="Check `shop.url` in the configuration, and whether the shop offers its interface "
            "there.",
        )

    def _code(self, headers: Mapping[str, str], content: bytes) -> str:
        """Return the shop's word for an error, where it is one and no secret."""
        try:
            value = self._decoded(headers, content)
        except ShopRefused:
            return ""
        code = value.get("code") if isinstance(value, Mapping) else None
        if not isinstance(code, str) or not code.isascii() or len(code) > 60:
            return ""
        is_secret = code in "".join(self.headers.values())
        return f" ({code})" if code.replace("_", "").isalpha() and not is_secret else ""

    def _decoded(self, headers: Mapping[str, str], content: bytes) -> object:
        if _is_page(headers, content):
            raise ShopRefused(
                f"{self.url} answers with a web page instead of customers.",
                trouble=Code.SHOP_ANSWER,
                hint="Check `shop.url`; a maintenance page or a firewall may be in the way.",
            )
        try:
            return decode(content.decode("utf-8-sig"))
        except (JsonProblem, UnicodeDecodeError):
            raise ShopRefused(
                f"{self.url} answers with something that is no JSON.",
                trouble=Code.SHOP_ANSWER,
                hint="Check `shop.url`; a plugin may print warnings into every answer.",
            ) from None


def _pause(state: tenacity.RetryCallState) -> float:
    """Return how long to wait: exponential, with full jitter, or as long as the shop asks for."""
    failure = state.outcome.exception() if state.outcome else None
    asked_s = failure.retry_after_s if isinstance(failure, _Transient) else 0.0
    return max(_BACKOFF(state), asked_s)


def _broken(error: Exception) -> _Transient:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return _Transient(f"no answer within {_TIMEOUT_S:g} s")
    return _Transient(f"the connection failed ({type(error).__name__})")


def _seconds(retry_after: str | None, now: datetime) -> float:
    """Return what a Retry-After asks for, within what is reasonable; 0 where it makes no sense."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE_S)
    moment = _moment(text)
    wanted_s = 0.0 if moment is None else (moment - now).total_seconds()
    return min(max(wanted_s, 0.0), LONGEST_PAUSE_S)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_page(headers: Mapping[str, str], content: bytes) -> bool:
    is_named = "html" in headers.get("content-type", "").lower()
    return is_named or content.lstrip()[:1] == b"<"


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"
