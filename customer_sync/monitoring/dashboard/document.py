"""The report as one JSON document."""

import msgspec

from customer_sync.monitoring.watching import Overview


def to_json(overview: Overview) -> bytes:
    """Return the report; times are UTC, durations in seconds, shares between 0 and 1."""
    document = {
        "status": overview.status,
        "parts": overview.parts,
        "troubles": [
            {**msgspec.to_builtins(trouble), "count": count} for trouble, count in overview.troubles
        ],
        "stages": [
            {"stage": stage, **msgspec.to_builtins(taken)} for stage, taken in overview.stages
        ],
        "runs": overview.runs,
    }
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=2)
