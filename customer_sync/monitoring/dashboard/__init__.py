"""Figures for the eye: as a page, as Markdown, as a document for programs."""

from customer_sync.errors import ConfigError
from customer_sync.monitoring.watching import Overview
from customer_sync.trouble import Code

__all__ = ["render_page"]


def render_page(overview: Overview, *, since: str) -> str:
    """Return the report as one HTML page.

    Raises:
        ConfigError: the packages that draw it are not installed.
    """
    try:
        from customer_sync.monitoring.dashboard.page import render  # noqa: PLC0415 - optional packages
    except ImportError as error:
        raise ConfigError(
            f"A page needs packages that are not installed ({error.name}); --md and --json do not.",
            trouble=Code.PACKAGE_MISSING,
            hint="Install them with: pip install 'customer-sync[report]'",
        ) from error
    return render(overview, since=since)
