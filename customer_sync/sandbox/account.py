"""One Brevo account at one moment: what every operation works on."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import QueryParams

from customer_sync.sandbox.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The stored account, its settings, and the time at which something is done to it."""

    db: sqlite3.Connection
    settings: Settings
    now: int
    """Milliseconds since 1970."""
    route: str
    """Who does it: the route of the request, or `import` for a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, cut into what operations need of it."""

    account: Account
    names: Mapping[str, str]
    """What stands in the path, percent-decoded, by the template's names."""
    query: QueryParams
    body: bytes
    base_url: str
    """Where this sandbox is reached, without a trailing slash: the start of its files' URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation says."""

    status: int
    content: object = None
    """A JSON value; None: an empty body, or the text."""
    text: str | None = None
    """A body that is no JSON, as gateways send."""
    headers: Mapping[str, str] = field(default_factory=dict)


NO_CONTENT = Answer(status=204)
