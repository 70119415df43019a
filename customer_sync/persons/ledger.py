"""The suppression ledger, asked and corrected by an operator."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from customer_sync.clock import SystemClock
from customer_sync.config import Config
from customer_sync.core.changes.suppression import Suppression
from customer_sync.core.model import Email
from customer_sync.errors import ExitCode
from customer_sync.privacy import mask_email
from customer_sync.run.report import ReportedError, RunReport
from customer_sync.store import RunLock, Store, setting_aside
from customer_sync.target import state_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the ledger says about one address."""

    address: str
    """Masked: whoever asks knows it."""
    is_mail_blocked: bool
    is_sms_blocked: bool
    left_lists: tuple[int, ...]
    """Lists that were left by a link in a mail."""
    erased_at: datetime | None

    @classmethod
    def of(cls, email: Email, known: Suppression | None) -> "Remembered":
        """Return the answer for *email*."""
        known = known or Suppression()
        return cls(
            address=mask_email(email),
            is_mail_blocked=known.is_mail_blocked,
            is_sms_blocked=known.is_sms_blocked,
            left_lists=tuple(sorted(known.left_lists)),
            erased_at=known.erased_at,
        )

    def __str__(self) -> str:
        if self.erased_at is not None:
            return (
                f"{self.address} was erased on {self.erased_at:%Y-%m-%d}: no run makes a contact "
                "of this person. `customer-sync suppressions lift` ends that."
            )
        noes = [
            *(["was blocked for mail"] if self.is_mail_blocked else []),
            *(["was blocked for SMS"] if self.is_sms_blocked else []),
            *(f"left list {one}" for one in self.left_lists),
        ]
        if not noes:
            return f"The ledger says nothing about {self.address}."
        return (
            f"{self.address} {', '.join(noes)}: should the contact be made anew, that holds from "
            "the start."
        )

    def to_json(self) -> bytes:
        """Return the answer as a JSON document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def remembered(config: Config, folder: Path, email: Email) -> Remembered:
    """Return what the ledger says about an address; nothing is made where there is no state.

    Raises:
        StoreError: the state cannot be read.
    """
    path = folder / state_file(config.brevo.target)
    if not path.exists():
        return Remembered.of(email, None)
    with Store(path) as store:
        return Remembered.of(email, store.suppression(email))


def lift(config: Config, folder: Path, email: Email, *, run_id: str) -> int:
    """Let the ledger forget an address, and return how many of its entries went.

    It stands in the history of runs, without the address.

    Raises:
        StoreBusy: a run is under way.
        StoreError: the state cannot be written.
    """
    now = SystemClock().now()
    path = folder / state_file(config.brevo.target)
    with RunLock(folder / "lock", now=now), setting_aside(path, now), Store(path) as store:
        named = store.hash_of_email(email).hex()
        store.begin_run(run_id, "suppressions lift", now)
        count = store.forget_suppression(email)
        note = ReportedError(
            kind="note", message=f"An operator lifted {count} suppressions.", where=named
        )
        report = RunReport(
            run_id=run_id,
            target=str(config.brevo.target),
            dry_run=False,
            source=(),
            errors=(note,),
        )
        store.finish_run(run_id, now, ExitCode.OK, report.to_json())
        return count
