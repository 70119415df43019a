"""Keep the contacts of a Brevo account identical to a shop's customers."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_sync.core.plan import Plan
    from customer_sync.errors import CustomerSyncError, ExitCode
    from customer_sync.library import CustomerSync, Preview
    from customer_sync.monitoring.watching import Status
    from customer_sync.run.edges import RunOptions
    from customer_sync.run.listening import Progress
    from customer_sync.run.report import RunReport
    from customer_sync.skills import Client

__version__ = "0.1.0"

__all__ = [
    "Client",
    "CustomerSync",
    "CustomerSyncError",
    "ExitCode",
    "Plan",
    "Preview",
    "Progress",
    "RunOptions",
    "RunReport",
    "Status",
]

_HOMES = {
    "Client": "skills",
    "CustomerSync": "library",
    "CustomerSyncError": "errors",
    "ExitCode": "errors",
    "Plan": "core.plan",
    "Preview": "library",
    "Progress": "run.listening",
    "RunOptions": "run.pipeline",
    "RunReport": "run.report",
    "Status": "monitoring.watching",
}
"""Where each name is really; it is imported when somebody asks, so that all else stays cheap."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
