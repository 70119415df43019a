"""Readers that understand each record by itself, and what was delivered by a webhook."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from customer_sync.core.model import Record, Rejection
from customer_sync.platforms.canonical import refused
from customer_sync.platforms.format import Decoded, Understood, Wanted
from customer_sync.readers.strict_json import JsonProblem, decode

Understand: TypeAlias = Callable[[Iterable[Decoded], Wanted], Iterator[Understood]]


def one_by_one(understand: Callable[[Record, Wanted], Iterator[Understood]]) -> Understand:
    """Return what understands a stream by *understand*, and passes rejections on."""

    def understand_all(decoded: Iterable[Decoded], wanted: Wanted) -> Iterator[Understood]:
        for item in decoded:
            if isinstance(item, Rejection):
                yield item
            else:
                yield from understand(item, wanted)

    return understand_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook as it arrived: its topic, and the body as decoded."""

    topic: str
    """As the platform spells it, in lower case: `customers/create`, `customer.created`."""
    body: object
    triggered_at: str | None = None


_BODY_NAMES = ("body", "payload")
_TOPIC_HEADERS = ("shopify-topic", "wc-webhook-topic")
_TIME_HEADER = "shopify-triggered-at"


def delivery_of(content: object) -> Delivery | None:
    """Return the webhook that *content* keeps with its body; None where it keeps none.

    The topic stands beside the body as `topic`, or among the `headers`, whose names count in any
    case, with or without `X-` in front; a header may have several values, of which the first
    counts. The body is `body` or `payload`.
    """
    if not isinstance(content, Mapping):
        return None
    name = next((name for name in _BODY_NAMES if name in content), None)
    headers = _headers(content.get("headers"))
    topic = content.get("topic") or next(filter(None, map(headers.get, _TOPIC_HEADERS)), None)
    if name is None or not isinstance(topic, str):
        return None
    triggered_at = content.get("triggered_at") or headers.get(_TIME_HEADER)
    return Delivery(
        topic=topic.strip().lower(),
        body=content[name],
        triggered_at=triggered_at if isinstance(triggered_at, str) else None,
    )


def _headers(headers: object) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        return {}
    named = {str(name).lower().removeprefix("x-"): value for name, value in headers.items()}
    firsts = {
        name: value[0] if isinstance(value, list) and value else value
        for name, value in named.items()
    }
    return {name: value for name, value in firsts.items() if isinstance(value, str)}


def body_of(delivery: Delivery) -> object:
    """Return the body, decoded where it was kept as the text that it arrived as.

    Raises:
        JsonProblem: the text is no JSON.
    """
    return decode(delivery.body) if isinstance(delivery.body, str) else delivery.body


def unreadable_body(record: Record, problem: JsonProblem) -> Rejection:
    """Return *record* as refused, because its body is no JSON."""
    return refused(record, problem.rule, problem.detail, pointer="/body")
