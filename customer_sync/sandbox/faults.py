"""Troubles on purpose: injected ones for the next requests, and random ones by share."""

import random
from dataclasses import dataclass
from http import HTTPStatus

from customer_sync.sandbox import limits
from customer_sync.sandbox.account import Account, Answer
from customer_sync.sandbox.settings import Settings

ANY_ROUTE = "*"

_CODES = {
    400: ("invalid_parameter", "Invalid parameter"),
    401: ("unauthorized", "Key not found"),
    402: ("not_enough_credits", "Not enough credits"),
    403: ("permission_denied", "Permission denied"),
    404: ("document_not_found", "Not found"),
    405: ("method_not_allowed", "Method is not allowed on this path"),
}
_OWN_PHRASES = {520: "Unknown Error", 522: "Connection Timed Out", 524: "A Timeout Occurred"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What befalls a request instead of its answer."""

    status: int | None
    """None: the connection breaks."""
    after_effect: bool = False
    """Whether the request was done all the same."""

    def answer(self, account: Account) -> Answer | None:
        """Return what is answered, None when the connection breaks."""
        if self.status is None:
            return None
        if self.status == 429:
            return limits.too_many(account)
        if self.status >= 500:
            return Answer(status=self.status, text=_phrase(self.status))
        if self.status == 425:
            code = account.settings.early_code
            return Answer(status=425, content={"code": code, "message": "Too early"})
        code, message = _CODES.get(self.status, ("bad_request", _phrase(self.status)))
        return Answer(status=self.status, content={"code": code, "message": message})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return _OWN_PHRASES.get(status, "Error")


def inject(account: Account, route: str, trouble: Trouble, times: int) -> None:
    """Let *trouble* befall the next *times* requests of *route* (`*`: of any route)."""
    account.db.execute(
        "INSERT INTO faults (route, status, after_effect, times) VALUES (?, ?, ?, ?)",
        (route, trouble.status, trouble.after_effect, times),
    )


def next_trouble(account: Account, draw: random.Random | None) -> Trouble | None:
    """Return what befalls this request: the oldest injected trouble that fits, else by chance."""
    row = account.db.execute(
        "SELECT id, status, after_effect FROM faults WHERE route IN (?, ?) AND times > 0"
        " ORDER BY id LIMIT 1",
        (account.route, ANY_ROUTE),
    ).fetchone()
    if row is None:
        return None if draw is None else _by_chance(account, draw)
    account.db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
    return Trouble(status=row["status"], after_effect=bool(row["after_effect"]))


def _by_chance(account: Account, draw: random.Random) -> Trouble | None:
    settings = account.settings
    if draw.random() < settings.drop:
        return Trouble(status=None, after_effect=draw.random() < 0.5)
    drawn = draw.random()
    for status, share in sorted(settings.fail.items()):
        if drawn < share:
            return Trouble(status=status)
        drawn -= share
    return None


def fails_import(settings: Settings, process_id: int) -> bool:
    """Tell whether an import ends as failed; the same seed and number give the same answer."""
    draw = random.Random(f"{settings.seed} import {process_id}")  # noqa: S311 - troubles, no secrets
    return draw.random() < settings.import_fail


def chance(account: Account, number: int) -> random.Random | None:
    """Return what decides about one request, None when nothing is left to chance."""
    settings = account.settings
    if not (settings.fail or settings.drop or settings.limit_headers_gap):
        return None
    return random.Random(f"{settings.seed} {number}")  # noqa: S311 - troubles, no secrets
