"""One request and its answer: paced, timed, retried, counted and observed."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx
import tenacity

from customer_sync.brevo.pauses import Pauses
from customer_sync.brevo.refusals import decoded, raise_for, refusal_from
from customer_sync.brevo.retry import (
    Dice,
    Patience,
    RetryPolicy,
    TransientFailure,
    failure_of,
)
from customer_sync.brevo.throttle import Family, RateNote, Throttle
from customer_sync.clock import Clock
from customer_sync.compression import is_bounded
from customer_sync.errors import BrevoRejected, BrevoUnavailable
from customer_sync.trouble import Code

_LARGEST_ANSWER = 64_000_000
"""In bytes, decompressed; a full page of 1,000 contacts stays far below."""

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the request was sent."""

_IN_FLIGHT = {Family.CONTACTS: 64, Family.OTHER: 4}
"""Requests under way at once. Taken before the slot, so that none waits for a connection between
its slot and its departure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP request that was sent, and what became of it."""

    route: str
    """Method and path template: `PUT /contacts/{identifier}`. Never what identifies a contact."""
    number: int
    """1 for the first attempt."""
    status: int | None
    """None where there was no answer."""
    error: str
    """The kind of failure where there was no answer, else empty."""
    seconds: float
    waited_s: float
    """How long the rate limit held it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An attempt failed and will be made again after a pause."""

    route: str
    number: int
    """Of the attempt that failed."""
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateWait:
    """Brevo asked for a pause, by 429 or because an hour's budget is used up."""

    family: Family
    seconds: float


RequestEvent: TypeAlias = Attempt | Retry | RateWait
RequestObserver: TypeAlias = Callable[[RequestEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to be made."""

    route: str
    url: str
    family: Family | None
    """None: not Brevo's API, so neither paced nor given the key."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    may_repeat: bool = True
    """False: a second one would do the same thing twice."""
    timeout_s: float

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return self.route.partition(" ")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> object:
        """Return the decoded body: None where it is empty, a text where it is no JSON."""
        return decoded(self.content)


class UncertainFailure(BrevoUnavailable):
    """A request that must not be repeated may have arrived, but its answer is lost."""


class Exchange:
    """Sends calls; many tasks of one event loop may use it at once."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        api_key: str,
        throttle: Throttle,
        clock: Clock,
        policy: RetryPolicy,
        dice: Dice,
        deadline: float,
        observer: RequestObserver,
    ) -> None:
        self._http = http
        self._api_key = api_key
        self._throttle = throttle
        self._clock = clock
        self._policy = policy
        self._dice = dice
        self._deadline = deadline
        self._observe = observer
        self._pauses = Pauses(clock.sleep)
        self._room = {family: asyncio.Semaphore(most) for family, most in _IN_FLIGHT.items()}
        self.requests: Counter[str] = Counter()
        self.ahead: timedelta | None = None
        """By how much Brevo's clock is ahead of ours, to the second; None: it did not say."""

    def hurry(self) -> None:
        """Wait for nothing any more: what is under way is answered, the rest is broken off."""
        self._pauses.break_off()

    def budget(self, family: Family) -> RateNote | None:
        """Return what the last answer told of a rate limit, None where none told anything."""
        return self._throttle.latest(family)

    async def send(self, call: Call) -> Answer:
        """Return the answer to *call*, after as many attempts as the policy allows.

        Raises:
            BrevoAuthError: the key was refused.
            BrevoRejected: the request was refused for what it says.
            UncertainFailure: it must not be repeated, and whether it arrived is not known.
            BrokenOff: it had to wait longer than the run may take, or than `hurry` allows.
            BrevoUnavailable: it did not succeed in time.
        """
        patience = Patience(
            policy=self._policy,
            dice=self._dice,
            monotonic=self._clock.monotonic,
            deadline=self._deadline,
            may_repeat=call.may_repeat,
        )
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(TransientFailure),
            wait=patience.pause,
            stop=patience.is_over,
            sleep=self._pauses.sleep,
            before_sleep=lambda state: self._before_pause(call, patience, state),
            reraise=True,
        )
        try:
            return await retrying(self._attempt, call, patience)
        except BrevoRejected as rejection:
            rejection.attempts = patience.attempts
            raise
        except TransientFailure as failure:
            raise _given_up(call, patience, failure) from failure

    def _before_pause(self, call: Call, patience: Patience, state: tenacity.RetryCallState) -> None:
        patience.note_pause(state)
        self._observe(
            Retry(
                route=call.route,
                number=patience.attempts,
                reason=failure_of(state).reason,
                seconds=state.upcoming_sleep,
            )
        )

    async def _attempt(self, call: Call, patience: Patience) -> Answer:
        if call.family is None:
            return await self._sent(call, patience, waited_s=0.0)
        asked_at = self._clock.monotonic()
        async with self._room[call.family]:
            await self._throttle.slot(
                call.family, deadline=self._deadline, sleep=self._pauses.sleep
            )
            waited_s = self._clock.monotonic() - asked_at
            return await self._sent(call, patience, waited_s=waited_s)

    async def _sent(self, call: Call, patience: Patience, *, waited_s: float) -> Answer:
        patience.attempts += 1
        if call.family is not None:
            self.requests[call.route] += 1
        started = self._clock.monotonic()
        result = await self._result(call)
        seconds = self._clock.monotonic() - started
        patience.spent_s += seconds
        self._observe(
            Attempt(
                route=call.route,
                number=patience.attempts,
                status=result.status if isinstance(result, Answer) else None,
                error="" if isinstance(result, Answer) else type(result).__name__,
                seconds=seconds,
                waited_s=waited_s,
            )
        )
        if not isinstance(result, Answer):
            raise _broken(call, result) from result
        self._follow(call, result)
        refusal = refusal_from(result.content, secret=self._api_key)
        raise_for(call.route, result.status, refusal)
        return result

    async def _result(self, call: Call) -> "Answer | Broken":
        try:
            async with asyncio.timeout(call.timeout_s):
                return await self._received(call)
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            return error

    async def _received(self, call: Call) -> Answer:
        headers = {} if call.family is None else {"api-key": self._api_key}
        if call.body is not None:
            headers["content-type"] = "application/json"
        async with self._http.stream(
            call.method, call.url, params=call.query or None, content=call.body, headers=headers
        ) as response:
            if not is_bounded(response.headers.get("content-encoding")):
                raise BrevoUnavailable(
                    f"{call.route} was answered in a compression that nobody asked for",
                    trouble=Code.STRANGE_ANSWER,
                )
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > _LARGEST_ANSWER:
                    raise BrevoUnavailable(
                        f"{call.route} was answered with more than {_LARGEST_ANSWER} bytes",
                        trouble=Code.STRANGE_ANSWER,
                    )
            return Answer(
                status=response.status_code, headers=response.headers, content=bytes(content)
            )

    def _follow(self, call: Call, answer: Answer) -> None:
        """Let the throttle know what the answer says about the limits."""
        if call.family is None:
            return
        ahead = _ahead(answer.headers.get("date"), self._clock.now())
        self.ahead = self.ahead if ahead is None else ahead
        note = RateNote.from_headers(answer.headers)
        pause_s = self._throttle.learn(call.family, note, was_refused=answer.status == 429)
        if pause_s > 0:
            self._observe(RateWait(family=call.family, seconds=pause_s))


def _ahead(date: str | None, now: datetime) -> timedelta | None:
    try:
        return parsedate_to_datetime(date) - now if date else None
    except (TypeError, ValueError):
        return None


Broken: TypeAlias = httpx.TransportError | httpx.DecodingError | TimeoutError


def _broken(call: Call, error: Broken) -> Exception:
    if _is_certificate_refusal(error):
        return BrevoUnavailable(
            "the certificate of the server that answers for Brevo cannot be verified",
            trouble=Code.CERTIFICATE,
            hint="A proxy may intercept the connection: give its authority in SSL_CERT_FILE.",
        )
    what = f"the connection failed ({type(error).__name__})"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        what = f"no answer within {call.timeout_s:g} s"
    return TransientFailure(what, may_have_arrived=not isinstance(error, _NEVER_LEFT))


def _is_certificate_refusal(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _given_up(call: Call, patience: Patience, failure: TransientFailure) -> BrevoUnavailable:
    if failure.may_have_arrived and not call.may_repeat:
        return UncertainFailure(
            f"whether {call.route} arrived is not known: {failure.reason}",
            trouble=Code.IMPORT_UNCERTAIN,
            hint="Look before sending it again.",
        )
    times = f"{patience.attempts} attempts" if patience.attempts > 1 else "1 attempt"
    return BrevoUnavailable(
        f"{call.route} did not succeed in {times} and {patience.spent_s:.0f} s: {failure.reason}",
        trouble=failure.trouble,
        hint="Nothing is lost; run again later.",
    )
