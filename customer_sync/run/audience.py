"""Passes on what happens in a run to everybody who follows it."""

from customer_sync.brevo.exchange import RequestEvent
from customer_sync.core.model import FieldWarning, Outcome, Rejection
from customer_sync.platforms.reading import Taken
from customer_sync.run.chronicle import Chronicle
from customer_sync.run.heralds import Herald
from customer_sync.run.listening import Listener
from customer_sync.run.rejects import RejectSpool


class Audience:
    """The chronicle, the rejected records, whoever watches, and whoever tells others."""

    def __init__(
        self, chronicle: Chronicle, spool: RejectSpool, watch: Listener, herald: Herald
    ) -> None:
        self._chronicle = chronicle
        self._spool = spool
        self._watch = watch
        self._herald = herald

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins."""
        self._chronicle.measures.stage(name)
        self._watch.stage(name, total)

    def step(self, count: int = 1) -> None:
        """So many records were read."""
        self._chronicle.records += count
        self._watch.step(count)

    def rejection(self, rejection: Rejection) -> None:
        """A record cannot be used, and is kept."""
        self._chronicle.rejection(rejection)
        self._spool.add(rejection)
        self._watch.rejection(rejection)

    def warning(self, warning: FieldWarning) -> None:
        """A field cannot be used."""
        self._chronicle.warning(warning)
        self._watch.warning(warning)

    def file(self, taken: Taken) -> None:
        """A file's turn comes; what is of our own form is not worth telling."""
        if not taken.is_plain:
            self._watch.note(str(taken))

    def request(self, event: RequestEvent) -> None:
        """A request to Brevo was made, or waits."""
        self._chronicle.measures.request(event)
        self._watch.request(event)

    def outcome(self, outcome: Outcome) -> None:
        """A change has its outcome; what undoes a run is no news from the shop."""
        is_news = self._chronicle.job.undoing is None
        self._chronicle.measures.outcome(outcome, is_news=is_news)
        self._herald.outcome(outcome)
        self._watch.outcome(outcome)
