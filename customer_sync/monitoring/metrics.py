"""The figures in Prometheus' text format, for node_exporter's textfile collector.

What is true now, of a day and of the last run are gauges, the runs ever made a counter. Names and
units follow Prometheus' conventions: base units, ratios between 0 and 1.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest, write_to_textfile
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from customer_sync.core.figures import PastRun
from customer_sync.monitoring.watching import Status

_READABLE = 0o644
"""node_exporter runs as somebody else."""


def write_metrics(path: Path, status: Status, runs_by_exit: Mapping[int | None, int]) -> None:
    """Put the figures at *path* in one step.

    *runs_by_exit* counts all runs there ever were by their exit code.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    write_to_textfile(str(path), registry_of(status, runs_by_exit))
    path.chmod(_READABLE)


def metrics_text(
    status: Status, runs_by_exit: Mapping[int | None, int], *, inbox_records: int
) -> bytes:
    """Return the figures as Prometheus asks for them over HTTP, and how much the inbox holds."""
    registry = registry_of(status, runs_by_exit)
    waiting = Gauge(
        "customer_sync_inbox_records",
        "Records that were received and have not yet gone through the pipeline.",
        ["target"],
        registry=registry,
    )
    waiting.labels(target=status.target).set(inbox_records)
    return generate_latest(registry)


def registry_of(status: Status, runs_by_exit: Mapping[int | None, int]) -> CollectorRegistry:
    """Return everything that is told, ready to be written."""
    board = _Board(status.target)
    _tell_now(board, status)
    _tell_day(board, status)
    if status.standing.last_run is not None:
        _tell_last_run(board, status.standing.last_run)
    board.registry.register(_Runs(status.target, runs_by_exit))
    return board.registry


class _Board:
    """Where gauges are put up; each says which Brevo it is about."""

    def __init__(self, target: str) -> None:
        self.registry = CollectorRegistry()
        self._target = target
        self._gauges: dict[str, Gauge] = {}

    def put(self, name: str, what: str, value: float | None, **labels: str) -> None:
        """Put up a number; what is not known is left out."""
        if value is None:
            return
        if name not in self._gauges:
            self._gauges[name] = Gauge(
                f"customer_sync_{name}", what, ["target", *labels], registry=self.registry
            )
        self._gauges[name].labels(target=self._target, **labels).set(value)


class _Runs(Collector):
    """How many runs there were, as a counter."""

    def __init__(self, target: str, counts: Mapping[int | None, int]) -> None:
        self._family = CounterMetricFamily(
            "customer_sync_runs",
            "Runs there ever were, by exit code; `none` has no end.",
            labels=["target", "exit_code"],
        )
        for code, count in sorted(counts.items(), key=str):
            self._family.add_metric([target, "none" if code is None else str(code)], count)

    def collect(self) -> list[CounterMetricFamily]:
        """Return the counter."""
        return [self._family]


def _tell_now(board: _Board, status: Status) -> None:
    standing = status.standing
    board.put("healthy", "Whether the last run did what it could.", float(status.is_healthy))
    board.put("queue_depth", "Customers that wait for their next try.", standing.queue_depth)
    board.put("dead_letters", "Customers that wait for a person.", standing.dead_letters)
    board.put(
        "next_retry_timestamp_seconds", "When the next retry is due.", _stamp(standing.next_retry)
    )
    success = standing.last_success
    board.put(
        "last_success_timestamp_seconds",
        "When the last run ended that did what it could.",
        _stamp(success.finished_at if success else None),
    )


def _tell_day(board: _Board, status: Status) -> None:
    """Tell the rates of the last 24 hours: too few happens in one run to rate it alone."""
    sums = status.figures
    board.put("day_success_ratio", "Sync success rate of 24 hours.", sums.success_rate)
    board.put("day_error_ratio", "Failed requests ÷ requests of 24 hours.", sums.error_rate)
    for statistic, seconds in (
        ("average", sums.latency.average_s),
        ("median", sums.latency.median_s),
        ("p95", sums.latency.p95_s),
    ):
        board.put(
            "day_latency_seconds",
            "From the shop's word to Brevo, of the changes of 24 hours.",
            seconds,
            statistic=statistic,
        )
    for family, used in sums.budget_used.items():
        board.put(
            "day_budget_used_ratio",
            "Requests ÷ what the account grants in 24 hours.",
            used,
            family=family,
        )


def _tell_last_run(board: _Board, run: PastRun) -> None:
    numbers = run.numbers
    board.put("last_run_timestamp_seconds", "When the last run ended.", _stamp(run.finished_at))
    board.put("last_run_duration_seconds", "How long the last run took.", run.seconds)
    board.put("last_run_exit_code", "What the last run ended with.", run.exit_code)
    for outcome, count in (
        ("applied", numbers.outcomes.applied),
        ("kept", numbers.plan.keep),
        ("deferred", numbers.outcomes.deferred),
        ("failed", numbers.outcomes.failed),
        ("skipped", numbers.plan.skip),
        ("withheld", numbers.withheld),
    ):
        board.put("last_run_customers", "Customers by what became of them.", count, outcome=outcome)
    board.put("last_run_records", "Records that the last run read.", numbers.records_read)
    board.put("last_run_rejections", "Records that it could not use.", numbers.rejections)
    board.put("last_run_drift", "Contacts that had been edited in Brevo.", numbers.drift)
    for route, count in numbers.requests.items():
        board.put("last_run_requests", "Requests by route.", count, route=route)
    for route, count in numbers.failed_requests.items():
        board.put("last_run_failed_requests", "Those that failed.", count, route=route)
    for stage, seconds in numbers.stages.items():
        board.put(
            "last_run_stage_duration_seconds", "How long each stage took.", seconds, stage=stage
        )


def _stamp(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
