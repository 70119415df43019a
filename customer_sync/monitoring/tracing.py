"""A run as OpenTelemetry sees it: a span, within it the stages, within them the requests; metrics.

Nothing that it tells is about a person: routes are templates, and messages stay here.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
)
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from customer_sync import __version__
from customer_sync.brevo.exchange import Attempt
from customer_sync.core.figures import ENDED_WELL
from customer_sync.run.measures import has_failed
from customer_sync.run.report import RunReport

NAME = "customer_sync"

PATIENCE_S = 5.0
"""How long one delivery may take at the end of a run, unless OTEL_EXPORTER_OTLP_TIMEOUT says it."""


class Tracing:
    """Follows one run, and delivers what it saw at its end."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        self._tracers = tracers
        self._meters = meters
        self._tracer = tracers.get_tracer(NAME, __version__)
        meter = meters.get_meter(NAME, __version__)
        self._run: Span = trace.INVALID_SPAN
        self._stage: Span = trace.INVALID_SPAN
        self._command = ""
        self._troubles = _Troubles()
        self._requests = meter.create_histogram(
            "http.client.request.duration", "s", "How long requests to Brevo took."
        )
        self._latency = meter.create_histogram(
            "customer_sync.change.latency", "s", "From the shop's word to Brevo."
        )
        self._durations = meter.create_histogram(
            "customer_sync.run.duration", "s", "How long runs took."
        )
        self._customers = meter.create_counter(
            "customer_sync.customers", "{customer}", "Customers by what became of them."
        )
        self._records = meter.create_counter(
            "customer_sync.records", "{record}", "Records by whether they could be used."
        )
        self._queue = meter.create_gauge(
            "customer_sync.queue.depth", "{customer}", "Customers that wait for their next try."
        )
        self._dead = meter.create_gauge(
            "customer_sync.dead_letters", "{customer}", "Customers that wait for a person."
        )

    @property
    def complaints(self) -> Sequence[str]:
        """What could not be delivered."""
        return self._troubles.told

    def begin(self, run_id: str, command: str, now: datetime) -> None:
        """Open the span of the run."""
        self._troubles.listen()
        self._command = command
        self._run = self._tracer.start_span(
            f"customer-sync {command}",
            context=contexts.Context(),
            start_time=_ns(now),
            attributes={
                "customer_sync.run.id": run_id,
                "customer_sync.command": command,
            },
        )

    def stage(self, name: str, now: datetime) -> None:
        """Open the span of a stage, and close the one before."""
        self._stage.end(_ns(now))
        self._stage = self._tracer.start_span(name, context=_within(self._run), start_time=_ns(now))

    def request(self, attempt: Attempt, now: datetime) -> None:
        """Add the span of a request that is over, and its time."""
        method, _, template = attempt.route.partition(" ")
        attributes: dict[str, str | int | float] = {
            "http.request.method": method,
            "url.template": template,
        }
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        if has_failed(attempt):
            attributes["error.type"] = attempt.error or str(attempt.status)
        self._requests.record(attempt.seconds, attributes)
        span = self._tracer.start_span(
            attempt.route,
            context=_within(self._stage),
            kind=SpanKind.CLIENT,
            start_time=_ns(now - timedelta(seconds=attempt.seconds)),
            attributes={
                **attributes,
                "http.request.resend_count": attempt.number - 1,
                "customer_sync.waited_s": attempt.waited_s,
            },
        )
        if has_failed(attempt):
            span.set_status(Status(StatusCode.ERROR))
        span.end(_ns(now))

    def arrived(self, latency_s: float) -> None:
        """Record how long a change took."""
        self._latency.record(latency_s)

    def end(self, report: RunReport, now: datetime) -> None:
        """Close the span of the run, count what it did, and deliver everything."""
        self._stage.end(_ns(now))
        self._count(report)
        self._run.set_attributes(
            {
                "customer_sync.target": report.target,
                "customer_sync.exit_code": int(report.exit_code),
                "customer_sync.records": report.records_read,
                "customer_sync.applied": report.outcomes.applied,
            }
        )
        if report.exit_code not in ENDED_WELL:
            self._run.set_status(Status(StatusCode.ERROR))
        self._run.end(_ns(now))
        self._tracers.shutdown()
        self._meters.shutdown()
        self._troubles.rest()

    def _count(self, report: RunReport) -> None:
        about = {"customer_sync.target": report.target, "customer_sync.command": self._command}
        self._durations.record(
            report.duration_s, {**about, "customer_sync.exit_code": int(report.exit_code)}
        )
        for outcome, count in (
            ("applied", report.outcomes.applied),
            ("kept", report.plan.keep),
            ("deferred", report.outcomes.deferred),
            ("failed", report.outcomes.failed),
            ("skipped", report.plan.skip),
            ("withheld", report.withheld),
        ):
            self._customers.add(count, {**about, "customer_sync.outcome": outcome})
        used = report.records_read - report.rejections
        self._records.add(used, {**about, "customer_sync.is_rejected": False})
        self._records.add(report.rejections, {**about, "customer_sync.is_rejected": True})
        if report.queue_depth is not None and report.dead_letters is not None:
            self._queue.set(report.queue_depth, about)
            self._dead.set(report.dead_letters, about)


class _Troubles(logging.Handler):
    """Hears what OpenTelemetry complains of, instead of the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []
        self._logger = logging.getLogger("opentelemetry")
        self._did_propagate = True

    def listen(self) -> None:
        """Take what is said from here on."""
        self._did_propagate, self._logger.propagate = self._logger.propagate, False
        self._logger.addHandler(self)

    def rest(self) -> None:
        """Leave things as they were."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._did_propagate

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first complaint; those after it say the same."""
        self.told = self.told or [f"telemetry was not delivered: {record.getMessage()}"]


def opened(environ: Mapping[str, str]) -> Tracing:
    """Return what follows a run and delivers as OpenTelemetry's variables say."""
    resource = Resource.create({"service.version": __version__, **_name(environ)})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    for processor in _span_processors(environ):
        tracers.add_span_processor(processor)
    meters = MeterProvider(_readers(environ), resource=resource, shutdown_on_exit=False)
    return Tracing(tracers, meters)


def _name(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our name, unless the operator gives another."""
    is_named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return {} if is_named else {"service.name": "customer-sync"}


def _span_processors(environ: Mapping[str, str]) -> list[SpanProcessor]:
    match _exporter(environ, "OTEL_TRACES_EXPORTER"):
        case "none":
            return []
        case "console":
            return [SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr))]
        case _:
            return [BatchSpanProcessor(OTLPSpanExporter(timeout=_patience(environ)))]


def _readers(environ: Mapping[str, str]) -> list[MetricReader]:
    exporter: MetricExporter
    match _exporter(environ, "OTEL_METRICS_EXPORTER"):
        case "none":
            return []
        case "console":
            exporter = ConsoleMetricExporter(out=sys.stderr)
        case _:
            exporter = OTLPMetricExporter(timeout=_patience(environ))
    return [PeriodicExportingMetricReader(exporter)]


def _exporter(environ: Mapping[str, str], variable: str) -> str:
    return environ.get(variable, "").strip().lower() or "otlp"


def _patience(environ: Mapping[str, str]) -> float | None:
    """Return how long one delivery may take; None: what the variables say."""
    return None if environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else PATIENCE_S


def _within(span: Span) -> contexts.Context:
    """Return the context of *span* and of nothing around the program."""
    return trace.set_span_in_context(span, contexts.Context())


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000_000)
