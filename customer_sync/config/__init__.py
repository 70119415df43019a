"""config.yaml: read, checked as a whole, and turned into one frozen value."""

from customer_sync.config.addresses import webhook_address
from customer_sync.config.fields import STANDARD_RULES
from customer_sync.config.loading import check, load
from customer_sync.config.model import (
    BrevoSettings,
    Config,
    LogFormat,
    LogLevel,
    LogSettings,
    Notifications,
    PlacedCase,
    RealtimeSettings,
    RetrySettings,
    RunEvent,
    Secret,
    ShopSettings,
    SyncMode,
    Target,
    read_secret,
)
from customer_sync.config.problems import ConfigProblem, InvalidConfig
from customer_sync.config.shape import schema
from customer_sync.config.spelling import parse_duration, parse_limit, parse_platform, parse_size
from customer_sync.config.starter import template
from customer_sync.core.model import SourceName

__all__ = [
    "STANDARD_RULES",
    "BrevoSettings",
    "Config",
    "ConfigProblem",
    "InvalidConfig",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "Notifications",
    "PlacedCase",
    "RealtimeSettings",
    "RetrySettings",
    "RunEvent",
    "Secret",
    "ShopSettings",
    "SourceName",
    "SyncMode",
    "Target",
    "check",
    "load",
    "parse_duration",
    "parse_limit",
    "parse_platform",
    "parse_size",
    "read_secret",
    "schema",
    "template",
    "webhook_address",
]
