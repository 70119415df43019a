"""The name of a run."""

import secrets
from datetime import UTC, datetime


def new_run_id() -> str:
    """Return an id that sorts by time and that nobody else draws in the same second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
