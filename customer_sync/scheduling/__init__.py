"""Units for schedulers: the text that makes cron and its like run customer-sync."""

from customer_sync.scheduling.actions import github_actions
from customer_sync.scheduling.cluster import kubernetes
from customer_sync.scheduling.crontab import cron
from customer_sync.scheduling.mac import launchd
from customer_sync.scheduling.system import systemd
from customer_sync.scheduling.task import Place, Task, Unit, sync_and_watch
from customer_sync.scheduling.timing import At, Every, Timing, read_at, read_every

__all__ = [
    "At",
    "Every",
    "Place",
    "Task",
    "Timing",
    "Unit",
    "cron",
    "github_actions",
    "kubernetes",
    "launchd",
    "read_at",
    "read_every",
    "sync_and_watch",
    "systemd",
]
