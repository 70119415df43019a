"""Where the state of a sync is, and what a look into it shows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from customer_sync.config import Config, SyncMode
from customer_sync.core.standing import Realtime
from customer_sync.monitoring.watching import Overview, Past, Status, budgets_of, look
from customer_sync.monitoring.watching import overview as overview_of
from customer_sync.monitoring.watching import status as status_of
from customer_sync.realtime.flushing import LOCK_FILE
from customer_sync.realtime.inbox import INBOX_FILE, Inbox, Since
from customer_sync.store import Store, holder
from customer_sync.target import Connection, state_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Where to look, and how far back."""

    config: Config
    folder: Path
    span: timedelta

    def status(self) -> Status:
        """Look once."""
        return self.status_of(self.past())

    def status_of(self, past: Past) -> Status:
        """Add up what was seen."""
        return status_of(
            past, target=self.config.brevo.target, budgets=budgets_of(self.config.brevo.plan)
        )

    def overview(self) -> Overview:
        """Look once, and lay out everything."""
        return overview_of(
            self.past(),
            target=self.config.brevo.target,
            budgets=budgets_of(self.config.brevo.plan),
        )

    def past(self) -> Past:
        """Read the state; where there is none, nothing ever happened."""
        path = self.folder / state_file(self.config.brevo.target)
        if not path.exists():
            return self.nothing()
        with Store(path) as store:
            past = look(store, self.folder / "lock", since=self.span, now=self._now())
        return self._with_events(past)

    def nothing(self) -> Past:
        """Return a past without a run."""
        now = self._now()
        return self._with_events(Past(since=now - self.span, until=now))

    def _with_events(self, past: Past) -> Past:
        """Add how it goes with events, if any are expected or were ever received."""
        is_expected = self.config.sync_mode is SyncMode.REALTIME
        if not (self.folder / INBOX_FILE).exists():
            realtime = Realtime(is_expected=True) if is_expected else None
            return replace(past, standing=replace(past.standing, realtime=realtime))
        with Inbox(self.folder) as inbox:
            waiting = inbox.waiting()
            realtime = Realtime(
                is_expected=is_expected,
                is_alive=bool(holder(self.folder / LOCK_FILE)),
                waiting=waiting.count,
                waits_for=past.until - (waiting.oldest or past.until),
                pace=inbox.pace(Since.EVENT, past.since),
                pace_here=inbox.pace(Since.RECEIPT, past.since),
            )
        return replace(past, standing=replace(past.standing, realtime=realtime))

    def _now(self) -> datetime:
        """Return the time that the runs live by; the sandbox's may be ahead of ours."""
        connection = Connection(config=self.config, state=self.folder, environ={})
        return connection.clock().now()
