"""One webhook over HTTP: the name is resolved once and looked at, and no redirect is followed."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import httpx

from customer_sync import __version__
from customer_sync.notify.delivery import Answer
from customer_sync.notify.hosts import PrivateAddress, Resolve, allowed_addresses, resolve
from customer_sync.privacy import mask_text, printable
from customer_sync.store.outbox import Letter

TIMEOUT_S = 5.0
"""How long to wait for a connection, and then for each part of the answer."""
LARGEST_ANSWER = 4_096
"""In bytes; more of it is not read."""

_TRANSIENT = frozenset({408, 425, 429})
_MOST_SHOWN = 120

IS_PRIVATE = (
    "its address is within a private network, where notifications are not sent unless "
    "`allow_private: true` stands in the configuration"
)


class Signs(Protocol):
    """Whoever signs what is sent."""

    def headers(self, id_: str, body: bytes, *, now: datetime) -> Mapping[str, str]:
        """Return what to add to the headers of *body*, sent *now* under *id_*."""
        ...


class Webhook:
    """Posts letters to one address; to be used by one thread, and closed by it.

    No proxy of the environment is used: it would resolve the name by itself, unseen. What the other
    side answers is bounded, and the address, which may be a secret, is never told.
    """

    name = "webhook"

    def __init__(
        self,
        url: str,
        signer: Signs,
        *,
        allow_private: bool = False,
        resolver: Resolve = resolve,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = httpx.URL(url)
        self._signer = signer
        self._allow_private = allow_private
        self._resolver = resolver
        self._now = now
        self._http = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    def __repr__(self) -> str:
        return "Webhook(***)"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, letter: Letter) -> Answer:
        """Post *letter* once; whatever has status 2xx for an answer has taken it."""
        try:
            return self._sent(letter)
        except PrivateAddress:
            return Answer(is_delivered=False, told=IS_PRIVATE, may_be_repeated=False)
        except OSError:
            return Answer(is_delivered=False, told="the name of its host is not known")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(is_delivered=False, told=f"no answer ({type(error).__name__})")

    def _sent(self, letter: Letter) -> Answer:
        url = self._url
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = allowed_addresses(
            url.raw_host.decode("ascii"),
            port,
            allow_private=self._allow_private,
            resolver=self._resolver,
        )
        for address in addresses[:-1]:
            try:
                return self._posted(letter, address)
            except httpx.ConnectError:
                continue
        return self._posted(letter, addresses[-1])

    def _posted(self, letter: Letter, address: str) -> Answer:
        """Post to the very *address* that was looked at; a certificate must be the host's."""
        with self._http.stream(
            "POST",
            self._url.copy_with(host=address.partition("%")[0]),
            content=letter.body,
            headers={**self._headers(letter), "host": self._url.netloc.decode("ascii")},
            extensions={"sni_hostname": self._url.raw_host.decode("ascii")},
        ) as response:
            return _answer(response.status_code, _beginning(response))

    def _headers(self, letter: Letter) -> dict[str, str]:
        now = self._now()
        return {
            "content-type": "application/json",
            # Nothing compressed can grow beyond what is read of it.
            "accept-encoding": "identity",
            "user-agent": f"customer-sync/{__version__}",
            "webhook-id": letter.id,
            "webhook-timestamp": str(int(now.timestamp())),
            **self._signer.headers(letter.id, letter.body, now=now),
        }


def _beginning(response: httpx.Response) -> bytes:
    """Return the first bytes of the answer, as many as come soon."""
    content, ends_at = b"", time.monotonic() + TIMEOUT_S
    for piece in response.iter_raw():
        content += piece
        if len(content) >= LARGEST_ANSWER or time.monotonic() > ends_at:
            break
    return content[:LARGEST_ANSWER]


def _answer(status: int, content: bytes) -> Answer:
    said = mask_text(printable(" ".join(content.decode("utf-8", "replace").split())))
    shown = said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}…"
    told = f"status {status}" + (f": {shown}" if shown else "")
    if 200 <= status < 300:
        return Answer(is_delivered=True, told=told)
    if 300 <= status < 400:
        told = f"status {status}: it leads to another address, which is not followed"
    is_transient = status in _TRANSIENT or status >= 500
    return Answer(is_delivered=False, told=told, may_be_repeated=is_transient)
