"""From the bytes and headers of a request to what is kept, or to why it is refused."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from customer_sync.config import Secret
from customer_sync.core.model import Place, Problem, Record, Rejection
from customer_sync.core.validate import EventValidator, parse_moment
from customer_sync.event_schema import event_schema
from customer_sync.platforms import events
from customer_sync.platforms.format import Wanted
from customer_sync.platforms.magento.rest import REST
from customer_sync.platforms.shopify import webhooks as shopify
from customer_sync.platforms.streaming import Delivery as Webhook
from customer_sync.platforms.woocommerce import rest as woocommerce
from customer_sync.readers.strict_json import JsonProblem, decode
from customer_sync.realtime.inbox import Delivery, Received
from customer_sync.realtime.signatures import RsaVerifier, StandardVerifier, is_signed

REPLAY_WINDOW = timedelta(hours=50)
"""How long ago Shopify may have triggered what it delivers: it was seen to repeat for 48 hours."""

_AHEAD = timedelta(minutes=5)
"""How far the clock of a platform may be ahead of ours."""

_MOST_PROBLEMS = 100
_REFUSED_RULES = frozenset({"webhook-topic", "webhook-body"})
"""What contradicts the request itself. Other broken rules are the customer's, not the sender's."""

_PING = b"webhook_id="

ADOBE_SIGNATURE = "x-adobe-commerce-webhook-signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it arrived."""

    body: bytes
    headers: Mapping[str, str]
    """By their names in lower case."""
    at: datetime


class RequestRefused(Exception):
    """Nothing of the request is kept; `status` is the answer's, `problems` say where and why."""

    def __init__(self, status: int, reason: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the platforms sign with; a platform without any cannot deliver."""

    shopify: tuple[Secret, ...] = ()
    woocommerce: tuple[Secret, ...] = ()
    magento: StandardVerifier | None = None
    adobe: RsaVerifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """What is asked of records, and what requests are signed with."""

    wanted: Wanted = field(default_factory=Wanted)
    secrets: Secrets = field(default_factory=Secrets)

    def plain(self, request: Request) -> Delivery:
        """Return the events of a request: one object, a list of them, or one a line.

        A record that tells no time is of the moment in which it arrived. A request is kept as a
        whole or not at all.

        Raises:
            RequestRefused: 400 it cannot be read, 422 some record breaks a rule.
        """
        contents, is_many = _contents(request)
        records = tuple(
            _record("/events", _timed(content, request.at), request.at, line)
            for line, content in enumerate(contents, start=1)
        )
        if not records:
            raise RequestRefused(400, "There is no event in the request.")
        problems = list(_problems(records, request.at, is_many=is_many))
        if problems:
            raise RequestRefused(
                422, "Some records break rules; nothing of the request was kept.", problems
            )
        key = request.headers.get("idempotency-key", "")
        return Delivery(records=records, names=(f"events:{key}",) if key else ())

    def shopify(self, request: Request) -> Delivery:
        """Return what a webhook of Shopify says.

        It is known again by its id, and by its topic and body together: neither id nor topic is
        covered by the signature.

        Raises:
            RequestRefused: 401 it is not signed, 400 it is too old, 422 it contradicts itself.
        """
        headers = {name.removeprefix("x-"): value for name, value in request.headers.items()}
        _check(request.body, headers.get("shopify-hmac-sha256", ""), self.secrets.shopify)
        triggered_at = headers.get("shopify-triggered-at")
        _check_age(triggered_at, request.at)
        webhook = _webhook(request, headers.get("shopify-topic", ""), triggered_at)
        record = _record("/webhooks/shopify", webhook.body, request.at)
        understood = shopify.understand_delivery(record, webhook, self.wanted)
        return _delivery(
            understood,
            name="shopify",
            id_=headers.get("shopify-webhook-id", ""),
            said=_said(webhook.topic, request.body),
        )

    def woocommerce(self, request: Request) -> Delivery:
        """Return what a webhook of WooCommerce says; its ping, which nobody signs, says nothing.

        It is known again by its topic and body together: its delivery ids are not unique.

        Raises:
            RequestRefused: 401 it is not signed, 422 it contradicts itself.
        """
        if is_ping(request):
            return Delivery(records=())
        signature = request.headers.get("x-wc-webhook-signature", "")
        _check(request.body, signature, self.secrets.woocommerce)
        webhook = _webhook(request, request.headers.get("x-wc-webhook-topic", ""))
        record = _record("/webhooks/woocommerce", webhook.body, request.at)
        understood = woocommerce.understand_delivery(record, webhook, self.wanted)
        return _delivery(understood, name="woocommerce", said=_said(webhook.topic, request.body))

    def magento(self, request: Request) -> Delivery:
        """Return what Magento says: events of our own, or customers as in REST.

        Adobe Commerce signs with its RSA key, and neither time nor number go into that: a delivery
        is known again by its body, where that tells a time. Extensions sign as Standard Webhooks
        has it.

        Raises:
            RequestRefused: 401 it is not signed in either way, or too long ago.
        """
        self._check_magento(request)
        record = _record("/webhooks/magento", _decoded(request.body), request.at)
        understood: list[Received] = [record]
        if not events.is_event(record.content):
            understood = list(REST.understand([record], self.wanted))
        id_ = request.headers.get("webhook-id", "")
        # Without a time in it, the same body says the same of another moment.
        tells_time = any(_moment_of(one) not in {None, request.at} for one in understood)
        said = _said("", request.body) if tells_time and not id_ else ""
        return _delivery(iter(understood), name="magento", id_=id_, said=said)

    def _check_magento(self, request: Request) -> None:
        adobe, standard = self.secrets.adobe, self.secrets.magento
        signature = request.headers.get(ADOBE_SIGNATURE)
        if adobe is not None and signature is not None:
            if not adobe.verifies(request.body, signature):
                raise _unsigned()
        elif standard is None:
            raise _no_secret()
        elif not standard.verifies(request.body, request.headers):
            raise _unsigned()


def is_ping(request: Request) -> bool:
    """Tell whether this is what WooCommerce sends to see whether anybody is there."""
    number = request.body.strip().removeprefix(_PING)
    return request.body.startswith(_PING) and number.isdigit()


# ---------------------------------------------------------------- checking


def _check(body: bytes, signature: str, secrets: Sequence[Secret]) -> None:
    if not secrets:
        raise _no_secret()
    if not is_signed(body, signature, secrets):
        raise _unsigned()


def _no_secret() -> RequestRefused:
    return RequestRefused(401, "No secret is set for this platform, so nobody can be believed.")


def _unsigned() -> RequestRefused:
    return RequestRefused(401, "The signature is missing or wrong, or it is too old.")


def _check_age(triggered_at: str | None, now: datetime) -> None:
    if triggered_at is None:
        return
    try:
        age = now - parse_moment(triggered_at)
    except ValueError as error:
        raise RequestRefused(400, "The time at which it was triggered is none.") from error
    if not -_AHEAD <= age <= REPLAY_WINDOW:
        raise RequestRefused(400, "It was triggered too long ago, or lies ahead.")


def _problems(records: Sequence[Record], now: datetime, *, is_many: bool) -> Iterator[Problem]:
    """Yield what is wrong with *records*; of many, pointers are led by the record's number."""
    validator = _validator(now.replace(minute=0, second=0, microsecond=0))
    count = 0
    for at, record in enumerate(records):
        checked = validator.validate(record)
        if not isinstance(checked, Rejection):
            continue
        for problem in checked.problems:
            if count == _MOST_PROBLEMS:
                return
            count += 1
            pointer = f"/{at}{problem.pointer}" if is_many else problem.pointer
            yield Problem(pointer=pointer, rule=problem.rule, detail=problem.detail)


@lru_cache(maxsize=2)
def _validator(hour: datetime) -> EventValidator:
    """Return what checks events that arrive in *hour*.

    Making one takes longer than checking a hundred events, and it measures in days how far ahead
    their times may lie.
    """
    return EventValidator(event_schema(), now=hour)


# ---------------------------------------------------------------- reading


def _record(name: str, content: object, at: datetime, line: int = 1) -> Record:
    return Record(place=Place(file=name, line=line), content=content, written_at=at)


def _decoded(body: bytes) -> object:
    """Return the JSON in *body*.

    Raises:
        RequestRefused: it holds none.
    """
    try:
        return decode(body.decode())
    except UnicodeDecodeError as error:
        raise RequestRefused(400, "The body is not UTF-8.") from error
    except JsonProblem as error:
        raise RequestRefused(400, error.detail) from error


def _contents(request: Request) -> tuple[list[object], bool]:
    """Return what the body holds, and whether it is of a form that may hold several."""
    kind = request.headers.get("content-type", "")
    if "ndjson" in kind or "jsonl" in kind:
        return [_decoded(line) for line in request.body.splitlines() if line.strip()], True
    content = _decoded(request.body)
    return (content, True) if isinstance(content, list) else ([content], False)


def _timed(content: object, at: datetime) -> object:
    if isinstance(content, Mapping) and events.is_event(content) and "timestamp" not in content:
        return {**content, "timestamp": at.isoformat()}
    return content


def _webhook(request: Request, topic: str, triggered_at: str | None = None) -> Webhook:
    return Webhook(
        topic=topic.strip().lower(), body=_decoded(request.body), triggered_at=triggered_at
    )


def _moment_of(understood: Received) -> datetime | None:
    match understood:
        case Record(content={"timestamp": str(text)}):
            try:
                return parse_moment(text)
            except ValueError:
                return None
        case _:
            return None


def _said(topic: str, body: bytes) -> str:
    return hashlib.sha256(json.dumps(topic).encode() + body).hexdigest()


def _delivery(
    understood: Iterator[Received], *, name: str, id_: str = "", said: str = ""
) -> Delivery:
    """Return what is kept of a webhook that was believed.

    A customer that breaks a rule is kept too: the pipeline puts it among the rejects. Refused, the
    platform would repeat it and in the end deliver nothing any more.

    Raises:
        RequestRefused: 422 its topic or its body is not what it says to be.
    """
    records = tuple(understood)
    problems = [p for r in records if isinstance(r, Rejection) for p in r.problems]
    wrong = [problem for problem in problems if problem.rule in _REFUSED_RULES]
    if wrong:
        raise RequestRefused(422, "The webhook contradicts itself; nothing was kept.", wrong)
    parts = {"id": id_, "said": said}
    names = tuple(f"{name}:{kind}:{value}" for kind, value in parts.items() if value)
    return Delivery(records=records, names=names)
