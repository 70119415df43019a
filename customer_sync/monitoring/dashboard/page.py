"""The report as one HTML page that asks for nothing from anywhere."""

import itertools
from importlib.resources import files

import jinja2
import markupsafe

from customer_sync.monitoring.dashboard import words
from customer_sync.monitoring.dashboard.charts import charts
from customer_sync.monitoring.watching import Overview

MOST_RUNS = 50
MOST_TROUBLES = 20


def render(overview: Overview, *, since: str) -> str:
    """Return the page; whatever came from outside is text on it, never markup."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": words.share,
        "time": words.time,
        "moment": words.moment,
        "remedy": words.remedy,
        "typed": typed,
        "number": "{:,}".format,
    }
    source = (files("customer_sync.monitoring.dashboard") / "page.html.jinja").read_text("utf-8")
    status = overview.status
    drawn = charts(overview.parts, status.figures)
    return environment.from_string(
        source
    ).render(
        overview=overview,
        status=status,
        sums=status.figures,
        since=since,
        rows=words.rows(status.figures, status.standing, status.now),
        charts=[(chart, markupsafe.Markup(chart.drawing)) for chart in drawn],  # noqa: S704 - ours
        runs=overview.runs[:MOST_RUNS],
        troubles=overview.troubles[:MOST_TROUBLES],
        ended=lambda run: words.ended(run, under_way=_under_way(overview)),
        under_way=_under_way(overview),
    )


def typed(text: str) -> markupsafe.Markup:
    """Return *text* with what stands between backticks, which is to be typed, set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return markupsafe.escape(text)
    said = (
        markupsafe.Markup("<code>{}</code>").format(part) if is_typed else markupsafe.escape(part)
        for part, is_typed in zip(parts, itertools.cycle((False, True)), strict=False)
    )
    return markupsafe.Markup("").join(said)


def _under_way(overview: Overview) -> str | None:
    run = overview.status.standing.under_way
    return run.id if run else None
