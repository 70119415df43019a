"""What comes of a pull, for tests to look at."""

from collections.abc import Callable
from typing import Any, TypeAlias

from customer_sync.core.model import Record
from customer_sync.pull.pulled import Pulled

Fetch: TypeAlias = Callable[..., Pulled]
"""Pulls from a shop: the platform, a transport, and what the order says."""


def fields(pulled: Pulled) -> list[dict[str, Any]]:
    """Return the customers' fields; a rejection among them fails the test."""
    records = list(pulled.records())
    assert all(isinstance(one, Record) for one in records), records
    return [one.content["data"] for one in records]  # type: ignore[index] # events are mappings
