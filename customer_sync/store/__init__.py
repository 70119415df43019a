"""The state: what was confirmed, who is who, what is queued, and the history of runs."""

from customer_sync.store.damage import begins_anew, setting_aside
from customer_sync.store.history import RunRow
from customer_sync.store.lock import RunLock, holder
from customer_sync.store.outbox import Letter, Outbox
from customer_sync.store.retry_queue import QueueItem
from customer_sync.store.store import Store

__all__ = [
    "Letter",
    "Outbox",
    "QueueItem",
    "RunLock",
    "RunRow",
    "Store",
    "begins_anew",
    "holder",
    "setting_aside",
]
