"""What came in: how often each route was asked, and the last requests."""

from dataclasses import dataclass

from customer_sync.sandbox.account import Account

_KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it is remembered."""

    at: int
    method: str
    path: str
    status: int | None
    """None: the connection broke."""


def arrive(account: Account, method: str, path: str) -> int:
    """Count a request and return its number."""
    account.db.execute(
        "INSERT INTO counts (route, requests) VALUES (?, 1)"
        " ON CONFLICT (route) DO UPDATE SET requests = requests + 1",
        (account.route,),
    )
    cursor = account.db.execute(
        "INSERT INTO requests (at, method, path) VALUES (?, ?, ?)", (account.now, method, path)
    )
    number = cursor.lastrowid or 0
    account.db.execute("DELETE FROM requests WHERE id <= ?", (number - _KEPT,))
    return number


def leave(account: Account, number: int, status: int | None) -> None:
    """Remember how the request with this number was answered."""
    account.db.execute("UPDATE requests SET status = ? WHERE id = ?", (status, number))


def counts(account: Account) -> dict[str, int]:
    """Return how many requests each route got, whatever became of them."""
    rows = account.db.execute("SELECT route, requests FROM counts ORDER BY route")
    return {row["route"]: row["requests"] for row in rows}


def last(account: Account) -> list[Seen]:
    """Return the last requests, newest first."""
    rows = account.db.execute("SELECT at, method, path, status FROM requests ORDER BY id DESC")
    return [
        Seen(at=row["at"], method=row["method"], path=row["path"], status=row["status"])
        for row in rows
    ]
