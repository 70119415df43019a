"""Runs of the past, with defaults for everything that a test does not speak about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from customer_sync.core.figures import Ends, Numbers, PastRun
from customer_sync.core.plan import Totals

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The time of every run that names none."""


def past_run(
    *,
    at: datetime = NOON,
    seconds: float | None = 60,
    exit_code: int | None = 0,
    applied: int = 0,
    deferred: int = 0,
    failed: int = 0,
    kept: int = 0,
    **numbers: Any,
) -> PastRun:
    """Return one run; *seconds* None leaves it without an end."""
    return PastRun(
        id=f"{at:%Y%m%dT%H%M%S}",
        command="run",
        started_at=at,
        finished_at=None if seconds is None else at + timedelta(seconds=seconds),
        exit_code=None if seconds is None else exit_code,
        numbers=Numbers(
            outcomes=Ends(applied=applied, deferred=deferred, failed=failed),
            plan=Totals(keep=kept),
            **numbers,
        ),
    )
