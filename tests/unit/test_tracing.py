"""Runs as OpenTelemetry sees them, kept in memory or taken by a collector on this machine."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from customer_sync.errors import ExitCode
from customer_sync.monitoring.telemetry import Untraced, trace_for
from customer_sync.monitoring.tracing import Tracing
from customer_sync.store import RunLock
from session_stage import Shop, event
from worlds import World

JANE = event("created", 1, at="2024-01-15T10:00:00Z", firstName="Jane")
BROKEN = {"event": "customer_created", "timestamp": "p9@example.com", "data": {"id": "2"}}


class Kept(MetricExporter):
    """Keeps what is exported."""

    def __init__(self) -> None:
        super().__init__()
        self.exported: list[MetricsData] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: object
    ) -> MetricExportResult:
        """Keep it."""
        self.exported.append(metrics_data)
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Do nothing."""
        return True

    def points(self) -> dict[str, list[Any]]:
        """Return the points of each metric."""
        return {
            metric.name: list(metric.data.data_points)
            for exported in self.exported
            for resource in exported.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


class Seen:
    """One run of a shop, as it was seen."""

    def __init__(self, shop: Shop, *events: object) -> None:
        spans, self.metrics = InMemorySpanExporter(), Kept()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(spans))
        meters = MeterProvider(
            [PeriodicExportingMetricReader(self.metrics)], shutdown_on_exit=False
        )
        shop.trace = Tracing(tracers, meters)
        self.report = shop.run(*events)
        self.spans: Sequence[ReadableSpan] = spans.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        """Return the one span of a name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def parent(self, span: ReadableSpan) -> str:
        """Return the name of the span that another lies in."""
        return next((s.name for s in self.spans if span.parent and s.context == span.parent), "")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop."""
    return Shop(tmp_path)


def test_requests_lie_in_stages_and_stages_in_the_run(shop: Shop) -> None:
    """Each with its time, within the other's."""
    seen = Seen(shop, JANE)
    assert seen.parent(seen.span("POST /contacts")) == "apply"
    assert seen.parent(seen.span("GET /contacts/attributes")) == "prepare"
    for stage in ("prepare", "read", "observe", "plan", "apply"):
        assert seen.parent(seen.span(stage)) == "customer-sync run"
    for span in seen.spans:
        (outer, *_) = [s for s in seen.spans if s.name == seen.parent(span)] or [span]
        assert None not in (span.start_time, span.end_time, outer.start_time, outer.end_time)
        assert (outer.start_time or 0) <= (span.start_time or 0) <= (span.end_time or 0)
        assert (span.end_time or 0) <= (outer.end_time or 0)


def test_the_run_tells_how_it_ended(shop: Shop) -> None:
    """In numbers, and by the id that the history has."""
    attributes = Seen(shop, JANE).span("customer-sync run").attributes or {}
    assert attributes["customer_sync.run.id"] == "r001"
    assert attributes["customer_sync.exit_code"] == ExitCode.OK
    assert attributes["customer_sync.applied"] == 1


def test_a_request_that_failed_is_an_error_and_the_next_attempt_is_none(shop: Shop) -> None:
    """Each attempt has a span of its own."""
    shop.break_requests("POST /contacts", status=503)
    seen = Seen(shop, JANE)
    first, second = (s for s in seen.spans if s.name == "POST /contacts")
    assert (first.status.status_code, second.status.status_code) == (
        StatusCode.ERROR,
        StatusCode.UNSET,
    )
    assert (first.attributes or {})["error.type"] == "503"
    assert (second.attributes or {})["http.request.resend_count"] == 1
    assert seen.span("customer-sync run").status.status_code is StatusCode.UNSET


def test_a_request_without_an_answer_says_what_broke(shop: Shop) -> None:
    """There is no status to tell."""
    shop.break_requests("POST /contacts", status=None)
    first, _ = (s for s in Seen(shop, JANE).spans if s.name == "POST /contacts")
    assert (first.attributes or {})["error.type"]
    assert "http.response.status_code" not in (first.attributes or {})


def test_a_run_that_was_stopped_is_an_error(shop: Shop) -> None:
    """Brevo was not to be reached."""
    shop.break_requests("*", status=503, times=100)
    seen = Seen(shop, JANE)
    assert seen.report.exit_code == ExitCode.UNAVAILABLE
    assert seen.span("customer-sync run").status.status_code is StatusCode.ERROR


def test_metrics_count_what_the_report_counts(shop: Shop) -> None:
    """Customers, records, requests, the queue, and how long a change took."""
    points = Seen(shop, JANE, BROKEN).metrics.points()
    customers = {
        p.attributes["customer_sync.outcome"]: p.value for p in points["customer_sync.customers"]
    }
    assert (customers["applied"], customers["failed"]) == (1, 0)
    records = {
        p.attributes["customer_sync.is_rejected"]: p.value for p in points["customer_sync.records"]
    }
    assert records == {True: 1, False: 1}
    (latency,) = points["customer_sync.change.latency"]
    assert latency.count == 1
    assert latency.sum > 86_400
    assert sum(p.count for p in points["http.client.request.duration"]) >= 3
    assert [p.value for p in points["customer_sync.queue.depth"]] == [0]
    assert points["customer_sync.run.duration"][0].count == 1


def test_a_queue_that_nobody_could_look_at_is_not_told(shop: Shop) -> None:
    """Another run held the state; a zero would be a claim."""
    shop.run(JANE)
    with RunLock(shop.state / "lock", now=shop.clock.now()):
        seen = Seen(shop, JANE)
    assert seen.report.exit_code == ExitCode.BUSY
    assert "customer_sync.queue.depth" not in seen.metrics.points()


def test_nothing_is_about_a_person(shop: Shop) -> None:
    """No address, no name, no number: neither in spans nor in metrics."""
    shop.run(JANE)
    changed = event("updated", 1, at="2024-01-16T10:00:00Z", firstName="Janet")
    seen = Seen(shop, changed, BROKEN)
    told = " ".join(
        [span.to_json() for span in seen.spans] + [e.to_json() for e in seen.metrics.exported]
    )
    assert "PUT /contacts/{identifier}" in told
    for secret in ("example.com", "@", "Jane", "p1"):
        assert secret not in told


# ---------------------------------------------------------------- being asked


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Serve what takes telemetry, and yield its address and what it was sent, by path."""
    taken: dict[str, bytes] = {}

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken[self.path] = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> World:
    """Return a world with something to sync."""
    world = World(folder=tmp_path, capsys=capsys)
    world.configure()
    world.write("events.jsonl", [JANE])
    return world


def test_a_collector_is_sent_traces_and_metrics(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where OpenTelemetry's own variable says it is."""
    with collector() as (url, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        result = world.call("run", "events.jsonl")
    assert (result.exit_code, "note:" in result.err) == (ExitCode.OK, False)
    assert taken["/v1/metrics"]
    (sent,) = ExportTraceServiceRequest.FromString(taken["/v1/traces"]).resource_spans
    resource = {a.key: a.value.string_value for a in sent.resource.attributes}
    assert resource["service.name"] == "customer-sync"
    assert "POST /contacts" in {span.name for scope in sent.scope_spans for span in scope.spans}


def test_the_operator_may_give_another_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenTelemetry's own variable has it."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop-a")
    with collector() as (url, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        world.call("run", "events.jsonl")
    (sent,) = ExportTraceServiceRequest.FromString(taken["/v1/traces"]).resource_spans
    names = [a.value.string_value for a in sent.resource.attributes if a.key == "service.name"]
    assert names == ["shop-a"]


def test_a_collector_that_refuses_fails_no_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, and not in OpenTelemetry's own words on the terminal."""
    with collector(status=400) as (url, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        result = world.call("run", "events.jsonl", "--quiet")
    assert result.exit_code == ExitCode.OK
    (line,) = result.err.splitlines()
    assert line.startswith("note: telemetry was not delivered: ")


def test_the_console_is_standard_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is for the document."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    result = world.call("run", "events.jsonl", "--json")
    assert result.document["outcomes"]["applied"] == 1
    assert '"name": "POST /contacts"' in result.err


def test_each_signal_can_be_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenTelemetry's own variables have it."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "console")
    result = world.call("run", "events.jsonl")
    assert "customer_sync.run.duration" in result.err
    assert '"span_id"' not in result.err


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": " "},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"},
    ],
)
def test_nobody_follows_unless_asked(environ: dict[str, str]) -> None:
    """Or when OpenTelemetry is switched off."""
    found = trace_for(environ)
    assert isinstance(found, Untraced)
    assert found.complaints == ()


def test_missing_packages_are_told_and_fail_no_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables may be set for others."""
    monkeypatch.setitem(sys.modules, "customer_sync.monitoring.tracing", None)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    result = world.call("run", "events.jsonl")
    assert result.exit_code == ExitCode.OK
    assert "pip install 'customer-sync[otel]'" in result.err


def test_what_nobody_asked_for_is_not_loaded() -> None:
    """Optional and heavy packages cost nothing where they are not used."""
    program = (
        "import sys, customer_sync.cli; "
        "print([n for n in ('opentelemetry', 'prometheus_client', 'jinja2', 'vl_convert')"
        " if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
