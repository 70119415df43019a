"""What waits in the retry queue: looked through, made due, told as events, or given up."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from customer_sync.clock import Clock
from customer_sync.config import Config
from customer_sync.core.customers.retelling import retell
from customer_sync.core.model import Customer, Email, Value
from customer_sync.errors import ExitCode, StoreError
from customer_sync.privacy import mask_email, mask_text
from customer_sync.run.report import MOST_ERRORS, ReportedError, RunReport
from customer_sync.store import QueueItem, RunLock, Store, setting_aside
from customer_sync.target import Connection, state_file
from customer_sync.trouble import Code

DROPPED_FILE = "dropped.jsonl"
"""Beside the state: whatever was taken off the queue by hand, as events that a run accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One customer in the retry queue, as people read it."""

    email: str
    """Masked unless asked otherwise."""
    ids: tuple[str, ...]
    is_dead: bool
    attempts: int
    queued_at: datetime
    next_at: datetime
    error: str
    trouble: str
    """The code that `customer-sync explain` tells more of."""
    is_deleted: bool
    """The customer is gone, and the contact is to follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that the shop said and that waits to be written."""

    name: str
    value: Value
    said_at: datetime


def waiting(item: QueueItem, *, show_pii: bool) -> Waiting:
    """Return an item as people read it."""
    email = item.customer.email
    return Waiting(
        email=email if show_pii else mask_email(email),
        ids=tuple(sorted(item.customer.ids)),
        is_dead=item.is_dead,
        attempts=item.attempts,
        queued_at=item.queued_at,
        next_at=item.next_at,
        error=item.error,
        trouble=item.trouble,
        is_deleted=item.customer.is_deleted,
    )


def told(customer: Customer, *, show_pii: bool) -> tuple[Told, ...]:
    """Return what waits to be written for a customer, addresses masked unless *show_pii*."""
    return tuple(
        Told(name=name, value=value if show_pii else _masked(value), said_at=at)
        for name, value, at in _all_said(customer)
    )


def _all_said(customer: Customer) -> Iterator[tuple[str, Value, datetime]]:
    for former in customer.former_emails:
        yield "former address", former, customer.email_at
    for name, said in sorted(customer.attributes.items()):
        yield name, said.value, said.at
    if customer.email_consent is not None:
        yield "e-mail consent", customer.email_consent.value, customer.email_consent.at
    if customer.sms_consent is not None:
        yield "SMS consent", customer.sms_consent.value, customer.sms_consent.at
    if customer.is_deleted:
        yield "deleted", True, customer.deleted_at or customer.last_at


def _masked(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(map(mask_text, value))
    return mask_text(value) if isinstance(value, str) else value


# ---------------------------------------------------------------- as events


def as_events(items: Iterable[QueueItem], config: Config) -> Iterator[str]:
    """Yield JSON lines that say once more what waits, each with the time when the shop said it."""
    fields = {rule.attribute: rule.field for rule in config.rules}
    for item in items:
        for event in retell(item.customer, fields):
            yield json.dumps(event, ensure_ascii=False) + "\n"


# ---------------------------------------------------------------- changing it


@contextmanager
def held(connection: Connection, clock: Clock) -> Iterator[Store]:
    """Open the state while no run is at work.

    Raises:
        StoreBusy: one is.
    """
    path = connection.state / state_file(connection.config.brevo.target)
    with (
        RunLock(connection.state / "lock", now=clock.now()),
        setting_aside(path, clock.now()),
        Store(path) as store,
    ):
        yield store


def make_due(store: Store, items: Sequence[QueueItem], now: datetime) -> None:
    """Let the next run try *items* afresh; dead letters begin anew."""
    store.make_due((item.customer.email for item in items), now)


def drop(
    store: Store, items: Sequence[QueueItem], connection: Connection, *, run_id: str, now: datetime
) -> Path:
    """Take *items* off the queue, and return the file that keeps them.

    They are in the file before they leave the queue, and the history tells of it as of a run.

    Raises:
        StoreError: the file cannot be written; then nothing is dropped.
    """
    path = connection.state / DROPPED_FILE
    _append(path, as_events(items, connection.config))
    store.begin_run(run_id, "queue drop", now)
    store.dequeue(item.customer.email for item in items)
    report = RunReport(
        run_id=run_id,
        target=str(connection.config.brevo.target),
        dry_run=False,
        source=(),
        exit_code=ExitCode.OK,
        errors=tuple(map(_as_dropped, items[:MOST_ERRORS])),
    )
    store.finish_run(run_id, now, ExitCode.OK, report.to_json())
    return path


def _as_dropped(item: QueueItem) -> ReportedError:
    return ReportedError(
        kind="dropped",
        message=f"taken off the retry queue after {item.attempts} attempts: {item.error}",
        hint=f"{DROPPED_FILE} beside the state keeps it.",
        where=mask_email(item.customer.email),
        trouble=item.trouble,
    )


def _append(path: Path, lines: Iterable[str]) -> None:
    """Append *lines* to a file for its owner's eyes only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            f"What is to be dropped cannot be kept in {path}: {error.strerror}; "
            "nothing was dropped.",
            trouble=Code.NO_ROOM,
            hint="Check the room and the permissions of the folder.",
        ) from error


def addresses(items: Iterable[QueueItem]) -> frozenset[Email]:
    """Return every address that *items* are about."""
    return frozenset(
        e for item in items for e in (item.customer.email, *item.customer.former_emails)
    )
