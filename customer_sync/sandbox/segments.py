"""Segments: named filters; Brevo's API only shows them, the control routes make them."""

from customer_sync.sandbox import reading
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.timeline import timestamp


def index(call: Call) -> Answer:
    """List the segments."""
    account = call.account
    excess = account.settings.excess_page_limit
    limit, offset, sort = reading.page(call.query, default=10, most=50, excess=excess)
    rows = account.db.execute(
        f"SELECT id, name, updated_at FROM segments ORDER BY id {sort.name} LIMIT ? OFFSET ?",
        (limit, offset),
    )
    shown = [
        {
            "id": row["id"],
            "segmentName": row["name"],
            "categoryName": "",
            "updatedAt": timestamp(row["updated_at"], account.settings.timezone),
        }
        for row in rows
    ]
    total = account.db.execute("SELECT count(*) FROM segments").fetchone()[0]
    return Answer(status=200, content={"segments": shown, "count": total})


def store(account: Account, segment_id: int, name: str, text: str) -> None:
    """Make or replace a segment of the contacts that meet the filter *text*."""
    account.db.execute(
        "INSERT OR REPLACE INTO segments (id, name, filter, updated_at) VALUES (?, ?, ?, ?)",
        (segment_id, name, text, account.now),
    )
