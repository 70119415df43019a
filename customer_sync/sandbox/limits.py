"""Brevo's rate limits: two families of routes, fixed windows, and the headers that tell of them."""

import random
from dataclasses import dataclass

from customer_sync.core.model import RatePlan
from customer_sync.sandbox.account import Account, Answer
from customer_sync.sandbox.facts import LimitHeaders, LimitPool, TooManyBody

SECOND = 1
HOUR = 3600

_CONTACTS_PER_SECOND = {RatePlan.GENERAL: 10, RatePlan.ADVANCED: 20, RatePlan.EXTENDED: 60}
_CONTACTS_PER_HOUR = {RatePlan.GENERAL: 36_000, RatePlan.ADVANCED: 72_000}
_OTHER_PER_HOUR = {RatePlan.GENERAL: 100, RatePlan.ADVANCED: 200, RatePlan.EXTENDED: 600}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How much of a limit one window has left, this request included."""

    span: int
    """Seconds."""
    limit: int
    used: int
    resets_in: int
    """Whole seconds, at least 1."""

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """Return what an answer says about this window."""
        return {
            "x-sib-ratelimit-limit": str(self.limit),
            "x-sib-ratelimit-remaining": str(max(0, self.limit - self.used)),
            "x-sib-ratelimit-reset": str(self.resets_in),
        }


def take(account: Account, path: str) -> tuple[Window, ...]:
    """Count a request against every window that holds for *path*, unless one of them is full.

    Windows are aligned to whole seconds and hours of the sandbox's time.
    """
    if not account.settings.rate_limits:
        return ()
    windows = tuple(
        _peek(account, pool, span, limit) for pool, span, limit in _limits(account, path)
    )
    if not any(window.is_exceeded for window in windows):
        for pool, span, _ in _limits(account, path):
            _count(account, pool, span)
    return windows


def _limits(account: Account, path: str) -> list[tuple[str, int, int]]:
    """Return pool, span and limit of each window that a request to *path* is counted in."""
    settings = account.settings
    plan = settings.plan
    if not _is_in_contacts_family(account, path):
        return [("other", HOUR, _OTHER_PER_HOUR[plan])]
    is_shared = settings.limit_pool is LimitPool.SHARED
    pool = "contacts" if is_shared else f"contacts: {account.route}"
    hourly = _CONTACTS_PER_HOUR.get(plan, settings.extended_requests_per_hour)
    return [(pool, SECOND, _CONTACTS_PER_SECOND[plan]), ("contacts", HOUR, hourly)]


def _is_in_contacts_family(account: Account, path: str) -> bool:
    bare = path == "/contacts" and account.settings.bare_contacts_is_limited_alike
    return bare or path.startswith("/contacts/")


def _peek(account: Account, pool: str, span: int, limit: int) -> Window:
    length = span * 1000
    number = account.now // length
    row = account.db.execute(
        "SELECT used FROM windows WHERE pool = ? AND span = ? AND number = ?", (pool, span, number)
    ).fetchone()
    left = (number + 1) * length - account.now
    used = 1 + (0 if row is None else int(row["used"]))
    return Window(span=span, limit=limit, used=used, resets_in=-(-left // 1000))


def _count(account: Account, pool: str, span: int) -> None:
    account.db.execute(
        "INSERT INTO windows (pool, span, number, used) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (pool, span) DO UPDATE SET"
        " used = CASE WHEN number = excluded.number THEN used + 1 ELSE 1 END,"
        " number = excluded.number",
        (pool, span, account.now // (span * 1000)),
    )


def headers(
    account: Account, windows: tuple[Window, ...], draw: random.Random | None
) -> dict[str, str]:
    """Return the headers of an answer; an exceeded window is described before any other."""
    facts = account.settings
    if not windows or facts.limit_headers is LimitHeaders.MISSING:
        return {}
    if draw is not None and draw.random() < facts.limit_headers_gap:
        return {}
    exceeded = [window for window in windows if window.is_exceeded]
    by_span = {window.span: window for window in windows}
    wanted = SECOND if facts.limit_headers is LimitHeaders.SECOND else HOUR
    described = exceeded[-1] if exceeded else by_span.get(wanted, windows[-1])
    return described.headers()


def too_many(account: Account) -> Answer:
    """Return the 429, which never says how long to wait in a `Retry-After`."""
    message = "Too many requests"
    match account.settings.too_many_body:
        case TooManyBody.CODE:
            content: object = {"code": "too_many_requests", "message": message}
            return Answer(status=429, content=content)
        case TooManyBody.MESSAGE:
            return Answer(status=429, content={"message": message})
        case TooManyBody.TEXT:
            return Answer(status=429, text=message)
        case TooManyBody.EMPTY:
            return Answer(status=429)
