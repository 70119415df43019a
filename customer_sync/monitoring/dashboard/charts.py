"""The four figures over time, each as a drawing, a sentence and a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import vl_convert

from customer_sync.core.figures import Figures
from customer_sync.monitoring.dashboard import words

WIDTH, HEIGHT = 320, 160
"""In the drawing's own units: small, so that letters can be read on a phone."""

_UNITS = (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure of every stretch of time."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One drawing, and the same for whoever does not see it."""

    title: str
    sentence: str
    """What the drawing shows at a glance."""
    drawing: str
    """SVG that asks for nothing, in the colours of the page."""
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The stretches, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """How far the drawing reaches upwards, and how its numbers are written."""

    low: float = 0.0
    high: float
    format: str
    unit: float = 1.0
    """What one of its numbers stands for."""


def charts(parts: Sequence[Figures], whole: Figures) -> list[Chart]:
    """Return the charts of the four figures, in their order."""
    return [
        _success(parts, whole),
        _latency(parts, whole),
        _errors(parts, whole),
        _queue(parts),
    ]


def _success(parts: Sequence[Figures], whole: Figures) -> Chart:
    line = Line(name="success rate", values=[p.success_rate for p in parts])
    # Of a rate near all of it, what is missing shall be seen.
    axis = _Axis(low=min(0.9, *_known([line])), high=1.0, format="%")
    sentence = f"{words.share(whole.success_rate)} in all"
    return _chart("Sync success rate", sentence, parts, [line], axis=axis, shown=words.share)


def _latency(parts: Sequence[Figures], whole: Figures) -> Chart:
    taken = [p.latency for p in parts]
    lines = [
        Line(name="average", values=[t.average_s for t in taken]),
        Line(name="median", values=[t.median_s for t in taken]),
        Line(name="p95", values=[t.p95_s for t in taken]),
    ]
    longest = max(_known(lines))
    unit, length = next((u for u in _UNITS if longest >= 2 * u[1]), _UNITS[-1])
    axis = _Axis(high=max(1.0, longest / length), format="~r", unit=length)
    average = words.time(whole.latency.average_s)
    sentence = f"{average} on average, {words.latency(whole.latency)}; in {unit}"
    return _chart("Latency", sentence, parts, lines, axis=axis, shown=words.time)


def _errors(parts: Sequence[Figures], whole: Figures) -> Chart:
    line = Line(name="error rate", values=[p.error_rate for p in parts])
    axis = _Axis(high=max(0.05, *_known([line])), format="%")
    sentence = f"{words.share(whole.error_rate)} of all requests"
    return _chart("Error rate", sentence, parts, [line], axis=axis, shown=words.share)


def _queue(parts: Sequence[Figures]) -> Chart:
    line = Line(name="waiting", values=[p.queue_depth for p in parts])
    axis = _Axis(high=max(4.0, *_known([line])), format="~s")
    sentence = "customers that waited after the last run of each stretch"
    return _chart("Queue depth", sentence, parts, [line], axis=axis, shown=_customers)


def _customers(number: float | None) -> str:
    return words.UNKNOWN if number is None else f"{number:,.0f}"


def _known(lines: Sequence[Line]) -> list[float]:
    """Return the values that are known, and one that is never beyond an axis where none is."""
    values = [value for line in lines for value in line.values if value is not None]
    return values or [1.0]


def _chart(
    title: str,
    sentence: str,
    parts: Sequence[Figures],
    lines: Sequence[Line],
    *,
    axis: _Axis,
    shown: Callable[[float | None], str],
) -> Chart:
    starts = [p.since for p in parts]
    return Chart(
        title=title,
        sentence=sentence,
        drawing=draw(_spec(starts, lines, axis)),
        headings=("from", *(line.name for line in lines)),
        rows=[
            (words.moment(start), *(shown(line.values[i]) for line in lines))
            for i, start in enumerate(starts)
        ],
    )


def draw(spec: Mapping[str, object]) -> str:
    """Return a Vega-Lite drawing as SVG that fits the width that it is given.

    It is an image to whoever listens to the page; its words stand beside it.
    """
    drawn = vl_convert.vegalite_to_svg(dict(spec))
    opening, _, rest = drawn.partition(">")
    view_box = opening[opening.index("viewBox") :]
    return f'<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" {view_box}>{rest}'


def _spec(starts: Sequence[datetime], lines: Sequence[Line], axis: _Axis) -> dict[str, object]:
    """Return the drawing in Vega-Lite's words.

    Lines differ in their strokes and marks, so that nobody needs to see colours.
    """
    names = [line.name for line in lines]
    values = [
        {"at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "line": line.name, "value": value / axis.unit}
        for line in lines
        for start, value in zip(starts, line.values, strict=True)
        if value is not None
    ]
    legend = {"title": None, "orient": "top", "symbolSize": 60} if len(names) > 1 else None

    def by_line(range_: Sequence[object]) -> dict[str, object]:
        return {
            "field": "line",
            "type": "nominal",
            "scale": {"domain": names, "range": list(range_[: len(names)])},
            "legend": legend,
        }

    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "background": None,
        "padding": 4,
        "data": {"values": values},
        "mark": {
            "type": "line",
            "point": {"size": 28, "filled": True},
            "strokeWidth": 2,
            "strokeJoin": "round",
        },
        "encoding": {
            "x": {
                "field": "at",
                "type": "temporal",
                "scale": {"type": "utc", "domain": _ends(starts)},
                "axis": {
                    "title": None,
                    "tickCount": 5,
                    "labelFlush": True,
                    "grid": False,
                    "format": _axis_words(starts),
                },
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [axis.low, axis.high], "nice": axis.high != 1},
                "axis": {"title": None, "tickCount": 4, "format": axis.format},
            },
            "color": by_line(["var(--line-1)", "var(--line-2)", "var(--line-3)"]),
            "strokeDash": by_line([[1, 0], [6, 3], [2, 3]]),
            "shape": by_line(["circle", "square", "triangle-up"]),
        },
        "config": _CONFIG,
    }


def _axis_words(starts: Sequence[datetime]) -> str:
    """Return how the axis tells times: by the clock within two days, by the date beyond."""
    return "%H:%M" if starts[-1] - starts[0] <= timedelta(days=2) else "%d %b"


def _ends(starts: Sequence[datetime]) -> list[str]:
    return [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (starts[0], starts[-1])]


_CONFIG = {
    "view": {"stroke": None},
    "font": "system-ui, sans-serif",
    "axis": {
        "labelColor": "currentColor",
        "labelFontSize": 11.5,
        "gridColor": "var(--grid)",
        "domainColor": "var(--muted)",
        "tickColor": "var(--muted)",
    },
    "legend": {"labelColor": "currentColor", "labelFontSize": 11.5, "symbolStrokeWidth": 0},
}
