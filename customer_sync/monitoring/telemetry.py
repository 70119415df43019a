"""Whether OpenTelemetry's own variables ask for it; if they do not, nothing of it is loaded."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from customer_sync.run.measures import NoTrace, Trace

ASKING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
)
"""Any of these asks for it, as OpenTelemetry's specification has them."""


class ToldTrace(Trace, Protocol):
    """A trace that says, when the run is over, what it could not do."""

    @property
    def complaints(self) -> Sequence[str]:
        """Sentences for the operator; none where all went well."""
        ...


class Untraced(NoTrace):
    """Nobody follows, perhaps for a reason."""

    def __init__(self, *complaints: str) -> None:
        self.complaints = complaints


def trace_for(environ: Mapping[str, str]) -> ToldTrace:
    """Return what follows a run, as the environment asks; what cannot be done fails nothing."""
    asking = next((name for name in ASKING if environ.get(name, "").strip()), None)
    if asking is None or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Untraced()
    try:
        from customer_sync.monitoring.tracing import opened  # noqa: PLC0415 - optional packages
    except ImportError:
        return Untraced(
            f"{asking} asks for telemetry, which needs: pip install 'customer-sync[otel]'"
        )
    return opened(environ)
