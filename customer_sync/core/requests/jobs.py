"""Import jobs as the core knows them: what goes in, how far they are, what they left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from customer_sync.core.model import Email, Value

ProcessId = NewType("ProcessId", int)
"""Brevo's number of an asynchronous job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One contact of an import job."""

    email: Email
    attributes: Mapping[str, Value] = field(default_factory=dict)
    """None clears, for which the whole job is told that empty fields erase."""


class ProcessState(StrEnum):
    """How far an asynchronous job is; every word that Brevo may add means that it still runs."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """An asynchronous job."""

    id: ProcessId
    name: str
    """`IMPORTUSER` for an import."""
    state: ProcessState
    rejected_urls: Mapping[str, str] = field(default_factory=dict)
    """Reason (`invalid_emails`, ...) to the address of a CSV with the rows it befell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that an import job left out."""

    reason: str
    """Brevo's word: `invalid_emails`, `duplicate_phone_id`, ..."""
    fields: Mapping[str, str]
    """The row as the CSV has it, by the names of its header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A job that was begun and whose end nobody saw."""

    id: int
    """The state's own number."""
    process_id: ProcessId | None
    """None: it may or may not have arrived; its answer was lost."""
    started_at: datetime
