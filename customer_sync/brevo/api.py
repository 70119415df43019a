"""The routes of Brevo's API: from a route and its parts to a request that is sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from customer_sync.brevo import inventory, jobs
from customer_sync.brevo.exchange import Answer, Call, Exchange
from customer_sync.brevo.throttle import Family
from customer_sync.brevo.values import Json
from customer_sync.errors import BrevoUnavailable, ConfigError
from customer_sync.trouble import Code

MOST_ITEMS_PER_PAGE = 50
"""Of lists, folders and processes."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

T = TypeVar("T")


class Api:
    """Sends requests to one base URL."""

    def __init__(self, base_url: str, exchange: Exchange, *, timeout_s: float) -> None:
        self._base_url = base_url
        self._exchange = exchange
        self._timeout_s = timeout_s

    async def send(
        self,
        route: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        may_repeat: bool = True,
        timeouts: int = 1,
    ) -> Answer:
        """Send one request and return the success that answers it.

        *route* is a method and a path template; *segments*, percent-encoded, fill its names in
        braces. *timeouts* is how many times the usual time it may take.
        """
        template = route.partition(" ")[2]
        call = Call(
            route=route,
            url=self._base_url + _filled(template, segments),
            family=Family.CONTACTS if template.startswith("/contacts") else Family.OTHER,
            query=query or {},
            body=None if body is None else jobs.to_bytes(body),
            may_repeat=may_repeat,
            timeout_s=self._timeout_s * timeouts,
        )
        return await self._exchange.send(call)

    async def every(self, route: str, key: str, translate: Callable[[object], T]) -> tuple[T, ...]:
        """Return all items of a route that pages, the oldest first."""
        found: list[T] = []
        while True:
            query = {"limit": str(MOST_ITEMS_PER_PAGE), "offset": str(len(found)), "sort": "asc"}
            answer = await self.send(route, query=query)
            items, count = inventory.items_from(answer.json, key)
            found.extend(map(translate, items))
            if not items or len(found) >= count:
                return tuple(found)

    async def download(self, route: str, url: str) -> Answer:
        """Fetch a file that Brevo named; neither the key nor a rate limit goes with it.

        Raises:
            BrevoUnavailable: it is neither served by https nor from where the API is.
        """
        parts, own = urlsplit(url), urlsplit(self._base_url)
        if parts.scheme != "https" and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise BrevoUnavailable(
                "Brevo names a file of rejected rows that is not served by https",
                trouble=Code.STRANGE_ANSWER,
            )
        call = Call(route=route, url=url, family=None, timeout_s=self._timeout_s)
        return await self._exchange.send(call)


def checked_base_url(base_url: str) -> str:
    """Return *base_url* without a slash at its end.

    Raises:
        ConfigError: it is no such address, or the key would travel unencrypted.
    """
    parts = urlsplit(base_url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ConfigError(
            f"{base_url!r} is no address of an API",
            trouble=Code.BASE_URL,
            hint="https://… is expected.",
        )
    if parts.scheme == "http" and not is_local(base_url):
        raise ConfigError(
            f"{base_url!r} would send the API key unencrypted",
            trouble=Code.BASE_URL,
            hint="Use https.",
        )
    return base_url.rstrip("/")


def is_local(base_url: str) -> bool:
    """Tell whether requests there never leave this machine."""
    host = urlsplit(base_url).hostname or ""
    return host in _LOCAL_HOSTS or host.endswith(".invalid")


def checked_key(api_key: str) -> str:
    """Return *api_key*; a message never shows it.

    Raises:
        ConfigError: it cannot be a key.
    """
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ConfigError(
            "the API key is empty or holds characters that no key has",
            trouble=Code.KEY_MALFORMED,
            hint="Copy the v3 API key from the account's settings, without line breaks.",
        )
    return api_key


def _filled(template: str, segments: Sequence[str]) -> str:
    rest = iter(segments)
    return "/".join(next(rest) if part.startswith("{") else part for part in template.split("/"))
