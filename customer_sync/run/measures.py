"""What a run measures of itself as it goes: its stages, its requests, and what was rejected."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from customer_sync.brevo.exchange import Attempt, RequestEvent
from customer_sync.clock import Clock
from customer_sync.core.figures import latency_of
from customer_sync.core.model import Applied, Outcome, Rejection
from customer_sync.run.report import RunReport


class Trace(Protocol):
    """Whoever follows a run from outside, moment by moment."""

    def begin(self, run_id: str, command: str, now: datetime) -> None:
        """A run begins."""
        ...

    def stage(self, name: str, now: datetime) -> None:
        """A stage begins, and the one before is over."""
        ...

    def request(self, attempt: Attempt, now: datetime) -> None:
        """A request was answered, or never will be."""
        ...

    def arrived(self, latency_s: float) -> None:
        """Brevo has a change, so many seconds after the shop's word."""
        ...

    def end(self, report: RunReport, now: datetime) -> None:
        """The run is over."""
        ...


class NoTrace:
    """Nobody follows."""

    def begin(self, run_id: str, command: str, now: datetime) -> None:
        """Let it pass."""

    def stage(self, name: str, now: datetime) -> None:
        """Let it pass."""

    def request(self, attempt: Attempt, now: datetime) -> None:
        """Let it pass."""

    def arrived(self, latency_s: float) -> None:
        """Let it pass."""

    def end(self, report: RunReport, now: datetime) -> None:
        """Let it pass."""


class Measures:
    """Counts and times of one run; what it hears it passes on to a trace."""

    def __init__(self, clock: Clock, trace: Trace) -> None:
        self._clock = clock
        self._trace = trace
        self._stage = ""
        self._since = 0.0
        self._stages: dict[str, float] = {}
        self.failed_requests: Counter[str] = Counter()
        """By route, those of the requests that did not succeed."""
        self.broken_rules: Counter[str] = Counter()
        """By rule, how many rejected records break it; one record may break several."""
        self.consent: Counter[str] = Counter()
        """What became of the right to write to people, by what was written."""

    def stage(self, name: str) -> None:
        """Begin a stage, and end the one before."""
        self._end_stage()
        self._stage, self._since = name, self._clock.monotonic()
        self._trace.stage(name, self._clock.now())

    def request(self, event: RequestEvent) -> None:
        """Note what became of a request."""
        if isinstance(event, Attempt):
            self.failed_requests[event.route] += has_failed(event)
            self._trace.request(event, self._clock.now())

    def rejection(self, rejection: Rejection) -> None:
        """Note which rules a record breaks."""
        self.broken_rules.update({problem.rule for problem in rejection.problems})

    def outcome(self, outcome: Outcome, *, is_news: bool = True) -> None:
        """Note whom a change that Brevo has blocks, or lets be written to again.

        What *is news* comes from the shop, at the time that it says; what undoes a run does not.
        """
        if not isinstance(outcome, Applied):
            return
        if is_news:
            self._trace.arrived(latency_of(outcome.change, self._clock.now()))
        patch = outcome.change.patch
        if patch is not None:
            self.consent.update(
                word
                for word, is_so in (
                    ("blocked", patch.email_blocked is True),
                    ("mailable again", patch.email_blocked is False),
                    ("blocked for SMS", patch.sms_blocked is True),
                    ("open to SMS again", patch.sms_blocked is False),
                )
                if is_so
            )

    def end(self, report: RunReport) -> None:
        """End the run, once its report is made."""
        self._trace.end(report, self._clock.now())

    def stages(self) -> Mapping[str, float]:
        """Return the seconds that each stage took so far, in their order."""
        self._end_stage()
        return {name: round(seconds, 3) for name, seconds in self._stages.items()}

    def _end_stage(self) -> None:
        if self._stage:
            now = self._clock.monotonic()
            self._stages[self._stage] = self._stages.get(self._stage, 0.0) + now - self._since
            self._since = now


def has_failed(attempt: Attempt) -> bool:
    """Tell whether a request did not succeed.

    A 404 to a GET is an answer: the run asked whether something is there.
    """
    is_answer_to_a_question = attempt.status == 404 and attempt.route.startswith("GET ")
    return attempt.status is None or (attempt.status >= 400 and not is_answer_to_a_question)
