"""A notification for people: a title and a few lines."""

import json

from customer_sync.config import RunEvent
from customer_sync.store.outbox import Letter


def as_text(letter: Letter) -> tuple[str, str]:
    """Return a title and a few lines for people."""
    told = json.loads(letter.body)["data"]
    counts = told["outcomes"]
    lines = [
        ", ".join(f"{counts[word]:,} {word}" for word in ("applied", "deferred", "failed")),
        f"run {told['run_id']} ({told['command']}, target {told['target']})",
    ]
    if letter.event == RunEvent.BATCH_COMPLETED:
        done = sum(told["so_far"].values())
        title = f"customer-sync: {done:,} of {told['planned']:,} changes done"
    else:
        title = f"customer-sync: {letter.event.replace('_', ' ')}"
        lines.insert(0, told["summary"])
        if told["rejections"] or told["withheld"]:
            lines.append(f"{told['rejections']:,} rejected, {told['withheld']:,} withheld")
        lines += [
            f"{code} × {count:,}: customer-sync explain {code}"
            for code, count in told["troubles"].items()
        ]
    if told.get("is_test"):
        lines.append("This is a test; no run is behind it.")
    return title, "\n".join(lines)
