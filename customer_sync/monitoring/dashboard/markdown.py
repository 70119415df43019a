"""The report as Markdown, for a ticket or a chat."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from customer_sync.monitoring.dashboard import words
from customer_sync.monitoring.watching import Overview

MOST_RUNS = 20
MOST_TROUBLES = 20


def to_markdown(overview: Overview, *, since: str) -> str:
    """Return the report; whatever came from outside is text in it, never markup."""
    return "\n".join(_lines(overview, since)) + "\n"


def _lines(overview: Overview, since: str) -> Iterator[str]:
    status, sums = overview.status, overview.status.figures
    yield f"# customer-sync, the last {_text(since)}"
    yield ""
    verdict = "healthy" if status.is_healthy else f"unhealthy: {'; '.join(status.problems)}"
    yield f"**{_text(verdict)}**"
    for remark in status.remarks:
        yield ""
        yield _typed(remark)
    yield ""
    yield (f"{words.moment(sums.since)} to {words.moment(sums.until)} UTC; target: {status.target}")
    yield from _table(("figure", "", "made of"), words.rows(sums, status.standing, status.now))
    yield from _troubles(overview)
    yield from _counts("Rejected records by rule", sums.broken_rules)
    yield from _counts("Consent", sums.consent)
    yield from _counts("Drift, and what else was noticed", sums.notes)
    yield from _counts("Requests by route", sums.routes)
    if overview.stages:
        yield from _heading("Slowest stages")
        yield from _table(
            ("stage", "runs", "average", "p95"),
            (
                (stage, f"{taken.changes:,}", words.time(taken.average_s), words.time(taken.p95_s))
                for stage, taken in overview.stages
            ),
        )
    yield from _runs(overview)


def _troubles(overview: Overview) -> Iterator[str]:
    yield from _heading("What went wrong")
    if not overview.troubles:
        yield ""
        yield "Nothing was reported."
        return
    yield from _rows(
        ("how often", "what", "message", "what to do"),
        (
            (f"{count:,}", _text(words.name(one)), _text(one.message), _typed(words.remedy(one)))
            for one, count in overview.troubles[:MOST_TROUBLES]
        ),
    )


def _runs(overview: Overview) -> Iterator[str]:
    under_way = overview.status.standing.under_way
    yield from _heading("Runs")
    yield from _table(
        ("began (UTC)", "command", "ended with", "took", "applied", "deferred", "failed"),
        (
            (
                words.moment(run.started_at),
                run.command,
                words.ended(run, under_way=under_way.id if under_way else None),
                words.time(run.seconds),
                f"{run.numbers.outcomes.applied:,}",
                f"{run.numbers.outcomes.deferred:,}",
                f"{run.numbers.outcomes.failed:,}",
            )
            for run in overview.runs[:MOST_RUNS]
        ),
    )


def _counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield from _heading(title)
        yield from _table(("", "how often"), ((w, f"{n:,}") for w, n in counts.items()))


def _heading(title: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from _rows(headings, (tuple(map(_text, row)) for row in rows))


def _rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _text(text: str) -> str:
    """Return *text* on one line, without what Markdown or HTML would read as markup."""
    return _escaped(" ".join(text.split()))


def _typed(text: str) -> str:
    """Return *text* as `_text` does, but what is to be typed, between backticks, stays code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if _CODE.fullmatch(part) else _escaped(part) for part in parts)


_CODE = re.compile(r"(`[\w ./:;,='%{}…-]+`)")
"""Nothing in it means anything to a table or to HTML."""


def _escaped(line: str) -> str:
    plain = html.escape(line, quote=False)
    return "".join(
        f"\\{character}" if character in r"\`*_[]|#~" else character for character in plain
    )
