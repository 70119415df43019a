"""What a server tells of itself: whether it is ready, its figures, and the page for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from customer_sync.config import Config
from customer_sync.monitoring.looking import Looking
from customer_sync.realtime.colleague import Colleague
from customer_sync.realtime.flushing import Flusher
from customer_sync.realtime.inbox import Inbox
from customer_sync.trouble import Code


@dataclass(slots=True, kw_only=True)
class Telling:
    """Looks at the state whenever somebody asks."""

    config: Config
    folder: Path
    flusher: Flusher
    colleague: Colleague | None = None
    """Whoever writes; None: nobody began yet."""

    def readiness(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether events are kept and written, and the figures that go with it.

        That Brevo is away is no reason to send events elsewhere: they are kept here meanwhile.
        """
        waiting, standing = self._waiting(), self.flusher.standing
        is_alive = self.colleague is not None and self.colleague.is_alive
        is_ready = is_alive and standing.bug is None
        failure = standing.failure.trouble if standing.failure is not None else None
        return is_ready, {
            "status": "ready" if is_ready else "not ready",
            "waiting": waiting,
            "writes": not standing.is_second,
            "last_failure": failure if is_ready else Code.BUG,
        }

    def metrics(self) -> bytes:
        """Return the figures as Prometheus asks for them."""
        from customer_sync.monitoring.metrics import metrics_text  # noqa: PLC0415 - costs time where nobody asks

        looking = self._looking()
        past = looking.past()
        return metrics_text(
            looking.status_of(past), past.runs_by_exit, inbox_records=self._waiting()
        )

    def dashboard(self) -> str:
        """Return the page for people."""
        from customer_sync.monitoring.dashboard import render_page  # noqa: PLC0415 - likewise

        return render_page(self._looking().overview(), since="24h")

    def _looking(self) -> Looking:
        return Looking(config=self.config, folder=self.folder, span=timedelta(days=1))

    def _waiting(self) -> int:
        with Inbox(self.folder) as inbox:
            return inbox.waiting().count
