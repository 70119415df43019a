"""config.yaml: read, checked as a whole, and turned into one frozen value."""

from customer_sync.config.model import (
    BrevoSettings,
    Config,
    LogLevel,
    Notifications,
    RetrySettings,
    RunEvent,
    Secret,
    SourceName,
    SyncMode,
    Target,
    read_secret,
)

__all__ = [
    "BrevoSettings",
    "Config",
    "LogLevel",
    "Notifications",
    "RetrySettings",
    "RunEvent",
    "Secret",
    "SourceName",
    "SyncMode",
    "Target",
    "read_secret",
]
